"""What tests of the Sentences view do in its page."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.visiting import WAIT, Visit, settled

PATIENCE = 90_000  # the first map waits for the model
TOLD = "#pg-inspector .pg-map-told-of"  # what is chosen on the map, and what it is near to
EVIL = "<img src=x onerror='window.canary=1'>"


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    settled(page)  # what is typed into a box that Gradio is just making is lost


def opened(visit: Visit, **context: object) -> Page:
    wide = {"viewport": {"width": 1440, "height": 900}}  # where the inspector has a column
    page = visit("?tab=embeddings", ready=False, **wide | context)
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(8, timeout=WAIT)
    return page


def data(page: Page) -> dict:
    return json.loads(page.locator("#sen-map .pg-data").first.text_content() or "")["more"]


def figure(page: Page) -> list[dict]:
    return json.loads(page.locator("#sen-map .pg-data").first.text_content() or "")["figure"]["data"]


def places(traces: list[dict]) -> list[tuple[str, str]]:
    """Where the points of each group stand; of those that were added, nothing."""
    return [(each["x"]["bdata"], each["y"]["bdata"]) for each in traces if each["name"] != "added"]


def unfolded(page: Page) -> None:
    """What is of the visitor's own stands in a fold."""
    if not page.locator("#sen-own textarea").is_visible():
        page.locator("#sen-yours > .label-wrap").click()
        expect(page.locator("#sen-own textarea")).to_be_visible(timeout=WAIT)
        settled(page)


def search(page: Page, query: str) -> None:
    page.locator("#sen-query textarea").fill(query)


def put(page: Page, line: str) -> None:
    """A sentence onto the map, by the box over it."""
    search(page, line)
    settled(page)
    page.locator("#sen-put").click()


def chosen(page: Page, row: int) -> None:
    """As a click on a point."""
    page.evaluate("row => playground.maps.choose(document.querySelector('#sen-map'), row)", row)


def lines(page: Page, *rows: str) -> None:
    unfolded(page)
    page.locator("#sen-own textarea").fill("\n".join(rows))


def told(page: Page, text: str) -> None:
    expect(page.locator("#sen-map")).to_contain_text(text, timeout=PATIENCE)
