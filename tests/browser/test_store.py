"""The one store in a real browser: every registered control comes through a reload, a language, a link, Back.

The walk asks the page being built what is registered: a room joins it by making its controls through
`playground.ui.controls.control`. The toy room has one control of every kind, the whole page the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from playground import text
from playground.ui.controls import Control, page_of
from tests.app import SLOWER, App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import WAIT
from tests.browser.visiting import written as settled
from tests.ui import toy
from tests.ui.whole import whole_page

pytestmark = pytest.mark.browser
# One walk each: together they take too long for one test.
ROOMS = (
    "tokens", "chat", "next_token", "decoding", "sentences", "token_vectors", "words", "architecture",
    "songs",
)  # fmt: skip
SHOWN_BY_SCRIPT = ("home",)  # it has no component: tests/browser/test_home_page.py brings it through a reload
DRAWERS = ("models",)  # in no view and no link: a test of their own brings them through a reload
# What any text will not do for: other controls hang on it.
FITTING = {"architecture.config": '{"model_type": "llama"}'}
UPLOAD = "rows-" + "0123456789abcdef" * 2
BLOCKED = """Object.defineProperty(window, 'sessionStorage', {
    get() { throw new DOMException('denied', 'SecurityError'); }})"""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-US")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def mine(browser: Browser) -> Iterator[BrowserContext]:
    """For all walks, since a browser compiles Gradio's scripts anew in each; a tab has a store of its own."""
    opened = browser.new_context(locale="en-US")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def theirs(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody else's browser, who is given links."""
    opened = browser.new_context(locale="en-US")
    yield opened
    opened.close()


def new_page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(address)
    ready(page)
    return page


def ready(page: Page) -> Page:
    page.wait_for_function("window.playground?.store?.view()", timeout=WAIT)
    return page


def value(page: Page, id: str) -> Any:
    return page.evaluate("id => playground.store.get(id)", id)


def go(page: Page, view: str) -> None:
    page.evaluate("view => playground.store.go(view)", view)
    # A tab of tabs shows one of these.
    seen = "view => [playground.store.view(), playground.store.view().split('/')[0]].includes(view)"
    page.wait_for_function(seen, arg=view, timeout=WAIT)


def box(page: Page, control: Control) -> Any:
    return page.locator(f"[id='{control.component.elem_id}']")


def homes(blocks: gr.Blocks, control: Control, views: list[str]) -> list[str]:
    """The view in which a control stands; all of them, where it stands beside them."""
    tabs = {tab._id: view for view, tab in page_of(blocks).views.items() if view in views}
    block = control.component
    while block is not None and block._id not in tabs:
        block = block.parent
    return views if block is None else [tabs[block._id]]


# The button of the drawer that holds a control, pressed where it is closed.
OPEN_DRAWER = """(id) => {
    for (let at = document.getElementById(id); at; at = at.parentElement) {
        const by = at.id && document.querySelector(`[aria-controls="${at.id}"][aria-expanded="false"]`);
        if (by && by.checkVisibility()) { by.click(); return true; }
    }
    return false;
}"""


def bring(page: Page, control: Control, views: list[str]) -> None:
    """Open the view in which a control is seen, and what it is folded into."""
    now = page.evaluate("playground.store.view()")
    for view in sorted(views, key=lambda view: view != now):  # that one first
        if page.evaluate("playground.store.view()") != view:
            go(page, view)
        for _ in range(8):
            if box(page, control).count() and box(page, control).is_visible():
                return
            closed = page.locator(".label-wrap:not(.open):visible")
            if not page.evaluate(OPEN_DRAWER, control.component.elem_id) and closed.count():
                closed.first.click()
            page.wait_for_timeout(150)
    raise AssertionError(f"{control.id} is seen in none of {views}")


def other(control: Control) -> Any:
    """A value that it is not built with."""
    if control.id in FITTING:
        return FITTING[control.id]
    component = control.component
    choices = [each[1] for each in getattr(component, "choices", None) or []]
    match control.kind:
        case "text":
            return (
                "two\nlines & <b>more</b> #1?"
                if getattr(component, "lines", 1) > 1
                else "another, 你好 & <b>"
            )
        case "number":
            low = getattr(component, "minimum", None) or 0
            high = getattr(component, "maximum", None)
            step = getattr(component, "step", None) or 1
            default = control.default or 0
            new = default + step if high is None or default + step <= high else low
            return round(new, 6)
        case "yes":
            return not control.default
        case "list":
            return [*choices[-2:]] or None
        case _:
            rest = [
                each for each in choices if each != control.default and each not in (control.private or ())
            ]
            free = getattr(component, "allow_custom_value", False)  # of a menu that the page fills later
            return rest[-1] if rest else "tutor" if free else None


def change(page: Page, control: Control, new: Any) -> None:
    """What a visitor does."""
    place, component = box(page, control), control.component
    labels = {each[1]: each[0] for each in getattr(component, "choices", None) or []}
    if isinstance(component, gr.Radio):
        place.locator("input[type=radio]").nth([*labels].index(new)).check()
    elif isinstance(component, gr.CheckboxGroup):
        for at, each in enumerate(labels):
            place.locator("input[type=checkbox]").nth(at).set_checked(each in new)
    elif isinstance(component, gr.Checkbox):
        place.locator("input[type=checkbox]").set_checked(new)
    elif isinstance(component, gr.Dropdown):
        if control.kind == "list":
            place.locator(".remove-all").click()
            page.wait_for_function("id => !playground.store.get(id).length", arg=control.id)
        if new == "tutor" and new not in labels:
            place.locator("input").first.fill(new)
            page.keyboard.press("Enter")
            return
        for each in new if control.kind == "list" else [new]:
            option = place.locator(f"[role=option][data-index='{[*labels].index(each)}']")
            if not option.is_visible():
                place.locator("input").first.click()
            option.click()
        page.keyboard.press("Escape")
    elif control.kind == "number":
        field = place.locator("input[type=number]")
        field.fill(str(new))
        field.press("Tab")
    else:
        place.locator("textarea, input").first.fill(new)


def shown(page: Page, control: Control) -> Any:
    """What Gradio's component shows, as far as it can be read."""
    place, component = box(page, control), control.component
    if isinstance(component, gr.Radio):
        marks = [each.is_checked() for each in place.locator("input[type=radio]").all()]
        values = [each[1] for each in component.choices]
        return values[marks.index(True)] if True in marks else None
    if isinstance(component, gr.CheckboxGroup):
        marks = [each.is_checked() for each in place.locator("input[type=checkbox]").all()]
        return [value for (_, value), mark in zip(component.choices, marks, strict=True) if mark]
    if isinstance(component, gr.Checkbox):
        return place.locator("input[type=checkbox]").is_checked()
    if isinstance(component, gr.Dropdown):
        return None  # its label, in the language of the page
    if control.kind == "number":
        return float(place.locator("input[type=number]").input_value())
    return place.locator("textarea, input").first.input_value()


def walk(page: Page, blocks: gr.Blocks, rooms: list[str], others: BrowserContext) -> int:
    """Change every control as a visitor does, and find it through a reload, a language and a link."""
    held = page_of(blocks)
    count = 0
    for room in rooms:
        views = [
            view for view in held.views  # of a room with views inside, these: it is never seen without one
            if view.split("/")[0] == room and not any(each.startswith(f"{view}/") for each in held.views)
        ]  # fmt: skip
        mine = [each for each in held.controls.values() if each.id.startswith(f"{room}.") and each.component]
        mine = [each for each in mine if other(each) is not None and each.component.visible is True]
        wanted: dict[str, Any] = {}
        for each in mine:
            try:
                bring(page, each, homes(blocks, each, views))
            except AssertionError:
                if each.private:  # what is seen only with a file of one's own
                    continue
                raise
            if box(page, each).locator("input, textarea").first.is_disabled():  # another one took it away
                continue
            change(page, each, other(each))
            page.wait_for_function(
                "([id, value]) => JSON.stringify(playground.store.get(id)) === JSON.stringify(value)",
                arg=[each.id, other(each)], timeout=WAIT,
            )  # fmt: skip
            wanted[each.id] = other(each)
        wanted = {id: value(page, id) for id in wanted}  # one may have led another
        settled(page)
        address = page.url
        page.reload()
        now = page.evaluate("playground.lang")
        for lang in (now, "zh-TW" if now == "en" else "en"):
            if lang != now:
                page.evaluate("lang => playground.setLanguage(lang)", lang)
                page.wait_for_function("lang => window.playground?.lang === lang", arg=lang, timeout=WAIT)
            ready(settled(page))
            assert {id: value(page, id) for id in wanted} == wanted, lang
            for each in [one for one in mine if one.id in wanted]:
                bring(page, each, homes(blocks, each, views))
                seen = shown(page, each)
                assert seen is None or seen == wanted[each.id], (lang, each.id, seen)
        theirs = settled(new_page(others, address))  # somebody else who is given the link
        for each in mine:
            if each.id in wanted:
                kept = each.default if each.private is True else wanted[each.id]
                assert value(theirs, each.id) == kept, each.id
        theirs.close()
        count += len(wanted)
    return count


def test_every_kind_of_control_comes_along(
    served: tuple[gr.Blocks, str], mine: BrowserContext, theirs: BrowserContext
) -> None:
    page = new_page(mine, served[1])
    assert walk(page, served[0], ["toy", "other"], theirs) >= 12
    mine.clear_cookies()  # of this host, whichever page
    page.close()


@pytest.mark.parametrize("room", ROOMS)
def test_every_registered_control_of_the_whole_page(
    app: App,  # noqa: F811
    mine: BrowserContext,
    theirs: BrowserContext,
    room: str,
) -> None:
    embeddings = room in ("sentences", "token_vectors", "words")
    # Alone, a panel opens in a fraction of the whole page's time, and stands in the same places.
    page = new_page(mine, app.panel("embeddings" if embeddings else room))
    assert walk(page, whole_page(), [room], theirs) >= 3
    page.evaluate("localStorage.clear()")  # the language
    mine.clear_cookies()
    page.close()


def test_no_room_is_left_out_of_the_walk() -> None:
    assert {id.split(".")[0] for id in page_of(whole_page()).controls} == {*ROOMS, *DRAWERS, *SHOWN_BY_SCRIPT}


def test_back_and_forward(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    page = new_page(context, served[1])
    first = page.url
    for word in ("one", "two"):  # one entry for what is done to one control in a row
        page.locator("#toy-word").locator("textarea, input").fill(word)
        settled(page)
    page.get_by_role("tab", name="Other").click()
    page.wait_for_function("playground.store.view() === 'other/all'")
    page.locator("#other-check input").uncheck()
    settled(page)
    assert page.url.endswith("#other/all?check=0")
    page.go_back()
    page.wait_for_function("playground.store.get('other.check') === true")
    expect(page.locator("#other-check input")).to_be_checked()
    page.go_back()
    page.wait_for_function("playground.store.view() === 'toy'")
    expect(page.locator("#toy-word").locator("textarea, input")).to_have_value("two")
    page.go_back()
    expect(page.locator("#toy-word").locator("textarea, input")).to_have_value("ab")
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")  # and what hangs on it follows
    assert page.url == first
    page.go_forward()
    expect(page.locator("#toy-place .pg-body")).to_have_text("two × 2 = twotwo")
    page.go_forward()
    page.go_forward()
    page.wait_for_function("playground.store.view() === 'other/all'")
    expect(page.locator("#other-check input")).not_to_be_checked()
    page.evaluate("location.hash = '#toy?times=7&word=typed'")  # by hand, without a reload
    expect(page.locator("#toy-place .pg-body")).to_contain_text("typed × 7")


def test_what_is_private_is_in_no_address(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    page = new_page(context, served[1] + "#other/secret")
    page.locator("#other-talk").locator("textarea, input").fill("a conversation")
    page.locator("#other-name").locator("textarea, input").fill(UPLOAD)
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.locator("#other-told")).to_have_text("came", timeout=WAIT)
    settled(page)
    held = {id: value(page, f"other.{id}") for id in ("talk", "name", "file", "source")}
    assert held == {"talk": "a conversation", "name": UPLOAD, "file": "rows-" + "a" * 32, "source": "file"}
    assert page.url.endswith("#other/secret")  # nothing of it
    assert page.evaluate("playground.store.link()").endswith("#other/secret")
    page.reload()
    ready(page)
    assert held == {id: value(page, f"other.{id}") for id in held}
    expect(page.locator("#other-talk").locator("textarea, input")).to_have_value("a conversation")
    page.locator("#other-name").locator("textarea, input").fill("open")
    settled(page)
    assert page.url.endswith("#other/secret?name=open")
    page.go_back()  # in this browser it comes back nevertheless
    expect(page.locator("#other-name").locator("textarea, input")).to_have_value(UPLOAD)


def test_a_preset_leads_other_controls_when_a_visitor_chooses_it(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "#other/all")
    page.locator("#other-preset input").nth(1).check()
    expect(page.locator("#other-number input")).to_have_value("9")
    assert value(page, "other.slider") == 0.75
    settled(page)  # an entry of the history of its own
    page.locator("#other-number input").fill("7")
    page.locator("#other-number input").press("Tab")
    settled(page)
    page.reload()  # what comes back is no choice: the number stays
    ready(settled(page))
    assert (value(page, "other.preset"), value(page, "other.number")) == ("large", 7)
    page.go_back()
    expect(page.locator("#other-number input")).to_have_value("9")


def test_a_list_that_nothing_shows_stands_in_links(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "#other/all?picks=a&picks=b%20c")
    assert value(page, "other.picks") == ["a", "b c"]
    page.evaluate("playground.store.set({'other.picks': []})")
    settled(page)
    assert page.url.endswith("#other/all?picks=")
    page.reload()
    ready(page)
    assert value(page, "other.picks") == []


def test_two_tabs_do_not_share(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    one, two = new_page(context, served[1]), new_page(context, served[1])
    one.locator("#toy-word").locator("textarea, input").fill("mine")
    settled(one)
    two.reload()
    ready(two)
    assert value(two, "toy.word") == "ab" and value(one, "toy.word") == "mine"


def test_without_session_storage_the_address_remains(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    context.add_init_script(BLOCKED)
    page = new_page(context, served[1])
    page.locator("#toy-word").locator("textarea, input").fill("kept")
    expect(page.locator("#toy-place .pg-body")).to_have_text("kept × 2 = keptkept")
    settled(page)
    page.evaluate("playground.setLanguage('zh-CN')")
    page.wait_for_function("window.playground?.lang === 'zh-CN'")
    ready(page)
    assert value(page, "toy.word") == "kept"


@pytest.mark.parametrize(
    ("address", "word", "times"),
    [
        ("?tab=toy&text=of%20before", "of before", 2), ("#toy?word=a%20b&times=3", "a b", 3),
        ("?tab=toy&text=old#toy?word=new", "new", 2), ("#toy?times=NaN&word=", "", 2),
        ("#toy?times=1e999", "ab", 2), ("#toy?times=", "ab", None), ("#toy?nothing=1&constructor=2", "ab", 2),
        ("#none/such?word=x", "ab", 2), ("#%E0%A4%A", "ab", 2), ("#toy?word=<img src=x>", "<img src=x>", 2),
    ],
)  # fmt: skip
def test_links(
    served: tuple[gr.Blocks, str], context: BrowserContext, address: str, word: str, times: Any
) -> None:
    page = new_page(context, served[1] + address)
    assert (value(page, "toy.word"), value(page, "toy.times")) == (word, times)
    expect(page.locator("#toy-word").locator("textarea, input")).to_have_value(word)


def test_a_link_says_all_of_its_room(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    """What this tab held before of that room gives way; of other rooms it stays."""
    page = new_page(context, served[1])
    page.locator("#toy-word").locator("textarea, input").fill("mine")
    settled(page)
    page.goto(served[1] + "robots.txt")
    page.goto(served[1] + "#other/all?number=7")
    ready(page)
    assert value(page, "toy.word") == "mine" and value(page, "other.number") == 7
    page.goto(served[1] + "robots.txt")
    page.goto(served[1] + "#toy?times=4")
    ready(page)
    assert value(page, "toy.word") == "ab" and value(page, "other.number") == 7


def test_too_long_for_a_link_stays_in_the_tab(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    page = new_page(context, served[1] + "#other/all")
    page.locator("#other-text textarea").fill("long " * 20_000)
    page.locator("#other-check input").uncheck()
    settled(page)
    assert len(page.url) < 8_200 and "check=0" in page.url
    page.reload()
    ready(page)
    assert value(page, "other.text") == "long " * 20_000 and value(page, "other.radio") == "own"


def test_a_text_that_each_language_says_in_its_own_words(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "?lang=zh-TW")
    said = page.locator("#toy-said").locator("textarea, input")
    expect(said).to_have_value(text.say("runs.lost", "zh-TW"))
    page.locator("#toy-word").locator("textarea, input").fill("other")
    settled(page)
    assert value(page, "toy.said") == text.say("runs.lost", "zh-TW") and "said" not in page.url
    page.evaluate("playground.setLanguage('en')")
    page.wait_for_function("window.playground?.lang === 'en'")
    ready(page)
    expect(said).to_have_value(text.say("runs.lost", "en"))
    said.fill("a visitor's own")
    settled(page)
    page.evaluate("playground.setLanguage('zh-CN')")
    page.wait_for_function("window.playground?.lang === 'zh-CN'")
    ready(page)
    expect(said).to_have_value("a visitor's own")


# ---- runs ----


def test_what_is_built_is_asked_when_it_is_to_be_another(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    toy.asked.clear()
    page = new_page(context, served[1])
    body = page.locator("#toy-built .pg-body")
    expect(body).to_have_text("built in en")
    settled(page)
    assert not [each for each in toy.asked if "word" not in each]
    page.evaluate("playground.store.set({'toy.times': 5})")
    expect(body).to_have_text("answered 5")
    page.evaluate("playground.store.set({'toy.times': 2})")
    expect(body).to_have_text("answered 2")
    page.evaluate("playground.store.set({'toy.times': 7})")
    expect(body).to_have_text("answered 7")
    page.reload()
    expect(body).to_have_text("answered 7")


def test_an_answer_leaves_what_was_changed_since(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1])
    page.locator("#toy-late").click()
    page.wait_for_timeout(200)
    page.locator("#toy-word").locator("textarea, input").fill("typed")
    page.wait_for_function("playground.store.get('toy.times') === 4")
    assert value(page, "toy.word") == "typed"
    page.locator("#toy-late").click()
    page.wait_for_function("playground.store.get('toy.word') === 'of an answer'")


def test_what_was_wanted_for_a_moment_is_nobodys_choice(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    """Gradio tells each value that it was given, also one in whose place another was wanted since."""
    page = new_page(context, served[1])
    page.evaluate(
        """() => {
            const heard = playground.store.heard;
            playground.store.heard = (now) => { window.told = now; heard(now); };
            playground.store.set({"toy.times": 9});
        }"""
    )
    page.wait_for_function("window.told?.includes(9)")
    settled(page)
    held = page.evaluate(
        """() => {
            const {set, heard, get} = playground.store, at = told.indexOf(9);
            const hear = (times) => { heard(told.with(at, times)); return get("toy.times"); };
            set({"toy.times": 5});
            set({"toy.times": 2});
            return [hear(9), hear(5), hear(2), hear(5)]; // the last one is a visitor's
        }"""
    )
    assert held == [2, 2, 2, 5]


def test_what_is_asked_at_once_is_asked_with_what_was_kept(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "#other/secret")
    page.locator("#other-talk").locator("textarea, input").fill("kept")
    expect(page.locator("#other-place .pg-body")).to_have_text("kept")
    page.reload()
    expect(page.locator("#other-place .pg-body")).to_have_text("kept")


def growing(page: Page, before: int | None = None) -> int:
    """Wait until the toy's long work has gone on for a while."""
    start = len(toy.ticks) if before is None else before
    for _ in range(200):
        if len(toy.ticks) > start + 5:
            return len(toy.ticks)
        page.wait_for_timeout(50)
    raise AssertionError("nothing is being computed")


def ended(page: Page, since: float) -> float:
    """Seconds until what computes ended."""
    page.wait_for_timeout(1500)
    return toy.ticks[-1] - since


@pytest.mark.parametrize("how", ["stop", "newer", "closed", "reloaded"])
def test_what_computes_ends_within_half_a_second(
    served: tuple[gr.Blocks, str], context: BrowserContext, how: str
) -> None:
    import time

    page, still = new_page(context, served[1]), new_page(context, served[1])
    toy.ticks.clear()
    page.locator("#toy-go").click()
    expect(page.locator("#toy-long-place .pg-told")).to_have_text("counting")
    expect(page.locator("#toy-long-place .pg-place")).to_have_attribute("aria-busy", "true")
    growing(page)
    since = time.monotonic()
    if how == "stop":
        page.locator("#toy-stop").click()
        expect(page.locator("#toy-long-place .pg-told")).to_contain_text("Stopped")
        expect(page.locator("#toy-long-place .pg-place")).to_have_attribute("aria-busy", "false")
    elif how == "newer":  # its newer one goes on; of the older nothing is heard
        threads = {each for _, each in toy.workers}
        page.locator("#toy-go").click()
        page.wait_for_timeout(1500)
        old = [at for at, worker in toy.workers if worker in threads]
        assert max(old) - since < 0.7 * SLOWER and len(toy.workers) > len(old)
        page.locator("#toy-stop").click()
        return
    elif how == "closed":
        page.close()
    else:
        page.reload()
    assert ended(still, since) < 0.7 * SLOWER  # with the click's own time


def test_a_place_in_a_tab_not_opened_yet(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    page = new_page(context, served[1])
    page.evaluate("playground.store.set({'other.talk': 'asked unseen <b>'})")
    page.wait_for_timeout(1000)
    assert not page.locator("#other-place").count()
    go(page, "other/secret")
    expect(page.locator("#other-place .pg-body b")).to_have_text("asked unseen <b>")
    expect(page.locator("#other-talk").locator("textarea, input")).to_have_value("asked unseen <b>")


def test_a_place_made_anew_is_filled_anew(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    page = new_page(context, served[1])
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")
    page.evaluate(
        "e => { e.outerHTML = e.cloneNode(false).outerHTML; }", page.query_selector("[data-place=toy-place]")
    )
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")


def test_what_is_set_is_no_visitors_change(served: tuple[gr.Blocks, str], context: BrowserContext) -> None:
    """A button's answer sets two controls: no echo, no second question, no entry of the history."""
    page = new_page(context, served[1])
    expect(page.locator("#toy-place .pg-body")).to_have_text("ab × 2 = abab")
    toy.asked.clear()
    entries = page.evaluate("history.length")
    page.evaluate("() => { window.heard = []; playground.store.watch((ids) => window.heard.push(ids)); }")
    page.locator("#toy-fill").click()
    expect(page.locator("#toy-place .pg-body")).to_have_text("filled × 2 = filledfilled")
    settled(page)
    assert len(toy.asked) == 1 and page.evaluate("window.heard") == [["toy.word", "toy.menu"]]
    assert page.evaluate("history.length") == entries and "menu=two" in page.url
    page.locator("#toy-menu input").click()
    offered = page.locator("#toy-menu [role=option]")
    assert [each.get_attribute("aria-label") for each in offered.all()] == ["One", "Two"]


def test_a_box_is_sent_and_each_place_is_as_old_as_what_filled_it(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1])
    one, two = (page.locator(f"#toy-both-{name} .pg-place") for name in ("one", "two"))
    word = page.locator("#toy-word").locator("textarea, input")
    word.press("Shift+Enter")  # of one line: not its way
    word.press("Enter")
    expect(two.locator(".pg-body")).to_have_text("ab by @toy-word")
    expect(two.locator(".pg-told")).to_have_text("two")
    word.fill("a long word")
    for place in (one, two):
        expect(place).to_have_attribute("data-stale", "")
    word.press("Enter")
    expect(one.locator(".pg-body")).to_have_text("a long word by @toy-word")
    expect(one).not_to_have_attribute("data-stale", "")
    page.locator("#toy-stop").click()
    expect(one.locator(".pg-told")).to_contain_text("Stopped")
    expect(one).not_to_have_attribute("data-stale", "")
    expect(two).to_have_attribute("data-stale", "")  # still of the word before
    expect(two.locator(".pg-told")).to_have_text("")
    page.locator("#toy-fill").click()  # sets the word, and asks
    expect(two.locator(".pg-body")).to_have_text("filled by filled")
    for place in (one, two):
        expect(place).not_to_have_attribute("data-stale", "")


def test_a_default_that_is_told_moves_what_was_not_changed(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1])
    times = page.locator("#toy-times input[type=number]")
    for change, expected in (("{default: 5}", 5), ("7", 7), ("{default: 6}", 7), ("{reset: true}", 6)):
        page.evaluate(f"playground.store.set({{'toy.times': {change}}})")
        expect(times).to_have_value(str(expected))
        assert ("times=7" in settled(page).url) == (expected == 7)  # else as it now is built
    page.goto("about:blank")
    page.goto(served[1] + "#toy?times=2")  # said by a link, though it is built so
    ready(page).evaluate("playground.store.set({'toy.times': {default: 5}})")
    assert value(page, "toy.times") == 2


def test_a_link_may_hold_what_is_offered_later(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "#other/all?offer=later&radio=later")
    assert value(page, "other.offer") == "later" and value(page, "other.radio") == "given"
    page.evaluate("playground.store.set({'other.offer': {choices: [['L', 'later'], ['M', 'more']]}})")
    expect(page.locator("#other-offer input[type=radio]").first).to_be_checked()


def test_back_at_what_is_shown_nothing_is_asked(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1])
    place = page.locator("#toy-place .pg-place")
    expect(place.locator(".pg-body")).to_have_text("ab × 2 = abab")
    toy.asked.clear()
    page.evaluate("() => { playground.store.set({'toy.times': 5}); playground.store.set({'toy.times': 2}); }")
    expect(place).not_to_have_attribute("data-stale", "")
    page.wait_for_timeout(800)
    assert not toy.asked
    page.locator("#toy-word").locator("textarea, input").fill("")
    expect(place.locator(".pg-body")).to_have_text("× 2 =")


def test_what_the_page_says_itself_is_in_its_language(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "?lang=zh-CN")
    page.locator("#toy-go").click()
    growing(page, 0)
    page.locator("#toy-stop").click()
    expect(page.locator("#toy-long-place .pg-told")).to_have_text(text.say("runs.stopped", "zh-CN"))
    assert json.loads(page.locator("#pg-store .pg-data").text_content() or "")["lost"]


def test_an_answer_does_not_take_back_what_was_typed_meanwhile(
    served: tuple[gr.Blocks, str], context: BrowserContext
) -> None:
    page = new_page(context, served[1])
    page.route("**/playground/toy/fill*", lambda route: (page.wait_for_timeout(600), route.continue_()))
    page.locator("#toy-fill").click()
    page.locator("#toy-word").locator("textarea, input").fill("typed")
    expect(page.locator("#toy-menu input")).to_have_value("Two")  # the rest of the answer holds
    settled(page)
    assert value(page, "toy.word") == "typed"


def test_on_a_space_the_hubs_page_tells_a_visitors_share(
    served: tuple[gr.Blocks, str], browser: Browser
) -> None:
    """The Space in the Hub's frame, as ZeroGPU has it; both answered from here."""
    hub, space = "https://huggingface.co/spaces/me/demo", "https://me-demo.hf.space/"
    around = f"""<iframe src="{space}"></iframe><script>
        addEventListener("message", (event) => {{
            if (event.data === "supports-zerogpu-headers") event.source.postMessage(event.data, event.origin);
            if (event.data === "zerogpu-headers") event.ports[0].postMessage({{"x-ip-token": "a share"}});
        }});
    </script>"""
    seen: list[tuple[str, str]] = []
    context = browser.new_context(locale="en-US", ignore_https_errors=True)

    def answer(route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(space)
        if path.startswith("playground/toy") and request.method == "POST":
            seen.append((path, request.headers.get("x-ip-token", "")))
        if "heartbeat" in path:  # it never ends
            return route.abort()
        forwarded = {"x-forwarded-host": "me-demo.hf.space", "x-forwarded-proto": "https"}
        headers = {name: told for name, told in request.headers.items() if name not in ("host", "origin")}
        came = route.fetch(url=served[1] + path, headers={**headers, **forwarded})
        route.fulfill(response=came)

    context.route(f"{space}**", answer)
    context.route(hub, lambda route: route.fulfill(body=around, content_type="text/html"))
    page = context.new_page()
    page.goto(hub)
    frame = page.frame_locator("iframe")
    frame.locator("#toy-word").locator("textarea, input").fill("lent")
    expect(frame.locator("#toy-place .pg-body")).to_contain_text("lent", timeout=WAIT)
    assert seen and {share for _, share in seen} == {"a share"}
    context.close()
