"""Messages → the prompt that a chat model really reads, and who wrote which part of it.

A chat template is a small Jinja program that comes with the tokenizer. It is rendered in a sandbox.
Where the words of a message stand is found by rendering the template a second time with marks instead
of words: what stands between the marks is the template's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.errors import BadInput
from playground.subjects.readers import Encoded, Reader

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Segment:
    """A stretch of the prompt, [start, end) in code points, and who wrote it: a role or "template"."""

    start: int
    end: int
    source: str


@dataclass(frozen=True)
class Rendered:
    """A conversation as one prompt."""

    prompt: str
    segments: list[Segment]
    encoded: Encoded
    sources: list[str]  # of each token
    bos: str  # "" where there is none
    doubled: int  # tokens saying "begin" if the prompt were tokenized with special tokens on


def check_messages(messages: object) -> list[dict[str, str]]:
    """Messages as a list of ``{"role", "content"}``.

    Raises:
        BadInput: anything else, an unknown role, or none at all.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise BadInput("messages_empty")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise BadInput("messages_malformed")
        if message.get("role") not in ROLES:
            raise BadInput("role_unknown", role=str(message.get("role"))[:40], roles=", ".join(ROLES))
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def render(
    reader: Reader, name: str, template: str | None, messages: object, *, add_generation_prompt: bool = True
) -> Rendered:
    """The prompt, its segments and its tokens (tokenized without adding special tokens again).

    Args:
        template: the Jinja source, or None to use the tokenizer's own.

    Raises:
        BadInput: no template, bad messages, or messages that the template refuses.
    """
    asked = check_messages(messages)
    source = template or _own_template(reader.tokenizer)
    if not source:
        raise BadInput("no_template", name=name)
    values = _values(reader)
    prompt = _jinja(source, asked, values, add_generation_prompt)
    segments = _segments(prompt, source, asked, values, add_generation_prompt)
    markup = [(s.start, s.end) for s in segments if s.source == "template"]
    encoded = reader.encode_prompt(prompt, markup)
    bos = reader.specials().get("bos", reader.specials().get("cls"))
    begins = int((encoded.ids == bos).sum()) if bos is not None else 0
    again = reader.encode(" ", special=True)
    adds_bos = bos is not None and bool((again.ids[again.added] == bos).any())
    return Rendered(
        prompt,
        segments,
        encoded,
        _sources(encoded, segments),
        reader.piece(bos).piece if bos is not None else "",
        begins + adds_bos,
    )


def _own_template(tokenizer: Any) -> str | None:
    own = getattr(tokenizer, "chat_template", None)
    return own.get("default") if isinstance(own, dict) else own


def _values(reader: Reader) -> dict[str, str]:
    return {f"{role}_token": reader.piece(id).piece for role, id in reader.specials().items()}


def _jinja(source: str, messages: list[dict[str, str]], values: dict[str, str], generation: bool) -> str:
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        rendered = render_jinja_template(
            [messages], chat_template=source, add_generation_prompt=generation, **values
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise BadInput("template_refused", reason=str(error)[:200]) from error
    return rendered[0][0] if isinstance(rendered, tuple) else rendered[0]


def _segments(
    prompt: str, source: str, messages: list[dict[str, str]], values: dict[str, str], generation: bool
) -> list[Segment]:
    marks = [f"\uf8ff{order}\uf8fe" for order in range(len(messages))]
    marked = [{**message, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    try:
        skeleton = _jinja(source, marked, values, generation)
    except BadInput:  # a template that looks into the words: all of it is told as the template's
        return [Segment(0, len(prompt), "template")]
    found: list[Segment] = []
    at, rest = 0, skeleton
    order_of = sorted((rest.find(mark), order) for order, mark in enumerate(marks) if mark in rest)
    for _, order in order_of:
        literal, _, rest = rest.partition(marks[order])
        following = rest[: min((rest.find(mark) for mark in marks if mark in rest), default=len(rest))]
        content = messages[order]["content"]
        for words in (content, content.strip(), content.lstrip(), content.rstrip()):
            end = at + len(literal) + len(words)
            if prompt.startswith(literal + words + following, at):
                break
        else:
            break
        if literal:
            found.append(Segment(at, at + len(literal), "template"))
        if words:
            found.append(Segment(at + len(literal), end, messages[order]["role"]))
        at = end
    if at < len(prompt):
        found.append(Segment(at, len(prompt), "template"))
    return found


def _sources(encoded: Encoded, segments: list[Segment]) -> list[str]:
    """Whose a token is: whose the most of its characters are."""
    sources, index = [], 0
    for start, end in zip(encoded.starts.tolist(), encoded.ends.tolist(), strict=True):
        while index + 1 < len(segments) and segments[index].end <= start:
            index += 1
        best, most = segments[index].source if segments else "template", 0
        for segment in segments[index:]:
            if segment.start >= end:
                break
            overlap = min(end, segment.end) - max(start, segment.start)
            # Of a blank of the template and one letter of a message, the letter tells whose it is.
            if overlap > most or (overlap == most and best == "template"):
                best, most = segment.source, overlap
        sources.append(best)
    return sources
