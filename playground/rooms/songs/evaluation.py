"""How good are recommendations? Playlists are held out, their last songs hidden and looked for.

From each held-out playlist some last songs are hidden, one at a time; a method is given all songs before it
and names ten others. Everything is counted over all hidden songs:

- **hit@10**: the share of hidden songs among the ten;
- **nDCG@10**: the same, but a find in place r counts 1 / log2(r + 1) (Järvelin & Kekäläinen 2002);
- **coverage**: the share of all songs that were named at least once;
- **same genre**: the share of the ten whose genre is the commonest one of what was given.

Hiding the last song and looking for it is usual (next-item recommendation; Caselles-Dupré et al. 2018).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.vectors.neighbours import unit
from playground.errors import BadInput
from playground.rooms.songs.library import Library, part
from playground.rooms.songs.training import BOOK, TUNED, Parameters, train
from playground.system import cancellation

TOP = 10
SHARE = 0.1  # of the playlists are held out
QUERIES = 2_000  # hidden songs, at most about so many
BATCH = 128  # playlists scored at once: 128 × 75,000 scores are 38 MB
FACTORS = 64
PIECE = 1_000_000  # pairs that are sorted at once
WINDOW = 10  # songs to each side that stand together, for PPMI
METHODS = ("popularity", "cooccurrence", "svd", "book", "tuned")

Given = Sequence[NDArray[np.int32]]  # of each playlist asked about, the rows of its songs, [songs given]
Scores = NDArray[np.floating[Any]]
Scorer = Callable[[Given], Scores]
"""Playlists so far → a score of every song for each of them, [playlists asked about, songs]."""


@dataclass(frozen=True)
class Measured:
    """One method on one data set. Shares from 0 to 1; ``genre`` is -1 where genres are not known."""

    method: str
    hit: float
    ndcg: float
    coverage: float
    genre: float
    seconds: float  # of training
    queries: int


@dataclass(frozen=True, eq=False)
class Split:
    """What methods learn from, and what they are asked: songs given, and the song hidden."""

    train: Library
    given: tuple[NDArray[np.int32], ...]
    hidden: NDArray[np.int32]  # [playlists asked about], rows of songs


def split(library: Library, seed: int = 0) -> Split:
    """Hold a tenth of the playlists out.

    Raises:
        BadInput: fewer than ten playlists of three songs.
    """
    lengths = np.diff(library.offsets)
    long = np.flatnonzero(lengths >= 3)
    if len(long) < 10:
        raise BadInput("songs_too_few", name=library.name, least=10)
    out = np.random.Generator(np.random.PCG64(seed)).permutation(long)[: max(2, int(len(long) * SHARE))]
    each = max(1, QUERIES // len(out))
    given, hidden = [], []
    for number in out[:QUERIES]:
        songs = library.playlist(number)
        for place in range(len(songs) - 1, max(1, len(songs) - 1 - each), -1):
            if songs[place] not in songs[:place]:  # a song twice in a playlist is no riddle
                given.append(songs[:place])
                hidden.append(songs[place])
    kept = np.setdiff1d(np.arange(library.playlists), out)
    return Split(part(library, kept), tuple(given), np.array(hidden, np.int32))


def evaluate(
    library: Library,
    methods: Sequence[str] = METHODS,
    report: Callable[[str], None] = lambda method: None,
    own: Parameters | None = None,
    seed: int = 0,
) -> Iterator[Measured]:
    """Measure methods on a library, one after the other.

    Args:
        methods: of `METHODS`, or ``own`` for Word2Vec with the parameters ``own``.
        report: told which method comes next; what it raises ends it.
    """
    asked = split(library, seed)
    for method in methods:
        report(method)
        began = time.perf_counter()
        scorer = fitted(method, asked.train, own)
        seconds = time.perf_counter() - began
        yield measure(method, scorer, asked, seconds)


def fitted(method: str, library: Library, own: Parameters | None = None) -> Scorer:
    """A method that has learned from a library."""
    if method == "popularity":
        counts = library.counts.astype(np.float32)
        return lambda given: np.repeat(counts[None], len(given), 0)
    if method == "cooccurrence":
        return _together(library)
    if method == "svd":
        return by_vectors(ppmi_svd(library))
    told = {"book": BOOK, "tuned": TUNED, "own": own or TUNED}[method]
    return by_vectors(train(library, told).vectors)


def measure(method: str, scorer: Scorer, asked: Split, seconds: float = 0.0) -> Measured:
    """Ask a method all questions of a split."""
    library, found = asked.train, np.zeros(len(asked.train), bool)
    hits, gain, same, judged = 0, 0.0, 0, 0
    genres = library.genres[1]
    for start in range(0, len(asked.hidden), BATCH):
        cancellation.check()
        given = asked.given[start : start + BATCH]
        ten = best(scorer(given), given)
        found[ten.ravel()] = True
        places = ten == asked.hidden[start : start + BATCH, None]
        hits += int(places.any(1).sum())
        gain += float((places / np.log2(np.arange(2, ten.shape[1] + 2))).sum())
        for row, songs in zip(ten, given, strict=True):
            known = genres[songs][genres[songs] > 0]
            if len(known):
                common = np.bincount(known).argmax()
                same += int((genres[row] == common).sum())
                judged += len(row)
    count = len(asked.hidden)
    share = same / judged if judged else -1.0
    return Measured(method, hits / count, gain / count, float(found.mean()), share, seconds, count)


def best(scores: Scores, given: Given, count: int = TOP) -> NDArray[np.int64]:
    """The best songs of each row of scores, best first, never one that was given; [playlists, count].

    Scores of what was given are set to -∞ in place.
    """
    for row, songs in zip(scores, given, strict=True):
        row[songs] = -np.inf
    return np.stack([highest(row, count) for row in scores])


def highest(scores: Scores, count: int) -> NDArray[np.int64]:
    """The places [count] of the highest scores [songs], best first; of equals the earlier one, on all CPUs.

    Counts have many equals, and which of them a partition takes depends on the instruction set.
    """
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        some = np.flatnonzero(scores >= least)
    else:
        some = np.arange(len(scores))
    return some[np.argsort(-scores[some], kind="stable")][:count]


def by_vectors(vectors: NDArray[np.float32]) -> Scorer:
    """Cosine to the mean of what was given; vectors [songs, dimension].

    In float64: of songs that are nearly as good, float32 puts one or the other first, as the processor adds.
    """
    whole = unit(vectors).astype(np.float64)

    def score(given: Given) -> NDArray[np.float64]:
        means = np.stack([whole[songs].mean(0) for songs in given])
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / np.where(lengths > 0, lengths, 1) @ whole.T)

    return score


def _together(library: Library) -> Scorer:
    """How often a song stands in one playlist with each of those given, added up."""
    from scipy.sparse import csr_matrix

    shape = (library.playlists, len(library))
    ones = np.ones(len(library.items), np.float32)
    # A copy: sum_duplicates sorts in place, and the playlists' order is the library's.
    held = csr_matrix((ones, library.items.copy(), library.offsets), shape)
    held.sum_duplicates()
    held.data[:] = 1
    back = held.T.tocsr()

    def score(given: Given) -> NDArray[np.float32]:
        offsets = np.concatenate([[0], np.cumsum([len(songs) for songs in given])])
        asked = csr_matrix(
            (np.ones(offsets[-1], np.float32), np.concatenate(given), offsets), (len(given), shape[1])
        )
        return np.asarray(((asked @ back) @ held).todense(), np.float32)

    return score


def pairs(library: Library, window: int = WINDOW) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which songs stand within a window in one playlist, as ``smaller × songs + larger``, and how often: two
    arrays [pairs], the first one ascending.
    """
    lists = np.repeat(np.arange(library.playlists), np.diff(library.offsets))
    items, size = library.items.astype(np.int64), len(library)
    keys = []
    for step in range(1, window + 1):
        cancellation.check()
        together = lists[step:] == lists[:-step]
        a, b = items[:-step][together], items[step:][together]
        apart = a != b
        a, b = a[apart], b[apart]
        keys.append(np.minimum(a, b) * size + np.maximum(a, b))
    return _counted(np.concatenate(keys), size * size)


def _counted(keys: NDArray[np.int64], end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is in an array of numbers below ``end``, in order, and how often; in pieces that can be left."""
    pieces = max(1, len(keys) // PIECE)
    found = []
    for low, high in pairwise(np.linspace(0, end, pieces + 1).astype(np.int64)):
        cancellation.check()
        found.append(np.unique(keys[(keys >= low) & (keys < high)], return_counts=True))
    each, counts = zip(*found, strict=True)
    return np.concatenate(each), np.concatenate(counts)


def ppmi_svd(library: Library, factors: int = FACTORS, window: int = WINDOW) -> NDArray[np.float32]:
    """Vectors [songs, factors] from counts: positive pointwise mutual information, its largest singular
    vectors × √values.

    Levy, Goldberg & Dagan 2015: contexts smoothed by the power 0.75, values shared by both sides.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import svds

    keys, counts = pairs(library, window)
    cancellation.check()
    size = len(library)
    a, b = np.divmod(keys, size)
    rows, columns = np.concatenate([a, b]), np.concatenate([b, a])
    values = np.concatenate([counts, counts]).astype(np.float64)
    margin = np.bincount(rows, values, size)
    smooth = margin**0.75
    information = np.log(values * smooth.sum() / (margin[rows] * smooth[columns]))
    good = information > 0
    matrix = coo_matrix((information[good], (rows[good], columns[good])), (size, size)).tocsr()
    factors = min(factors, size - 2)
    if factors < 1 or not matrix.nnz:
        return np.zeros((size, 1), np.float32)
    start = np.random.Generator(np.random.PCG64(0)).random(size)  # the same vectors at every run
    left, strength, _ = svds(_asking(matrix.astype(np.float32)), factors, v0=start.astype(np.float32))
    return np.asarray(left * np.sqrt(strength), np.float32)


def _asking(matrix: Any) -> Any:
    """A sparse matrix as what ARPACK multiplies by, asking before each product whether it goes on."""
    from scipy.sparse.linalg import LinearOperator

    def times(other: Any) -> Callable[[Any], Any]:
        def product(values: Any) -> Any:
            cancellation.check()
            return other @ values

        return product

    there, back = times(matrix), times(matrix.T)
    return LinearOperator(matrix.shape, there, back, there, matrix.dtype, back)
