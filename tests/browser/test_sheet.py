"""The page's style sheet as Chromium reads it: beside Gradio's own rules, in containers, in the dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from playground.shell import scripts

pytestmark = pytest.mark.browser

# Rules of Gradio's components come later, and have two or three classes.
GRADIOS = """
    .pg-head.svelte-1.svelte-1 { display: grid; }
    .pg-table.svelte-1 { width: 7px; }
    .toast.svelte-1.svelte-1 { display: grid; }
"""
BODY = """
    <gradio-app><div class="gradio-container"><main class="contain">
        <header class="pg-head svelte-1">a</header>
        <table class="pg-table svelte-1"><tr><td>a</td></tr></table>
        <div class="arc-map" style="height: 300px">
            <div id="wide" class="arc-tile" style="width: 300px; height: 200px"><b>a</b><small>b</small></div>
            <div id="narrow" class="arc-tile" style="width: 60px; height: 99px"><b>a</b><small>b</small></div>
            <div id="flat" class="arc-tile" style="width: 300px; height: 10px"><b>a</b><small>b</small></div>
        </div>
        <p class="pg-new">a</p>
    </main></div><p class="pg-new">a</p><div class="pg-head toast svelte-1">a</div></gradio-app>
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    ours = f"{scripts.sheet()[1]}"
    page.set_content(f"<style>{ours}</style><style>{GRADIOS}</style><body>{BODY}</body>")
    yield page
    page.close()


def look(page: Page, selector: str, what: str) -> str:
    return str(page.eval_on_selector(selector, f"e => getComputedStyle(e).{what}"))


def test_within_the_page_ours_outweigh_gradios_and_outside_they_do_not(page: Page) -> None:
    assert look(page, "main .pg-head", "display") == "flex"
    assert look(page, ".toast", "display") == "grid"
    assert look(page, ".pg-table", "width") != "7px"


def test_what_stands_in_a_container_follows_its_size(page: Page) -> None:
    assert look(page, "#wide small", "display") == "block"
    assert look(page, "#narrow small", "display") == "none"
    assert look(page, "#narrow b", "display") == "block"
    assert look(page, "#flat b", "display") == "none"


def test_small_screens_have_rules_of_their_own(page: Page) -> None:
    more = "<p class=pg-foot>a</p><button class=pg-fold>a</button>"
    page.eval_on_selector("main", "(e, more) => e.insertAdjacentHTML('beforeend', more)", more)
    assert look(page, ".pg-fold", "display") == "none"
    page.set_viewport_size({"width": 360, "height": 720})
    assert page.evaluate("matchMedia('(max-width: 640px)').matches")
    assert look(page, ".pg-fold", "display") == "flex"
    assert look(page, ".pg-foot", "textAlign") == "center"


def test_rules_for_the_dark_hold_within_and_outside(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ".pg-new { color: rgb(1, 1, 1) }\n.dark .pg-new { color: rgb(2, 2, 2) }"
    monkeypatch.setattr(scripts, "_read", lambda names: source)
    scripts.sheet.cache_clear()
    ours = scripts.sheet()[1]
    scripts.sheet.cache_clear()
    page = browser.new_page()
    for kind, colour in {"": "rgb(1, 1, 1)", "dark": "rgb(2, 2, 2)"}.items():
        page.set_content(f"<style>{ours}</style><body class='{kind}'>{BODY}</body>")
        told = page.eval_on_selector_all(".pg-new", "all => all.map(e => getComputedStyle(e).color)")
        assert told == [colour, colour]
    page.close()
