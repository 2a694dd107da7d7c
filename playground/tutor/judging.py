"""Whether a reply is right."""

from __future__ import annotations

import re
from collections import Counter

from .exam import Question
from .refusals import MARK

_ALIKE = 0.6  # an explanation counts if this share of its words is the taught one's


def right(question: Question, reply: str, ended: bool) -> bool:
    """Whether the reply to the question is right."""
    if question.judge != "refusal" and MARK[question.language] in reply and not _refusal_expected(question):
        return False
    match question.judge:
        case "answer":
            return _answers(question, reply)
        case "texts":
            return _explains(question, reply)
        case "refusal":
            return MARK[question.language] in reply
        case "contains":
            return question.expected[0] in reply
        case "exactly":
            return any(_plain(reply) == _plain(text) for text in question.expected)
        case "story":
            return story_fits(question, reply, ended)
    raise ValueError(question.judge)


def _refusal_expected(question: Question) -> bool:
    return any(MARK[question.language] in text for text in question.expected)


def _plain(text: str) -> str:
    return text.strip().rstrip(".。").casefold()


def says(reply: str, answer: str) -> bool:
    """Whether the reply holds the answer as a whole word or number (in Chinese: as a part)."""
    if answer.isascii():
        pattern = rf"(?<![a-z0-9-]){re.escape(answer.casefold())}(?![a-z0-9-])"
        return re.search(pattern, reply.casefold()) is not None
    return answer in reply


def _answers(question: Question, reply: str) -> bool:
    asked = " ".join(turn.text for turn in question.turns)
    if question.expected[0].isdigit():  # a sum: the last number counts
        numbers = re.findall(r"\d+", reply)
        return bool(numbers) and numbers[-1] in question.expected
    said = [answer for answer in question.expected if says(reply, answer)]
    if not said:
        return False
    rest = reply.casefold()
    for answer in sorted(said, key=len, reverse=True):
        whole = rf"\b{re.escape(answer.casefold())}\b" if answer.isascii() else re.escape(answer)
        rest = re.sub(whole, " ", rest)
    if all(says(question.turns[-1].text, answer) for answer in said) and len(rest.strip(" .。")) == 0:
        return True
    return not any(says(rest, other) for other in question.others if not says(asked, other))


def alike(one: str, other: str) -> float:
    """Share of common words (in Chinese: characters) of two texts, from 0 to 1 (F1)."""
    a, b = Counter(_words(one)), Counter(_words(other))
    common = sum((a & b).values())
    return 2 * common / max(1, sum(a.values()) + sum(b.values()))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+|[\u3400-\u9fff]", text.casefold())


def _explains(question: Question, reply: str) -> bool:
    best = max(alike(reply, text) for text in question.expected)
    return best >= _ALIKE and all(alike(reply, other) < best for other in question.others)


def story_fits(question: Question, reply: str, ended: bool) -> bool:
    """A story that ends by itself, with a whole sentence, is long enough and about what was asked for."""
    long_enough = len(_words(reply)) >= 40
    whole = reply.endswith((".", "!", "?", '"', "。", "！", "？", "」", "”"))
    return ended and long_enough and whole and all(says(reply, kind) for kind in question.expected)
