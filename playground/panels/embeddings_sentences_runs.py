"""Runs of the Sentences view: each ends at its next step when its page wants something newer, or Stop.

A page asks with Gradio's ``always_last``: while a run is on, of all that is asked the last waits. So that it
need not wait for the end, each event also tells its time at once (`Runs.newer`), and whatever was asked
before that gives up; Gradio then asks anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, TypeVar

T = TypeVar("T")
PAGES = 1_000  # that are remembered
SAME = 50.0  # milliseconds: one event's two messages are not an older and a newer one


class Under(str):
    """HTML that tells how far a run is; "" where there is no more to say than that it goes on."""


class Runs:
    """What the pages asked last, and when they said Stop; times are of the page's clock, in milliseconds."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, float] = OrderedDict()
        self._stopped: OrderedDict[str, float] = OrderedDict()

    def newer(self, page: str, at: object) -> None:
        """Something else is asked on a page."""
        _remember(self._newest, page, at)

    def stop(self, page: str, at: object) -> None:
        """Stop was pressed on a page."""
        _remember(self._stopped, page, at)

    def only(self, page: str, at: object, steps: Iterator[str], stopped: Callable[[], str]) -> Iterator[str]:
        """The steps of a run that was asked for at a time, until something newer is; at Stop a last word."""
        asked = at if isinstance(at, int | float) else 0.0
        own = steps if isinstance(steps, Generator) else _all(steps)
        with closing(own):
            for step in own:
                if self._stopped.get(page, 0.0) > asked:
                    yield Under(stopped())
                    return
                if self._newest.get(page, 0.0) > asked + SAME:
                    return
                yield step


def _all(steps: Iterator[str]) -> Generator[str]:
    yield from steps


def _remember(times: OrderedDict[str, float], page: str, at: object) -> None:
    if page and isinstance(at, int | float):
        times[page] = float(at)
        times.move_to_end(page)
        while len(times) > PAGES:
            times.popitem(last=False)


def aside(work: Callable[..., T], *given: Any) -> Generator[Under, None, T]:
    """Work in a thread of its own: who stops waiting finds it done the next time."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work(*given))
        except BaseException as error:  # told to whoever waits
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.25)
        if thread.is_alive():
            yield Under("")
    if failed:
        raise failed[0]
    return done[0]
