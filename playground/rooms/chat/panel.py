"""The Chat panel: the controls. What is said stands in the page itself (`assets/chat.js`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from playground import text
from playground.rooms.chat import api
from playground.ui.context import Context
from playground.ui.html import escape, island
from playground.ui.precision_menu import precisions
from playground.ui.visitor import guard, in_every_language, tr

KEY = "chat"
PRESETS = {  # temperature, top_k, top_p, min_p, repetition penalty
    "precise": (0.0, 0, 1.0, 0.0, 1.0),
    "balanced": (0.7, 0, 0.9, 0.0, 1.05),
    "creative": (1.1, 0, 1.0, 0.05, 1.05),
}
LARGER = ("HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-0.5B-Instruct")  # one click from the tutor
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}


streams = api.streams


def models(context: Context) -> list[str]:
    """What the menu offers, what needs no download first."""
    return [card.name for card in context.catalog.offered("causal")]


def default(context: Context) -> str:
    """The first that is here; by its name even where none is."""
    return next(iter(models(context)), "")


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab, and its endpoints."""
    gr.HTML(in_every_language("chat.intro_html", _intro), padding=False)
    with gr.Row(elem_classes="chat-panel"):
        with gr.Column(scale=2, min_width=280, elem_classes="pg-controls"):
            controls, model = _controls(context)
        with gr.Column(scale=5, min_width=320):
            gr.HTML(in_every_language("chat.frame_html", _frame), padding=False, elem_id="chat-frame")
            box = gr.Textbox(
                label=tr("chat.message"), placeholder=tr("chat.message_hint"), lines=2, max_lines=12,
                elem_id="chat-box", submit_btn=False,
            )  # fmt: skip
            with gr.Row(elem_classes="pg-actions"):
                send = gr.Button(tr("chat.send"), variant="primary", min_width=90, elem_id="chat-send")
                stop = gr.Button(tr("shell.stop"), min_width=70, elem_id="chat-stop")
                for name in ("regenerate", "continue", "undo", "clear"):
                    gr.Button(tr(f"chat.{name}"), min_width=70, elem_id=f"chat-{name}").click(
                        None, controls, None, js=_with_controls(f"act('{name}')"), **QUIET
                    )
            _hood(context)
            _beside(context, controls)
    keep = "(...values) => { window.playground.chat.keep(values); }"  # for the parts below, which only look
    gr.on([each.change for each in controls], None, controls, None, js=keep, **QUIET)
    app.load(None, controls, None, js=keep, **QUIET)
    app.load(
        guard(lambda: gr.Dropdown(models(context))), None, model,  # what is chosen in it stays
        api_visibility="private", show_progress="hidden",
    )  # fmt: skip
    say = _with_controls("send(said)", "said, ")
    gr.on([send.click, box.submit], None, [box, *controls], box, js=say, **QUIET)
    stop.click(None, None, None, js="() => window.playground.chat.act('stop')", **QUIET)
    api.build(context)


def _with_controls(act: str, before: str = "") -> str:
    """A script for what the conversation does with the controls as they stand: also of a tab just opened."""
    chat = "window.playground.chat"
    return f"({before}...values) => {{ {chat}.keep(values); return {chat}.{act}; }}"


def _controls(context: Context) -> tuple[list[Any], Any]:
    """Model, precision, system prompt and settings, in the order that `assets/chat.js` keeps them."""
    model = gr.Dropdown(
        models(context), value=default(context), allow_custom_value=True, label=tr("chat.model"),
        info=tr("models.which_info"), elem_id="chat-model",
    )  # fmt: skip
    gr.HTML(in_every_language("chat.tutor_html", _tutor), padding=False)
    if not context.settings.offline:
        with gr.Row(elem_classes="pg-samples"):
            for name in LARGER:
                gr.Button(name.partition("/")[2], size="sm", min_width=80).click(
                    None, None, model, js=f"() => {json.dumps(name)}", **QUIET
                )
    precision = precisions(context, model, elem_id="chat-precision")
    system = gr.Textbox(
        label=tr("chat.system"), placeholder=tr("chat.system_hint"), lines=2, elem_id="chat-system"
    )
    with gr.Row(elem_classes="pg-samples"):
        buttons = {
            name: gr.Button(tr(f"chat.preset_{name}"), size="sm", min_width=80, elem_id=f"chat-{name}")
            for name in PRESETS
        }
    temperature = gr.Slider(
        0, 2, 0.0, step=0.05, label=tr("chat.temperature"), info=tr("chat.temperature_info")
    )
    with gr.Accordion(tr("chat.more"), open=False):
        most = gr.Slider(1, 1024, 256, step=1, label=tr("chat.max_new_tokens"))
        top_k = gr.Slider(0, 200, 0, step=1, label="top-k", info=tr("chat.top_k_info"))
        top_p = gr.Slider(0, 1, 1.0, step=0.01, label="top-p", info=tr("chat.top_p_info"))
        min_p = gr.Slider(0, 1, 0.0, step=0.01, label="min-p", info=tr("chat.min_p_info"))
        penalty = gr.Slider(
            0.5, 2, 1.0, step=0.05, label=tr("chat.repetition_penalty"), info=tr("chat.penalty_info")
        )
        seed = gr.Number(
            -1, precision=0, label=tr("chat.seed"), info=tr("chat.seed_info"), elem_id="chat-seed"
        )
    five = [temperature, top_k, top_p, min_p, penalty]
    for name, values in PRESETS.items():
        buttons[name].click(None, None, five, js=f"() => {json.dumps(values)}", **QUIET)
    return [model, precision, system, most, temperature, top_k, top_p, min_p, penalty, seed], model


def _hood(context: Context) -> None:
    """The prompt that the model really reads, one click away."""
    with gr.Accordion(tr("chat.hood"), open=False, elem_id="chat-hood") as hood:
        gr.HTML('<div id="chat-hood-view"></div>', padding=False)
    hood.expand(None, None, None, js="() => window.playground.chat.act('hood')", **QUIET)
    with gr.Accordion(tr("chat.lesson_title"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.chat"))


def _beside(context: Context, controls: list[Any]) -> None:
    """The same prompt and seed under other settings."""
    with gr.Accordion(tr("chat.beside"), open=False, elem_id="chat-beside"):
        gr.HTML(in_every_language("chat.beside_html", _beside_hint), padding=False)
        with gr.Row():
            model = gr.Dropdown(
                models(context), value=default(context), allow_custom_value=True, label=tr("chat.model"),
                min_width=160,
            )  # fmt: skip
            precision = precisions(context, model, min_width=180)
            temperature = gr.Slider(0, 2, 0.7, step=0.05, label=tr("chat.temperature"), min_width=160)
            top_p = gr.Slider(0, 1, 1.0, step=0.01, label="top-p", min_width=160)
        go = gr.Button(tr("chat.compare"), min_width=120, elem_id="chat-compare")
        gr.HTML('<div id="chat-two" class="chat-two"></div>', padding=False)
    go.click(
        None, [model, precision, temperature, top_p], None,
        js="(...values) => window.playground.chat.compare(values)", **QUIET,
    )  # fmt: skip


def _tutor(lang: str) -> str:
    return f'<p class="pg-note">{escape(text.say("chat.tutor_note", lang))}</p>'


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
        f'<div class="chat" data-lang="{lang}">{island(words)}'
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
