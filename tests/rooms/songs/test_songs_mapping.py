"""Where you are on the map of songs: known places by PCA and by UMAP, and what is marked around you."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from playground.engine.vectors.neighbours import unit
from playground.engine.vectors.projection import Projection, project
from playground.models.cache import Loaded
from playground.rooms.songs import example, mapping
from playground.rooms.songs.library import Song, assemble
from playground.rooms.songs.recommend import recommender
from playground.rooms.songs.training import TUNED, Trained

COUNT = 60


def loaded(vectors: Any) -> Loaded:
    """Songs with these vectors, as if trained."""
    songs = [Song(str(row), f"title {row}", f"artist {row}") for row in range(len(vectors))]
    library = assemble("test", songs, [[song.id for song in songs]])
    ready = recommender(library, Trained(TUNED, np.asarray(vectors, np.float32)))
    card = dataclasses.replace(example.SAMPLE, name="test")
    return Loaded(card, None, ready, "cpu", 1)


@pytest.fixture(scope="module")
def some() -> Loaded:
    return loaded(np.random.default_rng(3).normal(size=(COUNT, 8)))


def test_by_pca_you_stand_exactly_where_your_mean_is_projected(some):
    made, ready = mapping.projected(some, "pca"), some.model
    mean = ready.mean([4, 9])
    sums = ready.whole[4] + ready.whole[9]
    assert np.allclose(mean, sums / np.linalg.norm(sums), atol=1e-6)
    # PCA by the singular values, another way than the app's; its map's frame from the map itself.
    middle = ready.whole.mean(0)
    _, _, axes = np.linalg.svd(ready.whole - middle, full_matrices=False)
    flat = (ready.whole - middle) @ axes[:2].T
    scale = (made.points.max(0) - made.points.min(0)) / (flat.max(0) - flat.min(0))
    sign = np.sign((made.points * flat).sum(0))
    place = sign * scale * ((mean - middle) @ axes[:2].T)
    offset = made.points[0] - sign * scale * flat[0]
    you = mapping.marks(some, [4, 9], [], "pca", 3).you
    assert you == pytest.approx((place + offset).tolist(), abs=1e-4)
    # Of one song, the mean is that song.
    assert mapping.marks(some, [7], [], "pca", 3).you == pytest.approx(made.points[7].tolist(), abs=1e-4)


def test_by_umap_you_stand_at_the_weighted_mean_of_the_nearest_songs():
    """Five songs equally near to you: the plain mean of their places; the others, far away, count nothing."""
    ring = [[1, 0.2 * np.cos(turn), 0.2 * np.sin(turn)] for turn in 2 * np.pi * np.arange(5) / 5]
    far = [[-1, 0.1 * place, 0] for place in range(5)]
    songs = loaded(ring + far)
    places = np.array(
        [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6], [-0.7, 0.8], [0.9, 1], *[[-1, -1]] * 5], np.float32
    )
    songs.memo["map.umap"] = Projection(places, "umap")
    you = mapping.marks(songs, [0, 1, 2, 3, 4], [], "umap", 3)
    assert you.you == pytest.approx(places[:5].mean(0).tolist(), abs=1e-5)
    # Of one song: where that song is.
    assert mapping.marks(songs, [3], [], "umap", 3).you == pytest.approx(places[3].tolist(), abs=1e-5)
    assert mapping.marks(songs, [3], [], "umap", 3).nearest == (3, pytest.approx(1, abs=1e-5))


def test_the_nearer_songs_weigh_more():
    near, right, left = [1, 0.05, 0], [1, 0.4, 0], [1, -0.5, 0]
    songs = loaded([near, right, left, [-1, 0, 1], [-1, 1, 0], [0, 0, -1]])
    places = np.array([[0, 0], [1, 0], [0, 1], [-1, -1], [-1, -1], [-1, -1]], np.float32)
    made = Projection(places, "umap")
    vector = unit(np.array([[1, 0, 0]], np.float32))[0]
    cosines = np.sort(songs.model.whole @ vector)[::-1]
    weights = np.exp(20 * (cosines[:5] - cosines[0]))  # the five nearest
    x, y = mapping.standing(songs, made, vector)
    assert x == pytest.approx(weights[1] / weights.sum(), abs=1e-4)
    assert y == pytest.approx(weights[2] / weights.sum(), abs=1e-4) and x > y > 0


def test_what_is_marked_is_what_is_recommended(some):
    marks, ready = mapping.marks(some, [1, 2], [3], "pca", 4), some.model
    assert list(marks.ten) == [each.row for each in ready.recommend([1, 2], [3])]
    assert marks.walk[0] == 1 and marks.walk[-1] == 2 and len(marks.walk) == 6
    assert marks.you != mapping.marks(some, [1, 2], [], "pca", 4).you  # what is disliked pushes you away
    told = mapping.plain_marks(marks, ready)
    assert told["liked"] == ["1", "2"] and told["disliked"] == ["3"] and told["method"] == "pca"
    assert told["nearest"][0].startswith("title ") and len(told["ten"]) == 10


def test_where_nothing_is_liked_or_nothing_is_known_you_are_nowhere():
    songs = loaded([[1, 0], [0, 1], [0, 0], [-1, 0.1], [0.3, 0.4], [-0.2, -0.9]])
    for liked, disliked in (([], []), ([], [0]), ([2], []), ([0], [0])):
        marks = mapping.marks(songs, liked, disliked, "pca", 3)
        assert marks.you is marks.nearest is None and not marks.ten and not marks.walk
    assert mapping.marks(songs, [0, 2], [], "pca", 3).walk == []  # one of its ends has no vector
    many = mapping.marks(songs, [0, 1] * 501, [], "pca", 3)
    assert many.you and many.ten == []  # more than it recommends for


def test_songs_that_are_all_alike_are_one_place():
    songs = loaded([[1, 2]] * 8)
    assert project(songs.model.whole, "umap").note == "same"
    assert mapping.marks(songs, [0], [], "umap", 3).you == (0, 0)
