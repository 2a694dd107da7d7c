"""The Models drawer at the foot of the page, and ``/models``: what is loaded, and what can be."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import NotAllowed
from playground.models.cache import Status
from playground.models.catalog import ModelCard
from playground.rooms.models import trial_panel
from playground.rooms.models import view as models_view
from playground.ui.context import Context
from playground.ui.visitor import TOKENIZING, guard, language, tr

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", **TOKENIZING}


def inventory(context: Context) -> list[dict[str, Any]]:
    """Everything this server offers and holds, as ``/models`` promises it, loaded ones first."""
    held: dict[str, list[Status]] = {}
    for row in context.models.status():
        held.setdefault(row.name, []).append(row)
    offered = context.catalog.offered(None)
    known = {card.name for card in offered}
    # By their own cards: a name typed, or a folder or upload that is gone by now, is in no menu. What another
    # visitor typed or brought is nobody else's to see.
    others = [rows[0].card for name, rows in held.items() if name not in known]
    others = [card for card in others if context.catalog.listed(card)]
    rows = [_row(card, held.get(card.name, []), context.fetched(card)) for card in [*offered, *others]]
    return sorted(rows, key=lambda row: row["state"] != "loaded")


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


def build(context: Context) -> None:
    """The drawer, where the page ends; its endpoint."""

    def models() -> list[dict[str, Any]]:
        """List what this server can load and what it holds.

        Returns:
            One object a model: name, roles, source, state ("loaded", "ready" or "download"), bytes it takes
            in memory, device, dtype, leases (how many are using it now).
        """
        return inventory(context)

    def look() -> tuple[Any, ...]:
        lang, whole, cache = language(), context.models.status(), context.models
        status = [row for row in whole if context.catalog.listed(row.card)]
        kinds = dict.fromkeys(["cpu", *(row.device for row in whole if row.device == "cuda")])
        memories = [(kind, cache.used_bytes(kind), cache.budget(kind)) for kind in kinds]
        unseen = [row.bytes for row in whole if not context.catalog.listed(row.card)]
        held = models_view.held(status, memories, lang, unseen)
        free = dict.fromkeys(row.name for row in status if row.state == "loaded" and not row.leases)
        broken = {card.name: card.broken for card in context.catalog.folders() if card.broken}
        offered = models_view.offered(inventory(context), broken, lang)
        return held, gr.Dropdown(list(free), value=None), offered, trial_panel.menu(context)

    def unload(name: str | None) -> tuple[Any, ...]:
        if not context.settings.visitors_own:
            raise NotAllowed("unload_not_allowed")
        if name:
            context.models.unload(name)
        return look()

    gr.api(guard(models), api_name="models", **TOKENIZING)
    with gr.Accordion(tr("models.title"), open=False, elem_id="pg-models") as drawer:
        held = gr.HTML(padding=False, elem_id="pg-models-held")
        with gr.Row(elem_classes="pg-end"):
            refresh = gr.Button(tr("models.refresh"), size="sm", min_width=120, scale=0)
            # Strangers must not take from each other what is loaded.
            owner = context.settings.visitors_own
            which = gr.Dropdown([], label=tr("models.unload_which"), min_width=160, visible=owner)
            drop = gr.Button(tr("models.unload"), size="sm", min_width=120, scale=0, visible=owner)
        name, finished = trial_panel.build(context)
        with gr.Accordion(tr("models.offered"), open=False):
            offered = gr.HTML(padding=False)
    shown = [held, which, offered, name]
    gr.on([drawer.expand, refresh.click], guard(look), None, shown, **QUIET)
    finished.then(guard(look), None, shown, **QUIET)
    drop.click(guard(unload), which, shown, **QUIET)
