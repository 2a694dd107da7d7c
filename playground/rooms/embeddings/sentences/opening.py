"""What the Sentences view begins with, and what it shows of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground import text
from playground.errors import PlaygroundError
from playground.rooms.embeddings.sentences.actions import SentencesActions
from playground.rooms.embeddings.sentences.files import Table
from playground.rooms.embeddings.sentences.runs import Under
from playground.rooms.embeddings.sentences.work import MODEL, Wish
from playground.ui.html import note
from playground.ui.visitor import from_page, language, sentence


def both(steps: Iterator[str]) -> Iterator[tuple[Any, Any]]:
    """Steps for the status line and the map below it: what goes wrong is told above, and the map stays."""
    try:
        for step in steps:
            if not isinstance(step, Under):
                yield "", step
            elif step:
                yield str(step), gr.skip()
    except PlaygroundError as error:
        yield note(sentence(error, language()), "warning"), gr.skip()


def beginning(do: SentencesActions, carried: str, first: list[Any]) -> Iterator[Any]:
    """The view's first values: widgets, whether columns can be picked, lines brought, status, map.

    What is set anew counts as changed, and is drawn by that; what is not must be drawn here.

    Args:
        carried: the widgets' values in the page before, as JSON, or "".
        first: their values in a new page.
    """
    values: list[Any] = from_page(carried) if carried else []
    count = len(first)
    if not isinstance(values, list) or len(values) != count:
        model = gr.Dropdown(do.work.choices(), value=MODEL)
        skipped = [gr.skip()] * (count - 3)
        yield gr.skip(), gr.skip(), model, *skipped, gr.skip(), "", "", do.opening(language())
        return
    sample, own, name, file, column, label = values[:6]
    menus: list[Any] = [gr.skip(), gr.skip(), gr.skip()]
    if sample == "file":
        try:
            table = do.table(file)
            menus = pickers(table, column, label)
        except PlaygroundError:  # others' files have taken its place
            sample, file = "themes", ""
    if sample == "own" and not own.strip():
        sample = "themes"
    name = name or MODEL
    how = values[6:]
    widgets = [sample, own, gr.Dropdown(do.work.choices(), value=name), file, *menus[:2], *how]
    same = all((one or None) == (other or None) for one, other in zip(how, first[6:], strict=True))
    plain = sample == "themes" and name == MODEL and same
    yield *widgets, menus[2], own, "", do.opening(language()) if plain else gr.skip()
    by, clusters, added, *more = how
    if sample != "themes" or plain or own or added:
        return
    source = (sample, own, file, column, label)
    nothing = [gr.skip()] * (count + 2)
    for step in both(do.drawing(source, name, wish(*more), by, int(clusters or 0), "")):
        yield *nothing, *step


def wish(method: str, dimensions: int, neighbours: float, min_dist: float, metric: str, seed: Any) -> Wish:
    """The controls of the map as one value; an empty seed is 0."""
    seed = int(seed) if isinstance(seed, int | float) and 0 <= seed < 2**31 else 0
    return Wish(method, int(dimensions), int(neighbours), float(min_dist), metric, seed)


def pickers(table: Table, text_column: str, label: str) -> list[Any]:
    """Both menus of columns, and the row that they stand in."""
    every = [(each or "–", each) for each in table.columns]
    none = (text.say("sentences.no_label", language()), "")
    return [
        gr.Dropdown(every, value=text_column), gr.Dropdown([none, *every], value=label),
        gr.Row(visible=len(every) > 1),
    ]  # fmt: skip
