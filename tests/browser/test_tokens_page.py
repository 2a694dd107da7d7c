"""The Tokens panel as a visitor meets it: the real app, in a real browser."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psutil  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from playground import text
from tests.app import App, tokenizer_json
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT, Visit, Watch, header_menu, settled, speak, visiting

pytestmark = pytest.mark.browser

NAMES = ["mistral-v1", "all-MiniLM-L6-v2", "mistral-v3", "tekken", "byt5", "canine"]  # the first is large
TABS = ("compare", "steps", "vocabulary", "merges", "chat")

LANES = """() => Object.fromEntries([...document.querySelectorAll("#tok-view .tok-lane")].map((lane) => {
    const data = JSON.parse(lane.querySelector(":scope > .pg-data").textContent);
    const chips = [];
    for (const part of lane.querySelectorAll(".tok-text .t")) {
        if (part.classList.contains("cont")) chips[chips.length - 1] += part.textContent;
        else chips.push(part.textContent);
    }
    return [lane.dataset.name, {ids: data.i, starts: data.s, ends: data.e, chips,
                                count: lane.querySelector(".tok-count b").textContent}];
}))"""
SHOWN = """(text) => {
    const data = document.querySelector("#tok-view .tok-lanes > .pg-data");
    return data && JSON.parse(data.textContent).text === text;
}"""
DETAIL = """() => [...document.querySelectorAll("#pg-inspector .tok-seen dl")].map((list) =>
    Object.fromEntries(
        [...list.querySelectorAll("dt")].map((dt) => [dt.textContent, dt.nextElementSibling.textContent])
    ))"""


# Chips that end beyond what can be seen of their lane, by the lane's name.
HANGING = """[...document.querySelectorAll(".tok-lane .tok-text :is(.t, .g)")].filter((chip) => {
  const edge = chip.closest(".tok-text").getBoundingClientRect().right + 1;
  return [...chip.getClientRects()].some((part) => part.right > edge);
}).map((chip) => chip.closest(".tok-lane").dataset.name + ": " + chip.textContent)"""
# Where every segment of each lane stands, from the left and on which line.
PLACES = """[...document.querySelectorAll(".tok-lane .tok-text")].map((text) => {
  const high = parseFloat(getComputedStyle(text).lineHeight), from = text.getBoundingClientRect();
  return [...text.querySelectorAll(".sg")].map((part) => {
    const place = part.getBoundingClientRect();
    return [Math.round(place.left - from.left), Math.floor((place.top - from.top + 1) / high)].join(" ");
  }).join(", ");
})"""


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("tokens")) as visit:
        yield visit


@pytest.fixture(scope="module")
def shared(browser: Browser, app: App) -> Iterator[Page]:  # noqa: F811
    with visiting(browser, app.panel("tokens")) as visit:
        yield visit(viewport={"width": 1280, "height": 900})


@pytest.fixture
def page(shared: Page) -> Page:
    """One page for many tests: opening one takes longer than most of them. It starts on Compare."""
    open_tab(shared, "compare")
    unfold(shared)
    box(shared, say("tokens.special")).check()
    shared.locator(".tok-lane").first.wait_for()
    return shared


def unfold(page: Page) -> None:
    """The strip of controls, which is folded at first."""
    if not page.locator("#tok-names").is_visible():
        page.locator("#tok-strip .label-wrap").click()
        page.locator("#tok-names").wait_for()
        settled(page)  # what is typed into a box that Gradio is just making is lost


def open_tab(page: Page, name: str) -> None:
    tab = page.locator(f'#tok-tabs button[role=tab][data-tab-id="{name}"]')
    if tab.get_attribute("aria-selected") != "true":
        tab.click()
    expect(tab).to_have_attribute("aria-selected", "true")
    settled(page)  # what is typed into a box that Gradio is just making is lost


def say(key: str, lang: str = "en", **values: object) -> str:
    return text.say(key, lang, **values)


def enter(page: Page, words: str) -> None:
    """Type a text, and wait until all lanes show it."""
    page.locator("#tok-text textarea").fill(words)
    page.wait_for_function(SHOWN, arg=words, timeout=WAIT)


def lanes(page: Page) -> dict[str, Any]:
    return dict(page.evaluate(LANES))


def box(page: Page, label: str) -> Any:
    return page.get_by_label(label, exact=True)


def toast(page: Page) -> Any:
    return page.locator("[data-testid=toast-body]")


def dismiss(page: Page) -> None:
    for button in page.locator("[data-testid=toast-close]").all():
        button.click()
    expect(toast(page)).to_have_count(0)


def give_file(page: Page, content: str, name: str = "tokenizer.json") -> None:
    unfold(page)
    page.locator("#pg-tokens input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "application/json", "buffer": content.encode()}]
    )


# ---- opening ----


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_page_opens_on_a_painted_example(visit: Visit, lang: str) -> None:
    page = visit(locale=lang)
    example = say("tokens.example_text", lang)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page.locator("#tok-text textarea")).to_have_value(example)
    page.wait_for_function(SHOWN, arg=example)
    found = lanes(page)
    assert list(found) == NAMES
    for lane in found.values():
        assert int(lane["count"].replace(",", "")) == len(lane["ids"]) == len(lane["chips"]) > 5
    expect(page.locator("#tok-languages .pg-figure-rows tbody tr")).to_have_count(9)
    expect(page.locator("#tok-view .tok-hint")).to_have_text(say("tokens.hover_hint", lang))
    expect(page.locator("#tok-view .tok-title h3")).to_have_text("mistral-v1")
    expect(page.locator("h1")).to_contain_text(say("tokens.tab", lang))  # the room that is seen
    expect(page.locator("#tok-tabs button[role=tab]").nth(1)).to_have_text(say("tokens.tab_steps", lang))
    body = page.locator("body").inner_text()
    assert not re.search(r"\b(tokens|shell|errors|lessons)\.[a-z_]+\b", body), "a key instead of a sentence"


def test_an_address_opens_as_it_asks(visit: Visit) -> None:
    words = "量子 & <b>1+1</b> #?"
    page = visit(f"?lang=zh-TW&text={quote(words)}&with=byt5,canine&special=0")
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    page.wait_for_function(SHOWN, arg=words)
    expect(page.locator("#tok-view .tok-lane")).to_have_count(2)
    found = lanes(page)
    assert list(found) == ["byt5", "canine"]
    assert found["byt5"]["ids"] == [b + 3 for b in words.encode()]
    assert found["canine"]["ids"] == list(map(ord, words))


def test_an_address_may_ask_for_nonsense(visit: Visit) -> None:
    page = visit(
        f"?tab=nowhere&lang=tlh&with={quote('../../etc,<img src=x onerror=canary++>,byt5')}&text=&special=x"
    )
    expect(page.locator("#tok-view .tok-lane")).to_have_count(1)
    expect(page.locator("#tok-view .pg-warning")).to_have_count(2)


def test_the_link_to_share_opens_the_same(visit: Visit) -> None:
    page = visit("?with=byt5,mistral-v1", permissions=["clipboard-read", "clipboard-write"])
    words = "two  words & 100% “done”?\nnext #line"
    enter(page, words)
    unfold(page)
    box(page, say("tokens.special")).uncheck()
    byt5 = '#tok-view .tok-lane[data-name="byt5"] .tok-count b'
    expect(page.locator(byt5)).to_have_text(str(len(words.encode())))
    page.locator("#pg-share button").click()
    copy = page.locator("dialog.pg-share button.primary")
    copy.click()
    expect(copy).to_have_text(say("share.copied"))
    address = page.evaluate("navigator.clipboard.readText()")
    view, _, asked = urlsplit(address).fragment.partition("?")
    assert view == "tokens/compare" and urlsplit(address).query == "lang=en"
    assert parse_qs(asked) == {"text": [words], "names": ["byt5", "mistral-v1"], "special": ["0"]}
    before = lanes(page)
    other = visit(address[address.index("?") :])
    other.wait_for_function(SHOWN, arg=words)
    expect(other.locator(byt5)).to_have_text(before["byt5"]["count"])
    assert lanes(other) == before


def test_the_language_menu_keeps_what_was_chosen(visit: Visit) -> None:
    page = visit()
    visit.watch.leaving = True
    unfold(page)
    box(page, say("tokens.special")).uncheck()
    page.locator("#tok-names .token-remove").first.click()
    page.wait_for_function("document.querySelectorAll('#tok-view .tok-lane').length === 5")
    speak(page, "zh-CN")
    page.wait_for_url("**lang=zh-CN**")
    page.wait_for_function("document.querySelectorAll('#tok-view .tok-lane').length === 5")
    unfold(page)
    expect(box(page, say("tokens.special", "zh-CN"))).not_to_be_checked()
    assert "all-MiniLM-L6-v2" not in lanes(page)


def test_a_folder_put_there_while_the_server_runs_is_in_the_menus(visit: Visit, app: App) -> None:  # noqa: F811
    (app.models / "put-there-later").mkdir()
    (app.models / "put-there-later" / "tokenizer.json").write_text(tokenizer_json(["late"]), encoding="utf-8")
    page = visit()
    page.wait_for_selector("#tok-view .tok-lane .t", state="attached")
    unfold(page)
    for menu in ("#tok-names", "#tok-one"):
        page.locator(f"{menu} input").click()
        expect(page.get_by_role("option", name="put-there-later").last).to_be_visible()
        page.keyboard.press("Tab")


def test_the_language_menu_keeps_what_was_typed_and_lasts(visit: Visit) -> None:
    page = visit()
    visit.watch.leaving = True
    words = "kept <b>words</b> 🦊"
    enter(page, words)
    speak(page, "zh-TW")
    page.wait_for_url("**lang=zh-TW**")
    page.wait_for_selector("#tok-view .tok-lane .t", state="attached")
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    expect(page.locator("#tok-text textarea")).to_have_value(words)
    page.wait_for_function(SHOWN, arg=words)
    expect(page.locator('[data-pg="language"]')).to_have_value("zh-TW")
    expect(page.locator("#tok-strip .label-wrap")).to_contain_text(say("tokens.strip", "zh-TW"))
    page.goto(page.url.partition("?")[0])  # without a wish in the address
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    expect(page.locator("#tok-strip .label-wrap")).to_contain_text(say("tokens.strip", "zh-TW"))


# ---- comparing ----


def test_typing_changes_the_chips(page: Page) -> None:
    enter(page, "hello world")
    found = lanes(page)
    assert list(found) == NAMES
    assert found["all-MiniLM-L6-v2"]["ids"] == [101, 7592, 2088, 102]
    assert found["all-MiniLM-L6-v2"]["chips"] == ["[CLS]", "hello", "world", "[SEP]"]
    assert found["byt5"]["ids"] == [*(b + 3 for b in b"hello world"), 1]
    assert [lane["count"] for lane in found.values()] == ["4", "4", "4", "3", "12", "13"]
    enter(page, "x")
    assert lanes(page)["byt5"]["ids"] == [ord("x") + 3, 1]
    enter(page, "")
    assert lanes(page)["all-MiniLM-L6-v2"]["ids"] == [101, 102]


def test_no_chip_hangs_over_its_lane(page: Page) -> None:
    """A blank that ends a line hung over the lane's edge, and with it its chip, cut off there."""
    words = "The quick brown fox jumps over the lazy dog, "
    enter(
        page,
        f"{words * 8}{' ' * 120}{'=' * 150}\t\t\t    {'分詞不是魔法。 ' * 20}{'👨‍👩‍👧‍👦' * 4}{'x' * 200}",
    )
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator(".tok-lane .t").count() > 1000
        assert not page.evaluate(HANGING), width


def test_a_character_over_several_tokens_is_shown_once(page: Page) -> None:
    enter(page, "a👍🏽龘é👩‍🚀")
    groups = page.locator('.tok-lane[data-name="byt5"] .g')
    assert groups.locator("> b").all_text_contents() == ["👍", "🏽", "龘", "é", "👩", "ZWJ", "🚀"]
    assert groups.first.locator(".t").all_text_contents() == ["F0", "9F", "91", "8D"]
    for name in NAMES:  # each character of the text once, in its order
        shown = page.evaluate(
            """(name) => {
                const lane = document.querySelector(`.tok-lane[data-name="${name}"] .tok-text`);
                const copy = lane.cloneNode(true);
                for (const sub of copy.querySelectorAll(".g > span, .sp:not(.un)")) sub.remove();
                return copy.textContent;
            }""",
            name,
        )
        if name != "all-MiniLM-L6-v2":
            assert shown.replace("▁", "") == "a👍🏽龘é👩ZWJ🚀"
    for tab in TABS:
        open_tab(page, tab)
        settled(page)
        assert "\ufffd" not in page.content(), tab


def test_pointing_at_a_token_tells_what_it_is(page: Page) -> None:
    enter(page, "hello world")
    lane = page.locator('.tok-lane[data-name="all-MiniLM-L6-v2"]')
    lane.locator(".t", has_text="world").click()
    own, others = page.evaluate(DETAIL)
    assert own.pop("tokenizer") == "all-MiniLM-L6-v2"
    assert own == {"id": "2088", "piece": "world", "text": "world", "bytes": "77 6F 72 6C 64", "span": "6–11"}
    assert list(others) == [NAMES[0], *NAMES[2:]]
    others = {name: told.replace("\xa0", " ") for name, told in others.items()}
    assert others["mistral-v1"] == "▁world (1526)"
    assert others["byt5"] == "w (122)  o (114)  r (117)  l (111)  d (103)"
    assert others["canine"] == "w (119)  o (111)  r (114)  l (108)  d (100)"
    assert lane.locator(".here").all_text_contents() == ["world"]
    same = page.locator('.tok-lane[data-name="mistral-v1"] .same')
    assert [each.strip() for each in same.all_text_contents()] == ["world"]
    assert page.locator("#pg-inspector h2").text_content() == "world"
    lane.locator(".t", has_text="[SEP]").hover()
    assert page.evaluate(DETAIL)[0]["kind"] == say("tokens.kind_special")
    expect(page.locator(".tok-lane .same")).to_have_count(0)


def test_the_inspector_tells_how_a_token_was_learned(page: Page) -> None:
    enter(page, "hello world")
    page.locator('.tok-lane[data-name="mistral-v1"] .t', has_text="world").click()
    place = page.locator('#pg-inspector [data-place="tok-seen"]')
    expect(place.locator(".mrg-node").last).to_have_text("▁world")
    expect(place).to_contain_text(say("tokens.token_merged", left="▁wor", right="ld", rank="1,257"))
    page.locator('.tok-lane[data-name="byt5"] .t').first.click()
    expect(page.locator("#pg-inspector .tok-seen dd").first).to_have_text("byt5")
    expect(place.locator(".mrg-node")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#pg-inspector")).to_be_hidden()
    expect(page.locator(".tok-lane .here")).to_have_count(0)


def test_cuts_stand_beneath_each_other_at_any_width(page: Page) -> None:
    enter(page, "Tokenization isn’t magic: 你好，世界 👩‍🚀 and so on, " * 6 + "\n\nمرحبا بالعالم")
    for width in (360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        first, *others = page.evaluate(PLACES)
        assert len(others) == 5 and all(each == first for each in others), width
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_row_is_put_on_stage_and_taken_away(page: Page) -> None:
    enter(page, "hello world")
    page.locator('.tok-lane[data-name="tekken"] .tok-choose').click()
    expect(page.locator("#tok-view .tok-title h3")).to_have_text("tekken")
    assert list(lanes(page)) == ["tekken", "all-MiniLM-L6-v2", "mistral-v1", "mistral-v3", "byt5", "canine"]
    expect(page.locator("#tok-one input")).to_have_value("tekken")
    page.locator(".tok-add").click()
    expect(page.locator("#tok-names input")).to_be_focused()
    page.locator('.tok-lane[data-name="canine"] .tok-away').click()
    expect(page.locator("#tok-view .tok-lane")).to_have_count(5)
    expect(page.locator("#tok-names")).not_to_contain_text("canine")
    page.evaluate("(names) => playground.store.set({'tokens.names': names, 'tokens.one': names[0]})", NAMES)
    expect(page.locator("#tok-view .tok-title h3")).to_have_text(NAMES[0])
    expect(page.locator("#tok-view .tok-lane")).to_have_count(6)


def test_what_a_limit_cuts_off_is_shown(page: Page) -> None:
    enter(page, "one two three four five six")
    number = page.locator("#tok-cut input")
    number.fill("4")
    number.press("Tab")
    lane = page.locator('.tok-lane[data-name="all-MiniLM-L6-v2"]')
    expect(lane.locator(".over")).to_have_text(["three", "four", "five", "six"])
    expect(lane.locator(".tok-count")).to_have_text("8 " + say("tokens.cut_off", count=4))
    number.fill("0")
    number.press("Tab")
    expect(page.locator(".tok-lane .over")).to_have_count(0)


def test_arrow_keys_go_from_token_to_token(page: Page) -> None:
    enter(page, "hello world")
    expect(page.locator("#tok-page")).to_be_hidden()  # one part needs no slider
    lane = page.locator('.tok-lane[data-name="tekken"]')
    lane.locator(".tok-text").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    ids = lanes(page)["tekken"]["ids"]
    for key, expected in (
        ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowRight", 2),
        ("Home", 0), ("ArrowLeft", 0), ("End", 2),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert page.evaluate(DETAIL)[0]["id"] == str(ids[expected]), key
        expect(lane.locator(".here")).to_have_count(1)
    assert lane.locator(".tok-text").get_attribute("aria-label") == say("tokens.lane_label", name="tekken")
    page.keyboard.press("ArrowDown")  # the same place under the next tokenizer
    assert page.evaluate("document.activeElement.closest('.tok-lane').dataset.name") == "byt5"


def test_by_keyboard_one_comes_from_lane_to_lane(page: Page) -> None:
    page.locator('.tok-lane[data-name="tekken"] .tok-text').focus()
    for _ in range(3):  # its own button to take it away, the next one's two
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.tok-lane').dataset.name") == "byt5"
    assert page.evaluate("document.activeElement.classList.contains('tok-text')")
    page.keyboard.press("ArrowRight")
    assert (
        page.locator('.tok-lane[data-name="byt5"] .here').evaluate("e => getComputedStyle(e).outlineStyle")
        == "solid"
    )


def test_the_switch_of_special_tokens(page: Page) -> None:
    enter(page, "hello world")
    switch = box(page, say("tokens.special"))
    switch.uncheck()
    count = page.locator('.tok-lane[data-name="all-MiniLM-L6-v2"] .tok-count b')
    expect(count).to_have_text("2")
    assert [lane["count"] for lane in lanes(page).values()] == ["3", "2", "3", "2", "11", "11"]
    switch.check()
    expect(count).to_have_text("4")


def test_sample_buttons(page: Page) -> None:
    for name in ("words", "spaces", "numbers", "chinese", "emoji", "arabic", "code"):
        page.get_by_role("button", name=say(f"tokens.sample_{name}"), exact=True).click()
        example = say(f"tokens.example_{name}")
        expect(page.locator("#tok-text textarea")).to_have_value(example)
        page.wait_for_function(SHOWN, arg=example)


def test_blanks_and_breaks_are_to_be_seen_and_copied(page: Page) -> None:
    enter(page, "a  b\n\tc")
    lane = page.locator('.tok-lane[data-name="canine"] .tok-text')
    assert lane.locator("s").count() == 4
    selected = page.evaluate(
        """() => {
            const text = document.querySelector('.tok-lane[data-name="canine"] .tok-text');
            getSelection().selectAllChildren(text);
            return String(getSelection());
        }"""
    )
    page.evaluate("getSelection().removeAllRanges()")
    assert "a  b\n\tc" in selected.replace("\r", "")


def test_right_to_left_text_runs_from_the_right(page: Page) -> None:
    enter(page, "مرحبا بالعالم")
    for name in NAMES:
        lane = page.locator(f'.tok-lane[data-name="{name}"] .tok-text')
        first, last = (lane.locator(".t:not(.sp)").nth(n).bounding_box() for n in (0, -1))
        assert first and last and first["x"] > last["x"], name


# ---- the other tabs ----


def test_steps(page: Page) -> None:
    enter(page, "hello world")
    open_tab(page, "steps")
    steps = page.locator(".tok-steps > li")
    expect(steps).to_have_count(6)
    expect(steps.nth(1).locator("code")).to_have_text("[1, 6312, 28709, 1526]")
    whole = page.locator(".tok-steps").inner_text()
    for sentence in ("step_pieces", "step_ids", "step_input", "step_decode_one", "step_decode_all"):
        assert say(f"tokens.{sentence}") in whole
    assert say("tokens.step_tensor", n=4) in whole
    assert "'<s>', '▁hell', 'o', '▁world'" in whole
    assert '"attention_mask": [1, 1, 1, 1]' in whole
    assert "tensor([[    1,  6312, 28709,  1526]])" in whole and "torch.Size([1, 4])" in whole
    assert steps.nth(5).locator(".tok-text").text_content() == "hello world"


def test_a_blank_of_the_tokenizers_own_is_no_part_of_a_character(page: Page) -> None:
    enter(page, "詞")
    open_tab(page, "steps")
    row = page.locator(".tok-steps tr", has_text="28,705")
    expect(row).to_have_count(1)
    expect(row).not_to_contain_text(say("tokens.part_of_character"))
    expect(page.locator(".tok-steps tr", has_text="<0xE8>")).to_contain_text(say("tokens.part_of_character"))


def test_padding_right_and_left(page: Page) -> None:
    open_tab(page, "steps")
    box(page, say("tokens.batch_lines")).fill("a\nhello world")
    mask = page.locator(".tok-grid.mask tr")
    expect(mask).to_have_count(2)

    def rows() -> list[str]:
        return ["".join(row.locator("td").all_text_contents()) for row in mask.all()]

    expect(mask.first).to_have_text("1100")
    assert rows() == ["1100", "1111"]
    page.get_by_label(say("tokens.side_left"), exact=True).check()
    expect(mask.first).to_have_text("0011")
    assert rows() == ["0011", "1111"]
    assert page.locator(".tok-grid.ids tr").first.locator("td").all_text_contents()[2:] == ["1", "264"]
    page.get_by_label(say("tokens.side_right"), exact=True).check()
    expect(mask.first).to_have_text("1100")


def test_vocabulary_search_and_ids_to_text(page: Page) -> None:
    open_tab(page, "vocabulary")
    box(page, say("tokens.search")).fill("world")
    row = page.locator("#pg-tokens tr", has_text="1,526")
    expect(row).to_have_count(1)
    assert row.locator("td").nth(1).text_content() == "▁world"
    assert row.locator(".hex").text_content() == "20 77 6F 72 6C 64"
    box(page, say("tokens.search")).fill("no such entry at all")
    expect(page.get_by_text(say("tokens.search_nothing"))).to_be_visible()
    page.locator("#tok-ids textarea, #tok-ids input").fill("[6312, 28709 1526]")
    expect(page.locator("#pg-tokens .tok-text.plain:visible")).to_have_text("hello world")
    expect(page.locator(".pg-table.facts")).to_contain_text("32,000")


def test_on_a_phone_the_hits_of_a_search_do_not_scroll_sideways(visit: Visit) -> None:
    page = visit(viewport={"width": 360, "height": 780})
    open_tab(page, "vocabulary")
    box(page, say("tokens.search")).fill("international")
    hits = page.locator("#tok-hits .pg-scroll")
    expect(hits.locator("tbody tr").first).to_be_visible()
    assert hits.evaluate("(hits) => hits.scrollWidth <= hits.clientWidth")


def test_ids_that_are_none_are_told_where_one_looks(page: Page) -> None:
    open_tab(page, "vocabulary")
    ids, warning = page.locator("#tok-ids textarea, #tok-ids input"), page.locator(".pg-warning:visible")
    ids.fill("1, two")
    expect(warning).to_have_text(say("errors.ids_not_numbers"))
    ids.fill("1, 32000")
    expect(warning).to_have_text(say("errors.id_outside", id=32000, last=31999))
    ids.fill("6312, 28709")
    expect(page.locator("#pg-tokens .tok-text.plain:visible")).to_have_text("hello")
    expect(warning).to_have_count(0)


@pytest.mark.parametrize("lang", ["en", "zh-TW"])
def test_ids_to_begin_with_are_the_chosen_tokenizers(visit: Visit, opened: Any, lang: str) -> None:
    page, sentence = visit(locale=lang), say("tokens.example_ids", lang)
    ids, one = page.locator("#tok-ids textarea, #tok-ids input"), page.locator("#tok-one input")
    plain = page.locator("#pg-tokens .tok-text.plain:visible")

    def choose(name: str) -> None:
        one.fill(name)
        page.keyboard.press("Enter")

    def under(name: str) -> str:
        return ", ".join(map(str, opened(name).encode(sentence).ids.tolist()))

    unfold(page)
    open_tab(page, "vocabulary")
    for name in ("mistral-v1", "byt5", "all-MiniLM-L6-v2", "mistral-v1"):
        choose(name)
        expect(ids).to_have_value(under(name))
        known = [int(id) for id in under(name).split(", ")]
        expect(plain).to_have_text(opened(name).decode(known))
    ids.fill("2101, 2202")  # somebody's own: they stay
    choose("tekken")
    expect(plain).to_have_text(opened("tekken").decode([2101, 2202]))
    expect(ids).to_have_value("2101, 2202")
    ids.fill("")
    hint = say("tokens.ids_hint", lang, ids=under("tekken"))
    expect(page.locator("#pg-tokens").get_by_text(hint, exact=True)).to_be_visible()
    choose("canine")
    expect(ids).to_have_value(under("canine"))


def test_merges_step_by_step(page: Page) -> None:
    open_tab(page, "merges")
    word = page.locator("#tok-word textarea, #tok-word input")
    word.fill("hello")
    done = page.locator(".mrg-word")
    expect(done).to_contain_text("[6312, 28709]")
    expect(done.locator(".mrg-node")).to_have_count(10)  # six letters, four merges
    expect(done.locator(".mrg-node.later")).to_have_count(0)
    done.get_by_role("slider").press("Home")
    expect(done.locator(".mrg-node.later")).to_have_count(4)
    done.get_by_role("button", name=say("tokens.tree_on")).click()
    expect(done.locator(".mrg-node.new")).to_have_text("he")
    done.locator(".mrg-play").click()
    expect(done.locator(".mrg-node.later")).to_have_count(0)
    expect(done.locator(".mrg-play")).to_have_text(say("tokens.tree_play"))
    done.locator("summary").click()
    rows = done.locator("tbody tr")
    assert rows.count() == 4  # ▁ h e l l o → ▁hell o
    assert done.locator(".mrg").last.locator(".t").all_text_contents() == ["▁hell", "o"]
    ranks = [int(rows.nth(n).locator("td").nth(3).inner_text().replace(",", "")) for n in range(4)]
    assert ranks[0] == min(ranks)


def test_the_chat_template_and_its_double_bos(page: Page) -> None:
    open_tab(page, "chat")
    warning = page.locator(".pg-warning:visible")
    expect(warning).to_have_text(say("tokens.double_bos", bos="<s>", count=2))
    box(page, say("tokens.source_assistant")).fill("龘 answers")
    prompt = page.locator(".tok-text.plain:visible")
    expect(prompt).to_contain_text("龘 answers")
    spans = prompt.locator(".src")
    kinds = [re.sub(r"src |src-", "", each.get_attribute("class") or "") for each in spans.all()]
    assert set(kinds) == {"template", "system", "user", "assistant"}
    assert prompt.locator(".src-assistant").text_content() == "龘 answers"
    whole = prompt.text_content() or ""
    assert whole.startswith("<s>") and whole.count("[INST]") == 2 and "</s>" in whole
    for part in ("example_system", "example_user", "example_again"):
        assert say(f"tokens.{part}") in whole
    group = page.locator(".by-source .g:visible").first
    assert group.evaluate("e => getComputedStyle(e).backgroundColor") == page.locator(
        ".tok-legend .src-assistant:visible"
    ).evaluate("e => getComputedStyle(e).backgroundColor")


def test_a_chat_without_a_template_says_so(visit: Visit) -> None:
    page = visit(locale="zh-TW")
    unfold(page)
    page.locator("#tok-one input").fill("byt5")
    page.keyboard.press("Enter")
    open_tab(page, "chat")
    expect(page.locator(".pg-warning:visible")).to_have_text(say("errors.no_template", "zh-TW", name="byt5"))


# ---- a tokenizer of one's own ----


def trainings(app: App) -> list[psutil.Process]:  # noqa: F811
    """The training processes below the app."""
    found = []
    for child in psutil.Process(app.pid).children(recursive=True):
        try:
            if (
                "rooms.tokens.training" in " ".join(child.cmdline())
                and child.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def until(true: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def train_at_length(page: Page) -> None:
    """Start a training that takes as long as it may: words without end, all different."""
    open_tab(page, "merges")
    page.get_by_label("Unigram", exact=True).check()
    page.evaluate(
        """(label) => {
            let seed = 1, words = "";
            while (words.length < 990_000) {
                seed = (seed * 48271) % 2147483647;
                words += seed.toString(36) + (words.length % 97 ? " " : "\\n");
            }
            const box = [...document.querySelectorAll("label")]
                .find((each) => each.textContent.includes(label)).querySelector("textarea");
            box.value = words;
            box.dispatchEvent(new Event("input", {bubbles: true}));
        }""",
        say("tokens.train_text"),
    )
    page.get_by_role("button", name=say("tokens.train_go"), exact=True).click()


def test_train_your_own(page: Page) -> None:
    enter(page, "lower walked")
    open_tab(page, "merges")
    page.get_by_role("button", name=say("tokens.train_go"), exact=True).click()
    link = page.locator("#pg-tokens a[download]:visible", has_text="")
    expect(page.get_by_text(say("tokens.trained_order"))).to_be_visible()
    told = page.locator("#tok-train .pg-note", has_text="Learned").inner_text()
    name = say("tokens.train_called", algorithm="BPE", size=600)
    assert name in told and "upload-" not in page.locator("body").inner_text()
    names = (
        page.locator("#tok-merges, #tok-tabs")
        .locator(".tok-lane:visible")
        .evaluate_all("lanes => lanes.map((lane) => lane.dataset.name)")
    )
    assert names == [name, NAMES[0], "all-MiniLM-L6-v2"]
    assert page.locator(f'.tok-lane[data-name="{name}"]:visible .t').all_text_contents() != []
    with page.expect_download() as download:
        page.get_by_role("button", name=say("tokens.train_download")).or_(link).first.click()
    got = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert got["model"]["type"] == "BPE"
    assert "▁" not in "".join(got["model"]["vocab"])
    expect(page.locator("#tok-one input")).to_have_value(name)
    page.locator("#tok-one input").fill("mistral-v1")
    page.keyboard.press("Enter")


def test_too_small_a_vocabulary_is_told(page: Page) -> None:
    open_tab(page, "merges")
    size = page.get_by_label(re.compile(say("tokens.train_size"))).first
    size.fill("64")
    size.press("Enter")
    page.get_by_role("button", name=say("tokens.train_go"), exact=True).click()
    told = page.locator("#tok-trained .pg-told")
    expect(told).to_contain_text(say("errors.vocabulary_too_small", smallest=257))
    size.fill("600")
    size.press("Enter")


def test_stop_ends_the_training(visit: Visit, app: App) -> None:  # noqa: F811
    page = visit()
    train_at_length(page)
    expect(page.locator(".pg-note", has_text="Learning from")).to_be_visible()
    assert trainings(app)
    page.get_by_role("button", name=say("shell.stop"), exact=True).click()
    until(lambda: not trainings(app), 10)
    open_tab(page, "compare")
    enter(page, "still here")


def test_a_closed_page_leaves_no_training_behind(visit: Visit, app: App) -> None:  # noqa: F811
    page = visit()
    train_at_length(page)
    until(lambda: trainings(app))
    page.close()
    until(lambda: not trainings(app), 10)


def test_an_uploaded_tokenizer_is_compared(visit: Visit) -> None:
    page = visit("?with=byt5,canine")
    enter(page, "hello brave world")
    give_file(page, tokenizer_json())
    expect(page.locator("#tok-view .tok-lane")).to_have_count(3)
    found = lanes(page)
    (name,) = set(found) - {"byt5", "canine"}
    assert name == "tokenizer.json"  # what its owner calls it: what it is found by is a secret
    assert found[name]["ids"] == [1, 0, 2]
    expect(page.locator("#tok-names")).to_contain_text(name)
    expect(page.locator("#tok-one input")).to_have_value(name)
    expect(page.locator("#tok-text textarea")).to_have_value("hello brave world")
    secret = re.compile(r"upload-[0-9a-f]{32}")
    assert not secret.search(page.locator("body").inner_text()) and not secret.search(page.url)
    boxes = "[...document.querySelectorAll('input')].map((box) => box.value).join()"
    assert not secret.search(page.evaluate(boxes))
    page.reload()
    page.wait_for_function("document.querySelectorAll('#tok-view .tok-lane').length === 3")
    unfold(page)
    expect(page.locator("#tok-one input")).to_have_value(name)
    expect(page.locator("#tok-names")).to_contain_text(name)
    assert not secret.search(page.locator("body").inner_text() + page.evaluate(boxes))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("{nope", "upload_not_json"),
        ("[1, 2]", "upload_not_json"),
        ("", "upload_not_json"),
        ('{"version": "1.0", "model": {"type": "BPE"}}', "broken_tokenizer"),
        ('{"model": {"type": "WordLevel", "vocab": {"a": "b"}, "unk_token": "a"}}', "broken_tokenizer"),
    ],
)
def test_a_broken_upload_is_told_and_loses_nothing(shared_zh: Page, content: str, key: str) -> None:
    page = shared_zh
    words = "留下來的文字"
    if page.locator("#tok-text textarea").input_value() != words:
        enter(page, words)
    before = lanes(page)
    give_file(page, content)
    sentence = say(f"errors.{key}", "zh-TW", name="•").split("•")[-1]
    expect(toast(page)).to_contain_text(sentence)
    dismiss(page)
    expect(page.locator("#tok-text textarea")).to_have_value(words)
    assert lanes(page) == before


def test_a_toast_speaks_the_pages_language_from_title_to_end(shared_zh: Page) -> None:
    give_file(shared_zh, "{nope")
    expect(toast(shared_zh)).to_contain_text(say("errors.upload_not_json", "zh-TW"))
    told = toast(shared_zh).inner_text()
    dismiss(shared_zh)
    assert say("errors.title", "zh-TW") in told
    assert "Error" not in told


def test_after_an_error_no_english_badge_lies_over_the_controls(shared_zh: Page) -> None:
    give_file(shared_zh, "{nope")
    expect(toast(shared_zh)).to_contain_text(say("errors.upload_not_json", "zh-TW"))
    dismiss(shared_zh)
    expect(shared_zh.locator("#pg-tokens span.error:visible")).to_have_count(0)


@pytest.fixture(scope="module")
def shared_zh(browser: Browser, app: App) -> Iterator[Page]:  # noqa: F811
    with visiting(browser, app.panel("tokens")) as visit:
        yield visit(locale="zh-TW")


# ---- what is text stays text ----

HOSTILE = (
    "<script>canary++</script>", "<img src=x onerror=canary++>", "${canary++}", "{{canary++}}",
    "{{{canary++}}}", "</pre><svg onload=canary++>", '"><iframe srcdoc="<script>parent.canary++</script>">',
    "<a href='javascript:canary++'>x</a>", "<%= canary++ %>", "&lt;b&gt;", "<style>*{display:none}</style>",
    "<img src=https://outside.example/x.png>", "![](https://outside.example/y.png)", "</textarea>",
)  # fmt: skip


def test_nothing_typed_is_ever_run(visit: Visit) -> None:
    page = visit()
    words = " ".join(HOSTILE)
    enter(page, words)
    assert lanes(page)["canine"]["ids"] == [0xE000, *map(ord, words), 0xE001]
    page.locator('.tok-lane[data-name="tekken"] .t').nth(3).click()
    page.locator('.tok-lane[data-name="byt5"] .t').nth(5).click()
    open_tab(page, "steps")
    box(page, say("tokens.batch_lines")).fill("\n".join(HOSTILE))
    expect(page.locator(".tok-grid.mask tr")).to_have_count(len(HOSTILE))
    open_tab(page, "vocabulary")
    for words in HOSTILE[:3]:
        box(page, say("tokens.search")).fill(words)
    open_tab(page, "merges")
    page.locator("#tok-word textarea, #tok-word input").fill(HOSTILE[1])
    expect(page.locator(".mrg-word").first).to_contain_text("<")
    open_tab(page, "chat")
    for label in ("system", "assistant"):
        box(page, say(f"tokens.source_{label}")).fill(" ".join(HOSTILE))
    expect(page.locator(".tok-text.plain:visible")).to_contain_text("{{canary++}}")
    settled(page)
    strange = "#pg-tokens :is(iframe, script, style, img, svg[onload], a[href^=javascript])"
    assert page.locator(strange).evaluate_all("found => found.map(e => e.outerHTML.slice(0, 200))") == []


def test_nothing_in_a_vocabulary_is_ever_run(visit: Visit) -> None:
    page = visit()
    words = [piece.replace(" ", "/") for piece in HOSTILE]
    give_file(page, tokenizer_json(words))
    expect(page.locator("#tok-names")).to_contain_text("tokenizer.json")
    enter(page, " ".join(words))
    name = "tokenizer.json"
    assert lanes(page)[name]["chips"] == words
    chips = page.locator(f'.tok-lane[data-name="{name}"] .t:not(.cont)')
    for place in range(0, len(words), 3):
        chips.nth(place).click()
        assert page.evaluate(DETAIL)[0]["piece"] == words[place]
    page.keyboard.press("Escape")
    for tab in TABS[1:4]:
        open_tab(page, tab)
        settled(page)
    open_tab(page, "vocabulary")
    box(page, say("tokens.search")).fill("canary")
    expect(page.locator("#pg-tokens tr", has_text="<script>canary++</script>")).to_have_count(1)
    dismiss(page)


def test_nothing_in_a_name_is_ever_run(visit: Visit) -> None:
    page = visit("?with=byt5")
    unfold(page)
    names = page.locator("#tok-names input")
    for name in ("<img src=x onerror=canary++>", "{{canary++}}${canary++}"):
        names.fill(name)
        names.press("Enter")
        expect(page.locator("#tok-view .pg-warning").last).to_contain_text("canary++")
    expect(page.locator("#tok-view .pg-warning")).to_have_count(2)
    one = page.locator("#tok-one input")
    one.fill("<img src=x onerror=canary++>")
    one.press("Enter")
    open_tab(page, "steps")
    expect(page.locator(".pg-warning:visible").first).to_contain_text("canary++")


# ---- limits ----


def test_a_pasted_megabyte_comes_in_parts(visit: Visit) -> None:
    page = visit("?with=tekken,mistral-v1")
    unfold(page)
    lines = "The quick brown fox jumps over the lazy dog again.\n" * 19_608
    assert len(lines) > 1_000_000
    page.evaluate(
        """(words) => {
            const box = document.querySelector("#tok-text textarea");
            box.value = words;
            box.dispatchEvent(new Event("input", {bubbles: true}));
        }""",
        lines,
    )
    note = page.locator("#tok-view .pg-note").first
    expect(note).to_have_text(re.compile(r"part 1 of \d+"), timeout=2 * WAIT)
    assert f"{len(lines):,}" in note.inner_text()
    assert page.locator("#tok-view .t").count() <= 21_000
    number = page.locator("#tok-page input[type=number]")
    number.fill("2")
    number.press("Tab")
    expect(note).to_have_text(re.compile(r"part 2 of \d+"), timeout=2 * WAIT)
    page.locator('.tok-lane[data-name="tekken"] .t').nth(3).click()
    own = page.evaluate(DETAIL)[0]
    start, end = map(int, own["span"].split("–"))
    assert lines[start:end].replace(" ", "␣") == own["text"] and start > 10_000
    page.keyboard.press("Escape")
    slider = page.locator("#tok-page input[type=range]")
    slider.focus()
    slider.press("ArrowRight")
    expect(note).to_have_text(re.compile(r"part 3 of \d+"))


def test_seven_pages_of_one_browser_all_work(browser: Browser, app: App) -> None:  # noqa: F811
    home = app.panel("tokens")
    watch = Watch(home)
    context: BrowserContext = browser.new_context(locale="en-US")
    pages = [context.new_page() for _ in range(7)]
    for place, page in enumerate(pages):
        watch.follow(page)
        page.goto(f"{home}?with=byt5&text=page{place}", wait_until="commit")
    for place, page in enumerate(pages):
        page.wait_for_function(SHOWN, arg=f"page{place}", timeout=2 * WAIT)
    enter(pages[0], "hello")
    enter(pages[-1], "world")
    context.close()
    watch.check()


def test_an_unexpected_error_has_a_number_that_the_log_knows(
    browser: Browser, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    import gradio as gr

    from playground.models.cache import ModelCache
    from playground.models.catalog import Catalog
    from playground.models.loaders import TransformersLoader
    from playground.settings import Settings
    from playground.shell.page import build_app, launch_options
    from playground.ui.context import Context
    from playground.ui.visitor import guard

    def build(context: Context) -> None:
        out = gr.Textbox(elem_id="out")
        gr.Button("break", elem_id="break").click(
            guard(lambda: {"": ""}["our secret"]), None, out, api_visibility="private"
        )
        gr.Button("work", elem_id="work").click(guard(lambda: "works"), None, out, api_visibility="private")

    context = Context(
        Settings(port=0, cache_dir=tmp_path, models_dir=tmp_path, offline=True),
        Catalog(tmp_path, tmp_path),
        ModelCache(2**20, TransformersLoader(offline=True)),
    )
    broken = SimpleNamespace(KEY="tokens", build=build)
    demo = build_app(context, [broken])  # type: ignore[list-item]
    options = launch_options(context) | {"server_port": None, "prevent_thread_lock": True}
    with caplog.at_level(logging.ERROR, "playground"):
        _, url, _ = demo.launch(**options)
        try:
            with visiting(browser, url) as visit:
                page = visit(ready=False, locale="zh-CN")
                page.locator("#break").click()
                before, after = say("errors.unexpected", "zh-CN", reference="•").split("•")
                expect(toast(page)).to_contain_text(before)
                told = toast(page).inner_text()
                reference = re.search(rf"{re.escape(before)}([0-9a-f]{{8}}){re.escape(after)}", told)
                assert reference
                assert "secret" not in told and "KeyError" not in told
                page.locator("#work").click()
                expect(page.locator("#out textarea")).to_have_value("works")
        finally:
            demo.close()
    (record,) = [each for each in caplog.records if reference[1] in each.getMessage()]
    assert record.exc_info and "our secret" in str(record.exc_info[1])


# ---- small screens ----

SPILLED = """() => {
    const width = document.documentElement.clientWidth, spilled = [];
    for (const each of document.querySelectorAll("body *")) {
        const place = each.getBoundingClientRect();
        if (!place.width || !place.height || !each.checkVisibility({visibilityProperty: true})) continue;
        if (place.right <= width + 1 && place.left >= -1) continue;
        let up = each.parentElement, held = false;
        for (; up && !up.classList.contains("gradio-container"); up = up.parentElement) {
            // What one can scroll, or what is meant to be unseen.
            const scrolls = ["auto", "scroll"].includes(getComputedStyle(up).overflowX);
            held ||= scrolls || up.ariaHidden === "true";
        }
        if (!held && !each.closest(".sr-only, .visually-hidden, #js-plotly-tester")) {
            const [left, right] = [place.left, place.right].map(Math.round);
            spilled.push(`${each.tagName}.${each.className} ${left} to ${right}`);
        }
    }
    return spilled.slice(0, 5);
}"""
SMALL = """() => [...document.querySelectorAll("button, select, [role=tab], summary, a[href], input")]
    .filter((e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
                   && !e.closest(".visually-hidden, .sr-only"))
    .map((e) => [(e.ariaLabel || e.textContent || e.name || e.type).trim().slice(0, 30), e.tagName, e.type,
                 e.getBoundingClientRect()])
    .filter(([, , , place]) => place.width && (place.width < 23.5 || place.height < 23.5))
    .map(([name, tag, type, {width, height}]) =>
        `${tag} ${type} “${name}” ${Math.round(width)}×${Math.round(height)}`)
"""


@pytest.mark.parametrize("lang", ["en", "zh-TW"])
def test_on_a_phone_nothing_spills_and_targets_can_be_hit(visit: Visit, lang: str) -> None:
    page = visit(locale=lang, viewport={"width": 360, "height": 780})
    spilled: dict[str, list[str]] = {}
    small: set[str] = set()
    unfold(page)
    for tab in TABS:
        choose_tab(page, tab, lang)
        settled(page)
        spilled[tab] = page.evaluate(SPILLED)
        small.update(page.evaluate(SMALL))
    assert {tab: found for tab, found in spilled.items() if found} == {}
    # Of inputs, their label is the target: checkboxes and the sliders' thumbs are Gradio's own size.
    assert sorted(each for each in small if "INPUT" not in each) == []


def choose_tab(page: Page, tab: str, lang: str) -> None:
    """Also one that Gradio has folded into its menu of more tabs."""
    button = page.locator(f'#tok-tabs button[role=tab][data-tab-id="{tab}"]')
    if not button.count():
        page.locator("#tok-tabs .overflow-menu > button").click()
        name = say(f"tokens.tab_{tab}", lang)
        page.locator("#tok-tabs .overflow-dropdown button", has_text=name).click()
    else:
        button.click()


def test_large_text_spills_nothing_either(visit: Visit) -> None:
    page = visit(viewport={"width": 360, "height": 780})
    header_menu(page).locator('[data-pg="large"]').click()
    expect(page.locator('[data-pg="large"]')).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    settled(page)
    assert page.evaluate(SPILLED) == []
