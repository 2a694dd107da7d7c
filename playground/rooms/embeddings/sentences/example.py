"""The worked examples of the Sentences view: the map of the themes, where it lies, what searches find in it,
and the same sentences under a second model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.engine.vectors import encode, neighbours
from playground.engine.vectors.projection import project
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME, Role
from playground.rooms.embeddings.sentences import samples
from playground.ui import point_map
from playground.ui.example_files import read, write
from playground.ui.point_map import Near

FOLDER = samples.FOLDER
FILE, WORKED = FOLDER / "example.json", FOLDER / "worked.json"
# Of the first sentence nine of ten true neighbours are near on the map, too; of the other, which belongs
# to two themes, two are.
FIRST, TORN = (read(FOLDER / "chosen.json")[name] for name in ("first", "torn"))
OTHER = "tutor"
QUERIES = (1, 2, 3)
FOUND = 12  # rows that a search finds
COUNT = 10  # neighbours that are looked at
PARTS = 10_000  # a coordinate or a cosine is written as so many parts


@dataclass(frozen=True)
class Apart:
    """A row that is near in the model's space or on the map, and not in the other one.

    Args:
        row: its number; ``space``, ``place``: the how manieth it is in the space and on the map, from 1.
    """

    row: int
    space: int
    place: int
    cosine: float


@dataclass(frozen=True)
class Lies:
    """Where the map is wrong about one row, and how far it can be trusted as a whole.

    Args:
        torn: true neighbours that are not near on the map; ``false``: neighbours on the map that are none.
        trustworthiness, continuity: of `COUNT` neighbours, from 0 to 1 (Venna & Kaski 2001): how few false
            neighbours there are, and how few torn ones.
    """

    row: int
    torn: tuple[Apart, ...]
    false: tuple[Apart, ...]
    trustworthiness: float
    continuity: float


def shipped() -> tuple[NDArray[np.float32], Near]:
    """The map that the Sentences view opens with, as shipped: points, and the true neighbours of each."""
    return _map(read(FILE))


def other() -> tuple[NDArray[np.float32], Near]:
    """The same sentences under `OTHER`, as shipped."""
    return _map(read(WORKED)["other"])


def lies() -> Lies:
    """What is wrong with the shipped map."""
    told = read(WORKED)["lies"]
    return Lies(**told | {name: tuple(Apart(**each) for each in told[name]) for name in ("torn", "false")})


def found(query: str) -> list[tuple[int, float]] | None:
    """What a search that is offered finds among the themes: row and cosine of each; None for any other."""
    rows = read(WORKED)["found"].get(query)
    return None if rows is None else [(row, cosine / PARTS) for row, cosine in rows]


def _map(told: dict[str, Any]) -> tuple[NDArray[np.float32], Near]:
    points = np.array(told["points"], np.float32) / np.float32(PARTS)
    cosines = np.array(told["cosines"], np.float32) / np.float32(PARTS)
    return points, Near(np.array(told["near"], np.int32), cosines, np.array(told["kept"], np.bool_))


def _vectors(
    cache: ModelCache, texts: Sequence[str], name: str = "all-MiniLM-L6-v2", role: Role = "encoder"
) -> NDArray[np.float32]:
    with cache.lease(EMBEDDED_BY_NAME[name], role) as loaded:
        return encode.encode(loaded, texts, role).vectors


def _mapped(vectors: NDArray[np.float32]) -> dict[str, Any]:
    points = (project(vectors).points * PARTS).round().astype(int)
    places, _ = neighbours.nearest(neighbours.unit(vectors), COUNT + 1)
    near = point_map.true_neighbours(vectors, places, (points / PARTS).astype(np.float32))
    cosines = (near.cosines * PARTS).round().astype(int)
    return {
        "points": points.tolist(), "near": near.places.tolist(), "cosines": cosines.tolist(),
        "kept": near.kept.astype(int).tolist(),
    }  # fmt: skip


def computed(cache: ModelCache) -> dict[str, Any]:
    """The first map, computed now."""
    return _mapped(_vectors(cache, samples.sample("themes").texts))


def worked(cache: ModelCache) -> dict[str, Any]:
    """What else is shipped, computed now."""
    texts = samples.sample("themes").texts
    whole = neighbours.unit(_vectors(cache, texts))
    queries = list(
        dict.fromkeys(text.say(f"sentences.query_{n}", lang) for n in QUERIES for lang in text.LANGUAGES)
    )
    asked = neighbours.unit(_vectors(cache, queries))
    hits = {
        query: [[row, round(cosine * PARTS)] for row, cosine in neighbours.best(whole, one, FOUND)]
        for query, one in zip(queries, asked, strict=True)
    }
    return {
        "lies": _lies(whole, shipped()[0], texts.index(TORN)), "found": hits,
        "other": _mapped(_vectors(cache, texts, OTHER, "causal")),
    }  # fmt: skip


def _lies(whole: NDArray[np.float32], points: NDArray[np.float32], row: int) -> dict[str, Any]:
    """`Lies` of a row as plain values."""
    from sklearn.manifold import trustworthiness

    cosines = whole @ whole[row]
    far = np.linalg.norm(points - points[row], axis=1)
    space, place = np.empty(len(whole), int), np.empty(len(whole), int)
    space[np.argsort(np.where(np.arange(len(whole)) == row, -2, -cosines), kind="stable")] = range(len(whole))
    place[np.argsort(np.where(np.arange(len(whole)) == row, -1, far), kind="stable")] = range(len(whole))

    def apart(near: NDArray[Any], elsewhere: NDArray[Any]) -> list[dict[str, Any]]:
        rows = [int(n) for n in np.argsort(near)[1 : COUNT + 1] if elsewhere[n] > COUNT]
        return [
            {"row": n, "space": int(space[n]), "place": int(place[n]), "cosine": round(float(cosines[n]), 4)}
            for n in rows
        ]

    return {
        "row": row, "torn": apart(space, place), "false": apart(place, space),
        "trustworthiness": round(float(trustworthiness(whole, points, n_neighbors=COUNT)), 4),
        "continuity": round(float(trustworthiness(points, whole, n_neighbors=COUNT)), 4),
    }  # fmt: skip


def make(cache: ModelCache) -> None:
    """Write them anew."""
    write(FILE, computed(cache))
    write(WORKED, worked(cache))
