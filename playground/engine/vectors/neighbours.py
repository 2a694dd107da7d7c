"""Who is near whom in the original space: exact, by brute force, in blocks that fit in a cache.

Approximate search (NN-descent) is faster beyond some ten thousand rows, but then what is shown as a neighbour
may not be one; on a map that is to be checked against the truth, the truth is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import BadInput
from playground.system import cancellation

METRICS = ("cosine", "euclidean")
BLOCK = 2_048
EXACT = 256  # rows whose distances are taken in float64 at once: some 20 MB of 384 numbers each
TWINS = 1e-12  # squared distance below which vectors of length 1 differ in float32's last digits only
SPARE = 8  # more than asked are looked at in float64: which are nearest is not decided by float32
FEWEST = 6  # rows from which on it says something that neighbours are near on a map, too
Near = tuple[NDArray[np.int32], NDArray[np.float32]]


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Each row of [n, width] divided by its length; a row of zeros stays one."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.sqrt(_squares(vectors))[:, None]
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def _squares(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Squared lengths, in float64: the same float32 vectors come of them on every processor."""
    return np.asarray(np.einsum("nw,nw->n", vectors, vectors, dtype=np.float64), np.float64)


def nearest(vectors: NDArray[np.float32], count: int, metric: str = "cosine") -> Near:
    """Each row's nearest ones and their distances, itself first (before any twin).

    Args:
        vectors: [n, width]; of length 1 for ``cosine`` (see `unit`).
        count: how many, itself counted; at most n.

    Found in float32 and told in float64: a sum in float32 ends in other digits on another processor, and
    who is the fifteenth or the sixteenth would hang on them.

    Returns:
        Places and distances, each [n, count]: 1 - cosine, or the Euclidean distance.

    Raises:
        BadInput: no such metric.
    """
    if metric not in METRICS:
        raise BadInput("metric_unknown", metric=str(metric)[:40], known=", ".join(METRICS))
    count = min(count, len(vectors))
    places = np.empty((len(vectors), count), np.int32)
    distances = np.empty((len(vectors), count), np.float32)
    squares = _squares(vectors).astype(np.float32)
    for start in range(0, len(vectors), BLOCK):
        cancellation.check()
        far = vectors[start : start + BLOCK] @ vectors.T
        if metric == "cosine":
            np.negative(far, out=far)
        else:
            far *= -2
            far += squares
        here = np.arange(len(far))
        far[here, start + here] = -np.inf  # before any twin
        some = _first(far, count + SPARE)
        for inner in range(0, len(some), EXACT):
            part = some[inner : inner + EXACT]
            rows = slice(start + inner, start + inner + len(part))
            places[rows], distances[rows] = _told(vectors, rows.start, part, count, metric)
    return places, distances


def _first(far: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places of each row's smallest, in rising order of place."""
    if count >= far.shape[1]:
        return np.tile(np.arange(far.shape[1]), (len(far), 1))
    some = np.argpartition(far, count - 1, axis=1)[:, :count]
    some.sort(axis=1)
    return np.asarray(some, np.int64)


def _told(
    vectors: NDArray[np.float32], start: int, some: NDArray[np.int64], count: int, metric: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest of ``some`` of rows from ``start`` on, nearest first, the earlier of two equals first."""
    block = vectors[start : start + len(some)].astype(np.float64)
    apart = vectors[some] - block[:, None]
    far = np.einsum("nkw,nkw->nk", apart, apart)
    # Of vectors of length 1, half the squared distance is 1 - cosine.
    far = np.where(far < TWINS, 0, far / 2) if metric == "cosine" else np.sqrt(far)
    itself = some == start + np.arange(len(some))[:, None]
    order = np.argsort(np.where(itself, -1, far), axis=1, kind="stable")[:, :count]
    return np.take_along_axis(some, order, 1), np.take_along_axis(far, order, 1)


def measurable(rows: int, most: int = 10) -> int:
    """Of how many neighbours a row it is measured whether a map keeps them: less than half of all others.

    Were it all others, every map would keep them; 0 below `FEWEST` rows, where nothing can be told.
    """
    return min(most, (rows - 1) // 2) if rows >= FEWEST else 0


def kept(points: NDArray[np.float32], near: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which true neighbours are among as many nearest on the map: [n, k].

    The mean over all is what the literature calls neighbourhood preservation at k (Venna et al. 2010); over
    a row, how far that point's place can be trusted. Points that lie equally far on the map count as near
    when any order would have them in.

    Args:
        points: [n, 2 or 3], on the map.
        near: [n, k], the true neighbours of each, without itself.
    """
    count = near.shape[1]
    if not count:
        return np.ones((len(points), 0), np.bool_)
    from scipy.spatial import cKDTree

    places = np.asarray(points, np.float64)
    # Among k + 1 nearest is the point itself, or a twin in its place.
    far, _ = cKDTree(places).query(places, k=min(count + 1, len(places)))
    radius = far[:, -1] * (1 + 1e-9)
    lengths = np.linalg.norm(places[near] - places[:, None], axis=2)
    return np.asarray(lengths <= radius[:, None], np.bool_)


def best(vectors: NDArray[np.float32], query: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
    """The rows most alike to a query by cosine, best first: row and cosine of each.

    Args:
        vectors: [n, width] of length 1; query: [width], of length 1.
    """
    scores = vectors @ query
    order = np.argsort(-scores, kind="stable")[:count]
    return [(int(row), float(np.clip(scores[row], -1, 1))) for row in order]


def similarity(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Cosines of all pairs of rows, [n, width] → [n, n]; the diagonal is exactly 1 (0 for a
    row of zeros), and the matrix symmetric."""
    whole = unit(vectors)
    matrix = np.clip(whole @ whole.T, -1, 1)
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, (np.abs(whole).max(1) > 0).astype(np.float32))
    return np.asarray(matrix, np.float32)


def shared(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Mean share of neighbours that two models agree on: both [n, k], without the row itself."""
    if not one.size:
        return 1.0
    both = [len(set(a.tolist()) & set(b.tolist())) for a, b in zip(one, other, strict=True)]
    return float(np.mean(both) / one.shape[1])


def alike(near: NDArray[np.int32], groups: NDArray[np.int64]) -> float:
    """Share of neighbours that have the same label: how well a space parts the groups.

    Args:
        near: [n, k], neighbours of each row, without itself. groups: [n], the label of each row.
    """
    if not near.size:
        return 1.0
    return float((groups[near] == groups[:, None]).mean())
