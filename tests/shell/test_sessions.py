"""What the server keeps of those who were here: of programs nothing, of pages what an answer changed."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import gradio as gr
import psutil
import pytest
from starlette.middleware import Middleware

from playground.errors import TookTooLong
from playground.shell import limits, sessions
from playground.system import cancellation
from playground.ui import disconnects, visitor
from playground.ui.visitor import guard
from tests.app import App, free_port
from tests.app_fixture import app  # noqa: F401
from tests.waiting import until

PLAIN = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(url: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json", **headers})
    with PLAIN.open(request, timeout=60) as answer:
        return json.loads(answer.read())


def read(url: str) -> str:
    with PLAIN.open(url, timeout=60) as answer:
        return str(answer.read().decode())


def call(url: str, name: str, *data: Any) -> str:
    event = post(f"{url}gradio_api/call/{name}", {"data": list(data)})["event_id"]
    return read(f"{url}gradio_api/call/{name}/{event}")


def asked(url: str, number: int, session: str, *data: Any) -> str:
    """One event as a page or ``gradio_client`` asks for it."""
    post(f"{url}gradio_api/queue/join", {"data": list(data), "fn_index": number, "session_hash": session})
    return read(f"{url}gradio_api/queue/data?session_hash={session}")


def lower(text: str) -> str:
    return text.lower()


class Served:
    """A small page in this process, with our middleware."""

    def __init__(self) -> None:
        self.working, self.ended, self.count = threading.Event(), threading.Event(), 0
        with gr.Blocks() as self.page:
            menu, told = gr.Dropdown(["a"]), gr.Textbox()
            more = gr.Button()
            menu.input(lambda value: f"chosen {value}", menu, told, api_visibility="private")
            more.click(lambda: gr.Dropdown(["a", "b"]), None, menu, api_visibility="private")
            gr.api(guard(self.long), api_name="long", concurrency_limit=8)
            gr.api(lower, api_name="lower")
        self.choose, self.widen = list(self.page.fns)[:2]

    def long(self, seconds: float) -> str:
        self.working.set()
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                cancellation.check()
                time.sleep(0.01)
                self.count += 1
            return "done"
        finally:
            self.ended.set()

    @property
    def holder(self) -> sessions.Sessions:
        found = self.page.app.state_holder
        assert isinstance(found, sessions.Sessions)
        return found


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    made.page.launch(
        server_port=free_port(), prevent_thread_lock=True, quiet=True, footer_links=[], run_history=False,
        app_kwargs={"middleware": [Middleware(limits.Limits), Middleware(sessions.Light)]},
    )  # fmt: skip
    made.url = made.page.local_url
    try:
        yield made
    finally:
        made.page.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="reads another process's memory")
@pytest.mark.parametrize("how", ["calls", "sessions of their own", "calls that fail"])
def test_a_hundred_calls_leave_nothing(app: App, how: str) -> None:  # noqa: F811
    """1.2 MB each before."""
    config = json.loads(read(f"{app.url}config"))
    number = next(each["id"] for each in config["dependencies"] if each["api_name"] == "tokenize")
    work: dict[str, Callable[[], str]] = {
        "calls": lambda: call(app.url, "tokenize", "Hello", ["tutor"], True),
        "sessions of their own": lambda: asked(
            app.url, number, uuid.uuid4().hex, "Hello", ["tutor"], True
        ),
        "calls that fail": lambda: call(app.url, "tokenize", 7, ["tutor"], True),
    }  # fmt: skip
    memory = psutil.Process(app.pid).memory_info
    for _ in range(10):
        work[how]()
    before = memory().rss
    for _ in range(100):
        work[how]()
    assert memory().rss - before < 25 * 2**20, "120 MB before"


def test_a_page_keeps_its_changed_menu(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    page, other = uuid.uuid4().hex, uuid.uuid4().hex
    assert "not in the list of choices" in asked(served.url, served.choose, page, "b")
    asked(served.url, served.widen, page)
    for number in range(30):
        call(served.url, "lower", "ABC")
        asked(served.url, served.choose, uuid.uuid4().hex, "a")
        if number % 10 == 0:
            assert "chosen b" in asked(served.url, served.choose, page, "b")
    assert "not in the list of choices" in asked(served.url, served.choose, other, "b")
    assert list(served.holder.session_data) == [page]
    queue = served.page._queue

    def swept() -> bool:  # an event goes a moment after its answer
        call(served.url, "lower", "ABC")
        return len(queue.pending_messages_per_session) <= 1 >= len(queue.pending_event_ids_session)

    assert page in queue.pending_messages_per_session, "it may be about to listen again"
    monkeypatch.setattr(sessions, "IDLE", -1.0)
    until(swept)


def test_a_stream_that_opens_late_finds_its_session(served: Served) -> None:
    """A page that asks while the stream of its last answer ends gets the new one there, and listens anew."""
    asked(served.url, served.choose, "late", "a")
    host, port = "127.0.0.1", int(served.url.rstrip("/").rpartition(":")[2])
    with closing(socket.create_connection((host, port))) as stream:
        path = "/gradio_api/queue/data?session_hash=late"
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        stream.settimeout(1)
        told = b""
        with suppress(TimeoutError):
            while piece := stream.recv(1000):
                told += piece
    assert b"200" in told[:20] and b"not_found" not in told


def test_two_events_of_a_page_at_once_share_its_session() -> None:
    with gr.Blocks() as page:
        menu, other = gr.Dropdown(["a"]), gr.Dropdown(["a"])
    holder = sessions.Sessions()
    holder.set_blocks(page)
    one, two = holder["page"], holder["page"]
    assert one is two and "page" not in holder
    one[menu._id], two[other._id] = gr.Dropdown(["b"], render=False), gr.Dropdown(["c"], render=False)
    del one, two
    assert holder["page"][menu._id].choices == [("b", "b")]
    assert holder["page"][other._id].choices == [("c", "c")]
    assert page.blocks[menu._id].choices == [("a", "a")], "as it was built"


def test_the_newest_pages_are_kept() -> None:
    with gr.Blocks() as page:
        menu = gr.Dropdown(["a"])
    page.state_session_capacity = 3
    holder = sessions.Sessions()
    holder.set_blocks(page)
    for name in "abcd":
        holder[name][menu._id] = gr.Dropdown([name], render=False)
        assert holder["a"] is not None  # used, so that it is never the oldest
    assert list(holder.session_data) == ["c", "d", "a"]


def test_answers_that_nobody_fetches_go(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "UNFETCHED", 5)
    monkeypatch.setattr(sessions, "SWEEP", 0.0)
    for _ in range(30):
        post(f"{served.url}gradio_api/call/lower", {"data": ["ABC" * 100]})
    queue = served.page._queue

    def few() -> bool:
        call(served.url, "lower", "A")
        return len(queue.pending_messages_per_session) <= 5 >= len(queue.pending_event_ids_session)

    until(few)
    event = post(f"{served.url}gradio_api/call/lower", {"data": ["LATE"]})["event_id"]
    time.sleep(0.3)
    assert "late" in read(f"{served.url}gradio_api/call/lower/{event}"), "who comes late still gets it"
    monkeypatch.setattr(sessions, "FETCHED_LATE", -1.0)

    def none() -> bool:
        call(served.url, "lower", "A")
        return len(queue.pending_messages_per_session) <= 1 >= len(queue.pending_event_ids_session)

    until(none)


@pytest.mark.parametrize("way", ["call", "page"])
def test_work_ends_when_its_asker_leaves(served: Served, way: str) -> None:
    host, port = "127.0.0.1", int(served.url.rstrip("/").rpartition(":")[2])
    if way == "call":
        event = post(f"{served.url}gradio_api/call/long", {"data": [60]})["event_id"]
        path = f"/gradio_api/call/long/{event}"
    else:
        number = next(id for id, fn in served.page.fns.items() if fn.api_name == "long")
        body = {"data": [60], "fn_index": number, "session_hash": "of-a-page"}
        post(f"{served.url}gradio_api/queue/join", body)
        path = "/gradio_api/queue/data?session_hash=of-a-page"
    with closing(socket.create_connection((host, port))) as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        assert stream.recv(100).startswith(b"HTTP/1.1 200")
        assert served.working.wait(20)
        time.sleep(0.2)
        assert not served.ended.is_set(), "as long as somebody listens it goes on"
    assert served.ended.wait(20)
    if way == "page":  # and who comes back is served
        served.ended.clear()
        post(f"{served.url}gradio_api/queue/join", {**body, "data": [0.1]})
        assert "done" in read(f"{served.url}{path[1:]}")


def test_work_ends_at_its_longest(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "LONGEST_ANSWER", 0.3)
    told = call(served.url, "long", 60)
    assert "event: error" in told and "was stopped" in told and served.count < 100


def test_the_guard_tells_too_long_from_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(leaves: bool) -> str:
        if leaves:
            disconnects.left("somebody")
        cancellation.check()
        return "done"

    monkeypatch.setattr(visitor, "page", lambda: "somebody")
    assert guard(work)(False) == "done"
    with pytest.raises(gr.Error) as caught:
        guard(work)(True)
    assert str(caught.value.message) == ""
    assert guard(work)(False) == "done", "who left before is not taken for gone"
    monkeypatch.setattr(visitor, "LONGEST_ANSWER", -1.0)
    with pytest.raises(gr.Error, match="was stopped") as caught:
        guard(work)(False)
    assert isinstance(caught.value.__cause__, TookTooLong)


def test_who_left_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnects, "MOST", 3)
    for name in "abcdea":
        disconnects.left(name)
    assert [disconnects.departures(name) for name in "abcde"] == [1, 0, 0, 1, 1]
    assert disconnects.departures("") == 0
