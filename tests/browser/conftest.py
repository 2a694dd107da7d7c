"""Chromium for the tests in this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.visiting import WAIT, Visit, visiting
from tests.ui import toy

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    # Pages of one context share a process, and what it compiled: `tests.browser.visiting`.
    "--renderer-process-limit=1"
)
expect.set_options(timeout=WAIT)  # what comes soon on a quiet machine may take a while on a busy one


def chromium() -> str | None:
    """Where Chromium is: ``CHROMIUM``, or under one of its usual names.

    The headless shell comes first: the whole browser runs a second renderer for windows that nobody sees.
    """
    usual = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    names = (os.environ.get("CHROMIUM", ""), *usual)
    return next((path for name in names if name and (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole session; open a context of your own for what should be separate."""
    path = chromium()
    if path is None:
        reason = "no Chromium found: install it, or name it in the environment variable CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)  # there, a skipped browser test would pass for a green one
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Pages with one panel alone: a module's ``PANEL``, served by its fixture ``app``."""
    app = request.getfixturevalue("app")
    with visiting(browser, app.panel(request.module.PANEL)) as visit:
        yield visit


@pytest.fixture(scope="module")
def served() -> Iterator[toy.Toy]:
    """The page of `tests.ui.toy`."""
    with toy.served() as page:
        yield page


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor's browser for the tests of a module."""
    opened = browser.new_context(locale="en-US")
    yield opened
    opened.close()
