"""The worked examples of the Songs room: recommendations, what is marked on the map, all methods measured."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from playground import ASSETS, text
from playground.engine.vectors.projection import project
from playground.models.cache import ModelCache
from playground.rooms.songs import loading, mapping, search, sessions
from playground.rooms.songs.catalogue import EMBEDDED
from playground.rooms.songs.evaluation import METHODS, Measured, evaluate, split
from playground.rooms.songs.library import Library
from playground.rooms.songs.loading import data_card, trained_card
from playground.rooms.songs.recommend import plain, shown
from playground.rooms.songs.training import TUNED, Trained, train
from playground.ui.example_files import read, write

FOLDER = ASSETS / "songs"
STEPS = 6  # songs of a walk between its ends, as the room opens

(SAMPLE,) = EMBEDDED


def shipped(lang: str) -> dict[str, Any]:
    """The example in one language, as shipped: recommendations, what was ``liked``, ``marks`` of a map."""
    told: dict[str, Any] = read(FOLDER / f"example.{lang}.json")
    return told


def measured() -> tuple[list[dict[str, Any]], int]:
    """All methods on the embedded songs, as shipped, and how many questions they were asked."""
    told = read(FOLDER / "measured.json")
    return told["rows"], told["queries"]


@functools.cache
def songs() -> Library:
    """The embedded songs without their playlists: all that their map says of them."""
    catalogue = sessions.read_catalogue((FOLDER / "catalogue.tsv").read_text(encoding="utf-8"))
    return Library(SAMPLE.name, tuple(catalogue), np.zeros(0, np.int32), np.zeros(1, np.int64))


def computed_map(cache: ModelCache) -> dict[str, list[int]]:
    """Where UMAP puts the embedded songs, computed now: x and y of each, in thousandths."""
    with cache.lease(trained_card(SAMPLE), "songs") as loaded:
        points = (project(loaded.model.trained.vectors).points * 1000).round().astype(int)
    return {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}


def computed_sample() -> tuple[Library, Trained]:
    """The embedded songs' sessions and the tuned training on them, made now."""
    catalogue = (FOLDER / "catalogue.tsv").read_text(encoding="utf-8")
    library = sessions.generate(sessions.read_catalogue(catalogue))
    return library, train(library, TUNED)


def computed(lang: str, cache: ModelCache) -> dict[str, Any]:
    """The example, computed now."""
    with cache.lease(trained_card(SAMPLE), "songs") as loaded:
        library = loaded.model.library
        ready = search.index(library)
        liked = [search.search(ready, each, 1)[0] for each in text.say("songs.example", lang).split("\n")]
        told = shown(loaded.model, liked, [])
        marks = mapping.marks(loaded, liked, [], "umap", STEPS)
        marked = mapping.plain_marks(marks, loaded.model)
        return told | {"liked": [plain(library.songs[row]) for row in liked], "marks": marked}


def computed_measures(cache: ModelCache) -> dict[str, Any]:
    """All methods on the embedded songs, measured now."""
    with cache.lease(data_card(SAMPLE), "songs") as loaded:
        rows: list[Measured] = list(evaluate(loaded.model, METHODS))
        return {"rows": [vars(row) for row in rows], "queries": len(split(loaded.model).hidden)}


def make(cache: ModelCache) -> None:
    """Write them anew, and the trained vectors that come with the app."""
    loading.ship(*computed_sample())
    write(FOLDER / "measured.json", computed_measures(cache))
    write(mapping.MADE, computed_map(cache))
    for lang in text.LANGUAGES:
        write(FOLDER / f"example.{lang}.json", computed(lang, cache))
