"""Chat in Chromium, on small random models: say, stop, edit, look at a token, branch, compare, save, open."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Locator, Page, expect

from playground import text
from tests.app import App, running
from tests.browser.visiting import WAIT, Visit, settled, visiting
from tests.models import saved

pytestmark = pytest.mark.browser
PANEL = "chat"
SLOW = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 24}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("chat")
    saved.save(folder / "models" / "a-chatty", template=saved.TEMPLATE, max_position_embeddings=2048)
    saved.save(folder / "models" / "b-base", "GPT2")
    # Some thirty milliseconds a token: slow enough to be stopped.
    saved.save(folder / "models" / "slow", template=saved.TEMPLATE, max_position_embeddings=4096, **SLOW)
    with running(folder, {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py") as app:
        yield app


def say(key: str, lang: str = "en") -> str:
    return text.say(f"chat.{key}", lang)


def opened(visit: Visit, model: str = "a-chatty", **context: object) -> Page:
    page = visit("?tab=chat", ready=False, **context)
    ready(page)
    choose(page, model)
    page.locator(".chat-views [data-view=tokens]").evaluate("(button) => button.click()")
    return page


def ready(page: Page) -> None:
    """The page's store has begun, and the menus are filled."""
    expect(page.locator("#chat-composer")).to_be_visible(timeout=2 * WAIT)
    page.wait_for_function("window.playground?.store?.view() === 'chat'", timeout=WAIT)
    settled(page)


@contextmanager
def unfolded(page: Page, button: str) -> Iterator[Locator]:
    """What opens from the composer, open meanwhile: "pill" for the model, "tune" for the settings."""
    drawer = page.locator("#chat-choose" if button == "pill" else "#chat-settings")
    page.locator(f"#chat-{button}").click()
    expect(drawer).to_be_visible()
    yield drawer
    if drawer.is_visible():
        page.locator(f"#chat-{button}").click()
    expect(drawer).not_to_be_visible()


def choose(page: Page, model: str) -> None:
    if page.evaluate("playground.store.get('chat.model')") == model:
        return
    with unfolded(page, "pill") as drawer:
        menu = drawer.locator("#chat-model input")
        menu.fill(model)
        menu.press("Enter")
        page.wait_for_function("(model) => playground.store.get('chat.model') === model", arg=model)
        menu.blur()
    expect(page.locator("#chat-pill")).to_have_text(model)


def tell(page: Page, words: str) -> None:
    page.fill("#chat-box textarea", words)
    page.press("#chat-box textarea", "Enter")


def answered(page: Page, count: int = 1) -> str:
    expect(page.locator(".chat-msg.assistant footer")).to_have_count(count, timeout=2 * WAIT)
    return page.locator(".chat-msg.assistant .chat-body").last.inner_text()


def written(page: Page, count: int) -> None:
    """More tokens than so many are there."""
    page.wait_for_function(
        f"document.querySelectorAll('.chat-msg.assistant .ct').length > {count}", timeout=WAIT
    )


def act(page: Page, name: str) -> None:
    """Press what does it: below the last message that has it, in the composer, or in its settings."""
    below = page.locator(f".chat-msg [data-act={name}]")
    if name == "stop":
        page.locator("#chat-send.stops").click()
        expect(page.locator("#chat-send.stops")).to_have_count(0)
    elif below.count():
        below.last.click()
    elif page.locator(f"[data-preset={name}]").count():
        with unfolded(page, "tune"):
            page.locator(f"#chat-{name}").click()
    else:
        page.locator(f"#chat-{name}").click()


def again(page: Page, do: Callable[[], None]) -> None:
    """Do what asks for a reply; it is asked for when the reply of before is gone from the page."""
    with page.expect_request("**/playground/chat"):
        do()


def save(page: Page, name: str) -> Path:
    """A file of the menu."""
    page.locator("#chat-more").click()
    with page.expect_download() as told:
        page.locator(f".chat-menu [data-chat={name}]").click()
    return Path(told.value.path())


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_it_greets_and_offers_what_its_model_does_well(visit: Visit, lang: str) -> None:
    """It opened as an empty page with six equal buttons beside a column of forms."""
    page = visit(f"?tab=chat&lang={lang}", ready=False)
    ready(page)
    expect(page.get_by_role("heading", name=say("greeting", lang))).to_be_visible()
    offered = [line.split("|")[1] for line in say("cards_tutor", lang).split("\n")]
    expect(page.locator(".chat-card span")).to_have_text(offered)
    assert len(offered) == 4
    composer = page.locator("#chat-composer").bounding_box()
    assert composer and composer["y"] + composer["height"] <= 720
    for form in ("#chat-model", "#chat-system", "#chat-temperature"):
        expect(page.locator(form)).not_to_be_visible()
    page.locator(".chat-card").last.click()
    assert len(answered(page)) > 5
    expect(page.locator(".chat-msg.user .chat-body")).to_have_text(offered[-1])
    expect(page.locator(".chat-greet")).not_to_be_visible()


def test_the_composer_stays_in_sight_and_send_becomes_stop(visit: Visit) -> None:
    page = opened(visit, viewport={"width": 360, "height": 640})
    button = page.locator("#chat-send")
    expect(button).to_have_attribute("aria-label", say("js_send"))
    low = page.locator("#chat-box textarea").bounding_box()
    page.fill("#chat-box textarea", "\n".join("abcdef"))
    grown = page.locator("#chat-box textarea").bounding_box()
    assert low and grown and grown["height"] > 2 * low["height"]
    choose(page, "slow")
    tell(page, "Once upon a time")
    written(page, 40)
    expect(button).to_have_attribute("aria-label", say("js_stop"))
    for place in (0, 10_000):  # wherever somebody reads
        page.evaluate(f"scrollTo(0, {place})")
        box = button.bounding_box()
        if place == 0:
            assert box and 0 < box["y"] < 640 - box["height"]
    button.click()
    expect(button).to_have_attribute("aria-label", say("js_send"))
    answered(page)


def test_a_conversation(visit: Visit) -> None:
    page = opened(visit)
    tell(page, "Once upon <b>a</b> time 你好 👍")
    first = answered(page)
    expect(page.locator("#chat-box textarea")).to_have_value("")
    expect(page.locator(".chat-msg.user .chat-body")).to_have_text("Once upon <b>a</b> time 你好 👍")
    expect(page.locator("#chat-gauge")).to_have_text(re.compile(r"Context: \d+ of 2,048 tokens"))
    # Greedy: again is the same, which is said, and no second version.
    again(page, lambda: act(page, "again"))
    expect(page.locator(".chat-status")).to_have_text(say("js_same_again"))
    assert answered(page) == first
    expect(page.locator(".chat-versions")).to_have_count(0)
    tell(page, "and then?")
    answered(page, 2)
    act(page, "clear")
    expect(page.locator(".chat-msg")).to_have_count(0)
    expect(page.locator(".chat-greet")).to_be_visible()


def test_a_token_its_alternatives_and_a_branch(visit: Visit) -> None:
    page = opened(visit)
    tell(page, "Once upon a time")
    answered(page)
    chips = page.locator(".chat-msg.assistant .ct")
    before = [chips.nth(i).inner_text() for i in range(4)]
    chips.nth(3).click()
    choices = page.locator(".chat-token li button")
    expect(choices).to_have_count(10, timeout=WAIT)
    expect(choices.first).to_contain_text(say("js_chosen"))
    window, chip = page.locator(".chat-token").bounding_box(), chips.nth(3).bounding_box()
    assert window and chip and abs(window["x"] - chip["x"]) < 40  # at the token, and inside of the window
    assert window["y"] >= 0 and window["y"] + window["height"] <= 720
    page.keyboard.press("Escape")
    expect(page.locator(".chat-token")).to_have_count(0)
    # By the keyboard: the same token, the second choice.
    body = page.locator(".chat-msg.assistant .chat-body")
    body.focus()
    for key in ("ArrowRight",) * 4 + ("Enter",):
        page.keyboard.press(key)
    expect(choices).to_have_count(10, timeout=WAIT)
    expect(choices.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    again(page, lambda: page.keyboard.press("Enter"))
    answered(page)
    assert [chips.nth(i).inner_text() for i in range(3)] == before[:3]
    assert chips.nth(3).inner_text() != before[3]
    # Both versions are there, a step apart, and a reload keeps them.
    versions = page.locator(".chat-versions")
    expect(versions).to_have_text("‹2/2›")
    versions.get_by_role("button", name=say("js_before")).click()
    expect(versions).to_have_text("‹1/2›")
    assert [chips.nth(i).inner_text() for i in range(4)] == before
    visit.watch.leaving = True
    page.reload()
    expect(versions).to_have_text("‹1/2›", timeout=2 * WAIT)


def test_stop_keeps_what_came_and_go_on_continues(visit: Visit, app: App) -> None:
    page = opened(visit)
    choose(page, "slow")
    tell(page, "Once upon a time")
    written(page, 8)
    expect(page.locator(".chat-status")).to_contain_text("tokens/s")
    act(page, "stop")
    expect(page.locator(".chat-msg.assistant footer")).to_contain_text(say("js_stopped"))
    count = page.locator(".chat-msg.assistant .ct").count()
    assert 8 < count < 250
    # The model is free at once, for anybody.
    client = Client(app.url, verbose=False)
    deadline = time.monotonic() + 10
    while any(row["leases"] for row in client.predict(api_name="/models")):
        assert time.monotonic() < deadline, "it goes on writing although it was stopped"
        time.sleep(0.1)
    so_far = page.locator(".chat-msg.assistant .chat-body").inner_text()
    act(page, "proceed")
    written(page, count + 5)
    act(page, "stop")
    assert page.locator(".chat-msg.assistant .chat-body").inner_text().startswith(so_far.rstrip("�"))


def test_a_closed_page_frees_the_model_and_tokens_never_wait(browser: Browser, app: App) -> None:
    client = Client(app.url, verbose=False)
    client.predict("hello world", ["byt5"], api_name="/tokenize")  # its first call imports what it needs
    with visiting(browser, app.panel("chat")) as visit:
        page = opened(visit)
        choose(page, "slow")
        tell(page, "Once upon a time")
        written(page, 3)
        # While it writes, the tokens of somebody else are cut.
        assert client.predict("hello world", ["byt5"], api_name="/tokenize")[0]["count"] > 5
        assert any(row["leases"] for row in client.predict(api_name="/models"))
        visit.watch.leaving = True
        page.close()
        deadline = time.monotonic() + 15
        while any(row["leases"] for row in client.predict(api_name="/models")):
            assert time.monotonic() < deadline, "it goes on writing for nobody"
            time.sleep(0.1)


def test_two_visitors_never_decode_at_once_on_one_model(app: App) -> None:
    asked = {"model": "slow", "max_new_tokens": 60, "messages": [{"role": "user", "content": "Once upon"}]}
    heard: list[tuple[int, str]] = []

    def visitor(who: int) -> None:
        request = urllib.request.Request(
            f"{app.url}playground/chat", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            for line in answer:
                kind = "text" if b'"ids"' in line else next(iter(json.loads(line)))
                heard.append((who, kind))
                if (who, kind) == (0, "text") and not second.is_alive() and not second.ident:
                    second.start()

    second = threading.Thread(target=visitor, args=(1,))
    visitor(0)
    second.join(120)
    assert (1, "waiting") in heard and "error" not in [kind for _, kind in heard]
    assert heard.index((1, "text")) > heard.index((0, "done")), heard
    assert heard[-1] == (1, "done")


def test_editing_an_earlier_message_begins_anew_from_there(visit: Visit) -> None:
    page = opened(visit)
    for count, words in enumerate(("one", "two"), 1):
        tell(page, words)
        answered(page, count)
    page.locator(".chat-msg.user").first.get_by_role("button", name=say("js_edit")).click()
    page.locator(".chat-msg textarea").fill("another")
    page.locator(".chat-msg .chat-go").click()
    answered(page)
    users = page.locator(".chat-msg.user .chat-body")
    expect(users).to_have_text(["another"])
    # The first wording and all that followed it are a step aside.
    page.locator(".chat-msg.user .chat-versions").get_by_role("button", name=say("js_before")).click()
    expect(users).to_have_text(["one", "two"])


def test_the_prompt_in_the_inspector_and_side_by_side(visit: Visit) -> None:
    page = opened(visit, locale="zh-TW", viewport={"width": 1440, "height": 800})
    tell(page, "Once upon a time <img src=x onerror=window.canary=1>")
    answered(page)
    page.locator("#chat-gauge").click()
    inspector = page.locator("#pg-inspector")
    expect(inspector.locator("table")).to_be_visible(timeout=WAIT)
    expect(inspector.locator(".tok-text.plain")).to_contain_text("<|user|>")
    expect(inspector.locator(".chat-bar i").first).to_be_visible()
    tell(page, "and then?")  # what is open follows the conversation
    answered(page, 2)
    expect(inspector.locator(".tok-text.plain")).to_contain_text("and then?")
    page.locator("#chat-more").click()
    page.locator(".chat-menu [data-chat=compare]").click()
    page.locator("#chat-compare").click()
    expect(page.locator("#chat-two > p")).to_be_visible(timeout=2 * WAIT)
    expect(page.locator("#chat-two .ct.parts")).to_have_count(2)


def test_a_base_model_says_so(visit: Visit) -> None:
    page = opened(visit, locale="zh-CN")
    choose(page, "b-base")
    tell(page, "Once upon a time")
    answered(page)
    expect(page.locator(".chat-notes")).to_contain_text(say("js_completion", "zh-CN"))


def test_what_goes_wrong_is_said_and_the_conversation_kept(visit: Visit) -> None:
    page = opened(visit)
    tell(page, "Once upon a time")
    answered(page)
    choose(page, "nobody/nothing")
    tell(page, "again")
    expect(page.locator(".chat-log .pg-warning")).to_contain_text("nobody/nothing", timeout=WAIT)
    expect(page.locator(".chat-msg")).to_have_count(3)
    expect(page.locator(".chat-msg.unanswered .chat-body")).to_have_text(
        "again"
    )  # marked, with Retry and Edit
    expect(page.locator(".chat-msg.unanswered [data-act=edit]")).to_be_visible()
    choose(page, "a-chatty")
    act(page, "retry")
    answered(page, 2)
    expect(page.locator(".chat-log .pg-warning")).to_have_count(0)


def test_saved_opened_and_reloaded(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    tell(page, "Once upon a time")
    words = answered(page)
    file = tmp_path / "conversation.json"
    file.write_bytes(save(page, "json").read_bytes())
    held = json.loads(file.read_text())
    assert [each["role"] for each in held["messages"]] == ["user", "assistant"]
    assert "FROM ./a-chatty" in save(page, "modelfile").read_text()
    assert save(page, "markdown").read_text().startswith(f"**{say('js_user')}**\n\nOnce upon a time")
    visit.watch.leaving = True
    page.reload()
    expect(page.locator(".chat-msg")).to_have_count(2, timeout=2 * WAIT)
    ready(page)
    choose(page, "a-chatty")
    act(page, "clear")
    expect(page.locator(".chat-msg")).to_have_count(0)
    page.locator(".chat-import").set_input_files(file)
    expect(page.locator(".chat-msg")).to_have_count(2)
    assert page.locator(".chat-msg.assistant .chat-body").inner_text() == words
    broken = tmp_path / "broken.json"
    broken.write_text('{"messages": [7]}')
    page.locator(".chat-import").set_input_files(broken)
    expect(page.locator(".chat-status")).to_have_text(say("js_bad_file"))
    expect(page.locator(".chat-msg")).to_have_count(2)


def test_for_programs(app: App) -> None:
    client = Client(app.url, verbose=False)
    job = client.submit(
        "And then?", [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}], "a-chatty",
        "Be brief.", 40, 0.8, 20, 0.9, 1.1, 5, api_name="/chat",
    )  # fmt: skip
    last = job.result(timeout=60)
    assert last["done"] and 0 < last["new_tokens"] <= 40 and last["stop_reason"] in ("eos", "length")
    assert last["prompt"].startswith("<s><|system|>\nBe brief.<|end|>\n<|user|>\nhi<|end|>")
    again = client.predict(
        "And then?", [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}], "a-chatty",
        "Be brief.", 40, 0.8, 20, 0.9, 1.1, 5, api_name="/chat",
    )  # fmt: skip
    assert again["reply"] == last["reply"]


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_spills_sideways(visit: Visit, width: int) -> None:
    page = opened(visit, viewport={"width": width, "height": 800}, locale="zh-TW")
    tell(page, "x" * 400)
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('.chat button')].filter((b) => b.offsetParent"
        " && (b.offsetWidth < 24 || b.offsetHeight < 24)).map((b) => b.outerHTML)"
    )
    assert not small


def test_no_sequence_of_clicks_loses_or_revives_a_conversation(visit: Visit) -> None:
    page = opened(visit)
    tell(page, "Once upon a time")
    words = answered(page)
    # A failing "again" leaves the reply that was there.
    choose(page, "nobody/nothing")
    act(page, "again")
    expect(page.locator(".chat-log .pg-warning")).to_be_visible(timeout=WAIT)
    assert answered(page) == words
    # Going on asks the model that wrote it, whichever is chosen now: its ids are no other's.
    again(page, lambda: act(page, "proceed"))
    assert answered(page).startswith(words.rstrip("�"))
    # Cleared while it writes: it stays cleared. Stopped at once: no empty turn is left.
    choose(page, "slow")
    act(page, "again")
    written(page, 2)
    act(page, "edit")  # of a message, while another one is written: nothing
    expect(page.locator(".chat-msg.user textarea")).to_have_count(0)
    act(page, "clear")
    settled(page)
    expect(page.locator(".chat-msg")).to_have_count(0)
    page.fill("#chat-box textarea", "one")
    page.evaluate("() => { const send = document.querySelector('#chat-send'); send.click(); send.click(); }")
    settled(page)
    tell(page, "two")
    written(page, 2)
    act(page, "stop")
    expect(page.locator(".chat-msg.user")).to_have_count(2)
    expect(page.locator(".chat-msg.user.unanswered .chat-body")).to_have_text("one")
    # A reload in the middle of a reply keeps what was there.
    act(page, "again")
    written(page, 4)
    visit.watch.leaving = True
    page.reload()
    expect(page.locator(".chat-msg")).to_have_count(3, timeout=2 * WAIT)
    assert page.locator(".chat-msg.assistant .ct").count() >= 4


@pytest.mark.parametrize(
    ("lang", "asked", "expected"),
    [
        ("en-US", "What is the capital of France?", "Paris"),
        ("zh-TW", "法國的首都是哪裡？", "巴黎"),
        ("zh-CN", "法国的首都是哪里？", "巴黎"),
    ],
)
def test_a_newcomer_chats_with_the_tutor(visit: Visit, lang: str, asked: str, expected: str) -> None:
    """Offline, in three languages, with what comes with the app."""
    page = opened(visit, "tutor", locale=lang)
    tell(page, asked)
    assert expected in answered(page)
    page.locator(".chat-msg.assistant .ct").first.click()
    expect(page.locator(".chat-token li button")).to_have_count(10, timeout=WAIT)
