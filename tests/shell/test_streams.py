"""Lines of JSON as they are made: what is answered, to whom, and what happens when the reader leaves."""

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

from playground.errors import BadInput, HubUnreachable
from playground.shell import streams

closed = threading.Event()
passes: list[int] = []


def count(given: Any) -> Iterator[Any]:
    for number in range(given["to"]):
        yield {"number": number, "text": "你好 👍 \ud800"}


def refused(given: Any) -> Iterator[Any]:
    yield {"number": 0}
    raise BadInput("prompt_empty")


def broken(given: Any) -> Iterator[Any]:
    yield {"number": 0}
    raise RuntimeError("inner secret")


def away(given: Any) -> Iterator[Any]:
    yield {"number": 0}
    raise HubUnreachable("hub_unreachable", name="org/name")


def endless(given: Any) -> Iterator[Any]:
    try:
        while True:
            passes.append(1)
            yield {"number": len(passes), "padding": "x" * 1000}
    finally:
        closed.set()


STREAMS = {"count": count, "deep/refused": refused, "broken": broken, "away": away, "endless": endless}


def served(**how: Any) -> tuple[gr.Blocks, str]:
    with gr.Blocks() as page:
        gr.Markdown("x")
    page.launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False,
        app_kwargs={"routes": streams.routes(STREAMS)}, **how,
    )  # fmt: skip
    return page, page.local_url


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    page, url = served()
    yield TestClient(page.app, base_url=url)
    page.close()


def lines(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_each_piece_is_a_line(client: TestClient) -> None:
    answer = client.post("/playground/count", json={"to": 3})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [line["number"] for line in lines(answer)] == [0, 1, 2]
    assert lines(answer)[0]["text"] == "你好 👍 ?"  # half a pair has no bytes
    # No cache keeps an answer, and no proxy holds its lines back until the end.
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(("lang", "words"), [("en", "prompt is empty"), ("zh-TW", "提示"), ("zh-CN", "提示")])
def test_a_known_error_is_a_sentence_in_the_readers_language(
    client: TestClient, lang: str, words: str
) -> None:
    answer = client.post("/playground/deep/refused", json={}, headers={"X-Playground-Language": lang})
    first, last = lines(answer)
    assert first == {"number": 0} and words in last["error"].lower()


def test_an_unknown_error_tells_a_number_and_no_more(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    told = lines(client.post("/playground/broken", json={}))[-1]["error"]
    (logged,) = [record.args[0] for record in caplog.records if record.name == "playground"]
    assert "secret" not in told and str(logged) in told


@pytest.mark.parametrize(("name", "again"), [("deep/refused", None), ("broken", True), ("away", True)])
def test_it_says_whether_another_try_may_go_well(client: TestClient, name: str, again: bool | None) -> None:
    assert lines(client.post(f"/playground/{name}", json={}))[-1].get("again") is again


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400), (b"\xff", "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b"{}", "text/plain", 415), (b"{}", "application/x-www-form-urlencoded", 415),
        (b" " * (streams.LARGEST + 1), "application/json", 413),
    ],
)  # fmt: skip
def test_what_is_no_question(client: TestClient, body: bytes, kind: str, status: int) -> None:
    answer = client.post("/playground/count", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status and not answer.text


def test_another_site_may_not_ask(client: TestClient) -> None:
    """Its browser asks first whether JSON is welcome from there; Gradio answers for us too."""
    asked = {
        "Origin": "https://other.example", "Host": "localhost:7860",
        "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type",
    }  # fmt: skip
    answer = client.options("/playground/count", headers=asked)
    assert answer.headers.get("access-control-allow-origin") not in ("*", "https://other.example")


def test_who_leaves_ends_the_work() -> None:
    page, url = served()
    try:
        host = url.removeprefix("http://").strip("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("POST", "/playground/endless", b"{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert json.loads(answer.readline())["number"] == 1
        assert not closed.is_set()
        answer.close()
        connection.close()
        assert closed.wait(30)
        done = len(passes)
        time.sleep(0.3)
        assert len(passes) == done
    finally:
        page.close()


def test_with_a_password_only_who_has_logged_in_is_answered() -> None:
    page, url = served(auth=("playground", "sesame"))
    try:
        client = TestClient(page.app, base_url=url)
        assert client.post("/playground/count", json={"to": 1}).status_code == 401
        client.post("/login", data={"username": "playground", "password": "sesame"})
        assert lines(client.post("/playground/count", json={"to": 1}))[0]["number"] == 0
    finally:
        page.close()
