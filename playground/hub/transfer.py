"""One file from the Hub to this disk: resumed, retried, checked, stopped at once.

huggingface_hub's own ``hf_hub_download`` deletes what it has when it fails, and does not notice a stop
while nothing arrives. So the bytes are fetched here, with its session, its lock, its names for files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad
from playground.hub import cache, client
from playground.hub.aside import TICK, Report, answer, aside
from playground.hub.cache import File, Listing

TRIES = 5  # failures in a row without a new byte
FIRST_TRIES = 2  # before any byte has come: a visitor who waits for nothing is told soon
PAUSE = 1.0  # seconds after the first failure; twice that after the second, and so on
PIECE = 2**20


class Transfer:
    """Fetches the files of one listing, one after the other."""

    def __init__(self, listing: Listing, token: bool | None, report: Report) -> None:
        self.listing = listing
        self.token = token
        self.report = report
        self._failures = 0
        self._moved = False

    def fetch(self, file: File) -> None:
        """Puts a file in its place.

        Raises:
            CannotLoad: damaged (what came of it is deleted), or no disk.
        """
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        listing = self.listing
        url = hf_hub_url(listing.repository, file.name, revision=listing.commit)
        known = self._ask(lambda: get_hf_file_metadata(url, token=self.token, timeout=client.SECONDS))
        etag = known.etag or file.etag
        if not re.fullmatch(r"\w[\w-]*", etag, re.ASCII):  # it becomes a file's name
            raise self._damaged(file)
        # Compressed, a range would be one of the compressed bytes.
        headers = {**build_hf_headers(token=self.token), "Accept-Encoding": "identity"}
        with ExitStack() as stack:
            self._lock(stack, etag)
            if not listing.here(file.name) and not listing.blob(etag).is_file():
                size = known.size if file.size is None else file.size
                path = listing.partial(etag)
                path.parent.mkdir(parents=True, exist_ok=True)
                with closing(Partial(path, size, *_promise(file, etag, size))) as part:
                    self._complete(part, url, headers)
                if not part.true():
                    path.unlink()
                    raise self._damaged(file)
                os.replace(path, listing.blob(etag))
            cache.link(listing, file.name, etag, new=True)
        self.report.current = 0

    def _lock(self, stack: ExitStack, etag: str) -> None:
        """Takes a file's lock. While another has it, its bytes are ours to wait for."""
        while True:
            try:
                stack.enter_context(cache.lock(self.listing, etag, TICK))
                return
            except TimeoutError:
                partial = self.listing.partial(etag)
                self.report.current = partial.stat().st_size if partial.is_file() else 0
                self.report.tick()

    def _ask(self, question: Any) -> Any:
        while True:
            try:
                return answer(question, self.report.tick)
            except client.unreachable() as error:
                self._suffer(error)

    def _complete(self, part: Partial, url: str, headers: dict[str, str]) -> None:
        """Reads until all is there, from where the last connection broke."""
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils import httpx

        part.load(self.report)
        most = part.size
        while part.expected is None or part.size < part.expected:
            self.report.current = part.size
            cache.check_disk(self.listing.repository, self.report.missing)
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
            if (start := next(answers)) != part.size:
                part.restart()
                if start != 0:
                    raise httpx.RemoteProtocolError("another range")
            for piece in answers:
                part.add(piece)
                self._moved = True
                self.report.current = part.size
                if part.expected is not None and part.size > part.expected:
                    return
                if self.report.tick():
                    cache.check_disk(self.listing.repository, 0)

    def _suffer(self, error: Exception) -> None:
        """Bears a failure and waits a little, or raises it."""
        self._failures += 1
        if self._failures >= (TRIES if self._moved else FIRST_TRIES):
            raise error
        self.report.wait(PAUSE * 2 ** (self._failures - 1))

    def _damaged(self, file: File) -> CannotLoad:
        return CannotLoad("download_damaged", name=self.listing.repository, file=file.name)


class Partial:
    """The beginning of a file, and the hash of it."""

    def __init__(self, path: Path, expected: int | None, empty: Any, digest: str) -> None:
        self.path = path
        self.expected = expected
        self._empty = empty
        self._digest = digest
        self._file = path.open("ab")
        self.restart(keep=True)

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
        """Whether the bytes are those that the Hub promised, as far as that can be checked."""
        return self.expected in (self.size, None) and (
            not self._hash or self._hash.hexdigest() == self._digest
        )

    def close(self) -> None:
        """What is there is kept."""
        self._file.close()


def _promise(file: File, etag: str, size: int | None) -> tuple[Any, str]:
    """How to hash a file and what must come out: a large one's sha256, git's hash of a small one.

    A mirror's etag may be anything: then only the size is checked.
    """
    if file.sha256 or re.fullmatch(r"[0-9a-f]{64}", etag):
        return hashlib.sha256(), file.sha256 or etag
    if etag == file.oid and size is not None:
        return hashlib.sha1(b"blob %d\0" % size), etag
    return None, ""


def body(url: str, headers: dict[str, str]) -> Iterator[Any]:
    """Where the bytes of an answer begin in the file, then the bytes.

    The session follows redirects, and takes the token along to the same host only.
    """
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status

    with get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
        hf_raise_for_status(response)
        match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        yield 0 if response.status_code == 200 else int(match[1]) if match else -1
        yield from response.iter_bytes()
