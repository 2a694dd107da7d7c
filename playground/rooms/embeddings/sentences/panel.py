"""The Sentences view of the Embeddings tab: widgets and wiring.

What they do is in `actions`, the endpoints in `api`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import text
from playground.engine.vectors.projection import MIN_DIST
from playground.errors import PlaygroundError
from playground.rooms.embeddings.sentences import api, view
from playground.rooms.embeddings.sentences.actions import SentencesActions
from playground.rooms.embeddings.sentences.api import SENTENCES
from playground.rooms.embeddings.sentences.opening import beginning, both, pickers, wish
from playground.rooms.embeddings.sentences.samples import CLUSTERINGS, SAMPLES
from playground.rooms.embeddings.sentences.work import MODEL, model_or_default
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.visitor import guard, in_every_language, in_place, language, page, tr

QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
    **SENTENCES,
}
# What takes no time never waits behind what does.
OPENING: dict[str, Any] = {**QUIET, "concurrency_id": "opening", "concurrency_limit": 16}
# What is asked, as `runs.Mark`; of rows and map, or with something of its own in front.
MARK = "(_, ...rest) => [playground.mark(rest), ...rest]"
MARK_BEHIND = "(_, own, ...rest) => [playground.mark(rest), own, ...rest]"
MARK_ALONE = "(_, ...rest) => [playground.mark(rest), ...rest.map((each, at) => at === 1 ? '' : each)]"
PAIRS = ("movies", "dog", "bank", "not", "emoji")


@dataclass(frozen=True)
class Controls:
    """The widgets that results read, and the one whose change makes them anew."""

    sample: gr.Dropdown
    own: gr.Textbox
    file: gr.Textbox
    column: gr.Dropdown
    label: gr.Dropdown
    model: gr.Dropdown
    method: gr.Radio
    dimensions: gr.Radio
    by: gr.Radio
    count: gr.Slider
    neighbours: gr.Slider
    min_dist: gr.Slider
    metric: gr.Radio
    seed: gr.Number
    added: gr.Textbox
    stop: gr.Button
    brought: gr.Textbox
    picking: gr.Row
    asked: gr.Textbox

    @property
    def source(self) -> list[Any]:
        """Which rows."""
        return [self.sample, self.own, self.file, self.column, self.label]

    # Texts by `change`, which also hears what is pasted or dictated; the rest only if a visitor chose it.
    @property
    def moved(self) -> list[Any]:
        """What tells of other rows, or another model of them."""
        return [
            self.sample.change, self.own.change, self.file.change, self.column.input, self.label.input,
            self.model.input,
        ]  # fmt: skip

    @property
    def changed(self) -> list[Any]:
        """What tells of another map of the same rows; first, of what is added to it."""
        return [
            self.added.change, self.method.input, self.dimensions.input, self.by.input, self.count.release,
            self.neighbours.release, self.min_dist.release, self.metric.input, self.seed.input,
        ]  # fmt: skip

    @property
    def map(self) -> list[Any]:
        """How their map is made."""
        return [self.method, self.dimensions, self.neighbours, self.min_dist, self.metric, self.seed]


def build(context: Context, app: gr.Blocks) -> None:
    """The view, inside its sub-tab."""
    do = SentencesActions(context)
    api.build(do)
    gr.HTML(tr("sentences.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            at = _controls(do)
        with (
            gr.Column(scale=10, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="sen-tabs", overflow_behavior="wrap"),
        ):
            with gr.Tab(tr("sentences.tab_map"), id="map"):
                status = gr.HTML(elem_id="sen-status", elem_classes="pg-maybe", padding=False)
                drawn = gr.HTML(elem_id="sen-map", padding=False, min_height=480)
            with gr.Tab(tr("sentences.tab_search"), id="search"):
                _search(do, at)
            with gr.Tab(tr("sentences.tab_matrix"), id="matrix") as tab:
                _matrix(do, at, tab)
            with gr.Tab(tr("sentences.tab_two"), id="two"):
                _two(do, at)
            with gr.Tab(tr("sentences.tab_rows"), id="rows") as tab:
                listed = gr.HTML(padding=False, elem_id="sen-rows", min_height=240)
                _rows(do, at, tab, listed)
            with gr.Tab(tr("sentences.tab_save"), id="save") as saving:
                gr.HTML(tr("sentences.save_info"), padding=False)
                with gr.Row(elem_classes="pg-actions", elem_id="sen-save"):
                    files = [_download(each) for each in ("npy", "csv", "html")]
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.sentences"))

    def draw(
        asked: str, sample: str, own: str, file: str, column: str, label: str, model: str, by: str,
        count: float, added: str, *how: Any,
    ) -> Iterator[tuple[Any, Any]]:  # fmt: skip
        source = (sample, own, file, column, label)
        steps = do.drawing(source, model_or_default(model), wish(*how), by, int(count), added)
        yield from both(do.runs.only(page(), asked, "whole", steps, stopped))

    inputs = [*at.source, at.model, at.by, at.count, at.added, *at.map]
    running = gr.on(
        [*at.moved, *at.changed], guard(draw), [at.asked, *inputs], [status, drawn], js=MARK, **QUIET
    )
    # At once, whatever is running: see `runs`.
    told: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    newer = guard(lambda mark, *_: do.runs.newer(page(), mark))
    gr.on([*at.moved, *at.changed], newer, [at.asked, *inputs], None, js=MARK_ALONE, **told)
    stop = guard(lambda mark: do.runs.stop(page(), mark))
    at.stop.click(stop, at.asked, None, js=MARK_ALONE, **told)
    _save(do, at, saving, files, running)
    carried = [at.sample, at.own, at.model, at.file, at.column, at.label, at.by, at.count, at.added, *at.map]
    remember = "(...values) => { playground.remember('sentences', values); }"
    gr.on([each.change for each in carried], None, carried, None, js=remember, **told)

    def begin(before: str) -> Iterator[Any]:
        """The shipped map; or, after a change of language, what was chosen before."""
        yield from beginning(do, before, first)

    first = [each.value for each in carried]
    app.load(
        guard(begin), gr.Textbox(visible=False), [*carried, at.picking, at.brought, status, drawn],
        js="() => [playground.carried('sentences')]", **{**OPENING, "trigger_mode": "once"},
    )  # fmt: skip


def stopped() -> str:
    """What stands where a run was stopped."""
    return note(text.say("sentences.stopped", language()))


def _controls(do: SentencesActions) -> Controls:
    sample = gr.Dropdown(
        [(tr(f"sentences.source_{each}"), each) for each in (*SAMPLES, "own", "file")], value="themes",
        label=tr("sentences.source"), elem_id="sen-source",
    )  # fmt: skip
    with gr.Column(elem_classes="pg-late", min_width=160):  # on a phone below the map
        own = gr.Textbox(
            label=tr("sentences.own"), placeholder=tr("sentences.own_hint"), lines=3, max_lines=10,
            elem_id="sen-own",
        )  # fmt: skip
    with gr.Row(elem_classes="pg-actions"):
        # Of any kind: Gradio would refuse others in English, and without a word about what to save instead.
        upload = gr.UploadButton(tr("sentences.upload"), size="sm", min_width=120, elem_id="sen-upload")
        stop = gr.Button(tr("shell.stop"), size="sm", min_width=60)
    told = gr.HTML(padding=False, elem_classes="pg-maybe", elem_id="sen-told")
    megabytes = do.context.settings.upload_mb
    gr.HTML(
        in_every_language("sentences.limit", lambda lang: view.too_large(megabytes, lang)),
        padding=False,
        elem_id="sen-limit",
    )
    file = gr.Textbox(elem_classes="pg-unseen", show_label=False, container=False)
    with gr.Row(visible=False) as picking:
        column = gr.Dropdown([], label=tr("sentences.column"), elem_id="sen-column", min_width=120)
        label = gr.Dropdown([], label=tr("sentences.label_column"), elem_id="sen-label", min_width=120)
    model = gr.Dropdown(
        [(MODEL, MODEL)], value=MODEL, allow_custom_value=True, label=tr("sentences.model"),
        info=tr("sentences.model_info"), elem_id="sen-model",
    )  # fmt: skip
    with gr.Row():
        method = gr.Radio(
            [(name, key) for key, name in view.METHODS.items()],
            value="umap", label=tr("sentences.method"), elem_id="sen-method", min_width=170,
        )  # fmt: skip
        dimensions = gr.Radio(
            [("2-D", 2), ("3-D", 3)],
            value=2,
            label=tr("sentences.dimensions"),
            elem_id="sen-dimensions",
            min_width=110,
        )
    by = gr.Radio(
        [(tr(f"sentences.by_{each}"), each) for each in ("given", *CLUSTERINGS)], value="given",
        label=tr("sentences.by"), elem_id="sen-by",
    )  # fmt: skip
    added = gr.Textbox(
        label=tr("sentences.added"), placeholder=tr("sentences.added_hint"), lines=1, max_lines=6,
        elem_id="sen-added",
    )  # fmt: skip
    with gr.Accordion(tr("sentences.settings"), open=False, elem_classes="pg-late", elem_id="sen-settings"):
        neighbours = gr.Slider(2, 100, 15, step=1, label="n_neighbors", info=tr("sentences.neighbours_info"))
        min_dist = gr.Slider(
            0, 0.99, MIN_DIST, step=0.01, label="min_dist", info=tr("sentences.min_dist_info")
        )
        metric = gr.Radio(["cosine", "euclidean"], value="cosine", label="metric")
        seed = gr.Number(
            0, precision=0, minimum=0, label=tr("sentences.seed"), info=tr("sentences.seed_info")
        )
        count = gr.Slider(
            0, 20, 0, step=1, label=tr("sentences.clusters"), info=tr("sentences.clusters_info")
        )
    brought = gr.Textbox(
        visible="hidden"
    )  # lines that a change of language brought back: nobody has typed them now

    def follow(lines: str, before: str) -> Any:
        return "own" if lines.strip() and lines != before else gr.skip()

    own.change(guard(follow), [own, brought], sample, **OPENING)

    def receive(path: str | None) -> tuple[Any, ...]:
        name, table = do.upload(path)
        first, second = table.guess()
        said = view.file_told(table.telling(first), language())
        return *pickers(table, first, second), "file", said, name

    def retell(name: str, chosen: str) -> str:
        return view.file_told(do.table(name).telling(chosen), language())

    column.input(guard(retell), [file, column], told, **OPENING)
    upload.upload(guard(receive), upload, [column, label, picking, sample, told, file], **OPENING)
    return Controls(
        sample, own, file, column, label, model, method, dimensions, by, count, neighbours, min_dist, metric,
        seed, added, stop, brought, picking, gr.Textbox(visible=False),
    )  # fmt: skip


def _rows(do: SentencesActions, at: Controls, tab: gr.Tab, listed: gr.HTML) -> None:
    def listing(
        seen: str, asked: str, sample: str, own: str, file: str, column: str, label: str, model: str
    ) -> Iterator[Any]:  # fmt: skip
        if seen:
            steps = do.listed((sample, own, file, column, label), model_or_default(model))
            yield from do.runs.only(page(), asked, "rows", steps, stopped)
        else:
            yield gr.skip()  # it is made when it is opened

    inputs = [gr.Textbox(visible=False), at.asked, *at.source, at.model]
    opened = "(_seen, _asked, ...rest) => ['1', playground.mark(rest), ...rest]"
    tab.select(in_place(listing), inputs, listed, js=opened, **QUIET)
    shown = "document.querySelector('#sen-rows')?.checkVisibility() ? '1' : ''"
    js = f"(_seen, _asked, ...rest) => [{shown}, playground.mark(rest), ...rest]"
    gr.on(at.moved, in_place(listing), inputs, listed, js=js, **QUIET)


def _search(do: SentencesActions, at: Controls) -> None:
    query = gr.Textbox(
        label=tr("sentences.query"), placeholder=tr("sentences.query_hint"), elem_id="sen-query", max_lines=3
    )
    with gr.Row(elem_classes="pg-samples"):
        for place in (1, 2, 3):
            sample = gr.Button(tr(f"sentences.query_{place}"), size="sm", min_width=40)
            sample.click(lambda p=place: text.say(f"sentences.query_{p}", language()), None, query, **OPENING)
    found = gr.HTML(padding=False, elem_id="sen-found", min_height=240)

    def search(asked: str, wanted: str, *given: str) -> Iterator[str]:
        *source, model = given
        steps = do.search(wanted, tuple(source), model_or_default(model))  # type: ignore[arg-type]
        yield from do.runs.only(page(), asked, "rows", steps, stopped)

    gr.on(
        [query.change, query.submit, *at.moved], in_place(search), [at.asked, query, *at.source, at.model],
        found, js=MARK_BEHIND, **QUIET,
    )  # fmt: skip


def _matrix(do: SentencesActions, at: Controls, tab: gr.Tab) -> None:
    with gr.Row(elem_classes="pg-samples"):
        buttons = [(gr.Button(tr(f"sentences.pair_{each}"), size="sm", min_width=40), each) for each in PAIRS]
    lines = gr.Textbox(label=tr("sentences.matrix_lines"), lines=4, max_lines=12, elem_id="sen-lines")
    shown = gr.HTML(padding=False, elem_id="sen-matrix", min_height=240)
    for button, each in buttons:
        button.click(lambda e=each: text.say(f"sentences.example_{e}", language()), None, lines, **OPENING)

    def fill(now: str) -> Any:
        return gr.skip() if now else text.say("sentences.example_movies", language())

    def compare(asked: str, told: str, model: str) -> Iterator[str]:
        steps = do.matrix(told, model_or_default(model))
        yield from do.runs.only(page(), asked, "nothing", steps, stopped)

    tab.select(guard(fill), lines, lines, **OPENING)
    inputs = [at.asked, lines, at.model]
    gr.on([lines.change, at.model.input], in_place(compare), inputs, shown, js=MARK, **QUIET)


def _two(do: SentencesActions, at: Controls) -> None:
    with gr.Row(elem_classes="pg-end"):
        other = gr.Dropdown(
            do.work.choices(), value="tutor", allow_custom_value=True, label=tr("sentences.other"),
            info=tr("sentences.other_info"), elem_id="sen-other", scale=3,
        )  # fmt: skip
        go = gr.Button(tr("sentences.two_go"), variant="primary", min_width=100, elem_id="sen-two-go")
    gr.HTML(tr("sentences.two_stale"), elem_id="sen-two-stale", padding=False)
    shown = gr.HTML(padding=False, elem_id="sen-two", min_height=240)

    def two(
        asked: str, second: str, sample: str, own: str, file: str, column: str, label: str, model: str,
        by: str, count: float, *how: Any,
    ) -> Iterator[str]:  # fmt: skip
        source, models = (
            (sample, own, file, column, label),
            [model_or_default(model), model_or_default(second)],
        )
        steps = do.two(source, models, wish(*how), by, int(count))
        yield from do.runs.only(page(), asked, "rows", steps, stopped)

    inputs = [at.asked, other, *at.source, at.model, at.by, at.count, *at.map]
    # The page itself sees that what was compared is no longer what is chosen; nothing is computed for it.
    go.click(None, inputs[1:], None, js="(...now) => { playground.compare(now, true); }")
    follow = "(...now) => { playground.compare(now); }"
    gr.on([other.input, *at.moved, *at.changed[1:]], None, inputs[1:], None, js=follow)
    go.click(in_place(two), inputs, shown, js=MARK_BEHIND, **QUIET)


def _download(kind: str) -> gr.DownloadButton:
    return gr.DownloadButton(tr(f"sentences.save_{kind}"), size="md", min_width=140, interactive=False)


def _save(do: SentencesActions, at: Controls, tab: gr.Tab, files: list[Any], drawn: Any) -> None:
    """Files of what is chosen now: none while a new map is being drawn, new ones after it."""

    def none(seen: str) -> Any:
        return [gr.DownloadButton(interactive=False)] * len(files) if seen else [gr.skip()] * len(files)

    def prepare(
        seen: str, sample: str, own: str, file: str, column: str, label: str, model: str, by: str,
        count: float, added: str, *how: Any,
    ) -> Any:  # fmt: skip
        if not seen:
            return [gr.skip()] * len(files)
        source = (sample, own, file, column, label)
        try:
            if seen == "after" and not do.work.ready(do.rows(*source).texts, model, wish(*how)):
                return none(seen)  # it was stopped
            paths = do.downloads(source, model_or_default(model), wish(*how), by, int(count), added)
        except PlaygroundError:
            if seen == "after":  # the map's own place has told it
                return none(seen)
            raise
        return [gr.DownloadButton(value=path, interactive=True) for path in paths]

    def opened(*given: Any) -> Iterator[Any]:
        yield none("1")
        yield prepare("1", *given)

    inputs = [*at.source, at.model, at.by, at.count, at.added, *at.map]
    seen = gr.Textbox(visible=False)
    shown = "document.querySelector('#sen-save')?.checkVisibility()"
    busy: dict[str, Any] = {**QUIET, "show_progress": "minimal"}
    tab.select(guard(opened), inputs, files, **busy)
    gr.on([*at.moved, *at.changed], guard(none), seen, files, js=f"() => [{shown} ? '1' : '']", **OPENING)
    after = f"(_, ...rest) => [{shown} ? 'after' : '', ...rest]"
    drawn.then(guard(prepare), [seen, *inputs], files, js=after, **busy)
