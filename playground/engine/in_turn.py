"""Work on a model when its turn has come, in the line of all who use it: no other way leads to a shared one.

for state in in_line(loaded, work, tokens):
    match state:
        case Waiting(position): ...     somebody else is at work on this model
        case _: ...                     what the work gave

for state in in_turn(loaded, steps, stop):
    match state:
        case Waiting(position): ...     somebody else is at work on this model
        case _: ...                     what the step gave
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from playground.engine import queue
from playground.engine.generation.generate import TELL, Waiting, out_of_memory
from playground.errors import DoesNotFit
from playground.models.cache import Loaded

T = TypeVar("T")


def in_line(loaded: Loaded, work: Callable[[], T], tokens: int) -> Generator[Waiting | T, None, None]:
    """One piece of work, of so many tokens, that nobody else's pass runs beside; close it to leave the line.

    Who gets the result has left the line already.

    Raises:
        DoesNotFit: ``reading_out_of_memory`` (name, tokens).
    """
    ticket = queue.line(loaded).join()
    try:
        while place := ticket.wait(TELL):
            yield Waiting(place)
        with explain_out_of_memory(loaded, tokens):
            made = work()
    finally:
        ticket.leave()
    yield made


def finished(states: Iterator[Waiting | T]) -> T:
    """The last that comes, for those who wait and have nobody to tell how long."""
    *_, last = states
    assert not isinstance(last, Waiting)
    return last


@contextmanager
def explain_out_of_memory(
    loaded: Loaded, tokens: int, after: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Memory that runs out within, as a sentence.

    Args:
        tokens: how many were to be read.
        after: done when it ran out, once the pass has let go of what it held.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        out_of_memory(error, loaded, tokens)  # raises whatever is no matter of memory
    else:
        return
    after()
    raise DoesNotFit("reading_out_of_memory", name=loaded.card.name, tokens=tokens)


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
            asked for the next one for long (see `queue`).
        stop: asked before each step.
        yields: after which steps to stand at the end of the line again, so that whoever waits goes first.
    """
    line = queue.line(loaded)
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
