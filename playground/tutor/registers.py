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


def reworded(question: str, language: Language, rng: random.Random) -> str:
    """The question with other words for what it is about: "LLM" for "language model"."""
    return _swapped(question, language, rng, 0.25, "subject.swap")


@functools.cache
def _swaps(language: Language, kind: str) -> _Swaps:
    """What is written in another way: the part of a question, and the ways."""
    names = [f"{'en' if language == 'en' else 'zh'}.{kind}"]
    if language != "en" and kind == "swap":
        names.append(f"{language}.swap")
    found: _Swaps = []
    for name in names:
        for line in words(name):
            part, _, ways = line.partition(" = ")
            if name.startswith("zh."):
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


def _swapped(text: str, language: Language, rng: random.Random, chance: float, kind: str = "swap") -> str:
    for pattern, ways in _swaps(language, kind):
        if rng.random() < chance and pattern.search(text):
            text = pattern.sub(rng.choice(ways), text, count=1)
    return text


def _loosened(text: str, rng: random.Random, chance: float) -> str:
    """English with a word put in between, or a small one left out. What is quoted stays as it is."""
    parts = text.split(" ")
    if len(parts) < 4 or '"' in text:
        return text
    if rng.random() < chance:
        parts.insert(rng.randrange(1, len(parts) - 1), rng.choice(words("en.filler")))
    if rng.random() < chance:
        small = [place for place, one in enumerate(parts[:-1]) if place and one in words("en.drop")]
        if small:
            del parts[rng.choice(small)]
    return " ".join(parts)


def _loosened_chinese(text: str, language: Language, rng: random.Random, chance: float) -> str:
    """Chinese with a word put before its verb or question word, or a small one left out."""
    if any(mark in text for mark in "「“《"):
        return text
    if rng.random() < chance:
        before = [in_script(one, language) for one in words("zh.filled")]
        places = [place for one in before if (place := text.find(one)) > 0]
        if places:
            place = min(places)
            text = text[:place] + rng.choice(words(f"{language}.filler")) + text[place:]
    if rng.random() < chance:
        small = [one for one in (in_script(each, language) for each in words("zh.drop")) if one in text[1:-1]]
        if small:
            one = rng.choice(small)
            place = text.index(one, 1)
            text = text[:place] + text[place + len(one) :]
    return text.replace("  ", " ")


def _english(question: str, rng: random.Random) -> str:
    """Three registers: as written, chatty, and sloppy."""
    register = rng.random()
    if register < 0.4:
        return question
    sloppy = register > 0.75
    question = _loosened(question, rng, 0.2 if sloppy else 0.1)
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
    # A sum with another number has another answer, and in a short question the slip would hit what is asked.
    if any(one.isdigit() for one in text) or len(text.split()) < 5:
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
    question = _loosened_chinese(question, language, rng, 0.2 if sloppy else 0.1)
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
