"""Listeners that wait for their turn never share an event, or the page would ask for both for ever."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import gradio as gr
import pytest

from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.settings import read
from playground.shell import relays
from playground.shell.page import build_app
from playground.ui.context import Context


def shared(page: gr.Blocks) -> dict[tuple[int | None, str], int]:
    """Events that several waiting listeners hear, and how many they are."""
    heard = Counter(
        target
        for listener in page.fns.values()
        if listener.trigger_mode == "always_last" and listener.fn
        for target in listener.targets
        if target[0] is not None
    )
    return {target: count for target, count in heard.items() if count > 1}


def test_every_listener_but_the_first_gets_an_event_of_its_own() -> None:
    with gr.Blocks() as page:
        one, other, result = gr.Textbox(), gr.Slider(), gr.Textbox()
        how = {"trigger_mode": "always_last"}
        first = one.change(str.upper, one, result, **how)
        second = gr.on([one.change, other.change], lambda text, n: text * n, [one, other], result, **how)
        third = one.change(str.lower, one, result, trigger_mode="once")
        assert shared(page) == {(one._id, "change"): 2}
        assert relays.part(page) == 1
    assert not shared(page)
    targets = {name: page.fns[event["id"]].targets for name, event in
               {"first": first, "second": second, "third": third}.items()}  # fmt: skip
    assert targets["first"] == [(one._id, "change")] == targets["third"]
    ((box, event),) = targets["second"]
    assert event == "change" and page.blocks[box].visible == "hidden"
    (telling,) = [each for each in page.fns.values() if each.outputs == [page.blocks[box]]]
    assert set(telling.targets) == {(one._id, "change"), (other._id, "change")} and telling.fn is None


@pytest.mark.parametrize("offline", [True, False])
def test_nothing_of_the_page_waits_for_the_same_event(tmp_path: Path, offline: bool) -> None:
    context = Context(
        read([], {}), Catalog(tmp_path, tmp_path, offline=offline), ModelCache(2**20, TransformersLoader())
    )
    page = build_app(context)
    assert not shared(page)
    # For a State every page holds a connection open, and of the sixth in one browser nothing ever comes.
    assert not [each for each in page.blocks.values() if isinstance(each, gr.State)]
