"""The Words view of the Embeddings tab: widgets and wiring.

One of its three results reads words to add and to subtract, two read a list: the style sheet shows the boxes
that fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground import text
from playground.rooms.embeddings.words import api
from playground.rooms.embeddings.words.actions import COUNT, EXAMPLE, SOURCE, WordsActions, opening
from playground.rooms.embeddings.words.api import WORDS
from playground.ui.context import Context
from playground.ui.visitor import from_page, guard, in_place, language, tr

QUIET: dict[str, Any] = {
    "show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private", **WORDS,
}  # fmt: skip
SUMS = (
    ("king", ""), EXAMPLE, ("paris, japan", "france"), ("seven", ""),
    ("walking, swim", "walk"), ("bigger, small", "big"),
)  # fmt: skip
LISTS = text.say("words.sample_lists", text.DEFAULT).split("\n")  # the embedded source knows English
NOW = "() => String(performance.now())"


@dataclass(frozen=True)
class Controls:
    """The widgets that results read."""

    source: gr.Dropdown
    plus: gr.Textbox
    minus: gr.Textbox
    listed: gr.Textbox
    count: gr.Slider
    where: gr.Textbox  # which sub-tab is open: the others compute nothing
    filled: gr.Textbox  # changes after several boxes were filled at once, so that no result reads half of it
    stop: gr.Button


def build(context: Context, app: gr.Blocks) -> None:
    """The view, inside its sub-tab."""
    do = WordsActions(context)
    api.build(do)
    gr.HTML(tr("words.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            at, about = _controls()
        with (
            gr.Column(scale=9, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="wrd-tabs", overflow_behavior="wrap"),
        ):
            with gr.Tab(tr("words.tab_near"), id="near") as tab:
                view = _follow(do, tab, at, do.near, "near", at.plus, at.minus, at.count)
            with gr.Tab(tr("words.tab_compare"), id="compare") as tab:
                _follow(do, tab, at, do.compare, "compare", at.listed)
            with gr.Tab(tr("words.tab_map"), id="map") as tab:
                _map(do, tab, at)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.words"))
    telling = at.source.change(in_place(do.about), at.source, about, **QUIET)
    at.stop.click(lambda: SOURCE, None, at.source, cancels=[telling], **QUIET)
    state = [at.source, at.plus, at.minus, at.listed]
    remember = "(...s) => { playground.remember('words', s); }"
    gr.on([each.change for each in state], None, state, None, js=remember)

    def begin(carried: str) -> tuple[Any, ...]:
        """The shipped example; or, after a change of language, what was there before."""
        lang = language()
        brought = from_page(carried) if carried else []
        first = brought if len(brought) == len(state) else [SOURCE, *EXAMPLE, LISTS[0]]
        source, *boxes = first
        shown = opening(lang) if [source, *boxes[:2]] == [SOURCE, *EXAMPLE] else ""
        return gr.Dropdown(do.choices(), value=source), *boxes, shown

    loaded = app.load(
        guard(begin), gr.Textbox(visible=False), [*state, view],
        js="() => [playground.carried('words')]", **{**QUIET, "trigger_mode": "once"},
    )  # fmt: skip
    loaded.then(None, None, at.filled, js=NOW)


def _controls() -> tuple[Controls, gr.HTML]:
    filled = gr.Textbox(elem_classes="pg-unseen", show_label=False, container=False)
    with gr.Column(elem_classes="wrd-sum", min_width=0):
        plus = gr.Textbox(
            label=tr("words.plus"), info=tr("words.plus_info"), elem_id="wrd-plus", max_lines=2,
            max_length=2_000,
        )  # fmt: skip
        minus = gr.Textbox(label=tr("words.minus"), elem_id="wrd-minus", max_lines=2, max_length=2_000)
        with gr.Row(elem_classes="pg-samples"):
            for some in SUMS:
                added, taken = (part.replace(", ", " + ") for part in some)
                sample = gr.Button(f"{added} − {taken}" if taken else added, size="sm", min_width=40)
                chosen = sample.click(partial(tuple, some), None, [plus, minus], **QUIET)
                chosen.then(None, None, filled, js=NOW)
    with gr.Column(elem_classes="wrd-list", min_width=0):
        listed = gr.Textbox(
            label=tr("words.list"), info=tr("words.list_info"), lines=2, max_lines=6, elem_id="wrd-list",
            max_length=4_000,
        )  # fmt: skip
        with gr.Row(elem_classes="pg-samples"):
            for some_list in LISTS:
                sample = gr.Button(some_list, size="sm", min_width=40)
                chosen = sample.click(partial(str, some_list), None, listed, **QUIET)
                chosen.then(None, None, filled, js=NOW)
    with gr.Column(elem_classes="pg-late", min_width=0):
        count = gr.Slider(1, 50, COUNT, step=1, label=tr("words.count"), elem_id="wrd-count")
        source = gr.Dropdown(
            [(SOURCE, SOURCE)], value=SOURCE, label=tr("words.source"), info=tr("words.source_info"),
            elem_id="wrd-source",
        )  # fmt: skip
        stop = gr.Button(tr("words.stop"), size="sm", min_width=60, elem_id="wrd-stop")
        about = gr.HTML(padding=False, elem_id="wrd-about")
    where = gr.Textbox("near", elem_classes="pg-unseen", show_label=False, container=False)
    return Controls(source, plus, minus, listed, count, where, filled, stop), about


def _follow(do: WordsActions, tab: gr.Tab, at: Controls, fn: Any, name: str, *given: Any) -> gr.HTML:
    """A result that is computed when its tab is opened, and again when what it reads changes."""
    view = gr.HTML(padding=False, elem_id=f"wrd-{name}", min_height=320)
    tab.select(None, None, at.where, js=f"() => '{name}'")
    inputs = [at.where, at.source, *given]
    triggers = [at.filled.change, *(each.change for each in inputs)]
    running = gr.on(triggers, in_place(partial(do.following, fn, name)), inputs, view, **QUIET)
    at.stop.click(None, None, None, cancels=[running], api_visibility="private")
    return view


def _map(do: WordsActions, tab: gr.Tab, at: Controls) -> None:
    with gr.Row(elem_classes="pg-end"):
        neighbours = gr.Slider(
            0, 25, 8, step=1, label=tr("words.neighbours"), info=tr("words.neighbours_info"), min_width=180
        )
        method = gr.Radio([("PCA", "pca"), ("UMAP", "umap")], value="pca", label=tr("words.map_method"))
    _follow(do, tab, at, do.map, "map", at.listed, neighbours, method)
