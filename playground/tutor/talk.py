"""Small talk and what the tutor says about itself, read from `data/talk*.txt`."""

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
    """All small talk of a language by kind. A block "== kind cn" is the mainland's own."""
    found: dict[str, Talk] = {}
    column = "en" if language == "en" else "tw"
    text = "".join("\n" + (DATA / file).read_text(encoding="utf-8") for file in ("talk.txt", "talk.more.txt"))
    for block in text.split("\n== ")[1:]:
        head, *lines = block.strip().splitlines()
        kind, spoken = head.split()
        if spoken not in (column, language):
            continue
        one = found.setdefault(kind, Talk(kind, language, [], [], []))
        fields = {"ask": one.ask, "ask!": one.ask_held_out, "say": one.say}
        for line in lines:
            if not line or line.startswith("#"):
                continue
            key, _, rest = line.partition(": ")
            texts = [one.strip() for one in rest.split(" | ")]
            fields[key] += [to_simplified(one) for one in texts] if spoken != language else texts
    return found
