"""Many dimensions to a map of two or three: PCA in an instant, UMAP and t-SNE for neighbours.

All panels share it. A map is a picture and no measure: of the ten true nearest neighbours in 32 or 384
dimensions a map of two keeps a few at best. PCA keeps directions of large variance, UMAP (McInnes et al.
2018) and t-SNE (van der Maaten and Hinton 2008) who is near whom.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.vectors.neighbours import BLOCK, METRICS, Near, nearest, unit
from playground.errors import BadInput
from playground.system import cancellation

METHODS = ("pca", "umap", "tsne")
SMALLEST = 5  # points that UMAP can lay out; fewer are shown by PCA
LANDMARKS = 10_000  # points that UMAP lays out itself; more are placed between their nearest of these
TSNE_LANDMARKS = 3_000  # t-SNE takes ten times as long
BETWEEN = 5
MIN_DIST = 0.15
# What UMAP's layout hangs on is rounded to steps: where points start, from -1 to 1, and the weights of its
# graph, from 0 to 1 (an edge is pulled that often). How many steps is free: with these, nothing of the
# shipped example lies near the edge between two.
PLACES = 50
WEIGHTS = 16
CURVE = 4  # digits of the two numbers that say how fast the pull of an edge falls with distance
# Numba's compiled code is no matter of many threads at once, and two layouts would only halve each other.
# One at a time of each: two would halve each other's cache. A long t-SNE keeps nobody from UMAP. What nobody
# waits for any more (`cancellation`) never begins, and ends within an epoch where it has begun.
_one = {"umap": threading.Lock(), "tsne": threading.Lock()}


@dataclass(frozen=True, eq=False)
class Projection:
    """A map.

    Args:
        points: [n, dimensions], float32, centred; the widest direction from -1 to 1.
        method: what made it in the end (``pca`` where there were too few points for another).
        note: "" or a key: ``few`` (PCA instead), ``same`` (all points are one), ``landmarks`` (some were laid
            out, the others placed between them).
    """

    points: NDArray[np.float32]
    method: str
    note: str = ""


def project(
    vectors: NDArray[Any],
    method: str = "umap",
    *,
    dimensions: int = 2,
    seed: int = 0,
    neighbours: int = 15,
    min_dist: float = MIN_DIST,
    metric: str = "cosine",
    near: Near | None = None,
) -> Projection:
    """A map of vectors: the same for the same vectors and seed, in whatever order threads run.

    UMAP's also on another processor, whose vectors differ in the last digits: of some hundred points nearly
    always; of many thousands one may lie on an edge of rounding, and moves others.

    Rows that are equal lie on one point, however many they are: UMAP alone would make a cloud of them.

    Args:
        vectors: [n, width], any float type.
        dimensions: of the map, 2 or 3.
        neighbours: how many near ones UMAP holds together (for t-SNE: a third of its perplexity).
        min_dist: how near UMAP lets points come, 0 to 1.
        near: `nearest` of these vectors with at least ``neighbours`` columns, if it is known already.

    Raises:
        BadInput: no such method, metric or number; no vectors, or numbers that are none.
    """
    if method not in METHODS:
        raise BadInput("projection_method", method=str(method)[:40], known=", ".join(METHODS))
    if metric not in METRICS:
        raise BadInput("metric_unknown", metric=str(metric)[:40], known=", ".join(METRICS))
    dimensions = _within("dimensions", dimensions, 2, 3)
    neighbours = _within("neighbours", neighbours, 2, 200)
    seed = _within("seed", seed, 0, 2**31 - 1)
    if not 0 <= min_dist <= 1:
        raise BadInput("setting_outside", name="min_dist", low=0, high=1, value=str(min_dist)[:40])
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
        raise BadInput("projection_vectors")
    whole = unit(vectors) if metric == "cosine" else vectors
    most = TSNE_LANDMARKS if method == "tsne" else LANDMARKS
    first, back = _distinct(whole) if len(whole) <= LANDMARKS else (None, None)
    if first is not None:
        if len(first) == 1:
            return Projection(np.zeros((len(whole), dimensions), np.float32), "pca", "same")
        if len(first) < len(whole):
            whole, near = whole[first], None
    if method == "pca" or len(whole) < SMALLEST:
        points, note = pca(whole, dimensions), "few" if method != "pca" else ""
        method = "pca"
    elif len(whole) <= most:
        points, note = _laid_out(method, whole, dimensions, seed, neighbours, min_dist, metric, near), ""
    else:
        chosen = np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(len(whole))[:most])
        some = _laid_out(method, whole[chosen], dimensions, seed, neighbours, min_dist, metric, None)
        points, note = between(whole, whole[chosen], some), "landmarks"
        points[chosen] = some
    return Projection(framed(points if back is None else points[back]), method, note)


def _within(name: str, value: object, low: int, high: int) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not low <= value <= high:  # type: ignore[operator]
        raise BadInput("setting_outside", name=name, low=low, high=high, value=str(value)[:40])
    return int(value)  # type: ignore[call-overload,no-any-return]


def _distinct(vectors: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The first of each row, in order, and where to find each row among them (None: all are different)."""
    plain = np.ascontiguousarray(vectors + 0.0)  # no minus zero
    rows = plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
    _, first, back = np.unique(rows, return_index=True, return_inverse=True)
    if len(first) == len(vectors):
        return np.arange(len(vectors)), None
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[back]


def pca(vectors: NDArray[np.float32], dimensions: int = 2) -> NDArray[np.float32]:
    """Coordinates [n, dimensions] along the principal axes of [n, width]; the largest loading is positive."""
    mean, axes = _axes(vectors, dimensions)
    return np.asarray((vectors - mean) @ axes, np.float32)


def _axes(vectors: NDArray[np.float32], dimensions: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean [width] and principal axes [width, dimensions]; axes that there are too few of are zeros."""
    mean = vectors.mean(0, dtype=np.float64)
    centred = vectors - mean
    covariance = centred.T @ centred
    _, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1][:, :dimensions]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    return mean, np.pad(axes, ((0, 0), (0, max(0, dimensions - axes.shape[1]))))


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane of a map by PCA: it has an exact place for any other vector, too.

    Args:
        matrix: [width, dimensions]. offset: [dimensions].
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def place(self, vectors: NDArray[Any]) -> NDArray[np.float32]:
        """Where vectors [n, width] (of length 1, as the map's own) stand on the map, [n, dimensions]."""
        return np.asarray(vectors @ self.matrix + self.offset, np.float32)


def plane(vectors: NDArray[Any], dimensions: int = 2) -> Plane:
    """The plane on which `project` by PCA shows vectors [n, width], compared by cosine."""
    whole = unit(vectors)
    if len(whole) <= LANDMARKS:
        whole = whole[_distinct(whole)[0]]
    mean, axes = _axes(whole, dimensions)
    points = (whole - mean) @ axes
    middle = (points.max(0) + points.min(0)) / 2
    widest = float(np.abs(points - middle).max()) or 1.0
    return Plane(axes / widest, -(mean @ axes + middle) / widest)


def _laid_out(
    method: str, vectors: NDArray[np.float32], dimensions: int, seed: int, neighbours: int, min_dist: float,
    metric: str, near: Near | None,
) -> NDArray[np.float32]:  # fmt: skip
    # From PCA and not from the spectrum: that one fails on a handful of points, and on several islands.
    start = framed(pca(vectors, dimensions))
    count = max(2, min(neighbours, len(vectors) - 1))
    if near is None or near[0].shape[1] < count:
        near = nearest(vectors, count, metric) if method == "umap" else None
    with cancellation.turn(_one[method]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that new points could not be added, and that there is one thread
        if method == "tsne":
            return np.asarray(_tsne(vectors, start, seed, 3 * count), np.float32)
        assert near is not None
        return _umap(vectors, start, seed, (near[0][:, :count], near[1][:, :count]), metric, min_dist)


def _umap(
    vectors: NDArray[np.float32],
    start: NDArray[np.float32],
    seed: int,
    near: Near,
    metric: str,
    min_dist: float,
) -> NDArray[np.float32]:
    """UMAP's two halves, the graph of neighbours and its layout, with what passes between them rounded.

    A layout is decided by last digits otherwise: UMAP draws each point's random numbers from the bits of the
    place where it starts, and an edge of weight 1 is pulled in an epoch or in the next one as its last digit
    has it. On two processors whose vectors differ in the seventh digit, a fifth of the true neighbours were
    kept on one map and lost on the other. Rounded, a map keeps as many true neighbours as before.
    """
    umap, random = umap_module(), np.random.RandomState(seed)
    graph = weighted(vectors, near, metric, random)
    graph.data = np.round(graph.data * WEIGHTS) / WEIGHTS
    rest = np.random.Generator(np.random.PCG64(seed)).normal(0, 1e-4, start.shape)
    first = (np.round(start * PLACES) / PLACES * 10 + rest).astype(np.float32)
    # Fitted by numpy's powers, which a processor with AVX-512 takes by other code than one without.
    a, b = np.round(umap.find_ab_params(1.0, min_dist), CURVE)
    points, _ = umap.simplicial_set_embedding(
        vectors, graph, start.shape[1], 1.0, float(a), float(b), 1.0, 5,
        200 if len(vectors) > 2000 else 300, first, random, metric, {}, False, {}, False,
    )  # fmt: skip
    return np.asarray(points, np.float32)


def weighted(vectors: NDArray[np.float32], near: Near, metric: str, random: Any) -> Any:
    """UMAP's graph: how strongly each point and its neighbours belong together, 0 to 1, sparse [n, n]."""
    graph, _, _ = umap_module().fuzzy_simplicial_set(
        vectors, near[0].shape[1], random, metric, knn_indices=near[0].copy(), knn_dists=near[1].copy()
    )
    return graph


def _tsne(vectors: NDArray[np.float32], start: NDArray[np.float32], seed: int, perplexity: int) -> Any:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    spread = start / max(float(start[:, 0].std()), 1e-12) * 1e-4  # as its authors begin
    # Several threads add up in any order: other bytes each time.
    with threadpool_limits(1, user_api="openmp"), cancellation.at_calls_of(TSNE.__module__):
        made = TSNE(
            start.shape[1], perplexity=min(perplexity, (len(vectors) - 1) / 3),
            init=spread.astype(np.float32), random_state=seed, n_jobs=1, learning_rate="auto",
        ).fit_transform(vectors)  # fmt: skip
    return np.asarray(made, np.float32)


@functools.cache
def umap_module() -> Any:
    """``umap.umap_``, imported so that Numba keeps what it compiles, and compiles what is written.

    umap-learn does not ask to keep it, and its first call takes many seconds in every process. Where the code
    is kept is Numba's own setting (see `playground.settings.quiet`). And it asks for ``fastmath``, by which
    sums are taken in whatever order suits a processor: without, all give the same bytes for the same input.
    """
    import numba

    plain = numba.njit

    def keeping(*given: Any, **options: Any) -> Any:
        return plain(*given, **{"cache": True, **options, "fastmath": False})

    numba.njit = keeping
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TensorFlow is not here
            import umap.umap_
            from umap import layouts
    finally:
        numba.njit = plain
    layouts.tqdm = (
        cancellation.asking
    )  # its loop over the epochs is a bar: the one place where it can be ended
    return umap.umap_


def warm() -> None:
    """Import UMAP and run it once in either width: the first visitor's map then compiles nothing."""
    few = np.random.Generator(np.random.PCG64(0)).normal(size=(64, 8))
    for dimensions in (2, 3):
        project(few, dimensions=dimensions)


def between(
    vectors: NDArray[np.float32], landmarks: NDArray[np.float32], points: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Each vector at the weighted mean of its nearest landmarks' points, which stay where they are.

    So a new sentence lands on a finished map, or a large set between those that were laid out.

    Args:
        vectors: m × width; landmarks: [n, width], both of length 1; points: [n, dimensions].
    """
    placed = np.empty((len(vectors), points.shape[1]), np.float32)
    count = min(BETWEEN, len(landmarks))
    for start in range(0, len(vectors), BLOCK):
        cancellation.check()
        cosines = vectors[start : start + BLOCK] @ landmarks.T
        near = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        some = np.take_along_axis(cosines, near, 1)
        weight = np.exp(20 * (some - some.max(1, keepdims=True)))
        weight[some.max(1) > 1 - 1e-6] *= some[some.max(1) > 1 - 1e-6] > 1 - 1e-6  # a twin: on its place
        weight /= weight.sum(1, keepdims=True)
        placed[start : start + BLOCK] = (points[near] * weight[..., None]).sum(1)
    return placed


def framed(points: NDArray[Any]) -> NDArray[np.float32]:
    """Points [n, dimensions] moved to the middle and scaled: the widest direction goes from -1 to 1."""
    centred = points - (points.max(0) + points.min(0)) / 2
    widest = float(np.abs(centred).max())
    return np.asarray(centred / widest if widest > 0 else centred, np.float32)


def _end_with_parent() -> None:
    """Leave at once when whoever started this process is gone, and its end of the pipe with it."""
    sys.stdin.read()
    os._exit(1)  # what is compiled is not whole


if __name__ == "__main__":  # see `playground.shell.warm_up`: compiles what Numba then keeps on disk
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warm()
