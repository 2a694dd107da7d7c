"""The Token vectors view of the Embeddings tab: its controls, and which of them ask for what.

Two of its four results read one sentence, two read several: the style sheet shows the box that fits.
"""

from __future__ import annotations

import gradio as gr

from playground import text
from playground.rooms.embeddings.token_vectors import api, example
from playground.rooms.embeddings.token_vectors.actions import LAYERS, MODEL, VectorsActions
from playground.rooms.embeddings.token_vectors.hidden_states import STATIC
from playground.ui.context import Context
from playground.ui.controls import control, view
from playground.ui.html import escape
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import in_every_language, tr
from playground.ui.way_on import way_on

VIEWS = ("walk", "senses", "map", "pool")
DEEPEST = 1000  # layers of any model


def build(context: Context) -> None:
    """The view, inside its sub-tab."""
    do = VectorsActions(context)
    api.build(do)
    with gr.Column(elem_classes="pg-panel pg-inspects emb-room", elem_id="vec-panel"):
        gr.HTML(in_every_language("vectors.hint_html", _hint), elem_classes="pg-lead", padding=False)
        with gr.Column(elem_classes="emb-top", elem_id="vec-top"):
            _boxes()
        with gr.Column(elem_classes="pg-controls", elem_id="vec-strip"):
            _controls()
        gr.Button(tr("shell.stop"), size="sm", min_width=60, elem_id="vec-stop", elem_classes="emb-stop")
        with (
            gr.Column(elem_classes="pg-result"),
            gr.Tabs(elem_id="vec-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"vectors.tab_{name}"), id=name, elem_id=f"vec-view-{name}") as tab:
                    view("token_vectors", name, tab)
                    if name == "map":
                        _map()
                    place(f"vec-{name}", min_height=320)
    way_on("vectors.try", "token_vectors/senses", "embeddings.tab_words", "words/near")
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.token_vectors"))
    _wire(do)


def _wire(do: VectorsActions) -> None:
    """What is asked, by which control or button, and where it answers."""

    def seen(name: str, *more: str) -> Action:
        """A result, made while its view is seen."""
        # The model last: by whichever changed first an answer is asked, and only a model moves the layer.
        needs = [f"token_vectors.{each}" for each in (*more, "layer", "model")]
        place, seen_in = f"vec-{name}", [f"token_vectors/{name}"]
        return Action(name, getattr(do, name), needs, needs, [place], seen_in, stops=["vec-stop"])

    every = [f"token_vectors/{name}" for name in VIEWS]
    offered = [f"#vec-sample-{word}" for word in example.SENSES]
    actions(
        "token_vectors",
        Action("opening", do.opening, views=every, opens=True),
        Action("sample", do.sample, on=offered),
        seen("walk", "sentence"), seen("senses", "lines", "word"),
        seen("map", "lines", "word", "by", "method"), seen("pool", "sentence"),
    )  # fmt: skip


def _hint(lang: str) -> str:
    """What the room is about; and for the inspector, what can be selected here."""
    hint = escape(text.say("vectors.inspector_hint", lang))
    return f'<p data-inspector-hint="{hint}">{escape(text.say("vectors.lead", lang))}</p>'


def _boxes() -> None:
    """What is read: one sentence, or several with a word in them."""
    sentence, lines, word = example.BOXES
    with gr.Column(elem_classes="vec-one", min_width=0):
        control("token_vectors.sentence", gr.Textbox(
            sentence, label=tr("vectors.sentence"), lines=1, max_lines=6, elem_id="vec-sentence",
            max_length=20_000,
        ), shared="text")  # fmt: skip
    with gr.Column(elem_classes="vec-many", min_width=0):
        with gr.Row():
            control("token_vectors.lines", gr.Textbox(
                lines, label=tr("vectors.lines"), info=tr("vectors.lines_info"), lines=5, max_lines=14,
                elem_id="vec-lines", max_length=60_000, scale=3, min_width=260,
            ))  # fmt: skip
            box = gr.Textbox(word, label=tr("vectors.word"), elem_id="vec-word", max_lines=1, min_width=160)
            control("token_vectors.word", box)
        gr.HTML(tr("vectors.samples"), padding=False, elem_classes="pg-note")
        with gr.Row(elem_classes="pg-samples"):
            for name in example.SENSES:
                gr.Button(name, size="sm", min_width=40, elem_id=f"vec-sample-{name}")


def _controls() -> None:
    """The strip: which layer, of which model."""
    with gr.Row(elem_classes="pg-late emb-line"):
        control("token_vectors.layer", gr.Slider(
            STATIC, LAYERS, LAYERS, step=1, label=tr("vectors.layer"), info=tr("vectors.layer_info"),
            elem_id="vec-layer",
        ), most=DEEPEST)  # fmt: skip
        control("token_vectors.model", gr.Dropdown(
            [(MODEL, MODEL)], value=MODEL, allow_custom_value=True, label=tr("vectors.model"),
            elem_id="vec-model",
        ))  # fmt: skip


def _map() -> None:
    with gr.Row(elem_classes="emb-line"):
        control("token_vectors.by", gr.Radio(
            [(tr("vectors.by_sentence"), "sentence"), (tr("vectors.by_word"), "word")], value="sentence",
            label=tr("vectors.map_by"), min_width=180, elem_id="vec-by",
        ))  # fmt: skip
        control("token_vectors.method", gr.Radio(
            [("PCA", "pca"), ("UMAP", "umap")], value="pca", label=tr("vectors.map_method"),
            elem_id="vec-method",
        ))  # fmt: skip
