"""What somebody asks the Architecture panel for: from controls' values to checked ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.errors import BadInput
from playground.rooms.architecture import what_if
from playground.rooms.architecture.plan import Architecture

NUMBERS = what_if.KNOBS[:7]  # the rest are a switch and two menus


def changes(plan: Architecture, values: Mapping[str, Any]) -> dict[str, Any]:
    """Which knobs were turned: their values differ from the plan's own.

    Args:
        values: by the names of the knobs.
    """
    found = {}
    for name, before in what_if.knobs(plan).items():
        value = values[name]
        if before is None or value is None or value == before:
            continue
        found[name] = int(value) if name in NUMBERS and value == int(value) else value
    return found


def uploaded(file: str | None) -> str:
    """What an uploaded config.json says; whether it is one is told where it is read.

    Raises:
        BadInput: nothing, too long, no text.
    """
    if not file:
        raise BadInput("config_empty")
    path = Path(file)
    from playground.models.loaders.skeletons import LONGEST

    if path.stat().st_size > LONGEST:
        raise BadInput("config_too_long", length=path.stat().st_size, limit=LONGEST)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("config_not_json", line=1) from error
