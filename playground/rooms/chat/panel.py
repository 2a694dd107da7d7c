"""The Chat panel: its controls. What is said stands in the page itself (`assets/chat/chat.js`), which also
hears the buttons; replies come by `streams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from playground import text
from playground.rooms.chat import api
from playground.rooms.chat.actions import Answers
from playground.ui.context import Context
from playground.ui.controls import control
from playground.ui.html import escape, island
from playground.ui.precision_menu import following, precision
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import in_every_language, tr

KEY = "chat"
MODEL = "tutor"  # comes with the app
PRESETS = {
    "precise": (0.0, 0, 1.0, 0.0, 1.0),
    "balanced": (0.7, 0, 0.9, 0.0, 1.05),
    "creative": (1.1, 0, 1.0, 0.05, 1.05),
}
PRESET = ("chat.temperature", "chat.top_k", "chat.top_p", "chat.min_p", "chat.repetition_penalty")
LARGER = ("Qwen/Qwen2.5-0.5B-Instruct",)  # a click away, on the Hub
# What pressing a button sets, by what follows "chat-" in its ``elem_id``.
SETS: dict[str, dict[str, Any]] = {
    **{name: dict(zip(PRESET, values, strict=True)) for name, values in PRESETS.items()},
    **{f"larger-{number}": {"chat.model": name} for number, name in enumerate(LARGER)},
}

streams = api.streams


def build(context: Context) -> None:
    """The panel, inside its tab, and its endpoints."""
    api.build(context)
    gr.HTML(in_every_language("chat.intro_html", _intro), padding=False)
    with gr.Row(elem_classes="chat-panel"):
        with gr.Column(scale=2, min_width=280, elem_classes="pg-controls"):
            _controls(context)
        with gr.Column(scale=5, min_width=320):
            gr.HTML(in_every_language("chat.frame_html", _frame), padding=False, elem_id="chat-frame")
            control("chat.message", gr.Textbox(
                label=tr("chat.message"), placeholder=tr("chat.message_hint"), lines=2, max_lines=12,
                elem_id="chat-box", submit_btn=False,
            ), private=True, shared="text")  # fmt: skip
            with gr.Row(elem_classes="pg-actions"):
                gr.Button(tr("chat.send"), variant="primary", min_width=90, elem_id="chat-send")
                gr.Button(tr("shell.stop"), min_width=70, elem_id="chat-stop")
                for name in ("regenerate", "continue", "undo", "clear"):
                    gr.Button(tr(f"chat.{name}"), min_width=70, elem_id=f"chat-{name}")
            _hood()
            _beside()
    actions(
        KEY,
        Action("opening", Answers(context).opening, views=[KEY], opens=True),
        following(context, "chat.precision", "chat.model", [KEY]),
        Action("engine", Answers(context).engine, ["chat.model", "chat.engine"], ["chat.model"], views=[KEY]),
        # Folded away for most visitors: asked when they open it.
        following(
            context, "chat.beside_precision", "chat.beside_model", [], "beside_precision", ["#chat-beside"]
        ),
    )


def _controls(context: Context) -> None:
    """Model, precision, system prompt and settings."""
    control("chat.model", _models(info=tr("models.which_info")), query="model", shared="model")
    place("chat-models")
    if not context.settings.offline:
        with gr.Row(elem_classes="pg-samples"):
            for number, name in enumerate(LARGER):
                gr.Button(name.partition("/")[2], size="sm", min_width=80, elem_id=f"{KEY}-larger-{number}")
    control("chat.engine", gr.Radio(
        [(tr("chat.engine_visible"), "")], value="", label=tr("chat.engine"), info=tr("chat.engine_info_one"),
    ), varies=True)  # fmt: skip
    precision("chat.precision")
    # It stands in links, since whoever is sent one is to meet the same character; what is said never does.
    control("chat.system", gr.Textbox(
        label=tr("chat.system"), placeholder=tr("chat.system_hint"), lines=2,
    ))  # fmt: skip
    with gr.Row(elem_classes="pg-samples"):
        for name in PRESETS:
            gr.Button(tr(f"chat.preset_{name}"), size="sm", min_width=80, elem_id=f"{KEY}-{name}")
    _slider("temperature", 0, 2, 0.0, 0.05, "chat.temperature", "chat.temperature_info")
    with gr.Accordion(tr("chat.more"), open=False):
        _slider("max_new_tokens", 1, 1024, 256, 1, "chat.max_new_tokens")
        _slider("top_k", 0, 200, 0, 1, "", "chat.top_k_info")
        _slider("top_p", 0, 1, 1.0, 0.01, "", "chat.top_p_info")
        _slider("min_p", 0, 1, 0.0, 0.01, "", "chat.min_p_info")
        _slider("repetition_penalty", 0.5, 2, 1.0, 0.05, "chat.repetition_penalty", "chat.penalty_info")
        control("chat.seed", gr.Number(-1, precision=0, label=tr("chat.seed"), info=tr("chat.seed_info")))


def _models(**more: Any) -> gr.Dropdown:
    """A menu of models; the others come when the room is opened."""
    return gr.Dropdown([(MODEL, MODEL)], value=MODEL, allow_custom_value=True, label=tr("chat.model"), **more)


def _slider(
    name: str, low: float, high: float, value: float, step: float, label: str, info: str = "", **how: int
) -> None:
    """A slider; without a label of its own, under the name that transformers has for it."""
    usual = name.removeprefix("beside_").replace("_", "-")
    control(f"chat.{name}", gr.Slider(
        low, high, value, step=step, label=tr(label) if label else usual,
        info=tr(info) if info else None, **how,
    ))  # fmt: skip


def _hood() -> None:
    """The prompt that the model really reads, one click away."""
    with gr.Accordion(tr("chat.hood"), open=False, elem_id="chat-hood"):
        gr.HTML('<div id="chat-hood-view"></div>', padding=False)
    with gr.Accordion(tr("chat.lesson_title"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.chat"))


def _beside() -> None:
    """The same prompt and seed under other settings."""
    with gr.Accordion(tr("chat.beside"), open=False, elem_id="chat-beside"):
        gr.HTML(in_every_language("chat.beside_html", _beside_hint), padding=False)
        with gr.Row():
            control("chat.beside_model", _models(min_width=160))
            precision("chat.beside_precision", min_width=180)
            _slider("beside_temperature", 0, 2, 0.7, 0.05, "chat.temperature", min_width=160)
            _slider("beside_top_p", 0, 1, 1.0, 0.01, "", min_width=160)
        gr.Button(tr("chat.compare"), min_width=120, elem_id="chat-compare")
        gr.HTML('<div id="chat-two" class="chat-two"></div>', padding=False)


def _intro(lang: str) -> str:
    return f'<p class="pg-lead">{escape(text.say("chat.lead", lang))}</p>'


def _beside_hint(lang: str) -> str:
    return f'<p class="pg-note">{escape(text.say("chat.beside_hint", lang))}</p>'


def _frame(lang: str) -> str:
    """The conversation's place, and the words that the page's script needs."""
    words = {key.removeprefix("chat.js_"): said for key, said in _said(lang).items()}
    samples = text.say("chat.samples", lang).split("\n")
    chips = "".join(f'<button type="button" class="chat-sample">{escape(each)}</button>' for each in samples)
    return (
        f'<div class="chat" data-lang="{lang}">{island({"words": words, "sets": SETS})}'
        f'<div class="chat-context" hidden></div>'
        f'<div class="chat-log" role="log" aria-live="polite" tabindex="0" '
        f'aria-label="{escape(text.say("chat.log", lang))}"></div>'
        f'<div class="chat-samples">{chips}</div>'
        f'<div class="chat-status" role="status"></div>'
        f'<div class="chat-token" hidden></div>'
        f'<div class="chat-files"><button type="button" data-chat="markdown">Markdown</button>'
        f'<button type="button" data-chat="json">JSON</button>'
        f'<button type="button" data-chat="modelfile">Modelfile</button>'
        f'<label class="chat-import">{escape(text.say("chat.import", lang))}'
        f'<input type="file" accept=".json,application/json" hidden></label>'
        f'<label><input type="checkbox" data-chat="colour" checked> '
        f"{escape(text.say('chat.colour', lang))}</label></div></div>"
    )


def _said(lang: str) -> Mapping[str, str]:
    return {key: said for key, said in text.catalogue(lang).items() if key.startswith("chat.js_")}
