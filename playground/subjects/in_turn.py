"""Work on a model that goes step by step, each step when its turn has come: in the line of all who use it.

for state in in_turn(loaded, steps, stop):
    match state:
        case Waiting(position): ...     somebody else is at work on this model
        case _: ...                     what the step gave
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from playground.models import Loaded
from playground.subjects import turns
from playground.subjects.decoding import TELL, Waiting

T = TypeVar("T")


def in_turn(
    loaded: Loaded,
    steps: Iterator[T],
    stop: Callable[[], bool] = lambda: False,
    *,
    yields: Callable[[T], bool] = lambda made: False,
) -> Generator[Waiting | T, None, None]:
    """The steps of a generator, none of which runs while somebody else decodes on the model.

    Close it to stop at once: the generator is closed as well, and the place in the line given up.

    Args:
        steps: each ``next`` is one piece of work; others may come between two of them only when nobody
            asked for the next one for long (see `turns`).
        stop: asked before each step.
        yields: after which steps to stand at the end of the line again, so that whoever waits goes first.
    """
    line = turns.line(loaded)
    ticket = line.join()
    try:
        while True:
            while place := ticket.wait(TELL):
                if stop():
                    return
                yield Waiting(place)
            if stop():
                return
            try:
                made = next(steps)
            except StopIteration:
                return
            if yields(made):
                ticket.leave()
                ticket = line.join()
            else:
                ticket.rest()
            yield made
    finally:
        ticket.leave()
        close = getattr(steps, "close", None)
        if close:
            close()
