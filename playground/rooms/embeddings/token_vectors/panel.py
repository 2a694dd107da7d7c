"""The Token vectors view of the Embeddings tab: widgets and wiring.

Two of its four results read one sentence, two read several: the style sheet shows the box that fits.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.rooms.embeddings.token_vectors import api, example
from playground.rooms.embeddings.token_vectors.actions import MODEL, VectorsActions
from playground.rooms.embeddings.token_vectors.api import VECTORS
from playground.rooms.embeddings.token_vectors.hidden_states import STATIC
from playground.ui.context import Context
from playground.ui.visitor import from_page, guard, in_place, tr

QUIET: dict[str, Any] = {
    "show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private", **VECTORS,
}  # fmt: skip
NOW = "() => String(performance.now())"
LAYERS = 6  # of the embedded model


@dataclass(frozen=True)
class Controls:
    """The widgets that results read."""

    model: gr.Dropdown
    layer: gr.Slider
    sentence: gr.Textbox
    lines: gr.Textbox
    word: gr.Textbox
    where: gr.Textbox  # which sub-tab is open: the others compute nothing
    filled: gr.Textbox  # changes after several boxes were filled at once, so that no result reads half of it


def build(context: Context, app: gr.Blocks) -> None:
    """The view, inside its sub-tab."""
    do = VectorsActions(context)
    api.build(do)
    gr.HTML(tr("vectors.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            at = _controls(do)
        with (
            gr.Column(scale=9, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="vec-tabs", overflow_behavior="wrap"),
        ):
            with gr.Tab(tr("vectors.tab_walk"), id="walk") as tab:
                view = _follow(do, tab, at, do.walk, "walk", at.sentence)
            with gr.Tab(tr("vectors.tab_senses"), id="senses") as tab:
                _follow(do, tab, at, do.senses, "senses", at.lines, at.word)
            with gr.Tab(tr("vectors.tab_map"), id="map") as tab:
                _map(do, tab, at)
            with gr.Tab(tr("vectors.tab_pool"), id="pool") as tab:
                _follow(do, tab, at, do.pool, "pool", at.sentence)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.token_vectors"))
    state = [at.model, at.layer, at.sentence, at.lines, at.word]
    remember = "(...s) => { playground.remember('vectors', s); }"
    gr.on([each.change for each in state], None, state, None, js=remember)

    def begin(carried: str) -> tuple[Any, ...]:
        """The shipped example; or, after a change of language, what was there before."""
        brought = from_page(carried) if carried else []
        first: list[Any] = brought if len(brought) == len(state) else [MODEL, LAYERS, *example.BOXES]
        model, layer, *boxes = first
        shipped = example.shipped([example.BOXES[0]])
        assert shipped is not None
        shown = do.walk(shipped, LAYERS) if boxes[0] == example.BOXES[0] and model == MODEL else ""
        depth = gr.Slider(maximum=max(LAYERS, int(layer)), value=layer)
        return gr.Dropdown(do.choices(), value=model), depth, *boxes, shown

    loaded = app.load(
        guard(begin), gr.Textbox(visible=False), [*state, view],
        js="() => [playground.carried('vectors')]", **{**QUIET, "trigger_mode": "once"},
    )  # fmt: skip
    loaded.then(None, None, at.filled, js=NOW)


def _controls(do: VectorsActions) -> Controls:
    filled = gr.Textbox(elem_classes="pg-unseen", show_label=False, container=False)
    with gr.Column(elem_classes="vec-one", min_width=0):
        sentence = gr.Textbox(
            label=tr("vectors.sentence"), lines=2, max_lines=6, elem_id="vec-sentence", max_length=20_000
        )
    with gr.Column(elem_classes="vec-many", min_width=0):
        lines = gr.Textbox(
            label=tr("vectors.lines"), info=tr("vectors.lines_info"), lines=5, max_lines=14,
            elem_id="vec-lines", max_length=60_000,
        )  # fmt: skip
        word = gr.Textbox(label=tr("vectors.word"), elem_id="vec-word", max_lines=1)
        gr.HTML(tr("vectors.samples"), padding=False, elem_classes="pg-note")
        with gr.Row(elem_classes="pg-samples"):
            for name, box in example.SENSES.items():
                sample = gr.Button(name, size="sm", min_width=40)
                chosen = sample.click(partial(_sample, box, name), None, [lines, word], **QUIET)
                chosen.then(None, None, filled, js=NOW)
    layer = gr.Slider(
        STATIC, LAYERS, LAYERS, step=1, label=tr("vectors.layer"), info=tr("vectors.layer_info"),
        elem_id="vec-layer",
    )  # fmt: skip
    with gr.Column(elem_classes="pg-late", min_width=0):
        model = gr.Dropdown(
            [(MODEL, MODEL)], value=MODEL, allow_custom_value=True, label=tr("vectors.model"),
            info=tr("vectors.model_info"), elem_id="vec-model",
        )  # fmt: skip
    where = gr.Textbox("walk", elem_classes="pg-unseen", show_label=False, container=False)

    def deepen(name: str) -> Any:
        """The slider's end is the model's last layer."""
        with suppress(PlaygroundError):  # told where the result stands
            depth = next(do.depth(name))
            return gr.Slider(maximum=depth, value=depth)
        return gr.skip()

    model.change(guard(deepen), model, layer, **QUIET)
    return Controls(model, layer, sentence, lines, word, where, filled)


def _sample(box: str, word: str) -> tuple[str, str]:
    return box, word


def _follow(
    do: VectorsActions, tab: gr.Tab, at: Controls, fn: Any, name: str, box: gr.Textbox, *more: Any
) -> gr.HTML:
    """A result that is computed when its tab is opened, and again when what it reads changes."""
    view = gr.HTML(padding=False, elem_id=f"vec-{name}", min_height=320)
    tab.select(None, None, at.where, js=f"() => '{name}'")
    inputs = [at.where, at.model, at.layer, box, *more]
    triggers = [at.filled.change, *(each.change for each in inputs)]
    gr.on(triggers, in_place(partial(do.following, fn, name)), inputs, view, **QUIET)
    return view


def _map(do: VectorsActions, tab: gr.Tab, at: Controls) -> None:
    with gr.Row(elem_classes="pg-end"):
        by = gr.Radio(
            [(tr("vectors.by_sentence"), "sentence"), (tr("vectors.by_word"), "word")], value="sentence",
            label=tr("vectors.map_by"), min_width=180,
        )  # fmt: skip
        method = gr.Radio([("PCA", "pca"), ("UMAP", "umap")], value="pca", label=tr("vectors.map_method"))
    _follow(do, tab, at, do.map, "map", at.lines, at.word, by, method)
