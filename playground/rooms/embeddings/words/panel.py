"""The Words view of the Embeddings tab: its controls, and which of them ask for what.

One of its three results reads words to add and to subtract, two read a list: the style sheet shows the boxes
that fit.
"""

from __future__ import annotations

import gradio as gr

from playground import text
from playground.rooms.embeddings.words import api
from playground.rooms.embeddings.words.actions import COUNT, EXAMPLE, LISTS, SOURCE, SUMS, WordsActions
from playground.ui.context import Context
from playground.ui.controls import control, view
from playground.ui.html import escape
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import in_every_language, tr
from playground.ui.way_on import way_on

VIEWS = ("near", "compare", "map")


def build(context: Context) -> None:
    """The view, inside its sub-tab."""
    do = WordsActions(context)
    api.build(do)
    with gr.Column(elem_classes="pg-panel pg-inspects emb-room", elem_id="wrd-panel"):
        gr.HTML(in_every_language("words.hint_html", _hint), elem_classes="pg-lead", padding=False)
        with gr.Column(elem_classes="emb-top", elem_id="wrd-top"):
            _boxes()
        with gr.Column(elem_classes="pg-controls", elem_id="wrd-strip"):
            _controls(do.first())
        gr.Button(tr("words.stop"), size="sm", min_width=60, elem_id="wrd-stop", elem_classes="emb-stop")
        with (
            gr.Column(elem_classes="pg-result"),
            gr.Tabs(elem_id="wrd-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"words.tab_{name}"), id=name, elem_id=f"wrd-view-{name}") as tab:
                    view("words", name, tab)
                    if name == "map":
                        _map()
                    place(f"wrd-{name}", min_height=320)
    with gr.Column(elem_classes="emb-below"):
        place("wrd-about", elem_classes="pg-maybe")
        gr.HTML(tr("words.source_info"), padding=False, elem_classes="pg-note")
    way_on("words.try", "words/near?plus=doctor%2C+woman&minus=man", "songs.tab", "songs/recommend")
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


def _hint(lang: str) -> str:
    """What the room is about; and for the inspector, what can be selected here."""
    hint = escape(text.say("words.inspector_hint", lang))
    return f'<p data-inspector-hint="{hint}">{escape(text.say("words.lead", lang))}</p>'


def _boxes() -> None:
    """What is asked: words to add and to subtract, or a list."""
    added, taken = EXAMPLE
    with gr.Column(elem_classes="wrd-sum", min_width=0):
        with gr.Row():
            control("words.plus", gr.Textbox(
                added, label=tr("words.plus"), info=tr("words.plus_info"), elem_id="wrd-plus", max_lines=2,
                max_length=2_000, min_width=220,
            ))  # fmt: skip
            control("words.minus", gr.Textbox(
                taken, label=tr("words.minus"), elem_id="wrd-minus", max_lines=2, max_length=2_000,
                info=tr("words.minus_info"), min_width=220,
            ))  # fmt: skip
        with gr.Row(elem_classes="pg-samples"):
            for number, some in enumerate(SUMS):
                added, taken = (part.replace(", ", " + ") for part in some)
                label, elem_id = f"{added} − {taken}" if taken else added, f"wrd-sum-{number}"
                gr.Button(label, size="sm", min_width=40, elem_id=elem_id)
    with gr.Column(elem_classes="wrd-list", min_width=0):
        control("words.list", gr.Textbox(
            LISTS[0], label=tr("words.list"), info=tr("words.list_info"), lines=1, max_lines=6,
            elem_id="wrd-list", max_length=4_000,
        ))  # fmt: skip
        with gr.Row(elem_classes="pg-samples"):
            for number, listed in enumerate(LISTS):
                gr.Button(listed, size="sm", min_width=40, elem_id=f"wrd-list-{number}")


def _controls(first: str) -> None:
    """The strip: whose vectors, and how many words are named."""
    with gr.Row(elem_classes="pg-late emb-line"):
        names = dict.fromkeys((SOURCE, first))  # in the order of the whole menu
        control("words.source", gr.Dropdown(
            [(name, name) for name in names], value=first, label=tr("words.source"),
            elem_id="wrd-source",
        ))  # fmt: skip
        control("words.count", gr.Slider(
            1, 50, COUNT, step=1, label=tr("words.count"), elem_id="wrd-count"
        ))  # fmt: skip


def _map() -> None:
    with gr.Row(elem_classes="emb-line"):
        control("words.neighbours", gr.Slider(
            0, 25, 8, step=1, label=tr("words.neighbours"), info=tr("words.neighbours_info"),
        ))  # fmt: skip
        control("words.method", gr.Radio(
            [("PCA", "pca"), ("UMAP", "umap")], value="pca", label=tr("words.map_method")
        ))  # fmt: skip
