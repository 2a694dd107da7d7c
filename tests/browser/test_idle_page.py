"""A page that nobody touches asks nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Request

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.visiting import visiting

pytestmark = pytest.mark.browser


def test_it_asks_once_and_then_no_more(browser: Browser, app: App) -> None:  # noqa: F811
    with visiting(browser, app.url) as visit:
        page = visit()
        asked: list[str] = []

        def heard(request: Request) -> None:
            if "/queue/join" in request.url:
                asked.append(request.post_data or "")

        page.on("request", heard)
        for _ in range(30):  # what the opening asks comes to its end, on a busy machine too
            before = len(asked)
            page.wait_for_timeout(2_000)
            if len(asked) == before:
                break
        else:
            pytest.fail(f"it goes on asking: {asked[-5:]}")
        page.wait_for_timeout(3_000)
        assert len(asked) == before
