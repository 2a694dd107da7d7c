"""Questions as people type them, from polite to sloppy: the tables are `data/registers.txt`."""

from __future__ import annotations

import functools
import random
import re

from .wording import Language, in_script, words

_Swaps = list[tuple[re.Pattern[str], list[str]]]


def typed(question: str, language: Language, rng: random.Random) -> str:
    """The question as people type it: with a greeting or thanks, other words, lower case, no mark, a slip."""
    return _english(question, rng) if language == "en" else _chinese(question, language, rng)


@functools.cache
def _swaps(language: Language) -> _Swaps:
    """What is written in another way: the part of a question, and the ways."""
    names = ["en.swap"] if language == "en" else ["zh.swap", f"{language}.swap"]
    found: _Swaps = []
    for name in names:
        for line in words(name):
            part, _, ways = line.partition(" = ")
            if name == "zh.swap":
                part, ways = in_script(part, language), in_script(ways, language)
            edge = r"\b" if language == "en" else ""
            found.append((re.compile(edge + re.escape(part) + edge), ways.split(" | ")))
    return found


@functools.cache
def _around(kind: str, language: Language) -> list[str]:
    """What people say before or after a question."""
    if language == "en":
        return words(f"en.{kind}")
    return [in_script(one, language) for one in words(f"zh.{kind}")] + words(f"{language}.{kind}")


def _swapped(text: str, language: Language, rng: random.Random, chance: float) -> str:
    for pattern, ways in _swaps(language):
        if rng.random() < chance and pattern.search(text):
            text = pattern.sub(rng.choice(ways), text, count=1)
    return text


def _english(question: str, rng: random.Random) -> str:
    """Three registers: as written, chatty, and sloppy."""
    register = rng.random()
    if register < 0.4:
        return question
    sloppy = register > 0.75
    question = _swapped(question, "en", rng, 0.6 if sloppy else 0.2)
    chance = rng.random()
    if chance < 0.16:
        first = rng.choice(_around("before", "en"))
        question = f"{first} {question[:1].lower() + question[1:] if rng.random() < 0.5 else question}"
    elif chance < 0.26:
        question = f"{question} {rng.choice(_around('after', 'en'))}"
    if rng.random() < (0.8 if sloppy else 0.2):
        question = question.lower()
    if rng.random() < (0.6 if sloppy else 0.2):
        question = question.rstrip("?. ")
    elif rng.random() < 0.1:
        question = question.replace("?", rng.choice(("??", "?!", " ?", "???")))
    if rng.random() < (0.2 if sloppy else 0.03):
        question = _slip(question, rng).replace("  ", " ").strip()
    return question


def _slip(text: str, rng: random.Random) -> str:
    """One slip of the fingers in the first half, where the answer does not depend on it."""
    place = rng.randrange(1, max(2, len(text) // 2))
    kind = rng.random()
    if any(one.isdigit() for one in text):  # a sum with another number has another answer
        return text
    if kind < 0.4:
        return text[:place] + text[place + 1 :]
    if kind < 0.7:
        return text[: place - 1] + text[place : place + 1] + text[place - 1 : place] + text[place + 1 :]
    return text[:place] + text[place - 1 : place] + text[place:]


def _chinese(question: str, language: Language, rng: random.Random) -> str:
    register = rng.random()
    if register < 0.4:
        return question
    sloppy = register > 0.7
    question = _swapped(question, language, rng, 0.5 if sloppy else 0.15)
    if rng.random() < 0.22 and not question.startswith(("請", "请")):
        question = rng.choice(_around("before", language)) + question
    if rng.random() < (0.7 if sloppy else 0.3):
        question = question.rstrip("？。！ ")
        if rng.random() < 0.35:
            question += rng.choice(_around("after", language))
    elif rng.random() < 0.2:
        question = question.replace("？", rng.choice(("?", "？？", "")))
    if sloppy and rng.random() < 0.4:
        question = question.lower() if rng.random() < 0.7 else question.replace(" ", "")
    return question.strip()
