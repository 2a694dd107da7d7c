"""The configurations of well-known models: facts of ``assets/configs/presets.json``, with their source.

Each row of the file is ``name → {label, aka (other names), source, config}``.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from playground import ASSETS


@dataclass(frozen=True)
class Preset:
    """One model's shape.

    Args:
        name: its id on the Hub, as menus give it.
        label: as menus show it.
        source: where the values are from.
        config: what its config.json says, as far as it tells how the model is built.
    """

    name: str
    label: str
    source: str
    config: dict[str, Any]


@functools.cache
def presets() -> dict[str, Preset]:
    """All presets by name, in the order of the menu."""
    rows = json.loads((ASSETS / "configs" / "presets.json").read_text(encoding="utf-8"))
    return {name: Preset(name, row["label"], row["source"], row["config"]) for name, row in rows.items()}


@functools.cache
def _names() -> dict[str, str]:
    """Whatever a model may be called, in lower case → its name."""
    rows = json.loads((ASSETS / "configs" / "presets.json").read_text(encoding="utf-8"))
    called: dict[str, str] = {}
    for name, row in rows.items():
        for each in (name, name.split("/")[-1], row["label"], *row["aka"]):
            called.setdefault(each.lower(), name)
    return called


def find(name: str) -> Preset | None:
    """The preset that is called so: by its Hub id, the end of it, or its label; in any case of letters."""
    known = _names().get(name.strip().lower())
    return presets()[known] if known else None
