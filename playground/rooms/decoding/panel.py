"""The Decoding tab: widgets and wiring. What they do is in `actions` and `lab`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import text
from playground.rooms.decoding import api, lab, request
from playground.rooms.decoding import example as decoding_example
from playground.rooms.decoding.actions import Newest, Request, Shown, compare, decoding_queue, shown, unasked
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.precision_menu import precisions
from playground.ui.visitor import from_page, guard, in_every_language, language, page, query, tr

KEY = "decoding"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
SAMPLES = 4


@dataclass(frozen=True)
class Controls:
    """The widgets at the left."""

    box: gr.Textbox
    model: gr.Dropdown
    precision: gr.Radio
    go: gr.Button
    stop: gr.Button
    samples: list[gr.Button]
    asked: list[Any]  # what a comparison reads, in the order of `_asked`


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab, and its endpoint."""
    api.build(context)
    gr.HTML(tr("decoding.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            at = _controls(context)
        with gr.Column(scale=9, min_width=300, elem_classes="pg-result"):
            status = gr.HTML(padding=False, elem_id="dec-status", elem_classes="pg-maybe")
            with gr.Tabs(elem_id="dec-tabs", overflow_behavior="wrap"):
                with gr.Tab(tr("decoding.tab_compare"), id="compare"):
                    continuations = gr.HTML(padding=False, elem_id="dec-view", min_height=320)
                with gr.Tab(tr("decoding.tab_tree"), id="tree"):
                    tree = gr.HTML(padding=False, elem_id="dec-tree", min_height=200)
                with gr.Tab(tr("decoding.tab_filters"), id="filters"):
                    walk = gr.HTML(padding=False, elem_id="dec-filters", min_height=200)
                with gr.Tab(tr("decoding.tab_lab"), id="lab"):
                    lab.build(context, [at.box, at.model, at.precision])
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.decoding"))
    _wire(context, app, at, [status, continuations, tree, walk])


def _controls(context: Context) -> Controls:
    names = [card.name for card in context.catalog.offered("causal")]
    box = gr.Textbox(
        label=tr("decoding.prompt"), placeholder=tr("decoding.prompt_hint"), lines=2, max_lines=8,
        elem_id="dec-text",
    )  # fmt: skip
    with gr.Row(elem_classes="pg-samples"):
        samples = [_sample_button(place) for place in range(SAMPLES)]
    model = gr.Dropdown(
        names, value=next(iter(names), ""), allow_custom_value=True, label=tr("decoding.model"),
        info=tr("models.which_info"), elem_id="dec-model",
    )  # fmt: skip
    with gr.Row(elem_classes="dec-run"):
        go = gr.Button(tr("decoding.go"), variant="primary", min_width=150, elem_id="dec-go")
        stop = gr.Button(tr("shell.stop"), min_width=60, elem_id="dec-stop")
    with gr.Column(elem_classes="pg-late"):
        most = gr.Slider(2, 64, 24, step=1, label=tr("decoding.most"), elem_id="dec-most")
        width = gr.Slider(
            1, 8, 4, step=1, label=tr("decoding.beams"), info=tr("decoding.beams_info"), elem_id="dec-beams"
        )
    with gr.Accordion(tr("decoding.yours"), open=True, elem_classes="pg-late"):
        temperature = gr.Slider(
            0, 2, 0.8, step=0.05, label=tr("decoding.temperature"), info=tr("decoding.temperature_info"),
            elem_id="dec-temperature",
        )  # fmt: skip
        top_k = gr.Slider(0, 200, 40, step=1, label="top-k", info=tr("decoding.top_k_info"), elem_id="dec-k")
        top_p = gr.Slider(0, 1, 0.9, step=0.01, label="top-p", info=tr("decoding.top_p_info"))
        min_p = gr.Slider(0, 1, 0.05, step=0.01, label="min-p", info=tr("decoding.min_p_info"))
        penalty = gr.Slider(
            0.5, 2, 1.1, step=0.05, label=tr("decoding.repetition"), info=tr("decoding.repetition_info")
        )
        seed = gr.Number(3, precision=0, label=tr("decoding.seed"), elem_id="dec-seed")
    with gr.Accordion(tr("decoding.more"), open=False, elem_classes="pg-late"):
        chat = gr.Checkbox(False, label=tr("decoding.chat"), info=tr("decoding.chat_info"))
        precision = precisions(context, model)
        stops = gr.Textbox(
            value="", label=tr("decoding.stops"), info=tr("decoding.stops_info"), lines=2, elem_id="dec-stops"
        )
        with gr.Row():
            first = gr.Number(1, precision=0, label=tr("decoding.seeds_first"), min_width=120)
            second = gr.Number(2, precision=0, label=tr("decoding.seeds_second"), min_width=120)
        length = gr.Slider(
            -2, 4, 1.0, step=0.1, label=tr("decoding.length_penalty"), info=tr("decoding.length_penalty_info")
        )
        early = gr.Checkbox(False, label=tr("decoding.early"), info=tr("decoding.early_info"))
    asked = [box, model, chat, precision, most, temperature, top_k, top_p, min_p, penalty, seed, stops]
    return Controls(box, model, precision, go, stop, samples, [*asked, width, length, early, first, second])


def _asked(values: tuple[Any, ...]) -> Request:
    """The widgets' values, checked."""
    prompt, model, chat, precision, *how = values
    (*yours, width, length, early, first, second) = how
    plan = request.plan(request.settings(*yours), request.beams(width, length, early), (first, second))
    return Request(request.prompt(prompt), bool(chat), model, precision or "", plan)


def brought(carried: str, model: str, standing: list[Any]) -> tuple[str, str, list[Any]]:
    """Prompt, model and the other controls as the page before held them, or as an address asks for them.

    Args:
        carried: what ``playground.carried`` gives: JSON of a page, which may be of an older version.
        model, standing: what holds where nothing was brought; a prompt is "" then.
    """
    if not carried:
        address = query() if query().get("tab") == KEY else {}
        return address.get("text", ""), address.get("model") or model, list(standing)
    held = from_page(carried)
    others = held.get("others")
    if not isinstance(others, list) or len(others) != len(standing):
        others = standing
    found = [each if _alike(each, usual) else usual for each, usual in zip(others, standing, strict=True)]
    return str(held.get("text") or ""), str(held.get("name") or model), found


def _alike(value: Any, usual: Any) -> bool:
    """A widget can hold it: of its kind; an emptied box of a number holds nothing."""
    if isinstance(usual, bool) or isinstance(value, bool):
        return isinstance(usual, bool) and isinstance(value, bool)
    if isinstance(usual, int | float):
        return value is None or isinstance(value, int | float)
    return value is None or isinstance(value, str)


def _sample_button(place: int) -> gr.Button:
    named = in_every_language(f"decoding.sample_{place}", lambda lang: _sample(lang, place))
    return gr.Button(named, size="sm", min_width=40)


def _sample(lang: str, place: int) -> str:
    return text.say("decoding.samples", lang).split("\n")[place]


def _wire(context: Context, app: gr.Blocks, at: Controls, outputs: list[Any]) -> None:
    # A second start is no error and waits for nobody: `Newest` ends the run before.
    queue = decoding_queue(context) | {"trigger_mode": "multiple"}
    newest = Newest()

    def run(*values: Any) -> Iterator[Shown]:
        yield from newest.only(page(), compare(context, lambda: _asked(values)))

    standing = [each.value for each in at.asked[2:]]  # as the widgets are built

    def opening(carried: str) -> tuple[Any, ...]:
        """The worked example, as shipped; or what the page before held, which nobody has decoded yet."""
        lang = language()
        example = decoding_example.shipped(lang)
        offered = [card.name for card in context.catalog.offered("causal")]
        first = next(iter(offered), "")
        prompt, model, others = brought(carried, first, standing)
        prompt = prompt[: context.settings.text_limit]
        plain = model == example.model and others == standing
        if plain and prompt in (decoding_example.shipped(each).text for each in text.LANGUAGES):
            prompt = ""  # an example of another language, left as it stood
        drawn = unasked(lang) if prompt or not plain else shown(example, lang)
        return prompt or example.text, gr.Dropdown(offered, value=model), *others, "", *drawn

    runs = [gr.on([at.go.click, at.box.submit], guard(run), at.asked, outputs, **QUIET, **queue)]
    for place, sample in enumerate(at.samples):
        filled = sample.click(lambda n=place: _sample(language(), n), None, at.box, **QUIET, queue=False)
        runs.append(filled.then(guard(run), at.asked, outputs, **QUIET, **queue))
    at.stop.click(None, None, None, cancels=runs, **QUIET).then(
        guard(lambda: note(text.say("decoding.stopped", language()))), None, outputs[0], **QUIET
    )
    remember = "(t, n, ...o) => { playground.remember('decoding', {text: t, name: n, others: o}); }"
    gr.on([each.change for each in at.asked], None, at.asked, None, js=remember, **QUIET)
    app.load(
        guard(opening),
        gr.Textbox(visible=False),
        [*at.asked, *outputs],
        js="() => [playground.carried('decoding')]",
        **QUIET,
    ).then(None, at.asked, None, js=remember, **QUIET)  # also of a tab that nobody opens
