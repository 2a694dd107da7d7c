"""What the Songs panel does with picks, and what it leaves undone."""

from __future__ import annotations

import json

import pytest

from playground import text
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.songs import example
from playground.rooms.songs import loading as loader
from playground.rooms.songs.actions import SongsActions, parameters_of
from playground.rooms.songs.training import TUNED
from playground.settings import Settings
from playground.ui.context import Context


@pytest.fixture
def do(tmp_path) -> SongsActions:
    settings = Settings(models_dir=tmp_path / "models", cache_dir=tmp_path, offline=True)
    catalog = Catalog(settings.models_dir, tmp_path / "uploads", offline=True)
    return SongsActions(Context(settings, catalog, ModelCache(2**31, TransformersLoader(offline=True))))


def test_the_example_stands_without_anything_loaded(do):
    """The page asks for it anew once it is there; that must cost nothing, and change nothing."""
    (shown,) = do.recommend("", "sample", "")
    assert all(row["title"] in shown for row in example.shipped(text.DEFAULT)["rows"][:1])
    assert "song-picks" in do.picked("", "sample")
    assert do.context.models.status() == []


def test_the_first_pick_trains_nothing(do, monkeypatch):
    monkeypatch.setattr(loader, "train", lambda *_: pytest.fail("trained, though its vectors are shipped"))
    ids = [song["id"] for song in example.shipped(text.DEFAULT)["liked"]]
    *_, shown = do.recommend(json.dumps({"liked": ids[:1], "disliked": []}), "sample", "")
    assert shown.count("song-why") == 10
    for view in (do.vector, do.walk, do.map):
        more = {do.walk: (6,), do.map: ("umap", "genre")}.get(view, ())
        *_, page = do.following(view, "here", "here", "", "sample", "", *more)
        assert "pg-warning" not in page and len(page) > 500


def test_who_presses_train_sees_a_training(do, monkeypatch):
    """Also with the parameters of what is shipped."""
    trained = []
    monkeypatch.setattr(loader, "train", lambda *given: trained.append(given[1]) or loader.shipped())
    sliders = (
        TUNED.vector_size, TUNED.window, TUNED.negative, TUNED.min_count, TUNED.epochs, TUNED.ns_exponent,
        TUNED.alpha, TUNED.sg, TUNED.workers, bool(TUNED.centre),
    )  # fmt: skip
    *_, (losses, key) = do.train("sample", *sliders)
    assert trained == [TUNED] and parameters_of(key) == TUNED and "bit by bit" in losses
