"""The bytes of one file from an address: resumed, retried, checked, stopped at once; of all downloads.

    Download  completes a part, from where the last connection broke; `transfer` does so for files of the Hub
    fetch     any other file: under a name of its own until it is whole, and renamed then

The bytes come by huggingface_hub's client, which knows proxies, redirects and time-outs.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad
from playground.models.hub import client
from playground.models.hub.aside import Progress, Report, Stopped, answer, aside
from playground.system import disk

TRIES = 5  # failures in a row without a new byte
FIRST_TRIES = 2  # before any byte has come: a visitor who waits for nothing is told soon
PAUSE = 1.0  # seconds after the first failure; twice that after the second, and so on
PIECE = 2**20
PLAIN = {"Accept-Encoding": "identity"}  # compressed, a range would be one of the compressed bytes
SPARE = 2**26  # bytes of disk that a download must leave free


class Failed(Exception):
    """An address does not answer, or not with the file that it should give."""


class Damaged(Failed):
    """What came is not what was announced."""


@dataclass(frozen=True)
class Head:
    """What an answer says before its bytes.

    Args:
        start: where in the file they begin; -1 where that cannot be told.
        total: bytes of the whole file; None where that is not told.
        md5: of the whole file, as Google's storage tells it; "" where it does not.
    """

    start: int
    total: int | None = None
    md5: str = ""


class Download:
    """Reads files, one after the other; failures in a row are counted over all of them.

    Args:
        room: raises where the disk has no room for so many bytes more.
    """

    def __init__(self, report: Report, room: Callable[[int], None]) -> None:
        self.report = report
        self._room = room
        self._failures = 0
        self._moved = False

    def ask(self, question: Any) -> Any:
        """The answer to a question, asked again where there is none."""
        while True:
            try:
                return answer(question, self.report.tick)
            except client.unreachable() as error:
                self._suffer(error)

    def complete(self, part: Partial, url: str, headers: dict[str, str]) -> None:
        """Reads until all is there, from where the last connection broke."""
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils import httpx

        part.load(self.report)
        most = part.size
        while part.expected is None or part.size < part.expected:
            self.report.current = part.size
            self._room(self.report.missing)
            failure: Exception
            try:
                self._read(part, url, headers)
                if part.expected is None or part.size >= part.expected:
                    return
                failure = httpx.RemoteProtocolError("too short")
            except client.unreachable() as error:
                failure = error
            except HfHubHTTPError as error:
                if error.response.status_code != 416 or not part.size:
                    raise
                part.restart()  # more than there is: what is here is another file's
                failure = error
            if part.size > most:  # not merely new: a Hub that cannot resume might begin anew for ever
                self._failures, most = 0, part.size
            self._suffer(failure)

    def _read(self, part: Partial, url: str, headers: dict[str, str]) -> None:
        """Reads until the answer ends or breaks, or has more than was promised."""
        from huggingface_hub.utils import httpx

        if part.size:
            headers = {**headers, "Range": f"bytes={part.size}-"}
        with closing(aside(lambda: body(url, headers), self.report.tick)) as answers:  # type: ignore[type-var]
            head = next(answers)
            if head.start != part.size:
                part.restart()
                if head.start != 0:
                    raise httpx.RemoteProtocolError("another range")
            part.note(head)
            self.report.total = self.report.total or part.expected or 0
            for piece in answers:
                part.add(piece)
                self._moved = True
                self.report.current = part.size
                if part.size > (part.most if part.expected is None else part.expected):
                    return
                if self.report.tick():
                    self._room(0)

    def _suffer(self, error: Exception) -> None:
        """Bears a failure and waits a little, or raises it."""
        self._failures += 1
        if self._failures >= (TRIES if self._moved else FIRST_TRIES):
            raise error
        self.report.wait(PAUSE * 2 ** (self._failures - 1))


class Partial:
    """The beginning of a file, and the hash of it.

    Args:
        expected: bytes of the whole file; None where only the answer tells.
        empty: a hash of nothing; None where none is known.
        digest: what the hash of the whole must be; "" where only the answer tells.
        most: bytes that it may have where nothing tells how many it has.
    """

    def __init__(
        self, path: Path, expected: int | None, empty: Any, digest: str, most: float = float("inf")
    ) -> None:
        self.path = path
        self.expected = expected
        self.most = most
        self._empty = empty
        self._digest = digest
        self._file = path.open("ab")
        self.restart(keep=True)

    def note(self, head: Head) -> None:
        """Takes from an answer what was not known before.

        Raises:
            Damaged: more than it may have.
        """
        if self.expected is None:
            self.expected = head.total
        if self.expected is not None and self.expected > self.most:
            raise Damaged(f"{self.expected} bytes")
        if self._empty and not self._digest:
            self._digest = head.md5

    def restart(self, *, keep: bool = False) -> None:
        """Begins anew."""
        if not keep:
            self._file.truncate(0)
        self.size = 0
        self._hash = self._empty.copy() if self._empty else None

    def load(self, report: Report) -> None:
        """Reads what an earlier download left."""
        size = self.path.stat().st_size
        if self.expected is not None and size > self.expected:
            return self.restart()
        with self.path.open("rb") as file:
            while self.size < size and (piece := file.read(PIECE)):
                self._count(piece)
                report.current = self.size
                report.tick()

    def add(self, piece: bytes) -> None:
        """Appends bytes."""
        self._file.write(piece)
        self._count(piece)

    def _count(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._hash:
            self._hash.update(piece)

    def true(self) -> bool:
        """Whether the bytes are those that were promised, as far as that can be checked."""
        whole = self.expected in (self.size, None) and self.size <= self.most
        return whole and (not self._hash or self._digest in ("", self._hash.hexdigest()))

    def close(self) -> None:
        """What is there is kept."""
        self._file.close()


def _nothing(done: int, total: int) -> None:
    """Nobody wants to know."""


def fetch(
    url: str,
    path: Path,
    *,
    name: str,
    most: int,
    md5: str = "",
    progress: Progress = lambda done, total: None,
) -> None:
    """Put a file in its place, whole: under a name of its own meanwhile, of which nothing is left on the way.

    Args:
        name: of what is fetched, as the visitor knows it.
        most: bytes that it may have.
        md5: of its content; where it is not known, what the answer says of it is believed.
        progress: told bytes done and in all, several times a second. What it raises stops it at once.

    Raises:
        Failed: the address does not give it. Damaged: what came is not what was announced.
        CannotLoad: no room on the disk, or none that may be written.
    """

    def room(need: int) -> None:
        free = shutil.disk_usage(path.parent).free
        if free < need + SPARE:
            raise CannotLoad("disk_full", name=name, need=need, free=free)

    report = Report(progress)
    with _failures(url), disk.explain_errors(name), disk.arriving(path) as part_path:
        room(0)
        with closing(Partial(part_path, None, hashlib.md5(usedforsecurity=False), md5, most)) as part:
            Download(report, room).complete(part, url, PLAIN)
        if not part.true():
            raise Damaged(url)
        report.tell()


def read(url: str, most: int, progress: Progress = _nothing) -> bytes:
    """The bytes of a small file, without a disk.

    Raises:
        Failed: the address does not give it, or more than ``most`` bytes.
    """
    report, content = Report(progress), bytearray()

    def whole() -> bytes:
        content.clear()
        answers = body(url, PLAIN)
        next(answers)
        for piece in answers:
            content.extend(piece)
            if len(content) > most:
                raise Failed(f"{url}: more than {most} bytes")
        return bytes(content)

    with _failures(url):
        return bytes(Download(report, lambda need: None).ask(whole))


@contextmanager
def _failures(url: str) -> Iterator[None]:
    """Turns the errors of the network into `Failed`, and gives back what a caller's progress raised."""
    from huggingface_hub.errors import HfHubHTTPError

    client.be_impatient()
    try:
        yield
    except Stopped as stopped:
        raise stopped.error from stopped.error.__cause__
    except client.unreachable() as error:
        raise Failed(url) from error
    except HfHubHTTPError as error:
        raise Failed(f"{url}: {error.response.status_code}") from error


def body(url: str, headers: dict[str, str]) -> Iterator[Any]:
    """What an answer says of itself (`Head`), then its bytes.

    The session follows redirects, and takes the token along to the same host only.
    """
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status

    with get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
        hf_raise_for_status(response)
        given = response.headers
        match = re.match(r"bytes (\d+)-\d*/?(\d*)", given.get("Content-Range", ""))
        whole = response.status_code == 200
        told = given.get("Content-Length", "") if whole else match[2] if match else ""
        packed = given.get("Content-Encoding", "identity") != "identity"  # then lengths are of packed bytes
        total = int(told) if told.isdigit() and not packed else None
        yield Head(0 if whole else int(match[1]) if match else -1, total, _md5(given.get("x-goog-hash", "")))
        yield from response.iter_bytes()


def _md5(told: str) -> str:
    """The checksum in hexadecimal from ``crc32c=…,md5=<base64>``; "" where there is none."""
    found = re.search(r"\bmd5=([A-Za-z0-9+/]{22}==)", told)
    return base64.b64decode(found[1]).hex() if found else ""
