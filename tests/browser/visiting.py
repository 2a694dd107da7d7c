"""Opens pages, and watches that none of them complains, opens dialogs or asks another host.

A browser context costs little, but its first page fetches and compiles all of Gradio: contexts are kept for
the session and used again, one per language and permissions, each emptied of what a visit left in it. A plain
page stays open in each of them: with its last page a context's process ends, and the scripts that it compiled
go with it (1.5 s of a core for each page opened after that, 1.0 s while it lives).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.app import SLOWER

WAIT = int(30_000 * SLOWER)  # milliseconds: for whatever the server computes, on a busy machine
SIZE = {"width": 1280, "height": 720}
_free: dict[tuple[Any, ...], list[BrowserContext]] = {}  # by browser, language and permissions
_anchors: WeakKeyDictionary[BrowserContext, Page] = WeakKeyDictionary()  # the plain page of each
PLAIN = "robots.txt"  # without scripts, and of the app's own origin
LEFT_OPEN = 15.0  # seconds after which a stream without news is one that was left open


class Watch:
    """What no page may do: complain in the console, open dialogs, ask another host."""

    def __init__(self, home: str) -> None:
        self.home = urlsplit(home).netloc
        self.complaints: list[str] = []
        self.leaving = False  # a page that is left breaks its streams off, and Gradio reports that

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))
        page.add_init_script("window.canary = 0")

    def _console(self, message: ConsoleMessage) -> None:
        broken_off = self.leaving and re.search("AbortError|Connection errored out", message.text)
        # Advice of the browser's on plotly's own code: WebGL drawn by the processor is slow, and right.
        drawn = re.search("GL Driver Message|willReadFrequently", message.text)
        if message.type in ("error", "warning") and not broken_off and not drawn:
            self.complaints.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, url: str) -> None:
        if not url.startswith(("data:", "blob:", "about:")) and urlsplit(url).netloc != self.home:
            self.complaints.append(f"asked outside: {url}")

    def check(self) -> None:
        seen, self.complaints = self.complaints, []
        assert not seen


class Asking:
    """What a page still waits for: its requests under way, results and their streams among them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.open: set[Request] = set()
        self.changed = time.monotonic()
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        page.on("framenavigated", lambda _: self.open.clear())

    def _asked(self, request: Request) -> None:
        if "/heartbeat/" not in request.url and request.url.startswith("http"):
            self.open.add(request)
            self.changed = time.monotonic()

    def _answered(self, request: Request) -> None:
        self.open.discard(request)
        self.changed = time.monotonic()

    @property
    def calm(self) -> bool:
        """Nothing is under way. Gradio's page may leave its stream of results open though nothing is to come
        (an event that begins while the stream is told to close): alone and long without news, it is none.
        """
        streams = all("/queue/data" in request.url for request in self.open)
        return not self.open or (streams and time.monotonic() - self.changed > LEFT_OPEN)


_asking: WeakKeyDictionary[Page, Asking] = WeakKeyDictionary()


def settled(page: Page) -> Page:
    """Wait until a page asks nothing and has drawn what it was told: no fixed time is long enough."""
    asking, calm = _asking[page], 0
    deadline = time.monotonic() + 2 * WAIT / 1000
    while calm < 3:
        assert time.monotonic() < deadline, f"it goes on asking: {[request.url for request in asking.open]}"
        calm = calm + 1 if asking.calm else 0
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))")
    return page


def written(page: Page) -> Page:
    """Wait until the store holds what was done and the address tells it.

    Gradio hears of a change in its next turn, so that one look alone would come too early.
    """
    page.wait_for_function(
        """() => new Promise((done) => {
            let calm = 0;
            const look = () => {
                calm = window.playground?.store?.view() && !playground.store.busy() ? calm + 1 : 0;
                calm > 15 ? done(true) : setTimeout(look, 40);
            };
            look();
        })""",
        timeout=WAIT,
    )
    return page


def borrow(browser: Browser, home: str, **which: Any) -> BrowserContext:
    """A context that nobody else is in, without cookies and stored values; `give_back` it.

    Args:
        home: the address of the app that will be visited.
        which: language and permissions, as Playwright's contexts take them.
    """
    free = _free.setdefault((browser, *sorted(which.items())), [])
    context = free.pop() if free else browser.new_context(**which)
    if context not in _anchors:
        _anchors[context] = context.new_page()
    anchor = _anchors[context]
    if not anchor.url.startswith(home):
        anchor.goto(home + PLAIN)
    context.clear_cookies()
    anchor.evaluate("localStorage.clear()")
    return context


def give_back(browser: Browser, context: BrowserContext, **which: Any) -> None:
    """Close its pages, and keep it for another who borrows the like."""
    for page in pages_of(context):
        page.close()
    _free[(browser, *sorted(which.items()))].append(context)


def pages_of(context: BrowserContext) -> list[Page]:
    """The pages that somebody opened in it."""
    return [page for page in context.pages if page is not _anchors.get(context)]


def header_menu(page: Page) -> Page:
    """Open the header's menu: language, theme, size of the text."""
    panel = page.locator("#pg-menu-panel")
    if not panel.is_visible():
        page.locator("#pg-menu > button").click()
    panel.wait_for()
    return page


def speak(page: Page, lang: str) -> None:
    """Choose a language in the header's menu, as a visitor does; the page is loaded anew."""
    header_menu(page).locator('[data-pg="language"]').select_option(lang)


class Visit:
    """Opens pages, each in a browser context that no other open page is in."""

    def __init__(self, browser: Browser, home: str) -> None:
        self.browser, self.home, self.watch = browser, home, Watch(home)
        # A context, and what it was borrowed as; None: it is a test's own.
        self.contexts: list[tuple[dict[str, Any] | None, BrowserContext]] = []

    def __call__(
        self,
        address: str = "",
        *,
        ready: bool = True,
        locale: str = "en-US",
        permissions: tuple[str, ...] = (),
        viewport: dict[str, int] | None = None,
        color_scheme: str = "light",
        **context: Any,
    ) -> Page:
        """A new page.

        Args:
            address: what follows the app's own address.
            ready: wait until Home, or Tokens where it is served alone, has painted its example.
            locale: the browser's language.
            permissions: what the page may do unasked.
            context: whatever else a browser context may be; it is then used once.
        """
        which = {"locale": locale, "permissions": tuple(permissions)}
        if context:
            self.contexts.append((None, self.browser.new_context(**which, **context)))
        else:
            self.contexts.append((which, borrow(self.browser, self.home, **which)))
        page = self.contexts[-1][1].new_page()
        page.set_default_timeout(WAIT)
        self.watch.follow(page)
        _asking[page] = Asking(page)
        page.set_viewport_size({**(viewport or SIZE)})  # type: ignore[arg-type]
        page.emulate_media(color_scheme=color_scheme)  # type: ignore[arg-type]
        page.goto(self.home + address)
        if ready:
            page.wait_for_selector("#home-frame .hm-row.now, #tok-view .tok-lane .t", state="attached")
        return page

    def close(self, *, again: bool) -> None:
        """Close the pages.

        Args:
            again: keep their contexts for other visits.
        """
        self.watch.leaving = True
        for which, context in self.contexts:
            if again and which is not None:
                give_back(self.browser, context, **which)
            else:
                context.close()


@contextmanager
def visiting(browser: Browser, home: str) -> Iterator[Visit]:
    """Pages that at the end are closed, and none may have complained."""
    visit = Visit(browser, home)
    try:
        yield visit
        pages = [page for _, context in visit.contexts for page in pages_of(context)]
        canaries = [page.evaluate("window.canary") for page in pages]
    except BaseException:
        visit.close(again=False)
        raise
    visit.close(again=True)
    assert not any(canaries), "something that was text has run"
    visit.watch.check()
