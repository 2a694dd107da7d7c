"""The prompt of a chat model under the hood: who wrote which part, and which tokens."""

from __future__ import annotations

from functools import partial

from playground import text as words
from playground.engine.generation.conversation import Part, Prompt
from playground.engine.tokenizers.adapter import Adapter
from playground.ui.html import escape, note, number, table, visible

MOST = 3000  # tokens drawn one by one; a longer prompt shows its end
COLOURS = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "template": "template",
    "cue": "template",
}


def under_the_hood(prompt: Prompt, adapter: Adapter, lang: str) -> str:
    """Tokens by part, the whole prompt as text, and as tokens, coloured by source."""
    say = partial(words.say, lang=lang)
    lines = [
        [
            f'<i class="src src-{COLOURS[part.source]}">{escape(_name(part, lang))}</i>',
            f"<code>{visible(_short(prompt.text[part.start : part.end]))}</code>",
            number(part.tokens),
        ]
        for part in prompt.parts
    ]
    head = [escape(say(f"chat.{key}")) for key in ("part", "text", "tokens")]
    spans = "".join(
        f'<span class="src src-{COLOURS[part.source]}" title="{escape(_name(part, lang))}">'
        f"{visible(prompt.text[part.start : part.end])}</span>"
        for part in prompt.parts
    )
    shown = prompt.tokens(adapter)
    left_out = max(0, len(shown) - MOST)
    chips = "".join(
        f'<span class="t src-{COLOURS[prompt.parts[owner].source]}" title="{id}">{visible(piece)}</span>'
        for id, piece, owner in shown[left_out:]
    )
    told = note(say("chat.prompt_tokens", count=number(len(prompt.ids))))
    if left_out:
        told += note(say("chat.prompt_end_only", count=number(left_out)))
    return (
        table(head, lines, "chat-parts")
        + f"<h5>{escape(say('chat.prompt_text'))}</h5>"
        + f'<div class="tok-text plain" dir="auto">{spans}</div>'
        + f"<h5>{escape(say('chat.prompt_pieces'))}</h5>{told}"
        + f'<div class="tok-text by-source" dir="ltr">{chips}</div>'
    )


def _name(part: Part, lang: str) -> str:
    name = words.say(f"chat.source_{part.source}", lang)
    return f"{name} {part.message + 1}" if part.message >= 0 and part.source != "system" else name


def _short(content: str, limit: int = 80) -> str:
    return content if len(content) <= limit else content[:limit] + "…"
