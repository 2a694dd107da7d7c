"""Actions over HTTP: what is answered, what malformed posts get, and that who leaves ends what computes."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from starlette.testclient import TestClient

from playground.system import cancellation
from playground.ui.controls import page_of
from playground.ui.runs import Given
from tests.app import SLOWER
from tests.ui import toy

URL = "/playground/toy/echo"
GOOD = {"toy.word": "ab", "toy.times": 2}


@pytest.fixture(scope="module")
def page() -> Iterator[tuple[gr.Blocks, str]]:
    with toy.served() as served:
        yield served


@pytest.fixture(scope="module")
def client(page: tuple[gr.Blocks, str]) -> TestClient:
    return TestClient(page[0].app, base_url=page[1])


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_values_come_checked_by_their_name_and_by_their_id(client: TestClient) -> None:
    toy.asked.clear()
    answer = client.post(URL + "?by=toy.word", json=GOOD)
    assert lines(answer) == [{"place": "toy-place", "html": "<p>ab × 2 = abab</p>"}]
    assert toy.asked == [{**GOOD, "word": "ab", "times": 2, "by": "toy.word"}]
    assert Given({"a.x": 1, "b.x": 2}, "b", "") == {"a.x": 1, "b.x": 2, "x": 2}


@pytest.mark.parametrize(
    ("posted", "told"),
    [
        ({}, "toy.word"), ({"toy.word": "a"}, "toy.times"), ({**GOOD, "toy.menu": "x"}, "toy.menu"),
        ({**GOOD, "<b>": 1}, "‹b›"), ({**GOOD, "toy.word": 5}, "toy.word"),
        ({**GOOD, "toy.times": "2"}, "toy.times"), ({**GOOD, "toy.times": 10}, "between 0 and 9"),
        ({**GOOD, "toy.times": True}, "toy.times"), ([], "Reload the page"), (None, "Reload the page"),
        ("x", "Reload the page"), ([GOOD], "Reload the page"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_sentence(
    client: TestClient, caplog: pytest.LogCaptureFixture, posted: Any, told: str
) -> None:
    toy.asked.clear()
    (line,) = lines(
        client.post(URL, content=json.dumps(posted), headers={"Content-Type": "application/json"})
    )
    assert [*line] == ["error"] and told in line["error"]
    assert not toy.asked and not caplog.records


def test_one_action_asks_for_another(client: TestClient) -> None:
    *_, last = lines(client.post("/playground/toy/fill", json={}))
    assert last == {"ask": "toy/both", "by": "filled"}


def test_it_is_said_in_the_readers_language(client: TestClient) -> None:
    for lang, word in (("zh-TW", "重新載入"), ("zh-CN", "重新加载")):
        (line,) = lines(client.post(URL, json={}, headers={"X-Playground-Language": lang}))
        assert word in line["error"]


def test_a_known_error_is_told_and_an_unknown_one_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = lines(client.post("/playground/toy/fails?by=%23toy-known", json={}))
    assert first["html"] and "empty" in last["error"] and not caplog.records
    *_, last = lines(client.post("/playground/toy/fails?by=%23toy-broken", json={}))
    (record,) = caplog.records
    assert "secret" not in last["error"] and str(record.args[0]) in last["error"]  # type: ignore[index]


@pytest.mark.parametrize("path", ["toy/none", "none/echo", "toy/%2e%2e", "toy/echo/more"])
def test_what_nobody_declared(client: TestClient, path: str) -> None:
    assert client.post(f"/playground/{path}", json=GOOD).status_code in (404, 405)


def test_what_is_no_question(client: TestClient) -> None:
    for body, kind, status in ((b"{", "application/json", 400), (b"{}", "text/plain", 415)):
        answer = client.post(URL, content=body, headers={"Content-Type": kind})
        assert answer.status_code == status and len(answer.text) < 200


class Asker:
    """One who asks, and may leave."""

    def __init__(self, url: str, name: str, posted: Any) -> None:
        self.connection = http.client.HTTPConnection(
            url.removeprefix("http://").strip("/"), timeout=60 * SLOWER
        )
        kind = {"Content-Type": "application/json"}
        self.connection.request("POST", f"/playground/{name}", json.dumps(posted), kind)
        self.answer = self.connection.getresponse()

    def line(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.answer.readline())
        return found

    def leave(self) -> None:
        self.answer.close()
        self.connection.close()


def test_who_leaves_ends_what_computes_though_it_yields_nothing(page: tuple[gr.Blocks, str]) -> None:
    """`toy.long` gives one line, and then one step that ends by `cancellation.check` alone."""
    toy.ticks.clear()
    asker = Asker(page[1], "toy/long", {"toy.word": "ab"})
    assert asker.line() == {"place": "", "progress": "<p>counting</p>"}
    deadline = time.monotonic() + 30
    while len(toy.ticks) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    left = time.monotonic()
    asker.leave()
    time.sleep(1.5)
    assert toy.ticks[-1] - left < 0.5 * SLOWER
    assert cancellation.check() is None  # of nobody else's thread


def test_one_who_leaves_does_not_end_the_others_work(page: tuple[gr.Blocks, str]) -> None:
    first, second = (Asker(page[1], "toy/long", {"toy.word": word}) for word in "ab")
    for each in (first, second):
        each.line()
    first.leave()
    time.sleep(0.7)
    count = len(toy.ticks)
    time.sleep(0.5)
    assert len(toy.ticks) > count
    second.leave()
    deadline = time.monotonic() + 30
    while toy.ticks[-1] > time.monotonic() - 0.5:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_all_threads_come_back(page: tuple[gr.Blocks, str], client: TestClient) -> None:
    before = threading.active_count()
    for _ in range(8):
        asker = Asker(page[1], "toy/long", {"toy.word": "ab"})
        asker.line()
        asker.leave()
    assert lines(client.post(URL, json=GOOD))
    time.sleep(1)
    assert threading.active_count() < before + 12  # of the pool, which keeps some


def test_actions_name_what_there_is() -> None:
    with gr.Blocks() as page:
        toy.build()
        with pytest.raises(AssertionError):
            toy.actions("toy", toy.Action("new", toy.echo, ["toy.nothing"]))
        with pytest.raises(AssertionError):
            toy.actions("toy", toy.Action("echo", toy.echo))
        with pytest.raises(AssertionError):
            toy.actions("toy", toy.Action("new", toy.echo, views=["toy/none"]))
    assert page_of(page).actions["toy/echo"].stops == ("toy-stop",)
