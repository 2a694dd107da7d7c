"""Chat's controls by the page's one store: links, what is in none, presets, what is asked and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from playground import text
from playground.rooms.chat.panel import LARGER, PRESET, PRESETS
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_chat_page import act, answered, choose, ready, say, tell, unfolded
from tests.browser.visiting import WAIT, Visit, settled, visiting, written

pytestmark = pytest.mark.browser
ASKED = "What is the capital of France?"
# Presses Send in the moment in which it and the box are there.
EARLY = """new MutationObserver(() => {
  const box = document.querySelector("#chat-box textarea"), send = document.querySelector("#chat-send");
  if (!box || !send || window.pressed) return;
  window.pressed = true;
  box.value = "What is the capital of France?";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  send.click();
}).observe(document, { childList: true, subtree: true });"""


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("chat")) as visit:
        yield visit


@pytest.fixture
def whole(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.url) as visit:
        yield visit


def opened(visit: Visit, address: str = "", **context: Any) -> Page:
    page = visit(address, ready=False, **context)
    ready(page)
    return page


def held(page: Page, *names: str) -> list[Any]:
    return [page.evaluate("id => playground.store.get(id)", name) for name in names]


def room_asked(page: Page) -> list[str]:
    """What the page will have asked of this room."""
    asked: list[str] = []

    def hear(request: Request) -> None:
        where = request.url.partition("?")[0].rpartition("/playground/chat")
        if request.method == "POST" and where[1]:
            asked.append(where[2].strip("/"))

    page.on("request", hear)
    return asked


def test_it_is_asked_nothing_before_it_is_opened(whole: Visit) -> None:
    page = whole("robots.txt", ready=False)
    asked = room_asked(page)
    page.goto(whole.home)
    page.wait_for_function("window.playground?.store?.view()")
    settled(page)
    assert not asked
    page.get_by_role("tab", name=say("tab"), exact=True).click()
    expect(page.locator("#chat-composer")).to_be_visible()
    settled(page)
    assert sorted(asked) == ["engine", "opening", "precision"]
    with unfolded(page, "pill"):
        page.locator("#chat-model input").click()
        expect(page.locator("#chat-model [role=option]").first).to_be_visible()


@pytest.mark.parametrize("address", ["#chat?model={}&system=a%20b", "?tab=chat&model={}"])
def test_what_a_link_says_stays(whole: Visit, address: str) -> None:
    """Filling the menu of models takes no choice back."""
    page = whole(address.format("nobody/nothing"), ready=False)
    ready(page)
    assert held(page, "chat.model", "chat.system") == ["nobody/nothing", "a b" if "system" in address else ""]
    expect(page.locator("#chat-model input")).to_have_value("nobody/nothing")


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_enter_sends_and_with_shift_starts_a_line(visit: Visit, lang: str) -> None:
    """Gradio took Shift+Enter for sending, whatever the hint said."""
    page = opened(visit, f"?lang={lang}")
    box = page.locator("#chat-box textarea")
    expect(box).to_have_attribute("placeholder", say("message_hint", lang))
    box.fill("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    expect(page.locator(".chat-msg")).to_have_count(0)
    box.press("Enter")
    answered(page)
    expect(page.locator(".chat-msg.user .chat-body")).to_have_text("one\ntwo")
    expect(box).to_have_value("")
    box.press("Enter")  # nothing to send
    expect(page.locator(".chat-msg")).to_have_count(2)


def test_what_is_offered_stands_in_rows(visit: Visit) -> None:
    """Gradio gives all but the last of a page's own buttons a margin."""
    page = opened(visit)
    boxes = [box for each in page.locator(".chat-card").all() if (box := each.bounding_box())]
    assert [len({round(box[side]) for box in boxes}) for side in ("x", "y", "width")] == [2, 2, 1]
    page.set_viewport_size({"width": 360, "height": 740})
    boxes = [box for each in page.locator(".chat-card").all() if (box := each.bounding_box())]
    assert len({round(box["x"]) for box in boxes}) == 1


def test_the_cards_are_of_the_model_that_is_chosen(visit: Visit) -> None:
    page = opened(visit)
    for model, kind in (("nobody/nothing", "other"), ("tutor", "tutor")):
        choose(page, model)
        offered = [line.split("|")[1] for line in say(f"cards_{kind}").split("\n")]
        expect(page.locator(".chat-card span")).to_have_text(offered)


def test_what_is_said_is_in_no_link(visit: Visit, browser: Browser) -> None:
    page = opened(visit)
    with unfolded(page, "tune"):
        page.fill("#chat-system textarea", "Be brief.")
    tell(page, ASKED)
    assert "Paris" in answered(page)
    page.fill("#chat-box textarea", "half typed")
    written(page)
    assert page.url.endswith("#chat?system=Be+brief.")
    link = page.evaluate("playground.store.link()")
    assert link.endswith("#chat?system=Be+brief.")
    visit.watch.leaving = True
    page.reload()
    expect(page.locator("#chat-box textarea")).to_have_value("half typed", timeout=2 * WAIT)
    expect(page.locator(".chat-msg")).to_have_count(2)
    with visiting(browser, link) as other:
        theirs = other(ready=False)
        ready(theirs)
        expect(theirs.locator("#chat-system textarea")).to_have_value("Be brief.")
        expect(theirs.locator("#chat-box textarea")).to_have_value("")
        expect(theirs.locator(".chat-msg")).to_have_count(0)


def test_presets_set_and_back_takes_them_back(visit: Visit) -> None:
    page = opened(visit)
    with unfolded(page, "tune"):
        page.fill("#chat-system textarea", "Be brief.")
    written(page)
    with unfolded(page, "tune"):
        page.locator(".label-wrap", has_text=say("more")).click()
        settled(page)  # nobody types while Gradio is still making the box
        page.fill("#chat-seed input", "5")
        page.wait_for_function("playground.store.get('chat.seed') === 5")
    written(page)
    pressed = [*PRESETS, "balanced"]  # the first is as the page is built: it changes nothing
    for name in pressed:
        act(page, name)
        assert held(page, *PRESET) == [*PRESETS[name]]
        expect(page.locator("#chat-temperature input[type=number]")).to_have_value(f"{PRESETS[name][0]:g}")
    tell(page, ASKED)
    answered(page)
    written(page)
    assert "temperature=0.7" in page.url and "seed=5" in page.url
    for name in pressed[-2::-1]:  # one press a step
        page.go_back()
        page.wait_for_function(f"playground.store.get('chat.temperature') === {PRESETS[name][0]:g}")
        assert held(page, *PRESET, "chat.seed") == [*PRESETS[name], 5]
        expect(page.locator("#chat-temperature input[type=number]")).to_have_value(f"{PRESETS[name][0]:g}")
    page.go_back()
    page.wait_for_function("playground.store.get('chat.seed') === -1")
    expect(page.locator("#chat-system textarea")).to_have_value("Be brief.")
    assert held(page, *PRESET) == [*PRESETS["precise"]]
    expect(page.locator(".chat-msg")).to_have_count(2)  # the conversation stands as it stood
    page.go_forward()
    page.wait_for_function("playground.store.get('chat.seed') === 5")
    assert held(page, *PRESET) == [*PRESETS["precise"]]
    page.go_forward()
    page.wait_for_function(f"playground.store.get('chat.temperature') === {PRESETS[pressed[1]][0]:g}")
    assert held(page, *PRESET) == [*PRESETS[pressed[1]]]


def test_a_larger_model_is_one_press_away(visit: Visit) -> None:
    """The press alone; a server that is offline offers none."""
    page = opened(visit)
    assert not page.locator("#chat-larger-0").count()
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<button id=\"chat-larger-0\">larger</button>')"
    )
    with page.expect_request("**/playground/chat/precision*"):  # what it can be computed in is asked anew
        page.locator("#chat-larger-0").click()
    expect(page.locator("#chat-model input")).to_have_value(LARGER[0])


def test_what_is_folded_is_asked_for_when_it_opens(visit: Visit) -> None:
    page = opened(visit)
    tell(page, ASKED)
    answered(page)
    asked = room_asked(page)
    gauge = page.locator("#chat-gauge")
    gauge.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pg-inspector table")).to_be_visible()
    assert asked == ["prompt"]
    page.keyboard.press("Escape")
    expect(page.locator("#pg-inspector")).not_to_be_visible()
    expect(gauge).to_be_focused()
    settled(page)
    assert asked == ["prompt"]
    page.locator("#chat-beside > button").click()
    expect(page.locator("#chat-beside-model input")).to_be_visible()
    settled(page)
    assert asked == ["prompt", "beside_precision"]


def test_side_by_side_asks_with_what_is_set_there(visit: Visit) -> None:
    page = opened(visit)
    act(page, "creative")
    tell(page, ASKED)
    answered(page)
    page.locator("#chat-beside > button").click()
    settled(page)  # nobody types while Gradio is still making the box
    page.locator("#chat-beside-temperature input[type=number]").fill("0.25")
    page.locator("#chat-beside-top-p input[type=number]").fill("0.5")
    page.keyboard.press("Tab")
    settled(page)
    given: list[dict[str, Any]] = []

    def hear(request: Request) -> None:
        if request.url.endswith("/playground/chat"):
            given.append(request.post_data_json)

    page.on("request", hear)
    act(page, "compare")
    expect(page.locator("#chat-two > p")).to_be_visible(timeout=2 * WAIT)
    left, right = given
    assert (left["temperature"], left["top_p"], left["min_p"]) == (1.1, 1, 0.05)
    assert (right["temperature"], right["top_p"], right["min_p"]) == (0.25, 0.5, 0.05)
    assert left["seed"] == right["seed"] >= 0 and left["messages"] == right["messages"]
    assert left["conversation"] != right["conversation"]
    expect(page.locator(".chat-log .chat-msg")).to_have_count(2)  # nothing of it joins the conversation


def test_what_is_pressed_while_the_page_is_made_is_done(visit: Visit) -> None:
    page = visit("robots.txt", ready=False)
    page.add_init_script(EARLY)
    page.goto(visit.home)
    assert "Paris" in answered(page)
    expect(page.locator("#chat-box textarea")).to_have_value("")
