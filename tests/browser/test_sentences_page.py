"""The Sentences view, as a visitor uses it: offline, from the shipped map to a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from playground.engine.vectors.projection import MIN_DIST
from playground.rooms.embeddings.sentences import example
from playground.rooms.embeddings.sentences.example import FIRST, TORN
from playground.rooms.embeddings.sentences.samples import sample
from playground.rooms.embeddings.sentences.work import MODEL
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.sentences_page import (
    EVIL,
    PATIENCE,
    TOLD,
    chosen,
    data,
    figure,
    lines,
    opened,
    places,
    put,
    search,
    tab,
    told,
    unfolded,
)
from tests.browser.visiting import WAIT, Visit, settled, visiting

pytestmark = pytest.mark.browser
KEEP_STATUS = """() => {
    window.seen = [];
    const told = () => window.seen.push(document.querySelector('#sen-map .pg-told').textContent);
    const all = {subtree: true, childList: true, characterData: true};
    new MutationObserver(told).observe(document.querySelector('#sen-map .pg-told'), all);
}"""


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("embeddings")) as visit:
        yield visit


def test_the_first_minute(visit: Visit) -> None:
    page = opened(visit)
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(8)
    # It opens on a sentence whose neighbours are where they belong, and of its own theme.
    expect(page.locator(f"{TOLD} > b")).to_have_text(FIRST)
    expect(page.locator(f"{TOLD} .pg-map-trust")).to_contain_text("9 of its 10")
    expect(page.locator("#pg-inspector h2")).to_have_text("weather")
    # Drawn, and a click on another neighbour goes there.
    expect(page.locator("#sen-map .pg-figure-plot.ready .point")).to_have_count(272, timeout=WAIT)
    first = page.locator(f"{TOLD} li button").first
    name = first.text_content()
    first.click()
    expect(page.locator(f"{TOLD} > b")).to_have_text(name or "")
    # Found by its meaning; what is found is a click away; Escape chooses nothing.
    search(page, "baseball")
    found = page.locator("#pg-inspector ol > li")
    expect(found).to_have_count(12, timeout=PATIENCE)
    row = found.filter(has_text="The pitcher struck out nine batters.")
    row.locator("button").click()
    expect(page.locator(f"{TOLD} > b")).to_have_text("The pitcher struck out nine batters.")
    page.locator("#sen-map .pg-figure-frame").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#pg-inspector")).to_be_hidden()
    expect(page.locator(".pg-inspector-hint")).to_contain_text("Click a point")


def test_where_maps_lie_is_shown_second(visit: Visit) -> None:
    page = opened(visit)
    names = page.locator("#sen-tabs > .tab-wrapper [role=tab]").all_inner_texts()
    assert names[:2] == ["Map", "Where maps lie"]
    tab(page, "Where maps lie")
    lies = page.locator("#sen-lies")
    expect(lies.locator(".sen-learn")).to_contain_text("click the point", timeout=WAIT)
    expect(lies).to_contain_text("Only 2 of its 10 true neighbours")
    told = example.lies()
    expect(lies.locator("table.sen-lies").first.locator("tbody tr")).to_have_count(len(told.torn))
    expect(lies.locator("table.sen-lies").last.locator("tbody tr")).to_have_count(len(told.false))
    expect(lies).to_contain_text(f"trustworthiness {told.trustworthiness:.2f}")
    expect(page.locator(f"{TOLD} > b")).to_have_text(TORN)
    expect(page.locator(f"{TOLD} li.far")).to_have_count(8)
    expect(page.locator("#sen-query")).to_be_hidden()  # nothing here is of the visitor's choice


def test_no_part_opens_empty_and_none_of_it_needs_a_model(visit: Visit) -> None:
    page = opened(visit)
    tab(page, "Search results")
    expect(page.locator("#sen-found .sen-hits li")).to_have_count(12, timeout=WAIT)
    expect(page.locator("#sen-found h3")).to_have_text("an illness that infects machines")
    tab(page, "Two models")
    expect(page.locator("#sen-two .pg-figure-plot.ready")).to_have_count(2, timeout=WAIT)
    expect(page.locator("#sen-two")).to_contain_text("in common")


def test_a_new_sentence_lands_and_nothing_moves(visit: Visit) -> None:
    page = opened(visit)
    before, before_ = data(page), figure(page)
    put(page, "It will rain and snow.")
    expect(page.locator(f"{TOLD} > b")).to_have_text("It will rain and snow.", timeout=PATIENCE)
    after = data(page)
    assert len(after["labels"]) == len(before["labels"]) + 1
    for old, new in zip(places(before_), places(figure(page)), strict=False):
        assert new == old
    first = page.locator(f"{TOLD} li").first.text_content()
    weather = [
        text for text, label in zip(*vars(sample("themes")).values(), strict=True) if label == "weather"
    ]
    assert any(text in (first or "") for text in weather)
    page.locator("#sen-put").click()  # once is enough
    settled(page)
    assert page.evaluate("playground.store.get('sentences.added')") == "It will rain and snow."


def test_own_lines_from_none_to_some_and_html(visit: Visit) -> None:
    page = opened(visit)
    lines(page, f"only one {EVIL}")
    told(page, "One row, one point")
    lines(page, "one", "one", "one")
    told(page, "lie on one point")
    lines(page, "a cat", "a dog", EVIL)
    told(page, "Too few different rows")
    told(page, "too few to measure")
    chosen(page, 1)
    expect(page.locator(f"{TOLD} > b")).to_have_text("a dog")
    expect(page.locator(f"{TOLD} li")).to_have_count(2)
    expect(page.locator(f"{TOLD} .pg-map-trust")).to_have_count(0)
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
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(8, timeout=WAIT)
    unfolded(page)
    expect(page.locator("#sen-own textarea")).to_have_value("a cat\na dog", timeout=WAIT)
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(8, timeout=WAIT)
    assert len(data(page)["labels"]) == 272
    carried(model="nobody/has-this-name")
    expect(page.locator("#sen-map .pg-told .pg-warning")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#sen-model input")).to_have_value("nobody/has-this-name")
    unfolded(page)
    expect(page.locator("#sen-own textarea")).to_have_value("a cat\na dog")
    carried(own="", method="pca", dimensions=3, by="kmeans", clusters=3)
    page.wait_for_function(
        "JSON.parse(document.querySelector('#sen-map .pg-data')?.textContent || '{}').more?.d === 3"
    )
    expect(page.locator("#sen-map .pg-figure-legend li")).to_have_count(3, timeout=PATIENCE)
    carried(source="own")
    told(page, "Rows: 2,")
    # A chosen point stays chosen when its rows are drawn anew.
    chosen(page, 1)
    page.locator("#sen-by").get_by_text("k-means").click()
    expect(page.locator("#sen-map .pg-figure-legend button")).not_to_have_count(0, timeout=WAIT)
    expect(page.locator(f"{TOLD} > b")).to_have_text("a dog")


def test_a_file_of_ones_own(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    file = tmp_path / "rows.csv"
    rows = [f'{n},"=1+{n} {EVIL}",{"ab"[n % 2]}' for n in range(12)] + ["12,short"]
    file.write_bytes(("nr,satz,kind\n" + "\n".join(rows)).encode("utf-16"))
    unfolded(page)
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
    unfolded(page)
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
    page.locator("#sen-stop").click()
    expect(status).to_contain_text("Stopped", timeout=PATIENCE)
    assert len(data(page)["labels"]) == 3
    lines(page, "a cat", "a dog", "a cow", "a hen")  # and it goes on
    told(page, "Rows: 4,")
    expect(status).not_to_contain_text("Stopped")


def test_added_ones_are_in_the_legend_and_warned_of(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    added = "It will rain and snow.\nIt will snow and rain.\n😀"
    unfolded(page)
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
    tab(page, "Search results")
    search(page, "😀")
    expect(page.locator("#sen-found .pg-warning")).to_contain_text("What you typed", timeout=WAIT)


@pytest.mark.parametrize(("width", "lang", "scheme"), [(360, "zh-TW", "dark"), (1280, "zh-CN", "light")])
def test_it_fits_the_screen_in_both_scripts(visit: Visit, width: int, lang: str, scheme: str) -> None:
    page = opened(visit, viewport={"width": width, "height": 740}, locale=lang, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#sen-map .pg-map-told")).to_contain_text("10")
