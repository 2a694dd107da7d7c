"""The Next token room: its controls, and what is asked when it is opened.

Whatever else is asked, its scripts ask (`assets/next_token/next.js`), of what `api` streams: what was tried
stands in the page itself.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground import text
from playground.rooms.next_token import api, example
from playground.ui.context import Context
from playground.ui.controls import control, stored
from playground.ui.html import escape, island
from playground.ui.precision_menu import following, precision
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import in_every_language, tr
from playground.ui.way_on import way_on

KEY = "next_token"
SAMPLES = ("capital", "opposite", "story", "other", "emoji")
FOLDED = ("walk",)
LAYERS = ("attention", "lens")  # of the same picture: drawn on the prompt when they are wanted
# What a filter may be set to, in the strip and in its slider: least, most, built with, step.
FILTERS = {
    "temperature": (0, 3, 1.0, 0.05), "top_k": (0, 200, 0, 1), "top_p": (0, 1, 1.0, 0.01),
    "min_p": (0, 1, 0.0, 0.01),
}  # fmt: skip

streams = api.streams


def build(context: Context) -> None:
    """The room, inside its tab, and its endpoint."""
    api.build(context)
    with gr.Column(elem_classes="pg-panel pg-inspects", elem_id="next-panel"):
        gr.HTML(tr("next_token.lead"), elem_classes="pg-lead", padding=False)
        with gr.Column(elem_id="next-top"):
            _asked()
        with gr.Column(elem_classes="pg-result"):
            gr.HTML(in_every_language("next_token.frame_html", _frame), padding=False, elem_id="next-frame")
        with gr.Column(elem_classes="pg-controls"):
            _controls()
        _below()
    stored(f"{KEY}.scale", private=False)  # "log", or "" for the usual one
    _wire(context)


def _wire(context: Context) -> None:
    """What is asked that is no look: what the menus offer."""
    opening = api.answers_of(context).opening
    model, menu = f"{KEY}.model", f"{KEY}.precision"
    other, its_menu = f"{KEY}.beside_model", f"{KEY}.beside_precision"
    actions(
        KEY,
        Action("opening", opening, views=[KEY], opens=True),
        following(context, menu, model, [KEY]),
        # In no view: most visitors never unfold it, and whoever does, asks by that.
        following(context, its_menu, other, (), "beside_precision", also=["#next-beside"]),
    )


def _asked() -> None:
    """Prompt and model, on top of the stage."""
    with gr.Row():
        control(f"{KEY}.prompt", gr.Textbox(
            tr("next_token.example_capital"), label=tr("next_token.prompt"), lines=1, max_lines=8, scale=4,
            min_width=240, elem_id="next-prompt", placeholder=tr("next_token.prompt_hint"),
        ), query="text", shared="text")  # fmt: skip
        _model("model", scale=1, min_width=220)
    with gr.Row(elem_classes="pg-samples"):
        for name in SAMPLES:
            gr.Button(tr(f"next_token.sample_{name}"), size="sm", min_width=40, elem_id=f"next-sample-{name}")


def _controls() -> None:
    """What is set seldom, and the filters of the strip with what each of them does."""
    with gr.Accordion(tr("next_token.more"), open=False, elem_id="next-more"):
        place("next-models")
        with gr.Row():
            for name, (low, high, value, step) in FILTERS.items():
                label = "next_token.temperature" if name == "temperature" else ""
                _slider(name, low, high, value, step, label, f"next_token.{name}_info", min_width=200)
        chat = gr.Checkbox(False, label=tr("next_token.chat"), info=tr("next_token.chat_info"))
        control(f"{KEY}.chat", chat)
        _slider("count", 5, 200, example.LOOKED, 5, "next_token.count")
        label, info = tr("next_token.seed"), tr("next_token.seed_info")
        control(f"{KEY}.seed", gr.Number(-1, precision=0, label=label, info=info))
        precision(f"{KEY}.precision")


def _model(name: str, **how: Any) -> None:
    """A menu of models. The other names come when the room is opened."""
    control(f"{KEY}.{name}", gr.Dropdown(
        [(example.MODEL,) * 2], value=example.MODEL, allow_custom_value=True,
        label=tr("next_token.model"), elem_id=f"next-{name.replace('_', '-')}", **how,
    ), query=name if name == "model" else "", shared="model" if name == "model" else "")  # fmt: skip


def _slider(
    name: str, low: float, high: float, value: float, step: float, label: str, info: str = "", **how: int
) -> None:
    """A slider; without a label of its own, under the name that transformers has for it."""
    known = name.removeprefix("beside_").replace("_", "-")
    control(f"{KEY}.{name}", gr.Slider(
        low, high, value, step=step, label=tr(label) if label else known, info=tr(info) if info else None,
        elem_id=f"next-{name.replace('_', '-')}", **how,
    ))  # fmt: skip


def _below() -> None:
    """What is folded: each part asks for its content when it is opened."""
    for name in FOLDED:
        with gr.Accordion(tr(f"next_token.{name}"), open=False, elem_id=f"next-{name}"):
            gr.HTML(in_every_language(f"next_token.{name}_html", _hint(name)), padding=False)
    with gr.Accordion(tr("next_token.beside"), open=False, elem_id="next-beside"):
        gr.HTML(in_every_language("next_token.beside_html", _hint("beside", place=False)), padding=False)
        with gr.Row():
            _model("beside_model", min_width=160)
            precision(f"{KEY}.beside_precision", min_width=180)
            _slider("beside_temperature", 0, 3, 0.5, 0.05, "next_token.temperature", min_width=150)
            _slider("beside_top_p", 0, 1, 1.0, 0.01, "", min_width=150)
        gr.Button(tr("next_token.compare"), min_width=120, elem_id="next-compare")
        gr.HTML('<div id="next-beside-view" class="nx-two"></div>', padding=False)
    with gr.Accordion(tr("next_token.learning"), open=False, elem_id="next-learning"):
        gr.HTML(in_every_language("next_token.learning_html", _hint("learning")), padding=False)
    way_on("next_token.try", "next_token?temperature=2", "decoding.tab", "decoding/compare")
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.next_token"))


def _hint(name: str, place: bool = True) -> Any:
    """One sentence, and the place that the page's script fills."""

    def made(lang: str) -> str:
        view = f'<div id="next-{name}-view"></div>' if place else ""
        return f'<p class="pg-note">{escape(text.say(f"next_token.{name}_hint", lang))}</p>{view}'

    return made


def _frame(lang: str) -> str:
    """The places of the result, the words that the script needs, and the worked example."""
    known = text.catalogue(lang)
    words = {
        key.removeprefix("next_token.js_"): said for key, said in known.items() if "next_token.js_" in key
    }
    samples = {name: text.say(f"next_token.example_{name}", lang) for name in SAMPLES}
    data = {
        "words": words, "samples": samples, "filters": FILTERS,
        "examples": example.all_shipped(lang),
    }  # fmt: skip
    layers = "".join(f'<div id="next-{name}-view" class="nx-inside" hidden></div>' for name in LAYERS)
    parts = "".join(
        f'<div class="nx-{name}"{more}>{inside}</div>'
        for name, more, inside in (
            ("stages", ' role="group"', ""), ("legend", "", ""), ("layers", ' role="group"', ""),
            ("inner", "", layers), ("status", ' role="status"', ""), ("text", ' dir="auto"', ""),
            ("stem", ' aria-hidden="true"', ""), ("chart", "", ""),
            ("acts", "", ""), ("tree", "", ""), ("note", "", ""), ("find", "", ""),
        )
    )  # fmt: skip
    hint = escape(text.say("next_token.inspector_hint", lang))
    return f'<div class="nx" data-lang="{lang}" data-inspector-hint="{hint}">{island(data)}{parts}</div>'
