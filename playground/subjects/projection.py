"""Many dimensions to a map of two: PCA in an instant, UMAP for neighbourhoods. All panels share it.

A map is a picture and no measure: of the ten true nearest neighbours in 32 or 384 dimensions a map of two
keeps a few at best. PCA keeps directions of large variance, UMAP (McInnes et al. 2018) who is near whom.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import BadInput

METHODS = ("pca", "umap")
SMALLEST = 5  # points that UMAP can lay out; fewer are shown by PCA
LANDMARKS = 10_000  # points that UMAP lays out itself; more are placed between their nearest of these
BETWEEN = 5
BLOCK = 2_048


@dataclass(frozen=True, eq=False)
class Projection:
    """A map.

    Args:
        points: n × dimensions, float32, centred; the widest direction from -1 to 1.
        method: what made it in the end (``pca`` where there were too few points for UMAP).
        note: "" or a key: ``few`` (PCA instead), ``same`` (all points are one), ``landmarks`` (UMAP of some,
            the others between them).
    """

    points: NDArray[np.float32]
    method: str
    note: str = ""


def project(
    vectors: NDArray[Any], method: str = "umap", *, dimensions: int = 2, seed: int = 0, neighbours: int = 15
) -> Projection:
    """A map of vectors by cosine: the same for the same vectors and seed, in whatever order threads run.

    Args:
        vectors: n × width, any float type.
        neighbours: how many near ones UMAP holds together.

    Raises:
        BadInput: no such method, no vectors, or numbers that are none.
    """
    if method not in METHODS:
        raise BadInput("projection_method", method=str(method)[:40], known=", ".join(METHODS))
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
        raise BadInput("projection_vectors")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    whole = vectors / np.where(lengths > 0, lengths, 1)
    apart = len(np.unique(whole, axis=0)) if len(whole) <= LANDMARKS else len(whole)
    if apart == 1:
        return Projection(np.zeros((len(whole), dimensions), np.float32), "pca", "same")
    if method == "pca" or apart < SMALLEST:
        note = "few" if method != "pca" else ""
        return Projection(_framed(pca(whole, dimensions)), "pca", note)
    if len(whole) <= LANDMARKS:
        return Projection(_framed(_umap(whole, dimensions, seed, neighbours)), "umap")
    chosen = np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(len(whole))[:LANDMARKS])
    points = _umap(whole[chosen], dimensions, seed, neighbours)
    return Projection(_framed(_between(whole, whole[chosen], points, chosen)), "umap", "landmarks")


def pca(vectors: NDArray[np.float32], dimensions: int = 2) -> NDArray[np.float32]:
    """The principal axes' coordinates; signs are set so that the largest loading is positive."""
    centred = vectors - vectors.mean(0)
    covariance = centred.T.astype(np.float64) @ centred
    _, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1][:, :dimensions]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    points = centred @ axes
    missing = dimensions - points.shape[1]
    return np.asarray(np.pad(points, ((0, 0), (0, max(0, missing)))), np.float32)


def _umap(vectors: NDArray[np.float32], dimensions: int, seed: int, neighbours: int) -> NDArray[np.float32]:
    from umap import UMAP

    near = max(2, min(neighbours, len(vectors) - 1))
    # From PCA and not from the spectrum: that one fails on a handful of points, and on several islands.
    start = _framed(pca(vectors, dimensions)) * 10
    rest = np.random.Generator(np.random.PCG64(seed)).normal(0, 1e-4, start.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that new points could not be added, which nobody asks for
        points = UMAP(
            n_components=dimensions, n_neighbors=near, metric="cosine", random_state=seed, n_jobs=1,
            init=(start + rest).astype(np.float32), min_dist=0.15, precomputed_knn=_nearest(vectors, near),
            n_epochs=200 if len(vectors) > 2000 else 500,
        ).fit_transform(vectors)  # fmt: skip
    return np.asarray(points, np.float32)


def _nearest(vectors: NDArray[np.float32], count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Each vector's nearest ones and their distances, itself first; exact, and faster than UMAP's search."""
    places = np.empty((len(vectors), count), np.int32)
    distances = np.empty((len(vectors), count), np.float32)
    for start in range(0, len(vectors), BLOCK):
        far = 1 - vectors[start : start + BLOCK] @ vectors.T
        here = np.arange(len(far))
        far[here, start + here] = -1  # before any twin
        some = np.argpartition(far, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(far, some, 1), axis=1, kind="stable")
        places[start : start + BLOCK] = np.take_along_axis(some, order, 1)
        distances[start : start + BLOCK] = np.take_along_axis(far, places[start : start + BLOCK], 1)
    return places, np.maximum(distances, 0)


def _between(
    vectors: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    points: NDArray[np.float32],
    chosen: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Each vector at the weighted mean of its nearest landmarks' points; landmarks at their own."""
    placed = np.empty((len(vectors), points.shape[1]), np.float32)
    for start in range(0, len(vectors), BLOCK):
        cosines = vectors[start : start + BLOCK] @ landmarks.T
        near = np.argpartition(-cosines, BETWEEN, axis=1)[:, :BETWEEN]
        weight = np.exp(20 * (np.take_along_axis(cosines, near, 1) - 1))
        weight /= weight.sum(1, keepdims=True)
        placed[start : start + BLOCK] = (points[near] * weight[..., None]).sum(1)
    placed[chosen] = points
    return placed


def _framed(points: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = points - (points.max(0) + points.min(0)) / 2
    widest = float(np.abs(centred).max())
    return np.asarray(centred / widest if widest > 0 else centred, np.float32)
