"""The Songs tab: its controls, and which of them ask for what.

What is asked is answered in `actions`, the endpoints are in `api`. What is liked and disliked is kept in the
page's store: buttons of cards write it there (assets/songs/songs.js), and all results read it. The map stands
beside all views; assets/songs/map.js marks on it what is picked.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from playground import text
from playground.rooms.songs import api, example
from playground.rooms.songs import view as view_cards
from playground.rooms.songs.actions import NOTHING, Answers, embedded_source
from playground.rooms.songs.request import CONTROLS, SAMPLE, UNTOUCHED
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import PRESETS, TUNED, Parameters
from playground.ui.context import Context
from playground.ui.controls import control, stored, view
from playground.ui.html import island
from playground.ui.runs import Action, actions, place, upload
from playground.ui.visitor import tr
from playground.ui.way_on import way_on

KEY = "songs"
VIEWS = ("recommend", "walk", "vector", "measure")
STOPS = {name: f"songs-{name}-stop" for name in ("fetch", "train", "measure")}


def build(context: Context) -> None:
    """The panel, inside its tab."""
    do = SongsService(context)
    answers = Answers(do)
    api.build(do)
    stored("songs.liked", UNTOUCHED, private=False)
    stored("songs.disliked", [], private=False)
    stored("songs.trained")  # the parameters of what was trained last, by which it is asked for
    stored("songs.seen", private=False)  # the song that the inspector shows
    with gr.Column(elem_classes="pg-panel pg-inspects", elem_id="songs-panel"):
        gr.HTML(tr("songs.lead"), elem_classes="pg-lead", padding=False)
        place("songs-source", embedded_source)
        with gr.Column(elem_classes="pg-controls", elem_id="songs-strip"):
            with gr.Accordion(tr("songs.paste"), open=False, elem_id="songs-own", elem_classes="pg-late"):
                control("songs.paste", gr.Textbox(label=tr("songs.paste_lines"), lines=4, max_lines=12))
                gr.Button(tr("songs.paste_go"), size="sm", elem_id="songs-paste-go")
                place("songs-pasted", elem_classes="pg-maybe")
            with gr.Accordion(tr("songs.data"), open=False, elem_id="songs-data", elem_classes="pg-late"):
                _data(answers)
            with gr.Accordion(
                tr("songs.training"), open=False, elem_id="songs-training", elem_classes="pg-late"
            ):
                _training()
        with gr.Row(elem_classes="pg-result", elem_id="songs-stage"):
            with gr.Column(scale=5, min_width=280, elem_id="songs-left"):
                _left()
            with gr.Column(scale=8, min_width=280, elem_id="songs-right"):
                _map()
        way_on("songs.try", "songs/recommend", "next_token.tab", "next_token")
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.songs"))
    _wire(answers)


def _wire(answers: Answers) -> None:
    """What is asked, by which control or button, and where it answers."""
    every = [f"songs/{name}" for name in VIEWS]
    dataset, search, trained = "songs.dataset", "songs.search", "songs.trained"
    picks = ["songs.liked", "songs.disliked", dataset]
    stops = list(STOPS.values())

    def seen(name: str, places: list[str], needs: list[str], views: list[str], **how: Any) -> Action:
        """A result of what is picked and trained, made while its view is seen."""
        fn = getattr(answers, name)
        told: dict[str, Any] = {"wait": 0, "stops": stops, **how}
        return Action(name, fn, needs, needs, places, views, **told)

    every_pick, drawn = [*picks, trained], ["songs.method", "songs.by"]
    actions(
        "songs",
        Action("opening", answers.opening, [dataset], views=every, opens=True),
        Action("source", answers.source, [dataset], [dataset], ["songs-source"], every, built=True),
        Action("picked", answers.picked, picks, picks, ["songs-shown"], every, wait=0, built=True),
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
        seen("recommend", ["songs-ten"], every_pick, ["songs/recommend"], built=True),
        seen("vector", ["songs-vector"], every_pick, ["songs/vector"]),
        seen("walk", ["songs-walk"], [*every_pick, "songs.steps"], ["songs/walk"], wait=100),
        # Not for every pick: what is picked is marked on it, and seldom changes which groups have colours.
        Action(
            "map", answers.map, [*every_pick, *drawn], [dataset, trained, *drawn], ["songs-map"], every,
            wait=100, stops=stops,
        ),
        seen("you", ["songs-here", "songs-you"], [*every_pick, "songs.method", "songs.steps"], every),
        seen("song", ["songs-seen"], [*every_pick, "songs.seen"], every, opens=False),
        Action(
            "measure", answers.measure, [dataset, trained], ["#songs-measure"], ["songs-measures"],
            ["songs/measure"], opens=True, stops=[STOPS["measure"]],
        ),
    )  # fmt: skip


def _left() -> None:
    """What is found, what is picked, and what comes of it."""
    control("songs.search", gr.Textbox(
        label=tr("songs.search"), placeholder=tr("songs.search_hint"), max_lines=1
    ))  # fmt: skip
    place("songs-hits", elem_classes="pg-maybe")
    place("songs-shown", lambda lang: view_cards.picked(example.shipped(lang)["liked"], [], lang))
    with gr.Row(elem_classes="pg-samples"):
        gr.Button(tr("songs.some_playlist"), size="sm", min_width=40, elem_id="songs-some")
        gr.Button(tr("songs.clear"), size="sm", min_width=40, elem_id="songs-clear")
    with gr.Tabs(elem_id="songs-tabs", overflow_behavior="wrap"):
        for name in VIEWS:
            with gr.Tab(tr(f"songs.tab_{name}"), id=name, elem_id=f"songs-view-{name}") as tab:
                view("songs", name, tab)
                _inside(name)


def _words(lang: str) -> str:
    """What the page's scripts say."""
    return island({name: text.say(f"songs.{name}", lang) for name in ("song", "you")})


def _map() -> None:
    """The map, which stays in sight, and how it is drawn."""
    place("songs-map")
    place("songs-here")
    place("songs-you", _words)  # data for the page's script, and nothing to see
    with gr.Row(elem_classes="pg-end"):
        control("songs.by", gr.Radio(
            [(tr(f"songs.by_{each}"), each) for each in ("genre", "era", "artist")], value="genre",
            label=tr("songs.map_by"), min_width=200,
        ))  # fmt: skip
        control("songs.method", gr.Radio(
            [("UMAP", "umap"), ("PCA", "pca")], value="umap", label=tr("songs.map_method"), min_width=160,
        ))  # fmt: skip


def _data(answers: Answers) -> None:
    """Another data set: of the menu, the visitor's own, or the book's."""
    # Ids are a data set's own: what was picked in another means nothing here.
    control(
        "songs.dataset", gr.Dropdown([(SAMPLE, SAMPLE)], value=SAMPLE, label=tr("songs.dataset")),
        implies=NOTHING,
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
            place("songs-ten", lambda lang: view_cards.recommended(example.shipped(lang), lang))
        case "walk":
            control("songs.steps", gr.Slider(1, 12, example.STEPS, step=1, label=tr("songs.walk_steps")))
            place("songs-walk", min_height=420)
        case "vector":
            place("songs-vector", min_height=420)
        case "measure":
            with gr.Row(elem_classes="pg-actions"):
                gr.Button(tr("songs.measure"), variant="primary", min_width=120, elem_id="songs-measure")
                gr.Button(tr("shell.stop"), min_width=60, elem_id=STOPS["measure"])
            place("songs-measures", min_height=420)
