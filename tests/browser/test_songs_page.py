"""The Songs room, as a visitor uses it: offline, from the first song found to the walk over the map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, settled, visiting
from tests.rooms.songs.test_songs import HASH, TRAIN

pytestmark = pytest.mark.browser
# What is laid over the map, and where you stand on it.
SHAPES = """() => {
    const [state] = [...playground.figures.states.values()].filter(each => each.el.closest(".song-map"));
    return (state && state.ready && state.plot.layout.shapes) || [];
}"""
RINGS = f"""() => ({SHAPES})().filter(
    each => each.type === "circle" && each.fillcolor === "rgba(0,0,0,0)"
).length"""
YOU = f"""() => {{
    const [you] = ({SHAPES})().filter(each => each.xsizemode === "pixel" && (each.path || "").endsWith("Z"));
    return you ? [you.xanchor, you.yanchor] : null;
}}"""
STATE = "[...playground.figures.states.values()].find(each => each.el.closest('.song-map'))"
# Every place where you stand from now on; and whether it is the same for 20 frames, and not where you were.
FOLLOW = f"""() => {{
    window.places = [];
    const look = () => {{
        const you = ({YOU})();
        if (you) places.push(you.join());
        requestAnimationFrame(look);
    }};
    look();
}}"""
STILL = """from => {
    const last = places.slice(-20);
    return last.length === 20 && new Set(last).size === 1 && last[0] !== from.join();
}"""


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
    assert "七里香" not in page.locator("#songs-ten .song-open b").all_text_contents()
    expect(page.locator("#songs-ten .song-popular li")).to_have_count(10)
    settled(page).locator("#songs-ten .song-why-go").first.click()
    inspector = page.locator("#pg-inspector")
    expect(inspector.locator(".song-by tbody tr")).to_have_count(3, timeout=WAIT)
    title = page.locator("#songs-ten .song-open b").first.inner_text()
    expect(inspector.locator(".song-title")).to_have_text(title)
    # Out again, all of it: then nothing is recommended, and the page says what to do.
    for left in (2, 1, 0):
        page.locator("#songs-shown [data-act=drop]").first.click()
        expect(page.locator("#songs-shown li")).to_have_count(left, timeout=WAIT)
    expect(ten).to_have_count(0, timeout=WAIT)


def test_numbers_walk_and_measures_beside_the_map(visit: Visit) -> None:
    page = opened(visit)
    page.get_by_role("tab", name="A song as numbers").click()
    expect(page.locator("#songs-vector .song-strip").first.locator("i")).to_have_count(32, timeout=WAIT)
    page.get_by_role("tab", name="How good is it?").click()
    expect(page.locator("#songs-measures tbody tr")).to_have_count(5)
    expect(page.locator("#songs-map .pg-figure-plot.ready")).to_be_visible(timeout=WAIT)
    page.get_by_role("tab", name="A walk").click()
    expect(page.locator("#songs-walk .song-walk li")).to_have_count(8, timeout=WAIT)
    # The same eight, joined on the map.
    page.wait_for_function(f"() => ({SHAPES})().filter(each => each.line.width === 2.5).length === 7")
    page.get_by_role("tab", name="For you").click()
    page.wait_for_function(f"() => !({SHAPES})().some(each => each.line.width === 2.5)")


def test_the_first_picture_has_you_and_ten_rings(visit: Visit) -> None:
    held: list[Route] = []
    page = visit("robots.txt", ready=False)
    page.route("**/plotly-*.js", lambda route: held.append(route))
    page.goto(visit.home + "?tab=songs")
    over = page.locator("#songs-map .song-over")  # in the picture that is seen until plotly.js is there
    expect(over.locator(".you")).to_have_count(1, timeout=WAIT)
    expect(over.locator(".ten")).to_have_count(10)
    expect(over.locator(".liked")).to_have_count(2)
    source = page.locator("#songs-source")
    expect(source).to_contain_text("Made up")
    expect(source).to_contain_text("nobody listened to them")
    held[0].continue_()
    page.unroute("**/plotly-*.js")
    page.wait_for_function(f"() => ({RINGS})() === 10")
    assert page.evaluate(YOU)
    expect(page.locator("#songs-here")).to_contain_text("mean of the places of the five songs")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_you_move_at_every_heart_and_cross(visit: Visit, motion: str) -> None:
    page = visit("robots.txt", ready=False)
    page.emulate_media(reduced_motion=motion)
    page.goto(visit.home + "?tab=songs")
    page.wait_for_function(f"() => ({YOU})() !== null", timeout=WAIT)
    page.evaluate(FOLLOW)
    start = page.evaluate(YOU)
    like(page, "qilixiang", "七里香")
    page.wait_for_function(STILL, arg=start, timeout=WAIT)
    there = page.evaluate(YOU)
    passed = len(page.evaluate("[...new Set(places)]"))
    assert passed == 2 if motion == "reduce" else passed > 2
    page.locator("#songs-ten [data-act=disliked]").first.click()
    expect(page.locator("#songs-shown li.disliked")).to_have_count(1, timeout=WAIT)
    page.wait_for_function(STILL, arg=there, timeout=WAIT)
    # What is pressed again is taken back.
    page.locator("#songs-shown li.disliked [aria-pressed=true]").click()
    expect(page.locator("#songs-shown li.disliked")).to_have_count(0, timeout=WAIT)
    page.wait_for_function("there => places.at(-1) === there.join()", arg=there, timeout=WAIT)


def test_a_song_of_the_map_opens_in_the_inspector(visit: Visit) -> None:
    page = opened(visit)
    page.wait_for_function(f"() => ({RINGS})() === 10", timeout=WAIT)
    around = page.locator(".song-around")
    around.click()
    expect(around).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(
        f"() => {STATE}.plot.layout.xaxis.range[1] - {STATE}.plot.layout.xaxis.range[0] < 9000"
    )
    frame = page.locator("#songs-map .pg-figure-frame")
    frame.focus()
    page.keyboard.press("Enter")  # the song in the middle of what is seen
    inspector = page.locator("#pg-inspector")
    expect(inspector.locator(".song-near li")).to_have_count(8, timeout=WAIT)
    first = inspector.locator(".song-title").inner_text()
    inspector.locator(".song-near .song-open").first.click()
    expect(inspector.locator(".song-title")).not_to_have_text(first, timeout=WAIT)
    before = page.locator("#songs-shown li").count()
    liked = inspector.locator(".song-act.liked")
    pressed = liked.get_attribute("aria-pressed") == "true"
    liked.click()
    expect(page.locator("#songs-shown li")).to_have_count(before + (-1 if pressed else 1), timeout=WAIT)
    expect(liked).to_have_attribute("aria-pressed", str(not pressed).lower(), timeout=WAIT)
    assert "seen=" in page.evaluate("playground.store.link()")
    page.keyboard.press("Escape")
    expect(inspector).to_be_hidden()
    assert page.evaluate("playground.store.get('songs.seen')") == ""


def test_a_small_group_that_is_liked_gets_a_colour(visit: Visit) -> None:
    page = opened(visit)
    page.wait_for_function(f"() => ({RINGS})() === 10", timeout=WAIT)
    legend = page.locator("#songs-map .pg-figure-legend")
    expect(legend).not_to_contain_text("metal")
    like(page, "Master of Puppets", "Master of Puppets")
    expect(legend).to_contain_text("metal", timeout=WAIT)
    page.wait_for_function(f"() => ({RINGS})() === 10", timeout=WAIT)


def test_real_playlists_are_a_click_away(visit: Visit) -> None:
    page = opened(visit)
    page.locator(".song-other").click()
    expect(page.locator("#songs-fetch")).to_be_focused(timeout=WAIT)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "address", ["#songs/recommend?liked=1&liked=38&liked=2752", "#songs/walk", "#songs/map"]
)
def test_nothing_jumps_when_it_is_opened_cold(visit: Visit, address: str, width: int) -> None:
    page = visit("robots.txt", ready=False, viewport={"width": width, "height": 780})
    page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => {
            for (const each of list.getEntries()) if (!each.hadRecentInput) window.shift += each.value;
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    page.goto(visit.home + address)
    expect(page.locator("#songs-here")).to_contain_text("UMAP", timeout=WAIT)
    expect(page.locator("#songs-map .pg-figure-frame")).to_be_attached(timeout=WAIT)
    settled(page)
    assert page.evaluate("window.shift") <= 0.05


@pytest.mark.parametrize("width", [1000, 1280, 1920])
def test_the_map_stays_in_sight_beside_the_cards(visit: Visit, width: int) -> None:
    page = opened(visit, viewport={"width": width, "height": 800})
    expect(page.locator("#songs-map .pg-figure-frame")).to_be_visible(timeout=WAIT)
    left, frame = page.locator("#songs-left").bounding_box(), page.locator("#songs-map .pg-figure-frame")
    box = frame.bounding_box()
    assert left and box and left["x"] + left["width"] <= box["x"]
    assert box["y"] >= 56 and box["y"] + box["height"] <= 800
    page.locator("#songs-ten .song-ten > li").last.evaluate("each => each.scrollIntoView({ block: 'end' })")
    page.wait_for_function("() => scrollY > 100")
    box = frame.bounding_box()
    assert box and box["y"] >= 56 and box["y"] + box["height"] <= 800


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
    expect(page.locator("#songs-map .pg-figure-frame")).to_be_attached(timeout=WAIT)
    boxes = [page.locator(each).bounding_box() for each in ("#songs-ten", "#songs-map")]
    assert boxes[0] and boxes[1]
    assert (boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]) == (
        width < 1000
    )  # on a phone, after the cards
