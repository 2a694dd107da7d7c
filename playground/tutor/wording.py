"""How sentences vary: choices within a template, articles, typing mistakes, and what is held out."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Sequence

Language = str  # "en", "tw" (Traditional, Taiwan) or "cn" (Simplified, mainland)
LANGUAGES: tuple[Language, ...] = ("en", "tw", "cn")

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_NO_ARTICLE = frozenset(
    "gold iron silver red blue football tennis Monday July Earth Mars seven water fire the".split()
)
_HELD_OUT_OF = 12  # one pair of fact and wording in twelve is never trained


def choose(template: str, rng: random.Random) -> str:
    """The template with one alternative of every `[a|b|]` taken, innermost first."""
    while match := _CHOICE.search(template):
        picked = rng.choice(match.group(1).split("|"))
        template = template[: match.start()] + picked + template[match.end() :]
    return re.sub(r"  +", " ", template)


def first_choice(template: str) -> str:
    """The template with the first alternative of every choice: the plainest wording."""
    while match := _CHOICE.search(template):
        template = template[: match.start()] + match.group(1).split("|")[0] + template[match.end() :]
    return template


def fill(template: str, slots: dict[str, str]) -> str:
    """`{S}` is the slot, `{aS}` with its article, `{cS}` and `{caS}` the same with a capital letter."""

    def one(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in slots:
            return slots[name]
        if name.startswith("c"):
            return capital(fill("{" + name[1:] + "}", slots))
        if name.startswith("a"):
            return with_article(slots[name[1:]])
        raise KeyError(f"no slot {name} in {template!r}")

    return _SLOT.sub(one, template)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def with_article(noun: str) -> str:
    """The noun with "a" or "an", or none where English has none."""
    first = noun.split()[0]
    if first in _NO_ARTICLE or first in ("a", "an"):
        return noun
    return ("an " if first[0] in "aeiouAEIOU" else "a ") + noun


def held_out(*parts: str) -> bool:
    """Whether this pair of fact and wording belongs to the examination. Depends on nothing but its words:
    not on the language either, for "3 + 5 = ?" is asked in all of them."""
    return zlib.crc32("\x1f".join(parts).encode()) % _HELD_OUT_OF == 0


def typed(question: str, language: Language, rng: random.Random) -> str:
    """The question as people type it: lower case, without its mark, with a greeting, with a slip."""
    return _typed_english(question, rng) if language == "en" else _typed_chinese(question, language, rng)


_BEFORE = ("Please tell me: ", "Hi, ", "Hello! ", "Ok. ", "Hey, ", "Tutor, ", "One question: ", "I wonder: ", "So, ")
_AFTER = (" Please!", " Thanks.", " I want to know.", " Please answer.", " Tell me.")


def _typed_english(question: str, rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.06:
        question = rng.choice(_BEFORE) + question
    elif chance < 0.09 and question.endswith(("?", ".")):
        question += rng.choice(_AFTER)
    if rng.random() < 0.12:
        question = question.lower()
    if rng.random() < 0.12:
        question = question.rstrip("?. ")
    elif rng.random() < 0.02:
        question = question.replace("?", "??")
    if rng.random() < 0.04:
        question = _slip(question, rng).replace("  ", " ").strip()
    return question


def _slip(text: str, rng: random.Random) -> str:
    """One slip of the fingers in the first half, where the answer does not depend on it."""
    place = rng.randrange(1, max(2, len(text) // 2))
    kind = rng.random()
    if kind < 0.4:
        return text[:place] + text[place + 1 :]
    if kind < 0.7:
        return text[: place - 1] + text[place : place + 1] + text[place - 1 : place] + text[place + 1 :]
    return text[:place] + text[place - 1 : place] + text[place:]


_BEFORE_ZH = ("請問", "你好，", "請問一下，", "我想問，", "嗨，", "老師，", "問一下，")


def _typed_chinese(question: str, language: Language, rng: random.Random) -> str:
    from .chinese import to_simplified

    if rng.random() < 0.1 and not question.startswith(("請", "请")):
        before = rng.choice(_BEFORE_ZH)
        question = (before if language == "tw" else to_simplified(before)) + question
    if rng.random() < 0.2:
        question = question.rstrip("？。 ")
    elif rng.random() < 0.1:
        question = question.replace("？", "?")
    return question


def pick(options: Sequence[str], rng: random.Random) -> str:
    """One of the options, its inner choices taken."""
    return choose(rng.choice(options), rng)
