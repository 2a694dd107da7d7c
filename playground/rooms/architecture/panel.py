"""The Architecture tab: its controls, and which of them ask for what.

What is asked is answered in `answers`, the endpoint is in `api`.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.rooms.architecture import api, example, memory, what_if
from playground.rooms.architecture.actions import SAMPLES, UNTURNED, Answers
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.request import NUMBERS
from playground.rooms.architecture.service import FIRST, ArchitectureService
from playground.ui.context import Context
from playground.ui.controls import control, view
from playground.ui.precision_menu import following, precision
from playground.ui.runs import Action, actions, place, upload
from playground.ui.visitor import tr
from playground.ui.way_on import way_on

KEY = "architecture"
VIEWS = ("flow", "tree", "memory", "what_if", "compare", "raw", "live")


def _ids(*names: str) -> list[str]:
    return [f"{KEY}.{name}" for name in names]


def build(context: Context) -> None:
    """The panel, inside its tab."""
    do = ArchitectureService(context)
    answers, first = Answers(do), example.plan()
    api.build(do)
    gr.HTML(tr("architecture.lead"), elem_classes="pg-lead", padding=False)
    with gr.Column(elem_classes=["pg-panel", "pg-inspects", "arc-room"]):
        with gr.Column(elem_classes="pg-controls"):
            _controls(do, answers)
        with gr.Column(elem_classes="pg-result", elem_id="arc-result"):
            place("arc-top", min_height=48)
            place("arc-gauge", min_height=44)
            with gr.Tabs(elem_id="arc-tabs", overflow_behavior="wrap"):
                for name in VIEWS:
                    with gr.Tab(tr(f"architecture.tab_{name}"), id=name) as tab:
                        view(KEY, name, tab)
                        _inside(name, do, first)
    way_on("architecture.try", "architecture/flow", "next_token.tab", "next_token")
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.architecture"))
    _wire(context, answers)


def _wire(context: Context, answers: Answers) -> None:
    """What is asked, by which control or button, and where it answers."""
    every = [f"{KEY}/{name}" for name in VIEWS]
    which, sizes, knobs = _ids("model", "config"), _ids("context", "batch"), _ids(*what_if.KNOBS)
    said, live = _ids("sentence"), _ids("live", "precision")
    memory = [*which, *sizes]
    trained, turned, other = _ids("rank", "targets"), [*knobs, *sizes], _ids("other")
    compared = [*which, *other, *sizes]
    offered = [f"#arc-sample-{number}" for number in range(len(SAMPLES))]

    def seen(name: str) -> list[str]:
        return [f"{KEY}/{name}"]

    actions(
        KEY,
        Action("opening", answers.opening, views=every, opens=True),
        Action("plan", answers.plan, which, which, ["arc-top", "arc-tree"], every),
        # What hangs on controls that follow the plan is asked for by it, once they have followed.
        Action(
            "gauge", answers.gauge, [*which, *turned], turned, ["arc-gauge"], every, opens=False,
        ),
        Action(
            "flow", answers.flow, [*which, *said, *knobs], [*said, *knobs], ["arc-flow", "arc-steps"],
            seen("flow"), opens=False,
        ),
        # Whenever it is opened: what was loaded meanwhile is measured.
        Action("memory", answers.memory, memory, memory, ["arc-memory"], seen("memory"), anew=True),
        Action(
            "training", answers.training, [*memory, *trained], [*trained, *sizes], ["arc-training"],
            seen("memory"), opens=False,
        ),
        Action(
            "what_if", answers.what_if, [*which, *turned], turned, ["arc-what-if"], seen("what_if"),
            opens=False,
        ),
        Action("reset", answers.reset, on=["#arc-reset"]),
        Action(
            "real", answers.real, [*which, *said, *knobs], ["#arc-real"], ["arc-built"], stops=["arc-stop"]
        ),
        Action("compare", answers.compare, compared, compared, ["arc-compare"], seen("compare")),
        Action("raw", answers.raw, which, which, ["arc-raw"], seen("raw")),
        following(context, f"{KEY}.precision", f"{KEY}.live", seen("live")),
        Action("live", answers.live, [*live, *said], ["#arc-live-go"], ["arc-live"], stops=["arc-live-stop"]),
        Action("sample", answers.sample, on=offered),
        Action("clear", answers.clear, on=["#arc-clear"]),
    )  # fmt: skip


def _controls(do: ArchitectureService, answers: Answers) -> None:
    """The model and its like on one line; what is asked for less often, folded under it."""
    with gr.Row(elem_classes=["pg-actions", "arc-which"]):
        control("architecture.model", gr.Dropdown(
            [row for row in do.choices() if row[1] == FIRST], value=FIRST, allow_custom_value=True,
            label=tr("architecture.model"), elem_id="arc-model", min_width=240, scale=2,
        ), query="model", implies={"architecture.config": "", **UNTURNED})  # fmt: skip
        with gr.Row(elem_classes="pg-samples", scale=3):
            for number, shown in enumerate(SAMPLES):
                gr.Button(shown, size="sm", min_width=40, elem_id=f"arc-sample-{number}")
    with gr.Accordion(tr("architecture.own"), open=False, elem_classes="arc-strip"):
        with gr.Row():
            control("architecture.sentence", gr.Textbox(
                tr("architecture.example_sentence"), label=tr("architecture.sentence"),
                info=tr("architecture.sentence_info"), lines=2, elem_id="arc-sentence", min_width=260,
            ), shared="text")  # fmt: skip
            control("architecture.config", gr.Textbox(
                label=tr("architecture.paste"), info=tr("architecture.paste_info"), lines=2, max_lines=14,
                elem_id="arc-paste", min_width=260,
            ), implies=UNTURNED)  # fmt: skip
        with gr.Row(elem_classes="pg-actions"):
            file = gr.UploadButton(tr("architecture.upload"), file_types=[".json"], size="sm", min_width=120)
            gr.Button(tr("architecture.paste_clear"), size="sm", min_width=80, elem_id="arc-clear")
        gr.HTML(tr("architecture.model_info"), elem_classes="pg-note", padding=False)
    upload(file, answers.receive, KEY)


def _inside(name: str, do: ArchitectureService, first: Architecture) -> None:
    """What stands in a view, and the controls that are its own."""
    match name:
        case "tree":
            place("arc-tree", min_height=320)
        case "flow":
            place("arc-flow", min_height=420)
            place("arc-steps")
        case "memory":
            _memory(first)
        case "what_if":
            _what_if(first)
        case "compare":
            other = SAMPLES["Phi-3-mini"]
            control("architecture.other", gr.Dropdown(
                [row for row in do.choices() if row[1] == other], value=other, allow_custom_value=True,
                label=tr("architecture.other"), elem_id="arc-other",
            ))  # fmt: skip
            place("arc-compare")
        case "raw":
            place("arc-raw")
        case "live":
            _live(do)


def _memory(plan: Architecture) -> None:
    with gr.Row():
        for name, low, high, value, step in (("context", 128, 131072, 2048, 128), ("batch", 1, 64, 1, 1)):
            label = tr(f"architecture.{name}_slider")
            slider = gr.Slider(low, high, value, step=step, label=label, min_width=240, elem_id=f"arc-{name}")
            control(f"architecture.{name}", slider)
    place("arc-memory")
    with gr.Accordion(tr("architecture.training"), open=True):
        with gr.Row():
            rank = gr.Slider(
                1, 256, 8, step=1, label=tr("architecture.rank"), min_width=200, elem_id="arc-rank"
            )
            control("architecture.rank", rank)
            offered = list(dict.fromkeys(target.name for target in memory.targets(plan)))
            control("architecture.targets", gr.Dropdown(
                offered, value=list(memory.usual_targets(plan)), multiselect=True,
                label=tr("architecture.targets"), info=tr("architecture.targets_info"), min_width=200,
                elem_id="arc-targets",
            ))  # fmt: skip
        place("arc-training")


def _what_if(plan: Architecture) -> None:
    gr.HTML(tr("architecture.what_if_lead"), padding=False)
    with gr.Row(elem_classes=["arc-knobs", "pg-level"]):
        for name, value in what_if.knobs(plan).items():
            control(f"architecture.{name}", _knob(name, value))
    with gr.Row(elem_classes="pg-actions"):
        gr.Button(tr("architecture.reset"), size="sm", min_width=80, elem_id="arc-reset")
        label = tr("architecture.make_real")
        gr.Button(label, size="sm", variant="primary", min_width=110, elem_id="arc-real")
        gr.Button(tr("shell.stop"), size="sm", min_width=60, elem_id="arc-stop")
    place("arc-built", elem_classes="pg-maybe")
    place("arc-what-if")


def _knob(name: str, value: Any) -> gr.Number | gr.Checkbox | gr.Dropdown:
    """The control of a number of the config, as the first model has it; another one's comes with its plan."""
    label = tr(f"architecture.knob_{name}")
    if name in NUMBERS:
        return gr.Number(value, label=label, precision=0, min_width=130, elem_id=f"arc-{name}")
    if name == "tie_word_embeddings":
        return gr.Checkbox(bool(value), label=label, min_width=130, elem_id="arc-tie")
    if name == "hidden_act":
        return gr.Dropdown(
            list(what_if.ACTIVATIONS), value=value, label=label, allow_custom_value=True, min_width=130,
            elem_id="arc-act",
        )  # fmt: skip
    offered = [(shown, norm) for norm, shown in what_if.NORMS.items()]
    return gr.Dropdown(offered, value=value, label=label, min_width=130, elem_id="arc-norm")


def _live(do: ArchitectureService) -> None:
    gr.HTML(tr("architecture.live_lead"), padding=False)
    first = do.living()[0]
    with gr.Row(elem_classes="pg-actions"):
        control("architecture.live", gr.Dropdown(
            [(first, first)], value=first, allow_custom_value=True, label=tr("architecture.live_which"),
            min_width=200, scale=3, elem_id="arc-live-model",
        ))  # fmt: skip
        precision("architecture.precision", min_width=270, scale=2)
        label = tr("architecture.live_go")
        gr.Button(label, variant="primary", min_width=140, elem_id="arc-live-go")
        gr.Button(tr("shell.stop"), min_width=60, elem_id="arc-live-stop")
    place("arc-live")
