"""Children's stories from a grammar: characters, a wish or a trouble, a friend, a good end."""

from __future__ import annotations

import functools
import random
import re

from .chinese import to_simplified
from .shape import DATA
from .wording import Language, choose, fill, words

_VIRTUES = {  # what a story's hero learns, by plot; English, then Chinese
    "lost": ("help others|say thank you|ask for help", "互相幫助|有好朋友"),
    "skill": ("practise every day|be patient|ask for help", "努力練習|不放棄"),
    "share": ("share|be kind", "分享"),
    "storm": ("help others|be brave", "幫助別人|有朋友陪"),
    "truth": ("tell the truth", ""),
    "seed": ("be patient|take good care of plants", "有耐心|照顧植物"),
    "way home": ("ask for help|say thank you", ""),
    "home": ("", "互相幫助|回家"),
    "surprise": ("be kind|give from the heart", ""),
    "race": ("help others|be kind", ""),
}


@functools.cache
def _grammar(file: str) -> dict[str, list[list[str]]]:
    """Plots ("== name") and shared groups ("@ name") by name; each a list of groups of alternative lines."""
    found: dict[str, list[list[str]]] = {}
    plot: list[list[str]] = []
    group: list[str] = []
    for line in (DATA / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith(("== ", "@ ")):
            plot = found.setdefault(line.replace("== ", "").replace("@ ", "@"), [])
            group = []
        elif not line:
            group = []
        else:
            if not group:
                plot.append(group)
            group.append(line)
    return found


def _pronouns(gender: str, prefix: str) -> dict[str, str]:
    he, him, his = {"f": ("she", "her", "her"), "m": ("he", "him", "his")}[gender]
    values = {"he": he, "him": him, "his": his}
    values |= {word.capitalize(): value.capitalize() for word, value in values.items()}
    if not prefix:
        return values
    return {
        ("F" + word.lower() if word[0].isupper() else "f" + word): value for word, value in values.items()
    }


def _english_cast(rng: random.Random, kind: str | None) -> dict[str, str]:
    if kind is None and rng.random() < 0.5:
        kind = rng.choice(("girl", "boy"))
    kind = kind or rng.choice(words("story.en.beasts"))
    gender = "f" if kind in words("story.en.women") else "m" if kind in words("story.en.men") else ""
    gender = gender or rng.choice("fm")
    names = {"girl": "story.en.girls", "boy": "story.en.boys"}.get(kind, "story.en.beast_names")
    name = rng.choice(words(names))
    friend_gender = rng.choice("fm")
    place = rng.choice(words("story.en.places"))
    good, friend_good = rng.sample(words("story.en.good"), 2)
    return {
        "N": name,
        "k": kind,
        "a": good,
        "F": rng.choice([one for one in words("story.en.beast_names") if one != name]),
        "fk": rng.choice([beast for beast in words("story.en.beasts") if beast != kind]),
        "fa": friend_good,
        "P": rng.choice(words("story.en.elders")),
        "T": rng.choice(words("story.en.things")),
        "L": place.split(" ", 1)[1],
        "inL": place,
        "E": rng.choice(words("story.en.foods")),
        "W": rng.choice(words("story.en.times")),
        "X": rng.choice(words("story.en.skills")),
        **_pronouns(gender, ""),
        **_pronouns(friend_gender, "f"),
    }


def _chinese_cast(rng: random.Random, kind: str | None) -> dict[str, str]:
    kind = kind or rng.choice(words("story.tw.beasts"))
    measures = {hero[1:]: hero[0] for hero in words("story.tw.heroes")}
    return {
        "N": rng.choice(words("story.tw.names")),
        "k": kind,
        "M": measures.get(kind, "隻"),
        "a": rng.choice(words("story.tw.good")),
        "F": rng.choice([beast for beast in words("story.tw.beasts") if beast != kind]),
        "P": rng.choice(words("story.tw.elders")),
        "T": rng.choice(words("story.tw.things")),
        "L": rng.choice(words("story.tw.places")),
        "E": rng.choice(words("story.tw.foods")),
        "W": rng.choice(words("story.tw.times")),
        "X": rng.choice(words("story.tw.skills")),
    }


def tell(
    language: Language, rng: random.Random, kind: str | None = None, thing: str | None = None
) -> tuple[str, dict[str, str]]:
    """A story and its cast (`k`: what the hero is, `N`: its name, `T`: its thing).

    `kind` asks for a hero of that kind, `thing` for a story about it; in Chinese both are Traditional.
    """
    english = language == "en"
    grammar = _grammar("stories.en.txt" if english else "stories.zh.txt")
    cast = _english_cast(rng, kind) if english else _chinese_cast(rng, kind)
    plots = [name for name in grammar if not name.startswith("@")]
    if thing:
        cast["T"], plots = thing, ["thing", "lost"]
    plot = rng.choice(plots)
    cast["V"] = rng.choice(_VIRTUES.get(plot, ("", ""))[0 if english else 1].split("|"))
    sentences: list[str] = []
    for group in grammar[plot]:
        lines = group
        if len(group) == 1 and group[0].startswith("@"):
            if group[0].endswith("?") and rng.random() < 0.5:
                continue
            lines = grammar[group[0].rstrip("?")][0]
        sentences.append(fill(choose(rng.choice(lines), rng), cast))
    text = (" " if english else "").join(sentences)
    if english:
        text = re.sub(r"\b([Aa]) (?=[aeiou](?!ni))", r"\1n ", text)
    elif language == "cn":
        text = to_simplified(text)
        cast = {slot: to_simplified(value) for slot, value in cast.items()}
    return text, cast


@functools.cache
def kinds(language: Language) -> list[str]:
    """What a hero can be, for requests such as "a story about a dog"."""
    if language == "en":
        return [*words("story.en.beasts"), "girl", "boy", *words("story.en.heroes")]
    found = [*words("story.tw.beasts"), *(hero[1:] for hero in words("story.tw.heroes"))]
    return [to_simplified(one) for one in found] if language == "cn" else found


@functools.cache
def things(language: Language) -> list[str]:
    """What a story can be about besides its hero."""
    column = "en" if language == "en" else "tw"
    found = [*words(f"story.{column}.things"), *words(f"story.{column}.more_things")]
    return [to_simplified(one) for one in found] if language == "cn" else found
