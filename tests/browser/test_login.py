"""A server with a password: the login page, and what is behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from playground import text
from tests.app import running
from tests.browser.visiting import WAIT

pytestmark = pytest.mark.browser


def test_the_login_page_is_ours_to_see_and_opens_with_the_password(browser: Browser, tmp_path: Path) -> None:
    settings = {"PLAYGROUND_PASSWORD": "secret", "PLAYGROUND_OFFLINE": "1"}
    with running(tmp_path, settings, "tests/serve.py") as app:
        context = browser.new_context(locale="zh-TW")
        page = context.new_page()
        page.goto(app.url)
        expect(page.get_by_text(text.say("shell.login", "zh-TW"))).to_be_visible()
        paper = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--pg-paper')")
        assert paper.strip().startswith("#"), "the theme's colours are known here too"
        user, password = (
            page.locator("input:not([type=password]), textarea").first,
            page.locator("[type=password]"),
        )
        assert user.evaluate("e => getComputedStyle(e).borderTopWidth") == "1px", "a field that can be seen"
        stations = page.locator("#home-frame .hm-st")
        for attempt, let_in in (("wrong", False), ("secret", True)):
            user.fill("playground")
            password.fill(attempt)
            with page.expect_response("**/login*") as answer:
                password.press("Enter")
            assert answer.value.ok == let_in
            expect(stations).to_have_count(5 if let_in else 0, timeout=2 * WAIT)  # the page loads anew
        context.close()
