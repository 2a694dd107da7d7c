"""One file from the Hub to this disk: resumed, retried, checked, stopped at once.

huggingface_hub's own ``hf_hub_download`` deletes what it has when it fails, and does not notice a stop
while nothing arrives. So the bytes are fetched here, with its session, its lock, its names for files.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import ExitStack, closing
from typing import Any

from playground.errors import CannotLoad
from playground.models.hub import cache, client
from playground.models.hub.aside import TICK, Report
from playground.models.hub.cache import File, Listing
from playground.models.hub.download import Download, Partial


class Transfer:
    """Fetches the files of one listing, one after the other."""

    def __init__(self, listing: Listing, token: bool | None, report: Report) -> None:
        self.listing = listing
        self.token = token
        self.report = report
        self.download = Download(report, lambda need: cache.check_disk(listing.repository, need))

    def fetch(self, file: File) -> None:
        """Puts a file in its place.

        Raises:
            CannotLoad: damaged (what came of it is deleted), or no disk.
        """
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        listing = self.listing
        url = hf_hub_url(listing.repository, file.name, revision=listing.commit)
        known = self.download.ask(lambda: get_hf_file_metadata(url, token=self.token, timeout=client.SECONDS))
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
                    self.download.complete(part, url, headers)
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

    def _damaged(self, file: File) -> CannotLoad:
        return CannotLoad("download_damaged", name=self.listing.repository, file=file.name)


def _promise(file: File, etag: str, size: int | None) -> tuple[Any, str]:
    """How to hash a file and what must come out: a large one's sha256, git's hash of a small one.

    A mirror's etag may be anything: then only the size is checked.
    """
    if file.sha256 or re.fullmatch(r"[0-9a-f]{64}", etag):
        return hashlib.sha256(), file.sha256 or etag
    if etag == file.oid and size is not None:
        return hashlib.sha1(b"blob %d\0" % size), etag
    return None, ""
