"""What stands on a map of the Sentences view, and the files of it: row for row, added sentences last."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import ASSETS
from playground.engine.tables import spreadsheets
from playground.engine.vectors.encode import Encoded
from playground.engine.vectors.projection import Projection
from playground.rooms.embeddings.sentences.samples import Rows
from playground.system import cancellation
from playground.ui import point_map
from playground.ui.files import outgoing
from playground.ui.point_map import Near
from playground.ui.visitor import language


@dataclass(frozen=True, eq=False)
class Made:
    """Rows with their vectors on a map."""

    rows: Rows
    key: str
    encoded: Encoded
    projection: Projection
    near: Near


@dataclass(frozen=True, eq=False)
class Shown:
    """What stands on a map: the rows, and behind them what was added to it.

    Args:
        groups: of each point, a place in ``names``.
        added: vectors of what was added and what the model saw of it; None without any.
        left_out: lines that were too many to be added.
    """

    texts: tuple[str, ...]
    points: NDArray[np.float32]
    near: Near
    by: str
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    added: Encoded | None = None
    left_out: int = 0


def facts(made: Made) -> dict[str, Any]:
    """What `view.summary` tells of a map's rows."""
    return facts_of(made.encoded, made.rows.texts)


def facts_of(encoded: Encoded, texts: Sequence[str]) -> dict[str, Any]:
    """What a model did not see of some rows."""
    return {
        "rows": len(texts), "distinct": len(set(texts)), "cut": int((encoded.tokens > encoded.limit).sum()),
        "unknown": int((encoded.unknown > 0).sum()), "limit": encoded.limit,
        "width": encoded.vectors.shape[1],
    }  # fmt: skip


def written(made: Made, on: Shown, chart: str, title: str) -> tuple[str, str, str]:
    """Vectors as .npy, rows with vectors as .csv, the map as a page: the files' paths.

    Args:
        chart: the map as HTML.
    """
    folder = outgoing()
    paths = [folder / name for name in ("vectors.npy", "vectors.csv", "map.html")]
    vectors = made.encoded.vectors
    if on.added is not None:
        vectors = np.concatenate([vectors, on.added.vectors])
    np.save(paths[0], vectors)
    with paths[1].open("w", encoding="utf-8-sig", newline="") as file:
        file.write(_csv(made, on, vectors))
    names = ("colours.css", "figures.css", "figures.js", "figures_map.js", "map_chosen.js")
    assets = {name: (ASSETS / "shell" / name).read_text(encoding="utf-8") for name in names}
    paths[2].write_text(point_map.standalone(chart, title, assets, language()), encoding="utf-8")
    first, second, third = map(str, paths)
    return first, second, third


def _csv(made: Made, on: Shown, vectors: NDArray[np.float32]) -> str:
    """A row a point: its text, its given label and its group on the map, what the model saw of it, its place
    and its vector.
    """
    file = io.StringIO()
    writer = spreadsheets.Writer(file)
    read = [made.encoded, *([on.added] if on.added is not None else [])]
    tokens, unknown = (
        np.concatenate([getattr(each, name) for each in read]) for name in ("tokens", "unknown")
    )
    cut = np.maximum(0, tokens - made.encoded.limit)
    axes = ["x", "y", "z"][: on.points.shape[1]]
    facts = ["text", "label", "added", "group", "tokens", "cut_tokens", "unknown_pieces", "neighbours_kept"]
    writer.writerow([*facts, *axes, *(f"v{place}" for place in range(vectors.shape[1]))])
    rows = len(made.rows.texts)
    for row, text in enumerate(on.texts):
        cancellation.check()
        label = made.rows.labels[row] if made.rows.labels and row < rows else ""
        kept = f"{on.near.kept[row].mean():.3g}" if on.near.kept.shape[1] else ""
        writer.writerow([
            text, label, int(row >= rows), on.names[on.groups[row]],
            tokens[row], cut[row], unknown[row], kept, *(f"{each:.6g}" for each in on.points[row]),
            *(f"{each:.8g}" for each in vectors[row]),
        ])  # fmt: skip
    return file.getvalue()
