"""Maps in the page: ``python tests/bench/bench_figures.py`` prints one run's ratios.

For maps of 2,000, 10,000 and 50,000 points in Chromium, plotly.js being there already: from their HTML to the
still picture and to the drawing, a frame of dragging, a chosen point's lines; against a bare page on which
plotly draws the same points and nothing else. WebGL is drawn by the processor here.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from tests.bench.rows import chromium, rounds, row  # noqa: E402

FRAMES = """window.frame = async () => {
    for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
}"""
# From a figure's HTML to its still picture, and to the drawing.
OURS = """async html => {
    document.body.replaceChildren();
    await new Promise(done => setTimeout(done, 300)); // what was there is given back
    const began = performance.now();
    document.body.append(document.createRange().createContextualFragment(html));
    await frame();
    const still = performance.now() - began;
    while (!document.querySelector(".pg-figure-plot.ready")) await new Promise(done => setTimeout(done, 4));
    await frame();
    return [still, performance.now() - began];
}"""
BARE = """async ([x, y, groups, size]) => {
    document.body.replaceChildren();
    await new Promise(done => setTimeout(done, 300));
    const began = performance.now(), place = document.createElement("div");
    place.style.cssText = "width: 960px; height: 576px";
    document.body.append(place);
    const data = [...Array(8).keys()].map(group => ({
        type: "scattergl", mode: "markers", marker: {size}, hoverinfo: "none",
        x: Float32Array.from(x.filter((_, i) => groups[i] === group)),
        y: Float32Array.from(y.filter((_, i) => groups[i] === group)),
    }));
    await Plotly.newPlot(place, data, {dragmode: "pan", showlegend: false}, {displayModeBar: false});
    await frame();
    const all = performance.now() - began;
    await new Promise(done => setTimeout(done, 300));
    return all;
}"""
DRAG = """async () => {
    const pad = document.querySelector(".nsewdrag"), {x, y} = pad.getBoundingClientRect(), times = [];
    const send = (kind, right, down) => {
        const at = {clientX: x + right, clientY: y + down, buttons: 1};
        const event = new MouseEvent(kind, {bubbles: true, cancelable: true, view: window, ...at});
        (document.querySelector(".dragcover") || pad).dispatchEvent(event);
    };
    send("mousemove", 300, 200);
    send("mousedown", 300, 200);
    for (let step = 0; step < 24; step++) {
        const began = performance.now();
        send("mousemove", 300 + step * 4, 200 + step * 2);
        await frame();
        times.push(performance.now() - began);
    }
    send("mouseup", 396, 248);
    await frame();
    return times.slice(4).sort((a, b) => a - b)[10];
}"""
CHOOSE = """async () => {
    const times = [];
    for (let turn = 0; turn < 9; turn++) {
        const began = performance.now();
        document.querySelectorAll(".pg-map-side li button")[turn].click();
        await frame();
        await frame();
        times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[4];
}"""


def a_map(count: int) -> tuple[str, Any, Any]:
    from playground.ui import point_map

    draw = np.random.default_rng(0)
    points = np.tanh(draw.normal(size=(count, 2)) / 2).astype(np.float32)
    near = point_map.Near(draw.integers(0, count, (count, 10), np.int32), np.ones((count, 10), np.float32),
                          np.ones((count, 10), np.bool_))  # fmt: skip
    labels = [f"sentence number {place} of a large set" for place in range(count)]
    groups = draw.integers(0, 8, count)
    return (
        point_map.chart(points, labels, groups, list("abcdefgh"), "en", near=near, marked=[0]),
        points,
        groups,
    )


def a_page(page: Page) -> None:
    """A page on which figures can be put, with plotly.js and our scripts."""
    from playground import text
    from playground.ui import figures, plotly_file, point_map

    names = tuple(
        f"shell/{name}"
        for name in ("colours.css", "figures.css", "figures.js", "figures_map.js", "map_chosen.js")
    )
    assets = {name: (text.ASSETS / name).read_text("utf-8") for name in names}
    small = point_map.chart([[0, 0]], ["a"], [0], [""], "en")
    page.set_content(figures.standalone(small, "bench", assets, "en"))
    assert plotly_file.path().exists()
    page.wait_for_selector(".pg-figure-plot.ready", timeout=60_000)
    page.evaluate(FRAMES)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        for count in (2_000, 10_000, 50_000):
            html, points, groups = a_map(count)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            a_page(page)
            size = 7 if count <= 3000 else 4 if count <= 20_000 else 2.5
            plain = [points[:, 0].tolist(), points[:, 1].tolist(), groups.tolist(), size]
            seen: dict[str, list[float]] = {
                name: [] for name in ("still", "first", "bare", "drag", "bare drag", "choose")
            }
            for _ in range(rounds(3)):
                seen["bare"].append(page.evaluate(BARE, plain))
                seen["bare drag"].append(page.evaluate(DRAG))
                still, first = page.evaluate(OURS, html)
                seen["still"].append(still)
                seen["first"].append(first)
                seen["drag"].append(page.evaluate(DRAG))
                seen["choose"].append(page.evaluate(CHOOSE))
            page.close()
            found = {name: statistics.median(each) for name, each in seen.items()}
            against = "a bare page of plotly"
            row(
                f"{count:,} points: first paint, a still picture",
                found["still"],
                found["bare"],
                "ms",
                against,
            )
            row(f"{count:,} points: drawn", found["first"], found["bare"], "ms", against, most=1.6)
            row(
                f"{count:,} points: a frame of dragging",
                found["drag"],
                found["bare drag"],
                "ms",
                against,
                most=1.5,
            )
            row(f"{count:,} points: lines to a point's neighbours", found["choose"], found["bare drag"], "ms",
                "a frame of dragging there")  # fmt: skip
            row(f"{count:,} points: the HTML", len(html) / 1e6, len(json.dumps(plain)) / 1e6, "MB",
                "its places and groups alone, as JSON")  # fmt: skip
        browser.close()


if __name__ == "__main__":
    main()
