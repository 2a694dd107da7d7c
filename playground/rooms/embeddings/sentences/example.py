"""The worked example of the Sentences view: the map of the themes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import ASSETS
from playground.engine.vectors import encode, neighbours
from playground.engine.vectors.projection import project
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME
from playground.rooms.embeddings.sentences import samples
from playground.ui import point_map
from playground.ui.example_files import read, write

FILE = ASSETS / "embeddings" / "sentences" / "example.json"


def shipped() -> tuple[NDArray[np.float32], point_map.Near]:
    """The map that the Sentences view opens with, as shipped: points, and the true neighbours of each."""
    told = read(FILE)
    points = np.array(told["points"], np.float32) / np.float32(10_000)
    cosines = np.array(told["cosines"], np.float32) / np.float32(10_000)
    return points, point_map.Near(np.array(told["near"], np.int32), cosines, np.array(told["kept"], np.bool_))


def computed(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    card = EMBEDDED_BY_NAME["all-MiniLM-L6-v2"]
    with cache.lease(card, "encoder") as loaded:
        vectors = encode.encode(loaded, samples.sample("themes").texts).vectors
    points = (project(vectors).points * 10_000).round().astype(int)
    places, _ = neighbours.nearest(neighbours.unit(vectors), 11)
    near = point_map.true_neighbours(vectors, places, (points / 10_000).astype(np.float32))
    cosines = (near.cosines * 10_000).round().astype(int)
    return {
        "points": points.tolist(), "near": near.places.tolist(), "cosines": cosines.tolist(),
        "kept": near.kept.astype(int).tolist(),
    }  # fmt: skip


def make(cache: ModelCache) -> None:
    """Write it anew."""
    write(FILE, computed(cache))
