"""The Next token panel: the controls. What was tried stands in the page itself (`assets/next.js`)."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground import text
from playground.rooms.next_token import api, example
from playground.ui.context import Context
from playground.ui.html import escape, island
from playground.ui.precision_menu import precisions
from playground.ui.visitor import guard, in_every_language, tr

KEY = "next_token"
SAMPLES = ("capital", "opposite", "story", "chinese", "emoji")
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
JS = "window.playground.next"

streams = api.streams


def models(context: Context) -> list[str]:
    """What the menu offers."""
    return [card.name for card in context.catalog.offered("causal")]


def default(context: Context) -> str:
    """The first that is here."""
    return next(iter(models(context)), "")


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab, and its endpoints."""
    gr.HTML(tr("next_token.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel", elem_id="next-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            controls, menu = _controls(context)
        with gr.Column(scale=9, min_width=300, elem_classes="pg-result"):
            gr.HTML(in_every_language("next_token.frame_html", _frame), padding=False, elem_id="next-frame")
            _below(context, menu)
    keep = f"(...values) => {{ {JS}.keep(values); }}"
    gr.on([each.change for each in controls], None, controls, None, js=keep, **QUIET)
    app.load(None, controls, None, js=keep, **QUIET)
    others = [each for each in controls if each is not menu[0]]
    app.load(None, others, others, js=f"(...values) => {JS}.carried(...values)", **QUIET)

    def offered(carried: str = "") -> gr.Dropdown:
        return gr.Dropdown(models(context), value=carried or default(context))

    loads: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    brought = gr.Textbox(visible=False)
    app.load(guard(offered), brought, menu[0], js=f"() => [{JS}.carriedModel()]", **loads)
    for each in menu[1:]:
        app.load(guard(lambda: gr.Dropdown(models(context))), None, each, **loads)  # what is chosen stays
    api.build(context)


def _controls(context: Context) -> tuple[list[Any], list[Any]]:
    """Prompt, model and settings, in the order that `assets/next.js` keeps them."""
    prompt = gr.Textbox(
        example.LOOK["prompt"], label=tr("next_token.prompt"), lines=2, max_lines=10,
        elem_id="next-prompt", placeholder=tr("next_token.prompt_hint"),
    )  # fmt: skip
    with gr.Row(elem_classes="pg-samples"):
        for name in SAMPLES:
            button = gr.Button(tr(f"next_token.sample_{name}"), size="sm", min_width=40)
            button.click(None, None, prompt, js=f"() => {JS}.sample('{name}')", **QUIET)
    with gr.Column(elem_classes="pg-late", min_width=160):
        model = gr.Dropdown(
            models(context), value=default(context), allow_custom_value=True, label=tr("next_token.model"),
            info=tr("models.which_info"), elem_id="next-model",
        )  # fmt: skip
    with gr.Column(elem_classes="pg-late", min_width=160):
        temperature = gr.Slider(
            0, 3, 1.0, step=0.05, label=tr("next_token.temperature"), info=tr("next_token.temperature_info"),
            elem_id="next-temperature",
        )  # fmt: skip
        top_k = gr.Slider(
            0, 200, 0, step=1, label="top-k", info=tr("next_token.top_k_info"), elem_id="next-top-k"
        )
        top_p = gr.Slider(
            0, 1, 1.0, step=0.01, label="top-p", info=tr("next_token.top_p_info"), elem_id="next-top-p"
        )
    with gr.Accordion(tr("next_token.more"), open=False, elem_classes="pg-late"):
        min_p = gr.Slider(0, 1, 0.0, step=0.01, label="min-p", info=tr("next_token.min_p_info"))
        chat = gr.Checkbox(False, label=tr("next_token.chat"), info=tr("next_token.chat_info"))
        count = gr.Slider(5, 200, 15, step=5, label=tr("next_token.count"))
        seed = gr.Number(-1, precision=0, label=tr("next_token.seed"), info=tr("next_token.seed_info"))
        precision = precisions(context, model)
    controls = [prompt, model, precision, chat, temperature, top_k, top_p, min_p, count, seed]
    prompt.submit(None, None, None, js=f"() => {JS}.act('look')", **QUIET)
    return controls, [model]


def _below(context: Context, menu: list[Any]) -> None:
    """What is folded: each part asks for its content when it is opened."""
    for name in ("walk", "lens", "attention"):
        with gr.Accordion(tr(f"next_token.{name}"), open=False, elem_id=f"next-{name}") as part:
            gr.HTML(in_every_language(f"next_token.{name}_html", _hint(name)), padding=False)
        part.expand(None, None, None, js=f"() => {JS}.open('{name}')", **QUIET)
    with gr.Accordion(tr("next_token.beside"), open=False, elem_id="next-beside") as part:
        gr.HTML(in_every_language("next_token.beside_html", _hint("beside", place=False)), padding=False)
        with gr.Row():
            model = gr.Dropdown(
                models(context), value=default(context), allow_custom_value=True,
                label=tr("next_token.model"), min_width=160, elem_id="next-beside-model",
            )  # fmt: skip
            precision = precisions(context, model, min_width=180)
            temperature = gr.Slider(0, 3, 0.5, step=0.05, label=tr("next_token.temperature"), min_width=150)
            top_p = gr.Slider(0, 1, 1.0, step=0.01, label="top-p", min_width=150)
        go = gr.Button(tr("next_token.compare"), min_width=120, elem_id="next-compare")
        gr.HTML('<div id="next-beside-view" class="nx-two"></div>', padding=False)
        asked: list[Any] = [model, precision, temperature, top_p]
        go.click(None, asked, None, js=f"(...values) => {JS}.compare(values)", **QUIET)
        changes = [each.change for each in asked]
        gr.on(changes, None, asked, None, js=f"(...values) => {JS}.recompare(values)", **QUIET)
        menu.append(model)
    part.expand(None, None, None, js=f"() => {JS}.open('beside')", **QUIET)
    with gr.Accordion(tr("next_token.learning"), open=False, elem_id="next-learning") as part:
        gr.HTML(in_every_language("next_token.learning_html", _hint("learning")), padding=False)
    part.expand(None, None, None, js=f"() => {JS}.open('learning')", **QUIET)
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
    data = {"words": words, "samples": samples, "example": example.shipped()}
    parts = "".join(
        f'<div class="nx-{name}"{more}></div>'
        for name, more in (
            ("text", ' dir="auto"'), ("status", ' role="status"'),
            ("note", ""), ("stages", ' role="group"'), ("legend", ""), ("chart", ""),
            ("acts", ""), ("tree", ""), ("find", ""),
        )
    )  # fmt: skip
    return f'<div class="nx" data-lang="{lang}">{island(data)}{parts}</div>'
