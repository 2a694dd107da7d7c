"""The worked examples of the Songs room: recommendations, all methods measured, the map."""

from __future__ import annotations

from typing import Any

from playground import ASSETS, text
from playground.engine.vectors.projection import project
from playground.models.cache import ModelCache
from playground.rooms.songs import loading, search, sessions
from playground.rooms.songs.catalogue import EMBEDDED
from playground.rooms.songs.evaluation import METHODS, Measured, evaluate, split
from playground.rooms.songs.library import Library
from playground.rooms.songs.loading import data_card, trained_card
from playground.rooms.songs.recommend import plain, shown
from playground.rooms.songs.training import TUNED, Trained, train
from playground.ui.example_files import read, write

FOLDER = ASSETS / "songs"


(SAMPLE,) = EMBEDDED


def shipped(lang: str) -> dict[str, Any]:
    """The example in one language, as shipped: recommendations, and what was ``liked``."""
    told: dict[str, Any] = read(FOLDER / f"example.{lang}.json")
    return told


def measured() -> tuple[list[dict[str, Any]], int]:
    """All methods on the embedded songs, as shipped, and how many questions they were asked."""
    told = read(FOLDER / "measured.json")
    return told["rows"], told["queries"]


def song_map() -> list[list[float]]:
    """Where UMAP puts the embedded songs, as shipped: x and y of each, from -1 to 1."""
    told = read(FOLDER / "map.json")
    return [[x / 1000, y / 1000] for x, y in zip(told["x"], told["y"], strict=True)]


def computed_map(cache: ModelCache) -> dict[str, list[int]]:
    """The same, computed now, in thousandths."""
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
        return told | {"liked": [plain(library.songs[row]) for row in liked]}


def computed_measures(cache: ModelCache) -> dict[str, Any]:
    """All methods on the embedded songs, measured now."""
    with cache.lease(data_card(SAMPLE), "songs") as loaded:
        rows: list[Measured] = list(evaluate(loaded.model, METHODS))
        return {"rows": [vars(row) for row in rows], "queries": len(split(loaded.model).hidden)}


def make(cache: ModelCache) -> None:
    """Write them anew, and the trained vectors that come with the app."""
    loading.ship(*computed_sample())
    write(FOLDER / "measured.json", computed_measures(cache))
    write(FOLDER / "map.json", computed_map(cache))
    for lang in text.LANGUAGES:
        write(FOLDER / f"example.{lang}.json", computed(lang, cache))
