"""Work that ends when nobody waits for it any more: it asks, between two of its steps, whether it goes on.

    with when(left.is_set):          # in the thread that works
        ...  check()  ...            # raises `Abandoned` once it says yes

Which thread works for whom is known to the thread alone, so that what asks (`projection`, `neighbours`) needs
no argument for it; where nobody said how to stop, nothing ever stops.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_mine = threading.local()


class Abandoned(BaseException):
    """Nobody waits for it any more. No Exception: a library must not mistake it for a failure of its own."""


def check() -> None:
    """Go on, or raise `Abandoned`."""
    left: Callable[[], bool] | None = getattr(_mine, "left", None)
    if left is not None and left():
        raise Abandoned


def listening() -> Callable[[], bool]:
    """Whether nobody waits for this thread's work, for the threads of a library that works for it."""
    left: Callable[[], bool] | None = getattr(_mine, "left", None)
    return left or (lambda: False)


@contextmanager
def when(left: Callable[[], bool]) -> Iterator[None]:
    """In this thread, `check` raises once ``left`` says that nobody waits."""
    before = getattr(_mine, "left", None)
    _mine.left = left
    try:
        yield
    finally:
        _mine.left = before


@contextmanager
def turn(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock; who waits for it may be abandoned, and then never begins."""
    while not lock.acquire(timeout=0.1):
        check()
    try:
        check()
        yield
    finally:
        lock.release()


@contextmanager
def at_calls_of(module: str) -> Iterator[None]:
    """`check` at every call of a function of this module, in this thread, for a library with no other way.

    Args:
        module: dotted; a loop in it that calls functions of its own, in Python, is left at the next of them.
    """
    before = sys.getprofile()

    def entered(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__") == module:
            check()

    sys.setprofile(entered)
    try:
        yield
    finally:
        sys.setprofile(before)


def asking(steps: Iterable[T], *args: Any, **options: Any) -> Iterator[T]:
    """The same steps, and `check` before each: in place of ``tqdm``, whose arguments are left aside.

    (No bar that raises while it is drawn: tqdm then keeps its lock, and every other thread waits for ever.)
    """
    for each in steps:
        check()
        yield each
