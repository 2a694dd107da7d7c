"""Who may ask: names, pages and cookies, on the middleware and on the running app."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from playground.settings import Settings, read
from playground.shell.access import Access, Hosts, hostname, hosts, same
from tests.app import App, running


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:7860", "127.0.0.1", "127.0.0.1:7860", "127.9.9.9", "[::1]", "[::1]:7860",
     "app.localhost", "localhost."],
)  # fmt: skip
def test_loopback_is_always_known(host: str) -> None:
    assert Hosts().know(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example", "", "10.0.0.7",
     "localhost@evil.example", "evil.example/localhost", "evil.example#localhost", "[::1", "xn--localhost",
     "2130706433", "localhost,evil.example", "127.0.0.1 evil.example"],
)  # fmt: skip
def test_others_are_not(host: str) -> None:
    assert not Hosts().know(host)


def test_a_network_answers_to_numbers_and_to_its_own_names_and_to_those_given(monkeypatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Teacher-PC")
    wide = hosts(Settings(host="0.0.0.0", allow_host="llm.school.edu, *.lab.school.edu"))
    for known in ("10.0.0.7:7860", "[fe80::1]", "teacher-pc", "teacher-pc.local", "llm.school.edu",
                  "a.lab.school.edu"):  # fmt: skip
        assert wide.know(known), known
    for unknown in ("evil.example", "lab.school.edu.evil.example", "school.edu", "xlab.school.edu"):
        assert not wide.know(unknown), unknown
    assert hosts(Settings(host="192.168.1.5")).know("192.168.1.5:7860")
    space = read([], {"SPACE_ID": "a/b", "SPACE_HOST": "a-b.hf.space"})
    assert hosts(space).know("a-b.hf.space") and not hosts(space).know("evil.example")
    shared = hosts(Settings(share=True))
    assert not shared.know("abc.gradio.live")
    shared.add("https://abc.gradio.live/")
    assert shared.know("abc.gradio.live")


@pytest.mark.parametrize(
    ("origin", "host", "is_same"),
    [
        ("http://localhost:7860", "localhost:7860", True), ("https://a.hf.space", "a.hf.space", True),
        ("http://localhost:7861", "localhost:7860", False), ("null", "localhost:7860", False),
        ("https://evil.example", "a.hf.space", False),
        ("https://a.hf.space.evil.example", "a.hf.space", False),
        ("https://a.hf.space:443", "a.hf.space", True), ("file://", "localhost", False),
        ("http://localhost:x", "localhost", False), ("", "localhost", False),
        ("http://[::1]:7860", "[::1]:7860", True), ("chrome-extension://abc", "localhost", False),
    ],
)  # fmt: skip
def test_a_page_of_ones_own(origin: str, host: str, is_same: bool) -> None:
    assert same(origin, host) is is_same


def test_nonsense_names_nothing() -> None:
    assert [hostname(each) for each in ("a b", "a/b", "[::1", "\\evil", "a@b")] == [""] * 5


# ---- the middleware ----


def client(**how: Any) -> TestClient:
    async def echo(request: Request) -> JSONResponse:
        answer = JSONResponse(
            {"cookies": request.cookies, "forwarded": request.headers.get("x-forwarded-host")}
        )
        answer.set_cookie("access-token-x", "1", samesite="none", secure=True, httponly=True)
        return answer

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse("<p>hello")

    async def socket(websocket: Any) -> None:
        await websocket.accept()
        await websocket.close()

    from starlette.routing import WebSocketRoute

    routes = [
        Route("/gradio_api/call/tokenize", echo, methods=["GET", "POST"]),
        Route("/login", echo, methods=["POST"]), Route("/page", page), WebSocketRoute("/socket", socket),
        Route("/gradio_api/mcp/", echo, methods=["GET", "POST"]),
    ]  # fmt: skip
    how.setdefault("hosts", Hosts())
    app = Starlette(routes=routes, middleware=[Middleware(Access, **how)])
    return TestClient(app, base_url="http://localhost:7860")


ASK = "/gradio_api/call/tokenize"


def test_an_unknown_name_is_refused_and_told_of_the_flag() -> None:
    answer = client().get("/page", headers={"host": "evil.example"})
    assert answer.status_code == 403 and "--allow-host evil.example" in answer.text
    assert answer.text.count("\n") == 3  # in every language
    assert client().post(ASK, headers={"host": "evil.example"}).status_code == 403
    assert client().get("/page", headers={"host": "<b>.example"}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client().websocket_connect("/socket", headers={"host": "evil.example"}),
    ):
        pass


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:7861", "file://"])
def test_a_foreign_page_may_change_nothing(origin: str) -> None:
    private = client()
    for path in (ASK, "/login", "/gradio_api/mcp/"):
        assert private.post(path, headers={"origin": origin}).status_code == 403
    assert private.get("/gradio_api/mcp/", headers={"origin": origin}).status_code == 403
    read_only = private.get("/page", headers={"origin": origin})
    assert read_only.status_code == 200  # and the browser gives it to nobody:
    assert not any(name.startswith("access-control") for name in read_only.headers)
    asked = {"origin": origin, "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in private.options(ASK, headers=asked).headers


def test_programs_and_the_own_page_may() -> None:
    assert client().post(ASK).status_code == 200
    assert client().post(ASK, headers={"origin": "http://localhost:7860"}).status_code == 200


def test_a_public_server_answers_other_sites_without_cookies() -> None:
    public = client(anyone=True)
    for origin in ("https://evil.example", "null"):
        public.cookies.set("access-token-x", "secret")
        answer = public.post(ASK, headers={"origin": origin})
        assert answer.status_code == 200 and answer.json()["cookies"] == {}
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        asked = {"origin": origin, "access-control-request-method": "POST"}
        flight = public.options(ASK, headers=asked | {"access-control-request-headers": "content-type"})
        assert flight.status_code == 204 and flight.headers["access-control-allow-origin"] == "*"
        assert public.post("/login", headers={"origin": origin}).status_code == 403


def test_cookies_and_headers() -> None:
    (told,) = client().post("/login").headers.get_list("set-cookie")
    assert told.endswith("; SameSite=Lax") and "none" not in told.lower()
    (framed,) = client(framed=True).post("/login").headers.get_list("set-cookie")
    assert framed.endswith("; SameSite=None; Secure") and framed.lower().count("secure") == 1
    page = client().get("/page").headers
    assert page["x-content-type-options"] == "nosniff" and page["referrer-policy"] == "same-origin"
    assert page["content-security-policy"] == "default-src 'none'"


def test_a_proxys_word_counts_only_where_there_is_one() -> None:
    told = {"x-forwarded-host": "llm.school.edu", "host": "localhost:7860"}
    assert client().get(ASK, headers=told).json()["forwarded"] is None
    behind = client(proxied=True, hosts=Hosts(["llm.school.edu"]))
    assert behind.get(ASK, headers=told).json()["forwarded"] == "llm.school.edu"
    assert behind.get(ASK, headers=told | {"x-forwarded-host": "evil.example"}).status_code == 403
    own = told | {"origin": "https://llm.school.edu"}
    assert behind.post(ASK, headers=own).status_code == 200


# ---- the running app ----


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("access"), {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py") as app:
        yield app


def asked(
    app: App, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], str]:
    where = urlsplit(app.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    connection.putrequest(method, path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    told = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, told


PLACES = [
    ("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/queue/join"), ("POST", "/gradio_api/call/models"),
    ("POST", "/gradio_api/upload"), ("GET", "/gradio_api/mcp/"), ("POST", "/gradio_api/mcp/"),
    ("POST", "/playground/chat"), ("GET", "/gradio_api/queue/data?session_hash=x"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_by_another_name_the_app_answers_nothing(served: App, method: str, path: str) -> None:
    status, headers, told = asked(served, method, path, host="evil.example")
    assert status == 403 and "--allow-host" in told
    assert not any(name.startswith("access-control") for name in headers)


@pytest.mark.parametrize(("method", "path"), [each for each in PLACES if each[0] == "POST"])
def test_a_foreign_page_asks_the_app_in_vain(served: App, method: str, path: str) -> None:
    body = json.dumps({"data": []}).encode()
    for origin in ("https://evil.example", "null"):
        status, headers, _ = asked(served, method, path, body, origin=origin, content_type="application/json")
        assert status == 403
        assert "access-control-allow-origin" not in headers
        assert "access-control-allow-credentials" not in headers


def test_the_page_says_what_it_runs_and_every_answer_that_it_is_what_it_says(served: App) -> None:
    page = httpx.get(served.url)
    rules = page.headers["content-security-policy"]
    scripts = rules.partition(";")[0]
    assert scripts.startswith("script-src 'self' 'unsafe-eval' 'sha256-") and "unsafe-inline" not in scripts
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in rules
    for path in ("", "config", "theme.css", "gradio_api/info", "nowhere"):
        answer = httpx.get(served.url + path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "same-origin", path


def test_a_network_without_a_word_of_strangers_is_warned_of(tmp_path: Path) -> None:
    settings = {"PLAYGROUND_HOST": "0.0.0.0", "PLAYGROUND_OFFLINE": "1", "LANG": "en_US.UTF-8"}
    with running(tmp_path, settings, "tests/serve.py") as app:
        assert "Everyone who reaches 0.0.0.0" in app.log()
        for flag in ("public", "class_mode", "password"):
            said: dict[str, Any] = {"host": "0.0.0.0", flag: "x" if flag == "password" else True}
            assert not Settings(**said).open_network
        assert not Settings().open_network
        assert httpx.post(f"{app.url}gradio_api/call/models", json={"data": []}).status_code == 200


def test_who_is_anonymous_and_who_has_the_owners_powers() -> None:
    assert not Settings().anonymous and Settings().visitors_own
    for host in ("0.0.0.0", "192.168.1.5", "::", "teacher-pc"):
        assert Settings(host=host).anonymous and not Settings(host=host).visitors_own
    for host in ("127.0.0.2", "::1", "localhost"):
        assert not Settings(host=host).anonymous
    assert Settings(share=True).anonymous and Settings(public=True).anonymous
    assert Settings(host="0.0.0.0", password="x").anonymous
    assert Settings(host="0.0.0.0", password="x").visitors_own
    assert not Settings(host="0.0.0.0", password="x", class_mode=True).visitors_own
