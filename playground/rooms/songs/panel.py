"""The Songs tab: widgets and wiring. What they do is in `actions`, the endpoints in `api`.

What is liked and disliked lives in the page, as JSON in a box that is not shown: buttons of lists and points
of the map write it (assets/songs.js), and every result reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground.rooms.songs import api
from playground.rooms.songs.actions import SongsActions, opening, opening_measures
from playground.rooms.songs.api import SONGS
from playground.rooms.songs.catalogue import BOOK_DATA
from playground.rooms.songs.training import PRESETS, TUNED
from playground.ui.context import Context
from playground.ui.visitor import from_page, guard, in_place, language, tr

KEY = "songs"
QUIET: dict[str, Any] = {
    "show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private", **SONGS,
}  # fmt: skip


@dataclass(frozen=True)
class Controls:
    """The widgets that results read."""

    dataset: gr.Dropdown
    picks: gr.Textbox
    shown: gr.HTML
    key: gr.Textbox
    where: gr.Textbox  # which sub-tab is open: the others compute nothing


def build(context: Context, app: gr.Blocks) -> None:
    """The panel, inside its tab."""
    do = SongsActions(context)
    api.build(do)
    gr.HTML(tr("songs.lead"), elem_classes="pg-lead", padding=False)
    with gr.Row(elem_classes="pg-panel"):
        with gr.Column(scale=4, min_width=280, elem_classes="pg-controls"):
            at = _controls(do)
        with (
            gr.Column(scale=9, min_width=300, elem_classes="pg-result"),
            gr.Tabs(elem_id="songs-tabs", overflow_behavior="wrap"),
        ):
            with gr.Tab(tr("songs.tab_recommend"), id="recommend") as tab:
                tab.select(None, None, at.where, js="() => 'recommend'")
                ten = gr.HTML(elem_id="songs-ten", padding=False, min_height=320)
            with gr.Tab(tr("songs.tab_vector"), id="vector") as tab:
                _follow(do, tab, at, do.vector, "vector")
            with gr.Tab(tr("songs.tab_walk"), id="walk") as tab:
                steps = gr.Slider(1, 12, 6, step=1, label=tr("songs.walk_steps"))
                _follow(do, tab, at, do.walk, "walk", steps)
            with gr.Tab(tr("songs.tab_map"), id="map") as tab:
                _map(do, at, tab)
            with gr.Tab(tr("songs.tab_measure"), id="measure") as tab:
                tab.select(None, None, at.where, js="() => 'measure'")
                measured = _measure(do, at)
    with gr.Accordion(tr("shell.lesson"), open=False, elem_classes="pg-lesson"):
        gr.Markdown(tr("lessons.songs"))

    inputs = [at.picks, at.dataset, at.key]
    gr.on([at.picks.change, at.key.change], in_place(do.recommend), inputs, ten, **QUIET)
    at.picks.change(in_place(do.picked), [at.picks, at.dataset], at.shown, **QUIET)
    remember = "(p, d) => { playground.remember('songs', {picks: p, dataset: d}); }"
    gr.on([at.picks.change, at.dataset.change], None, [at.picks, at.dataset], None, js=remember)

    def begin(carried: str) -> tuple[Any, ...]:
        """The shipped example; or, after a change of language, what was picked before."""
        lang = language()
        state, picks, shown = opening(lang)
        brought = from_page(carried) if carried else {}
        choices, dataset = do.choices(), brought.get("dataset")
        known = dataset in {name for _, name in choices}  # not where another server has begun meanwhile
        menu = gr.Dropdown(choices, value=dataset if known else "sample")
        kept = brought.get("picks")
        # What is picked is not set for the example: setting it would train at once to compute it again.
        first = kept if kept and kept != state else ""
        return (
            menu,
            first,
            gr.skip() if first else picks,
            gr.skip() if first else shown,
            opening_measures(lang),
        )

    app.load(
        guard(begin), gr.Textbox(visible=False), [at.dataset, at.picks, at.shown, ten, measured],
        js="() => [playground.carried('songs')]", **{**QUIET, "trigger_mode": "once"},
    )  # fmt: skip


def _follow(do: SongsActions, tab: gr.Tab, at: Controls, fn: Any, name: str, *more: Any) -> gr.HTML:
    """A result that is computed when its tab is opened, and again when what it reads changes."""
    view = gr.HTML(padding=False, elem_id=f"songs-{name}", min_height=240)
    tab.select(None, None, at.where, js=f"() => '{name}'")
    triggers = [at.where.change, at.picks.change, at.key.change, *(each.change for each in more)]
    inputs = [at.where, at.picks, at.dataset, at.key, *more]
    gr.on(triggers, in_place(partial(do.following, fn, name)), inputs, view, **QUIET)
    return view


def _controls(do: SongsActions) -> Controls:
    search = gr.Textbox(
        label=tr("songs.search"), placeholder=tr("songs.search_hint"), elem_id="songs-search", max_lines=1
    )
    hits = gr.HTML(padding=False, elem_id="songs-hits", elem_classes="pg-maybe")
    shown = gr.HTML(padding=False, elem_id="songs-shown")
    picks = gr.Textbox(elem_id="songs-picks", elem_classes="pg-unseen", show_label=False, container=False)
    key = gr.Textbox(elem_id="songs-key", elem_classes="pg-unseen", show_label=False, container=False)
    with gr.Row(elem_classes="pg-samples"):
        some = gr.Button(tr("songs.some_playlist"), size="sm", min_width=40)
        clear = gr.Button(tr("songs.clear"), size="sm", min_width=40)
    with gr.Accordion(tr("songs.paste"), open=False, elem_classes="pg-late"):
        pasted = gr.Textbox(label=tr("songs.paste_lines"), lines=4, max_lines=12, elem_id="songs-paste")
        go = gr.Button(tr("songs.paste_go"), size="sm")
        told = gr.HTML(padding=False, elem_classes="pg-maybe")
    with gr.Accordion(tr("songs.data"), open=False, elem_id="songs-data", elem_classes="pg-late") as data:
        dataset = gr.Dropdown(
            [("sample", "sample")], value="sample", label=tr("songs.dataset"), elem_id="songs-dataset"
        )
        about = gr.HTML(padding=False, elem_classes="pg-maybe")
        _own_data(do, dataset, [picks, hits])
    where = gr.Textbox("recommend", elem_classes="pg-unseen", show_label=False, container=False)
    at = Controls(dataset, picks, shown, key, where)
    with gr.Accordion(tr("songs.training"), open=False, elem_id="songs-training", elem_classes="pg-late"):
        _training(do, at)
    search.change(in_place(do.hits), [search, dataset], hits, **QUIET)
    some.click(guard(do.some_playlist), dataset, picks, **QUIET)
    clear.click(None, None, picks, js="() => '{}'")
    go.click(guard(do.paste), [pasted, dataset], [picks, told], **QUIET)
    gr.on([data.expand, dataset.change], in_place(do.about), dataset, about, **QUIET)
    return at


def _own_data(do: SongsActions, dataset: gr.Dropdown, picked: list[Any]) -> None:
    with gr.Row(elem_classes="pg-actions"):
        # Of any kind: Gradio would refuse others in English, and without a word about what to save instead.
        upload = gr.UploadButton(tr("songs.upload"), file_count="multiple", size="sm", min_width=120)
        fetch = gr.Button(tr("songs.fetch"), size="sm", min_width=120, elem_id="songs-fetch")
        stop = gr.Button(tr("shell.stop"), size="sm", min_width=60)
    gr.HTML(tr("songs.upload_info"), padding=False, elem_classes="pg-note")
    told = gr.HTML(padding=False, elem_id="songs-fetched", elem_classes="pg-maybe")

    def menu(name: str) -> Any:
        return gr.Dropdown(do.choices(), value=name)

    def clear() -> tuple[str, str]:
        """Ids are a data set's own: what was picked in another means nothing here."""
        return "{}", ""

    sent = upload.upload(guard(lambda paths: menu(do.upload(paths))), upload, dataset, **QUIET)
    sent.success(clear, None, picked, **QUIET)
    dataset.input(clear, None, picked, **QUIET)
    running = fetch.click(in_place(do.fetch), None, told, **QUIET)
    # Only what arrived whole is chosen.
    done = running.success(guard(lambda: do.card(BOOK_DATA).name), None, None, **QUIET)
    done.success(guard(lambda: menu(BOOK_DATA)), None, dataset, **QUIET).success(clear, None, picked, **QUIET)
    stop.click(None, None, None, cancels=[running], api_visibility="private")


def _training(do: SongsActions, at: Controls) -> None:
    """Presets and sliders; train, watch the loss, stop."""
    names = [(tr(f"songs.preset_{name}"), name) for name in PRESETS]
    preset = gr.Radio(names, value="tuned", label=tr("songs.preset"), elem_id="songs-preset")
    start = TUNED
    with gr.Accordion(tr("songs.parameters"), open=False):
        sliders = [
            gr.Slider(2, 128, start.vector_size, step=1, label="vector_size", info=tr("songs.vector_size")),
            gr.Slider(1, 60, start.window, step=1, label="window", info=tr("songs.window")),
            gr.Slider(1, 60, start.negative, step=1, label="negative", info=tr("songs.negative")),
            gr.Slider(1, 50, start.min_count, step=1, label="min_count", info=tr("songs.min_count")),
            gr.Slider(1, 40, start.epochs, step=1, label="epochs", info=tr("songs.epochs")),
            gr.Slider(-1, 1, start.ns_exponent, step=0.05, label="ns_exponent", info=tr("songs.ns_exponent")),
            gr.Slider(0.005, 0.2, start.alpha, step=0.005, label="alpha", info=tr("songs.alpha")),
            gr.Radio([("CBOW", 0), ("skip-gram", 1)], value=start.sg, label="sg", info=tr("songs.sg")),
            gr.Slider(1, 4, start.workers, step=1, label="workers", info=tr("songs.workers")),
            gr.Checkbox(bool(start.centre), label=tr("songs.centre"), info=tr("songs.centre_info")),
        ]
    with gr.Row(elem_classes="pg-actions"):
        go = gr.Button(tr("songs.train"), variant="primary", min_width=80, elem_id="songs-train")
        stop = gr.Button(tr("shell.stop"), min_width=60)
    result = gr.HTML(padding=False, elem_id="songs-trained", elem_classes="pg-maybe")

    def values(name: str) -> list[Any]:
        p = PRESETS[name]
        return [
            p.vector_size, p.window, p.negative, p.min_count, p.epochs, p.ns_exponent, p.alpha, p.sg,
            p.workers, bool(p.centre),
        ]  # fmt: skip

    def train(*given: Any) -> Iterator[tuple[Any, Any]]:
        for shown, key in do.train(*given):
            yield shown, key or gr.skip()

    preset.input(guard(values), preset, sliders, **QUIET)
    running = go.click(guard(train), [at.dataset, *sliders], [result, at.key], **QUIET)
    stop.click(None, None, None, cancels=[running], api_visibility="private")


def _map(do: SongsActions, at: Controls, tab: gr.Tab) -> None:
    with gr.Row(elem_classes="pg-end"):
        method = gr.Radio(
            [("UMAP", "umap"), ("PCA", "pca")], value="umap", label=tr("songs.map_method"), min_width=160
        )
        by = gr.Radio(
            [(tr(f"songs.by_{each}"), each) for each in ("genre", "era", "artist")], value="genre",
            label=tr("songs.map_by"), min_width=200,
        )  # fmt: skip
    _follow(do, tab, at, do.map, "map", method, by)


def _measure(do: SongsActions, at: Controls) -> gr.HTML:
    with gr.Row(elem_classes="pg-actions"):
        go = gr.Button(tr("songs.measure"), variant="primary", min_width=120, elem_id="songs-measure")
        stop = gr.Button(tr("shell.stop"), min_width=60)
    view = gr.HTML(padding=False, elem_id="songs-measures", min_height=240)
    running = go.click(in_place(do.measure), [at.dataset, at.key], view, **QUIET)
    stop.click(None, None, None, cancels=[running], api_visibility="private")
    return view
