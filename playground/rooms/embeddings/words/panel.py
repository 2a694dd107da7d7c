"""The Words view of the Embeddings tab: its controls, and which of them ask for what.

One of its three results reads words to add and to subtract, two read a list: the style sheet shows the boxes
that fit.
"""

from __future__ import annotations

import gradio as gr

from playground.rooms.embeddings.words import api
from playground.rooms.embeddings.words.actions import COUNT, EXAMPLE, LISTS, SOURCE, SUMS, WordsActions
from playground.ui.context import Context
from playground.ui.controls import control, view
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import tr

VIEWS = ("near", "compare", "map")


def build(context: Context) -> None:
    """The view, inside its sub-tab."""
    do = WordsActions(context)
    api.build(do)
    gr.HTML(tr("words.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            _controls()
        with (
            gr.Column(scale=9, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="wrd-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"words.tab_{name}"), id=name, elem_id=f"wrd-view-{name}") as tab:
                    view("words", name, tab)
                    if name == "map":
                        _map()
                    place(f"wrd-{name}", min_height=320)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.words"))
    _wire(do)


def _wire(do: WordsActions) -> None:
    """What is asked, by which control or button, and where it answers."""

    def seen(name: str, *more: str) -> Action:
        """A result, made while its view is seen."""
        needs = [f"words.{each}" for each in ("source", *more)]
        return Action(name, getattr(do, name), needs, needs, [f"wrd-{name}"], [f"words/{name}"])

    every, source = [f"words/{name}" for name in VIEWS], "words.source"
    actions(
        "words",
        Action("opening", do.opening, views=every, opens=True),
        Action("sum", do.offered_sum, on=[f"#wrd-sum-{number}" for number in range(len(SUMS))]),
        Action("list", do.offered_list, on=[f"#wrd-list-{number}" for number in range(len(LISTS))]),
        seen("near", "plus", "minus", "count"), seen("compare", "list"),
        seen("map", "list", "neighbours", "method"),
        Action("about", do.about, [source], [source], ["wrd-about"], every, opens=False),
        stop="wrd-stop",
    )  # fmt: skip
    actions("words", Action("back", do.back, on=["#wrd-stop"]))


def _controls() -> None:
    added, taken = EXAMPLE
    with gr.Column(elem_classes="wrd-sum", min_width=0):
        control("words.plus", gr.Textbox(
            added, label=tr("words.plus"), info=tr("words.plus_info"), elem_id="wrd-plus", max_lines=2,
            max_length=2_000,
        ))  # fmt: skip
        control("words.minus", gr.Textbox(
            taken, label=tr("words.minus"), elem_id="wrd-minus", max_lines=2, max_length=2_000
        ))  # fmt: skip
        with gr.Row(elem_classes="pg-samples"):
            for number, some in enumerate(SUMS):
                added, taken = (part.replace(", ", " + ") for part in some)
                label, elem_id = f"{added} − {taken}" if taken else added, f"wrd-sum-{number}"
                gr.Button(label, size="sm", min_width=40, elem_id=elem_id)
    with gr.Column(elem_classes="wrd-list", min_width=0):
        control("words.list", gr.Textbox(
            LISTS[0], label=tr("words.list"), info=tr("words.list_info"), lines=2, max_lines=6,
            elem_id="wrd-list", max_length=4_000,
        ))  # fmt: skip
        with gr.Row(elem_classes="pg-samples"):
            for number, listed in enumerate(LISTS):
                gr.Button(listed, size="sm", min_width=40, elem_id=f"wrd-list-{number}")
    with gr.Column(elem_classes="pg-late", min_width=0):
        control("words.count", gr.Slider(
            1, 50, COUNT, step=1, label=tr("words.count"), elem_id="wrd-count"
        ))  # fmt: skip
        control("words.source", gr.Dropdown(
            [(SOURCE, SOURCE)], value=SOURCE, label=tr("words.source"), info=tr("words.source_info"),
            elem_id="wrd-source",
        ))  # fmt: skip
        gr.Button(tr("words.stop"), size="sm", min_width=60, elem_id="wrd-stop")
        place("wrd-about")


def _map() -> None:
    with gr.Row(elem_classes="pg-end"):
        control("words.neighbours", gr.Slider(
            0, 25, 8, step=1, label=tr("words.neighbours"), info=tr("words.neighbours_info"), min_width=180
        ))  # fmt: skip
        control("words.method", gr.Radio(
            [("PCA", "pca"), ("UMAP", "umap")], value="pca", label=tr("words.map_method")
        ))  # fmt: skip
