"""What waits for the network waits in a thread aside, so that the caller can be told and can stop."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, TypeVar

from playground.models.hub import client
from playground.system import cancellation

T = TypeVar("T")
TICK = 0.2  # seconds between two reports
AHEAD = 64  # pieces read ahead of the disk

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all (0: not known yet). Whatever it raises stops the download."""


class Stopped(BaseException):
    """Carries what a caller's ``progress`` raised past whatever handles errors of the network."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Report:
    """Tells a caller how far a download is, several times a second, also while nothing arrives."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._next = 0.0
        self.total = 0
        self.finished = 0  # bytes of files that are whole
        self.current = 0  # bytes of the one that is on its way

    @property
    def missing(self) -> int:
        """Bytes still to come."""
        return max(0, self.total - self.finished - self.current)

    def tell(self) -> None:
        """Tells now."""
        self._next = time.monotonic() + TICK
        try:
            self._progress(self.total - self.missing, self.total)
        except BaseException as error:
            raise Stopped(error) from None

    def tick(self) -> bool:
        """Tells if it is time to, and says whether it did."""
        due = time.monotonic() >= self._next
        if due:
            self.tell()
        return due

    def wait(self, seconds: float) -> None:
        """Sleeps and tells."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
            self.tick()


def aside(make: Callable[[], Iterator[T]], tick: Callable[[], Any]) -> Iterator[T]:
    """The items of an iterator that may block; ``tick`` is called while none comes.

    The thread is left alone when the caller leaves; it ends at its next item or time-out. It touches
    nothing but its connection and this queue, so it can do no harm meanwhile.

    Raises:
        Abandoned: nobody waits for this thread's work any more.
        ReadTimeout: no item for twice `client.SECONDS`. (Looking up an address knows no time-out at
            all, and one that counts bytes never ends where they come one by one.)
    """
    from huggingface_hub.utils import httpx

    box: queue.Queue[tuple[list[T], BaseException | None]] = queue.Queue(AHEAD)
    left = threading.Event()

    def put(items: list[T], error: BaseException | None = None) -> bool:
        while not left.is_set():
            try:
                box.put((items, error), timeout=TICK)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in (items := make()):
                if not put([item]):
                    break
            if close := getattr(items, "close", None):
                close()
            put([])
        except BaseException as error:
            put([], error)

    threading.Thread(target=work, name="hub", daemon=True).start()
    try:
        began = time.monotonic()
        while True:
            try:
                items, error = box.get(timeout=TICK)
            except queue.Empty:
                cancellation.check()
                tick()
                if time.monotonic() - began > 2 * client.SECONDS:
                    raise httpx.ReadTimeout("silence") from None
                continue
            if error is not None:
                raise error
            if not items:
                return
            yield from items
            began = time.monotonic()
    finally:
        left.set()


def answer(ask: Callable[[], T], tick: Callable[[], Any]) -> T:
    """The one answer to a question that may block."""
    with closing(aside(lambda: iter([ask()]), tick)) as answers:  # type: ignore[type-var]
        return next(answers)


class _Left(BaseException):
    """Nobody follows any more. No Exception: what is stopped must not mistake it for a failure."""


def following(work: Callable[[Progress], Any]) -> Generator[tuple[int, int]]:
    """Bytes done and in all of a download, a few times a second; it is closed when who follows leaves.

    Args:
        work: downloads, and tells its progress; done in a thread, which has ended when this has.

    Raises:
        What the work raises.
    """
    latest: queue.Queue[tuple[int, int] | BaseException | None] = queue.Queue()
    left = threading.Event()

    def progress(done: int, total: int) -> None:
        if left.is_set():
            raise _Left
        latest.put((done, total))

    def run() -> None:
        try:
            work(progress)
            latest.put(None)
        except BaseException as error:
            latest.put(error)

    thread = threading.Thread(target=run, name="download", daemon=True)
    thread.start()
    try:
        while (told := latest.get()) is not None:
            if isinstance(told, BaseException):
                raise told
            yield told
    finally:
        left.set()
        thread.join()
