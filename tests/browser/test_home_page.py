"""Home in a real browser: the strip, played and stepped, typed over, and its doors into the rooms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from playground import text
from playground.rooms.home import example
from playground.rooms.home.panel import BOOK, DOORS, PATH
from playground.ui.controls import page_of
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, visiting, written
from tests.ui.whole import whole_page

pytestmark = pytest.mark.browser
STILL = {"reduced_motion": "reduce"}


def say(key: str, lang: str = "en", **values: object) -> str:
    return text.say(f"home.{key}", lang, **values)


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("home")) as visit:
        yield visit


def where(page: Page) -> Locator:
    return page.locator(".hm-where")


def to(page: Page, place: int) -> None:
    page.locator(".hm-scrub").fill(str(place))


def state(page: Page) -> Any:
    return page.evaluate("Number(document.querySelector('.hm-scrub').value)")


def test_every_door_leads_somewhere_and_rooms_take_the_sentence() -> None:
    held = page_of(whole_page())
    views = {view for _, view in DOORS} | {*PATH} | {view for views in BOOK.values() for view, _ in views}
    assert views <= {*held.views}
    takes = {each.id.split(".")[0] for each in held.controls.values() if each.shared == "text"}
    assert takes == {view.split("/")[0] for _, view in DOORS}
    for each in held.controls.values():
        assert not each.asks or each.asks in held.actions


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_without_motion_it_is_stepped_and_every_number_is_the_recorded_one(visit: Visit, lang: str) -> None:
    page, told = visit(locale="en-US" if lang == "en" else lang, **STILL), example.shipped(lang)
    expect(page.locator(".hm-typed")).to_have_text(told["text"].strip())
    tokens = page.locator('[data-s="1"] .hm-row .hm-id')
    assert (
        tokens.all_text_contents()[: told["given"]]
        == [str(row[0]) for row in told["tokens"]][: told["given"]]
    )
    place = 0
    for n, step in enumerate(told["steps"], 1):
        to(page, place := 5 * n)
        expect(where(page)).to_have_text(
            say("at", lang, n=n, all=len(told["steps"]), what=say("name_5", lang))
        )
        shown = page.locator('[data-s="4"] .hm-score code').all_text_contents()
        assert [each.replace("␣", " ") for each in shown] == [row[0] for row in step["top"]]
        lens = page.locator('[data-s="3"] .hm-lens code').all_text_contents()
        assert lens == [row[0].strip() for row in step["lens"]]
        grown = "".join(each["top"][0][0] for each in told["steps"][:n])
        assert page.locator(".hm-grown").text_content() == grown
    assert state(page) == place and page.locator(".hm-next").is_disabled()
    page.wait_for_timeout(1500)  # that nothing moves has no mark to wait for
    assert state(page) == place


def test_it_plays_while_it_is_seen_pauses_and_is_stepped_by_keys(visit: Visit) -> None:
    page = visit()
    play = page.locator(".hm-play")
    expect(play).to_have_attribute("data-what", "pause")
    page.wait_for_function("Number(document.querySelector('.hm-scrub').value) > 1")
    play.click()
    expect(play).to_have_attribute("data-what", "play")
    paused = state(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert state(page) == paused + 1
    page.locator(".hm-next").click()
    page.locator('[data-s="4"] h3 button').click()
    assert state(page) % 5 == 4
    to(page, 3)
    play.click()
    page.evaluate("document.querySelector('#pg-tabs').style.display = 'none'")  # as behind another tab
    page.wait_for_timeout(200)
    hidden = state(page)
    page.wait_for_timeout(4500)  # longer than any station is looked at
    assert state(page) == hidden
    page.evaluate("document.querySelector('#pg-tabs').style.display = ''")
    page.wait_for_function(f"Number(document.querySelector('.hm-scrub').value) > {hidden}")


def test_presented_it_is_stepped_to_its_end_and_then_left(visit: Visit) -> None:
    page = visit(**STILL)
    to(page, 14)
    asked = """() => document.querySelector('#pg-home').dispatchEvent(
        new CustomEvent('playground:step', { detail: 1, bubbles: true, cancelable: true }))"""
    assert page.evaluate(asked) is False and state(page) == 15
    assert page.evaluate(asked) is True and state(page) == 15


def test_what_is_typed_runs_live_stands_in_the_address_and_comes_back(visit: Visit) -> None:
    page = visit(**STILL)
    box = page.locator(".hm-typed")
    box.fill("The opposite of hot is")
    box.press("Enter")
    expect(page.locator(".hm-source")).to_contain_text(say("live"), timeout=3 * WAIT)
    expect(page.locator('[data-place="home-strip"]')).to_have_attribute(
        "aria-busy", "false", timeout=3 * WAIT
    )
    to(page, 10)
    expect(page.locator(".hm-grown")).to_have_text("cold.")
    written(page)
    assert page.url.endswith("#home?text=The+opposite+of+hot+is")
    page.reload()
    expect(page.locator(".hm-source")).to_contain_text(say("live"), timeout=3 * WAIT)
    expect(box).to_have_text("The opposite of hot is")
    box.fill("")
    box.press("Enter")
    expect(box).to_have_text(example.shipped("en")["text"])
    expect(page.locator(".hm-source")).to_contain_text(say("recorded"), timeout=WAIT)
    settled(page)


def test_what_cannot_be_run_is_a_sentence_and_nothing_typed_is_html(visit: Visit) -> None:
    page = visit(locale="zh-TW", **STILL)
    box = page.locator(".hm-typed")
    box.fill("<img src=x onerror='canary=1'> " * 9)
    box.press("Enter")
    said = text.say("errors.home_too_long", "zh-TW").partition("{")[0]
    expect(page.locator(".pg-warning")).to_contain_text(said, timeout=3 * WAIT)
    assert page.locator(".hm img").count() == 0


@pytest.mark.parametrize("lang", text.LANGUAGES)
@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_it_fits_and_nothing_moves_while_it_is_stepped(visit: Visit, width: int, lang: str) -> None:
    page = visit(locale="en-US" if lang == "en" else lang, viewport={"width": width, "height": 800}, **STILL)
    heights = set()
    for place in range(1, 6):
        to(page, place)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        heights.add(round(page.locator(".hm-strip").bounding_box()["height"]))
        here = page.locator(f'[data-s="{place}"] .hm-body')
        assert here.is_visible()
        assert not page.evaluate(
            """s => [...document.querySelectorAll(`[data-s="${s}"] :is(.hm-door, h3, .hm-score)`)].some(
                (each) => each.scrollWidth > each.clientWidth + 1)""",
            place,
        )
    assert len(heights) == 1


def test_a_door_carries_the_sentence_the_room_may_part_from_it_and_back_leads_home(
    browser: Browser,
    app: App,  # noqa: F811
) -> None:
    with visiting(browser, app.url) as visit:
        page = visit(**STILL)
        settled(page)
        said = example.shipped("en")["text"]
        page.locator(".hm-door", has_text=say("door_4")).click()
        expect(page.locator("#next-prompt textarea")).to_have_value(said, timeout=WAIT)
        expect(page.locator("#next-frame .nx-chart .nx-tok").first).to_contain_text("happy", timeout=3 * WAIT)
        assert page.evaluate("playground.store.get('next_token.model')") == "tutor"
        page.locator("#next-prompt textarea").fill("A cat is an")
        parted = page.locator('[data-parted="next_token.prompt"]')
        expect(parted).to_be_visible()
        parted.get_by_role("button").click()
        expect(page.locator("#next-prompt textarea")).to_have_value(said)
        expect(parted).to_be_hidden()
        page.locator("#next-prompt textarea").fill("Grass is")
        written(page)
        page.evaluate("playground.store.go('home')")
        expect(page.locator(".hm-path .done")).to_contain_text("Next token")
        page.locator(".hm-door", has_text=say("door_1")).click()
        expect(page.locator("#tok-text textarea")).to_have_value(said)
        page.go_back()
        page.wait_for_function("playground.store.view() === 'home'")
        page.evaluate("playground.store.go('next_token')")
        expect(page.locator("#next-prompt textarea")).to_have_value(
            "Grass is"
        )  # what was changed there stays
        expect(parted).to_be_visible()
        assert page.evaluate("playground.store.get('chat.message')") == ""
        settled(page)


def test_old_links_that_name_no_room_still_open_tokens(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.url) as visit:
        page = visit("?text=hello", ready=False)
        expect(page.locator("#tok-text textarea")).to_have_value("hello", timeout=WAIT)
        assert page.evaluate("playground.store.view()").startswith("tokens")
        settled(page)


def test_a_stroke_in_the_sentence_is_typed_and_opens_no_search(visit: Visit) -> None:
    page = visit(**STILL)
    page.evaluate(
        """() => {
            const made = document.createElement('div');
            const found = document.querySelector('#pg-search') || document.body.appendChild(made);
            found.id = 'pg-search';
            const search = found.appendChild(document.createElement('button'));
            search.onclick = () => { window.searched = 1; };
        }"""
    )
    page.locator(".hm-typed").click()
    page.keyboard.press("End")
    page.keyboard.type("/")
    expect(page.locator(".hm-typed")).to_contain_text("/")
    assert page.evaluate("window.searched") is None
