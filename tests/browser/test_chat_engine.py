"""Chat with a GGUF file in Chromium: the menu of engines, a reply by llama.cpp, a token, a branch."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from playground import text
from playground.models.engines import llama
from tests.app import App, running
from tests.browser.test_chat_page import act, again, answered, choose, opened, tell, unfolded
from tests.browser.visiting import WAIT, Visit
from tests.models import gguf_files, saved

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not llama.available(), reason="xllamacpp is not installed on this platform"),
]
PANEL = "chat"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("engine")
    saved.save(folder / "models" / "a-chatty", template=saved.TEMPLATE)
    gguf_files.llama(folder / "models" / "tiny.gguf")
    with running(folder, {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py") as app:
        yield app


def test_a_conversation_by_llama_cpp_and_by_transformers(visit: Visit) -> None:
    page = opened(visit, "a-chatty")
    engine = page.locator("#chat-engine")
    with unfolded(page, "pill"):
        expect(engine.locator("label input")).to_have_count(1, timeout=WAIT)
    choose(page, "tiny.gguf")
    with unfolded(page, "pill"):
        expect(engine.locator("label input")).to_have_count(2, timeout=WAIT)
        expect(engine).to_contain_text(text.say("chat.engine_fast", "en"))
        expect(engine).to_contain_text("hidden states")  # what it cannot tell is said
    tell(page, "Once upon a time")
    answered(page)
    expect(page.locator(".chat-msg.assistant footer")).to_contain_text("llama.cpp")
    chips = page.locator(".chat-msg.assistant .ct[title]")
    assert re.match(r"[<\d.]+ ?%", chips.first.get_attribute("title") or "")
    chips.first.click()
    choices = page.locator(".chat-token li button")
    expect(choices).to_have_count(10, timeout=WAIT)
    again(page, choices.nth(1).click)
    answered(page)
    expect(page.locator(".chat-msg.assistant footer")).to_contain_text("llama.cpp")
    with unfolded(page, "pill"):
        engine.get_by_text(text.say("chat.engine_visible", "en")).click()
        page.wait_for_function("playground.store.get('chat.engine') === 'transformers'")
    again(page, lambda: act(page, "again"))
    answered(page)
    expect(page.locator(".chat-msg.assistant footer")).not_to_contain_text("llama.cpp")
