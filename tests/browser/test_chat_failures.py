"""Chat where something goes wrong: no clipboard, no server, half an answer, a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from playground import text
from tests.app import App, running
from tests.browser.test_chat_page import act, answered, opened, say, tell
from tests.browser.visiting import WAIT, Visit, speak, visiting

pytestmark = pytest.mark.browser
ASKED = "What is the capital of France?"
# What a lost connection is called in Chrome, Firefox and Safari, and by nobody.
TEXTS = ["Failed to fetch", "NetworkError when attempting to fetch resource.", "Load failed", ""]
SET = {"model": "tutor", "system": "You are a pirate.", "top_k": 0, "repetition_penalty": 1.05}
COPIED = """() => {
  Object.defineProperty(navigator, "clipboard", { configurable: true, get: () => undefined });
  window.copied = [];
  document.addEventListener("copy", () => window.copied.push(document.activeElement.value));
}"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    settings = {"PLAYGROUND_OFFLINE": "1"}
    with running(tmp_path_factory.mktemp("failures"), settings, "tests/serve.py") as app:
        yield app


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:
    with visiting(browser, app.panel("chat")) as visit:
        yield visit


class Wire:
    """What the page asks of Chat, and what it gets instead of an answer; None lets it through."""

    def __init__(self, page: Page) -> None:
        self.asked: list[list[str]] = []
        self.given: list[dict[str, Any]] = []
        self.instead: str | None = None
        self.body = ""
        page.route("**/playground/chat", self._answer)

    def _answer(self, route: Route) -> None:
        told = json.loads(route.request.post_data or "{}")
        self.given.append(told)
        self.asked.append([each["content"] for each in told["messages"]])
        if self.instead is None:
            route.continue_()
        elif self.instead == "cut":
            route.fulfill(status=200, content_type="application/x-ndjson", body=self.body)
        elif self.instead.isdigit():
            route.fulfill(status=int(self.instead), body="")
        else:
            route.abort(self.instead)


def unanswered(page: Page, *messages: str) -> None:
    """These messages, and no others, are marked as left without an answer."""
    expect(page.locator(".chat-msg.unanswered .chat-body")).to_have_text(list(messages))


@pytest.mark.parametrize("message", ["one line", "two\nlines <b>你好</b> 👍", "  blanks around  "])
def test_copy_works_over_plain_http(visit: Visit, message: str) -> None:
    """A teacher's machine in a class: such a page has no clipboard of the new kind."""
    page = opened(visit, "tutor")
    page.evaluate(COPIED)
    tell_lines(page, message)
    answered(page)
    button = page.locator(".chat-msg.user header button").first
    button.click()
    expect(button).to_have_text(say("js_copied"))
    reply = page.locator(".chat-msg.assistant header button").first
    reply.click()
    expect(reply).to_have_text(say("js_copied"))
    copied = page.evaluate("window.copied")
    assert copied[0] == message and copied[1] == page.locator(".chat-msg.assistant .chat-body").inner_text()
    expect(button).to_have_text(say("js_copy"), timeout=WAIT)


def test_who_may_not_copy_is_told(visit: Visit) -> None:
    page = opened(visit, "tutor")
    page.evaluate(COPIED)
    page.evaluate("document.execCommand = () => false")
    tell(page, ASKED)
    answered(page)
    page.locator(".chat-msg.user header button").first.click()
    expect(page.locator(".chat-status")).to_have_text(say("js_copy_failed"))


def tell_lines(page: Page, words: str) -> None:
    page.fill("#chat-box textarea", words)
    page.locator("#chat-send").click()


@pytest.mark.parametrize("trouble", ["connectionrefused", "internetdisconnected", "502", "504"])
def test_a_message_without_an_answer_stays_apart(visit: Visit, trouble: str) -> None:
    """It was merged with the next one: both were sent as one message, and answered as one."""
    page = opened(visit, "tutor")
    wire = Wire(page)
    wire.instead = trouble
    tell(page, "first")
    expect(page.locator(".chat-log > .pg-warning")).to_have_text(say("js_away"))
    unanswered(page, "first")
    expect(page.locator("#chat-box textarea")).to_have_value("")
    tell(page, "second")
    unanswered(page, "first", "second")
    wire.instead = None
    tell(page, ASKED)
    assert "Paris" in answered(page)
    unanswered(page, "first", "second")
    assert wire.asked == [["first"], ["second"], [ASKED]]
    # The next turn holds none of them either; one of them is sent again, as the newest.
    page.locator(".chat-msg.unanswered footer button").last.click()
    answered(page, 2)
    unanswered(page, "first")
    expect(page.locator(".chat-msg.user .chat-body")).to_have_text(["first", ASKED, "second"])
    assert [each[::2] for each in wire.asked[3:]] == [[ASKED, "second"]]
    visit.watch.complaints.clear()  # the browser's own: it could not load something


@pytest.mark.parametrize("name", TEXTS)
def test_a_lost_connection_is_known_in_every_browser(visit: Visit, name: str) -> None:
    page = opened(visit, "tutor")
    page.evaluate("(told) => { window.fetch = async () => { throw new TypeError(told); }; }", name)
    tell(page, "first")
    expect(page.locator(".chat-log > .pg-warning")).to_have_text(say("js_away"))
    unanswered(page, "first")


@pytest.mark.parametrize(
    "body",
    ['{"text":"x","ids":5,"p":[1],"n":[1]}\n', '{"prompt":null,"text":"x","ids":[1]}\n', "no JSON\n"],
)
def test_a_fault_of_ours_is_told_as_one_and_logged(visit: Visit, body: str) -> None:
    """A TypeError of a script was taken for the network, or for nothing at all."""
    page = opened(visit, "tutor")
    wire = Wire(page)
    wire.instead, wire.body = "cut", body
    tell(page, "first")
    expect(page.locator(".chat-log > .pg-warning")).to_have_text(say("js_failed"))
    unanswered(page, "first")
    told, visit.watch.complaints = visit.watch.complaints, []
    assert any("Error" in each for each in told), "nobody could ever mend it"


def test_half_an_answer_is_kept_and_what_is_cut_says_so(visit: Visit) -> None:
    page = opened(visit, "tutor")
    wire = Wire(page)
    wire.instead, wire.body = "cut", '{"text":"Par","ids":[7],"p":[0.5],"n":[3]}\n'
    tell(page, ASKED)
    expect(page.locator(".chat-log > .pg-warning")).to_have_text(say("js_lost"))
    expect(page.locator(".chat-msg.assistant .chat-body")).to_have_text("Par")
    expect(page.locator(".chat-msg.unanswered")).to_have_count(0)


def test_what_the_server_refuses_is_no_part_of_what_follows(visit: Visit) -> None:
    """A message that is too long made every later one too long as well."""
    page = opened(visit, "tutor")
    wire = Wire(page)
    tell(page, "word " * 3000)
    expect(page.locator(".chat-log > .pg-warning")).to_be_visible(timeout=WAIT)
    expect(page.locator(".chat-msg.unanswered")).to_have_count(1)
    tell(page, ASKED)
    assert "Paris" in answered(page)
    assert wire.asked[1] == [ASKED]


def test_it_is_left_apart_after_a_reload_too_and_an_edit_is_not_lost(visit: Visit) -> None:
    page = opened(visit, "tutor")
    wire = Wire(page)
    tell(page, ASKED)
    answered(page)
    wire.instead = "connectionrefused"
    page.locator(".chat-msg.user header button").nth(1).click()
    page.locator(".chat-msg textarea").fill("edited words")
    page.locator(".chat-row button").first.click()
    expect(page.locator("#chat-box textarea")).to_have_value("edited words")  # nothing came: to be sent again
    assert "Paris" in answered(page)
    page.fill("#chat-box textarea", "")
    tell(page, "second")
    unanswered(page, "second")
    visit.watch.leaving = True
    page.reload()
    expect(page.locator(".chat-msg.user")).to_have_count(2, timeout=2 * WAIT)
    unanswered(page, "second")
    wire.instead = None
    page.locator(".chat-msg.unanswered footer button").click()
    answered(page, 2)
    unanswered(page)
    act(page, "undo")
    expect(page.locator("#chat-box textarea")).to_have_value("second")
    visit.watch.complaints.clear()


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_next_token_tells_a_lost_server_from_a_fault(browser: Browser, app: App, lang: str) -> None:
    with visiting(browser, app.panel("next_token")) as visit:
        page = visit("?tab=next_token&lang=" + lang, ready=False)
        page.wait_for_selector("#next-frame .nx-chart > .nx-row", timeout=2 * WAIT)
        page.route("**/playground/next/**", lambda route: route.abort("connectionrefused"))
        page.fill("#next-prompt textarea", "Once upon a time there was")
        lost = text.say("next_token.js_lost", lang)
        expect(page.locator(".nx-status .pg-warning")).to_have_text(lost, timeout=WAIT)
        visit.watch.complaints.clear()


@pytest.mark.parametrize("lang", ["zh-TW", "zh-CN"])
def test_what_was_set_comes_along_when_the_language_changes(visit: Visit, lang: str) -> None:
    """The system prompt and the settings vanished."""
    page = opened(visit, "tutor")
    wire = Wire(page)
    wire.instead = "connectionrefused"
    page.fill("#chat-system textarea", "You are a pirate.")
    act(page, "creative")
    page.fill("#chat-box textarea", "half a sentence")
    page.wait_for_timeout(500)
    visit.watch.leaving = True
    speak(page, lang)
    expect(page.locator("#chat-send")).to_have_text(say("send", lang), timeout=2 * WAIT)
    expect(page.locator("#chat-system textarea")).to_have_value("You are a pirate.")
    expect(page.locator("#chat-box textarea")).to_have_value("half a sentence")
    page.locator("#chat-send").click()
    unanswered(page, "half a sentence")
    assert {**SET, "temperature": 1.1, "min_p": 0.05}.items() <= wire.given[-1].items()
    visit.watch.complaints.clear()
