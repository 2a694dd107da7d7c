"""Messages → the prompt that a chat model really reads, and who wrote which part of it.

A chat template is a small Jinja program that comes with the tokenizer (`playground.subjects.templates`).
Where the words of a message stand is found by rendering the template a second time with marks instead
of words: what stands between the marks is the template's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.errors import BadInput
from playground.subjects import surrogates, templates
from playground.subjects.reading import Encoded, Reader

ROLES = ("system", "user", "assistant")
MARK = re.compile("\uf8ff([0-9]+)\uf8fe")  # private-use characters, which no template writes


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
        BadInput: anything else, an unknown role, half of a surrogate pair, or none at all.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise BadInput("messages_malformed")
    if not messages:
        raise BadInput("messages_empty")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise BadInput("messages_malformed")
        if message.get("role") not in ROLES:
            raise BadInput("role_unknown", role=str(message.get("role"))[:40], roles=", ".join(ROLES))
        surrogates.check(message["content"])
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def render(
    reader: Reader, name: str, template: str | None, messages: object, *, add_generation_prompt: bool = True
) -> Rendered:
    """The prompt, its segments and its tokens (tokenized without adding special tokens again).

    Args:
        template: the Jinja source, or None to use the tokenizer's own.

    Raises:
        BadInput: no template, bad messages, or messages that the template refuses.
        TookTooLong, DoesNotFit: a template that does not end, or swallows all memory.
    """
    asked = check_messages(messages)
    source = template or _own_template(reader.tokenizer)
    if not source:
        raise BadInput("no_template", name=name)
    marked = [{"role": m["role"], "content": _mark(order)} for order, m in enumerate(asked)]
    job = templates.Job(source, [asked, marked], _values(reader), add_generation_prompt)
    prompt, skeleton = templates.render(job, trusted=template is not None)
    assert prompt is not None
    segments = _segments(prompt, skeleton, asked)
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
    if isinstance(own, dict):
        own = own.get("default")
    return own if isinstance(own, str) else None


def _values(reader: Reader) -> dict[str, str]:
    named = {f"{role}_token": reader.piece(id).piece for role, id in reader.specials().items()}
    own = getattr(reader.tokenizer, "special_tokens_map", {})  # some models name more of them
    return named | {name: str(token) for name, token in own.items() if isinstance(token, str)}


def _mark(order: int) -> str:
    return f"\uf8ff{order}\uf8fe"


def _segments(prompt: str, skeleton: str | None, messages: list[dict[str, str]]) -> list[Segment]:
    """Who wrote what, from the prompt and from the same prompt with marks for words.

    A template may trim what it is given: of several ways to read the prompt, the first that explains all
    of it is taken; if none does (a template that looks into the words), the one that explains the most.
    """
    found: list[Segment] = []
    if skeleton is not None:
        parts = MARK.split(skeleton)  # template, number, template, number, …, template
        literals = parts[::2]
        orders = [int(number) for number in parts[1::2]]
        found = _explained(prompt, literals, [messages[order] for order in orders])
    at = found[-1].end if found else 0
    return [*found, Segment(at, len(prompt), "template")] if at < len(prompt) else found


def _explained(prompt: str, literals: list[str], written: list[dict[str, str]]) -> list[Segment]:
    if not prompt.startswith(literals[0]):
        return []
    # After each message: every place where the template may have gone on, and the place before it.
    reached: list[dict[int, tuple[int, int]]] = [{len(literals[0]): (0, 0)}]
    for message, literal in zip(written, literals[1:], strict=True):
        content = message["content"]
        ways: dict[int, tuple[int, int]] = {}
        for words in dict.fromkeys((content, content.rstrip(), content.lstrip(), content.strip())):
            for before in reached[-1]:
                end = before + len(words)
                if prompt.startswith(words, before) and prompt.startswith(literal, end):
                    ways.setdefault(end + len(literal), (before, end))
        if not ways:
            break
        reached.append(ways)
    complete = len(reached) > len(written)
    after = len(prompt) if complete and len(prompt) in reached[-1] else min(reached[-1])
    found: list[Segment] = []
    for order in range(len(reached) - 1, 0, -1):
        before, end = reached[order][after]
        found.append(Segment(end, after, "template"))
        found.append(Segment(before, end, written[order - 1]["role"]))
        after = before
    found.append(Segment(0, after, "template"))
    return [segment for segment in reversed(found) if segment.start < segment.end]


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
