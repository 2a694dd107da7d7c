"""The way through the whole page: rail and bar, pills, titles, the header's menu, the model in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from playground import text
from playground.rooms import all_rooms
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_whole_page import press, shows
from tests.browser.visiting import WAIT, Visit, header_menu, settled, visiting, written

pytestmark = pytest.mark.browser

PHONE, LAPTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
KEYS = [panel.KEY for panel in all_rooms()]
TOKENS = "#tokens/compare"
RAIL = "#pg-tabs > .tab-wrapper [role=tab]"
LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((each) => each.checkVisibility()).map((each) => Number(each.ariaLevel || each.tagName[1]))"""
# What reaches under the inspector's column, where a view leaves room for it.
UNDER = """() => {
    const hint = document.querySelector(".pg-inspector-hint"), column = hint.getBoundingClientRect().left;
    if (!hint.checkVisibility()) return [];
    return [...document.querySelectorAll("#pg-tabs .block")].filter((each) => each.checkVisibility())
        .filter((each) => each.getBoundingClientRect().right > column + 1).map((each) => each.className);
}"""
BOXES = """all => all.map((each) => {
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return [left, top, right, bottom];
})"""


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.url) as visit:
        yield visit


def say(key: str, lang: str = "en") -> str:
    return text.say(key, lang)


def rail(page: Page, name: str) -> Locator:
    return page.locator(f'{RAIL}[data-tab-id="{name}"]')


def title(page: Page) -> str:
    return " ".join(page.locator("#pg-title").inner_text().split())


def ready(page: Page) -> Page:
    page.wait_for_function("window.playground?.store?.view()")
    return page


def test_rooms_and_views_are_walked_by_arrows_and_each_has_a_title(visit: Visit) -> None:
    page = visit(TOKENS, viewport=LAPTOP)
    tabs = page.locator(RAIL)
    expect(tabs).to_have_count(len(KEYS))
    assert tabs.evaluate_all("all => all.filter((each) => each.tabIndex === 0).length") == 1
    expect(page).to_have_title("Compare · Tokens · LLM Playground")
    rail(page, "tokens").focus()
    page.keyboard.press("ArrowDown")
    expect(rail(page, "chat")).to_be_focused()
    page.keyboard.press("Home")
    expect(rail(page, KEYS[0])).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(rail(page, KEYS[-1])).to_be_focused()  # around
    expect(page).to_have_title("Compare · Tokens · LLM Playground")  # looked at, not opened
    rail(page, "tokens").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Chat · LLM Playground")
    expect(rail(page, "chat")).to_have_attribute("tabindex", "0")
    written(page)
    page.go_back()
    expect(page).to_have_title("Compare · Tokens · LLM Playground")
    steps = page.get_by_role("tab", name=say("tokens.tab_steps"))
    page.get_by_role("tab", name=say("tokens.tab_compare")).focus()
    page.keyboard.press("ArrowRight")
    expect(steps).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_title("Steps · Tokens · LLM Playground")
    assert title(page) == "Tokens Steps" and "#tokens/steps" in written(page).url
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    page.go_back()
    expect(page).to_have_title("Compare · Tokens · LLM Playground")
    page.go_forward()
    expect(page).to_have_title("Steps · Tokens · LLM Playground")


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_on_a_phone_every_room_is_one_tap_away(visit: Visit, lang: str) -> None:
    page = visit(TOKENS, viewport=PHONE, locale=lang)
    boxes = page.locator(RAIL).evaluate_all(BOXES)
    assert len(boxes) == len(KEYS)
    for left, top, right, bottom in boxes:
        assert left >= 0 and right <= 360 and bottom <= 740, (left, right)
        assert right - left >= 44 and bottom - top >= 44
    assert all(one[2] <= other[0] + 0.5 for one, other in pairwise(boxes))
    expect(page.locator("#pg-tabs .overflow-menu")).to_have_count(0)
    for key in KEYS:
        expect(page.get_by_role("tab", name=say(f"{key}.tab", lang), exact=True).first).to_be_visible()
    # What stands last is not left under the bar.
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_function(
        """() => document.querySelector("footer:not(.pg-foot)").getBoundingClientRect().bottom
            <= document.querySelector("#pg-tabs > .tab-wrapper").getBoundingClientRect().top"""
    )


def test_views_are_pills_in_one_row_and_the_chosen_one_is_in_sight(visit: Visit) -> None:
    page = visit("#tokens/chat", viewport=PHONE, ready=False)
    pill = page.locator('#tok-tabs [role=tab][data-tab-id="chat"]')
    expect(pill).to_have_attribute("aria-selected", "true")
    page.wait_for_function(
        """() => {
            const pill = document.querySelector('#tok-tabs [data-tab-id="chat"]').getBoundingClientRect();
            return pill.left >= 0 && pill.right <= innerWidth;
        }"""
    )
    tops = {box[1] for box in page.locator("#tok-tabs > .tab-wrapper [role=tab]").evaluate_all(BOXES)}
    assert len(tops) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_first_stop_skips_to_the_stage(visit: Visit) -> None:
    page = visit(TOKENS, viewport=LAPTOP)
    page.keyboard.press("Tab")
    skip = page.locator(".pg-skip")
    expect(skip).to_be_focused()
    expect(skip).to_have_text(say("shell.skip"))
    before = page.url
    page.keyboard.press("Enter")
    expect(page.locator("#pg-tokens")).to_be_focused()
    assert page.url == before
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#pg-tokens').contains(document.activeElement)")


def test_one_menu_holds_language_theme_and_size(visit: Visit) -> None:
    page = visit(TOKENS, viewport=PHONE)
    button = page.get_by_role("button", name=say("shell.menu"))
    theme = page.locator('[data-pg="theme"]')
    expect(theme).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    theme.select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    box = page.locator("#pg-menu-panel").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
    page.keyboard.press("Escape")
    expect(theme).to_be_hidden()
    expect(button).to_be_focused()
    header_menu(page).mouse.click(20, 400)
    expect(theme).to_be_hidden()


def test_the_model_in_use_and_the_way_to_all_of_them(visit: Visit) -> None:
    page = ready(visit("#next_token?model=tutor", viewport=LAPTOP, ready=False))
    pill = page.locator("#pg-model > button")
    expect(pill).to_have_text("tutor")
    expect(pill).to_have_attribute("data-state", re.compile("ready|loaded"), timeout=WAIT)  # by another test
    drawer = page.locator("#pg-models")
    expect(drawer).to_be_hidden()
    pill.click()
    expect(pill).to_have_attribute("aria-expanded", "true")
    expect(drawer.locator("#pg-models-held .pg-body > *").first).to_be_visible(timeout=WAIT)
    head, box = page.locator(".pg-head").bounding_box(), drawer.bounding_box()
    assert head and box and box["y"] >= head["y"] + head["height"] and box["x"] + box["width"] == 1280
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(pill).to_be_focused()
    page.locator("#next-prompt textarea").fill("a prompt that is in no example")
    expect(pill).to_have_attribute("data-state", "loaded", timeout=2 * WAIT)  # told by the answer
    rail(page, "tokens").click()
    expect(pill).to_have_text(say("shell.models"))  # no room of one model
    pill.click()
    expect(drawer).to_be_visible()
    drawer.locator(".label-wrap").first.click()
    expect(drawer).to_be_hidden()


def test_controls_fold_on_a_phone_and_stay_as_they_were_left(visit: Visit) -> None:
    page = visit("#songs/recommend", viewport=PHONE, ready=False)
    fold, data = page.locator("#pg-songs .pg-fold"), page.locator("#songs-data")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_label(say("songs.search"))).to_be_visible()
    expect(data).to_be_hidden()
    fold.click()
    expect(data).to_be_visible()
    visit.watch.leaving = True
    page.reload()
    expect(data).to_be_visible()
    fold.click()
    expect(data).to_be_hidden()
    page.set_viewport_size(LAPTOP)  # where there is room, nothing folds
    expect(data).to_be_visible()
    expect(fold).to_be_hidden()


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_the_result_is_on_the_first_screen_and_the_inspector_leaves_the_way_free(
    visit: Visit, size: dict[str, int]
) -> None:
    page = visit(TOKENS, viewport=size)
    for name in KEYS:
        press(page, name, "en")
        shows(page, name)
        settled(page)
        page.evaluate("scrollTo(0, 0)")
        result = page.locator(f"#pg-{name} :is(.pg-result, #chat-frame):visible").first
        if result.count():  # in Home all is result
            top = result.evaluate("e => e.getBoundingClientRect().top")
            assert top < size["height"] - (56 if size is PHONE else 0) - 100, (name, top)
        under = page.evaluate(UNDER)
        assert under == [], (name, under)
        levels = page.evaluate(LEVELS)
        assert levels[0] == 1 and levels.count(1) == 1, (name, levels)
        assert all(other <= one + 1 for one, other in pairwise(levels)), (name, levels)
    page.evaluate(
        "playground.inspector.open({ key: 'a', title: 'A', body: playground.tools.element('p', '', 'a') })"
    )
    (left, top, right, bottom), bar, head = (
        page.locator(each).first.evaluate_all(BOXES)[0]
        for each in ("#pg-inspector", "#pg-tabs > .tab-wrapper", ".pg-head")
    )
    assert (
        top >= head[3] and right <= size["width"] and (bottom <= bar[1] if size is PHONE else left >= bar[2])
    )


def test_no_font_is_fetched(visit: Visit) -> None:
    page = visit(TOKENS, viewport=LAPTOP)
    settled(page)
    fetched = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert fetched and not [
        each for each in fetched if each.split("?")[0].endswith((".woff", ".woff2", ".ttf"))
    ]
