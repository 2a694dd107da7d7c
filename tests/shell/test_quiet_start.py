"""A start that is quick and quiet: nothing heavy imported, nobody outside asked."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from playground import settings, text
from tests.app import ROOT, environment, running

HEAVY = (
    "torch", "transformers", "tokenizers", "sentence_transformers", "gensim", "umap", "bitsandbytes",
    "plotly", "mistral_common", "sentencepiece", "tiktoken",
)  # fmt: skip

BUILT = """
import importlib.abc, json, os, runpy, sys
at_import = []
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "gradio":
            at_import.append(os.environ.get("GRADIO_ANALYTICS_ENABLED"))
sys.meta_path.insert(0, Watch())
sys.path.insert(0, "")
sys.argv = ["app.py"]
app = runpy.run_path("app.py", run_name="the_app")["app"]
print(json.dumps([at_import, sorted(sys.modules), len(app.blocks)]))
"""

HELP = """
import runpy, sys
sys.path.insert(0, "")
sys.argv = ["app.py", "--help"]
try:
    runpy.run_path("app.py", run_name="__main__")
except SystemExit as done:
    print("EXIT", done.code, "gradio" in sys.modules, any(m.startswith("gradio") for m in sys.modules))
"""

AT_ONCE = """
import sys, threading
sys.path.insert(0, "")
from playground.models.catalog import TOKENIZERS
from playground.models.loaders import TransformersLoader
from playground.models.cache import ModelCache
cache, failed = ModelCache(2**31, TransformersLoader(offline=True)), []
def visit(card):
    try:
        with cache.lease(card):
            pass
    except Exception as error:
        failed.append(f"{card.name}: {error!r}")
visitors = [threading.Thread(target=visit, args=(card,)) for card in TOKENIZERS]
for visitor in visitors:
    visitor.start()
for visitor in visitors:
    visitor.join()
print(failed)
"""


def python(source: str, folder: Path, **variables: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=environment(folder, **variables), timeout=120,
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def local(host: object) -> bool:
    """Whether an address is this machine's own, or none at all."""
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return str(host).startswith(("/", "\0"))  # a socket of the file system


def test_building_the_page_imports_nothing_heavy_and_gradio_stays_silent(tmp_path: Path) -> None:
    # The owner's environment says otherwise; it does not win.
    told = python(BUILT, tmp_path, GRADIO_ANALYTICS_ENABLED="True")
    analytics, modules, blocks = json.loads(told.splitlines()[-1])
    assert analytics == ["False"]
    assert "gradio" in modules and blocks > 20
    assert sorted(set(HEAVY) & set(modules)) == []


@pytest.mark.browser
def test_a_started_server_and_its_page_ask_nobody_outside(tmp_path: Path) -> None:
    seen = tmp_path / "addresses"
    with running(tmp_path, script="tests/watched_app.py", arguments=[str(seen)]) as app:
        # A thread of its own, since another Playwright may already be at work in this one.
        with ThreadPoolExecutor(1) as worker:
            asked = worker.submit(visit, app.url).result()
    addresses = [json.loads(line) for line in seen.read_text(encoding="utf-8").splitlines()]
    assert addresses, "the hook saw nothing, not even the server's own check of its address"
    assert [each for each in addresses if not local(each[1])] == []
    assert asked and [url for url in asked if not local(urlsplit(url).hostname)] == []


def visit(url: str) -> list[str]:
    """Use the Tokens panel a little; every address that the browser asked for."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.conftest import ARGUMENTS, chromium

    path = chromium()
    if path is None:
        pytest.skip("no Chromium found")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS.split())
        page = browser.new_context(locale="en-US").new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.goto(f"{url}#tokens")
        expect(page.locator("#tok-view .tok-lane")).to_have_count(6)
        page.locator("#tok-text textarea").fill("hello world")
        expect(page.locator("#tok-view .tok-lane").first.locator(".tok-count b")).to_have_text(
            "4", timeout=60_000
        )
        for place in (1, 2, 3, 4):
            page.locator("#tok-tabs button[role=tab]").nth(place).click()
            page.wait_for_timeout(400)
        page.get_by_role("button", name="What am I looking at?").click()
        page.wait_for_timeout(500)
        browser.close()
    return [url for url in asked if not url.startswith(("data:", "blob:"))]


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_help_names_every_setting_without_gradio(tmp_path: Path, lang: str) -> None:
    told = python(HELP, tmp_path, PLAYGROUND_LANG=lang, COLUMNS="300")
    assert told.splitlines()[-1] == "EXIT 0 False False"
    flat = " ".join(told.split())
    assert text.say("settings.description", lang) in flat
    for entry in fields(settings.Settings):
        assert f"--{settings.public_name(entry).replace('_', '-')}" in flat
        assert settings.variable(entry) in flat
        assert " ".join(text.say(f"settings.{entry.name}", lang).split()) in flat


def test_first_visitors_who_come_at_once_all_get_their_tokenizer(tmp_path: Path) -> None:
    # transformers' lazy __init__ is not thread-safe: without the loader's lock, whoever comes while another
    # thread (the warm-up, say) imports it is told that the tokenizer is broken.
    assert python(AT_ONCE, tmp_path).splitlines()[-1] == "[]"
