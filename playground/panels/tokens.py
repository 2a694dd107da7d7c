"""The Tokens tab: widgets and wiring. What they do is in `tokens_actions`, the endpoints in `tokens_api`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground import examples, text
from playground.panels import Context, tokens_api
from playground.panels.tokens_actions import DEFAULTS, MOST, TokensActions
from playground.panels.visitor import TOKENIZING, guard, language, query, tr
from playground.subjects import tokens
from playground.views import tokens as tokens_view

KEY = "tokens"
SAMPLES = ("words", "spaces", "numbers", "chinese", "emoji", "arabic", "code")
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
    **TOKENIZING,
}
SHOWING = {**QUIET, "show_progress": "minimal"}


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab."""
    do = TokensActions(context)
    tokens_api.build(do)
    gr.HTML(tr("tokens.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            box = gr.Textbox(
                label=tr("tokens.text"),
                lines=5,
                max_lines=14,
                elem_id="tok-text",
                placeholder=tr("tokens.text_hint"),
            )
            with gr.Row(elem_classes="pg-samples"):
                samples = [
                    gr.Button(tr(f"tokens.sample_{name}"), size="sm", min_width=40) for name in SAMPLES
                ]
            names = gr.Dropdown(
                do.names(), value=list(DEFAULTS), multiselect=True, max_choices=MOST, allow_custom_value=True,
                label=tr("tokens.tokenizers"), info=tr("tokens.tokenizers_info"), elem_id="tok-names",
            )  # fmt: skip
            special = gr.Checkbox(True, label=tr("tokens.special"), info=tr("tokens.special_info"))
            page = gr.Slider(1, 2, 1, step=1, label=tr("tokens.page"), visible=False, elem_id="tok-page")
            with gr.Row(elem_classes="pg-actions"):
                upload = gr.UploadButton(tr("tokens.upload"), file_types=[".json"], size="sm", min_width=120)
                share = gr.Button(tr("shell.copy_link"), size="sm", min_width=80)
            one = gr.Dropdown(
                do.names(), value="mistral-v1", allow_custom_value=True, label=tr("tokens.closer"),
                info=tr("tokens.closer_info"), elem_id="tok-one",
            )  # fmt: skip
        with gr.Column(scale=9, min_width=300, elem_classes="pg-result"), gr.Tabs(elem_id="tok-tabs"):
            with gr.Tab(tr("tokens.tab_compare"), id="compare"):
                view = gr.HTML(elem_id="tok-view", padding=False, min_height=320)
                with gr.Accordion(tr("tokens.languages"), open=True, elem_id="tok-languages"):
                    chart = gr.HTML(padding=False)
            with gr.Tab(tr("tokens.tab_steps"), id="steps") as steps_tab:
                walk = gr.HTML(padding=False)
                with gr.Accordion(tr("tokens.batch"), open=True):
                    with gr.Row():
                        lines = gr.Textbox(label=tr("tokens.batch_lines"), lines=3, scale=3)
                        side = gr.Radio(
                            [(tr("tokens.side_right"), "right"), (tr("tokens.side_left"), "left")],
                            value="right", label="padding_side", scale=1, min_width=160,
                        )  # fmt: skip
                    grid = gr.HTML(padding=False)
            with gr.Tab(tr("tokens.tab_vocabulary"), id="vocabulary") as vocabulary_tab:
                with gr.Row():
                    wanted = gr.Textbox(label=tr("tokens.search"), value="token", scale=1, min_width=220)
                    numbers = gr.Textbox(
                        label=tr("tokens.ids"),
                        value="1, 22557, 3304, 28808",
                        scale=1,
                        min_width=220,
                        elem_id="tok-ids",
                    )
                with gr.Row():
                    hits = gr.HTML(padding=False)
                    decoded = gr.HTML(padding=False)
                with gr.Accordion(tr("tokens.facts"), open=True):
                    facts = gr.HTML(padding=False)
            with gr.Tab(tr("tokens.tab_merges"), id="merges") as merges_tab:
                word = gr.Textbox(label=tr("tokens.word"), value="tokenization", elem_id="tok-word")
                replay = gr.HTML(padding=False)
                with gr.Accordion(tr("tokens.train"), open=True):
                    corpus = _training(do, box, names, one)
            with gr.Tab(tr("tokens.tab_chat"), id="chat") as chat_tab:
                with gr.Row():
                    system = gr.Textbox(label=tr("tokens.source_system"), lines=2, min_width=220)
                    user = gr.Textbox(label=tr("tokens.source_user"), lines=2, min_width=220)
                with gr.Row():
                    assistant = gr.Textbox(label=tr("tokens.source_assistant"), lines=2, min_width=220)
                    again = gr.Textbox(label=tr("tokens.source_user"), lines=2, min_width=220)
                generation = gr.Checkbox(
                    True, label=tr("tokens.generation"), info=tr("tokens.generation_info")
                )
                prompt = gr.HTML(padding=False)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.tokens"))

    def compare(text_: str, names_: list[str], special_: bool, page_: float) -> tuple[str, Any]:
        shown, parts = do.compare(text_, names_, special_, page_)
        return shown, gr.Slider(maximum=max(parts, 2), visible=parts > 1)

    compare_inputs, compare_outputs = [box, names, special, page], [view, page]
    box.change(guard(compare), compare_inputs, compare_outputs, **QUIET)
    page.release(guard(compare), compare_inputs, compare_outputs, **SHOWING)
    gr.on([names.change, special.change], guard(compare), compare_inputs, compare_outputs, **SHOWING)
    names.change(guard(do.languages), names, chart, **QUIET)

    chosen = [box, one, special]
    gr.on([steps_tab.select, box.change, one.change, special.change], guard(do.steps), chosen, walk, **QUIET)
    batch_inputs = [lines, one, side, special]
    gr.on(
        [steps_tab.select, lines.change, one.change, side.change, special.change],
        guard(do.batch), batch_inputs, grid, **QUIET,
    )  # fmt: skip
    gr.on([vocabulary_tab.select, one.change], guard(do.facts), one, facts, **QUIET)
    gr.on([vocabulary_tab.select, wanted.change, one.change], guard(do.search), [wanted, one], hits, **QUIET)
    gr.on([vocabulary_tab.select, numbers.change], guard(do.decode), [numbers, one], decoded, **QUIET)
    gr.on([merges_tab.select, word.change, one.change], guard(do.replay), [word, one], replay, **QUIET)
    messages = [system, user, assistant, again]
    chat_inputs = [*messages, one, generation]
    gr.on(
        [chat_tab.select, *(each.change for each in messages), one.change, generation.change],
        guard(do.chat), chat_inputs, prompt, **QUIET,
    )  # fmt: skip

    for name, button in zip(SAMPLES, samples, strict=True):
        button.click(lambda name=name: text.say(f"tokens.example_{name}", language()), None, box, **QUIET)
    upload.upload(guard(do.upload), [upload, names], [names, one], **SHOWING)
    share.click(None, [box, names, special], None, js="(t, n, s) => playground.share('tokens', t, n, s)")

    def opening(carried: str) -> tuple[Any, ...]:
        """The worked example, or what the address or the page before brought along."""
        lang, asked = language(), query()
        brought = carried or asked.get("text", "")
        with_names = [n for n in asked.get("with", "").split(",") if n][:MOST] or list(DEFAULTS)
        shipped = examples.tokenized(lang)
        texts = [text.say(f"tokens.example_{key}", lang) for key in ("system", "user", "assistant", "again")]
        shown = tokens_view.compare(shipped, tokens.agreement(shipped), lang)
        filled = [text.say(f"tokens.{key}", lang) for key in ("example_lines", "train_example")]
        first = brought[: context.settings.text_limit] or shipped[0].text
        chart_ = examples.languages_chart(lang)
        return first, with_names, asked.get("special") != "0", shown, chart_, *filled, *texts

    app.load(
        guard(opening),
        gr.Textbox(visible=False),
        [box, names, special, view, chart, lines, corpus, *messages],
        js="() => [playground.carried('tokens')]",
        **{**QUIET, "trigger_mode": "once"},
    )


def _training(do: TokensActions, box: gr.Textbox, names: gr.Dropdown, one: gr.Dropdown) -> gr.Textbox:
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

    def train(*given: Any) -> Iterator[tuple[Any, Any, Any]]:
        for shown, name, path in do.train(*given):
            yield shown, name or gr.skip(), gr.DownloadButton(value=path, visible=True) if path else gr.skip()

    running = go.click(guard(train), [corpus, algorithm, size, box, names], [result, one, file], **SHOWING)
    stop.click(None, None, None, cancels=[running], api_visibility="private")
    return corpus
