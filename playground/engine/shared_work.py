"""Work that several may wait for: done once for all who ask while it runs, ended when the last one leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from playground.errors import apart
from playground.system import cancellation

T = TypeVar("T")
TELL = 0.25  # seconds between two signs of life to who waits
LOOKS = 0.05  # seconds between two looks whether who waits is still there


class _Run:
    def __init__(self) -> None:
        self.waiting = 0
        self.done, self.left = threading.Event(), threading.Event()
        self.made: Any = None
        self.failure: BaseException | None = None

    def work(self, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
        try:
            with cancellation.when(self.left.is_set):
                self.made = work(*given)
        except BaseException as error:  # told to whoever waits
            self.failure = error
        finally:
            self.done.set()


class SharedWork:
    """What is under way, by what it is: the same thing is never done twice at once."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, _Run] = {}
        self._lock = threading.RLock()  # generators are closed inside garbage collections, too

    def running(self, key: Hashable, work: Callable[..., T], *given: Any) -> Generator[None, None, T]:
        """``work(*given)`` in a thread of its own; None some four times a second, and at last what it made.

        Closing it leaves. When the last one has left, the work ends where it can (`cancellation.check`): what
        nobody waits for is not finished first.

        Args:
            key: what the work makes; whoever asks for the same joins the run that is under way.

        Raises:
            Whatever the work raises.
        """
        with self._joined(key, work, given) as run:
            while not run.done.wait(TELL):
                yield
        made: T = _made(run)
        return made

    def wait(self, key: Hashable, work: Callable[..., T], *given: Any) -> T:
        """What `running` makes, once it is there; who waits here leaves by `cancellation.check`.

        Raises:
            cancellation.Abandoned: nobody waits for this thread's work any more.
        """
        with self._joined(key, work, given) as run:
            while not run.done.wait(LOOKS):
                cancellation.check()
        made: T = _made(run)
        return made

    @contextmanager
    def _joined(self, key: Hashable, work: Callable[..., T], given: tuple[Any, ...]) -> Iterator[_Run]:
        with self._lock:
            run = self._runs.get(key)
            begins = run is None or run.done.is_set()
            if run is None or begins:
                run = self._runs[key] = _Run()
            run.waiting += 1
        try:
            if begins:
                threading.Thread(target=run.work, args=(work, given), daemon=True).start()
            yield run
        finally:
            with self._lock:
                run.waiting -= 1
                if not run.waiting:
                    run.left.set()
                    if self._runs.get(key) is run:
                        del self._runs[key]  # who comes now begins anew

    def __len__(self) -> int:
        return len(self._runs)


def _made(run: _Run) -> Any:
    if run.failure is not None:
        raise apart(run.failure) from run.failure
    return run.made
