"""The Tokens room: its controls, and which of them ask for what.

What is asked is answered in `answers`, the endpoints are in `api`.
"""

from __future__ import annotations

import gradio as gr

from playground.rooms.tokens import api, example, view_lanes
from playground.rooms.tokens.actions import SAMPLES, TALK, Answers
from playground.rooms.tokens.service import DEFAULTS, MOST, TokensService
from playground.ui.context import Context
from playground.ui.controls import control, movable, stored, view
from playground.ui.runs import Action, actions, place, upload
from playground.ui.visitor import tr
from playground.ui.way_on import way_on

KEY = "tokens"
VIEWS = ("compare", "steps", "vocabulary", "merges", "chat")
ONE = "mistral-v1"  # the tokenizer that the text stands in large
PARTS = 10_000  # more than the longest text comes in


def build(context: Context) -> None:
    """The room, inside its tab."""
    do = TokensService(context)
    answers = Answers(do)
    api.build(do)
    with gr.Column(elem_classes="pg-panel pg-inspects", elem_id="tok-panel"):
        gr.HTML(tr("tokens.lead"), elem_classes="pg-lead", padding=False)
        with gr.Column(elem_id="tok-top"):
            _text()
        with (
            gr.Column(elem_classes="pg-controls"),
            gr.Accordion(tr("tokens.strip"), open=False, elem_id="tok-strip"),
        ):
            _controls(do, answers)
        with (
            gr.Column(elem_classes="pg-result"),
            gr.Tabs(elem_id="tok-tabs", overflow_behavior="wrap"),
        ):
            for name in VIEWS:
                with gr.Tab(tr(f"tokens.tab_{name}"), id=name) as tab:
                    view(KEY, name, tab)
                    _inside(name)
    way_on(
        "tokens.try",
        "tokens/compare?text={}",
        "embeddings.tab_vectors",
        "token_vectors/walk",
        "tokens.try_text",
    )
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.tokens"))
    _wire(answers)


def _wire(answers: Answers) -> None:
    """What is asked, by which control or button, and where it answers."""
    text, names, special, one = _ids("text", "names", "special", "one")
    compare, walk = [text, names, special, *_ids("page", "cut"), one], [text, one, special]
    grid = _ids("lines", "side")
    talk, ids = [*_ids(*TALK, "generation"), one], "tokens.ids"
    search, replay = ["tokens.search", one], ["tokens.word", one]
    train = [*_ids("corpus", "algorithm", "size", "title"), text, names]

    def seen(name: str) -> list[str]:
        return [f"tokens/{name}"]

    def follow(name: str, fn: object, controls: list[str], where: str, within: str, **how: object) -> Action:
        """What is asked whenever one of its controls changes, as long as its view is seen."""
        how = {"wait": 120, **how}
        return Action(name, fn, controls, controls, [where], seen(within), **how)  # type: ignore[arg-type]

    actions(
        KEY,
        Action("opening", answers.opening, views=[f"tokens/{name}" for name in VIEWS], opens=True),
        Action("sample", answers.sample, on=[f"#tok-sample-{name}" for name in SAMPLES]),
        Action("joined", answers.joined, ["tokens.brought", names], ["tokens.brought"], opens=False, wait=0),
        follow("compare", answers.compare, compare, "tok-view", "compare", built=True),
        follow("languages", answers.languages, [names], "tok-chart", "compare"),
        follow("steps", answers.steps, walk, "tok-walk", "steps"),
        follow("batch", answers.batch, [*grid, one, special], "tok-grid", "steps"),
        follow("facts", answers.facts, [one], "tok-facts", "vocabulary"),
        follow("search", answers.search, search, "tok-hits", "vocabulary"),
        Action("ids", answers.ids, [ids, "tokens.given", one], [one], views=seen("vocabulary"), wait=0),
        follow("decode", answers.decode, [ids, one], "tok-decoded", "vocabulary"),
        follow("replay", answers.replay, replay, "tok-replay", "merges"),
        Action("token", answers.token, ["tokens.seen"], ["tokens.seen"], ["tok-seen"], opens=False, wait=0),
        Action("train", answers.train, train, ["#tok-train-go"], ["tok-trained"]),
        follow("prompt", answers.prompt, talk, "tok-prompt", "chat"),
        stop="tok-train-stop",
    )


def _ids(*names: str) -> list[str]:
    return [f"tokens.{name}" for name in names]


def _text() -> None:
    """What is typed, on top of the stage."""
    control("tokens.text", gr.Textbox(
        tr("tokens.example_text"), label=tr("tokens.text"), lines=1, max_lines=8, elem_id="tok-text",
        placeholder=tr("tokens.text_hint"),
    ), query="text", shared="text")  # fmt: skip
    with gr.Row(elem_classes="pg-samples"):
        for name in SAMPLES:
            gr.Button(tr(f"tokens.sample_{name}"), size="sm", min_width=40, elem_id=f"tok-sample-{name}")


def _controls(do: TokensService, answers: Answers) -> None:
    """The strip: tokenizers as chips that are added and taken away, and how they cut."""
    with gr.Row():
        # The other names come when the room is opened: a folder put into the models folder needs no restart.
        control("tokens.names", gr.Dropdown(
            do.embedded(), value=list(DEFAULTS), multiselect=True, max_choices=MOST, allow_custom_value=True,
            label=tr("tokens.tokenizers"), info=tr("tokens.tokenizers_info"), elem_id="tok-names", scale=3,
            min_width=260,
        ), query="with")  # fmt: skip
        control("tokens.one", gr.Dropdown(
            do.embedded(), value=ONE, allow_custom_value=True, label=tr("tokens.closer"),
            info=tr("tokens.closer_info"), elem_id="tok-one", scale=1, min_width=170,
        ))  # fmt: skip
        control("tokens.cut", gr.Number(
            0, precision=0, minimum=0, maximum=100_000, label=tr("tokens.cut"), info=tr("tokens.cut_info"),
            elem_id="tok-cut", scale=1, min_width=130,
        ))  # fmt: skip
        control("tokens.special", gr.Checkbox(
            True, label=tr("tokens.special"), info=tr("tokens.special_info"), elem_id="tok-special", scale=1,
            min_width=170,
        ), query="special")  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        file = gr.UploadButton(tr("tokens.upload"), file_types=[".json"], size="sm", min_width=120)
    upload(file, answers.receive, KEY)
    stored("tokens.brought")
    stored("tokens.seen")
    place("tok-told", elem_classes="pg-maybe")
    control("tokens.page", gr.Slider(
        1, PARTS, 1, step=1, label=tr("tokens.page"), visible=False, elem_id="tok-page"
    ))  # fmt: skip


def _compared(lang: str) -> str:
    shipped = example.tokenized(lang)
    return view_lanes.compare(sorted(shipped, key=lambda each: each.tokenizer != ONE), lang)


def _inside(name: str) -> None:
    """What stands in a view, and the controls that are its own."""
    match name:
        case "compare":
            place("tok-view", _compared, min_height=320)
            with gr.Accordion(tr("tokens.languages"), open=True, elem_id="tok-languages"):
                place("tok-chart")
        case "steps":
            place("tok-walk")
            with gr.Accordion(tr("tokens.batch"), open=True):
                _batch()
                place("tok-grid")
        case "vocabulary":
            with gr.Row():
                with gr.Column(scale=3, min_width=280):
                    box = gr.Textbox(label=tr("tokens.search"), value="token", elem_id="tok-search")
                    control("tokens.search", box)
                    place("tok-hits")
                with gr.Column(scale=2, min_width=280):
                    control("tokens.ids", gr.Textbox(label=tr("tokens.ids"), elem_id="tok-ids"))
                    stored("tokens.given")
                    place("tok-decoded")
            with gr.Accordion(tr("tokens.facts"), open=True):
                place("tok-facts")
        case "merges":
            box = gr.Textbox(label=tr("tokens.word"), value="tokenization", elem_id="tok-word")
            control("tokens.word", box)
            place("tok-replay")
            with gr.Accordion(tr("tokens.train"), open=True, elem_id="tok-train"):
                _training()
                place("tok-trained")
        case "chat":
            _talk()
            place("tok-prompt")


def _batch() -> None:
    with gr.Row():
        label = tr("tokens.batch_lines")
        control("tokens.lines", gr.Textbox(tr("tokens.example_lines"), label=label, lines=3, scale=3))
        control("tokens.side", gr.Radio(
            [(tr("tokens.side_right"), "right"), (tr("tokens.side_left"), "left")],
            value="right", label="padding_side", scale=1, min_width=160,
        ))  # fmt: skip


def _training() -> None:
    """Train your own: the visitor's text in, a tokenizer beside the famous ones out."""
    with gr.Row():
        control("tokens.corpus", gr.Textbox(
            tr("tokens.train_example"), label=tr("tokens.train_text"), lines=6, max_lines=10, scale=3,
            min_width=260,
        ))  # fmt: skip
        with gr.Column(scale=2, min_width=220):
            control("tokens.title", gr.Textbox(
                label=tr("tokens.train_title"), placeholder=tr("tokens.train_title_hint"), max_lines=1,
                elem_id="tok-train-title",
            ), private=True)  # fmt: skip
            control("tokens.algorithm", gr.Radio(
                [("BPE", "bpe"), ("WordPiece", "wordpiece"), ("Unigram", "unigram")],
                value="bpe", label=tr("tokens.train_algorithm"),
            ))  # fmt: skip
            label, info = tr("tokens.train_size"), tr("tokens.train_size_info")
            control("tokens.size", gr.Slider(64, 8000, 600, step=1, label=label, info=info))
            with gr.Row():
                go = tr("tokens.train_go")
                gr.Button(go, variant="primary", min_width=80, elem_id="tok-train-go")
                gr.Button(tr("shell.stop"), min_width=60, elem_id="tok-train-stop")
            movable("tokens.file", gr.DownloadButton(
                tr("tokens.train_download"), visible=False, elem_classes="pg-download"
            ))  # fmt: skip


def _talk() -> None:
    """Up to four messages. A conversation stands in no link."""
    for pair in (TALK[:2], TALK[2:]):
        with gr.Row():
            for who in pair:
                label = tr(f"tokens.source_{'user' if who == 'again' else who}")
                box = gr.Textbox(tr(f"tokens.example_{who}"), label=label, lines=2, min_width=220)
                control(f"tokens.{who}", box, private=True)
    label, info = tr("tokens.generation"), tr("tokens.generation_info")
    control("tokens.generation", gr.Checkbox(True, label=label, info=info))
