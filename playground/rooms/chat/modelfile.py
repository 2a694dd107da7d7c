"""An Ollama Modelfile of a chat: FROM, TEMPLATE, SYSTEM and PARAMETERs, and the commands that follow it.

Ollama's templates are Go's, a tokenizer's are Jinja: ours is found by rendering the Jinja one and looking at
what it writes before, between and after the words.
"""

from __future__ import annotations

import re

from playground.engine.generation import chat_template, generate
from playground.engine.generation.sampling import Settings
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded

BROKEN = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")  # would end the line of a name
QUOTES = re.compile('"{3}|^"|"$')  # would end or lengthen the three marks around a text
SPELLED = re.compile(r'\{\{|"{2,}|^"|"$')
SYSTEM, USER, REPLY = "\uf8fesystem\uf8ff", "\uf8feuser\uf8ff", "\uf8fereply\uf8ff"


def write(loaded: Loaded, system: str, settings: Settings) -> str:
    """The file's text.

    Args:
        loaded: with a causal model and its tokenizer.
        system: the system prompt; "" for none.
    """
    card = loaded.card
    folder = BROKEN.sub("_", card.where.rpartition("/")[2] if card.source == "hub" else card.name)
    template, stop = _template(loaded)
    lines = []
    if card.source == "hub":
        lines.append(f"# hf download {card.where} --local-dir {folder}")
    lines += [f"# ollama create {folder.lower()} -f Modelfile", f"# ollama run {folder.lower()}", ""]
    lines += [f"FROM ./{folder}", f'TEMPLATE """{template}"""']
    if system:
        lines.append(f'SYSTEM """{enclosed(system)}"""')
    window = generate.window(loaded)
    parameters = {
        "temperature": settings.temperature, "top_p": settings.top_p, "min_p": settings.min_p,
        # There 0 leaves nothing to draw from, and a penalty looks back 64 tokens only.
        "top_k": settings.top_k or 100_000, "repeat_penalty": settings.repetition_penalty,
        "num_predict": settings.max_new_tokens, "seed": settings.seed, "num_ctx": window,
    }  # fmt: skip
    lines += [f"PARAMETER {name} {value}" for name, value in parameters.items() if value is not None]
    if stop and QUOTES.search(stop) is None:  # what has such marks cannot be said in this language
        mark = '"""' if BROKEN.search(stop) or '"' in stop else '"'
        lines.append(f"PARAMETER stop {mark}{stop}{mark}")
    return "\n".join(lines) + "\n"


def enclosed(text: str) -> str:
    """A text that may stand between three quotation marks, and never ends them.

    A Modelfile knows no escape: the block ends where three marks follow each other, whoever wrote them. So of
    more than two in a row two are left, and a blank parts the text from the marks around it.
    """
    text = re.sub('"{3,}', '""', text)
    return (" " if text.startswith('"') else "") + text + (" " if text.endswith('"') else "")


def _template(loaded: Loaded) -> tuple[str, str]:
    """In Go's language, and the text that ends a reply."""
    user, reply = {"role": "user", "content": USER}, {"role": "assistant", "content": REPLY}
    try:
        asked = _rendered(loaded, [user], cue=True)
        whole = _rendered(loaded, [user, reply], cue=False)
    except BadInput as error:
        if chat_template.has_no_template(error):
            return "{{ .Prompt }}", ""  # it goes on with what it is given
        raise
    before, _, cue = asked.partition(USER)
    end = whole.partition(REPLY)[2]
    try:
        made = _rendered(loaded, [{"role": "system", "content": SYSTEM}, user], cue=True)
    except BadInput:
        made = ""
    if SYSTEM in made:
        first, _, rest = made.partition(SYSTEM)
        between = rest.partition(USER)[0]
        opening = (
            "{{ if .System }}" + _go(first) + "{{ .System }}" + _go(between)
            + "{{ else }}" + _go(before) + "{{ end }}"
        )  # fmt: skip
    else:
        opening = _go(before)  # this model knows no system prompt, and says so or says nothing
    return opening + "{{ .Prompt }}" + _go(cue) + "{{ .Response }}" + _go(end), end.strip()


def _rendered(loaded: Loaded, messages: list[dict[str, str]], *, cue: bool) -> str:
    card = loaded.card
    made = chat_template.render(
        adapter(loaded), card.name, None, messages, add_generation_prompt=cue, source=card.source
    )
    # The beginning of a text is for the program that reads it to mark, not for the template.
    return made.prompt.removeprefix(made.bos) if made.bos else made.prompt


def _go(literal: str) -> str:
    """A literal in Go's language: what would begin an action there, or end the block here, is spelled out."""

    def spelled(found: re.Match[str]) -> str:
        marks = found[0].replace('"', '\\"')
        return '{{ "' + marks + '" }}'

    return SPELLED.sub(spelled, literal)
