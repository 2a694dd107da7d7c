"""Neighbours are exact, and trust is what its definition says."""

from __future__ import annotations

import numpy as np
import pytest

from playground.engine.vectors import neighbours
from playground.engine.vectors.neighbours import (
    alike,
    best,
    kept,
    measurable,
    nearest,
    shared,
    similarity,
    unit,
)
from playground.errors import BadInput


def cloud(count: int, width: int = 24) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, width)).astype(np.float32)


@pytest.mark.parametrize("metric", neighbours.METRICS)
def test_nearest_is_brute_force(metric, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 64)
    vectors = unit(cloud(300)) if metric == "cosine" else cloud(300)
    places, distances = nearest(vectors, 11, metric)
    wide = vectors.astype(np.float64)
    far = 1 - wide @ wide.T if metric == "cosine" else np.linalg.norm(wide[:, None] - wide[None], axis=2)
    np.fill_diagonal(far, -1)
    assert np.array_equal(places, np.argsort(far, axis=1, kind="stable")[:, :11])
    assert distances[:, 1:] == pytest.approx(np.sort(far, axis=1)[:, 1:11], abs=1e-3)
    assert not distances[:, 0].any()


@pytest.mark.parametrize("metric", neighbours.METRICS)
def test_who_is_nearest_is_not_decided_by_float32(metric):
    """Rows so near each other that float32's sums confuse them; the order is that of float64."""
    draw = np.random.default_rng(5)
    vectors = unit(np.ones((60, 48)) + 1e-2 * draw.normal(size=(60, 48)))
    places, distances = nearest(vectors, 9, metric)
    apart = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    assert np.array_equal(places, np.argsort(apart, axis=1, kind="stable")[:, :9])
    told = apart**2 / 2 if metric == "cosine" else apart
    assert distances == pytest.approx(np.sort(told, axis=1)[:, :9], rel=1e-6)
    assert np.array_equal(
        nearest(np.roll(vectors, 7, axis=1), 9, metric)[0], places
    )  # summed in another order


def test_twins_but_for_the_last_digit_lie_at_nothing():
    row = unit(cloud(1))
    other = np.nextafter(row, 2)
    assert not np.array_equal(row, other)
    places, distances = nearest(np.concatenate([row, unit(cloud(7)), other]), 3)
    assert places[0, 1] == 8 and distances[0, 1] == 0 and distances[0, 2] > 0.1


def test_twins_come_after_oneself():
    places, _ = nearest(np.ones((5, 3), np.float32) / np.sqrt(3).astype(np.float32), 3)
    assert places[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert all(len(set(row)) == 3 for row in places.tolist())
    with pytest.raises(BadInput):
        nearest(cloud(5), 2, "manhattan")


def test_trust_by_hand():
    points = np.array([[0, 0], [1, 0], [2, 0], [10, 0]], np.float32)
    near = np.array([[1], [2], [3], [2]], np.int32)
    assert kept(points, near)[:, 0].tolist() == [True, True, False, True]
    assert kept(points, near[:, :0]).shape == (4, 0)
    # What is kept whole: a map that is the space itself.
    flat = cloud(200, 2)
    assert kept(flat, nearest(flat, 11, "euclidean")[0][:, 1:]).all()


def test_of_how_many_neighbours_a_map_is_judged():
    """Fewer than half of all others, ten at most unless more are asked for; below six rows nothing."""
    told = [measurable(rows) for rows in (0, 1, 5, 6, 7, 8, 20, 21, 22, 1000)]
    assert told == [0, 0, 0, 2, 3, 3, 9, 10, 10, 10]
    assert measurable(1000, 30) == 30 and measurable(9, 2) == 2


def test_search_similarity_and_comparisons():
    vectors = unit(cloud(50))
    found = best(vectors, vectors[7], 3)
    assert found[0] == (7, pytest.approx(1)) and len(found) == 3
    matrix = similarity(np.vstack([vectors, np.zeros((1, 24), np.float32)]))
    assert np.array_equal(matrix, matrix.T) and matrix[0, 0] == 1 and not matrix[-1].any()
    one = np.array([[1, 2], [0, 2], [0, 1]], np.int32)
    assert shared(one, one) == 1 and shared(
        one, np.array([[1, 0], [1, 2], [0, 1]], np.int32)
    ) == pytest.approx(2 / 3)
    assert alike(one, np.array([0, 0, 1])) == pytest.approx(2 / 6)
