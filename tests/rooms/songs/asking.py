"""Asks an action of the Songs room as its page does: every control as it is built, but for what is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playground.rooms.songs import example
from playground.rooms.songs.actions import Answers
from playground.rooms.songs.request import CONTROLS, UNTOUCHED
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import TUNED
from playground.ui.runs import Given, Line

BUILT: dict[str, Any] = {
    "liked": UNTOUCHED, "disliked": [], "dataset": "sample", "trained": "", "search": "", "paste": "",
    "seen": "", "steps": example.STEPS, "method": "umap", "by": "genre",
    **{name: getattr(TUNED, name) for name in CONTROLS},
}  # fmt: skip


def given(asker: str = "", **changed: Any) -> Given:
    """What an action is given."""
    return Given({f"songs.{name}": value for name, value in (BUILT | changed).items()}, "songs", asker)


def asked(do: SongsService, action: str, asker: str = "", **changed: Any) -> Iterator[Line]:
    """The lines of an answer."""
    answer: Iterator[Line] = getattr(Answers(do), action)(given(asker, **changed))
    return answer


def shown(do: SongsService, action: str, asker: str = "", **changed: Any) -> str:
    """The last HTML of an answer."""
    *_, last = (line["html"] for line in asked(do, action, asker, **changed) if "html" in line)
    return str(last)


def changes(do: SongsService, action: str, asker: str = "", **changed: Any) -> dict[str, Any]:
    """What an answer sets."""
    return {
        id: value for line in asked(do, action, asker, **changed) for id, value in line.get("set", {}).items()
    }
