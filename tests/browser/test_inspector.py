"""The one inspector: where details of what is selected are shown (``assets/shell/inspector.js``)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import Visit, visiting

pytestmark = pytest.mark.browser

# Two things that can be selected, each with its details; the events that the inspector tells.
SELECT = """() => {
    const { element, button } = playground.tools;
    window.told = [];
    document.addEventListener("playground:inspector", (event) => told.push(event.detail.key));
    const view = document.querySelector("#tok-view .pg-body");
    for (const name of ["one", "two", "<b>three</b>"]) {
        const made = button(name, "try", () => playground.inspector.open({
            key: name === "two" ? "one" : name, title: `About ${name}`, from: made,
            body: [element("p", "detail", name), element("p", "", "more")],
        }));
        view.append(made);
    }
}"""


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("tokens")) as visit:
        yield visit


def prepared(page: Page) -> Page:
    page.wait_for_function("window.playground?.store?.view()")
    page.evaluate(SELECT)
    return page


def test_at_the_right_of_a_wide_page_it_moves_nothing_and_gives_the_focus_back(visit: Visit) -> None:
    page = prepared(visit(viewport={"width": 1440, "height": 900}))
    page.locator("#pg-tokens .pg-panel").first.evaluate("e => e.classList.add('pg-inspects')")
    inspector, one = page.locator("#pg-inspector"), page.get_by_role("button", name="one", exact=True)
    expect(inspector).to_be_hidden()
    one.focus()
    before = page.locator("#tok-view").bounding_box()
    page.keyboard.press("Enter")
    expect(inspector).to_be_visible()
    expect(page.get_by_role("complementary", name="About one")).to_contain_text("more")
    assert page.locator("#tok-view").bounding_box() == before
    box = inspector.bounding_box()
    assert box and before and box["x"] + box["width"] == 1440 and before["x"] + before["width"] <= box["x"]
    expect(inspector.locator("h2")).to_be_focused()  # who presses Enter goes in
    page.keyboard.press("Escape")
    expect(inspector).to_be_hidden()
    expect(one).to_be_focused()
    assert page.evaluate("[playground.inspector.key, told]") == ["", ["one", ""]]


def test_the_same_key_takes_other_contents_and_moves_no_focus(visit: Visit) -> None:
    page = prepared(visit(viewport={"width": 1440, "height": 900}))
    page.get_by_role("button", name="one", exact=True).click()
    expect(page.get_by_role("button", name="one", exact=True)).to_be_focused()  # a pointer stays, too
    two = page.get_by_role("button", name="two")
    two.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pg-inspector .detail")).to_have_text("two")
    expect(two).to_be_focused()
    assert page.evaluate("playground.inspector.key") == "one"
    page.get_by_role("button", name="three").click()
    expect(page.locator("#pg-inspector h2")).to_have_text("About <b>three</b>")  # text, not HTML
    page.locator("#pg-inspector .pg-close").click()
    expect(page.locator("#pg-inspector")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_on_phones_and_laptops_it_is_a_sheet_that_leaves_what_was_selected_in_sight(
    visit: Visit, width: int, height: int
) -> None:
    page = prepared(visit(viewport={"width": width, "height": height}))
    one = page.get_by_role("button", name="one", exact=True)
    one.scroll_into_view_if_needed()
    one.click()
    inspector = page.locator("#pg-inspector")
    expect(inspector.locator("h2")).to_be_focused()
    page.wait_for_function(
        """() => document.querySelector(".try").getBoundingClientRect().bottom
            <= document.querySelector("#pg-inspector").getBoundingClientRect().top"""
    )
    box = inspector.bounding_box()
    assert box and box["width"] <= width and box["height"] <= 0.56 * height
    rail = page.locator("#pg-tabs > .tab-wrapper").bounding_box()
    beside = width < 900 or (rail and rail["x"] + rail["width"] <= box["x"])
    assert rail and beside and (width >= 900 or box["y"] + box["height"] <= rail["y"])
    close = inspector.get_by_role("button").bounding_box()
    assert close and min(close["width"], close["height"]) >= 44
    inspector.get_by_role("button").click()
    expect(one).to_be_focused()


def test_another_view_closes_it(visit: Visit) -> None:
    page = prepared(visit(viewport={"width": 1440, "height": 900}))
    page.get_by_role("button", name="one", exact=True).click()
    expect(page.locator("#pg-inspector")).to_be_visible()
    page.get_by_role("tab", name="Steps").click()
    expect(page.locator("#pg-inspector")).to_be_hidden()
