"""The learners' examination: `data/learners.txt`, in learners' own words, and what their answers are worth.

A reply is right, a refusal, or wrong. Right is only what says everything that is needed and nothing that is
forbidden, in the language and script of the question, short, and to its own end: neither a list of everything
nor a definition recited where something else was asked counts.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any

from .chinese import HAN, foreign_to_mainland, foreign_to_taiwan
from .document import Turn
from .shape import DATA
from .wording import LANGUAGES, Language, normal

KINDS = ("subject", "world", "talk", "follow", "decline")
RIGHT, DECLINED, WRONG = "right", "declined", "wrong"
_REFUSES = ("don't know", "do not know", "不知道")
_STORY = ("once", "從前", "从前")  # what a story begins with
_LONGEST = 60  # words; a story may be longer
_LONGEST_HAN = 110
_TOKENS, _STORY_TOKENS = 160, 400  # what is longer is no right reply


@dataclasses.dataclass(frozen=True)
class Asked:
    """One question. `needed`: groups, of each at least one must be said; none at all: to be declined."""

    language: Language
    kind: str
    turns: tuple[Turn, ...]
    needed: tuple[tuple[str, ...], ...]
    forbidden: tuple[str, ...]


@functools.cache
def questions() -> tuple[Asked, ...]:
    """All questions of the file."""
    found = []
    for line in (DATA / "learners.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        head, texts, needed, *rest = (part.strip() for part in f"{line} ".split(" | "))
        language, kind = head.split()
        turns = tuple(
            Turn("assistant" if place % 2 else "user", text.strip())
            for place, text in enumerate(texts.split(" // "))
        )
        groups = tuple(tuple(_parts(group, "/")) for group in _parts(needed, ";"))
        found.append(Asked(language, kind, turns, groups, tuple(_parts("".join(rest), ","))))
    return tuple(found)


def _parts(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]


@functools.cache
def asked() -> frozenset[str]:
    """What no document of the corpus may ask: the last question of each, as `wording.normal` leaves it."""
    return frozenset(normal(one.turns[-1].text) for one in questions())


def says(reply: str, part: str) -> bool:
    """Whether a reply holds a word ("*" at its end: its beginning) or, in Chinese, a part of a sentence."""
    if not part.isascii():
        return part in reply
    stem = part.rstrip("*")
    after = "" if part.endswith("*") else "(?![a-z0-9])"
    return re.search(rf"(?<![a-z0-9]){re.escape(stem.casefold())}{after}", reply.casefold()) is not None


def in_language(reply: str, language: Language) -> bool:
    """Whether a reply is in the language and script of its question; in Chinese with names in Latin letters,
    and numbers alone are of every language."""
    han = len(HAN.findall(reply))
    if language == "en":
        return han == 0
    foreign = foreign_to_taiwan if language == "tw" else foreign_to_mainland
    return (han > 0 or not re.search("[a-z]", reply.casefold())) and not foreign(reply)


def _is_story(question: Asked) -> bool:
    """Whether a story is asked for."""
    return any(part in _STORY for group in question.needed for part in group)


def _says_one(reply: str, group: tuple[str, ...]) -> bool:
    """Whether one of a group is said. A group that begins with "@" names what is spoken about: a reply of at
    most three words, or four characters, need not."""
    if group[0].startswith("@"):
        if len(reply.split()) <= 3 and len(HAN.findall(reply)) <= 4 and "=" not in reply:
            return True
        group = (group[0][1:], *group[1:])
    return any(says(reply, part) for part in group)


def verdict(question: Asked, reply: str, ended: bool) -> str:
    """RIGHT, DECLINED or WRONG. To decline what is to be declined is right."""
    declined = any(mark in reply for mark in _REFUSES)
    if not question.needed:
        return RIGHT if declined and in_language(reply, question.language) else WRONG
    if declined:
        return DECLINED
    said = all(_says_one(reply, group) for group in question.needed)
    if not said or any(says(reply, part) for part in question.forbidden):
        return WRONG
    short = _is_story(question) or (
        len(reply.split()) <= _LONGEST and len(HAN.findall(reply)) <= _LONGEST_HAN
    )
    return RIGHT if ended and short and in_language(reply, question.language) else WRONG


def examine(model: Any, tokenizer: Any) -> dict[str, Any]:
    """Asks everything and counts: figures by kind and language, and every reply."""
    from . import answering

    tales = [one for one in questions() if _is_story(one)]
    all_asked = [one for one in questions() if not _is_story(one)] + tales
    short = all_asked[: -len(tales)]
    replies = answering.answers(model, tokenizer, [one.turns for one in short], _TOKENS)
    replies += answering.answers(model, tokenizer, [one.turns for one in tales], _STORY_TOKENS)
    table = {
        kind: {language: dict.fromkeys((RIGHT, DECLINED, WRONG), 0) for language in LANGUAGES}
        for kind in KINDS
    }
    rows = []
    for one, (reply, ended) in zip(all_asked, replies, strict=True):
        found = verdict(one, reply, ended)
        table[one.kind][one.language][found] += 1
        prompt = " // ".join(turn.text for turn in one.turns)
        rows.append({"kind": one.kind, "language": one.language, "prompt": prompt, "reply": reply[:300],
                     "verdict": found})  # fmt: skip
    total = {
        name: sum(cell[name] for row in table.values() for cell in row.values())
        for name in (RIGHT, DECLINED, WRONG)
    }
    return {"questions": len(all_asked), "total": total, "table": table, "replies": rows}


def markdown(result: dict[str, Any]) -> str:
    """The table for the card: right / refused / wrong, by kind and language."""
    lines = ["| in learners' words | English | 繁體中文 | 简体中文 |", "|---|---|---|---|"]
    for kind, row in result["table"].items():
        cells = [
            "/".join(str(row[language][name]) for name in (RIGHT, DECLINED, WRONG)) for language in LANGUAGES
        ]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    total = result["total"]
    lines.append(
        f"\nOf {result['questions']}: {total[RIGHT]} right, {total[DECLINED]} refused, {total[WRONG]} wrong."
    )
    return "\n".join(lines)
