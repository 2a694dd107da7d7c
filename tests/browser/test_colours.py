"""Whether the page's colours can be read and told apart, as Chromium really computes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.app import App
from tests.app_fixture import app  # noqa: F401

pytestmark = pytest.mark.browser

READABLE = 4.5  # WCAG 2.2, 1.4.3 (AA), for text of any size
DIFFERENT = 8.0  # CIEDE2000; some 2 are just noticeable side by side, 8 at a glance

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip

# Put where each of them stands on the page; the element marked x is measured.
PROBES = {
    **{f"chip {c}": ("#tok-view .tok-lane .tok-text", f'<i x class="t {c}">abc</i>') for c in "abcd"},
    **{f"group {c}": ("#tok-view .tok-lane .tok-text",
                      f'<span class="g {c}"><b x>詞</b><span></span></span>') for c in "abcd"},
    "part of a group": ("#tok-view .tok-lane .tok-text",
                        '<span class="g a"><b>詞</b><span><i x class="t by">E8</i></span></span>'),
    "special": ("#tok-view .tok-lane .tok-text", '<i x class="t a sp">[SEP]</i>'),
    "unknown": ("#tok-view .tok-lane .tok-text", '<i x class="t a un">[UNK]</i>'),
    "empty": ("#tok-view .tok-lane .tok-text", '<i x class="t b em">▁</i>'),
    **{f"source {s}": ("#tok-view", f'<span x class="src src-{s}">abc</span>')
       for s in ("template", "system", "user", "assistant")},
    **{f"token by {s}": ("#tok-view", f'<p class="tok-text by-source"><i x class="t a src-{s}">a</i></p>')
       for s in ("template", "system", "user", "assistant")},
    "special by source": (
        "#tok-view", '<div class="tok-text by-source"><i x class="t a sp src-template">[INST]</i></div>'),
    "note": ("#tok-view", '<p x class="pg-note">abc</p>'),
    "warning": ("#tok-view", '<p x class="pg-warning">abc</p>'),
    "code": ("#tok-view", '<pre class="pg-code"><code x>abc</code></pre>'),
    "padding": ("#tok-view", '<table class="tok-grid"><tr><td x class="off">0</td></tr></table>'),
    "no padding": ("#tok-view", '<table class="tok-grid"><tr><td x class="on">1</td></tr></table>'),
    "table head": ("#tok-view", '<table class="pg-table"><thead><tr><th x>id</th></tr></thead></table>'),
}  # fmt: skip
STANDING = {
    "title": "h1", "view in the title": "h1 small", "wordmark": ".pg-mark",
    "menu's label": "#pg-menu-panel label span", "menu": "#pg-menu-panel select",
    "button of the menu": "#pg-menu-panel button", "why": "#pg-menu-panel small",
    "model in use": ".pg-pill span", "room of the rail": "#pg-tabs > .tab-wrapper button[role=tab]",
    "inspector's hint": ".pg-inspector-hint", "chosen tab": "#tok-tabs button[role=tab][aria-selected=true]",
    "other tab": "#tok-tabs button[role=tab][aria-selected=false]", "lead": ".pg-lead p",
    "typed text": "#tok-text textarea", "algorithm of a lane": ".tok-kind", "facts of a lane": ".tok-facts",
    "count of a lane": ".tok-count", "title of the stage": ".tok-title h3", "legend": ".tok-legend",
    "sample button": ".pg-samples button", "secondary button": ".pg-actions button",
    "primary button": "#pg-tokens button.primary", "legend of the chart": ".pg-figure-legend button",
    "footer": ".pg-foot span", "Gradio's footer": "footer button",
}  # fmt: skip

MEASURE = """([probes, standing]) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", {willReadFrequently: true});
    const rgba = (colour) => {  // any CSS colour as four bytes
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const over = ([r, g, b, a], below) =>
        [r, g, b].map((value, i) => (value * a + below[i] * (255 - a)) / 255);
    const look = (element) => {
        const layers = [];
        let opacity = 1;
        for (let each = element; each; each = each.parentElement) {
            const style = getComputedStyle(each);
            layers.push(rgba(style.backgroundColor));
            opacity *= Number(style.opacity);
        }
        const paper = rgba(getComputedStyle(document.querySelector("gradio-app")).backgroundColor);
        const white = over(paper, [255, 255, 255]);
        const ground = layers.reverse().reduce((below, top) => over(top, below), white);
        const ink = rgba(getComputedStyle(element).color);
        return [over([...ink.slice(0, 3), ink[3] * opacity], ground), ground];
    };
    const found = {};
    for (const [name, [where, html]] of Object.entries(probes)) {
        const holder = document.createElement("span");
        holder.innerHTML = html;
        document.querySelector(where).append(holder);
        found[name] = look(holder.querySelector("[x]"));
        holder.remove();
    }
    for (const [name, selector] of Object.entries(standing)) {
        const element = document.querySelector(selector);
        found[name] = element && look(element);
    }
    return found;
}"""

Colour = Sequence[float]  # red, green, blue from 0 to 255


def linear(colour: Colour) -> list[float]:
    shares = [value / 255 for value in colour]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares]


def contrast(one: Colour, other: Colour) -> float:
    """WCAG's ratio of two colours, from 1 to 21."""
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(linear, (one, other)))
    return (high + 0.05) / (low + 0.05)


def seen(colour: Colour, blindness: str) -> list[float]:
    """The colour as linear RGB, as somebody with that blindness sees it."""
    rgb = linear(colour)
    mixed = [sum(a * b for a, b in zip(row, rgb, strict=True)) for row in BLINDNESS[blindness]]
    return [min(max(value, 0.0), 1.0) for value in mixed]


def lab(rgb: Sequence[float]) -> tuple[float, float, float]:
    """Linear sRGB → CIELAB (D65)."""
    r, g, b = rgb
    xyz = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one: Sequence[float], other: Sequence[float]) -> float:
    """How different two colours of CIELAB look (Sharma, Wu & Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = (1 - math.sqrt(mean**7 / (mean**7 + 25**7))) / 2
    c1, c2 = math.hypot(a1 * (1 + g), b1), math.hypot(a2 * (1 + g), b2)
    h1 = math.degrees(math.atan2(b1, a1 * (1 + g))) % 360
    h2 = math.degrees(math.atan2(b2, a2 * (1 + g))) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    t = (
        1 - 0.17 * math.cos(math.radians(hue - 30)) + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6)) - 0.20 * math.cos(math.radians(4 * hue - 63))
    )  # fmt: skip
    s_l = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    bent = 60 * math.exp(-(((hue - 275) / 25) ** 2))
    r_t = -math.sin(math.radians(bent)) * 2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, dh / s_h
    return math.sqrt(dl * dl + dc * dc + dh * dh + r_t * dc * dh)


@pytest.fixture(scope="module")
def page(browser: Browser, app: App) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(app.panel("tokens"))
    page.wait_for_selector("#tok-view .tok-lane .t")
    page.locator('#tok-tabs button[role=tab][data-tab-id="merges"]').click()
    page.locator("#pg-tokens button.primary").wait_for()
    page.locator('#tok-tabs button[role=tab][data-tab-id="compare"]').click()
    page.locator("#tok-view .tok-lane").first.wait_for()
    page.locator("#tok-strip > .label-wrap").click()
    page.locator("#tok-strip .pg-actions button").first.wait_for()
    page.locator("#tok-chart .pg-figure-legend button").first.wait_for()  # comes when the room is opened
    # Gradio's transitions would be measured half way.
    page.add_style_tag(
        content="*, *::before, *::after { transition: none !important; animation: none !important }"
    )
    yield page
    context.close()


@pytest.fixture(scope="module", params=["light", "dark"])
def measured(request: pytest.FixtureRequest, page: Page) -> dict[str, Any]:
    page.evaluate("theme => playground.setTheme(theme)", request.param)
    page.wait_for_timeout(300)
    return dict(page.evaluate(MEASURE, [PROBES, STANDING]))


def test_the_measure_itself() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    # Pairs 1, 7 and 17 of Sharma, Wu & Dalal 2005.
    for one, other, difference in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ):
        assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)


def test_all_text_can_be_read(measured: dict[str, Any]) -> None:
    assert [name for name, found in measured.items() if found is None] == []
    ratios = {name: contrast(ink, ground) for name, (ink, ground) in measured.items()}
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < READABLE} == {}


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_neighbouring_chips_differ_for_every_eye(measured: dict[str, Any], blindness: str) -> None:
    grounds = {name: lab(seen(measured[f"chip {name}"][1], blindness)) for name in "abcd"}
    differences = {
        f"{one}-{two}": ciede2000(grounds[one], grounds[two]) for one, two in ("ab", "bc", "cd", "da")
    }
    assert {pair: round(d, 1) for pair, d in differences.items() if d < DIFFERENT} == {}


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_who_wrote_it_differs_for_every_eye(measured: dict[str, Any], blindness: str) -> None:
    names = ("template", "system", "user", "assistant")
    grounds = [lab(seen(measured[f"source {name}"][1], blindness)) for name in names]
    differences = {
        f"{names[i]}-{names[j]}": ciede2000(grounds[i], grounds[j]) for i in range(4) for j in range(i)
    }
    # All pairs meet, and the legend names them: here half of what chips without names need.
    assert {pair: round(d, 1) for pair, d in differences.items() if d < DIFFERENT / 2} == {}
