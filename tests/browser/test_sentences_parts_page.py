"""The other parts of the Sentences view: search, similarity, two models, rows, files to take along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from playground.rooms.embeddings.sentences.example import TORN
from playground.rooms.embeddings.sentences.samples import sample
from playground.rooms.embeddings.sentences.work import MODEL
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.sentences_page import (
    PATIENCE,
    TOLD,
    chosen,
    lines,
    opened,
    search,
    tab,
    unfolded,
)
from tests.browser.visiting import WAIT, Visit, settled, visiting

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("embeddings")) as visit:
        yield visit


def test_search_similarity_rows_and_downloads(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    tab(page, "Search results")
    search(page, "sleet and hail")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(12, timeout=WAIT)
    expect(page.locator("#sen-found .sen-hits li").first).to_contain_text("weather")
    search(page, "")  # nothing of it is circled on the map below
    expect(page.locator("#sen-found h3")).to_have_text("an illness that infects machines", timeout=WAIT)
    tab(page, "Similarity")
    expect(page.locator("#sen-matrix tbody td").nth(1)).to_have_text("0.76", timeout=WAIT)
    tab(page, "Rows")
    expect(page.locator("#sen-rows tbody tr")).to_have_count(200, timeout=WAIT)
    tab(page, "Download")
    button = page.locator("#emb-sentences").get_by_text("Vectors (.npy)").last
    expect(page.locator("#emb-sentences button").filter(has_text="Vectors (.npy)").last).to_be_enabled(
        timeout=WAIT
    )
    with page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "v.npy")
    assert np.load(tmp_path / "v.npy").shape == (272, 384)
    lines(page, "a cat", "a dog", "a cow")  # never the file of other rows than those chosen
    vectors = page.locator("#sen-save button", has_text="Vectors (.npy)").last
    expect(vectors).to_be_disabled(timeout=WAIT)
    expect(vectors).to_be_enabled(timeout=PATIENCE)
    with page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "three.npy")
    assert np.load(tmp_path / "three.npy").shape == (3, 384)
    page.locator("#sen-source input").first.click()
    page.locator("ul.options li, [role=listbox] [role=option]").first.click()
    expect(vectors).to_be_disabled(timeout=WAIT)
    expect(vectors).to_be_enabled(timeout=PATIENCE)
    with page.expect_download() as download:
        page.locator("#emb-sentences").get_by_text("Map as a page").last.click()
    download.value.save_as(tmp_path / "map.html")
    page.get_by_role("tab", name="Map", exact=True).first.click()
    chosen(page, sample("themes").texts.index(TORN))
    with page.expect_download() as download:
        page.locator("#sen-map [data-tool=svg]").click()
    download.value.save_as(tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text()
    assert (
        drawn.count('class="point ') == 272 and drawn.count("<circle") == 8
    )  # points as such, and the legend
    torn = page.locator(f"{TOLD} li.far").count()
    assert 0 < torn < 10 and drawn.count("stroke-dasharray: 9px") == torn
    assert ">The virus spread through e-mail attachments.</text>" in drawn and ">computers</text>" in drawn
    size = page.locator("#sen-map .pg-figure-frame").evaluate("e => [e.clientWidth, e.clientHeight]")
    with page.expect_download() as download:
        page.locator("#sen-map [data-tool=png]").click()
    download.value.save_as(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.width == 2 * size[0] and len(picture.getcolors(2**20) or []) > 20
        # Below the map the legend, with all of its colours.
        legend = picture.convert("RGB").crop((0, 2 * size[1], picture.width, picture.height))
        seen = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in legend.getcolors(2**20) or []}
        colours = page.evaluate(
            "[...Array(8).keys()].map((n) => getComputedStyle(document.querySelector('#sen-map .pg-map'))"
            ".getPropertyValue(`--map-${n + 1}`).trim())"
        )
        assert {*colours} <= seen
    alone = page.context.new_page()  # the page that was saved, with no server behind it
    alone.goto((tmp_path / "map.html").as_uri())
    expect(alone.locator(".pg-figure-plot.ready .point")).to_have_count(272, timeout=WAIT)
    expect(alone.locator(".pg-figure-legend li")).to_have_count(8)
    alone.locator(".pg-map-find").fill("pitcher")
    alone.keyboard.press("Enter")
    expect(alone.locator(".pg-map-side li")).to_have_count(10)


def test_what_is_shown_follows_the_rows(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "Rows")
    expect(page.locator("#sen-rows tbody tr")).to_have_count(200, timeout=PATIENCE)
    lines(page, "a cat", "a dog", "a cow")
    expect(page.locator("#sen-rows tbody tr")).to_have_count(3, timeout=PATIENCE)
    tab(page, "Search results")
    search(page, "milk")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(3, timeout=WAIT)
    lines(page, "a cat", "a dog", "a cow", "snow")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(4, timeout=WAIT)


def test_two_models_show_the_same_row(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "Two models")
    expect(page.locator("#sen-two .pg-figure-plot.ready")).to_have_count(2, timeout=WAIT)
    shipped = page.locator("#sen-two").inner_text()
    page.locator("#sen-two .pg-map-find").first.fill("volleyball")
    page.keyboard.press("Enter")
    expect(page.locator(f"{TOLD} > b")).to_contain_text("Volleyball")
    # One row, and its neighbours under each of both.
    expect(page.locator(f"{TOLD} > h3")).to_have_text([MODEL, "tutor"])
    expect(page.locator(f"{TOLD} ol")).to_have_count(2)
    expect(page.locator("#sen-two .shape-label").filter(has_text="Volleyball")).to_have_count(2)
    page.locator("#sen-two-go").click()  # and computed it says the same
    settled(page)
    first = "Of the 10 nearest rows"
    assert first in shipped and [row for row in shipped.split("\n") if first in row] == [
        row for row in page.locator("#sen-two").inner_text().split("\n") if first in row
    ]


def test_a_comparison_of_other_rows_is_greyed(visit: Visit) -> None:
    page = opened(visit)
    stale = page.locator("#sen-two-stale")
    page.locator("#sen-by").get_by_text("k-means").click()
    tab(page, "Two models")
    expect(stale).to_be_hidden()
    page.locator("#sen-two-go").click()
    expect(page.locator("#sen-two .pg-figure-plot.ready")).to_have_count(2, timeout=PATIENCE)
    expect(stale).to_be_hidden()
    page.locator("#sen-by").get_by_text("HDBSCAN").click()
    expect(stale).to_be_visible()
    expect(page.locator("#sen-two .pg-body")).to_have_css("filter", "grayscale(1)")
    page.locator("#sen-by").get_by_text("k-means").click()
    expect(stale).to_be_hidden()
    unfolded(page)
    page.locator("#sen-added textarea, #sen-added input").first.fill("not compared")
    lines(page, "a cat", "a dog")
    expect(stale).to_be_visible(timeout=WAIT)
    page.locator("#sen-two-go").click()
    expect(stale).to_be_hidden()


def test_thirty_sentences_are_seen_at_once(visit: Visit) -> None:
    page = opened(visit, viewport={"width": 1440, "height": 800})
    tab(page, "Similarity")
    cells = page.locator("#sen-matrix tbody td")
    expect(cells).to_have_count(25, timeout=WAIT)
    expect(cells.nth(1)).to_have_css("font-size", "13px")  # few: with their numbers
    page.locator("#sen-lines textarea").fill("\n".join(sample("themes").texts[:30]))
    expect(cells).to_have_count(900, timeout=WAIT)
    box = page.locator("#sen-matrix .pg-scroll")
    sizes = box.evaluate(
        "e => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight, e.clientHeight]"
    )
    assert sizes[0] <= 0 and sizes[1] <= 0 and sizes[2] < 800
    said = page.locator("#sen-matrix .sen-cell")
    cells.nth(1).hover()
    expect(said.locator("b")).to_have_text(f"1 × 2: {cells.nth(1).text_content()}")
    expect(said).to_contain_text(sample("themes").texts[1])
    cells.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(said.locator("b")).to_contain_text("2 × 3: ")
    assert cells.nth(32).get_attribute("title") == said.locator("b").text_content()
