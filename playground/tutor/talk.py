"""Small talk and what the tutor says about itself, read from `data/talk.txt`."""

from __future__ import annotations

import dataclasses
import functools

from .chinese import to_simplified
from .shape import DATA
from .wording import Language


@dataclasses.dataclass(frozen=True)
class Talk:
    """One kind of small talk in one language."""

    kind: str
    language: Language
    ask: list[str]
    ask_held_out: list[str]
    say: list[str]


@functools.cache
def talks(language: Language) -> dict[str, Talk]:
    """All small talk of a language by kind."""
    found: dict[str, Talk] = {}
    column = "en" if language == "en" else "tw"
    for block in ("\n" + (DATA / "talk.txt").read_text(encoding="utf-8")).split("\n== ")[1:]:
        head, *lines = block.strip().splitlines()
        kind, spoken = head.split()
        if spoken != column:
            continue
        fields: dict[str, list[str]] = {}
        for line in lines:
            key, _, rest = line.partition(": ")
            texts = [one.strip() for one in rest.split(" | ")]
            fields[key] = [to_simplified(one) for one in texts] if language == "cn" else texts
        found[kind] = Talk(kind, language, fields["ask"], fields["ask!"], fields["say"])
    return found
