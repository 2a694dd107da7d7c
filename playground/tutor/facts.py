"""Facts and their wordings: relations such as "capital", read from `data/facts.*.txt`."""

from __future__ import annotations

import dataclasses
import functools
import random

from . import items
from .chinese import to_simplified
from .shape import DATA
from .wording import Language, choose, fill, held_out, local, plural

_HOMES_WITH_THE = ("Arctic", "Antarctic", "desert", "jungle", "ocean")


@dataclasses.dataclass(frozen=True)
class Relation:
    """One kind of fact in one language. Templates hold `{S}` for the subject and `{A}` for the answer."""

    name: str
    language: Language
    pairs: list[tuple[str, str]]
    # Keys: ask, many (in the plural), say, raw, follow, there, it; "ask!" and so on are held out.
    wordings: dict[str, list[str]]

    def answers(self) -> set[str]:
        """All answers of the relation: what a wrong reply would name."""
        return {answer for _, answer in self.pairs}

    def may_train(self, template: str, subject: str) -> bool:
        """Whether this wording of this fact is taught, and not kept for the examination."""
        plainest = template == self.wordings["ask"][0]  # taught for every fact, so that none is left untaught
        return plainest or not held_out(self.name, template, subject)

    def asks(self, subject: str) -> list[str]:
        """The taught wordings of a question about the subject: in the plural, too, where it has one."""
        counted = subject.startswith(("a ", "an ")) or any(
            mark in ask for ask in self.wordings["ask"] for mark in ("{aS}", " a {S}")
        )  # of "a banana" and "cow", but not of "milk", there are many
        many = self.wordings.get("many", []) if counted and plural(subject) else []
        return [*self.wordings["ask"], *many]

    def follows(self) -> list[str]:
        """The taught wordings that ask the same of another subject: the relation's and those of all."""
        return [*self.wordings["follow"], *local("follow", self.language)]


def slots(subject: str, answer: str) -> dict[str, str]:
    """What templates can be filled with."""
    home = answer if answer == "water" else f"the {answer}" if answer in _HOMES_WITH_THE else ""
    values = {"S": subject, "A": answer, "W": subject[:-1]}
    if home:
        values["homeA"] = home
    elif answer[:1].isascii() and answer[:1].isalpha():
        values["homeA"] = ("an " if answer[0] in "aeiou" else "a ") + answer
    if subject.isascii() and subject and (many := plural(subject)):
        values["ps"] = many
    return values


def ask(relation: Relation, subject: str, answer: str, template: str, rng: random.Random) -> str:
    """A question or sentence made of the template."""
    return fill(choose(template, rng), slots(subject, answer))


def _read(file: str, language: Language, found: dict[str, Relation]) -> None:
    """Adds the relations of a file; a name that is there already gets more pairs and wordings.

    A key such as "ask.cn" is the mainland's own wording, "ask.tw" Taiwan's; the others go into both scripts.
    """
    change = to_simplified if language == "cn" else str
    relation = Relation("", language, [], {})
    for line in (DATA / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            relation = found.setdefault(line[3:].strip(), Relation(line[3:].strip(), language, [], {}))
        elif line and not line.startswith("#"):
            key, _, rest = line.partition(": ")
            name, _, script = key.rstrip("!").partition(".")
            if key == "items":
                known = set(relation.pairs)
                new = [(change(subject), change(answer)) for subject, answer in items.pairs(rest)]
                relation.pairs.extend(pair for pair in new if pair not in known)
            elif script in ("", language):
                text = rest if script == "cn" else change(rest)
                relation.wordings.setdefault(name + ("!" if key.endswith("!") else ""), []).append(text)


@functools.cache
def relations(language: Language) -> dict[str, Relation]:
    """All relations of a language by name."""
    found: dict[str, Relation] = {}
    column = "en" if language == "en" else "zh"
    for file in (f"facts.{column}.txt", f"facts.more.{column}.txt"):
        _read(file, language, found)
    return found


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
