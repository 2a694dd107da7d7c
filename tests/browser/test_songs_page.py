"""The Songs tab, as a visitor uses it: offline, from the first song found to the map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, visiting
from tests.rooms.songs.test_songs import HASH, TRAIN

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("songs")) as visit:
        yield visit


def opened(visit: Visit, **context: object) -> Page:
    page = visit("?tab=songs", ready=False, **context)
    expect(page.locator("#songs-ten .song-ten > li")).to_have_count(10, timeout=WAIT)
    return page


def fresh(page: Page, place: str) -> None:
    """What stands there is of what is chosen."""
    expect(page.locator(f"[data-place={place}]")).not_to_have_attribute("data-stale", "")


def like(page: Page, query: str, title: str) -> None:
    page.locator("#songs-search").locator("input, textarea").fill(query)
    first = page.locator("#songs-hits li").filter(has_text=title).first
    expect(first).to_be_visible(timeout=WAIT)
    before = page.locator("#songs-shown li").count()
    first.locator("[data-act=liked]").click()
    expect(page.locator("#songs-shown li")).to_have_count(before + 1, timeout=WAIT)


def test_find_like_ten_and_why(visit: Visit) -> None:
    page = opened(visit)
    expect(page.locator("#songs-shown li")).to_have_count(2)  # the shipped example
    like(page, "qilixiang", "七里香")
    ten = page.locator("#songs-ten .song-ten > li")
    fresh(page, "songs-ten")
    expect(ten).to_have_count(10, timeout=WAIT)
    assert "七里香" not in page.locator("#songs-ten .song-ten > li > div > .song b").all_text_contents()
    expect(page.locator("#songs-ten .song-popular li")).to_have_count(10)
    settled(page).locator("#songs-ten summary").first.click()
    expect(page.locator("#songs-ten details[open] tbody tr")).to_have_count(3)
    # Out again, all of it: then nothing is recommended, and the page says what to do.
    for left in (2, 1, 0):
        page.locator("#songs-shown [data-act=drop]").first.click()
        expect(page.locator("#songs-shown li")).to_have_count(left, timeout=WAIT)
    expect(ten).to_have_count(0, timeout=WAIT)


def test_numbers_walk_map_and_measures(visit: Visit) -> None:
    page = opened(visit)
    page.get_by_role("tab", name="A song as numbers").click()
    expect(page.locator("#songs-vector .song-strip").first.locator("i")).to_have_count(32, timeout=WAIT)
    page.get_by_role("tab", name="A walk").click()
    expect(page.locator("#songs-walk .song-walk li")).to_have_count(8, timeout=WAIT)
    page.get_by_role("tab", name="How good is it?").click()
    expect(page.locator("#songs-measures tbody tr")).to_have_count(5)
    page.get_by_role("tab", name="Map").click()
    frame = page.locator("#songs-map .pg-figure-frame")
    expect(frame).to_be_visible(timeout=WAIT)
    frame.scroll_into_view_if_needed()
    expect(frame.locator(".pg-figure-plot.ready canvas").first).to_be_visible(timeout=WAIT)
    frame.focus()
    for _ in range(3):
        page.keyboard.press("+")
    # The song in the middle of what is seen is liked by the keyboard, as by a click.
    liked = page.locator("#songs-shown li").count()
    page.keyboard.press("Enter")
    expect(page.locator("#songs-shown li")).to_have_count(liked + 1, timeout=WAIT)


def test_train_with_the_books_parameters(visit: Visit) -> None:
    page = opened(visit)
    page.locator("#songs-training .label-wrap").first.click()
    settled(page).locator("#songs-preset").get_by_text("the book’s").click()
    settled(page).locator("#songs-train").click()  # when the sliders have what the preset says
    expect(page.locator("#songs-trained")).to_contain_text("bit by bit", timeout=120_000)
    expect(page.locator("#songs-trained .pg-figure-plot.ready .point")).to_have_count(5, timeout=WAIT)
    expect(page.locator("#songs-ten")).to_contain_text("negative 50", timeout=WAIT)


def test_own_files_and_html_in_titles(visit: Visit, tmp_path) -> None:
    page = opened(visit)
    files = [tmp_path / "train.txt", tmp_path / "song_hash.txt"]
    files[0].write_text(TRAIN)
    files[1].write_text(HASH.replace("Aston Martin Music", "<img src=x onerror='window.canary=1'>"))
    page.locator("#songs-data .label-wrap").first.click()
    page.locator("#songs-data input[type=file]").set_input_files(files)
    expect(page.locator("#songs-data")).to_contain_text("3 songs in 2 playlists", timeout=WAIT)
    expect(page.locator("#songs-shown li")).to_have_count(0, timeout=WAIT)
    like(page, "onerror", "<img")
    expect(page.locator("#songs-ten .song-ten > li")).to_have_count(2, timeout=WAIT)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text('"Album","Year"\n"Abbey Road","1969"\n')
    page.locator("#songs-data input[type=file]").set_input_files([wrong])
    expect(page.locator(".toast-body")).to_contain_text("Album, Year", timeout=WAIT)
    # Of another program: not refused by Gradio, in English and without a word of help.
    book = {"name": "book.xlsx", "mimeType": "application/octet-stream", "buffer": b"PK\x03\x04" + bytes(99)}
    page.locator("#songs-data input[type=file]").set_input_files([book])
    expect(page.locator(".toast-body").filter(has_text="spreadsheet")).to_be_visible(timeout=WAIT)
    expect(page.locator("#songs-ten .song-ten > li")).to_have_count(2)  # nothing lost


def test_picks_come_along_and_back_takes_them_out_again(visit: Visit) -> None:
    page = opened(visit)
    assert "liked" not in page.url  # the example stands in no link
    like(page, "qilixiang", "七里香")
    page.wait_for_function("location.hash.includes('liked=')")
    address = page.url
    assert address.count("liked=") == 3
    page.go_back()
    expect(page.locator("#songs-shown li")).to_have_count(2, timeout=WAIT)
    page.go_forward()
    expect(page.locator("#songs-shown li")).to_have_count(3, timeout=WAIT)
    visit.watch.leaving = True
    page.evaluate("playground.setLanguage('zh-TW')")
    expect(page.locator("#songs-shown li")).to_have_count(3, timeout=WAIT)
    expect(page.locator("#songs-shown")).to_contain_text("七里香")
    expect(page.locator("#songs-search").locator("input, textarea")).to_have_value("qilixiang")
    theirs = visit(address.split("/", 3)[3], ready=False)  # somebody who is given the link
    expect(theirs.locator("#songs-shown li")).to_have_count(3, timeout=WAIT)
    expect(theirs.locator("#songs-ten .song-ten > li")).to_have_count(10, timeout=WAIT)


def test_a_training_is_stopped_and_told(visit: Visit) -> None:
    page = opened(visit)
    page.locator("#songs-training .label-wrap").first.click()
    page.evaluate("playground.store.set({'songs.epochs': 40, 'songs.negative': 60})")
    settled(page).locator("#songs-train").click()
    told = page.locator("#songs-trained .pg-told")
    expect(told).to_contain_text("of 40", timeout=WAIT)
    page.locator("#songs-train-stop").click()
    expect(told).to_contain_text("Stopped", timeout=WAIT)
    expect(page.locator("#songs-ten .song-ten > li")).to_have_count(10)
    assert page.evaluate("playground.store.get('songs.trained')") == ""


@pytest.mark.parametrize(("width", "lang", "scheme"), [(360, "zh-TW", "dark"), (1280, "zh-CN", "light")])
def test_it_fits_small_and_large_screens(visit: Visit, width: int, lang: str, scheme: str) -> None:
    page = opened(visit, viewport={"width": width, "height": 740}, locale=lang, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#songs-ten .song-why").first).to_contain_text("年代")
