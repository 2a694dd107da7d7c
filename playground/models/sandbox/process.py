"""Child processes for what strangers brought: each answers requests over pipes until it is killed.

A regular expression may take hours and a table all memory, in a library that holds the interpreter's lock and
ends the process where memory is out. So it runs in a child with a deadline for each request and a limit of
memory, that knows none of the server's secrets. A child is kept for the next request; one that was killed is
started again by the next request. At most `MOST` stand at once, and the least recently used makes room.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np

from playground import ROOT, errors
from playground.errors import BadInput, DoesNotFit, PlaygroundError, TookTooLong
from playground.models.sandbox import wire

log = logging.getLogger(__name__)

SECONDS = 5.0  # of wall-clock time for a request; a page of text takes milliseconds
PER_CHARACTER = 1e-5  # seconds more for each character of a long text
OPENING = 30.0  # seconds to start and read the files; as a rule it takes one or two
MOST = 6  # children at once, as many as tokenizers are compared side by side
WAITING = 24  # requests that wait or run at once, of all children: no more threads of the server are held
NO_MEMORY = 77  # exit status of a child whose memory is out
SAID = 4096  # bytes of what a child wrote last to stderr that are looked at


class _Ended(Exception):
    """A child ended, or was ended, before it answered."""

    def __init__(self, late: bool, status: int, said: bytes) -> None:
        super().__init__(f"ended with {status}: {said[-500:]!r}")
        self.late, self.status, self.said = late, status, said

    @property
    def for_memory(self) -> bool:
        """For want of memory; the system's own killer is taken for it, as nobody else kills."""
        said = self.said.lower()
        return self.status in (NO_MEMORY, -9) or b"memory" in said or b"bad_alloc" in said

    @property
    def for_time(self) -> bool:
        return self.late or self.status == -int(getattr(signal, "SIGXCPU", 0) or 10**6)


def environment() -> dict[str, str]:
    """All that a child knows of ours: where the code lies. No token, no password, no folder."""
    return {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TOKENIZERS_PARALLELISM": "false",  # one core each
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    }


class Child:
    """One process, and one request at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=ROOT,
            env=environment(),
        )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ask(
        self, message: wire.Message, columns: wire.Columns | None, seconds: float
    ) -> tuple[wire.Message, dict[str, np.ndarray]]:
        """A request and its answer.

        Raises:
            _Ended: no answer within so many seconds, or none at all; the process is gone.
            wire.TooLarge: the request is larger than a frame; nothing happened.
        """
        late, answered, gate = False, False, threading.Lock()

        def kill() -> None:
            nonlocal late
            with gate:  # an answer that has just come is not taken back
                if not answered:
                    late = True
                    self.process.kill()

        assert self.process.stdin and self.process.stdout
        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            with suppress(OSError):  # it is gone: what it said last is told below
                wire.send(self.process.stdin, message, columns)
            found = wire.receive(self.process.stdout)
            with gate:
                answered = True
            if late:
                raise EOFError
            return found
        except (EOFError, OSError, wire.Malformed) as error:
            if isinstance(error, wire.Malformed):
                self.process.kill()
            status = self.process.wait()
            raise _Ended(late, status, self._said() or str(error).encode()) from error
        finally:
            timer.cancel()

    def _said(self) -> bytes:
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - SAID))
        return self._errors.read()

    def end(self) -> None:
        """Kill it, if it still is, and forget its pipes."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            with suppress(OSError):  # what was not sent is lost anyway
                stream.close()  # type: ignore[union-attr]


class Session:
    """A child for one purpose, started when first asked, and again after it was killed or made room.

    Args:
        name: of what it serves, as a visitor knows it.
        command: what is started.
        greeting: the first request of every child of this session, which tells it what to open.
    """

    def __init__(self, name: str, command: Sequence[str], greeting: wire.Message) -> None:
        self.name, self.command, self.greeting = name, tuple(command), greeting
        self.opened: wire.Message = {}  # the answer to the greeting
        self._turn = threading.Lock()
        self._child: Child | None = None

    def ask(
        self, message: wire.Message, columns: wire.Columns | None = None, *, characters: int = 0
    ) -> tuple[wire.Message, dict[str, np.ndarray]]:
        """A request and its answer, when its turn has come.

        Args:
            characters: of the text that it is about, which gives it more time.

        Raises:
            PlaygroundError: what the child refused, as it would be raised here.
            TookTooLong: ``tokenizer_too_long`` (name, seconds), ``tokenizer_busy`` (name).
            DoesNotFit: ``tokenizer_too_large`` (name).
            BadInput: ``tokenizer_crashed`` (name), ``request_too_large`` (larger than any may be).
            RuntimeError: an error of the library that nobody foresaw.
        """
        seconds = SECONDS + characters * PER_CHARACTER
        with _place(self.name):
            if not self._turn.acquire(timeout=SECONDS):
                raise TookTooLong("tokenizer_busy", name=self.name)
            try:
                child = self._running()
                return self._answer(child, {**message, "seconds": seconds}, columns, seconds)
            finally:
                self._turn.release()

    def open(self) -> wire.Message:
        """Start the child now; its answer to the greeting.

        Raises:
            As `ask`.
        """
        with _place(self.name):
            if not self._turn.acquire(timeout=SECONDS):
                raise TookTooLong("tokenizer_busy", name=self.name)
            try:
                self._running()
                return self.opened
            finally:
                self._turn.release()

    @property
    def pid(self) -> int | None:
        """Of the child; None while there is none."""
        child = self._child
        return child.process.pid if child is not None and child.alive else None

    def close(self) -> None:
        """End the child; who asks all the same gets another."""
        self._end()

    def make_room(self) -> bool:
        """End the child if nobody is asking it; whether that was so."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            self._end()
            return True
        finally:
            self._turn.release()

    def _running(self) -> Child:
        if self._child is not None and not self._child.alive:  # killed while nobody asked
            self._end()
        if self._child is None:
            _POOL.admit(self)
            try:
                self._child = Child(self.command)
                greeting = {**self.greeting, "seconds": OPENING}
                self.opened, _ = self._answer(self._child, greeting, None, OPENING)
            except BaseException:
                self._end()
                raise
        _POOL.used(self)
        return self._child

    def _answer(
        self, child: Child, message: wire.Message, columns: wire.Columns | None, seconds: float
    ) -> tuple[wire.Message, dict[str, np.ndarray]]:
        try:
            answer, found = child.ask(message, columns, seconds)
        except wire.TooLarge as error:
            raise BadInput("request_too_large") from error
        except _Ended as ended:
            self._end()
            log.info("the process of %s %s", self.name, ended)
            if ended.for_time:
                raise TookTooLong("tokenizer_too_long", name=self.name, seconds=seconds) from ended
            if ended.for_memory:
                raise DoesNotFit("tokenizer_too_large", name=self.name) from ended
            raise BadInput("tokenizer_crashed", name=self.name) from ended
        except BaseException:  # whoever asked is ended in the middle: an answer may still come, to nobody
            self._end()
            raise
        if "refused" in answer:
            raise refusal(answer["refused"])
        if "failed" in answer:
            raise RuntimeError(f"{self.name}, in its process: {answer['failed']}")
        return answer, found

    def _end(self) -> None:
        child, self._child = self._child, None
        _POOL.left(self)
        if child is not None:
            child.end()


def refused(error: PlaygroundError) -> wire.Message:
    """A child's answer that says no; only plain values go along."""
    values = {
        name: value if isinstance(value, str | int | float | bool) else str(value)
        for name, value in error.values.items()
    }
    return {"refused": [type(error).__name__, error.key.removeprefix("errors."), values]}


def refusal(told: object) -> PlaygroundError:
    """The error that a child's ``refused`` says.

    Raises:
        RuntimeError: it says none of ours.
    """
    match told:
        case [str(name), str(key), dict(values)]:
            kind = getattr(errors, name, None)
            if isinstance(kind, type) and issubclass(kind, PlaygroundError):
                return kind(key, **values)
    raise RuntimeError(f"a child refused with {str(told)[:200]}")


class _Pool:
    """Which sessions have a child, the least recently used first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._running: dict[Session, None] = {}

    def admit(self, session: Session) -> None:
        """Room for one child more.

        Raises:
            TookTooLong: ``tokenizer_busy``, all are at work.
        """
        with self._lock:
            for other in list(self._running):
                if len(self._running) < MOST:
                    break
                other.make_room()
            if len(self._running) >= MOST:
                raise TookTooLong("tokenizer_busy", name=session.name)
            self._running[session] = None

    def used(self, session: Session) -> None:
        with self._lock:
            if session in self._running:
                self._running[session] = self._running.pop(session)  # type: ignore[func-returns-value]

    def left(self, session: Session) -> None:
        with self._lock:
            self._running.pop(session, None)

    def close(self) -> None:
        """End all, when the app ends."""
        with self._lock:
            for session in list(self._running):
                session.close()


_POOL = _Pool()
_PLACES = threading.BoundedSemaphore(WAITING)
atexit.register(_POOL.close)


@contextmanager
def _place(name: str) -> Iterator[None]:
    if not _PLACES.acquire(blocking=False):
        raise TookTooLong("tokenizer_busy", name=name)
    try:
        yield
    finally:
        _PLACES.release()
