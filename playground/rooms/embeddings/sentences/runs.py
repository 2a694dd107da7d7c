"""Runs of the Sentences view: each ends at its next step when its page wants something else, or Stop.

A page asks with Gradio's ``always_last``: while a run is on, of all that is asked the last waits. So that it
need not wait for the end, every event also sends its `Mark` at once (`Runs.newer`); a run that is of other
rows, or of another map, gives up, and Gradio asks anew. A mark is made in the page (``playground.mark``): a
number that grows with every event, and a hash of what is asked, so that no event ends its own run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from playground.engine.shared_work import SharedWork
from playground.system.lru import LRU

T = TypeVar("T")
PAGES = 1_000  # that are remembered
What = Literal["rows", "whole", "nothing"]


@dataclass(frozen=True)
class Mark:
    """What an event asks for: its number, the rows (with the model), and all of it."""

    number: int = 0
    rows: str = ""
    whole: str = ""
    nothing: str = ""

    @classmethod
    def of(cls, told: object) -> Mark:
        """A page's word, ``number:rows:whole``; whatever else comes is a mark without a number."""
        parts = str(told).split(":")
        if len(parts) != 3 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 16):
            return cls()
        return cls(int(parts[0]), parts[1][:40], parts[2][:40])


class Under(str):
    """HTML that tells how far a run is; "" where there is no more to say than that it goes on."""


class Runs:
    """What every page asked last, and when it said Stop."""

    def __init__(self) -> None:
        self._newest: LRU[Mark] = LRU(PAGES)
        self._stopped: LRU[Mark] = LRU(PAGES)

    def newer(self, page: str, told: object) -> None:
        """Something is asked on a page."""
        _remember(self._newest, page, Mark.of(told))

    def stop(self, page: str, told: object) -> None:
        """Stop was pressed on a page."""
        _remember(self._stopped, page, Mark.of(told))

    def only(
        self, page: str, told: object, what: What, steps: Iterator[str], stopped: Callable[[], str]
    ) -> Iterator[str]:
        """The steps of a run, until the page asks for something else; at Stop a last word instead.

        Args:
            told: the mark of the event that asked for it.
            what: of a mark that must not change meanwhile.
        """
        mine, none = Mark.of(told), Mark()
        if what == "whole":  # the others' marks know only their part
            _remember(self._newest, page, mine)
        own = steps if isinstance(steps, Generator) else _all(steps)
        with closing(own):
            for step in own:
                if (self._stopped.get(page) or none).number > mine.number > 0:
                    yield Under(stopped())
                    return
                last = self._newest.get(page) or mine
                if last.number > mine.number > 0 and getattr(last, what) != getattr(mine, what):
                    return
                yield step


def _all(steps: Iterator[str]) -> Generator[str]:
    yield from steps


def _remember(marks: LRU[Mark], page: str, mark: Mark) -> None:
    known = marks.get(page)
    if page and not (known and known.number > mark.number):  # messages may overtake each other
        marks.put(page, mark)


def aside(
    shared: SharedWork, key: Hashable, work: Callable[..., T], *given: Any
) -> Generator[Under, None, T]:
    """Work in a thread of its own, one for all who ask for the same; it ends when nobody waits for it."""
    with closing(shared.running(key, work, *given)) as steps:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                made: T = end.value
                return made
            yield Under("")
