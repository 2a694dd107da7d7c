"""The Decoding tab, as a learner uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from playground import text
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, speak, visiting

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("decoding")) as visit:
        yield visit


def opened(visit: Visit, **context: Any) -> Page:
    page = visit("?tab=decoding", ready=False, **context)
    expect(page.locator("#dec-view .dec-answer")).to_be_visible(timeout=WAIT)
    return page


def say(key: str, lang: str = "en", room: str = "decoding") -> str:
    return text.say(f"{room}.{key}", lang)


def sub(page: Page, key: str, lang: str = "en") -> None:
    page.get_by_role("tab", name=say(f"tab_{key}", lang), exact=True).click()


def test_it_opens_on_a_case_where_greedy_misses(visit: Visit) -> None:
    page = opened(visit)
    expect(page.locator(".dec-answer.missed")).to_contain_text(say("question"))
    expect(page.locator(".dec-lane")).to_have_count(5)
    expect(page.locator(".dec-repeat.same")).to_contain_text(say("part_again"))
    answer, lanes, race = (
        page.locator(each).bounding_box() for each in (".dec-answer", ".dec-lanes", ".dec-race")
    )
    assert answer and lanes and race and answer["y"] < 600 and answer["y"] < lanes["y"] < race["y"]
    page.locator(".dec-race").scroll_into_view_if_needed()  # a figure is drawn when it is seen
    expect(page.locator(".dec-race .pg-figure-plot.ready .js-line")).to_have_count(3, timeout=WAIT)
    sub(page, "tree")
    expect(page.locator("#dec-tree .dec-way.won").first).to_be_visible()
    expect(page.locator("#dec-tree .dec-seq tbody tr")).to_have_count(4)
    sub(page, "filters")
    row = page.locator("#dec-filters details[open]")
    expect(row).to_have_count(1)
    order = row.locator("tbody code").all_inner_texts()
    assert order[0] == "RepetitionPenaltyLogitsProcessor" and order[-1] == "MinPLogitsWarper"
    page.locator("#dec-filters summary").last.click()
    expect(row).to_have_count(1)  # one at a time


def test_a_prompt_of_ones_own(visit: Visit) -> None:
    page = opened(visit)
    page.locator("#dec-text textarea").fill('<img src=x onerror="window.canary = 1"> The sun is')
    page.locator("#dec-go").click()
    expect(page.locator("#dec-view .dec-prompt")).to_contain_text("onerror", timeout=WAIT)
    expect(page.locator(".dec-lane")).to_have_count(5)
    page.get_by_role("button", name="The capital of France is").click()
    expect(page.locator("#dec-view .dec-prompt")).to_contain_text("France", timeout=WAIT)
    # A bad setting says so above what stays.
    page.locator("#dec-text textarea").fill("word " * 3000)
    page.locator("#dec-go").click()
    expect(page.locator("#dec-status .pg-warning")).to_contain_text("window", timeout=WAIT)
    expect(page.locator("#dec-view .dec-prompt")).to_contain_text("France")
    expect(page.locator("#dec-view .pg-place")).to_have_attribute("data-stale", "")
    page.locator("#dec-text textarea").fill("The sea")
    page.locator("#dec-text textarea").press("Enter")
    expect(page.locator("#dec-view .dec-prompt")).to_contain_text("The sea", timeout=WAIT)
    expect(page.locator("#dec-status .pg-warning")).to_have_count(0)
    expect(page.locator("#dec-view .pg-place")).not_to_have_attribute("data-stale", "")


def test_a_token_tells_what_else_could_have_stood_there(visit: Visit) -> None:
    page = opened(visit)
    continuation = page.locator('.dec-lane[data-lane="greedy"]')
    continuation.locator(".dec-t").first.click()
    inspector = page.locator("#pg-inspector")
    expect(inspector).to_be_visible()
    expect(inspector).to_contain_text(say("js_others"))
    expect(inspector.locator("li.on")).to_have_count(1)
    first = inspector.inner_text()
    continuation.locator(".dec-text").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert inspector.inner_text() != first
    page.keyboard.press("Escape")
    expect(inspector).to_be_hidden()
    expect(page.locator(".dec-t.here")).to_have_count(0)
    # In the tree: everything that was looked at in that step.
    sub(page, "tree")
    page.locator(".dec-tree .dec-t").first.click()
    expect(inspector).to_contain_text(say("js_step").format(step=1))
    expect(inspector.locator("li")).to_have_count(8)
    expect(inspector.locator("li.on")).to_have_count(1)


def test_an_experiment_runs_and_stops(visit: Visit) -> None:
    page = opened(visit)
    sub(page, "lab")
    expect(page.locator("#dec-about")).to_contain_text("use_cache=False")
    page.locator("#dec-lab-go").click()
    expect(page.locator("#dec-lab-status .pg-bar")).to_be_visible(timeout=WAIT)
    title = page.locator("#dec-lab h4")
    expect(title).to_have_text(say("name_cache", room="decoding_lab"), timeout=2 * WAIT)  # a whole round
    page.locator("#dec-lab-stop").click()
    status = page.locator("#dec-lab-status")
    expect(status).to_contain_text(say("stopped", room="runs"), timeout=WAIT)
    expect(title).to_have_text(say("name_cache", room="decoding_lab"))
    page.get_by_label(say("name_repeats", room="decoding_lab")).check()
    expect(page.locator("#dec-about")).to_contain_text(say("about_repeats", room="decoding_lab")[:30])
    expect(title).to_have_text(say("name_cache", room="decoding_lab"))  # not under the other's name
    expect(page.locator("#dec-lab .pg-place")).to_have_attribute("data-stale", "")
    page.locator("#dec-lab-go").click()
    found = page.locator("#dec-lab .dec-found")
    expect(found).to_contain_text(say("repeats_greedy_same", room="decoding_lab"), timeout=2 * WAIT)
    expect(page.locator("#dec-lab .dec-machine")).to_contain_text("CPU")


def test_a_prompt_of_an_address_is_not_shown_above_anothers_result(visit: Visit) -> None:
    page = visit("?tab=decoding&text=Hello%20there", ready=False)
    expect(page.locator("#dec-text textarea")).to_have_value("Hello there", timeout=WAIT)
    expect(page.locator("#dec-view")).to_contain_text(say("go"), timeout=WAIT)
    expect(page.locator(".dec-answer, .dec-lane, .dec-way")).to_have_count(0)
    page.locator("#dec-go").click()
    expect(page.locator("#dec-view .dec-prompt")).to_contain_text("Hello", timeout=WAIT)


def test_a_switch_of_language_takes_everything_along(visit: Visit) -> None:
    page = opened(visit)
    visit.watch.leaving = True
    speak(page, "zh-TW")  # nothing was touched: its own example
    expect(page.locator(".dec-answer")).to_contain_text(say("question", "zh-TW"), timeout=WAIT)
    expect(page.locator("#dec-text textarea")).to_have_value(say("example_prompt", "zh-TW"))
    page.locator("#dec-text textarea").fill("太陽")
    page.locator("#dec-settings > button").click()
    settled(page)  # what is typed into a box that Gradio is just making is lost
    page.locator("#dec-beams input[type=number]").fill("2")
    page.locator("#dec-seed input").fill("41")
    page.locator("#dec-stops textarea").fill("停")
    page.locator("#dec-stops textarea").blur()
    for lang in ("en", "zh-CN"):  # twice: what came along goes along
        speak(page, lang)
        expect(page.locator("#dec-view")).to_contain_text(say("go", lang), timeout=WAIT)
        expect(page.locator("#dec-text textarea")).to_have_value("太陽")
        expect(page.locator(".dec-answer")).to_have_count(0)
        settled(page)  # what is folded away is back, too, before it is to go along again
        held = [page.evaluate("id => playground.store.get(id)", f"decoding.{id}") for id in ("beams", "seed")]
        assert held == [2, 41]
    page.locator("#dec-settings > button").click()
    expect(page.locator("#dec-stops textarea")).to_have_value("停")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_tree_fits_its_stage_in_chinese(visit: Visit, scheme: str, width: int) -> None:
    """A column a step was ten times as wide as a phone."""
    page = opened(visit, locale="zh-TW", viewport={"width": width, "height": 740}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator(".dec-answer")).to_contain_text(say("question", "zh-TW"))
    sub(page, "tree", "zh-TW")
    tree = page.locator("#dec-tree .dec-tree")
    expect(tree).to_be_visible()
    assert tree.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert re.search("[\u4e00-\u9fff]", page.locator("#dec-tree .pg-note").inner_text())
