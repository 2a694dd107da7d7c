"""The Sentences view of the Embeddings tab: its controls, and which of them ask for what.

What is asked is answered in `opening`, the endpoints are in `api`.
"""

from __future__ import annotations

import gradio as gr

from playground import text
from playground.engine.vectors.projection import MIN_DIST
from playground.rooms.embeddings.sentences import api
from playground.rooms.embeddings.sentences import view as shown
from playground.rooms.embeddings.sentences.actions import FILES, PAIRS, QUERIES, Answers
from playground.rooms.embeddings.sentences.samples import CLUSTERINGS, SAMPLES
from playground.rooms.embeddings.sentences.service import SentencesService
from playground.rooms.embeddings.sentences.work import MODEL
from playground.ui.context import Context
from playground.ui.controls import control, movable, stored, view
from playground.ui.html import escape
from playground.ui.runs import Action, actions, place, upload
from playground.ui.visitor import in_every_language, tr
from playground.ui.way_on import way_on


def _ids(*names: str) -> tuple[str, ...]:
    return tuple(f"sentences.{name}" for name in names)


SOURCE = _ids("source", "own", "file", "column", "label")
ROWS = (*SOURCE, "sentences.model")
HOW = _ids("method", "dimensions", "neighbours", "min_dist", "metric", "seed", "by", "clusters")
MAP = (*ROWS, *HOW)
ADDED = "sentences.added"
FILE_IDS = _ids(*(f"save_{kind}" for kind in FILES))
VIEWS = ("map", "lies", "search", "matrix", "two", "rows", "save")


def build(context: Context) -> None:
    """The view, inside its sub-tab."""
    do = SentencesService(context)
    answers = Answers(do)
    api.build(do)
    with gr.Column(elem_classes="pg-panel pg-inspects emb-room", elem_id="sen-panel"):
        gr.HTML(in_every_language("sentences.hint_html", _hint), elem_classes="pg-lead", padding=False)
        with gr.Column(elem_classes="emb-top", elem_id="sen-top"):
            _box()
        with gr.Column(elem_classes="pg-controls", elem_id="sen-strip"):
            _controls(do, answers)
        gr.Button(tr("shell.stop"), size="sm", min_width=60, elem_id="sen-stop", elem_classes="emb-stop")
        with (
            gr.Column(elem_classes="pg-result"),
            gr.Tabs(elem_id="sen-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"sentences.tab_{name}"), id=name) as tab:
                    view("sentences", name, tab)
                    _inside(name, do)
    way_on("sentences.try", "sentences/matrix", "embeddings.tab_vectors", "token_vectors/walk")
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.sentences"))
    _wire(answers)


def _wire(answers: Answers) -> None:
    """What is asked, by which control or button, and where it answers."""

    def seen(name: str) -> list[str]:
        return [f"sentences/{name}"]

    query, lines, column = "sentences.query", "sentences.lines", "sentences.column"
    offered = [f"#sen-query-{number}" for number in QUERIES], [f"#sen-pair-{each}" for each in PAIRS]
    whole, compared = [*MAP, ADDED], [lines, "sentences.model"]
    every = [f"sentences/{name}" for name in VIEWS]
    actions(
        "sentences",
        Action("opening", answers.opening, SOURCE, views=every, opens=True),
        Action("map", answers.map, whole, whole, ["sen-map"], seen("map")),
        Action("lies", answers.lies, [], [], ["sen-lies"], seen("lies"), opens=True),
        Action(
            "search", answers.search, [query, *ROWS], [query, *ROWS], ["sen-hits", "sen-found"],
            [*seen("map"), *seen("search")],
        ),
        Action("put", answers.put, [query, ADDED], ["#sen-put"]),
        Action("query", answers.query, on=offered[0]),
        Action("matrix", answers.matrix, compared, compared, ["sen-matrix"], seen("matrix")),
        Action("pairs", answers.pairs, on=offered[1]),
        Action(
            "two", answers.two, ["sentences.other", *MAP], ["#sen-two-go"], ["sen-two"], seen("two"),
            opens=True,
        ),
        Action("rows", answers.rows, ROWS, ROWS, ["sen-rows"], seen("rows")),
        Action("files", answers.files, whole, whole, ["sen-files"], seen("save"), offers=FILE_IDS),
        Action("retell", answers.retell, ["sentences.file", column], [column], ["sen-told"], opens=False),
        stop="sen-stop",
    )  # fmt: skip


def _hint(lang: str) -> str:
    """What the room is about; and for the inspector, what can be selected here."""
    hint = escape(text.say("sentences.inspector_hint", lang))
    return f'<p data-inspector-hint="{hint}">{escape(text.say("sentences.lead", lang))}</p>'


def _box() -> None:
    """The one box over the map: it searches, and what is typed can be put onto the map."""
    with gr.Row(elem_classes="pg-end", elem_id="sen-ask"):
        control("sentences.query", gr.Textbox(
            label=tr("sentences.query"), placeholder=tr("sentences.query_hint"), elem_id="sen-query",
            lines=1, max_lines=3, scale=4, min_width=200,
        ))  # fmt: skip
        gr.Button(tr("sentences.put"), min_width=150, scale=0, elem_id="sen-put")
    with gr.Row(elem_classes="pg-samples"):
        for number in QUERIES:
            label, elem_id = tr(f"sentences.query_{number}"), f"sen-query-{number}"
            gr.Button(label, size="sm", min_width=40, elem_id=elem_id)
    place("sen-hits")


def _controls(do: SentencesService, answers: Answers) -> None:
    """The strip: data and model, method and colours on two lines; what is needed seldom folds below."""
    with gr.Row(elem_classes="pg-late emb-line"):
        control("sentences.source", gr.Dropdown(
            [(tr(f"sentences.source_{each}"), each) for each in (*SAMPLES, "own", "file")], value="themes",
            label=tr("sentences.source"), elem_id="sen-source",
        ), private=("file",))  # fmt: skip
        control("sentences.model", gr.Dropdown(
            [(MODEL, MODEL)], value=MODEL, allow_custom_value=True, label=tr("sentences.model"),
            elem_id="sen-model",
        ))  # fmt: skip
        with gr.Accordion(tr("sentences.yours"), open=False, elem_id="sen-yours"):
            _own(do, answers)
        with gr.Accordion(tr("sentences.settings"), open=False, elem_id="sen-settings"):
            _settings()
    with gr.Row(elem_classes="emb-line"):
        control("sentences.method", gr.Radio(
            [(name, key) for key, name in shown.METHODS.items()],
            value="umap", label=tr("sentences.method"), elem_id="sen-method"
        ))  # fmt: skip
        control("sentences.dimensions", gr.Radio(
            [("2-D", 2), ("3-D", 3)], value=2, label=tr("sentences.dimensions"), elem_id="sen-dimensions",
        ))  # fmt: skip
        control("sentences.by", gr.Radio(
            [(tr(f"sentences.by_{each}"), each) for each in ("given", *CLUSTERINGS)], value="given",
            label=tr("sentences.by"), elem_id="sen-by"
        ))  # fmt: skip


def _own(do: SentencesService, answers: Answers) -> None:
    """The visitor's own sentences: lines, a file, and what they added to the map."""
    control("sentences.own", gr.Textbox(
        label=tr("sentences.own"), placeholder=tr("sentences.own_hint"), lines=3, max_lines=10,
        elem_id="sen-own",
    ), implies={"sentences.source": "own"})  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        # Of any kind: Gradio would refuse others in English, and without a word about what to save instead.
        file = gr.UploadButton(tr("sentences.upload"), size="sm", min_width=120, elem_id="sen-upload")
    upload(file, answers.receive, "sentences")
    stored("sentences.file")
    place("sen-told", elem_classes="pg-maybe")
    megabytes = do.context.settings.upload_mb
    gr.HTML(
        in_every_language("sentences.limit", lambda lang: shown.too_large(megabytes, lang)),
        padding=False,
        elem_id="sen-limit",
    )
    with movable("sentences.picking", gr.Row(visible=False)):
        for name, key, elem_id in (
            ("column", "column", "sen-column"),
            ("label", "label_column", "sen-label"),
        ):
            menu = gr.Dropdown([], value=None, label=tr(f"sentences.{key}"), elem_id=elem_id, min_width=120)
            control(f"sentences.{name}", menu, private=True)
    control(ADDED, gr.Textbox(
        label=tr("sentences.added"), placeholder=tr("sentences.added_hint"), lines=1, max_lines=6,
        elem_id="sen-added",
    ))  # fmt: skip


def _settings() -> None:
    gr.HTML(tr("sentences.model_info"), padding=False, elem_classes="pg-note")
    info = tr("sentences.neighbours_info")
    control("sentences.neighbours", gr.Slider(2, 100, 15, step=1, label="n_neighbors", info=info))
    info = tr("sentences.min_dist_info")
    control("sentences.min_dist", gr.Slider(0, 0.99, MIN_DIST, step=0.01, label="min_dist", info=info))
    control("sentences.metric", gr.Radio(["cosine", "euclidean"], value="cosine", label="metric"))
    info, most = tr("sentences.seed_info"), 2**31 - 1
    seed = gr.Number(0, precision=0, minimum=0, maximum=most, label=tr("sentences.seed"), info=info)
    control("sentences.seed", seed)
    info = tr("sentences.clusters_info")
    control("sentences.clusters", gr.Slider(0, 20, 0, step=1, label=tr("sentences.clusters"), info=info))


def _inside(name: str, do: SentencesService) -> None:
    """What stands in a view, and the controls that are its own."""
    match name:
        case "map":
            place("sen-map")
        case "lies":
            place("sen-lies")
        case "search":
            place("sen-found", min_height=240)
        case "matrix":
            with gr.Row(elem_classes="pg-samples"):
                for each in PAIRS:
                    label, elem_id = tr(f"sentences.pair_{each}"), f"sen-pair-{each}"
                    gr.Button(label, size="sm", min_width=40, elem_id=elem_id)
            label = tr("sentences.matrix_lines")
            control("sentences.lines", gr.Textbox(label=label, lines=4, max_lines=12, elem_id="sen-lines"))
            place("sen-matrix", min_height=240)
        case "two":
            with gr.Row(elem_classes="pg-end"):
                control("sentences.other", gr.Dropdown(
                    do.work.choices(), value="tutor", allow_custom_value=True, label=tr("sentences.other"),
                    info=tr("sentences.other_info"), elem_id="sen-other", scale=3,
                ))  # fmt: skip
                go = tr("sentences.two_go")
                gr.Button(go, variant="primary", min_width=100, elem_id="sen-two-go")
            gr.HTML(tr("sentences.two_stale"), elem_id="sen-two-stale", padding=False)
            place("sen-two", min_height=240)
        case "rows":
            place("sen-rows", min_height=240)
        case "save":
            place("sen-files")
            with gr.Row(elem_classes="pg-actions", elem_id="sen-save"):
                for kind in FILES:
                    label = tr(f"sentences.save_{kind}")
                    button = gr.DownloadButton(label, size="md", min_width=140, interactive=False)
                    movable(f"sentences.save_{kind}", button)
