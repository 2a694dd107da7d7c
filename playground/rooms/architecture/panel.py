"""The Architecture tab: widgets and wiring. What they do is in `actions`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from playground import text
from playground.errors import BadInput, PlaygroundError
from playground.rooms.architecture import api, example, memory, view, what_if
from playground.rooms.architecture.actions import FIRST, ArchitectureActions
from playground.rooms.architecture.api import BUILDING
from playground.rooms.architecture.plan import Architecture
from playground.ui.context import Context
from playground.ui.precision_menu import precisions
from playground.ui.visitor import error_in_place, from_page, guard, in_place, language, query, tr

KEY = "architecture"
SAMPLES = {
    "TinyLlama": FIRST, "Phi-3-mini": "microsoft/Phi-3-mini-4k-instruct", "GPT-2": "openai-community/gpt2",
    "BERT": "google-bert/bert-base-uncased", "Mixtral": "mistralai/Mixtral-8x7B-v0.1",
    "405B": "meta-llama/Llama-3.1-405B",
}  # fmt: skip
NUMBERS = what_if.KNOBS[:7]  # the rest are a switch and two menus
QUIET: dict[str, Any] = {
    "show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private", **BUILDING,
}  # fmt: skip
SHOWING = {**QUIET, "show_progress": "minimal"}
# Who builds a model for real, or loads one, keeps nobody from looking at plans.
HEAVY = {**SHOWING, "trigger_mode": "once", "concurrency_id": "building", "concurrency_limit": 2}


@dataclass(frozen=True)
class Controls:
    """The widgets at the left, which every sub-tab reads."""

    name: gr.Dropdown
    pasted: gr.Textbox
    sentence: gr.Textbox
    samples: list[tuple[gr.Button, str]]
    cleared: gr.Button
    upload: gr.UploadButton


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab."""
    do = ArchitectureActions(context)
    api.build(do)
    gr.HTML(tr("architecture.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            at = _controls(do)
        with gr.Column(scale=9, min_width=300, elem_classes="pg-result", elem_id="arc-result"):
            top = gr.HTML(elem_id="arc-top", padding=False, min_height=120)
            with gr.Tabs(elem_id="arc-tabs", overflow_behavior="wrap"):
                with gr.Tab(tr("architecture.tab_tree"), id="tree"):
                    tree = gr.HTML(elem_id="arc-tree", padding=False, min_height=320)
                with gr.Tab(tr("architecture.tab_flow"), id="flow"):
                    with gr.Row(elem_classes="arc-two"):
                        drawn = gr.HTML(padding=False, elem_id="arc-flow", min_height=24)
                        spread = gr.HTML(padding=False, elem_id="arc-where")
                    steps = gr.HTML(padding=False, elem_id="arc-steps")
                with gr.Tab(tr("architecture.tab_memory"), id="memory") as tab:
                    fitted = _memory(do, at, tab)
                with gr.Tab(tr("architecture.tab_what_if"), id="what_if") as tab:
                    turned = _what_if(do, at, tab, fitted)
                with gr.Tab(tr("architecture.tab_compare"), id="compare") as tab:
                    _compare(do, at, tab, fitted)
                with gr.Tab(tr("architecture.tab_raw"), id="raw") as tab:
                    raw = gr.HTML(padding=False)
                    gr.on(
                        [tab.select, at.name.change, at.pasted.change],
                        in_place(lambda name, pasted: do.raw(do.plan(name, pasted)[0])),
                        [at.name, at.pasted], raw, **SHOWING,
                    )  # fmt: skip
                with gr.Tab(tr("architecture.tab_live"), id="live"):
                    _live(do, at, context)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.architecture"))

    outputs = [top, tree, drawn, spread, steps, *fitted.outputs, *turned]
    sliders = [fitted.context, fitted.batch, fitted.rank]

    def shown(plan: Architecture, notes: Sequence[str], sentence: str, counted: Any, *at: float) -> list[Any]:
        """Everything that follows from a choice of model."""
        lang, (n, batch, rank) = language(), at
        names = memory.usual_targets(plan)
        offered = list(dict.fromkeys(target.name for target in memory.targets(plan)))
        whole = do.memory(plan, n, batch), gr.Dropdown(offered, value=names)
        return [
            view.overview(plan, lang, notes), view.tree(plan, lang), *do.flow(plan, sentence, counted),
            *whole, do.training(plan, rank, names, n, batch), *_knobs(plan), _first_look(do, plan, n, batch),
        ]  # fmt: skip

    def choose(name: str, pasted: str, sentence: str, *at: float) -> list[Any]:
        """What cannot be shown is told where it would be; of the model before, nothing stays."""
        try:
            plan, notes = do.plan(name, pasted)
            return shown(plan, notes, sentence, None, *at)
        except PlaygroundError as error:
            return _nothing(error)

    def opening(carried: str, *at: float) -> list[Any]:
        """The worked example as shipped; or the model that the address or the page before names."""
        asked = from_page(carried) if carried else {"name": query().get("model", "")}
        sentence = asked.get("sentence") or text.say("architecture.example_sentence", language())
        menu = do.choices()
        name = asked.get("name") or FIRST
        if name == FIRST and not asked.get("sentence"):
            plan, told = example.plan(), do.plan(FIRST)[1]
            rest = shown(plan, told, sentence, example.tokens(language()), *at)
        else:
            rest = choose(name, "", sentence, *at)
        return [gr.Dropdown(menu, value=name), sentence, *rest]

    def pick(name: str, sentence: str, *at: float) -> list[Any]:
        """A model of the menu: what was pasted makes way."""
        return ["", *choose(name, "", sentence, *at)]

    picked: dict[str, Any] = {
        "fn": guard(pick), "inputs": [at.name, at.sentence, *sliders], "outputs": [at.pasted, *outputs],
        "js": stale("arc-result"), **SHOWING,
    }  # fmt: skip
    at.name.input(**picked).then(**fresh("arc-result"))
    for button, which in at.samples:
        named = button.click(lambda which=which: which, None, at.name, **QUIET)
        named.then(**picked).then(**fresh("arc-result"))
    at.cleared.click(lambda: "", None, at.pasted, **QUIET)
    at.upload.upload(guard(_uploaded), at.upload, at.pasted, **SHOWING)

    def paste(name: str, pasted: str | None, *rest: Any) -> list[Any]:
        """Nothing for the config before: Gradio's box says at the page's opening, too, that it changed."""
        return [gr.skip()] * len(outputs) if pasted is None else choose(name, pasted, *rest)

    at.pasted.change(
        guard(paste), [at.name, at.pasted, at.sentence, *sliders], outputs,
        js="(...given) => playground.pasted(...given)", **QUIET,
    ).then(**fresh("arc-result"))  # fmt: skip

    def flowing(name: str, pasted: str, said: str) -> tuple[str, str, str]:
        try:
            return do.flow(do.plan(name, pasted)[0], said)
        except PlaygroundError as error:
            return error_in_place(error), "", ""

    at.sentence.change(guard(flowing), [at.name, at.pasted, at.sentence], [drawn, spread, steps], **QUIET)
    app.load(
        guard(opening), [gr.Textbox(visible=False), *sliders], [at.name, at.sentence, *outputs],
        js="(_, ...rest) => [playground.carried('architecture'), ...rest]",
        **{**QUIET, "trigger_mode": "once"},
    )  # fmt: skip


def stale(place: str) -> str:
    """JavaScript that dims what still shows the model before, and hands on what was given."""
    return f"(...given) => {{ playground.stale('{place}', true); return given; }}"


def fresh(place: str) -> dict[str, Any]:
    """The step after it, which ends the dimming."""
    return {"fn": None, "js": f"() => playground.stale('{place}', false)"}


def _nothing(error: PlaygroundError) -> list[Any]:
    """In the places of a model that cannot be shown: why, and nothing else."""
    told: list[Any] = [error_in_place(error), "", "", "", ""]
    told += ["", gr.Dropdown([], value=[], multiselect=True), ""]  # memory, targets, training
    return [*told, *(_knob(name, None, free=False) for name in what_if.KNOBS), ""]


def _controls(do: ArchitectureActions) -> Controls:
    name = gr.Dropdown(
        do.choices(), value=FIRST, allow_custom_value=True, label=tr("architecture.model"),
        info=tr("architecture.model_info"), elem_id="arc-model",
    )  # fmt: skip
    with gr.Row(elem_classes="pg-samples"):
        buttons = [(gr.Button(shown, size="sm", min_width=40), which) for shown, which in SAMPLES.items()]
    sentence = gr.Textbox(
        label=tr("architecture.sentence"), info=tr("architecture.sentence_info"), lines=2,
        elem_id="arc-sentence",
    )  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        upload = gr.UploadButton(tr("architecture.upload"), file_types=[".json"], size="sm", min_width=120)
        share = gr.Button(tr("shell.copy_link"), size="sm", min_width=80)
    with gr.Accordion(tr("architecture.own"), open=False):
        pasted = gr.Textbox(
            label=tr("architecture.paste"), info=tr("architecture.paste_info"), lines=6, max_lines=14,
            elem_id="arc-paste",
        )  # fmt: skip
        clear = gr.Button(tr("architecture.paste_clear"), size="sm")
    share.click(None, None, None, js="() => playground.share('architecture')")
    remember = "(n, s) => { playground.remember('architecture', {name: n, sentence: s}); }"
    gr.on([name.change, sentence.change], None, [name, sentence], None, js=remember)
    return Controls(name, pasted, sentence, buttons, clear, upload)


def _uploaded(file: str | None) -> str:
    """What an uploaded config.json says; whether it is one is told where it is read."""
    if not file:
        raise BadInput("config_empty")
    path = Path(file)
    from playground.models.loaders.skeletons import LONGEST

    if path.stat().st_size > LONGEST:
        raise BadInput("config_too_long", length=path.stat().st_size, limit=LONGEST)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("config_not_json", line=1) from error


@dataclass(frozen=True)
class Fitted:
    """The widgets of the Memory tab."""

    context: gr.Slider
    batch: gr.Slider
    rank: gr.Slider
    targets: gr.Dropdown
    shown: gr.HTML
    trained: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What a new model fills."""
        return [self.shown, self.targets, self.trained]


def _memory(do: ArchitectureActions, at: Controls, tab: gr.Tab) -> Fitted:
    with gr.Row():
        context = gr.Slider(
            128, 131072, 2048, step=128, label=tr("architecture.context_slider"), elem_id="arc-context"
        )
        batch = gr.Slider(1, 64, 1, step=1, label=tr("architecture.batch_slider"), elem_id="arc-batch")
    shown = gr.HTML(padding=False, elem_id="arc-memory")
    with gr.Accordion(tr("architecture.training"), open=True):
        with gr.Row():
            rank = gr.Slider(1, 256, 8, step=1, label=tr("architecture.rank"), elem_id="arc-rank")
            targets = gr.Dropdown(
                [], multiselect=True, label=tr("architecture.targets"), elem_id="arc-targets",
                info=tr("architecture.targets_info"),
            )  # fmt: skip
        trained = gr.HTML(padding=False, elem_id="arc-training")
    sizes = [context, batch]
    remember = in_place(lambda name, pasted, n, b: do.memory(do.plan(name, pasted)[0], n, b))
    # When the tab is opened, too: what was loaded meanwhile is measured.
    events = [tab.select, *(each.change for each in sizes)]
    gr.on(events, remember, [at.name, at.pasted, *sizes], shown, **QUIET)
    train = in_place(lambda name, pasted, *rest: do.training(do.plan(name, pasted)[0], *rest))
    gr.on(
        [rank.change, targets.input, *(each.change for each in sizes)], train,
        [at.name, at.pasted, rank, targets, *sizes], trained, **QUIET,
    )  # fmt: skip
    return Fitted(context, batch, rank, targets, shown, trained)


def _what_if(do: ArchitectureActions, at: Controls, tab: gr.Tab, fitted: Fitted) -> list[Any]:
    gr.HTML(tr("architecture.what_if_lead"), padding=False)
    widgets: list[Any] = []
    with gr.Row(elem_classes="arc-knobs"):
        for knob in NUMBERS:
            widgets.append(
                gr.Number(
                    label=tr(f"architecture.knob_{knob}"), precision=0, min_width=130, elem_id=f"arc-{knob}"
                )
            )
        widgets.append(
            gr.Checkbox(label=tr("architecture.knob_tie_word_embeddings"), min_width=130, elem_id="arc-tie")
        )
        widgets.append(
            gr.Dropdown(
                list(what_if.ACTIVATIONS), label=tr("architecture.knob_hidden_act"), allow_custom_value=True,
                min_width=130, elem_id="arc-act",
            )
        )  # fmt: skip
        widgets.append(
            gr.Dropdown(
                [(shown, name) for name, shown in what_if.NORMS.items()], label=tr("architecture.knob_norm"),
                min_width=130, elem_id="arc-norm",
            )
        )  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        reset = gr.Button(tr("architecture.reset"), size="sm", min_width=120)
        real = gr.Button(
            tr("architecture.make_real"), size="sm", variant="primary", min_width=160, elem_id="arc-real"
        )
    built = gr.HTML(padding=False, elem_id="arc-built")
    result = gr.HTML(padding=False, elem_id="arc-what-if")

    def asked(name: str, pasted: str, *values: Any) -> tuple[Architecture, dict[str, Any]]:
        plan, _ = do.plan(name, pasted)
        return plan, changes(plan, values)

    def turn(name: str, pasted: str, n: float, batch: float, *values: Any) -> str:
        return do.what_if(*asked(name, pasted, *values), n, batch)

    def make(name: str, pasted: str, sentence: str, *values: Any) -> str:
        return do.make_real(*asked(name, pasted, *values), sentence)

    def back(name: str, pasted: str, n: float, batch: float) -> list[Any]:
        try:
            plan, _ = do.plan(name, pasted)
            return [*_knobs(plan), do.what_if(plan, {}, n, batch)]
        except PlaygroundError as error:
            knobs = [_knob(knob, None, free=False) for knob in what_if.KNOBS]
            return [*knobs, error_in_place(error)]

    who = [at.name, at.pasted]
    turned = [each.input for each in widgets]
    # When the tab is opened, too: its bytes are those of the Memory tab's context and batch.
    gr.on(
        [tab.select, *turned], in_place(turn), [*who, fitted.context, fitted.batch, *widgets], result, **QUIET
    )
    # What was built is another model's now.
    gr.on([*turned, reset.click, at.name.change, at.pasted.change], None, None, built, js="() => ''")
    reset.click(guard(back), [*who, fitted.context, fitted.batch], [*widgets, result], **QUIET)
    real.click(in_place(make), [*who, at.sentence, *widgets], built, **HEAVY)
    return [*widgets, result]


def changes(plan: Architecture, values: Sequence[Any]) -> dict[str, Any]:
    """Which knobs were turned: their values differ from the plan's own."""
    now = what_if.knobs(plan)
    found = {}
    for (name, before), value in zip(now.items(), values, strict=True):
        if before is None or value is None or value == before:
            continue
        found[name] = int(value) if name in NUMBERS and value == int(value) else value
    return found


def _knobs(plan: Architecture) -> list[Any]:
    """Each knob with its value in this model; what it has no choice of cannot be turned."""
    free = bool(plan.kind)
    return [
        _knob(name, value, free=free and value is not None) for name, value in what_if.knobs(plan).items()
    ]


def _knob(name: str, value: Any, *, free: bool) -> Any:
    if name in NUMBERS:
        return gr.Number(value=value, interactive=free)
    if name == "tie_word_embeddings":
        return gr.Checkbox(value=bool(value), interactive=free)
    return gr.Dropdown(value=value, interactive=free)


def _first_look(do: ArchitectureActions, plan: Architecture, n: float, batch: float) -> str:
    return do.what_if(plan, {}, n, batch) if plan.kind else ""


def _compare(do: ArchitectureActions, at: Controls, tab: gr.Tab, fitted: Fitted) -> None:
    other = gr.Dropdown(
        do.choices(), value=SAMPLES["Phi-3-mini"], allow_custom_value=True, label=tr("architecture.other"),
        elem_id="arc-other",
    )  # fmt: skip
    shown = gr.HTML(padding=False, elem_id="arc-compare")

    def compare(name: str, pasted: str, second: str, n: float, batch: float) -> str:
        return do.compare(do.plan(name, pasted)[0], second, n, batch)

    triggers = [tab.select, other.change, at.name.change, at.pasted.change]
    gr.on(
        triggers,
        in_place(compare),
        [at.name, at.pasted, other, fitted.context, fitted.batch],
        shown,
        js=stale("arc-compare"),
        **SHOWING,
    ).then(**fresh("arc-compare"))


def _live(do: ArchitectureActions, at: Controls, context: Context) -> None:
    gr.HTML(tr("architecture.live_lead"), padding=False)
    cards = [card for card in context.catalog.offered(None) if card.roles & {"causal", "encoder"}]
    names = [card.name for card in cards]
    with gr.Row(elem_classes="pg-actions"):
        which = gr.Dropdown(
            names, value=cards[0].name, allow_custom_value=True,
            label=tr("architecture.live_which"), min_width=200, scale=3, elem_id="arc-live-model",
        )  # fmt: skip
        precision = precisions(context, which, min_width=160, scale=2)
        go = gr.Button(tr("architecture.live_go"), variant="primary", min_width=140, elem_id="arc-live-go")
    shown = gr.HTML(padding=False, elem_id="arc-live")

    def live(name: str, quantization: str, sentence: str) -> Iterator[str]:
        yield from do.live(name, quantization, sentence)

    # Who looks at the plan of a model whose weights are here wants to see these at work.
    at.name.change(lambda name: name if name in names else gr.skip(), at.name, which, **QUIET)
    # What was watched is another model's now.
    gr.on([which.change, precision.change], None, None, shown, js="() => ''")
    go.click(in_place(live), [which, precision, at.sentence], shown, **{**HEAVY, "show_progress": "hidden"})
