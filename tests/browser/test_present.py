"""Present: the stage alone and large, arrow keys, a story's own steps, a QR code, Esc."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from playground import text
from playground.shell import qr
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_store import new_page, ready
from tests.browser.visiting import WAIT, visiting
from tests.ui.toy import Toy

pytestmark = pytest.mark.browser


def say(key: str, lang: str = "en", **values: object) -> str:
    return text.say(f"present.{key}", lang, **values)


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_keys_go_through_the_views_and_a_views_own_story_first(
    served: Toy, context: BrowserContext, lang: str
) -> None:
    page = new_page(context, served[1] + f"?lang={lang}#other/all")
    page.locator("#pg-present button").click()
    bar = page.get_by_role("toolbar", name=say("title", lang))
    expect(bar.locator(".pg-present-where")).to_have_text(say("where", lang, name="All", n=1, all=2))
    page.evaluate("""() => { window.steps = []; document.addEventListener("playground:step", (event) => {
        steps.push(event.detail); if (steps.length < 3) event.preventDefault(); }); }""")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("playground.store.view() === 'other/secret'")
    assert page.evaluate("steps") == [1, 1, 1]
    expect(bar.locator(".pg-present-where")).to_have_text(say("where", lang, name="Secret", n=2, all=2))
    page.keyboard.press("PageUp")
    page.wait_for_function("playground.store.view() === 'other/all'")
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    expect(page.locator("#pg-present button")).to_be_focused()
    assert "pg-presenting" not in (page.locator("html").get_attribute("class") or "")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("steps.length") == 4


def test_arrows_in_a_field_stay_there_and_the_code_follows_what_is_seen(
    served: Toy, context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "?lang=en#other/all")
    page.locator("#pg-present button").click()
    page.get_by_role("button", name=say("code")).click()

    def coded() -> None:
        (told,) = qr.answer({"text": page.evaluate("playground.store.link()")})
        expect(page.locator(".pg-present-code svg path")).to_have_attribute("d", told["path"])

    coded()
    box = page.locator("#other-text textarea")
    box.fill("shown")
    page.wait_for_function("playground.store.get('other.text') === 'shown'")
    coded()
    box.press("ArrowLeft")
    assert page.evaluate("playground.store.view()") == "other/all"
    box.fill("long " * 80)
    expect(page.locator(".pg-present-code")).to_have_text(say("long"))
    page.get_by_role("button", name=say("code")).click()
    expect(page.locator(".pg-present-code")).to_be_hidden()


def test_on_a_projector_the_text_is_large_and_the_chrome_is_gone(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.panel("tokens")) as visit:
        page = visit(viewport={"width": 1920, "height": 1080})
        ready(page)
        page.locator("#pg-present button").click()
        expect(page.locator(".pg-present-bar")).to_be_visible()
        for gone in (".pg-head", "#pg-footer", "#pg-tabs > .tab-wrapper", "#pg-tokens .pg-controls"):
            expect(page.locator(gone).first).to_be_hidden(timeout=WAIT)
        lane = page.locator("#tok-view .tok-lane .t").first
        expect(lane).to_be_visible()
        assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 20
        assert lane.evaluate("(each) => parseFloat(getComputedStyle(each).fontSize)") >= 20
        assert page.evaluate("document.documentElement.scrollWidth") <= 1920
        width = page.locator("#tok-view").bounding_box()
        assert width and width["width"] > 1700
        lane.click()  # what is selected is told here, too
        expect(page.locator("#pg-inspector")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#pg-inspector")).to_be_hidden()
        expect(page.locator(".pg-present-bar")).to_be_visible()  # the innermost first
        page.keyboard.press("Escape")
        expect(page.locator(".pg-present-bar")).to_have_count(0)
