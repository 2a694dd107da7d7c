"""What the tutor explains: the concepts of language models, read from `data/concepts*.txt`."""

from __future__ import annotations

import dataclasses
import functools

from .shape import DATA
from .wording import Language, in_script

# Lists in `data/words.txt`; in them {a} is a concept with its article ("a token"), {n} the bare name.
ASK, WHY, EXAMPLE, NEXT = "concept.ask", "concept.why", "concept.example", "concept.next"
USE, INSTANCE = "concept.use", "concept.instance"  # the same of a concept by its name
AGAIN = "concept.again"  # "in other words?"
FILES = ("concepts.txt", "concepts.book.txt")


@dataclasses.dataclass(frozen=True)
class Concept:
    """One concept in one language."""

    key: str
    language: Language
    article: str  # "a token"; in Chinese the first name
    names: list[str]
    asks: list[str]  # questions of its own
    answers: list[str]
    why: str
    example: str


@functools.cache
def concepts(language: Language) -> list[Concept]:
    """All concepts in a language."""
    column = "en" if language == "en" else "tw"
    found: list[Concept] = []
    text = "".join("\n" + (DATA / file).read_text(encoding="utf-8") for file in FILES)
    for block in text.split("\n# ")[1:]:
        key, *lines = block.strip().splitlines()
        fields: dict[str, list[str]] = {}
        for line in filter(None, lines):
            name, _, rest = line.partition(": ")
            fields.setdefault(name, []).append(rest if column == "en" else in_script(rest, language))
        names = [name.strip() for name in fields[column][0].split("|")]
        found.append(
            Concept(
                key,
                language,
                names[0],
                names[1:] if column == "en" else list(dict.fromkeys(names)),
                [one.strip() for one in fields[f"ask.{column}"][0].split("|")],
                fields[f"a.{column}"],
                fields[f"why.{column}"][0],
                fields[f"ex.{column}"][0],
            )
        )
    return found
