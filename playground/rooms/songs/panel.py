"""The Songs tab: its controls, and which of them ask for what.

What is asked is answered in `actions`, the endpoints are in `api`. What is liked and disliked is kept in the
page's store: buttons of lists and points of the map write it there (assets/songs/songs.js), and all results
read it.
"""

from __future__ import annotations

from dataclasses import asdict

import gradio as gr

from playground.rooms.songs import api
from playground.rooms.songs.actions import Answers
from playground.rooms.songs.request import CONTROLS, SAMPLE, UNTOUCHED
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import PRESETS, TUNED, Parameters
from playground.ui.context import Context
from playground.ui.controls import control, stored, view
from playground.ui.runs import Action, actions, place, upload
from playground.ui.visitor import tr

KEY = "songs"
VIEWS = ("recommend", "vector", "walk", "map", "measure")
STOPS = {name: f"songs-{name}-stop" for name in ("fetch", "train", "measure")}


def build(context: Context) -> None:
    """The panel, inside its tab."""
    do = SongsService(context)
    answers = Answers(do)
    api.build(do)
    stored("songs.liked", UNTOUCHED, private=False)
    stored("songs.disliked", [], private=False)
    stored("songs.trained")  # the parameters of what was trained last, by which it is asked for
    gr.HTML(tr("songs.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            _controls(answers)
        with (
            gr.Column(scale=9, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="songs-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"songs.tab_{name}"), id=name, elem_id=f"songs-view-{name}") as tab:
                    view("songs", name, tab)
                    _inside(name)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.songs"))
    _wire(answers)


def _wire(answers: Answers) -> None:
    """What is asked, by which control or button, and where it answers."""
    every = [f"songs/{name}" for name in VIEWS]
    dataset, search, trained = "songs.dataset", "songs.search", "songs.trained"
    picks = ["songs.liked", "songs.disliked", dataset]
    stops = list(STOPS.values())

    def seen(name: str, elem_id: str, *more: str) -> Action:
        """A result of what is picked and trained, made while its view is seen."""
        needs, fn = [*picks, trained, *(f"songs.{each}" for each in more)], getattr(answers, name)
        wait = 100 if more else 0
        return Action(name, fn, needs, needs, [elem_id], [f"songs/{name}"], wait=wait, stops=stops)

    actions(
        "songs",
        Action("opening", answers.opening, [dataset], views=every, opens=True),
        Action("picked", answers.picked, picks, picks, ["songs-shown"], every, wait=0),
        Action("hits", answers.hits, [search, dataset], [search, dataset], ["songs-hits"], every),
        Action("some", answers.some, [dataset], ["#songs-some"], ["songs-shown"]),
        Action("clear", answers.clear, [], ["#songs-clear"], ["songs-shown"]),
        Action("paste", answers.paste, ["songs.paste", dataset], ["#songs-paste-go"], ["songs-pasted"]),
        Action(
            "about", answers.about, [dataset], [dataset, "#songs-data"], ["songs-about"], every, opens=False
        ),
        Action("fetch", answers.fetch, [], ["#songs-fetch"], ["songs-fetched"], stops=[STOPS["fetch"]]),
        Action(
            "train", answers.train, [dataset, *(f"songs.{name}" for name in CONTROLS)], ["#songs-train"],
            ["songs-trained"], stops=[STOPS["train"]],
        ),
        seen("recommend", "songs-ten"), seen("vector", "songs-vector"), seen("walk", "songs-walk", "steps"),
        seen("map", "songs-map", "method", "by"),
        Action(
            "measure", answers.measure, [dataset, trained], ["#songs-measure"], ["songs-measures"],
            ["songs/measure"], opens=True, stops=[STOPS["measure"]],
        ),
    )  # fmt: skip


def _controls(answers: Answers) -> None:
    control("songs.search", gr.Textbox(
        label=tr("songs.search"), placeholder=tr("songs.search_hint"), max_lines=1
    ))  # fmt: skip
    place("songs-hits", elem_classes="pg-maybe")
    place("songs-shown")
    with gr.Row(elem_classes="pg-samples"):
        gr.Button(tr("songs.some_playlist"), size="sm", min_width=40, elem_id="songs-some")
        gr.Button(tr("songs.clear"), size="sm", min_width=40, elem_id="songs-clear")
    with gr.Accordion(tr("songs.paste"), open=False, elem_classes="pg-late"):
        control("songs.paste", gr.Textbox(label=tr("songs.paste_lines"), lines=4, max_lines=12))
        gr.Button(tr("songs.paste_go"), size="sm", elem_id="songs-paste-go")
        place("songs-pasted", elem_classes="pg-maybe")
    with gr.Accordion(tr("songs.data"), open=False, elem_id="songs-data", elem_classes="pg-late"):
        _data(answers)
    with gr.Accordion(tr("songs.training"), open=False, elem_id="songs-training", elem_classes="pg-late"):
        _training()


def _data(answers: Answers) -> None:
    """Another data set: of the menu, the visitor's own, or the book's."""
    # Ids are a data set's own: what was picked in another means nothing here.
    control(
        "songs.dataset", gr.Dropdown([(SAMPLE, SAMPLE)], value=SAMPLE, label=tr("songs.dataset")),
        implies={"songs.liked": [], "songs.disliked": []},
    )  # fmt: skip
    place("songs-about", elem_classes="pg-maybe")
    with gr.Row(elem_classes="pg-actions"):
        # Of any kind: Gradio would refuse others in English, and without a word about what to save instead.
        files = gr.UploadButton(tr("songs.upload"), file_count="multiple", size="sm", min_width=120)
        gr.Button(tr("songs.fetch"), size="sm", min_width=120, elem_id="songs-fetch")
        gr.Button(tr("shell.stop"), size="sm", min_width=60, elem_id=STOPS["fetch"])
    gr.HTML(tr("songs.upload_info"), padding=False, elem_classes="pg-note")
    place("songs-fetched", elem_classes="pg-maybe")
    upload(files, answers.receive, "songs")


def _training() -> None:
    """Presets and sliders; train, watch the loss, stop."""
    control("songs.preset", gr.Radio(
        [(tr(f"songs.preset_{name}"), name) for name in PRESETS], value="tuned", label=tr("songs.preset")
    ), presets={name: _values(each) for name, each in PRESETS.items()})  # fmt: skip
    with gr.Accordion(tr("songs.parameters"), open=False):
        for name, low, high, step in (
            ("vector_size", 2, 128, 1), ("window", 1, 60, 1), ("negative", 1, 60, 1), ("min_count", 1, 50, 1),
            ("epochs", 1, 40, 1), ("ns_exponent", -1, 1, 0.05), ("alpha", 0.005, 0.2, 0.005),
        ):  # fmt: skip
            start, info = getattr(TUNED, name), tr(f"songs.{name}")
            control(f"songs.{name}", gr.Slider(low, high, start, step=step, label=name, info=info))
        either = [("CBOW", 0), ("skip-gram", 1)]
        control("songs.sg", gr.Radio(either, value=TUNED.sg, label="sg", info=tr("songs.sg")))
        info = tr("songs.workers")
        control("songs.workers", gr.Slider(1, 4, TUNED.workers, step=1, label="workers", info=info))
        label, info = tr("songs.centre"), tr("songs.centre_info")
        control("songs.centre", gr.Checkbox(bool(TUNED.centre), label=label, info=info))
    with gr.Row(elem_classes="pg-actions"):
        gr.Button(tr("songs.train"), variant="primary", min_width=80, elem_id="songs-train")
        gr.Button(tr("shell.stop"), min_width=60, elem_id=STOPS["train"])
    place("songs-trained", elem_classes="pg-maybe")


def _values(parameters: Parameters) -> dict[str, int | float | bool]:
    """The controls' values for some parameters."""
    told = asdict(parameters)
    return {f"songs.{name}": told[name] for name in CONTROLS} | {"songs.centre": bool(parameters.centre)}


def _inside(name: str) -> None:
    """What stands in a view, and the controls that are its own."""
    match name:
        case "recommend":
            place("songs-ten", min_height=320)
        case "vector":
            place("songs-vector", min_height=240)
        case "walk":
            control("songs.steps", gr.Slider(1, 12, 6, step=1, label=tr("songs.walk_steps")))
            place("songs-walk", min_height=240)
        case "map":
            with gr.Row(elem_classes="pg-end"):
                control("songs.method", gr.Radio(
                    [("UMAP", "umap"), ("PCA", "pca")], value="umap", label=tr("songs.map_method"),
                    min_width=160,
                ))  # fmt: skip
                control("songs.by", gr.Radio(
                    [(tr(f"songs.by_{each}"), each) for each in ("genre", "era", "artist")], value="genre",
                    label=tr("songs.map_by"), min_width=200,
                ))  # fmt: skip
            place("songs-map", min_height=240)
        case "measure":
            with gr.Row(elem_classes="pg-actions"):
                gr.Button(tr("songs.measure"), variant="primary", min_width=120, elem_id="songs-measure")
                gr.Button(tr("shell.stop"), min_width=60, elem_id=STOPS["measure"])
            place("songs-measures", min_height=240)
