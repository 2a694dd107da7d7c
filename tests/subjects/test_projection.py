"""Maps: PCA against scikit-learn, UMAP's neighbourhoods, tiny and odd inputs."""

from __future__ import annotations

import numpy as np
import pytest

from playground.errors import BadInput
from playground.subjects import projection
from playground.subjects.neighbours import nearest
from playground.subjects.projection import project


def clusters(each: int, groups: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(groups, 16)) * 4
    kinds = np.repeat(np.arange(groups), each)
    return (centres[kinds] + draw.normal(size=(len(kinds), 16))).astype(np.float32), kinds


def test_pca_is_scikit_learns_up_to_signs():
    from sklearn.decomposition import PCA

    vectors, _ = clusters(40)
    ours, theirs = projection.pca(vectors, 3), PCA(3).fit_transform(vectors)
    assert np.abs(ours) == pytest.approx(np.abs(theirs), abs=1e-3)


def test_umap_keeps_groups_together_and_is_the_same_for_a_seed(monkeypatch):
    vectors, kinds = clusters(40)
    made = project(vectors, "umap")
    assert (
        made.method == "umap"
        and made.points.shape == (200, 2)
        and np.abs(made.points).max() == pytest.approx(1)
    )
    assert np.array_equal(made.points, project(vectors, "umap").points)
    far = np.linalg.norm(made.points[:, None] - made.points[None], axis=2)
    near = np.argsort(far, axis=1)[:, 1:6]
    assert (kinds[near] == kinds[:, None]).mean() > 0.95
    # More points than UMAP lays out: the rest stands between those nearest to it.
    monkeypatch.setattr(projection, "LANDMARKS", 100)
    many = project(vectors, "umap")
    assert many.note == "landmarks"
    far = np.linalg.norm(many.points[:, None] - many.points[None], axis=2)
    assert (kinds[np.argsort(far, axis=1)[:, 1:6]] == kinds[:, None]).mean() > 0.9


def test_true_neighbours_are_exact():
    vectors, _ = clusters(30)
    whole = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    places, distances = nearest(whole, 4)
    assert np.array_equal(places[:, 0], np.arange(len(whole)))
    assert np.array_equal(places, np.argsort(-(whole @ whole.T), axis=1, kind="stable")[:, :4])
    assert (np.diff(distances, axis=1) >= 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("method", projection.METHODS)
def test_few_points_are_drawn_all_the_same(count, method):
    vectors, _ = clusters(2)
    made = project(vectors[:count], method)
    assert made.points.shape == (count, 2) and np.isfinite(made.points).all()


def test_twins_zeros_and_nonsense():
    twins = project(np.ones((20, 8)), "umap")
    assert twins.note == "same" and not twins.points.any()
    assert np.isfinite(project(np.zeros((3, 8)), "pca").points).all()
    assert np.isfinite(project(np.eye(8, 1), "pca").points).all()
    for wrong in (np.zeros((0, 4)), np.zeros(4), np.full((9, 4), np.nan)):
        with pytest.raises(BadInput):
            project(wrong)
    with pytest.raises(BadInput):
        project(np.eye(9), "magic")
