"""How sentences vary: choices within a template, articles and plurals, and what is held out."""

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
    found: dict[str, list[str]] = {}
    for file in ("words.txt", "words.more.txt", "registers.txt"):
        for line in (DATA / file).read_text(encoding="utf-8").splitlines():
            name, _, rest = line.partition(": ")
            if rest and not line.startswith("#"):
                found.setdefault(name, []).extend([rest] if name.endswith(".swap") else rest.split(" | "))
    return found


def words(name: str) -> list[str]:
    """A list of `data/words.txt`, `data/words.more.txt` or `data/registers.txt`; equal names go on."""
    return _tables()[name]


@functools.cache
def local(name: str, language: Language) -> list[str]:
    """A list in a language: `name.en`, `name.tw`, or `name.tw` in Simplified and then `name.cn`."""
    if language == "en":
        return words(f"{name}.en")
    texts = words(f"{name}.tw")
    if language == "tw":
        return texts
    return [to_simplified(text) for text in texts] + _tables().get(f"{name}.cn", [])


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
    return re.sub(r"  +", " ", template).strip()


def expansions(template: str) -> list[str]:
    """Everything that `choose` can make of the template."""
    match = _CHOICE.search(template)
    if not match:
        return [re.sub(r"  +", " ", template).strip()]
    parts = match.group(1).split("|")
    ends = (template[: match.start()] + part + template[match.end() :] for part in parts)
    return [made for end in ends for made in expansions(end)]


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


@functools.cache
def plural(noun: str) -> str:
    """The plural of an English noun, without an article; "" for what is not counted, such as "the sky"."""
    article, _, rest = noun.partition(" ")
    name = rest if article in ("a", "an") else noun
    if article == "the" or name.split()[0] in words("no_article"):
        return ""
    before, _, last = name.rpartition(" ")
    known = dict(one.split() for one in words("plural.irregular"))
    if last in known:
        last = known[last]
    elif last.endswith(("s", "x", "sh", "ch", "zz")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{before} {last}".strip()


_MARKS = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=200_000)
def normal(text: str) -> str:
    """What is left of a text without case, spaces, marks and the difference of scripts: two wordings are the
    same if this is."""
    return _MARKS.sub("", to_simplified(text).casefold())
