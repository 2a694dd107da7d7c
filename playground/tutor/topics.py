"""Why, whether, how, and what differs, with answers of their own, from `data/topics.*.txt` and
`data/differences.txt`."""

from __future__ import annotations

import dataclasses
import functools
import random

from .shape import DATA
from .wording import Language, capital, choose, expansions, in_script, local, normal, taught

DIFFERENCE, DIFFERENCE_MORE, SAME = "difference", "difference.more", "same"


@dataclasses.dataclass(frozen=True)
class Topic:
    """One question in many wordings, with its answer and what may be asked next."""

    language: Language
    asks: list[str]  # templates without the final mark
    answers: list[str]
    follow_ups: list[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Difference:
    """Two things that learners take for one another, each with all its names, and what differs."""

    language: Language
    one: list[str]
    other: list[str]
    answer: str


@functools.cache
def topics(language: Language) -> list[Topic]:
    """All topics of a language."""
    file = "topics.en.txt" if language == "en" else "topics.zh.txt"
    found: list[Topic] = []
    for block in (DATA / file).read_text(encoding="utf-8").split("\n\n"):
        topic = Topic(language, [], [], [])
        for line in block.strip().splitlines():
            key, _, rest = line.partition(" ")
            text = in_script(rest, language)
            if key in ("?", f"?{language}"):
                topic.asks.append(rest if key == "?cn" else text)
            elif key == "=":
                topic.answers.append(text)
            elif key == ">":
                ask, _, say = text.partition(" => ")
                topic.follow_ups.append((ask, say))
        found.append(topic)
    return found


@functools.cache
def differences(language: Language) -> list[Difference]:
    """All pairs of things in a language."""
    column = "en" if language == "en" else "tw"
    found: list[Difference] = []
    for line in (DATA / "differences.txt").read_text(encoding="utf-8").splitlines():
        key, _, rest = line.partition(": ")
        if key == column:
            one, other, answer = (in_script(part.strip(), language) for part in rest.split(" ; "))
            names = [[name.strip() for name in part.split(" | ")] for part in (one, other)]
            found.append(Difference(language, names[0], names[1], answer))
    return found


@functools.cache
def alike(language: Language) -> list[list[tuple[str, str]]]:
    """Groups of questions with answers that share words and differ in answer, from `data/alike.txt`."""
    column = "en" if language == "en" else "zh"
    found: list[list[tuple[str, str]]] = []
    for line in (DATA / "alike.txt").read_text(encoding="utf-8").splitlines():
        key, _, rest = line.partition(": ")
        if key == column:
            parts = [in_script(part, language).partition(" => ") for part in rest.split(" || ")]
            found.append([(ask.strip(), say.strip()) for ask, _, say in parts])
    return found


@functools.cache
def asked(language: Language) -> frozenset[str]:
    """All questions of the topics, as `wording.normal` leaves them: nothing else answers them."""
    return frozenset(
        normal(made) for topic in topics(language) for ask in topic.asks for made in expansions(ask)
    )


def question(topic: Topic, rng: random.Random) -> str:
    """One wording of the topic's question, with its mark."""
    text = choose(rng.choice(topic.asks), rng).strip()
    return capital(text) + "?" if topic.language == "en" else text + "？"


def compared(pair: Difference, rng: random.Random) -> tuple[str, str]:
    """A question on what differs, or whether it is the same, and its answer."""
    names = [rng.choice(pair.one), rng.choice(pair.other)]
    rng.shuffle(names)
    same = rng.random() < 0.35
    template = choose(rng.choice(taught(SAME if same else DIFFERENCE, pair.language)), rng)
    text = template.replace("{x}", names[0]).replace("{y}", names[1])
    if pair.language == "en" and rng.random() < 0.5:
        text = capital(text)
    return text, (local("same.no", pair.language)[0] if same else "") + pair.answer


def compared_with(pair: Difference, rng: random.Random, other: bool) -> tuple[str, str]:
    """The same in a follow-up, which names only one of the two: the other one was just spoken about."""
    name = rng.choice(pair.other if other else pair.one)
    template = choose(rng.choice(taught(DIFFERENCE_MORE, pair.language)), rng)
    return template.replace("{y}", name), pair.answer
