"""Maps: PCA against scikit-learn, UMAP's neighbourhoods, tiny and odd inputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from playground.engine.vectors import projection
from playground.engine.vectors.neighbours import nearest, unit
from playground.engine.vectors.projection import project
from playground.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]


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


def test_the_plane_of_pca_has_an_exact_place_for_anything():
    """Its own rows stand where `project` puts them, twins counted once; and it is affine."""
    rows = np.random.default_rng(2).normal(size=(40, 6)).astype(np.float32)
    rows = np.concatenate([rows, rows[:3]])
    plane, points = projection.plane(rows), project(rows, "pca").points
    assert np.abs(plane.place(unit(rows)) - points).max() < 1e-5
    half = unit(rows)[[4, 9]].mean(0, keepdims=True)
    assert np.allclose(plane.place(half)[0], points[[4, 9]].mean(0), atol=1e-5)


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


@pytest.mark.parametrize("noise", [1e-7, 1e-6])
@pytest.mark.parametrize(("dimensions", "metric"), [(2, "cosine"), (3, "cosine"), (2, "euclidean")])
def test_last_digits_do_not_decide_a_map(noise, dimensions, metric):
    """Another processor, or another number of threads, adds up in another order."""
    vectors, _ = clusters(40)
    how = {"dimensions": dimensions, "metric": metric}
    made = project(vectors, **how).points
    for seed in range(3):
        draw = np.random.default_rng(seed)
        other = (vectors * (1 + noise * draw.standard_normal(vectors.shape))).astype(np.float32)
        assert not np.array_equal(other, vectors)
        found = project(other, **how).points
        _, places = np.unique(np.abs(found - made).max(1) > 0.01, return_counts=True)
        assert len(places) == 1, f"{places[-1]} of {len(vectors)} points moved"


def test_umap_is_compiled_without_fastmath():
    """With it, each processor's own instructions add up in an order of their own."""
    from numba.core.registry import CPUDispatcher

    umap = projection.umap_module()
    layouts = __import__("umap.layouts").layouts
    compiled = [each for module in (umap, layouts) for each in vars(module).values()
                if isinstance(each, CPUDispatcher)]  # fmt: skip
    assert len(compiled) > 5
    assert not any(each.targetoptions.get("fastmath") for each in compiled)


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


def test_tsne_three_dimensions_and_the_euclidean_metric():
    vectors, kinds = clusters(12)
    for method in ("umap", "tsne"):
        for dimensions in (2, 3):
            made = project(vectors, method, dimensions=dimensions, metric="euclidean")
            assert made.method == method and made.points.shape == (60, dimensions)
            assert np.isfinite(made.points).all()
    first, second = project(vectors, "tsne", seed=3), project(vectors, "tsne", seed=3)
    assert first.points.tobytes() == second.points.tobytes()
    far = np.linalg.norm(first.points[:, None] - first.points[None], axis=2)
    assert (kinds[np.argsort(far, axis=1)[:, 1:4]] == kinds[:, None]).mean() > 0.9


def test_equal_rows_lie_on_one_point():
    vectors, _ = clusters(6)
    many = vectors[[0, 0, 0, *range(30), 0, 5]]
    points = project(many, "umap").points
    assert (points[[0, 1, 2, 3, 33]] == points[0]).all() and (points[34] == points[8]).all()
    assert np.array_equal(project(vectors).points[0], points[0])  # and the others lie as they would without


def test_a_new_row_lands_among_its_own_and_a_twin_on_its_place():
    vectors, kinds = clusters(40)
    whole = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    points = project(vectors[:-1]).points
    placed = projection.between(np.stack([whole[-1], whole[3]]), whole[:-1], points)
    near = np.argsort(np.linalg.norm(points - placed[0], axis=1))[:5]
    assert (kinds[:-1][near] == kinds[-1]).all()
    assert placed[1] == pytest.approx(points[3], abs=1e-6)


@pytest.mark.parametrize("wrong", [{"dimensions": 4}, {"dimensions": True}, {"neighbours": 1}, {"seed": -1},
                                   {"min_dist": 2}, {"metric": "magic"}, {"neighbours": 2.5}])  # fmt: skip
def test_numbers_outside(wrong):
    with pytest.raises(BadInput):
        project(np.eye(9), **wrong)


def test_what_compiles_for_a_process_ends_with_it(tmp_path: Path) -> None:
    """An app that was stopped while UMAP was compiled left a process that burnt a core for minutes."""
    command = [sys.executable, "-m", "playground.engine.vectors.projection"]
    started = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    )
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(1)  # with nothing compiled yet it takes many seconds
    assert started.stdin is not None
    started.stdin.close()  # as when the parent is killed
    assert started.wait(60) == 1  # it did not come to its end
