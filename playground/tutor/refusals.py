"""Questions that the tutor was not taught, from templates with open slots, and its polite refusals."""

from __future__ import annotations

import functools
import random

from . import concepts, facts
from .chinese import HAN, to_simplified
from .shape import DATA
from .wording import Language, choose, local, with_article, words

MARK = {"en": "I don't know", "tw": "我不知道", "cn": "我不知道"}  # what every refusal contains

_SUFFIXES = ("", "", "", "ia", "land", "o", "er", "ing", "ium", "ax", "ez", "ova", "ton", "net", "ity")
_ZH_SOUNDS = "卡洛菲塔米諾克薩威多拉布奇倫佩蒂格魯莫納茲賓哈維索普烏吉約朗達柯"


@functools.cache
def _characters() -> str:
    """All characters of the rare words."""
    text = "".join(rare("rare", "tw") + rare("town", "tw"))
    return "".join(sorted(set(HAN.findall(text))))


@functools.cache
def _known() -> dict[str, list[str]]:
    """All subjects of facts by language: invented words may begin like them, but are none of them."""
    return {
        language: sorted({subject for one in facts.relations(language).values() for subject, _ in one.pairs})
        for language in ("en", "tw")
    }


def invented(rng: random.Random, language: Language) -> str:
    """A word that does not exist."""
    chinese = language != "en" and rng.random() < 0.8
    word = _invented_chinese(rng) if chinese else _invented_english(rng)
    while word.lower() in _known()["en"] or word in _known()["tw"]:
        word = _invented_chinese(rng) if chinese else _invented_english(rng)
    return to_simplified(word) if language == "cn" else word


def _invented_chinese(rng: random.Random) -> str:
    # from the characters of foreign names or from any; now and then it begins like a known word
    pool = _ZH_SOUNDS if rng.random() < 0.5 else _characters()
    if rng.random() < 0.25:
        return rng.choice(_known()["tw"])[0] + "".join(rng.sample(pool, rng.choice((1, 2))))
    return "".join(rng.sample(pool, rng.choice((2, 3, 3, 4))))


def _invented_english(rng: random.Random) -> str:
    if rng.random() < 0.2:  # begins like a known word: "catapult" is no cat
        stem = rng.choice([*words("story.en.beasts"), *rare("rare", "en")]).split()[0]
        return stem[: rng.randrange(3, 7)] + rng.choice(words("invented.ends")) + rng.choice(_SUFFIXES)
    word = "".join(
        rng.choice(words("invented.starts"))
        + rng.choice(words("invented.vowels"))
        + (rng.choice(words("invented.ends")) if rng.random() < 0.6 else "")
        for _ in range(rng.choice((1, 2, 2)))
    ) + rng.choice(_SUFFIXES)
    if rng.random() < 0.15:
        word = word[:4].upper() + rng.choice(("", "-2", "3", "Net"))
    return word


@functools.cache
def rare(kind: str, language: Language, held_out: bool = False) -> list[str]:
    """A list of `data/rare.txt`: rare nouns, places, first and last names."""
    column = "en" if language == "en" else "tw"
    wanted = f"{column}.{kind}" + ("!" if held_out else "")
    for line in (DATA / "rare.txt").read_text(encoding="utf-8").splitlines():
        key, _, rest = line.partition(": ")
        if key == wanted:
            found = [one.strip() for one in rest.split("|")]
            return [to_simplified(one) for one in found] if language == "cn" else found
    raise KeyError(wanted)


def rare_character(rng: random.Random, language: Language) -> str:
    """A usual character (of Big5's or GB 2312's first level), often one without a token."""
    high, charset = ((0xA4, 0xC6), "big5") if language == "tw" else ((0xB0, 0xD7), "gb2312")
    while True:
        try:
            return bytes((rng.randint(*high), rng.randrange(0xA1, 0xFF))).decode(charset)
        except UnicodeDecodeError:
            continue


def slot(name: str, rng: random.Random, language: Language, held_out: bool) -> str:
    """Something for the slot `name` of a template."""
    english = language == "en"
    match name:
        case "num":
            ranges = ((30, 100), (100, 1000), (1000, 100_000))
            return str(rng.choice([rng.randrange(*one) for one in ranges]))
        case "year":
            return str(rng.randrange(1200, 2040))
        case "word":
            return invented(rng, language)
        case "town":
            if rng.random() < 0.4:
                return invented(rng, language).capitalize()
            return rng.choice(rare("town", language, held_out))
        case "name":
            if rng.random() < 0.3:
                return invented(rng, language).capitalize()
            first, last = rng.choice(rare("first", language)), rng.choice(rare("last", language))
            return f"{first} {last}" if english else last + first
        case "untaught":
            return rng.choice(rare("untaught", language, held_out))
        case "concept":
            return rng.choice(rng.choice(concepts.concepts(language)).names)
        case "country" | "city":
            country, city = rng.choice(facts.relations(language)["capital"].pairs)
            return country if name == "country" else city
        case "animal" | "aanimal":
            animal = rng.choice(facts.relations(language)["legs"].pairs)[0]
            return with_article(animal) if name == "aanimal" else animal
        case "known":
            relation = facts.relations(language)[rng.choice(("colour", "made_of"))]
            return rng.choice(relation.pairs)[0]
    return rng.choice(rare("rare", language, held_out))


@functools.cache
def templates(language: Language, held_out: bool) -> list[str]:
    """The templates of a language that are taught, or those that are held out; "cn" lines are Simplified."""
    column = "en" if language == "en" else "tw"
    mark = "!" if held_out else ""
    lines = (DATA / "refusals.txt").read_text(encoding="utf-8").splitlines()
    pairs = [(name, rest) for name, _, rest in (line.partition(": ") for line in lines)]
    found = [rest for name, rest in pairs if name == mark + column]
    if language != "cn":
        return found
    return [to_simplified(one) for one in found] + [rest for name, rest in pairs if name == mark + "cn"]


def question(rng: random.Random, language: Language, held_out: bool = False) -> str:
    """A question to which the tutor has no answer."""
    text = choose(rng.choice(templates(language, held_out)), rng)
    while "{" in text:
        before, _, rest = text.partition("{")
        name, _, after = rest.partition("}")
        text = before + slot(name, rng, language, held_out) + after
    return text


def refusals(language: Language) -> list[str]:
    """The polite refusals of a language. All begin alike, so that the first token decides."""
    return local("refusal", language)
