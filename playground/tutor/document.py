"""One text of the corpus: a plain text or a conversation."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Turn:
    """What one speaker says. Role: "system", "user", "assistant", or "text" for a plain text."""

    role: str
    text: str


@dataclasses.dataclass(frozen=True)
class Document:
    """A plain text (one turn of role "text") or a conversation."""

    turns: tuple[Turn, ...]

    def key(self) -> str:
        """The whole document as one string: two documents are the same if their keys are."""
        return "\n".join(f"{turn.role}: {turn.text}" for turn in self.turns)


def plain(text: str) -> Document:
    """A plain text."""
    return Document((Turn("text", text),))


def conversation(pairs: list[tuple[str, str]], system: str = "") -> Document:
    """A conversation of questions with their replies, after a system prompt if there is one."""
    turns = [Turn("system", system)] if system else []
    for question, reply in pairs:
        turns += [Turn("user", question), Turn("assistant", reply)]
    return Document(tuple(turns))
