"""A conversation as the prompt that the model reads, coloured by who wrote what."""

from __future__ import annotations

from functools import partial

from playground import text as words
from playground.engine.generation.chat_template import Rendered
from playground.engine.tokenizers.tokenize import Tokenized
from playground.rooms.tokens.view import chips
from playground.ui.html import escape, note, number, visible

SOURCES = ("template", "system", "user", "assistant")


def prompt(rendered: Rendered, tokenized: Tokenized, lang: str) -> str:
    """The prompt by source, its tokens by source, how many each wrote, and the double-BOS warning."""
    say = partial(words.say, lang=lang)
    names = {source: say(f"tokens.source_{source}") for source in SOURCES}
    spans = "".join(
        f'<span class="src src-{s.source}" title="{escape(names[s.source])}">'
        f"{visible(rendered.prompt[s.start : s.end])}</span>"
        for s in rendered.segments
    )
    counts = {source: rendered.sources.count(source) for source in SOURCES}
    legend = "".join(
        f'<span><i class="src src-{source}">{escape(names[source])}</i> {number(count)}</span>'
        for source, count in counts.items()
        if count
    )
    body = chips(tokenized, 0, tokenized.count, 0, len(rendered.prompt), rendered.sources)
    warning = ""
    if rendered.doubled > 1:
        warning = note(say("tokens.double_bos", bos=rendered.bos, count=rendered.doubled), "warning")
    return (
        f'{warning}<div class="tok-legend">{legend}</div>'
        f"<h5>{escape(say('tokens.chat_prompt'))}</h5>"
        f'<div class="tok-text plain" dir="auto">{spans}</div>'
        f"<h5>{escape(say('tokens.chat_tokens', count=number(tokenized.count)))}</h5>"
        f'<div class="tok-text by-source" dir="auto">{body}</div>'
    )
