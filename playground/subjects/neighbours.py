"""Who is near whom in the original space: exact, by brute force, in blocks that fit in a cache.

Approximate search (NN-descent) is faster beyond some ten thousand rows, but then what is shown as a neighbour
may not be one; on a map that is to be checked against the truth, the truth is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import BadInput
from playground.subjects import stopping

METRICS = ("cosine", "euclidean")
BLOCK = 2_048
FEWEST = 6  # rows from which on it says something that neighbours are near on a map, too
Near = tuple[NDArray[np.int32], NDArray[np.float32]]


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Each row divided by its length; a row of zeros stays one."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def nearest(vectors: NDArray[np.float32], count: int, metric: str = "cosine") -> Near:
    """Each row's nearest ones and their distances, itself first (before any twin).

    Args:
        vectors: n × width; of length 1 for ``cosine`` (see `unit`).
        count: how many, itself counted; at most n.

    Returns:
        Places and distances, each n × count: 1 - cosine, or the Euclidean distance.

    Raises:
        BadInput: no such metric.
    """
    if metric not in METRICS:
        raise BadInput("metric_unknown", metric=str(metric)[:40], known=", ".join(METRICS))
    count = min(count, len(vectors))
    places = np.empty((len(vectors), count), np.int32)
    distances = np.empty((len(vectors), count), np.float32)
    squares = (vectors * vectors).sum(1)
    for start in range(0, len(vectors), BLOCK):
        stopping.check()
        block = vectors[start : start + BLOCK]
        far = block @ vectors.T
        if metric == "cosine":
            np.subtract(1, far, out=far)
        else:
            far *= -2
            far += squares
            far += squares[start : start + BLOCK, None]
        here = np.arange(len(far))
        far[here, start + here] = -1  # before any twin
        if count < far.shape[1]:
            some = np.argpartition(far, count - 1, axis=1)[:, :count]
            some.sort(axis=1)  # so that the stable sort below keeps the earlier of two equals first
        else:
            some = np.tile(np.arange(count), (len(far), 1))
        order = np.argsort(np.take_along_axis(far, some, 1), axis=1, kind="stable")
        chosen = np.take_along_axis(some, order, 1)
        places[start : start + BLOCK] = chosen
        distances[start : start + BLOCK] = np.take_along_axis(far, chosen, 1)
    distances = np.maximum(distances, 0)
    return places, np.sqrt(distances) if metric == "euclidean" else distances


def measurable(rows: int, most: int = 10) -> int:
    """Of how many neighbours a row it is measured whether a map keeps them: less than half of all others.

    Were it all others, every map would keep them; 0 below `FEWEST` rows, where nothing can be told.
    """
    return min(most, (rows - 1) // 2) if rows >= FEWEST else 0


def kept(points: NDArray[np.float32], near: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which true neighbours are among as many nearest on the map: n × k.

    The mean over all is what the literature calls neighbourhood preservation at k (Venna et al. 2010); over
    a row, how far that point's place can be trusted. Points that lie equally far on the map count as near
    when any order would have them in.

    Args:
        points: n × 2 or 3, on the map.
        near: n × k, the true neighbours of each, without itself.
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
    """The rows most alike to a query by cosine, best first, with their cosines.

    Args:
        vectors: n × width of length 1; query: width, of length 1.
    """
    scores = vectors @ query
    order = np.argsort(-scores, kind="stable")[:count]
    return [(int(row), float(np.clip(scores[row], -1, 1))) for row in order]


def similarity(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Cosines of all pairs; the diagonal is exactly 1 (0 for a row of zeros), and the matrix symmetric."""
    whole = unit(vectors)
    matrix = np.clip(whole @ whole.T, -1, 1)
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, (np.abs(whole).max(1) > 0).astype(np.float32))
    return np.asarray(matrix, np.float32)


def shared(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Mean share of neighbours that two models agree on: both n × k, without the row itself."""
    if not one.size:
        return 1.0
    both = [len(set(a.tolist()) & set(b.tolist())) for a, b in zip(one, other, strict=True)]
    return float(np.mean(both) / one.shape[1])


def alike(near: NDArray[np.int32], groups: NDArray[np.int64]) -> float:
    """Share of neighbours that have the same label: how well a space parts the groups."""
    if not near.size:
        return 1.0
    return float((groups[near] == groups[:, None]).mean())
