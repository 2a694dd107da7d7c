"""The word vectors of ``gensim.downloader``: its files, fetched and checked by ourselves.

gensim would also fetch a Python file beside each of them and run it; that never happens here. Which words
they hold and how they were made is told at gensim's list of data.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from playground.errors import CannotLoad, HubUnreachable
from playground.models import hub
from playground.models.cache import Progress, Stage
from playground.models.catalog import ModelCard
from playground.models.hub import download
from playground.models.loaders.places import imported
from playground.rooms.embeddings.words.loading import OVERHEAD

log = logging.getLogger(__name__)
# Words, and numbers of each: what they will take, before anything is fetched.
SIZES = {
    "glove-wiki-gigaword-100": (400_000, 100),
    "glove-wiki-gigaword-300": (400_000, 300),
    "glove-twitter-25": (1_193_514, 25),
    "fasttext-wiki-news-subwords-300": (999_999, 300),
    "word2vec-google-news-300": (3_000_000, 300),
}
BINARY = {"word2vec-google-news-300"}
LARGEST = 3 * 2**30  # bytes of one file
LONGEST_LIST = 2**22  # bytes


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
            damaged on its way, no room on the disk, or none that may be written.
    """
    if cache_dir is None:
        raise CannotLoad("broken_words", name=card.name)
    path = place(cache_dir, card.name)
    if path.is_file():
        return path
    if offline:
        raise HubUnreachable("offline", name=card.name)

    def told(done: int, total: int) -> None:
        progress(Stage(card.name, "download", done, total))

    try:
        address = f"{imported('gensim.downloader', 'DOWNLOAD_BASE_URL')}/{card.name}/{card.name}.gz"
        checksum = _checksum(card.name, told)
        download.fetch(address, path, name=card.name, most=LARGEST, md5=checksum, progress=told)
    except download.Damaged as error:
        raise CannotLoad("download_damaged", name=card.name, file=path.name) from error
    except download.Failed as error:
        log.info("cannot fetch %s: %r", card.name, error)
        raise HubUnreachable("words_unreachable", name=card.name) from error
    return path


def _checksum(name: str, progress: hub.Progress) -> str:
    """What gensim's list says of a file.

    Raises:
        Failed: there is no such list, or it says nothing of one whole file.
    """
    content = download.read(imported("gensim.downloader", "DATA_LIST_URL"), LONGEST_LIST, progress)
    try:
        found = json.loads(content)["models"][name]["checksum"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise download.Failed("no list of gensim's") from error
    if not isinstance(found, str):
        raise download.Failed("more than one part")
    return found
