"""A room of two controls and one action, and one with a control of every kind: made by `playground.ui`.

What other rooms are tested with, before there is one: no script, no listener of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import BadInput
from playground.models.catalog import Catalog
from playground.settings import Settings
from playground.shell import middleware, qr, scripts, search, streams
from playground.system import cancellation
from playground.ui import controls
from playground.ui.controls import control, stored, view
from playground.ui.runs import (  # fmt: skip
    Action,
    Given,
    Line,
    actions,
    asks,
    html,
    place,
    progress,
    sets,
    status,
    upload,
)
from playground.ui.visitor import tr, translations, wholes

ticks: list[float] = []  # of what computes for long: it grows while it runs
workers: list[tuple[float, object]] = []  # the same, with whose it was
asked: list[dict[str, Any]] = []


def echo(given: Given) -> Iterator[Line]:
    asked.append({**given, "by": given.by})
    yield html(
        "toy-place",
        f"<p>{escape(given['word'])} × {given['times']} = {escape(given['word'] * given['times'])}</p>",
    )


def long(given: Given) -> Iterator[Line]:
    """A first piece, and then one step that never ends by itself."""
    mine = object()
    yield progress("<p>counting</p>")
    while True:
        cancellation.check()
        ticks.append(time.monotonic())
        workers.append((ticks[-1], mine))
        time.sleep(0.005)


def fails(given: Given) -> Iterator[Line]:
    yield html("toy-fails-place", "<p>a beginning</p>")
    if given.by == "#toy-broken":
        raise RuntimeError("inner secret")
    raise BadInput("prompt_empty")


def once(given: Given) -> Iterator[Line]:
    """Fails the first time."""
    asked.append({**given, "by": given.by})
    if len(asked) == 1:
        raise RuntimeError("not yet")
    yield html("toy-fails-place", f"<p>asked {len(asked)} times by {escape(given.by)}</p>")


def fill(given: Given) -> Iterator[Line]:
    yield sets(
        {"toy.word": "filled", "toy.menu": {"choices": [("One", "one"), ("Two", "two")], "value": "two"}}
    )
    yield status("<p>done</p>", "toy-place")
    yield asks("toy/both", "filled")


def both(given: Given) -> Iterator[Line]:
    """Fills two places; of a long word, the first one only, and goes on until it is stopped."""
    word = escape(f"{given['word']} by {given.by}")
    yield html("toy-both-one", word)
    while len(given["word"]) > 9:
        cancellation.check()
        time.sleep(0.005)
    yield status("<p>two</p>", "toy-both-two")
    yield html("toy-both-two", word)


def count(given: Given) -> Iterator[Line]:
    asked.append({**given, "by": given.by})
    yield html("toy-built", f"<b>answered {given['times']}</b>")


def late_set(given: Given) -> Iterator[Line]:
    """Takes a while, and then sets what it was asked with, and something else."""
    time.sleep(1.5)
    yield sets({"toy.word": "of an answer", "toy.times": 4})


def build() -> None:
    slots = "".join(f'<span id="pg-{name}"></span>' for name in scripts.SLOTS)
    gr.HTML(f'<header class="pg-head"><nav>{slots}</nav></header>')
    with gr.Tabs():
        with gr.Tab("Toy", id="toy", elem_id="tab-toy") as tab:
            view("toy", "", tab)
            word = control("toy.word", gr.Textbox("ab", label="Word"), query="text")
            control("toy.times", gr.Slider(0, 9, 2, step=1, label="Times"))
            control("toy.menu", gr.Dropdown(["zero"], label="Menu", value="zero"))
            control("toy.said", gr.Textbox(tr("runs.lost"), label="Said"))
            for name in ("go", "stop", "known", "broken", "fill", "late", "once"):
                gr.Button(name, elem_id=f"toy-{name}")
            place("toy-place")
            place("toy-long-place")
            place("toy-fails-place")
            place("toy-built", lambda lang: f"<b>built in {lang}</b>")
            place("toy-both-one")
            place("toy-both-two")
            del word
        with gr.Tab("Other", id="other", elem_id="tab-other") as tab, gr.Tabs():
            with gr.Tab("All", id="all") as inner:
                view("other", "all", inner)
                control("other.text", gr.Textbox(label="text", lines=3), implies={"other.radio": "own"})
                control("other.number", gr.Number(0, precision=0, minimum=0, maximum=99, label="number"))
                control("other.slider", gr.Slider(0, 1, 0.5, step=0.01, label="slider"))
                control("other.check", gr.Checkbox(True, label="check"))
                control("other.checks", gr.CheckboxGroup(["a", "b", "c"], value=["a"], label="checks"))
                control("other.radio", gr.Radio(["given", "own"], value="given", label="radio"))
                control("other.axes", gr.Radio([("2-D", 2), ("3-D", 3)], value=2, label="axes"))
                control("other.offer", gr.Radio(["some"], value="some", label="offer"), varies=True)
                control(
                    "other.preset", gr.Radio(["small", "large"], value="small", label="preset"),
                    presets={"large": {"other.number": 9, "other.slider": 0.75}},
                )  # fmt: skip
                stored("other.picks", ["first"], private=False)
                control("other.model", gr.Dropdown(["m"], value="m", allow_custom_value=True, label="model"))
                control(
                    "other.several",
                    gr.Dropdown(["m", "n", "o"], value=["m"], multiselect=True, label="several"),
                )
            with gr.Tab("Secret", id="secret") as inner:
                view("other", "secret", inner)
                control("other.talk", gr.Textbox(label="talk"), private=True)
                control(
                    "other.source", gr.Dropdown(["x", "file"], value="x", label="source"), private=("file",)
                )
                control("other.name", gr.Textbox(label="name"))
                stored("other.file")
                up = gr.UploadButton("Upload", elem_id="toy-upload")
                place("other-place")
                place("other-told")

    def late(given: Given) -> Iterator[Line]:
        yield html("other-place", f"<b>{escape(given['talk'])}</b>")

    def uploaded(path: Any) -> Iterator[Line]:
        yield sets({"other.file": "rows-" + "a" * 32, "other.source": "file"})
        yield html("other-told", "<i>came</i>")

    actions(
        "toy",
        Action("echo", echo, ["toy.word", "toy.times"], ["toy.word", "toy.times"], ["toy-place"], ["toy"]),
        Action("long", long, ["toy.word"], ["#toy-go"], ["toy-long-place"]),
        Action("fails", fails, [], ["#toy-known", "#toy-broken"], ["toy-fails-place"]),
        Action("once", once, ["toy.word"], ["#toy-once"], ["toy-fails-place"], again=False),
        Action("fill", fill, on=["#toy-fill"]),
        Action("count", count, ["toy.times"], ["toy.times"], ["toy-built"], ["toy"], built=True),
        Action("late", late_set, ["toy.word"], ["#toy-late"], stopped="runs.failed"),
        Action("both", both, ["toy.word"], ["@toy-word"], ["toy-both-one", "toy-both-two"]),
        stop="toy-stop",
    )
    actions("other", Action("late", late, ["other.talk"], ["other.talk"], ["other-place"]))
    upload(up, uploaded, "other")


Toy = tuple[gr.Blocks, str]  # the page and its address


@contextmanager
def served(**how: Any) -> Iterator[Toy]:
    """The page, at an address."""
    with gr.Blocks() as page:
        build()
        controls.part(page)
    page.queue(api_open=False)
    nowhere = Path("no such folder")
    own = {"qr": qr.answer, "search": search.answers(Catalog(nowhere, nowhere))}
    every = [*streams.routes(own), *scripts.routes()]
    words = {lang: {**said, **wholes(lang)} for lang, said in translations().items()}
    page.launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False, i18n=gr.I18n(**words),
        app_kwargs={"middleware": middleware.middleware(Settings()), "routes": every},
        **how,
    )  # fmt: skip
    try:
        yield page, page.local_url
    finally:
        page.close()
