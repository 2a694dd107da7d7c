"""The tree of a model that nothing here can build: from the names and shapes in its files' headers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from playground.rooms.architecture.experts import ROUTED
from playground.rooms.architecture.plan import LOOSE, Architecture, Node, Shapes, unknown
from playground.rooms.architecture.shape import Shape


def from_tensors(name: str, tensors: Mapping[str, tuple[str, tuple[int, ...]]], config: Any) -> Architecture:
    """The tree of a model that nothing here can build, from the names and shapes in its files' headers.

    Args:
        tensors: name → (type, shape).
    """
    whole: dict[str, Any] = {}
    for path, (_, shape) in tensors.items():
        place = whole
        *parts, last = path.split(".")
        for part in parts:
            place = place.setdefault(part, {})
        place.setdefault("", {})[last] = tuple(shape)
    root = _told("", "", whole, 1, 1)
    if any(ROUTED.fullmatch(part) for path in tensors for part in path.split(".")):
        root = unknown(root)  # a mixture of experts, whose router only its code tells of
    kind = str(config.get("model_type", ""))
    return Architecture(name, "", kind, "", root, Shape(cache_known=False), dict(config))


def _told(path: str, name: str, place: dict[str, Any], repeat: int, fold: int) -> Node:
    weights: Shapes = place.get("", {})
    runs: list[list[str]] = []
    numbered = sorted((key for key in place if key.isdigit()), key=int)
    for key in [*(key for key in place if key and not key.isdigit()), *numbered]:
        if runs and key.isdigit() and runs[-1][0].isdigit() and place[key] == place[runs[-1][0]]:
            runs[-1].append(key)
        else:
            runs.append([key])
    children = tuple(
        _told(
            f"{path}.{run[0]}" if path else run[0], run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}",
            place[run[0]], repeat * len(run), len(run),
        )
        for run in runs
    )  # fmt: skip
    if children and weights:
        loose = tuple(
            Node(f"{path}.{k}".strip("."), k, LOOSE, repeat, 1, math.prod(s) * repeat,
                 math.prod(s) * repeat, weights={k: s})
            for k, s in weights.items()
        )  # fmt: skip
        children, weights = (*loose, *children), {}
    own = sum(math.prod(shape) for shape in weights.values()) * repeat
    count = own + sum(child.parameters for child in children)
    return Node(path, name, "", repeat, fold, count, count, weights=weights, children=children)
