"""The Decoding tab: its controls, and which of them ask for what.

What is asked is answered in `actions` and, of the experiments, in `lab`; the endpoint is in `api`.
"""

from __future__ import annotations

from functools import partial

import gradio as gr

from playground import text
from playground.rooms.decoding import api, example, lab
from playground.rooms.decoding.actions import SAMPLES, Answers, sample
from playground.rooms.decoding.request import ASKED
from playground.ui.context import Context
from playground.ui.controls import control, view
from playground.ui.html import escape
from playground.ui.precision_menu import following, precision
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import in_every_language, tr
from playground.ui.way_on import way_on

KEY = "decoding"
VIEWS = ("compare", "tree", "filters", "lab")
EVERY = [f"{KEY}/{name}" for name in VIEWS]
PLACES = ["dec-status", "dec-view", "dec-tree", "dec-filters"]


def build(context: Context) -> None:
    """The panel, inside its tab, and its endpoint."""
    api.build(context)
    gr.HTML(tr("decoding.lead"), elem_classes="pg-lead", padding=False)
    with gr.Column(elem_classes="pg-inspects"):
        _strip()
        with gr.Column(elem_classes="pg-result"):
            place("dec-status", elem_classes="pg-maybe")
            with gr.Tabs(elem_id="dec-tabs", overflow_behavior="wrap"):
                for name in VIEWS:
                    with gr.Tab(tr(f"decoding.tab_{name}"), id=name) as tab:
                        view(KEY, name, tab)
                        _inside(name)
        way_on("decoding.try", "decoding/tree", "chat.tab", "chat")
        with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
            gr.Markdown(tr("lessons.decoding"))
    _wire(context)


def _wire(context: Context) -> None:
    """What is asked, by which control or button, and where it answers."""
    answers, laboratory = Answers(context), lab.Answers(context)
    which, prompt, model, menu = (f"{KEY}.{name}" for name in ("which", "prompt", "model", "precision"))
    actions(
        KEY,
        Action("opening", answers.opening, views=EVERY, opens=True),
        following(context, menu, model, EVERY),
        Action("compare", answers.compare, ASKED, ["#dec-go", "@dec-text"], PLACES, stops=["dec-stop"]),
        Action("sample", answers.sample, on=[f"#dec-sample-{number}" for number in range(SAMPLES)]),
        Action("about", laboratory.about, [which], [which], ["dec-about"], [f"{KEY}/lab"], wait=0),
        Action(
            "experiment", laboratory.experiment, [which, prompt, model, menu], ["#dec-lab-go"],
            ["dec-lab-status", "dec-lab"], stops=["dec-lab-stop"],
        ),
    )  # fmt: skip


def _strip() -> None:
    """What is asked, above the stage: prompt, model, and folded away the numbers."""
    with gr.Row(elem_classes="dec-strip"):
        control("decoding.prompt", gr.Textbox(
            tr("decoding.example_prompt"), label=tr("decoding.prompt"),
            placeholder=tr("decoding.prompt_hint"), lines=1, max_lines=8, scale=3, min_width=240,
            elem_id="dec-text",
        ), query="text", shared="text", asks="decoding/compare")  # fmt: skip
        control("decoding.model", gr.Dropdown(
            [(example.MODEL, example.MODEL)], value=example.MODEL, allow_custom_value=True, scale=2,
            min_width=200, label=tr("decoding.model"), elem_id="dec-model",
        ), query="model", shared="model")  # fmt: skip
        with gr.Row(elem_classes="dec-run"):
            gr.Button(tr("decoding.go"), variant="primary", min_width=110, elem_id="dec-go")
            gr.Button(tr("shell.stop"), min_width=60, elem_id="dec-stop")
    with gr.Row(elem_classes="pg-samples"):
        for number in range(SAMPLES):
            named = in_every_language(f"decoding.sample_{number}", partial(sample, number))
            gr.Button(named, size="sm", min_width=40, elem_id=f"dec-sample-{number}")
    place("dec-models")
    with gr.Accordion(tr("decoding.settings"), open=False, elem_id="dec-settings"):
        with gr.Row(elem_classes="dec-numbers"):
            _slider("most", 2, 64, 24, 1, "decoding.most")
            _slider("beams", 1, 8, 4, 1, "decoding.beams", "decoding.beams_info")
            _slider("length", -2, 4, 1.0, 0.1, "decoding.length_penalty", "decoding.length_penalty_info")
            early = gr.Checkbox(False, label=tr("decoding.early"), info=tr("decoding.early_info"))
            control("decoding.early", early)
            _seed("first", 1, "decoding.seeds_first", min_width=120)
            _seed("second", 2, "decoding.seeds_second", min_width=120)
            chat = gr.Checkbox(False, label=tr("decoding.chat"), info=tr("decoding.chat_info"))
            control("decoding.chat", chat)
            control("decoding.stops", gr.Textbox(
                label=tr("decoding.stops"), info=tr("decoding.stops_info"), lines=2, elem_id="dec-stops",
            ))  # fmt: skip
        gr.HTML(in_every_language("decoding.yours_html", _yours), padding=False)
        with gr.Row(elem_classes="dec-numbers"):
            _slider("temperature", 0, 2, 0.8, 0.05, "decoding.temperature", "decoding.temperature_info")
            _slider("top_k", 0, 200, 40, 1, "", "decoding.top_k_info")
            _slider("top_p", 0, 1, 0.9, 0.01, "", "decoding.top_p_info")
            _slider("min_p", 0, 1, 0.05, 0.01, "", "decoding.min_p_info")
            _slider("penalty", 0.5, 2, 1.1, 0.05, "decoding.repetition", "decoding.repetition_info")
            _seed("seed", 3, "decoding.seed")
        precision("decoding.precision")


def _yours(lang: str) -> str:
    """Above the numbers of the visitor's own way."""
    return f"<h5>{escape(text.say('decoding.yours', lang))}</h5>"


def _slider(
    name: str, low: float, high: float, value: float, step: float, label: str, info: str = ""
) -> None:
    """A slider; without a label of its own, under the name that transformers has for it."""
    control(f"decoding.{name}", gr.Slider(
        low, high, value, step=step, label=tr(label) if label else name.replace("_", "-"),
        info=tr(info) if info else None, elem_id=f"dec-{name.replace('_', '-')}",
    ))  # fmt: skip


def _seed(name: str, value: int, label: str, **how: int) -> None:
    box = gr.Number(value, precision=0, label=tr(label), elem_id=f"dec-{name}", **how)
    control(f"decoding.{name}", box)


def _inside(name: str) -> None:
    """What stands in a view."""
    match name:
        case "compare":
            place("dec-view", min_height=320)
        case "tree":
            place("dec-tree", min_height=200)
        case "filters":
            place("dec-filters", min_height=200)
        case "lab":
            control("decoding.which", gr.Radio(
                [(tr(f"decoding_lab.name_{each}"), each) for each in lab.NAMES], value=lab.NAMES[0],
                label=tr("decoding_lab.which"), elem_id="dec-which",
            ))  # fmt: skip
            place("dec-about", min_height=24)
            with gr.Row(elem_classes="dec-run"):
                gr.Button(tr("decoding_lab.go"), variant="primary", min_width=120, elem_id="dec-lab-go")
                gr.Button(tr("shell.stop"), min_width=60, elem_id="dec-lab-stop")
            place("dec-lab-status", elem_classes="pg-maybe")
            place("dec-lab", min_height=120)
