"""The Chat panel: the conversation's place, and below it the composer with what folds out of it. What is said
stands in the page itself (`assets/chat/chat.js`), which also hears the buttons; replies come by `streams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
from playground.ui.way_on import way_on

KEY = "chat"
MODEL = "tutor"  # comes with the app
PRESETS = {
    "precise": (0.0, 0, 1.0, 0.0, 1.0),
    "balanced": (0.7, 0, 0.9, 0.0, 1.05),
    "creative": (1.1, 0, 1.0, 0.05, 1.05),
}
PRESET = ("chat.temperature", "chat.top_k", "chat.top_p", "chat.min_p", "chat.repetition_penalty")
LARGER = ("Qwen/Qwen2.5-0.5B-Instruct",)  # a click away, on the Hub
# What pressing a button sets, by what follows "chat-" in its id.
SETS: dict[str, dict[str, Any]] = {
    **{name: dict(zip(PRESET, values, strict=True)) for name, values in PRESETS.items()},
    **{f"larger-{number}": {"chat.model": name} for number, name in enumerate(LARGER)},
}
# Lines of 24 by 24, drawn by the page's script, and here where a button stands before it runs.
ICONS = {
    "copy": "M9 9h10v10H9zM15 9V5H5v10h4",
    "edit": "M4 20h4L19 9l-4-4L4 16z",
    "again": "M19.5 13A7.5 7.5 0 1 1 17.3 6.7L20 9M20 4v5h-5",
    "proceed": "M5 6l6 6-6 6M13 6l6 6-6 6",
    "send": "M12 19V5M6 11l6-6 6 6",
    "stop": "M8 8h8v8H8z",
    "tune": "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
    "more": "M5 12h.01M12 12h.01M19 12h.01",
    "clear": "M12 5v14M5 12h14",
    "down": "M6 9l6 6 6-6",
}
MENU = ("markdown", "json", "modelfile", "open", "compare")

streams = api.streams


def build(context: Context) -> None:
    """The panel, inside its tab, and its endpoints."""
    api.build(context)
    with gr.Column(elem_classes="pg-inspects"), gr.Column(elem_classes="chat-panel"):
        frame = in_every_language("chat.frame_html", partial(_frame, context))
        gr.HTML(frame, padding=False, elem_id="chat-frame")
        with gr.Column(elem_id="chat-composer"):
            with gr.Column(elem_id="chat-choose", elem_classes="chat-drawer"):
                _choice(context)
            with gr.Column(elem_id="chat-settings", elem_classes="chat-drawer"):
                _settings()
            control("chat.message", gr.Textbox(
                label=tr("chat.message"), placeholder=tr("chat.message_hint"), lines=1, max_lines=10,
                elem_id="chat-box", submit_btn=False,
            ), private=True, shared="text")  # fmt: skip
            gr.HTML(in_every_language("chat.row_html", _row), padding=False, elem_id="chat-row")
        _beside()
        way_on("chat.try", "chat?temperature=1.5", "architecture.tab", "architecture/flow")
        with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
            gr.Markdown(tr("lessons.chat"))
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


def _choice(context: Context) -> None:
    """Which model writes, by which engine, in which number format."""
    control("chat.model", _models(info=tr("models.which_info")), query="model", shared="model")
    place("chat-models")
    if not context.settings.offline:
        gr.HTML(in_every_language("chat.larger_html", _larger), padding=False)
    control("chat.engine", gr.Radio(
        [(tr("chat.engine_visible"), "")], value="", label=tr("chat.engine"), info=tr("chat.engine_info_one"),
    ), varies=True)  # fmt: skip
    precision("chat.precision")


def _settings() -> None:
    """How it is to behave, and how it chooses its tokens."""
    # It stands in links, since whoever is sent one is to meet the same character; what is said never does.
    control("chat.system", gr.Textbox(
        label=tr("chat.system"), placeholder=tr("chat.system_hint"), lines=2,
    ))  # fmt: skip
    gr.HTML(in_every_language("chat.presets_html", _presets), padding=False)
    _slider("temperature", 0, 2, 0.0, 0.05, "chat.temperature", "chat.temperature_info")
    _slider("max_new_tokens", 1, 1024, 256, 1, "chat.max_new_tokens")
    with gr.Accordion(tr("chat.more"), open=False):
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


def _beside_hint(lang: str) -> str:
    return f'<p class="pg-note">{escape(text.say("chat.beside_hint", lang))}</p>'


def _larger(lang: str) -> str:
    told = escape(text.say("chat.larger", lang))
    buttons = "".join(
        f'<button type="button" class="chat-pick" id="chat-larger-{number}">{escape(name)}</button>'
        for number, name in enumerate(LARGER)
    )
    return f'<p class="chat-picks"><span>{told}</span>{buttons}</p>'


def _presets(lang: str) -> str:
    buttons = "".join(
        f'<button type="button" class="chat-pick" id="chat-{name}" data-preset="{name}">'
        f"{escape(text.say(f'chat.preset_{name}', lang))}</button>"
        for name in PRESETS
    )
    return f'<p class="chat-picks">{buttons}</p>'


def _row(lang: str) -> str:
    """Below what is typed: which model, its settings, how full its window is; Send, which becomes Stop."""
    say = partial(text.say, lang=lang)
    return (
        '<div class="chat-row"><button type="button" id="chat-pill" aria-expanded="false" '
        f'aria-controls="chat-choose" title="{escape(say("chat.model"))}"><span>{MODEL}</span>{_icon("down")}'
        '</button><button type="button" id="chat-tune" aria-expanded="false" aria-controls="chat-settings" '
        f'aria-label="{escape(say("chat.tune"))}">{_icon("tune")}<span>{escape(say("chat.tune"))}</span></button>'
        '<button type="button" id="chat-gauge" hidden><i></i><span></span></button>'
        f'<button type="button" id="chat-send" aria-label="{escape(say("chat.js_send"))}">{_icon("send")}'
        f"{_icon('stop')}</button></div>"
    )


def _frame(context: Context, lang: str) -> str:
    """The conversation's place, and the words that the page's script needs."""
    say = partial(text.say, lang=lang)
    words = {key.removeprefix("chat.js_"): said for key, said in _said(lang).items()}
    lists = {name: say(f"chat.cards_{name}").split("\n") for name in ("tutor", "other")}
    cards = {name: [line.split("|") for line in lines] for name, lines in lists.items()}
    first = context.first_model(lang)
    data = {"words": words, "sets": SETS, "icons": ICONS, "cards": cards, "first": first}
    says = {
        key: escape(say(f"chat.{key}"))
        for key in (
            "view",
            "view_text",
            "view_tokens",
            "colour",
            "clear",
            "menu",
            "greeting",
            "lead",
            "log",
            "inspector_hint",
        )
    }
    views = "".join(
        f'<button type="button" data-view="{name}">{says[f"view_{name}"]}</button>'
        for name in ("text", "tokens")
    )
    menu = "".join(
        f'<button type="button" role="menuitem" data-chat="{name}">'
        f"{escape(say(f'chat.menu_{name}'))}</button>"
        for name in MENU
    )
    return (
        f'<div class="chat empty" data-lang="{lang}" data-view="text" '
        f'data-inspector-hint="{says["inspector_hint"]}">{island(data)}<div class="chat-top">'
        f'<div class="chat-views" role="group" aria-label="{says["view"]}">{views}</div>'
        f'<span class="chat-legend" aria-hidden="true"><i></i>{says["colour"]}</span>'
        f'<button type="button" id="chat-clear">{_icon("clear")}<span>{says["clear"]}</span></button>'
        f'<button type="button" id="chat-more" popovertarget="chat-menu" aria-haspopup="menu" '
        f'aria-expanded="false" aria-label="{says["menu"]}">{_icon("more")}</button>'
        f'<div class="chat-menu" id="chat-menu" role="menu" popover>{menu}</div>'
        f'<input type="file" class="chat-import" accept=".json,application/json" hidden></div>'
        f'<div class="chat-greet"><h2>{says["greeting"]}</h2><p>{says["lead"]}</p>'
        f'<div class="chat-cards"></div></div>'
        f'<div class="chat-log" role="log" aria-live="polite" aria-label="{says["log"]}"></div>'
        f'<div class="chat-notes"></div><div class="chat-status" role="status"></div>'
        f'<div class="chat-end"></div></div>'
    )


def _icon(name: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true" class="{name}"><path d="{ICONS[name]}"/></svg>'


def _said(lang: str) -> Mapping[str, str]:
    return {key: said for key, said in text.catalogue(lang).items() if key.startswith("chat.js_")}
