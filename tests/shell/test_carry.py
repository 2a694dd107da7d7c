"""Whatever a visitor can set comes along when the language changes: by the store, its panel, or `carry`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import gradio as gr
import pytest

from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.settings import Settings
from playground.shell import carry
from playground.shell.page import build_app
from playground.ui.context import Context
from playground.ui.controls import page_of


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> gr.Blocks:
    folder: Path = tmp_path_factory.mktemp("carry")
    settings = dataclasses.replace(Settings(), cache_dir=folder, models_dir=folder / "models", offline=True)
    catalog = Catalog(folder / "models", folder / "uploads", offline=True)
    return build_app(Context(settings, catalog, ModelCache(2**20, TransformersLoader(offline=True))))


def carrying(app: gr.Blocks) -> tuple[list[int], list[int]]:
    """Controls that a panel brings back itself, and those that are brought back for it."""
    own: list[int] = []
    others: list[int] = []
    for listener in app.fns.values():
        if any(event == "load" for _, event in listener.targets) and isinstance(listener.js, str):
            if ".carried" in listener.js:
                own += [each._id for each in listener.outputs]
            elif listener.js == carry.BRING:
                others += [each._id for each in listener.outputs]
    return own, others


def stored(app: gr.Blocks) -> set[int]:
    """Controls that the page's store holds."""
    return {each.component._id for each in page_of(app).controls.values() if each.component is not None}


def test_every_control_comes_along_once(app: gr.Blocks):
    own, others = carrying(app)
    held = stored(app)
    missing = [
        (number, str(block.label))
        for number, block in app.blocks.items()
        if isinstance(block, carry.KINDS) and block.label is not None and block.visible is True
        and block.interactive is not False and number not in {*own, *others, *held}
    ]  # fmt: skip
    assert not missing and len(held) > 15
    assert len(others) == len(set(others)) and not any(({*own} & {*others}, held & {*own, *others}))


@pytest.mark.parametrize("name", ["chat-model", "chat-precision", "chat-system", "chat-seed", "chat-box",
                                  "next-beside-model", "dec-which", "arc-rank",
                                  "pg-models-name", "tok-ids"])  # fmt: skip
def test_what_vanished_before_does_not(app: gr.Blocks, name: str):
    _, others = carrying(app)
    (number,) = [number for number, block in app.blocks.items() if block.elem_id == name]
    if number in stored(app):
        return
    assert number in others
    heard = {
        source
        for listener in app.fns.values() if listener.js == carry.KEEP
        for source, event in listener.targets if event == "change"
    }  # fmt: skip
    assert number in heard


def test_no_load_takes_the_choice_in_a_menu_back(app: gr.Blocks):
    """A menu is filled anew when the page opens; what was chosen in it comes from elsewhere, maybe sooner."""
    _, others = carrying(app)
    filled = [
        listener
        for listener in app.fns.values()
        if any(event == "load" for _, event in listener.targets) and listener.fn
        for output in listener.outputs
        if output._id in others
    ]
    assert len(filled) == 1  # Chat's
    for listener in filled:
        assert "value" not in listener.fn().constructor_args  # only what is named there is changed


def test_a_page_without_controls_has_none():
    with gr.Blocks() as page:
        gr.Textbox(visible="hidden", label="a")
        gr.Textbox(interactive=False, label="b")
        gr.Textbox()
        gr.HTML("c")
        assert carry.part(page) == []
        named = gr.Textbox(label="d")
        assert carry.part(page) == [named]
