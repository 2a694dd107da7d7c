"""Opens pages, and watches that none of them complains, opens dialogs or asks another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

WAIT = 30_000  # milliseconds: for whatever the server computes, on a busy machine


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
        if message.type in ("error", "warning") and not broken_off:
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


class Visit:
    """Opens pages, each in a browser context of its own."""

    def __init__(self, browser: Browser, home: str) -> None:
        self.browser, self.home, self.watch = browser, home, Watch(home)
        self.contexts: list[BrowserContext] = []

    def __call__(self, address: str = "", *, ready: bool = True, **context: Any) -> Page:
        self.contexts.append(self.browser.new_context(**{"locale": "en-US", **context}))
        page = self.contexts[-1].new_page()
        self.watch.follow(page)
        page.set_default_timeout(WAIT)
        page.goto(self.home + address)
        if ready:
            page.wait_for_selector("#tok-view .tok-lane .t", state="attached")
        return page


@contextmanager
def visiting(browser: Browser, home: str) -> Iterator[Visit]:
    """Pages that at the end are closed, and none may have complained."""
    visit = Visit(browser, home)
    try:
        yield visit
        canaries = [page.evaluate("window.canary") for context in visit.contexts for page in context.pages]
    finally:
        for context in visit.contexts:
            context.close()
    assert not any(canaries), "something that was text has run"
    visit.watch.check()
