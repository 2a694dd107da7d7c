"""The word vectors of ``gensim.downloader``: its files, fetched and checked by ourselves.

gensim would also fetch a Python file beside each of them and run it; that never happens here. Which words
they hold and how they were made is told at gensim's list of data.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import urllib.request
from pathlib import Path
from typing import Any

from playground import disk
from playground.catalog import ModelCard
from playground.errors import CannotLoad, HubUnreachable
from playground.loaders.places import imported
from playground.loaders.words import OVERHEAD
from playground.models import Progress, Stage

log = logging.getLogger(__name__)
# Words, and numbers of each: what they will take, before anything is fetched.
SIZES = {
    "glove-wiki-gigaword-50": (400_000, 50),
    "glove-wiki-gigaword-100": (400_000, 100),
    "glove-wiki-gigaword-300": (400_000, 300),
    "glove-twitter-25": (1_193_514, 25),
    "fasttext-wiki-news-subwords-300": (999_999, 300),
    "word2vec-google-news-300": (3_000_000, 300),
}
BINARY = {"word2vec-google-news-300"}
SECONDS = 20.0  # until an answer, and between two pieces of it
LARGEST = 3 * 2**30  # bytes of one file
CHUNK = 1 << 18


def estimate(card: ModelCard) -> int:
    """Bytes that the vectors will take."""
    words, numbers = SIZES[card.name]
    return words * (4 * numbers + OVERHEAD)


def place(cache_dir: Path, name: str) -> Path:
    """Where a fetched file lies."""
    return cache_dir / "words" / f"{name}.gz"


def fetch(card: ModelCard, cache_dir: Path | None, offline: bool, progress: Progress) -> Path:
    """The packed file of vectors, fetched if it is not here.

    Raises:
        HubUnreachable: offline, or gensim's address does not answer. CannotLoad: no folder to keep it in, or
            damaged on its way.
    """
    if cache_dir is None:
        raise CannotLoad("broken_words", name=card.name)
    path = place(cache_dir, card.name)
    if path.is_file():
        return path
    if offline:
        raise HubUnreachable("offline", name=card.name)
    try:
        with disk.arriving(path) as aside:  # deleted also when nobody waits any more
            _fetched(card, aside, path.name, progress)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        log.info("cannot fetch %s: %r", card.name, error)
        raise HubUnreachable("words_unreachable", name=card.name) from error
    return path


def _fetched(card: ModelCard, aside: Path, name: str, progress: Progress) -> None:
    wanted = _checksum(card.name)
    got = hashlib.md5(usedforsecurity=False)
    address = f"{imported('gensim.downloader', 'DOWNLOAD_BASE_URL')}/{card.name}/{card.name}.gz"
    with urllib.request.urlopen(address, timeout=SECONDS) as answer, aside.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := answer.read(CHUNK):
            done += len(chunk)
            if done > LARGEST:
                raise CannotLoad("download_damaged", name=card.name, file=name)
            got.update(chunk)
            file.write(chunk)
            progress(Stage(card.name, "download", done, total))
    if got.hexdigest() != wanted:
        raise CannotLoad("download_damaged", name=card.name, file=name)


def _checksum(name: str) -> str:
    """What gensim's list says of a file."""
    with urllib.request.urlopen(imported("gensim.downloader", "DATA_LIST_URL"), timeout=SECONDS) as answer:
        told: dict[str, Any] = json.loads(answer.read(1 << 22))
    found = told["models"][name]["checksum"]
    if not isinstance(found, str):
        raise ValueError("more than one part")
    return found
