"""Load any model from the Models drawer, watch it come, stop it, and use it once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import gradio as gr

from playground import text
from playground.engine.generation.generate import Waiting
from playground.models import devices
from playground.models.cache import Loaded, Status
from playground.models.catalog import ModelCard, Role
from playground.rooms.models import view as models_view
from playground.rooms.models.trial import trying
from playground.ui import loading as loading_view
from playground.ui.context import Context
from playground.ui.precision_menu import precisions
from playground.ui.visitor import guard, in_place, language, stages, tr, waiting

# Best first: a model is tried as the most that it can be.
ROLES: tuple[Role, ...] = ("causal", "encoder", "words", "songs", "tokenizer", "skeleton")
# A queue of its own: who waits for gigabytes keeps nobody from tokens.
LOADING: dict[str, Any] = {"concurrency_id": "loading", "concurrency_limit": 8}


def menu(context: Context) -> Any:
    """Every name that can be loaded: a folder put there a moment ago is among them."""
    return gr.Dropdown([card.name for card in context.catalog.offered(None)])


def best(card: ModelCard) -> Role:
    """What a model is tried as unless the visitor says otherwise."""
    return next(role for role in ROLES if role in card.roles)


def build(context: Context) -> tuple[Any, Any]:
    """The row of choices and what comes of them; the menu of names, and the event of an end."""

    def load(name: str, role: Role | None, quantization: str) -> Iterator[str]:
        lang = language()
        card = context.catalog.find(name)
        role = role or best(card)
        began = time.monotonic()
        with closing(context.leasing(card, role, quantization)) as steps:
            for step in stages(steps, lang):
                if not isinstance(step, Loaded):
                    yield step
                    continue
                loading = time.monotonic() - began
                sentences = text.say("models.trial_sentences", lang).split("\n")
                prompt, word = text.say("models.trial_prompt", lang), text.say("models.trial_word", lang)
                with closing(trying(step, role, prompt, sentences, word)) as states:
                    for found in states:
                        if isinstance(found, Waiting):
                            yield waiting(found, lang)
                            continue
                        row = _status(context, step, role, quantization)
                        yield models_view.tried(found, row, loading, lang)
                return

    with gr.Row(elem_classes="pg-actions"):
        name = gr.Dropdown(
            [card.name for card in context.catalog.offered(None)], value="all-MiniLM-L6-v2",
            allow_custom_value=True, label=tr("models.which"), info=tr("models.which_info"), scale=3,
            min_width=200, elem_id="pg-models-name",
        )  # fmt: skip
        role = gr.Dropdown(
            [(tr("models.auto"), ""), *((tr(f"models.role_{each}"), each) for each in ROLES)],
            value="", label=tr("models.as_what"), scale=2, min_width=140, elem_id="pg-models-role",
        )  # fmt: skip
        precision = precisions(context, name, scale=2, min_width=180, elem_id="pg-models-precision")
    with gr.Row(elem_classes="pg-actions"):
        start = gr.Button(tr("models.load"), variant="primary", min_width=120, elem_id="pg-models-load")
        stop = gr.Button(tr("models.stop"), min_width=60, elem_id="pg-models-stop")
    result = gr.HTML(padding=False, elem_id="pg-models-result", min_height=24)
    running = start.click(
        in_place(load),
        [name, role, precision],
        result,
        show_progress="hidden",
        api_visibility="private",
        **LOADING,
    )
    # The word of it only after the cancelling: before, one more stage might still be drawn over it.
    stop.click(None, None, None, cancels=[running], api_visibility="private").then(
        guard(lambda: loading_view.stopped(language())), None, result,
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    return name, running


def _status(context: Context, loaded: Loaded, role: Role, precision: str) -> Status:
    """The row of the cache that holds it: bytes shown are bytes counted."""
    quantization = precision if precision in devices.QUANTIZATIONS else ""
    wanted = (loaded.card, role, quantization, loaded.bytes)
    return next(
        row
        for row in context.models.status()
        if (row.card, row.role, row.quantization, row.bytes) == wanted and row.leases
    )
