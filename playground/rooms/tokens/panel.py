"""The Tokens tab: widgets and wiring. What they do is in `actions`, the endpoints in `api`.

One function a sub-tab; each makes its widgets and wires them to the controls that all of them share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import text
from playground.engine.tokenizers import tokenize
from playground.errors import PlaygroundError
from playground.rooms.tokens import api, example
from playground.rooms.tokens import view as tokens_view
from playground.rooms.tokens.actions import DEFAULTS, MOST, TokensActions
from playground.ui.context import Context
from playground.ui.files import outgoing
from playground.ui.visitor import TOKENIZING, from_page, guard, in_place, language, query, tr

KEY = "tokens"
SAMPLES = ("words", "spaces", "numbers", "chinese", "emoji", "arabic", "code")
TALK = ("system", "user", "assistant", "again")
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
    **TOKENIZING,
}
UNLESS_WRITTEN = (
    "(own, fresh, given) => fresh && (!own.trim() || own === given) ? [fresh, fresh] : [own, given]"
)
SHOWING = {**QUIET, "show_progress": "minimal"}


@dataclass(frozen=True)
class Controls:
    """The widgets at the left, which every sub-tab reads."""

    box: gr.Textbox
    names: gr.Dropdown
    special: gr.Checkbox
    page: gr.Slider
    one: gr.Dropdown


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab."""
    do = TokensActions(context)
    api.build(do)
    gr.HTML(tr("tokens.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            controls = _controls(do)
        with (
            gr.Column(scale=9, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="tok-tabs", overflow_behavior="wrap"),
        ):
            with gr.Tab(tr("tokens.tab_compare"), id="compare"):
                view, chart = _compare(do, controls)
            with gr.Tab(tr("tokens.tab_steps"), id="steps") as tab:
                _steps(do, controls, tab)
            with gr.Tab(tr("tokens.tab_vocabulary"), id="vocabulary") as tab:
                _vocabulary(do, controls, tab)
            with gr.Tab(tr("tokens.tab_merges"), id="merges") as tab:
                _merges(do, controls, tab)
            with gr.Tab(tr("tokens.tab_chat"), id="chat") as tab:
                _chat(do, controls, tab)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.tokens"))

    def opening(carried: str) -> tuple[Any, ...]:
        """The worked example, as shipped; or what the address or the page before brought along."""
        lang, asked = language(), query()
        shipped = example.tokenized(lang)
        brought: dict[str, Any] = from_page(carried) if carried else {
            "text": asked.get("text", ""),
            "names": [name for name in asked.get("with", "").split(",") if name],
            "special": asked.get("special") != "0",
        }  # fmt: skip
        first = brought["text"][: context.settings.text_limit] or shipped[0].text
        with_names = brought["names"][:MOST] or list(DEFAULTS)
        shown = tokens_view.compare(shipped, tokenize.agreement(shipped), lang)
        # Asked anew at every visit: a folder put into the models folder is in the menus without a restart.
        menus = gr.Dropdown(do.choices(), value=with_names), gr.Dropdown(do.choices())
        return first, *menus, brought["special"], shown, example.languages_chart(lang)

    app.load(
        guard(opening),
        gr.Textbox(visible=False),
        [controls.box, controls.names, controls.one, controls.special, view, chart],
        js="() => [playground.carried('tokens')]",
        **{**QUIET, "trigger_mode": "once"},
    )


def _controls(do: TokensActions) -> Controls:
    box = gr.Textbox(
        label=tr("tokens.text"), lines=3, max_lines=14, elem_id="tok-text", placeholder=tr("tokens.text_hint")
    )
    with gr.Row(elem_classes="pg-samples"):
        for name in SAMPLES:
            sample = gr.Button(tr(f"tokens.sample_{name}"), size="sm", min_width=40)
            sample.click(lambda name=name: text.say(f"tokens.example_{name}", language()), None, box, **QUIET)
    names = gr.Dropdown(
        do.choices(), value=list(DEFAULTS), multiselect=True, max_choices=MOST, allow_custom_value=True,
        label=tr("tokens.tokenizers"), info=tr("tokens.tokenizers_info"), elem_id="tok-names",
    )  # fmt: skip
    one = gr.Dropdown(
        do.choices(), value="mistral-v1", allow_custom_value=True, label=tr("tokens.closer"),
        info=tr("tokens.closer_info"), elem_id="tok-one",
    )  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        upload = gr.UploadButton(tr("tokens.upload"), file_types=[".json"], size="sm", min_width=120)
        share = gr.Button(tr("shell.copy_link"), size="sm", min_width=80)
    special = gr.Checkbox(
        True, label=tr("tokens.special"), info=tr("tokens.special_info"), elem_id="tok-special"
    )
    page = gr.Slider(1, 2, 1, step=1, label=tr("tokens.page"), visible=False, elem_id="tok-page")

    def uploaded(file: str | None, chosen: list[str]) -> tuple[Any, Any]:
        shown, name = do.upload(file, chosen)
        return gr.Dropdown(do.choices(), value=shown), gr.Dropdown(do.choices(), value=name)

    upload.upload(guard(uploaded), [upload, names], [names, one], **SHOWING)
    share.click(None, None, None, js="() => playground.share('tokens')")
    remember = "(t, n, s) => { playground.remember('tokens', {text: t, names: n, special: s}); }"
    gr.on([box.change, names.change, special.change], None, [box, names, special], None, js=remember)
    return Controls(box, names, special, page, one)


def _compare(do: TokensActions, at: Controls) -> tuple[gr.HTML, gr.HTML]:
    view = gr.HTML(elem_id="tok-view", padding=False, min_height=320)
    with gr.Accordion(tr("tokens.languages"), open=True, elem_id="tok-languages"):
        chart = gr.HTML(padding=False)

    def compare(text_: str, names: list[str], special: bool, page: float) -> tuple[str, Any]:
        shown, parts = do.compare(text_, names, special, page)
        return shown, gr.Slider(maximum=max(parts, 2), visible=parts > 1)

    inputs, outputs = [at.box, at.names, at.special, at.page], [view, at.page]
    at.box.change(guard(compare), inputs, outputs, **QUIET)
    gr.on([at.names.change, at.special.change, at.page.change], guard(compare), inputs, outputs, **SHOWING)
    at.names.change(in_place(do.languages), at.names, chart, **QUIET)
    return view, chart


def _steps(do: TokensActions, at: Controls, tab: gr.Tab) -> None:
    walk = gr.HTML(padding=False)
    with gr.Accordion(tr("tokens.batch"), open=True):
        with gr.Row():
            lines = gr.Textbox(label=tr("tokens.batch_lines"), lines=3, scale=3)
            side = gr.Radio(
                [(tr("tokens.side_right"), "right"), (tr("tokens.side_left"), "left")],
                value="right", label="padding_side", scale=1, min_width=160,
            )  # fmt: skip
        grid = gr.HTML(padding=False)
    _fill(tab, [lines], ["example_lines"])
    triggers = [tab.select, at.box.change, at.one.change, at.special.change]
    gr.on(triggers, in_place(do.steps), [at.box, at.one, at.special], walk, **QUIET)
    triggers = [tab.select, lines.change, side.change, at.one.change, at.special.change]
    gr.on(triggers, in_place(do.batch), [lines, at.one, side, at.special], grid, **QUIET)


def _vocabulary(do: TokensActions, at: Controls, tab: gr.Tab) -> None:
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            wanted = gr.Textbox(label=tr("tokens.search"), value="token", elem_id="tok-search")
            hits = gr.HTML(padding=False)
        with gr.Column(scale=2, min_width=280):
            numbers = gr.Textbox(label=tr("tokens.ids"), elem_id="tok-ids")
            fresh, given = gr.Textbox(visible=False), gr.Textbox(visible=False)
            decoded = gr.HTML(padding=False)
    with gr.Accordion(tr("tokens.facts"), open=True):
        facts = gr.HTML(padding=False)
    gr.on([tab.select, at.one.change], in_place(do.facts), at.one, facts, **QUIET)
    gr.on([tab.select, at.one.change, wanted.change], in_place(do.search), [wanted, at.one], hits, **QUIET)
    numbers.change(in_place(do.decode), [numbers, at.one], decoded, **QUIET)

    def begin(name: str) -> str:
        try:
            return do.some_ids(name)
        except PlaygroundError:  # `decode`, which follows, tells it in its place
            return ""

    # Ids mean something under one tokenizer only: they change with it, unless the visitor wrote some. That is
    # decided in the page, where whoever types while these are on their way is not overwritten.
    begun = gr.on([tab.select, at.one.change], guard(begin), at.one, fresh, **QUIET)
    put = begun.then(None, [numbers, fresh, given], [numbers, given], js=UNLESS_WRITTEN)
    put.then(in_place(do.decode), [numbers, at.one], decoded, **QUIET)


def _merges(do: TokensActions, at: Controls, tab: gr.Tab) -> None:
    word = gr.Textbox(label=tr("tokens.word"), value="tokenization", elem_id="tok-word")
    replay = gr.HTML(padding=False)
    gr.on([tab.select, word.change, at.one.change], in_place(do.replay), [word, at.one], replay, **QUIET)
    with gr.Accordion(tr("tokens.train"), open=True, elem_id="tok-train"):
        _training(do, at, tab)


def _training(do: TokensActions, at: Controls, tab: gr.Tab) -> None:
    """Train your own: the visitor's text in, a tokenizer beside the famous ones out."""
    with gr.Row():
        corpus = gr.Textbox(label=tr("tokens.train_text"), lines=6, max_lines=10, scale=3, min_width=260)
        with gr.Column(scale=2, min_width=220):
            algorithm = gr.Radio(
                [("BPE", "bpe"), ("WordPiece", "wordpiece"), ("Unigram", "unigram")],
                value="bpe", label=tr("tokens.train_algorithm"),
            )  # fmt: skip
            size = gr.Slider(
                64, 8000, 600, step=1, label=tr("tokens.train_size"), info=tr("tokens.train_size_info")
            )
            with gr.Row():
                go = gr.Button(tr("tokens.train_go"), variant="primary", min_width=80)
                stop = gr.Button(tr("shell.stop"), min_width=60)
            file = gr.DownloadButton(tr("tokens.train_download"), visible=False)
    result = gr.HTML(padding=False)
    _fill(tab, [corpus], ["train_example"])

    def train(*given: Any) -> Iterator[tuple[Any, Any, Any]]:
        for shown, name, content in do.train(*given):
            if not name or not content:
                yield shown, gr.skip(), gr.skip()
                continue
            path = outgoing() / "tokenizer.json"
            path.write_text(content, encoding="utf-8")
            download = gr.DownloadButton(value=path, visible=True)
            yield shown, gr.Dropdown(do.choices(), value=name), download

    inputs = [corpus, algorithm, size, at.box, at.names]
    running = go.click(guard(train), inputs, [result, at.one, file], **SHOWING)
    stop.click(None, None, None, cancels=[running], api_visibility="private")


def _chat(do: TokensActions, at: Controls, tab: gr.Tab) -> None:
    talk: list[gr.Textbox] = []
    for pair in (TALK[:2], TALK[2:]):
        with gr.Row():
            for who in pair:
                label = tr(f"tokens.source_{'user' if who == 'again' else who}")
                talk.append(gr.Textbox(label=label, lines=2, min_width=220))
    generation = gr.Checkbox(True, label=tr("tokens.generation"), info=tr("tokens.generation_info"))
    prompt = gr.HTML(padding=False)
    _fill(tab, talk, [f"example_{who}" for who in TALK])
    triggers = [tab.select, *(each.change for each in talk), at.one.change, generation.change]
    gr.on(triggers, in_place(do.prompt), [*talk, at.one, generation], prompt, **QUIET)


def _fill(tab: gr.Tab, boxes: list[gr.Textbox], keys: list[str]) -> None:
    """Give boxes their worked example, in the visitor's language, when their tab is first opened."""

    def fill(*values: str) -> Any:
        if any(values):
            return [gr.skip()] * len(boxes) if len(boxes) > 1 else gr.skip()
        said = [text.say(f"tokens.{key}", language()) for key in keys]
        return said if len(said) > 1 else said[0]

    filler: Callable[..., Any] = guard(fill)
    tab.select(filler, boxes, boxes, **QUIET)
