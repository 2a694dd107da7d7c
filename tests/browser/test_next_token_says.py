"""The Next token panel tells what was really done: shares, settings, places, what could not be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from playground.rooms.next_token import example
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_next_token_page import ROWS, TOKENS, act, opened, setting, settle, share, slide
from tests.browser.visiting import Visit, settled, speak, visiting
from tests.models import saved

OPEN = "Something else entirely"  # the tutor is in doubt about what follows


@pytest.fixture(scope="module")
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    saved.save(app.models / "small", "GPT2", seed=3)
    with visiting(browser, app.panel("next_token")) as visit:
        yield visit


@pytest.fixture
def page(visit: Visit) -> Iterator[Page]:
    page = settled(opened(visit))  # the controls have told their values
    yield page
    visit.watch.leaving = True
    page.close()


def read(page: Page, prompt: str) -> None:
    page.fill("#next-prompt textarea", prompt)
    page.wait_for_function(
        "(prompt) => document.querySelector('#next-frame .nx-text').textContent.endsWith(prompt)", arg=prompt
    )
    settle(page)


def name(page: Page, place: str, model: str) -> None:
    box = page.locator(f"{place} input").first
    box.fill(model)
    box.press("Enter" if model else "Tab")


def chat(page: Page) -> None:
    page.locator("#next-panel .label-wrap", has_text="More settings").click()
    page.get_by_label("As a chat message").check()


def values(page: Page, rows: str = ROWS) -> list[str]:
    return page.locator(f"{rows} .nx-value").all_inner_texts()


def per_cent(said: str) -> float:
    return float(said.removesuffix("%"))


def test_top_p_shows_shares_of_what_top_k_left(page: Page) -> None:
    read(page, OPEN)
    page.click('[data-stage="own"]')
    first, second = (per_cent(each) for each in values(page)[:2])
    slide(page, "top-k", "2")
    slide(page, "top-p", "0.5")
    page.click('[data-stage="p"]')
    page.wait_for_function("document.querySelectorAll('.nx-chart .nx-row.gone').length === 14")
    assert first < 50 < 100 * first / (first + second)
    shown = values(page)
    assert per_cent(shown[0]) == pytest.approx(100 * first / (first + second), abs=0.4)
    assert per_cent(shown[0]) + per_cent(shown[1]) == pytest.approx(100, abs=0.2)
    why = page.locator(f"{ROWS} .nx-why").all_inner_texts()
    assert why[:3] == [f"Σ {shown[0]}", "✕ top-p", "✕ top-k"]
    assert set(shown[2:]) == {"0%"} and share(page) == pytest.approx(100, abs=0.2)
    assert page.locator("#next-frame .nx-row.rest.hatch").count() == 0  # nothing else was there to remove
    assert "what top-k left" in page.inner_text(".nx-legend")


def test_a_place_inside_the_prompt_becomes_a_beginning(page: Page) -> None:
    act(page, "greedy")
    page.locator(TOKENS).nth(3).click()
    page.wait_for_selector(f"{TOKENS}.here")
    settle(page)
    page.locator(ROWS).nth(1).click()
    settle(page)
    roots = page.locator(".nx-tree .nx-root")
    assert roots.all_inner_texts()[1] == "… The␣capital"
    assert not page.locator('[data-act="back"]').is_disabled()
    act(page, "back")
    assert "".join(page.locator(TOKENS).all_inner_texts()[1:]) == "The capital"
    assert page.locator(f"{ROWS}.tried").count() == 1
    act(page, "forward")
    page.locator(".nx-tree .nx-node").first.click()
    page.locator(TOKENS).nth(3).click()  # once more from the same place: not a second beginning
    page.wait_for_selector(f"{TOKENS}.here")
    settle(page)
    assert page.locator(f"{ROWS}.tried").count() == 1
    page.locator(ROWS).nth(2).click()
    settle(page)
    assert roots.count() == 2 and page.locator(".nx-tree .nx-node").count() == 5


def test_side_by_side_compares_like_with_like(page: Page) -> None:
    read(page, OPEN)
    page.click("#next-beside .label-wrap")
    page.click("#next-compare")
    side = "#next-beside-view .nx-side:last-child"
    page.wait_for_selector(f"{side} .nx-row")
    page.click('[data-stage="logits"]')
    page.wait_for_function("!document.querySelector('#next-beside-view .nx-value').textContent.includes('%')")
    shown = values(page)
    there = page.locator(f"{side} .nx-why").all_inner_texts()
    assert there[:5] == [f"there {each}" for each in shown[:5]]
    page.click('[data-stage="final"]')
    asked: list[dict[str, Any]] = []
    page.on("request", lambda request: asked.append({"url": request.url, "data": request.post_data or ""}))
    slide(page, "top-k", "7")  # of the left: the right side has it as well
    page.wait_for_function(
        "document.querySelectorAll('#next-beside-view .nx-side:last-child .nx-row.gone').length === 8"
    )
    assert page.locator(f"{side} .nx-row.gone").count() == 8
    expect(page.locator("#next-beside-view h5")).to_have_text([
        "tutor · T 1.00 · top-k 7 · top-p off · min-p off", "tutor · T 0.50 · top-k 7 · top-p off · min-p off"
    ])  # fmt: skip
    box = page.locator("#next-beside input[type=number]").first
    box.fill("2")
    box.press("Tab")  # without a click on Compare
    page.wait_for_function("document.querySelector('#next-beside-view').textContent.includes('T 2.00')")
    assert not any("next/look" in each["url"] for each in asked)
    name(page, "#next-beside-model", "small")
    page.wait_for_function(
        "document.querySelector('#next-beside-view').textContent.includes('small · T 2.00')"
    )
    assert page.locator("#next-beside-view.nx-asking").count() == 0


def test_a_message_without_a_template_is_told(page: Page) -> None:
    chat(page)
    page.wait_for_function("document.querySelectorAll('.nx-text .ct').length > 8")
    settle(page)
    assert page.locator(".nx-plain").count() == 0
    page.click("#next-beside .label-wrap")
    name(page, "#next-beside-model", "small")
    page.click("#next-compare")
    told = "small has no chat template: read as plain text."
    assert page.inner_text("#next-beside-view .nx-plain") == told
    name(page, "#next-model", "small")
    page.wait_for_selector(".nx-note .nx-plain")
    assert page.inner_text(".nx-note .nx-plain") == told


def test_the_walk_says_how_the_ids_came_about(page: Page) -> None:
    page.click("#next-walk .label-wrap")
    step = "#next-walk-view li:first-child code"
    page.wait_for_selector(step)
    ids = example.shipped()["ids"]
    assert page.inner_text(step).split("\n") == [
        'input_ids = tokenizer(prompt, return_tensors="pt").input_ids', f"# {json.dumps(ids)}"
    ]  # fmt: skip
    act(page, "greedy")
    page.wait_for_function(f"document.querySelector('{step}').textContent.includes('torch.cat')")
    shown = page.inner_text(step)
    added, *_ = re.findall(r"torch\.cat\(\[input_ids, torch\.tensor\(\[\[(\d+)\]\]\)\], dim=-1\)", shown)
    assert shown.endswith(json.dumps([*ids, int(added)])) and "[:, :" not in shown
    page.locator(TOKENS).nth(3).click()
    page.wait_for_function(f"document.querySelector('{step}').textContent.includes('[:, :3]')")
    assert "torch.cat" not in page.inner_text(step)
    chat(page)
    page.wait_for_function(f"document.querySelector('{step}').textContent.includes('apply_chat_template')")
    assert "tokenizer(prompt" not in page.inner_text(step)


def test_the_training_is_that_of_the_prompt_above(page: Page) -> None:
    read(page, "Grass is")
    page.click("#next-learning .label-wrap")
    chosen = "#next-learning-view select"
    page.wait_for_selector(chosen)
    label = f"document.querySelector('{chosen}').selectedOptions[0].textContent"
    assert page.evaluate(label) == "Grass is"
    read(page, "Egypt is a country in")
    page.wait_for_function(f"{label} === 'Egypt is a country in'")
    assert page.locator(".nx-kept").count() == 0
    read(page, OPEN)
    page.wait_for_selector(".nx-kept")
    page.select_option(chosen, label="Practice makes")
    page.wait_for_function(f"{label} === 'Practice makes'")
    act(page, "greedy")
    assert page.evaluate(label) == "Practice makes"  # stays, as long as the prompt does


def test_bars_are_as_long_as_they_say_and_a_logarithmic_scale_stays(page: Page) -> None:
    bars = f"[...document.querySelectorAll('{ROWS} i')].map((each) => parseFloat(each.style.width))"
    box = page.get_by_label("logarithmic")
    assert not box.is_checked()
    read(page, OPEN)
    shown = [per_cent(each) for each in values(page)]
    first, second = page.evaluate(bars)[:2]
    assert first / second == pytest.approx(shown[0] / shown[1], rel=0.02)
    expect(page.locator(".nx-axis small").last).to_have_text(re.compile(r"^(20|50|100)%$"))
    box.check()
    expect(page.locator(".nx-axis small").last).to_have_text("100%")
    assert "logarithmic" in page.inner_text(".nx-legend") and page.evaluate(bars)[1] > 3 * second
    read(page, "The capital of Italy is")
    assert box.is_checked()
    settled(page).reload()
    expect(page.get_by_label("logarithmic")).to_be_checked()


def test_what_cannot_be_read_dims_what_is_old(page: Page) -> None:
    act(page, "greedy")
    dim = "#next-frame .nx.unread"
    page.fill("#next-prompt textarea", "")
    page.wait_for_selector(dim)
    assert "empty" in page.inner_text(".nx-status")
    page.fill("#next-prompt textarea", example.opening())  # again what is shown: nothing is lost
    page.wait_for_selector(dim, state="detached")
    assert page.inner_text(".nx-status") == "" and page.locator(".nx-tree .nx-node").count() == 2
    name(page, "#next-model", "")
    page.wait_for_selector(dim)
    assert page.inner_text(".nx-status").startswith("No model is chosen")
    name(page, "#next-model", "byt5")
    page.wait_for_function("document.querySelector('.nx-status').textContent.includes('only a tokenizer')")
    assert page.locator(dim).count() == 1
    name(page, "#next-model", "tutor")
    page.wait_for_selector(dim, state="detached")
    page.fill(".nx-find input", "99999999")
    page.wait_for_function("document.querySelector('.nx-found').textContent.includes('0 to 6,143')")


def test_settings_come_along_into_another_language(page: Page) -> None:
    slide(page, "temperature", "1.5")
    slide(page, "top-k", "9")
    page.fill("#next-prompt textarea", OPEN)
    name(page, "#next-model", "small")
    page.wait_for_function("playground.store.get('next_token.model') === 'small'")  # else nothing comes along
    page.wait_for_function("document.querySelectorAll('.nx-chart .nx-row.gone').length === 6")
    settle(page)
    speak(page, "zh-TW")
    page.wait_for_selector('#next-frame .nx[data-lang="zh-TW"]')
    page.wait_for_function("document.querySelectorAll('.nx-chart .nx-row.gone').length === 6")
    expect(setting(page, "temperature")).to_have_value("1.5")
    expect(setting(page, "top-k")).to_have_value("9")
    assert page.input_value("#next-prompt textarea") == OPEN
    expect(page.locator("#next-model input")).to_have_value("small")  # the menu comes from the server


def test_nothing_is_asked_before_the_room_is_opened_and_what_is_shipped_stands_there(
    browser: Browser,
    app: App,  # noqa: F811
) -> None:
    with visiting(browser, app.url) as visit:
        page = visit()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(app.url)))
        settled(page)
        page.evaluate("playground.store.set({'next_token.temperature': 0.5})")  # as a link may have it
        settled(page)
        assert not [each for each in asked if "next" in each]
        page.evaluate("playground.store.set({'next_token.temperature': 1})")
        page.click("#pg-next_token-button")
        page.wait_for_selector(ROWS)
        settled(page)
        assert {each.partition("?")[0] for each in asked if "next" in each} == {
            "playground/next_token/opening", "playground/next_token/precision"
        }  # fmt: skip
        page.click("#next-sample-opposite")
        page.wait_for_function("document.querySelector('.nx-text').textContent.includes('opposite')")
        page.click("#pg-tokens-button")
        asked.clear()
        page.evaluate("playground.store.set({'next_token.prompt': 'Grass is'})")
        settled(page)
        assert not [each for each in asked if "next" in each]
        page.click("#pg-next_token-button")
        page.wait_for_function("document.querySelector('.nx-text').textContent.includes('Grass')")
        settle(page)


def test_links_old_and_new_and_the_way_back(visit: Visit) -> None:
    page = visit("?tab=next_token&text=Grass%20is&model=small", ready=False)
    page.wait_for_function("document.querySelector('.nx-text')?.textContent.endsWith('Grass is')")
    settle(settled(page))
    assert page.evaluate("playground.next.state.shown") == '["small","",false]'
    expect(page.locator("#next-model input")).to_have_value("small")  # filling its menu leaves it
    page.goto(visit.home + "#next_token?prompt=Once&top_k=4&beside_temperature=2")
    page.reload()  # the same page with another fragment is not loaded anew
    page.wait_for_function("document.querySelector('.nx-text')?.textContent.endsWith('Once')")
    page.wait_for_function("document.querySelectorAll('.nx-chart .nx-row.gone').length === 11")
    settle(settled(page))
    page.click("#next-sample-story")
    page.wait_for_function("document.querySelector('.nx-text').textContent.includes('little girl')")
    settle(page)
    page.wait_for_function("location.hash.includes('little')")
    page.go_back()
    page.wait_for_function("document.querySelector('.nx-text').textContent.endsWith('Once')")
    expect(setting(page, "top-k")).to_have_value("4")
    page.click("#next-beside .label-wrap")
    expect(page.locator("#next-beside-temperature input[type=number]")).to_have_value("2")
    page.close()


def test_enter_reads_at_once(page: Page) -> None:
    page.evaluate(
        "window.slow = setTimeout; window.setTimeout = (fn, time) => slow(fn, time === 500 ? 1e6 : time)"
    )
    page.fill("#next-prompt textarea", "Grass is")
    page.press("#next-prompt textarea", "Enter")
    page.wait_for_function("document.querySelector('.nx-text').textContent.endsWith('Grass is')")
    assert page.input_value("#next-prompt textarea") == "Grass is"


@pytest.mark.parametrize(
    ("pressed", "wanted"),
    [
        ("#next-sample-opposite", "document.querySelector('.nx-text')?.textContent.endsWith('hot is')"),
        ('[data-act="greedy"]', "document.querySelectorAll('.nx-text .ct.made').length === 1"),
    ],
)
def test_what_is_pressed_while_gradio_builds_the_page_is_done(
    visit: Visit, pressed: str, wanted: str
) -> None:
    page = visit("robots.txt", ready=False)
    script = """new MutationObserver((_, watching) => {
        const button = document.querySelector(%s);
        if (button) { watching.disconnect(); button.click(); }
    }).observe(document, {childList: true, subtree: true})"""
    page.add_init_script(script % json.dumps(pressed))
    page.goto(visit.home + "?tab=next_token")
    page.wait_for_function(wanted)
    settle(settled(page))
    page.close()
