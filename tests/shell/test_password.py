"""The password: pages by Gradio's login, programs by a bearer token, MCP by either, guesses slowly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gradio_client import Client

from playground.shell import login
from playground.shell.login import Guesses
from tests.app import App, running
from tests.loops import finished

PASSWORD = "open sesame 芝麻"
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    settings = {"PLAYGROUND_PASSWORD": PASSWORD, "PLAYGROUND_OFFLINE": "1"}
    with running(tmp_path_factory.mktemp("login"), settings, "tests/serve.py") as app:
        yield app


def bearer(word: str) -> dict[str, bytes]:
    return {"authorization": b"Bearer " + word.encode()}


def rpc(app: App, body: dict[str, Any], headers: Any) -> httpx.Response:
    more = {"accept": "application/json, text/event-stream"}
    return httpx.post(f"{app.url}gradio_api/mcp/", json=body, headers={**more, **headers}, timeout=60)


def test_without_it_nothing_is_told(app: App) -> None:
    for path in ("gradio_api/mcp/", "gradio_api/mcp/schema"):
        answer = httpx.get(app.url + path)
        assert answer.status_code == 401 and "Bearer" in answer.headers["www-authenticate"], path
    assert rpc(app, HELLO, {}).status_code == 401
    assert httpx.post(f"{app.url}gradio_api/call/models", json={"data": []}).status_code == 401
    assert httpx.post(f"{app.url}playground/chat", json={}).status_code == 401
    assert "PLAYGROUND" not in httpx.get(app.url).text


def test_a_program_with_the_token_is_let_in(app: App) -> None:
    headers = bearer(PASSWORD)
    told = httpx.post(f"{app.url}gradio_api/call/models", json={"data": []}, headers=headers)
    assert told.status_code == 200
    event = told.json()["event_id"]
    lines = httpx.get(f"{app.url}gradio_api/call/models/{event}", headers=headers, timeout=60).text
    assert '"tutor"' in lines


def test_mcp_lists_and_calls_with_the_token(app: App) -> None:
    assert rpc(app, HELLO, bearer(PASSWORD)).status_code == 200
    listing = rpc(app, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, bearer(PASSWORD)).text
    assert "tokenize" in listing
    call = {"name": next(name for name in ("tokenize", "app_tokenize") if f'"{name}"' in listing)}
    call |= {"arguments": {"text": "Hello", "tokenizers": ["byt5"]}}
    told = rpc(
        app, {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call}, bearer(PASSWORD)
    ).text
    assert 'isError\\":true' not in told and '"isError":true' not in told
    assert "byt5" in told


def test_the_client_logs_in(app: App) -> None:
    client = Client(app.url, auth=("playground", PASSWORD), verbose=False, ssl_verify=False)
    (told,) = client.predict("Hi", ["byt5"], api_name="/tokenize")
    assert told["count"] == 3


def test_the_cookie_is_not_sent_from_elsewhere(app: App) -> None:
    answer = httpx.post(f"{app.url}login", data={"username": "playground", "password": PASSWORD})
    assert answer.status_code == 200
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all(cookie.endswith("SameSite=Lax") and "HttpOnly" in cookie for cookie in cookies)


def test_guessing_is_slow_and_ends(app: App) -> None:
    """A thousand a second before; whoever knows it still comes in, from elsewhere."""
    began, statuses = time.monotonic(), []
    with httpx.Client(base_url=app.url, timeout=60) as client:
        for guess in range(login.WRONG + 5):
            tried = {"username": "playground", "password": f"wrong {guess}"}
            statuses.append(client.post("login", data=tried).status_code)
        answer = client.post("login", data={"username": "playground", "password": PASSWORD})
        token = client.get("gradio_api/mcp/schema", headers=bearer("wrong"))
    assert statuses == [400] * login.WRONG + [429] * 5
    assert time.monotonic() - began >= login.WRONG * login.DELAY * 0.9
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) <= login.WINDOW
    assert answer.text.count("\n") == 3  # in every language
    assert token.status_code == 429


def test_guesses_are_forgotten_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(login.time, "monotonic", lambda: now[0])
    guesses = Guesses()
    for _ in range(login.WRONG):
        assert guesses.wait("a") == 0
        guesses.wrong("a")
    assert guesses.wait("a") == round(login.WINDOW) and guesses.wait("b") == 0
    now[0] += login.WINDOW + 1
    assert guesses.wait("a") == 0
    for number in range(login.ADDRESSES + 100):
        guesses.wrong(str(number))
    assert len(guesses._wrong) == login.ADDRESSES


def test_a_burst_of_guesses_at_once_is_counted_one_by_one() -> None:
    tried: list[int] = []

    async def gradio(scope: Any, receive: Any, send: Any) -> None:
        tried.append(1)
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def burst() -> list[int]:
        wall = login.Login(gradio, "x")
        statuses: list[int] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def guess(address: str) -> None:
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/login",
                "headers": [],
                "client": (address, 1),
            }
            await wall(scope, None, send)

        await asyncio.gather(*[guess(f"2001:db8::{number}") for number in range(50)])  # one house
        return statuses

    login_delay, login.DELAY = login.DELAY, 0.0
    try:
        statuses = finished(burst())
    finally:
        login.DELAY = login_delay
    assert len(tried) == login.WRONG and statuses.count(429) == 50 - login.WRONG


def test_behind_a_proxy_its_word_tells_who_guesses() -> None:
    headers = [(b"x-forwarded-for", b"6.6.6.6, 10.1.2.3")]
    scope = {"type": "http", "headers": headers, "client": ("127.0.0.1", 1)}
    assert login.Login(None, "x", proxied=True)._address(scope) == "10.1.2.3"  # type: ignore[arg-type]
    assert login.Login(None, "x")._address(scope) == "127.0.0.1"  # type: ignore[arg-type]
