"""The Sentences view of the Embeddings tab: its controls, and which of them ask for what.

What is asked is answered in `opening`, the endpoints are in `api`.
"""

from __future__ import annotations

import gradio as gr

from playground.engine.vectors.projection import MIN_DIST
from playground.rooms.embeddings.sentences import api
from playground.rooms.embeddings.sentences import view as shown
from playground.rooms.embeddings.sentences.actions import FILES, PAIRS, QUERIES, Answers
from playground.rooms.embeddings.sentences.samples import CLUSTERINGS, SAMPLES
from playground.rooms.embeddings.sentences.service import SentencesService
from playground.rooms.embeddings.sentences.work import MODEL
from playground.ui.context import Context
from playground.ui.controls import control, movable, stored, view
from playground.ui.runs import Action, actions, place, upload
from playground.ui.visitor import in_every_language, tr


def _ids(*names: str) -> tuple[str, ...]:
    return tuple(f"sentences.{name}" for name in names)


SOURCE = _ids("source", "own", "file", "column", "label")
ROWS = (*SOURCE, "sentences.model")
HOW = _ids("method", "dimensions", "neighbours", "min_dist", "metric", "seed", "by", "clusters")
MAP = (*ROWS, *HOW)
ADDED = "sentences.added"
FILE_IDS = _ids(*(f"save_{kind}" for kind in FILES))
VIEWS = ("map", "search", "matrix", "two", "rows", "save")


def build(context: Context) -> None:
    """The view, inside its sub-tab."""
    do = SentencesService(context)
    answers = Answers(do)
    api.build(do)
    gr.HTML(tr("sentences.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            _controls(do, answers)
        with (
            gr.Column(scale=10, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="sen-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"sentences.tab_{name}"), id=name) as tab:
                    view("sentences", name, tab)
                    _inside(name, do)
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
        Action("search", answers.search, [query, *ROWS], [query, *ROWS], ["sen-found"], seen("search")),
        Action("query", answers.query, on=offered[0]),
        Action("matrix", answers.matrix, compared, compared, ["sen-matrix"], seen("matrix")),
        Action("pairs", answers.pairs, on=offered[1]),
        Action("two", answers.two, ["sentences.other", *MAP], ["#sen-two-go"], ["sen-two"]),
        Action("rows", answers.rows, ROWS, ROWS, ["sen-rows"], seen("rows")),
        Action("files", answers.files, whole, whole, ["sen-files"], seen("save"), offers=FILE_IDS),
        Action("retell", answers.retell, ["sentences.file", column], [column], ["sen-told"], opens=False),
        stop="sen-stop",
    )


def _controls(do: SentencesService, answers: Answers) -> None:
    control("sentences.source", gr.Dropdown(
        [(tr(f"sentences.source_{each}"), each) for each in (*SAMPLES, "own", "file")], value="themes",
        label=tr("sentences.source"), elem_id="sen-source",
    ), private=("file",))  # fmt: skip
    with gr.Column(elem_classes="pg-late", min_width=160):  # on a phone below the map
        control("sentences.own", gr.Textbox(
            label=tr("sentences.own"), placeholder=tr("sentences.own_hint"), lines=3, max_lines=10,
            elem_id="sen-own",
        ), implies={"sentences.source": "own"})  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        # Of any kind: Gradio would refuse others in English, and without a word about what to save instead.
        file = gr.UploadButton(tr("sentences.upload"), size="sm", min_width=120, elem_id="sen-upload")
        gr.Button(tr("shell.stop"), size="sm", min_width=60, elem_id="sen-stop")
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
    control("sentences.model", gr.Dropdown(
        [(MODEL, MODEL)], value=MODEL, allow_custom_value=True, label=tr("sentences.model"),
        info=tr("sentences.model_info"), elem_id="sen-model",
    ))  # fmt: skip
    with gr.Row():
        control("sentences.method", gr.Radio(
            [(name, key) for key, name in shown.METHODS.items()],
            value="umap", label=tr("sentences.method"), elem_id="sen-method", min_width=260,
        ))  # fmt: skip
        control("sentences.dimensions", gr.Radio(
            [("2-D", 2), ("3-D", 3)], value=2, label=tr("sentences.dimensions"), elem_id="sen-dimensions",
            min_width=110,
        ))  # fmt: skip
    control("sentences.by", gr.Radio(
        [(tr(f"sentences.by_{each}"), each) for each in ("given", *CLUSTERINGS)], value="given",
        label=tr("sentences.by"), elem_id="sen-by",
    ))  # fmt: skip
    control(ADDED, gr.Textbox(
        label=tr("sentences.added"), placeholder=tr("sentences.added_hint"), lines=1, max_lines=6,
        elem_id="sen-added",
    ))  # fmt: skip
    with gr.Accordion(tr("sentences.settings"), open=False, elem_classes="pg-late", elem_id="sen-settings"):
        _settings()


def _settings() -> None:
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
            place("sen-map", min_height=480)
        case "search":
            control("sentences.query", gr.Textbox(
                label=tr("sentences.query"), placeholder=tr("sentences.query_hint"), elem_id="sen-query",
                max_lines=3,
            ))  # fmt: skip
            with gr.Row(elem_classes="pg-samples"):
                for number in QUERIES:
                    label, elem_id = tr(f"sentences.query_{number}"), f"sen-query-{number}"
                    gr.Button(label, size="sm", min_width=40, elem_id=elem_id)
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
