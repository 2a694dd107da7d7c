"""Controls by name: what is registered, what the page is told of it, and which values fit."""

from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr
import pytest

from playground import ASSETS, text
from playground.errors import BadInput
from playground.ui import controls
from playground.ui.controls import control, movable, page_of, stored, view
from playground.ui.visitor import wholes
from tests.ui import toy
from tests.ui.whole import whole_page


def told(page: gr.Blocks) -> dict[str, Any]:
    """What the page's store is given."""
    (lever,) = [each for each in page.blocks.values() if each.elem_id == "pg-store"]
    found: dict[str, Any] = json.loads(re.search(r", (\{.*\})\)$", lever.js_on_load)[1])  # type: ignore[index]
    return found


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with gr.Blocks() as page:
        toy.build()
        controls.part(page)
    return page


def test_all_of_a_page_is_three_listeners(page: gr.Blocks) -> None:
    """One hears, one sets, one says that it was set; two more for its one upload."""
    mine = [each for each in page.fns.values() if isinstance(each.js, str) and "playground.store" in each.js]
    assert len(mine) == 3 and len(page.fns) == 5 and not any(each.fn for each in mine)
    heard = next(each for each in mine if "heard" in each.js)
    shown = [each for each in page_of(page).controls.values() if each.component is not None]
    assert [each._id for each in heard.inputs] == [each.component._id for each in shown]
    assert set(heard.targets) == {(each.component._id, "change") for each in shown}


def test_what_the_page_is_told(page: gr.Blocks) -> None:
    given = told(page)
    rows = {row["id"]: row for row in [*given["controls"], *given["stored"]]}
    assert rows["toy.word"] == {"id": "toy.word", "kind": "text", "value": "ab", "query": "text"}
    assert rows["other.axes"]["numbers"] and rows["other.axes"]["choices"] == [2, 3]
    assert "choices" not in rows["other.offer"]  # a link may hold one that is offered later
    assert rows["other.several"]["kind"] == "list" and rows["other.check"]["value"] is True
    assert rows["other.talk"]["private"] is True and rows["other.source"]["private"] == ["file"]
    assert rows["other.file"] == {"id": "other.file", "kind": "text", "value": "", "private": True}
    assert rows["other.text"]["implies"] == {"other.radio": "own"} and rows["other.text"]["value"] == ""
    told_in = {lang: text.say("runs.lost", lang) for lang in text.LANGUAGES}
    assert rows["toy.said"]["said"] == told_in and "value" not in rows["toy.said"]
    assert rows["other.preset"]["presets"] == {"large": {"other.number": 9, "other.slider": 0.75}}
    assert rows["other.picks"] == {"id": "other.picks", "kind": "list", "value": ["first"]}
    views = {each["view"]: each for each in given["views"]}
    assert views["toy"]["id"] == "tab-toy" and views["toy"]["tabs"] == [[0, "toy"]]
    assert (
        views["other/all"]["tabs"] == [[0, "other"], [1, "all"]] and views["other/all"]["id"] == "other-all"
    )
    made = {each["name"]: each for each in given["actions"]}
    assert {"toy/echo", "toy/long", "other/late"} <= {*made} and "built" not in made["toy/echo"]
    assert made["toy/count"]["built"] and "stopped" not in made["toy/echo"]
    assert made["toy/late"]["stopped"]["zh-TW"] == text.say("runs.failed", "zh-TW")


def test_choices_that_vary_are_not_told() -> None:
    with gr.Blocks() as page:
        control("room.a", gr.Radio(["x", "y"], value="x"))
        control("room.b", gr.Radio(["x", "y"], value="x"), varies=True)
    first, second = page_of(page).controls.values()
    assert first.declared()["choices"] == ["x", "y"] and "choices" not in second.declared()


def test_a_name_is_an_id_and_stands_for_one_control() -> None:
    with gr.Blocks():
        made = control("room.top_k", gr.Slider(0, 5, 1))
        assert made.elem_id == "room-top-k"
        assert control("room.other", gr.Number(1, elem_id="own")).elem_id == "own"
        for wrong in ("room.top_k", "noroom", ".x", "room."):
            with pytest.raises(AssertionError):
                control(wrong, gr.Textbox())
        movable("room.row", gr.Row())
        stored("room.file")
        assert [*page_of().controls] == ["room.top_k", "room.other", "room.file"]
    with gr.Blocks() as other:
        assert not page_of(other).controls  # another page


def test_an_address_leads_through_the_tabs_around_it() -> None:
    with gr.Blocks() as page:
        with gr.Tabs(), gr.Tab("a", id="a"), gr.Row(), gr.Tabs(), gr.Tab("b", id="b") as inner:
            view("room", "b", inner)
        controls.part(page)
    (row,) = told(page)["views"]
    assert row == {"view": "room/b", "id": "room-b", "tabs": [[0, "a"], [1, "b"]]}


def test_a_page_without_anything() -> None:
    with gr.Blocks() as page:
        controls.part(page)
    assert not page.fns and not told(page)["controls"]


FITS = {
    "text": ["", "x", "\ud800", "<b>"], "number": [0, 1.5, None, 99], "yes": [True, False],
    "choice": ["a", "", None], "list": [[], ["a"], ["b", "a"]],
}  # fmt: skip
WRONG = {
    "text": [None, 1, [], {}, True], "number": ["1", True, [], float("nan"), float("inf"), 10**400],
    "yes": [None, 1, "true"], "choice": [True, 3, [], {}, float("nan")],
    "list": [None, "a", [None], [1], [[]], ["c"], {}],
}  # fmt: skip
MADE = {
    "text": gr.Textbox, "number": gr.Number, "yes": gr.Checkbox, "choice": gr.Dropdown,
    "list": gr.CheckboxGroup,
}  # fmt: skip


@pytest.mark.parametrize("kind", FITS)
def test_which_values_fit(kind: str) -> None:
    with gr.Blocks() as page:
        made = MADE[kind](["a", "b"]) if kind == "list" else MADE[kind]()
        control("room.it", made)
    known = page_of(page).controls["room.it"]
    assert known.kind == kind
    for value in FITS[kind]:
        assert known.checked(value) == value
    for value in WRONG[kind]:
        with pytest.raises(BadInput, match=r"control_malformed|setting_outside"):
            known.checked(value)


def test_of_what_is_offered_as_numbers_only_those_fit() -> None:
    with gr.Blocks() as page:
        control("room.axes", gr.Radio([("2-D", 2), ("3-D", 3)], value=2))
        control("room.menu", gr.Dropdown([("one", 1), ("two", 2)], value=1))
    axes, menu = page_of(page).controls.values()
    assert axes.checked(3) == 3 and menu.checked(7) == 7  # what a menu offers may have changed
    for known, wrong in ((axes, 4), (axes, "2"), (axes, True), (menu, "1")):
        with pytest.raises(BadInput, match="control_malformed"):
            known.checked(wrong)


def test_a_number_keeps_within_its_ends() -> None:
    with gr.Blocks() as page:
        control("room.a", gr.Slider(2, 5, 3))
        control("room.b", gr.Number(0, minimum=0))
        control("room.c", gr.Slider(2, 5, 3), most=9)  # whose end an answer moves
    slider, number, moved = page_of(page).controls.values()
    assert moved.checked(9) == 9
    assert slider.checked(5) == 5 and number.checked(10**9) == 10**9
    for made, value in ((slider, 1), (slider, 5.1), (number, -1), (moved, 9.5)):
        with pytest.raises(BadInput, match="setting_outside"):
            made.checked(value)


def test_the_real_page_registers_what_it_declares() -> None:
    page = whole_page()
    given = told(page)
    ids = [each.elem_id for each in page.blocks.values() if each.elem_id]
    assert len(ids) == len(set(ids))  # an id leads to one thing
    pieces = [str(block.value) for block in page.blocks.values() if isinstance(block, gr.HTML)]
    written = " ".join([*pieces, *wholes("en").values()])
    scripts = " ".join(file.read_text(encoding="utf-8") for file in ASSETS.glob("**/*.js"))
    places = set(re.findall(r'data-place="([^"]+)"', written))
    places |= set(re.findall(r'dataset\.place = "([^"]+)"', scripts))  # in the inspector
    ids += re.findall(r'<button [^>]*\bid="([^"]+)"', written)
    ids += re.findall(r'runs\.ask\("[^"]+", "#([^"]+)"\)', scripts)  # by scripts
    for action in given["actions"]:
        assert {*action.get("places", ())} <= places, action["name"]
        assert {*action.get("buttons", ()), *action.get("stops", ())} <= {*ids}, action["name"]
