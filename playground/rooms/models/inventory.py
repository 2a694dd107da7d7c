"""Everything that this server offers and holds, one row a model."""

from __future__ import annotations

from typing import Any

from playground.models.cache import Status
from playground.models.catalog import ModelCard
from playground.models.loaders import presets
from playground.ui.context import Context


def inventory(context: Context) -> list[dict[str, Any]]:
    """Everything this server offers and holds, as ``/models`` promises it, loaded ones first."""
    held: dict[str, list[Status]] = {}
    for row in context.models.status():
        held.setdefault(row.name, []).append(row)
    offered = context.offered(None)
    known = {card.name for card in offered}
    # By their own cards: a name typed, or a folder or upload that is gone by now, is in no menu. What another
    # visitor typed or brought is nobody else's to see.
    others = [rows[0].card for name, rows in held.items() if name not in known]
    others = [card for card in others if context.catalog.listed(card)]
    rows = [_row(card, held.get(card.name, []), context.fetched(card)) for card in [*offered, *others]]
    return sorted(rows, key=lambda row: row["state"] != "loaded")


PLAN = "skeleton"  # of a plan no weights are needed


def state(context: Context, name: str, room: str) -> str:
    """What a first use of a model would wait for: "loaded", "ready" (it is here), or "download".

    Args:
        room: where it is to be used; Architecture reads its plan alone.

    Raises:
        PlaygroundError: no model is called so, or not for this visitor.
    """
    plan = room == "architecture"
    if plan and presets.find(name):
        return "ready"
    known = context.catalog.names.known(name)  # to ask makes it known
    card = context.catalog.find(name)
    # A tokenizer is loaded long before the model it belongs to.
    weights = {*card.roles} - {"tokenizer", PLAN} or {*card.roles}
    wanted = {PLAN} if plan else weights
    held = [row for row in context.models.status() if row.card == card and row.role in wanted]
    # What another visitor typed or brought is nobody else's to see.
    if any(row.state == "loaded" and (known or context.catalog.public(row.card)) for row in held):
        return "loaded"
    return "ready" if context.fetched(card) else "download"


def _row(card: ModelCard, held: list[Status], here: bool) -> dict[str, Any]:
    loaded = [row for row in held if row.state == "loaded"]
    formats = dict.fromkeys(row.quantization or row.dtype for row in loaded)
    return {
        "name": card.name,
        "roles": sorted(card.roles),
        "source": card.source,
        "state": "loaded" if loaded else "ready" if here else "download",
        "bytes": sum(row.bytes for row in loaded),
        "device": ", ".join(dict.fromkeys(row.device for row in loaded)),
        "dtype": ", ".join(filter(None, formats)),
        "leases": sum(row.leases for row in held),
    }
