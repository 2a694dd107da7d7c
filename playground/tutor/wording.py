"""How sentences vary: choices within a template, articles, typing mistakes, and what is held out."""

from __future__ import annotations

import functools
import random
import re
import zlib

from .chinese import to_simplified
from .shape import DATA

Language = str  # "en", "tw" (Traditional, Taiwan) or "cn" (Simplified, mainland)
LANGUAGES: tuple[Language, ...] = ("en", "tw", "cn")

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_HELD_OUT_OF = 12  # one pair of fact and wording in twelve is never trained


@functools.cache
def _tables() -> dict[str, list[str]]:
    lines = (DATA / "words.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if not line.startswith("#"))
    return {name: rest.split(" | ") for name, _, rest in pairs}


def words(name: str) -> list[str]:
    """A list of `data/words.txt`."""
    return _tables()[name]


@functools.cache
def local(name: str, language: Language) -> list[str]:
    """A list of `data/words.txt` in a language: `name.en`, or `name.tw` in the language's script."""
    if language == "en":
        return words(f"{name}.en")
    texts = words(f"{name}.tw")
    return [to_simplified(text) for text in texts] if language == "cn" else texts


def taught(name: str, language: Language) -> list[str]:
    """The wordings of a list that are taught."""
    return [one for one in local(name, language) if one[0] != "!"]


def kept(name: str, language: Language) -> list[str]:
    """The wordings of a list that are held out for the examination, without their "!"."""
    return [one[1:] for one in local(name, language) if one[0] == "!"]


def in_script(text: str, language: Language) -> str:
    """A Chinese text in the language's script."""
    return to_simplified(text) if language == "cn" else text


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
    if first in words("no_article") or first in ("a", "an"):
        return noun
    return ("an " if first[0] in "aeiouAEIOU" else "a ") + noun


def held_out(*parts: str) -> bool:
    """Whether this pair of fact and wording belongs to the examination. Depends on nothing but its words:
    not on the language either, for "3 + 5 = ?" is asked in all of them."""
    return zlib.crc32("\x1f".join(parts).encode()) % _HELD_OUT_OF == 0


def typed(question: str, language: Language, rng: random.Random) -> str:
    """The question as people type it: lower case, without its mark, with a greeting, with a slip."""
    return _typed_english(question, rng) if language == "en" else _typed_chinese(question, language, rng)


_BEFORE = (
    "Please tell me: ",
    "Hi, ",
    "Hello! ",
    "Ok. ",
    "Hey, ",
    "Tutor, ",
    "One question: ",
    "I wonder: ",
    "So, ",
)
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
    if rng.random() < 0.1 and not question.startswith(("請", "请")):
        question = in_script(rng.choice(_BEFORE_ZH), language) + question
    if rng.random() < 0.2:
        question = question.rstrip("？。 ")
    elif rng.random() < 0.1:
        question = question.replace("？", "?")
    return question
