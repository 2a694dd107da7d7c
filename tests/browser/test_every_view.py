"""Every view of the whole page for everybody: axe-core, the keyboard alone, fingers, and 200 % zoom.

axe-core reads what a screen reader is told and the contrast of what is written (WCAG 2.2 A and AA, and its
own best practices). Targets: WCAG 2.5.5, 44 px where a finger points, but for tokens inside a text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import settled, visiting
from tests.contact_sheet import go, views

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 780}
LAPTOP = {"width": 1280, "height": 800}
ZOOMED = {"width": 640, "height": 400}  # what 200 % leaves of a window of 1280 × 800

# Rules of axe-core that are not held, and why.
EXCEPTIONS: dict[str, str] = {}

# What a finger has to hit, and how large it is. Tokens, and links in a sentence, are as large as the text.
SMALL = """() => [...document.querySelectorAll(
        ":is(button, select, summary, a[href], [role=tab], textarea, input)")]
    .filter((e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
        && !e.closest(".visually-hidden, .sr-only, .js-plotly-plot, footer, .t, p, li > span")
        && !e.matches(".t, .ct, .nx-cursor, .pg-skip, .arc-box, input[type=range]"))
    .map((e) => {
        const label = e.matches("input[type=checkbox], input[type=radio]") && e.closest("label");
        const {width, height} = (label || e).getBoundingClientRect();
        return [e, width, height];
    })
    .filter(([e, width, height]) => width && height && (width < 43.5 || height < 43.5))
    .map(([e, width, height]) => `${e.tagName}.${e.className} ${Math.round(width)}×${Math.round(height)} “`
        + `${(e.ariaLabel || e.textContent || e.name || e.type).trim().slice(0, 30)}”`)
"""
AXE = """() => axe.run(document, {resultTypes: ["violations"]}).then((told) => told.violations.map((each) =>
    ({rule: each.id, impact: each.impact, nodes: each.nodes.map((node) => node.target.join(" ") + " | "
        + (node.any.concat(node.all, node.none)[0]?.message || ""))})))
"""
FOCUSED = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return "";
    window.reached ??= new Set();
    if (window.reached.has(at)) return "";
    window.reached.add(at);
    const {width, height} = at.getBoundingClientRect(), style = getComputedStyle(at);
    const shown = at.checkVisibility({visibilityProperty: true}) && width > 0 && height > 0;
    return `${shown ? "" : "hidden "}${at.tagName}.${at.className}#${at.id}`;
}"""
# What can be used with a pointer and was not reached by Tab: of what arrows go through, one is enough.
MISSED = """() => [...document.querySelectorAll(
        "main :is(button, select, summary, a[href], textarea, input)")]
    .filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled
        && !window.reached.has(e) && !e.closest(".visually-hidden, .sr-only, .modebar, footer, [inert]"))
    .filter((e) => e.tabIndex >= 0 || !["tablist", "listbox", "toolbar", "group", "radiogroup", "grid",
        "tree", "menu", "application"].some((role) => e.closest(`[role=${role}]`)))
    .filter((e) => e.type !== "radio" || ![...window.reached].some((other) => other.name === e.name))
    .map((e) => `${e.tagName}.${e.className}#${e.id} “`
        + `${(e.ariaLabel || e.textContent || "").trim().slice(0, 30)}”`)
"""
Found = dict[str, dict[str, list[str]]]  # check → view → what was found there


def violations(page: Page) -> list[str]:
    return [
        f"{each['rule']} ({each['impact']}): {node}"
        for each in page.evaluate(AXE)
        if each["rule"] not in EXCEPTIONS
        for node in each["nodes"]
    ]


def unreachable(page: Page) -> list[str]:
    """What Tab does not come to, or comes to though it cannot be seen."""
    page.evaluate("document.activeElement.blur(); window.reached = new Set()")
    hidden, still = [], 0
    while still < 4 and len(hidden) < 20:  # past the last, Tab leaves the page and begins anew
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        still = 0 if at else still + 1
        if at.startswith("hidden"):
            hidden.append(at)
    return hidden + page.evaluate(MISSED)


def too_wide(page: Page) -> list[str]:
    page.set_viewport_size(ZOOMED)  # type: ignore[arg-type]
    wide = settled(page).evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(LAPTOP)  # type: ignore[arg-type]
    return [f"{wide} px"] if wide > ZOOMED["width"] else []


def walk(browser: Browser, home: str, checks: dict[str, Callable[[Page], list[str]]], **how: Any) -> Found:
    """All views in one page, each looked at by every check."""
    found: Found = {name: {} for name in checks}
    with visiting(browser, home) as visit:
        page = settled(visit(reduced_motion="reduce", **how))
        page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
        for view in views(page):
            go(page, view)
            for name, check in checks.items():
                if told := check(page):
                    found[name][view] = told
    return found


@pytest.fixture(scope="module")
def light(browser: Browser, app: App) -> Found:  # noqa: F811
    checks = {"axe": violations, "keyboard": unreachable, "zoom": too_wide}
    return walk(browser, app.url, checks, viewport=LAPTOP)


@pytest.fixture(scope="module")
def dark(browser: Browser, app: App) -> Found:  # noqa: F811
    how = {"viewport": PHONE, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
    return walk(browser, app.url, {"axe": violations, "fingers": lambda page: page.evaluate(SMALL)}, **how)


def told(found: dict[str, list[str]]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False)


def test_axe_finds_nothing_on_a_laptop_in_the_light(light: Found) -> None:
    assert not light["axe"], told(light["axe"])


def test_axe_finds_nothing_on_a_phone_in_the_dark(dark: Found) -> None:
    assert not dark["axe"], told(dark["axe"])


def test_fingers_hit_every_target(dark: Found) -> None:
    assert not dark["fingers"], told(dark["fingers"])


def test_the_keyboard_reaches_everything(light: Found) -> None:
    assert not light["keyboard"], told(light["keyboard"])


def test_at_200_percent_nothing_has_to_be_scrolled_sideways(light: Found) -> None:
    assert not light["zoom"], told(light["zoom"])
