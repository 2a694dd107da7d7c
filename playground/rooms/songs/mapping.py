"""Where songs stand on the map, and where "you" are: at the mean of what is liked, ten songs around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import ASSETS
from playground.engine.vectors.projection import Plane, Projection, between, plane, project
from playground.models.cache import Loaded
from playground.rooms.songs.catalogue import EMBEDDED
from playground.rooms.songs.library import Song
from playground.rooms.songs.recommend import MANY, Recommender
from playground.rooms.songs.training import TUNED
from playground.ui.example_files import read

MADE = ASSETS / "songs" / "map.json"
SHIPPED = (EMBEDDED[0].name, TUNED, "umap")  # the map that comes with the app


@dataclass(frozen=True)
class Marks:
    """What is marked on the map for what is picked.

    Args:
        method: what the map really is by, ``umap`` or ``pca``.
        you: where you are, from -1 to 1; none, where nothing is liked that has a vector.
        nearest: the song nearest to you, its row and its cosine.
        liked, disliked, ten, walk: rows of songs; the walk goes from the first liked one to the last.
    """

    method: str
    you: tuple[float, float] | None
    nearest: tuple[int, float] | None
    liked: Sequence[int]
    disliked: Sequence[int]
    ten: Sequence[int]
    walk: Sequence[int]


def shipped() -> Projection:
    """The map of the embedded songs that comes with the app."""
    told = read(MADE)
    return Projection((np.array([told["x"], told["y"]]).T / 1000).astype(np.float32), "umap")


def projected(loaded: Loaded, method: str) -> Projection:
    """The map of all songs that have a vector, in their order; made once and kept with the training."""
    ready: Recommender = loaded.model
    name = f"map.{method}"
    if name not in loaded.memo:
        if (loaded.card.name, ready.trained.parameters, method) == SHIPPED:
            made = shipped()
        else:
            made = project(ready.trained.vectors[ready.known], method)
        loaded.memo[name] = made
    kept: Projection = loaded.memo[name]
    return kept


def standing(loaded: Loaded, made: Projection, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where a vector of length 1 stands on a map, [2].

    By PCA exactly. UMAP has no place for what it did not lay out: there it is the mean of the places of the
    songs nearest to it, weighted by how near they are; a song's own vector stands where the song does.
    """
    ready: Recommender = loaded.model
    if made.note == "same":
        return np.zeros(2, np.float32)
    if made.method != "pca":
        return np.asarray(between(vector[None], ready.whole[ready.known], made.points)[0])
    if "map.plane" not in loaded.memo:
        loaded.memo["map.plane"] = plane(ready.trained.vectors[ready.known])
    on: Plane = loaded.memo["map.plane"]
    return np.asarray(on.place(vector[None])[0])


def marks(loaded: Loaded, liked: Sequence[int], disliked: Sequence[int], method: str, steps: int) -> Marks:
    """What is marked on the map for rows that are liked and disliked."""
    ready: Recommender = loaded.model
    made = projected(loaded, method)
    mean = ready.mean(liked, disliked) if liked else None
    if mean is None:
        return Marks(made.method, None, None, liked, disliked, (), ())
    few = len(liked) + len(disliked) <= MANY  # of more none is recommended, and their list says so
    ten = [each.row for each in ready.recommend(liked, disliked)] if few else []
    scores = np.where(ready.known, ready.whole @ mean, -np.inf)
    best = int(scores.argmax())
    ends = liked[0], liked[-1]
    walk: list[int] = []
    if ends[0] != ends[1] and ready.known[[*ends]].all():
        walk = [row for row, _ in ready.walk(*ends, steps)]
    x, y = standing(loaded, made, mean).tolist()
    return Marks(made.method, (x, y), (best, float(scores[best])), liked, disliked, ten, walk)


def plain_marks(found: Marks, ready: Recommender) -> dict[str, Any]:
    """The same as JSON, songs by their ids and labels."""
    songs = ready.library.songs
    ids = {
        kind: [songs[row].id for row in getattr(found, kind)] for kind in ("liked", "disliked", "ten", "walk")
    }
    nearest = found.nearest and [label(songs[found.nearest[0]]), round(found.nearest[1], 4)]
    you = found.you and [round(each, 4) for each in found.you]
    return {"method": found.method, "you": you, "nearest": nearest, **ids}


def label(song: Song) -> str:
    """What a song is called on the map."""
    return " · ".join(filter(None, (song.title, song.artist)))
