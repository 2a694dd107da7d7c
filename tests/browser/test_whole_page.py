"""The page with all of its tabs; what each panel does is tried on pages of one panel, which open sooner."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from playground import text
from playground.rooms import all_rooms
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, settled, visiting

pytestmark = pytest.mark.browser

# What each tab shows from the first moment on.
FIRST = {
    "home": "#home-frame .hm-row.now",
    "tokens": "#tok-view .tok-lane .t", "chat": "#chat-composer",
    "next_token": "#next-frame .nx-chart > .nx-row", "decoding": "#dec-view .dec-answer",
    "embeddings": "#sen-map .pg-figure-legend li", "architecture": "#arc-flow .arc-box",
    "songs": "#songs-ten .song-ten > li",
}  # fmt: skip
KEYS = [panel.KEY for panel in all_rooms()]


def press(page: Page, name: str, lang: str) -> None:
    """A room's tab: whatever the page's width, one click away."""
    page.get_by_role("tab", name=text.say(f"{name}.tab", lang), exact=True).first.click()


def shows(page: Page, name: str) -> None:
    expect(page.locator(FIRST[name]).first).to_be_visible(timeout=2 * WAIT)
    others = ", ".join(f"#pg-{key}:not(:has({FIRST[name]}))" for key in KEYS)
    expect(page.locator(others).locator("visible=true")).to_have_count(0)


def test_it_opens_where_it_is_asked_to_falls_silent_and_shows_every_tab(browser: Browser, app: App) -> None:  # noqa: F811
    assert {*FIRST} == {*KEYS}
    with visiting(browser, app.url) as visit:
        page = visit("?tab=songs", ready=False)
        shows(page, "songs")
        settled(page)
        asked: list[str] = []

        def heard(request: Request) -> None:
            if "/queue/join" in request.url:
                asked.append(request.post_data or "")

        page.on("request", heard)
        page.wait_for_timeout(3_000)  # that nothing comes has no mark to wait for
        assert asked == []
        for name in reversed(KEYS):
            press(page, name, "en")
            shows(page, name)
        settled(page)


def test_on_a_phone_in_the_dark_every_tab_fits_and_speaks_chinese(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.url) as visit:
        small = {"width": 360, "height": 740}
        page = visit("?tab=nowhere", locale="zh-TW", viewport=small, color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
        for name in KEYS:  # the first is shown where nothing known is asked for
            if name != KEYS[0]:
                press(page, name, "zh-TW")
            shows(page, name)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        settled(page)


def test_use_via_api_shows_every_endpoint_with_its_arguments(browser: Browser, app: App) -> None:  # noqa: F811
    """Its page leaves the components of arguments out (`playground.shell.first_page`); Gradio's view asks for
    them elsewhere."""
    with visiting(browser, app.url) as visit:
        page = visit()
        page.get_by_role("button", name="API").click()
        view = page.locator(".api-docs")
        expect(view).to_be_visible(timeout=WAIT)
        for name in ("tokenize", "chat", "next_token", "recommend"):
            expect(view).to_contain_text(f"/{name}")
        expect(view).to_contain_text("special_tokens")
        expect(view).to_contain_text("repetition_penalty")
