"""The Sentences view, as a visitor uses it: offline, from the shipped map to a file of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from playground.engine.vectors.projection import MIN_DIST
from playground.rooms.embeddings.sentences.samples import sample
from playground.rooms.embeddings.sentences.work import MODEL
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, visiting

pytestmark = pytest.mark.browser
PATIENCE = 90_000  # the first map waits for the model
KEEP_STATUS = """() => {
    window.seen = [];
    const told = () => window.seen.push(document.querySelector('#sen-map .pg-told').textContent);
    const all = {subtree: true, childList: true, characterData: true};
    new MutationObserver(told).observe(document.querySelector('#sen-map .pg-told'), all);
}"""
EVIL = "<img src=x onerror='window.canary=1'>"


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("embeddings")) as visit:
        yield visit


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    settled(page)  # what is typed into a box that Gradio is just making is lost


def opened(visit: Visit, **context: object) -> Page:
    page = visit("?tab=embeddings", ready=False, **context)
    expect(page.locator("#sen-map .pg-map-side li")).to_have_count(10, timeout=WAIT)
    return page


def data(page: Page) -> dict:
    return json.loads(page.locator("#sen-map .pg-data").first.text_content() or "")["more"]


def figure(page: Page) -> list[dict]:
    return json.loads(page.locator("#sen-map .pg-data").first.text_content() or "")["figure"]["data"]


def places(traces: list[dict]) -> list[tuple[str, str]]:
    """Where the points of each group stand; of those that were added, nothing."""
    return [(each["x"]["bdata"], each["y"]["bdata"]) for each in traces if each["name"] != "added"]


def lines(page: Page, *rows: str) -> None:
    page.locator("#sen-own textarea").fill("\n".join(rows))


def told(page: Page, text: str) -> None:
    expect(page.locator("#sen-map")).to_contain_text(text, timeout=PATIENCE)


def test_the_first_minute(visit: Visit) -> None:
    page = opened(visit)
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(8)
    side = page.locator("#sen-map .pg-map-side")
    expect(side.locator("b")).to_have_text("The virus spread through e-mail attachments.")
    # Drawn, and a click on another neighbour goes there.
    expect(page.locator("#sen-map .pg-figure-plot.ready .point")).to_have_count(272, timeout=WAIT)
    first = side.locator("li button").first
    name = first.text_content()
    first.click()
    expect(side.locator("b")).to_have_text(name or "")
    # Found by a word; Enter chooses it; Escape chooses nothing.
    page.locator("#sen-map .pg-map-find").fill("pitcher")
    expect(page.locator("#sen-map .pg-map-told")).to_have_text("1 found")
    page.keyboard.press("Enter")
    expect(side.locator("b")).to_have_text("The pitcher struck out nine batters.")
    page.locator("#sen-map .pg-figure-frame").focus()
    page.keyboard.press("Escape")
    expect(side).to_contain_text("Click a point")


def test_a_new_sentence_lands_and_nothing_moves(visit: Visit) -> None:
    page = opened(visit)
    before, before_ = data(page), figure(page)
    page.locator("#sen-added textarea, #sen-added input").first.fill("It will rain and snow.")
    expect(page.locator("#sen-map .pg-map-side b")).to_have_text("It will rain and snow.", timeout=PATIENCE)
    after = data(page)
    assert len(after["labels"]) == len(before["labels"]) + 1
    for old, new in zip(places(before_), places(figure(page)), strict=False):
        assert new == old
    first = page.locator("#sen-map .pg-map-side li").first.text_content()
    weather = [
        text for text, label in zip(*vars(sample("themes")).values(), strict=True) if label == "weather"
    ]
    assert any(text in (first or "") for text in weather)


def test_own_lines_from_none_to_some_and_html(visit: Visit) -> None:
    page = opened(visit)
    side = page.locator("#sen-map .pg-map-side")
    lines(page, f"only one {EVIL}")
    told(page, "One row, one point")
    expect(side).to_contain_text("Click a point", timeout=WAIT)
    lines(page, "one", "one", "one")
    told(page, "lie on one point")
    expect(side).to_contain_text("Click a point", timeout=WAIT)
    lines(page, "a cat", "a dog", EVIL)
    told(page, "Too few different rows")
    told(page, "too few to measure")
    expect(side).to_contain_text("Click a point", timeout=WAIT)  # PCA first, and then the same once more
    page.locator("#sen-map .pg-map-find").fill("dog")
    page.keyboard.press("Enter")
    expect(side.locator("li")).to_have_count(2)
    expect(side.locator(".pg-map-trust")).to_have_count(0)
    lines(page, *(f"{word} {number} {EVIL}" for word in ("cakes", "rockets") for number in range(8)))
    told(page, "UMAP keeps")
    page.locator("#sen-by").get_by_text("k-means").click()
    expect(page.locator("#sen-map .pg-figure-legend")).to_contain_text("cakes", timeout=WAIT)
    page.locator("#sen-dimensions").get_by_text("3-D").click()
    page.wait_for_function("JSON.parse(document.querySelector('#sen-map .pg-data').textContent).more.d === 3")
    lines(page, "")
    page.locator("#sen-source input").click()
    page.locator("ul.options li, [role=listbox] [role=option]").nth(2).click()
    told(page, "Rows: 36,")


def test_a_change_of_language_keeps_lines_and_outlives_a_model(visit: Visit) -> None:
    page = opened(visit)

    def carried(**more: object) -> None:
        state = {
            "source": "themes", "own": "a cat\na dog", "model": MODEL, "by": "given", "clusters": 0,
            "added": "", "method": "umap", "dimensions": 2, "neighbours": 15, "min_dist": MIN_DIST,
            "metric": "cosine", "seed": 0, **more,
        }  # fmt: skip
        page.evaluate("s => playground.store.set(s)", {f"sentences.{k}": v for k, v in state.items()})
        visit.watch.leaving = True
        page.reload()

    carried()
    expect(page.locator("#sen-own textarea")).to_have_value("a cat\na dog", timeout=WAIT)
    expect(page.locator("#sen-map .pg-map-side li")).to_have_count(10, timeout=WAIT)
    assert len(data(page)["labels"]) == 272
    carried(model="nobody/has-this-name")
    expect(page.locator("#sen-map .pg-told .pg-warning")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#sen-model input")).to_have_value("nobody/has-this-name")
    expect(page.locator("#sen-own textarea")).to_have_value("a cat\na dog")
    carried(own="", method="pca", dimensions=3, by="kmeans", clusters=3)
    page.wait_for_function(
        "JSON.parse(document.querySelector('#sen-map .pg-data')?.textContent || '{}').more?.d === 3"
    )
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(3, timeout=PATIENCE)
    carried(source="own")
    told(page, "Rows: 2,")
    # A chosen point stays chosen when its rows are drawn anew.
    page.locator("#sen-map .pg-map-find").fill("dog")
    page.keyboard.press("Enter")
    page.locator("#sen-by").get_by_text("k-means").click()
    expect(page.locator("#sen-map .pg-figure-legend button")).not_to_have_count(0, timeout=WAIT)
    expect(page.locator("#sen-map .pg-map-side b")).to_have_text("a dog")


def test_a_file_of_ones_own(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    file = tmp_path / "rows.csv"
    rows = [f'{n},"=1+{n} {EVIL}",{"ab"[n % 2]}' for n in range(12)] + ["12,short"]
    file.write_bytes(("nr,satz,kind\n" + "\n".join(rows)).encode("utf-16"))
    upload = page.locator("#sen-upload input[type=file], input[type=file]#sen-upload").first
    if not upload.count():
        upload = page.locator("#emb-sentences input[type=file]").first
    upload.set_input_files(file)
    told(page, "Rows: 13,")
    expect(page.locator("#sen-told")).to_contain_text("than there are columns: 1", timeout=WAIT)
    assert data(page)["labels"][0] == f"=1+0 {EVIL}"
    page.locator("#emb-sentences input[type=file]").first.set_input_files(
        {"name": "picture.png.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\r\n\x1a\n" + b"\0" * 200}
    )
    expect(page.locator(".toast-body")).to_contain_text("not a text file", timeout=WAIT)
    # Larger than the server takes: told at once, and not sent.
    page.locator("#emb-sentences input[type=file]").first.set_input_files(
        {"name": "large.csv", "mimeType": "text/csv", "buffer": b"a line of text\n" * 200_000}
    )
    expect(page.locator("#emb-sentences [data-upload-limit]")).to_be_visible()
    assert data(page)["labels"][0] == f"=1+0 {EVIL}"  # nothing lost


def test_what_is_asked_newly_ends_what_runs_and_stop_keeps_the_map(visit: Visit) -> None:
    page = opened(visit)
    page.evaluate(KEEP_STATUS)
    rows = "\n".join(
        f"row {n} tells of {n * 7 % 97} rivers and of {n * 13 % 89} stones" for n in range(12_000)
    )
    file = {"name": "many.txt", "mimeType": "text/plain", "buffer": rows.encode()}
    page.locator("#emb-sentences input[type=file]").first.set_input_files(file)
    status = page.locator("#sen-map .pg-told")
    expect(status).to_contain_text("of 12,000 different rows", timeout=PATIENCE)
    assert len(data(page)["labels"]) == 272  # the map of before stays, dimmed
    expect(page.locator("#sen-map .pg-body")).to_have_css("opacity", "0.45")
    lines(page, "a cat", "a dog", "a cow")
    told(page, "Rows: 3,")
    # The long one was left, not waited for.
    assert not any("12,000 of 12,000" in each or "lays out 12,000" in each for each in page.evaluate("seen"))
    page.locator("#sen-source input").click()
    page.locator("ul.options li, [role=listbox] [role=option]").nth(4).click()
    expect(status).to_contain_text("of 12,000 different rows", timeout=PATIENCE)
    page.locator("#emb-sentences button", has_text="Stop").first.click()
    expect(status).to_contain_text("Stopped", timeout=PATIENCE)
    assert len(data(page)["labels"]) == 3
    lines(page, "a cat", "a dog", "a cow", "a hen")  # and it goes on
    told(page, "Rows: 4,")
    expect(status).not_to_contain_text("Stopped")


def test_search_similarity_rows_and_downloads(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    tab(page, "Search by meaning")
    page.locator("#sen-query textarea, #sen-query input").first.fill("sleet and hail")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(12, timeout=WAIT)
    expect(page.locator("#sen-found .sen-hits li").first).to_contain_text("weather")
    tab(page, "Similarity")
    expect(page.locator("#sen-matrix td").nth(1)).to_have_text("0.76", timeout=WAIT)
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
    page.locator("#sen-map .pg-map-find").fill("e-mail attachments")
    page.keyboard.press("Enter")
    page.locator("#sen-map .pg-map-find").fill("")  # what was found is ringed in pictures, too
    with page.expect_download() as download:
        page.locator("#sen-map [data-tool=svg]").click()
    download.value.save_as(tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text()
    assert (
        drawn.count('class="point ') == 272 and drawn.count("<circle") == 8
    )  # points as such, and the legend
    torn = page.locator("#sen-map .pg-map-side li.far").count()
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
    tab(page, "Search by meaning")
    page.locator("#sen-query textarea, #sen-query input").first.fill("milk")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(3, timeout=WAIT)
    lines(page, "a cat", "a dog", "a cow", "snow")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(4, timeout=WAIT)


def test_two_models_show_the_same_row(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "Two models")
    page.locator("#sen-two-go").click()
    expect(page.locator("#sen-two .pg-figure-plot.ready")).to_have_count(2, timeout=60_000)
    expect(page.locator("#sen-two")).to_contain_text("in common")
    page.locator("#sen-two .pg-map-find").first.fill("volleyball")
    page.keyboard.press("Enter")
    for side in page.locator("#sen-two .pg-map-side b").all():
        expect(side).to_contain_text("Volleyball")


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
    page.locator("#sen-added textarea, #sen-added input").first.fill("not compared")
    lines(page, "a cat", "a dog")
    expect(stale).to_be_visible(timeout=WAIT)
    page.locator("#sen-two-go").click()
    expect(stale).to_be_hidden()


def test_added_ones_are_in_the_legend_and_warned_of(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    added = "It will rain and snow.\nIt will snow and rain.\n😀"
    page.locator("#sen-added textarea, #sen-added input").first.fill(added)
    legend = page.locator("#sen-map .pg-figure-legend li")
    expect(legend.last).to_have_text("added", timeout=PATIENCE)
    expect(legend).to_have_count(9)
    expect(page.locator("#sen-map .pg-warning")).to_contain_text("[UNK]")
    expect(page.locator("#sen-map .pg-figure-plot.ready .point")).to_have_count(275, timeout=WAIT)
    # Added ones are named, as far as there is room, and the last one is chosen.
    expect(page.locator("#sen-map .shape-label")).not_to_have_count(0)
    with page.expect_download() as download:
        page.locator("#sen-map [data-tool=svg]").click()
    download.value.save_as(tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text()
    assert ">It will rain and snow.</text>" in drawn and ">😀</text>" in drawn and ">added</text>" in drawn
    tab(page, "Search by meaning")
    page.locator("#sen-query textarea, #sen-query input").first.fill("😀")
    expect(page.locator("#sen-found .pg-warning")).to_contain_text("What you typed", timeout=WAIT)


def test_thirty_sentences_are_seen_at_once(visit: Visit) -> None:
    page = opened(visit, viewport={"width": 1280, "height": 800})
    tab(page, "Similarity")
    cells = page.locator("#sen-matrix td")
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


@pytest.mark.parametrize(("width", "lang", "scheme"), [(360, "zh-TW", "dark"), (1280, "zh-CN", "light")])
def test_it_fits_the_screen_in_both_scripts(visit: Visit, width: int, lang: str, scheme: str) -> None:
    page = opened(visit, viewport={"width": width, "height": 740}, locale=lang, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#sen-map .pg-map-trust")).to_contain_text("10")
