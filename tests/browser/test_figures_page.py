"""Figures as a visitor uses them: before plotly.js is there, with it, and when they are left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, visiting

pytestmark = pytest.mark.browser
READY = "#sen-map .pg-figure-plot.ready"
TOLD = "#pg-inspector .pg-map-told-of"  # what is chosen, and what it is near to
# Where a point of the map is on the screen, and its label.
POINT = """i => {
    const [state] = [...playground.figures.states.values()].filter(each => each.at);
    const {xaxis, yaxis} = state.plot._fullLayout, box = state.frame.getBoundingClientRect();
    return [box.left + xaxis.l2p(state.at[0][i]), box.top + yaxis.l2p(state.at[1][i]), state.more.labels[i]];
}"""
COLOUR = f"() => getComputedStyle(document.querySelector('{READY} .point')).fill"


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("embeddings")) as visit:
        yield visit


def opened(visit: Visit, **context: Any) -> Page:
    page = visit("?tab=embeddings", ready=False, **{"viewport": {"width": 1440, "height": 1100}} | context)
    expect(page.locator(f"{READY} .point")).to_have_count(272, timeout=WAIT)
    return page


def test_plotly_comes_with_the_first_figure_once_and_compressed(visit: Visit, app: App) -> None:  # noqa: F811
    page = visit("robots.txt", ready=False)
    answers = []
    page.on("response", lambda each: "/plotly-" in each.url and answers.append(each))
    page.goto(app.panel("embeddings") + "?tab=embeddings")
    expect(page.locator(f"{READY} .point")).to_have_count(272, timeout=WAIT)
    page.locator("#sen-by").get_by_text("k-means").click()  # another figure, the same script
    expect(page.locator("#sen-map .pg-figure-legend")).not_to_contain_text("weather", timeout=WAIT)
    expect(page.locator(f"{READY} .point")).to_have_count(272, timeout=WAIT)
    (answer,) = answers
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] in ("br", "gzip")


def test_no_figure_no_script(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.panel("chat")) as visit:
        page = visit("robots.txt", ready=False)
        asked: list[str] = []
        page.on("request", lambda each: asked.append(each.url))
        page.goto(app.panel("chat"))
        expect(page.locator("#pg-header h1")).to_be_visible(timeout=WAIT)
        settled(page)
        assert asked and not [each for each in asked if "plotly" in each]


def test_the_example_is_seen_before_the_script_comes(visit: Visit) -> None:
    page = visit("robots.txt", ready=False, viewport={"width": 1440, "height": 900})
    held: list[Route] = []
    page.route("**/plotly-*.js", lambda route: held.append(route))
    page.goto(visit.home + "?tab=embeddings")
    expect(page.locator(f"{TOLD} li")).to_have_count(10, timeout=WAIT)
    still = page.locator("#sen-map .pg-map-still")
    expect(still).to_be_visible()
    expect(still.locator("path.p")).to_have_count(8)
    expect(still).to_contain_text("weather")
    expect(page.locator(READY)).to_have_count(0)
    first = page.locator(f"{TOLD} li button").first  # neighbours do not wait for it
    name = first.inner_text()
    first.click()
    expect(page.locator(f"{TOLD} > b")).to_have_text(name)
    expect(still).to_be_visible()
    assert held
    held[0].continue_()
    page.unroute("**/plotly-*.js")
    expect(page.locator(f"{READY} .point")).to_have_count(272, timeout=WAIT)
    expect(still).to_be_hidden()
    expect(page.locator(f"{READY} .shape-label").filter(has_text=name)).to_have_count(1)


def test_hover_says_the_label_and_a_click_chooses(visit: Visit) -> None:
    page = opened(visit)
    x, y, label = page.evaluate(POINT, 5)
    page.mouse.move(x - 40, y)
    page.mouse.move(x, y)
    tip = page.locator("#sen-map .pg-map-tip")
    expect(tip).to_contain_text(label)
    expect(tip.locator("small")).to_have_text("food")
    page.mouse.click(x, y)
    expect(page.locator(f"{TOLD} > b")).to_have_text(label)
    page.mouse.move(2, 2)
    expect(tip).to_have_count(0)
    page.locator("#sen-map .pg-figure-frame").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")  # the point in the middle
    expect(page.locator(f"{TOLD} > b")).not_to_have_text(label)


def test_the_legend_switches_groups(visit: Visit) -> None:
    page = opened(visit)
    points = page.locator(f"{READY} .point:visible")
    weather = page.locator("#sen-map .pg-figure-legend button").filter(has_text="weather")
    weather.click()
    expect(weather).to_have_attribute("aria-pressed", "false")
    expect(points).to_have_count(272 - 34)
    weather.click()
    expect(points).to_have_count(272)
    weather.dblclick()
    expect(points).to_have_count(34)
    expect(page.locator("#sen-map .pg-figure-legend [aria-pressed=true]")).to_have_count(1)
    weather.dblclick()
    expect(points).to_have_count(272)


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_what_is_selected_is_listed(visit: Visit, tool: str) -> None:
    page = opened(visit)
    page.evaluate("addEventListener('playground:selected', each => { window.chosen = each.detail; })")
    button = page.locator(f"#sen-map [data-tool={tool}]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    box = page.locator("#sen-map .pg-figure-frame").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    corners = ((1, 0), (1, 1), (0, 1)) if tool == "lasso" else ((1, 1),)
    for right, down in corners:
        page.mouse.move(
            box["x"] + 5 + right * box["width"] / 2, box["y"] + 5 + down * box["height"] / 2, steps=6
        )
    page.mouse.up()
    listed = page.locator("#pg-inspector ol > li")
    expect(page.locator("#pg-inspector h2")).to_contain_text("selected")
    chosen = page.evaluate("window.chosen")
    assert listed.count() == min(100, len(chosen["points"])) > 10
    assert listed.all_inner_texts() == chosen["labels"][:100]
    expect(page.locator("#pg-inspector h2")).to_have_text(f"{len(chosen['points'])} selected")
    # How many of each theme, together all of them.
    counts = page.locator("#pg-inspector .pg-map-counts b").all_inner_texts()
    assert sum(map(int, counts)) == len(chosen["points"]) and len(counts) > 1
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy all").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == chosen["labels"]
    page.context.clear_permissions()
    listed.first.locator("button").click()
    expect(page.locator(f"{TOLD} > b")).to_have_text(chosen["labels"][0])
    button.click()
    page.keyboard.press("Escape")


def test_search_rings_what_it_finds(visit: Visit) -> None:
    page = opened(visit)
    before = page.locator(f"{READY} .shapelayer path").count()
    page.locator("#sen-query textarea").fill("dinner")  # offered, and so shipped: no model is loaded for it
    expect(page.locator("#sen-map .pg-map-told")).to_contain_text("12 nearest", timeout=WAIT)
    expect(page.locator(f"{READY} .shapelayer path")).to_have_count(before + 1)
    ring = page.locator(f"{READY} .shapelayer path").first.get_attribute("d") or ""
    assert ring.count("Z") == 12
    expect(page.locator("#pg-inspector h2")).to_have_text("dinner")
    expect(page.locator("#pg-inspector ol > li")).to_have_count(12)
    page.locator("#sen-query textarea").fill("")
    expect(page.locator(f"{READY} .shapelayer path")).to_have_count(before, timeout=WAIT)
    expect(page.locator("#pg-inspector")).to_be_hidden()


def test_dark_and_light_are_the_pages(visit: Visit) -> None:
    page = opened(visit)
    light = page.evaluate(COLOUR)
    page.evaluate("playground.setTheme('dark')")
    page.wait_for_function(f"light => ({COLOUR})() !== light", arg=light)
    known = page.evaluate(
        "getComputedStyle(document.querySelector('.pg-map')).getPropertyValue('--map-1').trim()"
    )
    seen = page.evaluate(
        f"""() => [...document.querySelectorAll('{READY} .point')].some(each => {{
            const probe = document.createElement('i');
            probe.style.color = '{known}';
            return probe.style.color === getComputedStyle(each).fill;
        }})"""
    )
    assert seen
    page.evaluate("playground.setTheme('light')")
    page.wait_for_function(f"light => ({COLOUR})() === light", arg=light)


def test_what_is_left_is_given_back(visit: Visit) -> None:
    page = opened(visit)
    page.locator("#sen-dimensions").get_by_text("3-D").click()
    expect(page.locator(f"{READY} canvas")).to_have_count(1, timeout=90_000)
    page.locator("#sen-map [data-tool=in]").click()
    page.wait_for_function("() => document.querySelector('.pg-figure-plot').layout.scene.camera.eye.x < 1")
    for _ in range(2):
        page.get_by_role("tab", name="Rows").click()
        expect(page.locator(".js-plotly-plot")).to_have_count(0, timeout=15_000)
        assert page.evaluate("document.querySelectorAll('.pg-figure canvas').length") == 0
        page.get_by_role("tab", name="Map", exact=True).click()
        expect(page.locator(f"{READY} canvas")).to_have_count(1, timeout=WAIT)
    # As it was left.
    assert page.evaluate("document.querySelector('.pg-figure-plot').layout.scene.camera.eye.x") < 1


def test_many_figures_one_after_the_other_lose_no_context(visit: Visit) -> None:
    page = opened(visit)
    page.locator("#sen-dimensions").get_by_text("3-D").click()
    expect(page.locator(f"{READY} canvas")).to_have_count(1, timeout=90_000)
    for turn in range(20):  # a browser takes the oldest context away from the seventeenth on, and says so
        page.evaluate("n => { document.querySelector('#sen-map .pg-figure').dataset.key = n; }", str(turn))
        page.wait_for_function(
            "n => [...playground.figures.states.values()].some(each => each.key === n && each.ready)",
            arg=str(turn),
        )
    assert page.evaluate("document.querySelectorAll('.js-plotly-plot').length") == 1


def test_in_space_a_keyboard_turns_it(visit: Visit) -> None:
    page = opened(visit)
    page.locator("#sen-dimensions").get_by_text("3-D").click()
    expect(page.locator(f"{READY} canvas")).to_have_count(1, timeout=90_000)
    expect(page.locator("#sen-map [data-tool=lasso]")).to_have_count(0)
    page.locator("#sen-map .pg-figure-frame").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "() => document.querySelector('.pg-figure-plot').layout.scene.camera.eye.x !== 1.35"
    )
    first = page.locator(f"{TOLD} li button").first
    name = first.inner_text()
    first.click()
    expect(page.locator(f"{READY} .annotation-text").filter(has_text=name)).to_have_count(1)


@pytest.mark.parametrize(("width", "lang"), [(360, "zh-TW"), (360, "en-US"), (768, "zh-CN")])
def test_it_fits_and_speaks_the_visitors_language(visit: Visit, width: int, lang: str) -> None:
    page = opened(visit, viewport={"width": width, "height": 900}, locale=lang)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    frame = page.locator("#sen-map .pg-figure-frame").bounding_box()
    assert frame and frame["width"] > 0.5 * width
    words = {"zh-TW": "用套索選取", "en-US": "Select with a lasso", "zh-CN": "用套索选择"}
    expect(page.locator("#sen-map [data-tool=lasso]")).to_have_attribute("aria-label", words[lang])
    page.locator("#sen-map .pg-figure-rows summary").click()
    expect(page.locator("#sen-map .pg-figure-rows tbody tr")).to_have_count(60)
