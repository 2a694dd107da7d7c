"""The search: by keyboard, in any language, from any room."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from playground import text
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_store import new_page, ready, value
from tests.browser.visiting import WAIT, visiting
from tests.ui.toy import Toy

pytestmark = pytest.mark.browser


def say(key: str, lang: str = "en") -> str:
    return text.say(f"search.{key}", lang)


def box(page: Page) -> Any:
    return page.locator("#pg-search [role=combobox]")


def options(page: Page) -> Any:
    return page.get_by_role("option")


def test_a_stroke_opens_it_and_the_keyboard_goes_to_a_setting_of_another_view(
    served: Toy, context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "?lang=en")
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value("")  # the stroke was no question
    expect(options(page)).to_have_text([f"Toy{say('room')}"])
    page.keyboard.type("sli")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_contain_text("slider")
    chosen = page.locator("#pg-search [aria-selected=true]")
    expect(box(page)).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "none")
    page.keyboard.press("Enter")
    page.wait_for_function("playground.store.view() === 'other/all'")
    expect(page.locator("#other-slider input").first).to_be_focused()
    expect(box(page)).to_have_count(0)


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_a_name_is_found_in_every_language(served: Toy, context: BrowserContext, lang: str) -> None:
    page = new_page(context, served[1] + f"?lang={lang}")
    page.locator("#pg-search > button").click()
    for asked in ("SECRET", "ｓｅｃｒｅｔ"):
        box(page).fill(asked)
        expect(options(page).first).to_contain_text("Other › Secret")
        expect(options(page).first.locator("small")).to_contain_text(say("view", lang))
    box(page).fill("no such thing")
    expect(options(page)).to_have_count(0)
    expect(page.locator(".pg-find-told")).to_have_text(say("none", lang))
    page.keyboard.press("Escape")
    expect(page.locator("#pg-search > button")).to_be_focused()


def test_a_stroke_in_a_field_stays_a_stroke(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1])
    page.locator("#toy-word").locator("textarea, input").fill("")
    page.locator("#toy-word").locator("textarea, input").press_sequentially("a/b")
    page.wait_for_function("playground.store.get('toy.word') === 'a/b'")
    expect(box(page)).to_have_count(0)
    assert value(page, "toy.word") == "a/b"


def test_it_is_asked_for_once_and_says_when_the_server_is_away(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=en")
    page.evaluate("playground.later('search')")
    page.route("**/playground/search", lambda route: route.abort("connectionrefused"))
    page.keyboard.press("/")
    expect(page.locator(".pg-find-told")).to_have_text(say("lost"))
    page.keyboard.press("Escape")
    page.unroute("**/playground/search")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search" in request.url else None)
    for _ in range(2):
        page.keyboard.press("/")
        expect(options(page).first).to_be_visible()
        page.keyboard.press("Escape")
        expect(box(page)).to_have_count(0)
    assert len([each for each in asked if each.endswith("/playground/search")]) == 1


def test_it_fills_a_phones_width(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=zh-TW")
    page.set_viewport_size({"width": 360, "height": 740})
    page.locator("#pg-search > button").click()
    expect(options(page).first).to_be_visible()
    place = page.locator("dialog.pg-find").bounding_box()
    assert place and (place["x"], place["width"]) == (0, 360)
    options(page).last.click()
    expect(box(page)).to_have_count(0)
    assert page.evaluate("playground.store.view()") == "toy"


def test_a_setting_that_a_button_opens_is_reached_and_a_model_is_chosen(browser: Browser, app: App) -> None:  # noqa: F811
    """Chat keeps its settings in a drawer."""
    with visiting(browser, app.panel("chat")) as visit:
        page = visit(ready=False)
        ready(page)
        page.wait_for_selector("#chat-tune", timeout=WAIT)
        page.locator("#pg-search > button").click()
        box(page).fill("溫度")  # whatever the page's language
        options(page).first.click()
        expect(page.locator("#chat-temperature input").first).to_be_focused()
        page.locator("#pg-search > button").click()
        box(page).fill("tutor")
        expect(options(page).first.locator("small")).to_contain_text(say("model"))
        options(page).first.click()
        page.wait_for_function("playground.store.get('chat.model') === 'tutor'")
