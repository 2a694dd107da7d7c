"""Facts and their wordings: relations such as "capital", read from `data/facts.*.txt`."""

from __future__ import annotations

import dataclasses
import functools
import random

from . import items
from .chinese import to_simplified
from .shape import DATA
from .wording import Language, choose, fill, held_out

_HOMES_WITH_THE = ("Arctic", "Antarctic", "desert", "jungle", "ocean")


@dataclasses.dataclass(frozen=True)
class Relation:
    """One kind of fact in one language. Templates hold `{S}` for the subject and `{A}` for the answer."""

    name: str
    language: Language
    pairs: list[tuple[str, str]]
    wordings: dict[str, list[str]]  # keys: ask, say, raw, follow, there; "ask!" and so on are held out

    def answers(self) -> set[str]:
        """All answers of the relation: what a wrong reply would name."""
        return {answer for _, answer in self.pairs}

    def may_train(self, template: str, subject: str) -> bool:
        """Whether this wording of this fact is taught, and not kept for the examination."""
        plainest = template == self.wordings["ask"][0]  # taught for every fact, so that none is left untaught
        return plainest or not held_out(self.name, template, subject)


def slots(subject: str, answer: str) -> dict[str, str]:
    """What templates can be filled with."""
    home = answer if answer == "water" else f"the {answer}" if answer in _HOMES_WITH_THE else ""
    values = {"S": subject, "A": answer}
    if home:
        values["homeA"] = home
    elif answer[:1].isascii() and answer[:1].isalpha():
        values["homeA"] = ("an " if answer[0] in "aeiou" else "a ") + answer
    return values


def ask(relation: Relation, subject: str, answer: str, template: str, rng: random.Random) -> str:
    """A question or sentence made of the template."""
    return fill(choose(template, rng), slots(subject, answer))


def _parse(text: str, language: Language) -> list[Relation]:
    relations: list[Relation] = []
    name = ""
    pairs: list[tuple[str, str]] = []
    wordings: dict[str, list[str]] = {}
    for line in [*text.splitlines(), "== "]:
        if line.startswith("== "):
            if name:
                relations.append(Relation(name, language, pairs, wordings))
            name, pairs, wordings = line[3:].strip(), [], {}
        elif line and not line.startswith("#"):
            key, _, rest = line.partition(": ")
            if key == "items":
                pairs = items.pairs(rest)
            else:
                wordings.setdefault(key, []).append(rest)
    return relations


@functools.cache
def relations(language: Language) -> dict[str, Relation]:
    """All relations of a language by name."""
    file = "facts.en.txt" if language == "en" else "facts.zh.txt"
    found = _parse((DATA / file).read_text(encoding="utf-8"), language)
    if language == "cn":
        found = [
            Relation(
                relation.name,
                language,
                [(to_simplified(subject), to_simplified(answer)) for subject, answer in relation.pairs],
                {key: [to_simplified(one) for one in many] for key, many in relation.wordings.items()},
            )
            for relation in found
        ]
    return {relation.name: relation for relation in found}


ABOUT_COUNTRIES = ("capital", "continent", "language")  # a follow-up may ask these of "there"
SIMPLE_IN_A_WORD = (
    "capital",
    "continent",
    "language",
    "colour",
    "opposite",
    "legs",
    "sum",
    "isa",
    "day_after",
)
