"""What the Sentences view computes, each thing once: rows → vectors → neighbours → map, kept by content.

A visitor never waits for what somebody has computed before; what takes long says how far it is, and can be
stopped between two of its steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.generation.generate import Waiting
from playground.engine.shared_work import SharedWork
from playground.engine.vectors.encode import Encoded, encoding
from playground.engine.vectors.neighbours import METRICS, nearest, unit
from playground.engine.vectors.projection import METHODS, MIN_DIST, Projection, between, project
from playground.errors import BadInput, CannotLoad
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard, Role
from playground.rooms.embeddings.sentences import example, samples, view
from playground.system import cancellation
from playground.system.lru import LRU
from playground.ui.context import Context
from playground.ui.first_models import label
from playground.ui.point_map import Near, true_neighbours
from playground.ui.runs import Progress
from playground.ui.visitor import language, stages, waiting

MODEL = "all-MiniLM-L6-v2"
SHOWN = 10  # true neighbours that a map can show of each point
KEPT_BYTES = 256 << 20


@dataclass(frozen=True)
class Wish:
    """How a map is to be made."""

    method: str = "umap"
    dimensions: int = 2
    neighbours: int = 15
    min_dist: float = MIN_DIST
    metric: str = "cosine"
    seed: int = 0

    def checked(self) -> Wish:
        """Itself; raises BadInput for a method, a metric or numbers that are none."""
        if self.method not in METHODS:
            raise BadInput("projection_method", method=str(self.method)[:40], known=", ".join(METHODS))
        if self.metric not in METRICS:
            raise BadInput("metric_unknown", metric=str(self.metric)[:40], known=", ".join(METRICS))
        for name, low, high in (("neighbours", 2, 200), ("dimensions", 2, 3), ("seed", 0, 2**31 - 1)):
            if not low <= getattr(self, name) <= high:
                value = str(getattr(self, name))[:40]
                raise BadInput("setting_outside", name=name, low=low, high=high, value=value)
        return self


class Work:
    """Vectors, neighbours and maps of rows."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.kept: LRU[Any] = LRU(KEPT_BYTES)
        self.under_way = SharedWork()

    # -- models --

    def card(self, name: str) -> tuple[ModelCard, Role]:
        """The card of a model that makes vectors, and as what it is loaded."""
        card = self.context.catalog.find(name)
        if "encoder" in card.roles:
            return card, "encoder"
        if "causal" in card.roles:
            return card, "causal"
        if card.weightless:
            raise CannotLoad("no_weights", name=card.name)
        raise BadInput("no_encoder", name=card.name)

    def choices(self) -> list[tuple[str, str]]:
        """Models of the menu: sentence models first, then language models."""
        cards = [*self.context.offered("encoder"), *self.context.offered("causal")]
        names = {card.name: label(card, language()) for card in cards}
        return [(shown, name) for name, shown in names.items()]

    # -- vectors --

    def key(self, texts: Sequence[str], model: str) -> str:
        """What names these texts under this model."""
        made = hashlib.sha256(f"{model}\0{len(texts)}\0".encode())
        for each in texts:
            content = each.encode("utf-8", "surrogatepass")
            made.update(len(content).to_bytes(8, "little") + content)
        return made.hexdigest()

    def encoded(self, texts: Sequence[str], model: str, key: str = "") -> Encoded:
        """`encoding` to its end."""
        for step in self.encoding(texts, model, key):
            cancellation.check()
            if isinstance(step, Encoded):
                return step
        raise AssertionError("an encoding ends with what it made")

    def encoding(self, texts: Sequence[str], model: str, key: str = "") -> Generator[Progress | Encoded]:
        """How far loading and encoding are, and at last the vectors."""
        key = key or self.key(texts, model)
        found: Encoded | None = self.kept.get(("vectors", key))
        if found is not None:
            yield found
            return
        card, role = self.card(model)
        with closing(self.context.leasing(card, role)) as loading:
            for step in stages(loading, language()):
                if not isinstance(step, Loaded):
                    yield Progress(step)
                    continue
                yield from self._through(step, texts, role, key)
                return

    def _through(
        self, loaded: Loaded, texts: Sequence[str], role: Role, key: str
    ) -> Iterator[Progress | Encoded]:
        total = len(set(texts))
        yield Progress(view.progress(0, total, loaded.card.name, language()))
        with closing(encoding(loaded, texts, role)) as steps:
            for step in steps:
                if isinstance(step, Encoded):
                    self.kept.put(("vectors", key), step, step.vectors.nbytes + 16 * len(texts))
                    yield step
                elif isinstance(step, Waiting):
                    yield Progress(waiting(step, language()))
                elif step < total:
                    yield Progress(view.progress(step, total, loaded.card.name, language()))

    # -- neighbours and maps --

    def near(self, key: str, vectors: NDArray[np.float32], wish: Wish) -> tuple[Any, Any]:
        """Exact neighbours of each row, itself first: places and distances."""
        count = self._count(vectors, wish)
        name = ("near", key, wish.metric, count)
        found = self.kept.get(name)
        if found is None:
            found = nearest(unit(vectors) if wish.metric == "cosine" else vectors, count, wish.metric)
            self.kept.put(name, found, found[0].nbytes * 2)
        places, distances = found
        return places, distances

    def _count(self, vectors: NDArray[np.float32], wish: Wish) -> int:
        return min(len(vectors), max(wish.neighbours, SHOWN + 1))

    def projection(self, key: str, vectors: NDArray[np.float32], wish: Wish) -> Projection:
        """The map of some rows."""
        name = self._map(key, wish)
        found: Projection | None = self.kept.get(name)
        if found is None:
            near = self.near(key, vectors, wish) if wish.method == "umap" else None
            found = project(
                vectors, wish.method, dimensions=wish.dimensions, seed=wish.seed, neighbours=wish.neighbours,
                min_dist=wish.min_dist, metric=wish.metric, near=near,
            )  # fmt: skip
            self.kept.put(name, found, found.points.nbytes)
        return found

    def _map(self, key: str, wish: Wish) -> tuple[str, str, Wish]:
        """What a map is kept under; nothing else than the width moves PCA's."""
        plain = Wish("pca", wish.dimensions, metric=wish.metric)
        return "map", key, plain if wish.method == "pca" else wish

    def laying_out(self, key: str, encoded: Encoded, wish: Wish) -> Iterator[Projection | Progress]:
        """PCA first, how far it is, and then the wished map: once for all who ask for the same."""
        wish.checked()
        ready = self.shipped(key, wish) or self.kept.get(self._map(key, wish))
        if ready is not None:
            yield ready
            return
        vectors, lang = encoded.vectors, language()
        if wish.method != "pca":
            rough = replace(wish, method="pca")
            yield replace_note(self._mapping(key, vectors, rough))
        yield Progress(view.step("near", len(vectors), wish.method, lang))
        name = ("near", key, wish.metric, self._count(vectors, wish))
        self.under_way.wait(name, self.near, key, vectors, wish)
        yield Progress(view.step("layout", len(vectors), wish.method, lang))
        yield self._mapping(key, vectors, wish)

    def _mapping(self, key: str, vectors: NDArray[np.float32], wish: Wish) -> Projection:
        return self.under_way.wait(self._map(key, wish), self.projection, key, vectors, wish)

    def clusters(
        self, key: str, texts: Sequence[str], vectors: NDArray[np.float32], points: NDArray[np.float32],
        by: str, count: int, seed: int,
    ) -> tuple[NDArray[np.int64], list[str]]:  # fmt: skip
        """The cluster of each row, -1 for none, and the clusters' names by their words."""
        # HDBSCAN looks at the map, k-means at the vectors.
        drawn = hashlib.blake2b(np.ascontiguousarray(points).tobytes()).hexdigest() if by == "hdbscan" else ""
        name = ("clusters", key, by, count, seed, drawn)
        found: tuple[NDArray[np.int64], list[str]] | None = self.kept.get(name)
        if found is None:
            made = samples.cluster(vectors, points, by, count, seed)
            found = made, samples.named(texts, made)
            self.kept.put(name, found, made.nbytes + 200 * len(found[1]))
        return found

    def shipped(self, key: str, wish: Wish) -> Projection | None:
        """The map that the page opens with, so that it never changes under a visitor's eyes."""
        if wish != Wish() or key != self.first_key():
            return None
        return Projection(example.shipped()[0], "umap")

    def first_key(self) -> str:
        """The key of the rows that the page opens with."""
        found = self.kept.get("first")
        if found is None:
            found = self.key(samples.sample("themes").texts, MODEL)
            self.kept.put("first", found, 64)
        return str(found)

    def around(self, key: str, encoded: Encoded, made: Projection, wish: Wish) -> Near:
        """True neighbours for the map to show, and which of them are near on it."""
        places, _ = self.near(key, encoded.vectors, wish)
        return true_neighbours(encoded.vectors, places, made.points)

    def added(
        self, lines: Sequence[str], model: str, encoded: Encoded, points: NDArray[np.float32], near: Near
    ) -> tuple[NDArray[np.float32], Near]:
        """New sentences on a finished map: each at its nearest rows' place, and nothing else moves."""
        new = unit(self.encoded(lines, model).vectors)
        base = unit(encoded.vectors)
        placed = between(new, base, points)
        count, measured = near.places.shape[1], near.kept.shape[1]
        cosines = new @ base.T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count].astype(np.int32)
        far = np.linalg.norm(points[None] - placed[:, None], axis=2)
        radius = np.sort(far, axis=1)[:, max(0, measured - 1)] * (1 + 1e-6)
        more = Near(
            np.concatenate([near.places, order]),
            np.concatenate([near.cosines, np.take_along_axis(cosines, order, 1)]),
            np.concatenate([near.kept, np.take_along_axis(far, order[:, :measured], 1) <= radius[:, None]]),
        )
        return np.concatenate([points, placed]), more


def replace_note(made: Projection) -> Projection:
    """A first look, that another map will replace: whatever it had to say, the other one will."""
    return Projection(made.points, made.method, "first")


def model_or_default(name: str | None) -> str:
    """The model's name; the embedded one where the menu is empty."""
    return (name or "").strip() or MODEL
