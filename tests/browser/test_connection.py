"""When things fail: one banner while the server is away; what was asked is taken up again, or offered."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from playground import text
from tests.browser.test_store import new_page
from tests.ui import toy
from tests.ui.toy import Toy

pytestmark = pytest.mark.browser


def say(key: str, lang: str = "en") -> str:
    return text.say(f"runs.{key}", lang)


def word(page: Page) -> object:
    return page.locator("#toy-word").locator("textarea, input")


def banner(page: Page) -> object:
    return page.locator(".pg-banner")


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_server_goes_and_comes_back(served: Toy, context: BrowserContext, lang: str) -> None:
    page = new_page(context, f"{served[1]}?lang={lang}")
    place, body = page.locator("#toy-place .pg-place"), page.locator("#toy-place .pg-body")
    expect(body).to_have_text("ab × 2 = abab")
    expect(banner(page)).to_have_count(0)
    context.set_offline(True)
    try:
        word(page).fill("away")
        expect(banner(page)).to_have_count(1)
        expect(banner(page).locator("span")).to_have_text(say("lost", lang))
        expect(banner(page)).to_have_attribute("role", "status")
        expect(page.locator("#toy-place .pg-told")).to_have_text("")  # it is said once
        expect(place).to_have_attribute("data-stale", "")
        expect(body).to_have_text("ab × 2 = abab")  # what there is stays
        word(page).fill("typed meanwhile")
    finally:
        context.set_offline(False)
    expect(body).to_have_text("typed meanwhile × 2 = typed meanwhiletyped meanwhile")
    expect(place).not_to_have_attribute("data-stale", "")
    expect(banner(page)).to_have_count(0)


def test_it_is_looked_for_at_once_when_a_visitor_wants_so(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, f"{served[1]}?lang=en")
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")
    asked: list[str] = []

    def gone(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503)

    page.route("**/gradio_api/app_id", gone)
    page.route("**/playground/toy/**", gone)
    word(page).fill("away")
    expect(banner(page)).to_be_visible()
    page.clock.install()  # the next look of its own never comes
    before = len(asked)
    page.unroute("**/gradio_api/app_id")
    page.unroute("**/playground/toy/**")
    banner(page).get_by_role("button", name=say("now")).click()
    expect(page.locator("#toy-place .pg-body")).to_contain_text("away × 2")
    assert len(asked) == before


def test_what_gradio_notices_is_said_by_the_same_banner(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, f"{served[1]}?lang=zh-TW")
    page.route("**/gradio_api/**", lambda route: route.abort("connectionrefused"))
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
    page.evaluate("playground.store.go('other/secret')")
    page.wait_for_selector("input[type=file]", state="attached")
    page.locator("input[type=file]").first.set_input_files(file)
    expect(banner(page).locator("span")).to_have_text(say("lost", "zh-TW"))
    expect(page.locator(".toast-body", has_text="Connection")).to_be_hidden()
    page.unroute("**/gradio_api/**")
    expect(banner(page)).to_have_count(0)


def test_errors_stand_where_they_were_asked(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=zh-TW")
    told = page.locator("#toy-fails-place .pg-told .pg-warning")
    page.locator("#toy-known").click()
    expect(told).to_contain_text("提示")
    expect(told.get_by_role("button")).to_have_count(0)  # the same again would be refused again
    expect(page.locator("#toy-fails-place .pg-body")).to_have_text("a beginning")
    page.locator("#toy-broken").click()
    expect(told.get_by_role("button", name=say("retry", "zh-TW"))).to_be_visible()
    expect(told).not_to_contain_text("secret")
    expect(page.locator(".toast-body")).to_have_count(0)
    expect(banner(page)).to_have_count(0)


def test_what_failed_is_asked_again_by_retry(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=en")
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")
    toy.asked.clear()
    page.locator("#toy-once").click()
    told = page.locator("#toy-fails-place .pg-told")
    told.get_by_role("button", name=say("retry")).click()
    expect(page.locator("#toy-fails-place .pg-body")).to_contain_text("by #toy-once")
    expect(told).to_have_text("")


def test_what_is_not_asked_again_by_itself_is_offered(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=zh-CN")
    toy.asked[:] = [{}]
    page.route("**/playground/toy/once*", lambda route: route.abort("connectionrefused"))
    page.locator("#toy-once").click()
    told = page.locator("#toy-fails-place .pg-told")
    expect(told.locator(".pg-warning")).to_contain_text(say("broken", "zh-CN"))
    page.unroute("**/playground/toy/once*")
    told.get_by_role("button", name=say("retry", "zh-CN")).click()
    expect(page.locator("#toy-fails-place .pg-body")).to_contain_text("by #toy-once")


def test_an_answer_that_breaks_off_again_and_again_ends_with_retry(
    served: Toy, context: BrowserContext
) -> None:
    """The server is there, and something on the way cuts this one connection: nobody waits for ever."""
    page = new_page(context, served[1] + "?lang=en")
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")
    page.route("**/playground/toy/echo*", lambda route: route.abort("connectionreset"))
    word(page).fill("cut")
    told = page.locator("#toy-place .pg-told")
    expect(told.locator(".pg-warning")).to_contain_text(say("broken"))
    expect(page.locator("#toy-place .pg-place")).to_have_attribute("data-stale", "")
    page.unroute("**/playground/toy/echo*")
    told.get_by_role("button", name=say("retry")).click()
    expect(page.locator("#toy-place .pg-body")).to_have_text("cut × 2 = cutcut")
