"""Share: a link, its QR code, a file where a link is too short, what must be brought along, a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from playground import text
from playground.shell import qr
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_store import go, new_page, ready, settled, value
from tests.browser.visiting import WAIT, visiting
from tests.ui.toy import Toy

pytestmark = pytest.mark.browser
DENIED = """for (const name of ["sessionStorage", "localStorage"]) Object.defineProperty(window, name, {
    get() { throw new DOMException("denied", "SecurityError"); }})"""


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-US", permissions=["clipboard-read", "clipboard-write"])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def theirs(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody else's browser."""
    opened = browser.new_context(locale="zh-TW")
    yield opened
    opened.close()


def say(key: str, lang: str = "en", **values: object) -> str:
    return text.say(f"share.{key}", lang, **values)


def shared(page: Page) -> Any:
    """The dialog, opened by its button."""
    page.locator("#pg-share button").click()
    dialog = page.locator("dialog.pg-share")
    expect(dialog).to_be_visible()
    return dialog


def field(page: Page, id: str) -> Any:
    return page.locator(f"#{id}").locator("textarea, input").first


def test_a_link_is_copied_and_shows_elsewhere_what_was_seen(
    served: Toy, context: BrowserContext, theirs: BrowserContext
) -> None:
    page = new_page(context, served[1] + "?lang=en")
    field(page, "toy-word").fill("shared, 你好 & <b>")
    expect(page.locator("#toy-place .pg-body")).to_contain_text("shared")
    settled(page)
    dialog = shared(page)
    copy = dialog.locator("button.primary")
    expect(copy).to_be_focused()
    expect(copy).to_have_text(say("copy"))
    copy.click()
    expect(copy).to_have_text(say("copied"))
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == dialog.locator(".pg-share-link").input_value() == page.evaluate("playground.store.link()")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#pg-share button")).to_be_focused()
    other = new_page(theirs, link)
    expect(other.locator("#toy-place .pg-body")).to_have_text(
        page.locator("#toy-place .pg-body").text_content() or ""
    )


def test_a_page_over_plain_http_copies_from_within_the_dialog(served: Toy, context: BrowserContext) -> None:
    """Such a page has no clipboard of the new kind, and beside an open dialog nothing can be selected."""
    page = new_page(context, served[1] + "?lang=en")
    page.evaluate("""() => {
        Object.defineProperty(navigator, "clipboard", { configurable: true, get: () => undefined });
        document.addEventListener("copy", () => { window.copied = document.activeElement.value; }); }""")
    dialog = shared(page)
    dialog.locator("button.primary").click()
    expect(dialog.locator("button.primary")).to_have_text(say("copied"))
    assert page.evaluate("window.copied") == page.evaluate("playground.store.link()")


def test_its_code_is_the_links_and_the_fragment_is_in_no_address_asked(
    served: Toy, context: BrowserContext
) -> None:
    page = new_page(context, served[1] + "?lang=en#toy?word=%E4%BD%A0secret")
    asked: list[Any] = []
    page.on("request", lambda request: asked.append(request))
    drawn = shared(page).locator("svg.pg-qr path")
    (told,) = qr.answer({"text": page.evaluate("playground.store.link()")})
    expect(drawn).to_have_attribute("d", told["path"])
    assert any(each.url.endswith("/playground/qr") and each.method == "POST" for each in asked)
    assert not [each.url for each in asked if "secret" in each.url]
    page.keyboard.press("Escape")
    field(page, "toy-word").fill("long " * 60)
    settled(page)
    dialog = shared(page)
    expect(dialog).to_contain_text(say("qr_long", most=qr.LONGEST))
    expect(dialog.locator("svg.pg-qr")).to_have_count(0)


def test_without_a_server_the_link_is_there(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=en")
    page.evaluate("playground.later('share')")  # its script is here already
    page.route("**/playground/qr", lambda route: route.abort("connectionrefused"))
    dialog = shared(page)
    expect(dialog.locator(".pg-warning")).to_have_text(say("qr_lost"))
    assert dialog.locator(".pg-share-link").input_value().endswith("lang=en#toy")


def test_what_is_too_long_for_a_link_is_a_file_and_opens_elsewhere(
    served: Toy, context: BrowserContext, theirs: BrowserContext, tmp_path: Path
) -> None:
    page = new_page(context, served[1] + "#other/all?check=0&checks=b&checks=c")
    long = "字" * 900 + "\nend"
    field(page, "other-text").fill(long)
    settled(page)
    dialog = shared(page)
    expect(dialog.locator(".pg-share-link")).to_have_count(0)
    with page.expect_download() as download:
        dialog.get_by_role("button", name=say("file_save")).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "playground-view.json"
    other = new_page(theirs, served[1] + "#toy?word=before")
    settled(other)
    shared(other).locator("input[type=file]").set_input_files(path)
    expect(other.locator("dialog")).to_have_count(0)
    expect(field(other, "other-text")).to_have_value(long)
    expect(other.locator("#other-check input")).not_to_be_checked()
    assert value(other, "other.checks") == ["b", "c"] and value(other, "other.radio") == "own"
    settled(other)
    other.go_back()  # one step takes it back
    other.wait_for_function("playground.store.view() === 'toy'")
    assert value(other, "toy.word") == "before"


KIND = "llm-playground-view"
NOTHING: list[Any] = [
    b"no JSON", b"[]", b"null", b"{}", b'{"kind": "llm-playground-view"}', b"\xff\xfe", b"[" * 100_000,
    {"kind": KIND, "view": "toy", "values": []}, {"kind": KIND, "view": "toy", "values": None},
    {"kind": KIND, "view": "__proto__", "values": {}}, {"kind": KIND, "view": ["toy"], "values": {}},
    {"kind": "other", "view": "toy", "values": {"toy.word": "evil"}},
    {"kind": KIND, "view": "toy", "values": {"toy.word": "x" * (1 << 20)}},
]  # fmt: skip


def test_what_is_no_view_is_refused_and_changes_nothing(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=en#toy?word=mine")
    dialog = shared(page)
    for content in NOTHING:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        dialog.locator(".pg-told").evaluate("(told) => told.replaceChildren()")
        file = {"name": "<b>view.json", "mimeType": "application/json", "buffer": body}
        dialog.locator("input[type=file]").set_input_files(file)
        expect(dialog.locator(".pg-told .pg-warning")).to_have_text(say("open_wrong", name="<b>view.json"))
    assert value(page, "toy.word") == "mine"


def test_of_a_strangers_file_only_what_is_known_and_fits_is_taken(
    served: Toy, context: BrowserContext
) -> None:
    page = new_page(context, served[1])
    values = {
        "other.number": "7", "other.slider": None, "other.check": 1, "other.checks": ["z"],
        "other.radio": "never", "other.several": [{"a": 1}], "other.text": "<img src=x onerror=canary++>",
        "other.talk": "said for me", "other.source": "file", "other.name": "rows-" + "b" * 32,
        "other.file": "rows-" + "c" * 32, "toy.word": "of another room", "nobody.knows": 1, "__proto__": {},
        "other.model": "tutor",
    }  # fmt: skip
    usual = page.evaluate("ids => ids.map((id) => playground.store.get(id))", [*values][:6])
    told = {"kind": KIND, "view": "other/all", "values": values}
    file = {"name": "v.json", "mimeType": "application/json", "buffer": json.dumps(told).encode()}
    shared(page).locator("input[type=file]").set_input_files(file)
    expect(field(page, "other-text")).to_have_value(values["other.text"])
    assert value(page, "other.model") == "tutor"
    now = page.evaluate("ids => ids.map((id) => playground.store.get(id))", [*values][:6])
    assert now == [usual[0], None, *usual[2:]]  # of a number, nothing is a value
    assert [value(page, f"other.{name}") for name in ("talk", "source", "name", "file")] == ["", "x", "", ""]
    assert value(page, "toy.word") == "ab"


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_it_says_what_must_be_brought_along(served: Toy, context: BrowserContext, lang: str) -> None:
    page = new_page(context, served[1] + f"?lang={lang}")
    notes = [say("left_brought", lang), say("left_private", lang)]
    dialog = shared(page)
    for note in notes:
        expect(dialog).not_to_contain_text(note)
    page.keyboard.press("Escape")
    go(page, "other/secret")
    field(page, "other-name").fill("rows-" + "0123456789abcdef" * 2)
    settled(page)
    dialog = shared(page)
    expect(dialog.locator("li")).to_have_text(notes[:1])
    assert "0123456789abcdef" not in dialog.inner_html() + dialog.locator("input").first.input_value()
    page.keyboard.press("Escape")
    field(page, "other-talk").fill("a conversation")
    settled(page)
    expect(shared(page).locator("li")).to_have_text(notes)
    page.keyboard.press("Escape")
    # What a room keeps for itself, it says.
    page.evaluate(
        "document.addEventListener('playground:share', ({ detail }) => { detail.left.add('private'); })"
    )
    go(page, "toy")
    expect(shared(page).locator("li")).to_have_text(notes[1:])


def test_in_a_narrow_window_by_keyboard(served: Toy, context: BrowserContext) -> None:
    page = new_page(context, served[1] + "?lang=zh-CN")
    page.set_viewport_size({"width": 360, "height": 740})
    page.locator("#pg-share button").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=say("title", "zh-CN"))
    expect(dialog).to_be_visible()
    expect(dialog.locator("svg.pg-qr")).to_be_visible()
    box = dialog.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
    assert dialog.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    for _ in range(9):  # focus stays within
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
        )


def test_on_a_space_the_outer_page_is_told_the_address_and_no_storage_is_needed(
    served: Toy, browser: Browser
) -> None:
    """https://huggingface.co/docs/hub/spaces-handle-url-parameters; both pages are answered from here."""
    hub, space = "https://huggingface.co/spaces/me/demo", "https://me-demo.hf.space/"
    around = f"""<iframe src="{space}?__theme=light&lang=en#toy?times=3" width="900" height="700"></iframe>
        <script>window.told = []; addEventListener("message", (event) => {{
            if (event.data && "hash" in event.data) told.push([event.origin, event.data]); }});</script>"""
    context = browser.new_context(locale="en-US", ignore_https_errors=True)

    def answer(route: Route) -> None:
        request = route.request
        if "heartbeat" in request.url:  # it never ends
            return route.abort()
        forwarded = {"x-forwarded-host": "me-demo.hf.space", "x-forwarded-proto": "https"}
        headers = {name: told for name, told in request.headers.items() if name not in ("host", "origin")}
        path = request.url.removeprefix(space)
        route.fulfill(response=route.fetch(url=served[1] + path, headers={**headers, **forwarded}))

    context.route(f"{space}**", answer)
    context.route(hub, lambda route: route.fulfill(body=around, content_type="text/html"))
    context.add_init_script("if (location.hostname.endsWith('.hf.space')) {" + DENIED + "}")
    page = context.new_page()
    page.goto(hub)
    frame = page.frame_locator("iframe")
    expect(frame.locator("#toy-place .pg-body")).to_have_text("ab × 3 = ababab", timeout=2 * WAIT)
    frame.locator("#toy-word").locator("textarea, input").fill("outside")
    page.wait_for_function("told.some(([, said]) => said.hash.includes('word=outside'))", timeout=WAIT)
    origin, said = page.evaluate("told.at(-1)")
    assert origin == space.rstrip("/")
    assert said == {"queryString": "lang=en", "hash": "#toy?word=outside&times=3"}
    frame.locator("#pg-share button").click()
    expect(frame.locator(".pg-share-link")).to_have_value(space + "?lang=en" + said["hash"])
    expect(frame.locator("svg.pg-qr")).to_be_visible()  # nothing is left under way
    context.close()


def test_a_view_with_a_figure_gives_its_picture(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.panel("embeddings")) as visit:
        page = visit("#sentences/map", ready=False)
        ready(page)
        page.wait_for_selector("#sen-map .pg-figure", timeout=2 * WAIT)
        dialog = shared(page)
        for kind in ("png", "svg"):
            with page.expect_download(timeout=2 * WAIT) as download:
                dialog.get_by_role("button", name=say(f"picture_{kind}")).click()
            content = Path(download.value.path()).read_bytes()
            assert content.startswith({"png": b"\x89PNG", "svg": b"<svg"}[kind]) and len(content) > 10_000
        dialog.get_by_role("button", name=say("data")).click()  # where they are
        page.wait_for_function("playground.store.view() === 'sentences/save'")
        expect(shared(page).get_by_role("button", name=say("picture_png"))).to_have_count(0)


def test_a_conversation_is_in_no_link_and_the_dialog_says_so(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.panel("chat")) as visit:
        page = visit(ready=False)
        ready(page)
        expect(shared(page).locator("li")).to_have_count(0)
        page.keyboard.press("Escape")
        page.evaluate("playground.chat.talk.add({ role: 'user', content: 'between us' })")
        dialog = shared(page)
        expect(dialog.locator("li")).to_have_text([say("left_private")])
        assert "between" not in dialog.locator(".pg-share-link").input_value()
