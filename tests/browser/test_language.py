"""Language, theme and large text, as ``assets/shell/head.js`` settles them, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from playground import text
from playground.settings import Settings
from playground.shell import first_page, middleware, scripts
from tests.browser.visiting import borrow, give_back

pytestmark = pytest.mark.browser

GREETING = {"en": "Good day", "zh-TW": "您好（繁）", "zh-CN": "您好（简）"}
BUILT_IN = {"en": "Drop File Here", "zh-TW": "拖放檔案至此處", "zh-CN": "将文件拖放到此处"}
LOCALES = {
    "en-US": "en",
    "fr-FR": "en",
    "zh-TW": "zh-TW",
    "zh-HK": "zh-TW",
    "zh-MO": "zh-TW",
    "zh-Hant-TW": "zh-TW",
    "zh": "zh-CN",
    "zh-CN": "zh-CN",
    "zh-SG": "zh-CN",
    "zh-Hans-CN": "zh-CN",
}
DARK, LIGHT = "rgb(24, 24, 27)", "rgb(250, 248, 240)"


def heard(request: gr.Request) -> str:
    """The language that a handler is told."""
    return str(request.headers.get(middleware.LANGUAGE_HEADER, "nothing"))


@contextmanager
def served(default_language: str) -> Iterator[str]:
    """A tiny app of three languages, at an address."""
    i18n = gr.I18n(**{lang: {"greeting": word} for lang, word in GREETING.items()})
    theme = gr.themes.Base(font=["sans-serif"]).set(
        body_background_fill=LIGHT, body_background_fill_dark=DARK
    )
    with gr.Blocks() as demo:
        loaded = gr.Textbox(label="loaded", elem_id="loaded")
        clicked = gr.Textbox(label="clicked", elem_id="clicked")
        streamed = gr.Textbox(label="streamed", elem_id="streamed")
        button = gr.Button(i18n("greeting"), elem_id="greet")
        gr.File()

        def stream(request: gr.Request) -> Iterator[str]:
            yield "…"
            yield heard(request)

        demo.load(heard, None, loaded, api_visibility="private")
        button.click(heard, None, clicked, api_visibility="private").then(
            stream, None, streamed, api_visibility="private"
        )
    _, url, _ = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        i18n=i18n,
        theme=theme,
        app_kwargs={
            "middleware": middleware.middleware(Settings(lang=default_language)),
            "routes": scripts.routes(),
        },
    )
    yield url
    demo.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served("") as address:
        yield address


@pytest.fixture(scope="module")
def tabs(browser: Browser, url: str) -> Iterator[Callable[[str], Page]]:
    """The one page of a language: in a page that has loaded Gradio before, loading it is half the work."""
    opened: dict[str, Page] = {}

    def tab(locale: str) -> Page:
        if locale not in opened:
            opened[locale] = borrow(browser, url, locale=locale).new_page()
        return opened[locale]

    yield tab
    for locale, page in opened.items():
        give_back(browser, page.context, locale=locale)


@pytest.fixture
def visit(tabs: Callable[[str], Page], url: str) -> Iterator[Callable[..., Page]]:
    """A page without cookies and stored values, of a browser with these preferences."""
    asked: list[Page] = []

    def new(locale: str = "en-US", color_scheme: str = "light", script: str = "") -> Page:
        page = tabs(locale)
        page.goto(url + "robots.txt")
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.context.clear_cookies()
        if script:  # before those of the page, and in this test alone
            page = page.context.new_page()
            page.add_init_script(script)
            asked.append(page)
        page.emulate_media(color_scheme=color_scheme)  # type: ignore[arg-type]
        return page

    yield new
    for page in asked:
        page.close()


def assert_speaks(page: Page, lang: str) -> None:
    """The page, Gradio's own words, and every way to the server, all in one language."""
    greet = page.locator("#greet")
    expect(greet).to_have_text(GREETING[lang])
    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page.get_by_text(BUILT_IN[lang])).to_be_visible()
    expect(page.locator("#loaded textarea")).to_have_value(lang)
    greet.click()
    expect(page.locator("#clicked textarea")).to_have_value(lang)
    expect(page.locator("#streamed textarea")).to_have_value(lang)
    assert page.evaluate("[playground.lang, navigator.language, ...navigator.languages]") == ([lang] * 3)


@pytest.mark.parametrize(("locale", "lang"), LOCALES.items())
def test_a_browser_is_answered_in_its_language(
    visit: Callable[..., Page], url: str, locale: str, lang: str
) -> None:
    page = visit(locale=locale)
    page.goto(url)
    assert_speaks(page, lang)


def test_the_owners_language_is_for_visitors_without_one_of_ours(
    visit: Callable[..., Page],
) -> None:
    with served("zh-TW") as url:
        for locale, lang in {"fr-FR": "zh-TW", "en-GB": "en", "zh-SG": "zh-CN"}.items():
            page = visit(locale=locale)
            page.goto(url)
            assert_speaks(page, lang)


def test_the_second_preference_counts_before_the_owners(
    visit: Callable[..., Page],
) -> None:
    languages = (
        "Object.defineProperty(navigator, 'languages', "
        "{configurable: true, get: () => ['fr-FR', 'de', 'zh-HK', 'en']})"
    )
    page = visit(locale="fr-FR", script=languages)
    with served("zh-CN") as url:
        page.goto(url)
        assert_speaks(page, "zh-TW")


@pytest.mark.parametrize(
    ("query", "lang"),
    [("?lang=zh-HK", "zh-TW"), ("?a=1&lang=zh_Hans_CN", "zh-CN"), ("?lang=fr", "en")],
)
def test_the_address_wins_and_is_remembered(
    visit: Callable[..., Page], url: str, query: str, lang: str
) -> None:
    page = visit(locale="en-US")
    page.goto(url + query)
    assert_speaks(page, lang)
    page.goto(url)
    assert_speaks(page, lang)


def test_set_language_reloads_keeps_the_rest_of_the_address_and_lasts(
    visit: Callable[..., Page], url: str
) -> None:
    page = visit(locale="en-US")
    page.goto(f"{url}?tab=tokens&lang=en&x=1#here")
    assert_speaks(page, "en")
    page.evaluate("playground.setLanguage('zh-Hant-HK')")
    page.wait_for_url("**/?tab=tokens&lang=zh-TW&x=1#here")
    assert_speaks(page, "zh-TW")
    page.reload()
    assert_speaks(page, "zh-TW")
    page.evaluate("playground.setLanguage('tlh')")  # not ours: nothing happens
    page.goto(url)
    assert_speaks(page, "zh-TW")


def test_two_tabs_may_speak_two_languages(visit: Callable[..., Page], url: str) -> None:
    first = visit(locale="en-US")
    second, third = (first.context.new_page() for _ in range(2))
    pages = dict(zip(GREETING, (first, second, third), strict=True))
    for lang, page in pages.items():
        page.goto(f"{url}?lang={lang}")
    for lang, page in pages.items():
        assert_speaks(page, lang)
    second.close()
    third.close()


def test_it_works_where_site_data_is_blocked(visit: Callable[..., Page], url: str) -> None:
    blocked = (
        "Object.defineProperty(window, 'localStorage', "
        "{get() { throw new DOMException('denied', 'SecurityError'); }})"
    )
    page = visit(locale="zh-HK", script=blocked)
    page.goto(url)
    expect(page.locator("#greet")).to_have_text(GREETING["zh-TW"])
    page.evaluate("playground.setTheme('dark'); playground.setLarge(true)")
    assert page.evaluate("document.body.classList.contains('dark') && playground.large")
    page.evaluate("playground.setLanguage('en')")
    expect(page.locator("#greet")).to_have_text(GREETING["en"])


NO_COOKIES = {
    "refused": "Object.defineProperty(document, 'cookie', {get: () => '', set: () => {}})",
    "thrown": """Object.defineProperty(document, 'cookie', {
        get() { throw new DOMException('denied', 'SecurityError'); },
        set() { throw new DOMException('denied', 'SecurityError'); },
    })""",
}


def visited(page: Page, address: str) -> list[str]:
    """The documents that a visit asked the server for, when the page speaks; and nothing went wrong."""
    asked: list[str] = []
    wrong: list[str] = []

    def heard(request: Request) -> None:
        if request.is_navigation_request():
            asked.append(request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    page.on("request", heard)
    page.on("console", said)
    page.goto(address, wait_until="commit")
    expect(page.locator("#loaded textarea")).not_to_have_value("")
    page.wait_for_timeout(500)  # that it does not load again has no mark to wait for
    page.remove_listener("request", heard)
    page.remove_listener("console", said)
    assert wrong == []
    return asked


@pytest.mark.parametrize("stored", ["", "en", "zh-CN"])
@pytest.mark.parametrize("cookie", ["", "en", "zh-TW", "nonsense"])
@pytest.mark.parametrize("locale", ["en-US", "zh-HK"])
def test_where_browser_and_cookie_disagree_the_page_loads_once_more_and_never_again(
    visit: Callable[..., Page], url: str, stored: str, cookie: str, locale: str
) -> None:
    page = visit(locale=locale)
    if cookie:
        page.context.add_cookies([{"name": first_page.COOKIE, "value": cookie, "url": url}])
    page.goto(url + "robots.txt")
    page.evaluate("lang => lang && localStorage.setItem('playground.lang', lang)", stored)
    own = {"en-US": "en", "zh-HK": "zh-TW"}[locale]
    sent, lang = text.match(cookie) or own, stored or own
    assert visited(page, url) == [url] * (1 if sent == lang else 2)
    assert_speaks(page, lang)
    assert visited(page, url) == [url], "from now on the server knows"
    assert_speaks(page, lang)


@pytest.mark.parametrize("how", NO_COOKIES)
def test_without_cookies_the_address_carries_the_language(
    visit: Callable[..., Page], url: str, how: str
) -> None:
    page = visit(locale="en-US", script=NO_COOKIES[how])
    page.goto(url + "robots.txt")
    page.evaluate("localStorage.setItem('playground.lang', 'zh-TW')")
    for _ in range(2):
        assert visited(page, f"{url}?tab=a") == [f"{url}?tab=a", f"{url}?tab=a&lang=zh-TW"]
        assert_speaks(page, "zh-TW")
    assert visited(page, f"{url}?lang=zh-CN") == [f"{url}?lang=zh-CN"]
    assert_speaks(page, "zh-CN")


KEPT_FROM_THE_SERVER = """Object.defineProperty(document, 'cookie', {
    get: () => sessionStorage.getItem('cookie') || '',
    set: (cookie) => sessionStorage.setItem('cookie', cookie.split(';')[0]),
})"""


def test_a_cookie_that_never_arrives_is_no_loop(visit: Callable[..., Page], url: str) -> None:
    page = visit(locale="en-US", script=KEPT_FROM_THE_SERVER)
    page.goto(url + "robots.txt")
    page.evaluate("localStorage.setItem('playground.lang', 'zh-TW')")
    assert visited(page, url) == [url, url, f"{url}?lang=zh-TW"]
    assert_speaks(page, "zh-TW")
    assert visited(page, url) == [url, f"{url}?lang=zh-TW"]


def test_browser_and_server_match_tags_alike(visit: Callable[..., Page], url: str) -> None:
    odd = ["zh-Hant-CN", "zh-hans-HK", "ZH_tw", "zh-hant", "en-Hant-TW", "yue-HK", "eng", "x", ""]
    tags = [*LOCALES, *odd]
    page = visit()
    page.goto(url)
    found = page.evaluate("tags => tags.map(tag => playground.match(tag))", tags)
    assert found == [text.match(tag) for tag in tags]


def test_the_header_goes_to_our_api_alone(browser: Browser, url: str) -> None:
    # Without the policy, by which the page may ask no other host at all.
    page = browser.new_context(locale="zh-TW", bypass_csp=True).new_page()
    sent: dict[str, str | None] = {}
    page.on(
        "request",
        lambda r: sent.update({r.url: r.header_value(middleware.LANGUAGE_HEADER)}),
    )
    page.goto(url)
    page.route("https://other.example/**", lambda route: route.fulfill(body="{}"))
    page.evaluate(
        """async () => {
            await fetch("theme.css?plain");
            await fetch(new Request("gradio_api/info?request", {headers: {"X-Own": "kept"}}));
            await fetch(new URL("gradio_api/info?url", document.baseURI), {headers: [["A", "b"]]});
            await fetch("https://other.example/gradio_api/info").catch(() => null);
        }"""
    )
    by_end = {address.rsplit("/", 1)[-1]: header for address, header in sent.items()}
    assert by_end["info?request"] == by_end["info?url"] == "zh-TW"
    assert by_end["theme.css?plain"] is None
    assert sent["https://other.example/gradio_api/info"] is None
    page.context.close()


# ---- theme and large text ----

WATCH = """
    window.seen = [];
    window.look = (moment) => window.seen.push([
        moment,
        document.body.classList.contains("dark"),
        document.documentElement.classList.contains("large"),
        getComputedStyle(document.body).backgroundColor,
    ]);
    // The first moment at which anything could be painted.
    new MutationObserver((_, observer) => {
        if (!document.body) return;
        observer.disconnect();
        requestAnimationFrame(() => window.look("first frame"));
    }).observe(document, {childList: true, subtree: true});
    document.addEventListener("DOMContentLoaded", () => window.look("parsed"));
"""


def appearances(page: Page) -> set[tuple[bool, bool, str]]:
    """(dark, large, background) at the first frame, when parsed, and now: one, if nothing flashed."""
    expect(page.locator("#loaded textarea")).not_to_have_value("")
    # Gradio paints <gradio-app>, which covers <body>.
    covered = page.evaluate("getComputedStyle(document.querySelector('gradio-app')).backgroundColor")
    page.evaluate("window.look('ready')")
    seen = page.evaluate("window.seen")
    assert {moment for moment, *_ in seen} == {"first frame", "parsed", "ready"}
    assert seen[-1][3] == covered
    return {tuple(look) for _, *look in seen}


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("chosen", ["light", "dark", "system"])
def test_theme_and_large_text_last_and_do_not_flash(
    visit: Callable[..., Page], url: str, system: str, chosen: str
) -> None:
    page = visit(color_scheme=system, script=WATCH)
    page.goto(url)
    before = system == "dark"
    assert appearances(page) == {(before, False, DARK if before else LIGHT)}

    page.evaluate("chosen => { playground.setTheme(chosen); playground.setLarge(true); }", chosen)
    after = (system if chosen == "system" else chosen) == "dark"
    background = DARK if after else LIGHT
    expect(page.locator("gradio-app")).to_have_css("background-color", background)

    page.reload()
    assert appearances(page) == {(after, True, background)}
    assert page.evaluate("[playground.theme, playground.large]") == [chosen, True]
    page.evaluate("playground.setLarge(false)")
    page.reload()
    assert appearances(page) == {(after, False, background)}


def test_the_system_is_followed_only_while_it_is_asked_to(visit: Callable[..., Page], url: str) -> None:
    page = visit(color_scheme="light")
    page.goto(url)
    expect(page.locator("#loaded textarea")).not_to_have_value("")
    app = page.locator("gradio-app")
    page.emulate_media(color_scheme="dark")
    expect(app).to_have_css("background-color", DARK)
    page.evaluate("playground.setTheme('dark')")
    page.emulate_media(color_scheme="light")
    expect(app).to_have_css("background-color", DARK)
    page.evaluate("playground.setTheme('system')")
    expect(app).to_have_css("background-color", LIGHT)


def test_gradios_own_switch_in_the_address_works_until_ours_is_used(
    visit: Callable[..., Page], url: str
) -> None:
    page = visit(color_scheme="light", script=WATCH)
    page.goto(f"{url}?tab=a&__theme=dark#here")
    assert appearances(page) == {(True, False, DARK)}
    page.evaluate("playground.setTheme('light')")
    assert page.url == f"{url}?tab=a#here"
    page.reload()
    assert appearances(page) == {(False, False, LIGHT)}


# ---- many pages ----


def test_seven_pages_of_one_browser_all_become_usable(visit: Callable[..., Page], url: str) -> None:
    context = visit(locale="zh-SG").context
    pages = [context.new_page() for _ in range(7)]
    for page in pages:
        page.goto(url, wait_until="commit")
    for page in pages:
        assert_speaks(page, "zh-CN")
    for page in pages:
        page.close()
