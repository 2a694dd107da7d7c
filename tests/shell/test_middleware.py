"""The middleware: on a small Starlette app, where every answer is ours, and under a real Gradio."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import brotli  # type: ignore[import-untyped]
import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from playground import ASSETS
from playground.settings import Settings
from playground.shell import middleware, scripts
from tests.loops import finished

PAGE = "<!doctype html><html><head><meta charset='utf-8'></head><body>" + "字 text " * 500
SCRIPT = "let answer = 42;\n" * 500
ASSET = "/assets/index-DphvyggB.js"
IMMUTABLE = "public, max-age=31536000, immutable"
PAGE_VARIES = "Accept-Language, Cookie, Accept-Encoding"

calls: list[str] = []


async def page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def asset(request: Request) -> Response:
    calls.append(request.url.path)
    return Response(SCRIPT, media_type="application/javascript")


async def missing(request: Request) -> Response:
    return HTMLResponse("<html><head></head>no</html>", status_code=404)


async def json_(request: Request) -> Response:
    return JSONResponse({"word": "x" * 5000})


async def download(request: Request) -> Response:
    return HTMLResponse(PAGE, headers={"Content-Disposition": "attachment; filename=page.html"})


async def uploaded(request: Request) -> Response:
    return HTMLResponse(PAGE)


def application(tmp_path: Path, default: str = "") -> Starlette:
    (tmp_path / "font.woff2").write_bytes(os.urandom(4000))

    async def font(request: Request) -> Response:
        return FileResponse(tmp_path / "font.woff2", media_type="font/woff2")

    routes = [
        Route("/", page),
        Route("/gradio_api/file=/home/assets/page-abcdefgh.html", uploaded),
        Route("/assets/{name}", asset),
        Route("/static/js/plain.js", asset),
        Route("/static/fonts/{name}", font),
        Route("/missing", missing),
        Route("/json", json_),
        Route("/download", download),
    ]
    return Starlette(routes=routes, middleware=middleware.middleware(Settings(lang=default)))


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    calls.clear()
    return TestClient(application(tmp_path))


def raw(client: TestClient, url: str, **headers: str) -> tuple[Mapping[str, str], bytes]:
    """An answer with its body as it was on the wire."""
    with client.stream("GET", url, headers=headers) as response:
        return response.headers, b"".join(response.iter_raw())


def unpack(body: bytes, encoding: str | None) -> str:
    if encoding == "br":
        body = brotli.decompress(body)
    elif encoding == "gzip":
        body = gzip.decompress(body)
    return body.decode()


# ---- negotiation ----


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.5, gzip; q=0.8", "gzip"),
        ("br;q=0,gzip;q=0", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("br;q=0, *", "gzip"),
        ("BR", "br"),
        ("identity", ""),
        ("", ""),
        ("brotli, br;q=oops", ""),
    ],
)
def test_the_better_allowed_encoding_is_chosen(accept: str, encoding: str) -> None:
    assert middleware.negotiate(accept) == encoding


@pytest.mark.parametrize("url", ["/", ASSET, "/static/js/plain.js"])
@pytest.mark.parametrize("accept", ["br", "gzip", "identity"])
def test_bodies_survive_compression(client: TestClient, url: str, accept: str) -> None:
    for _ in range(2):  # the second one comes from memory
        headers, body = raw(client, url, **{"Accept-Encoding": accept})
        encoding = headers.get("content-encoding")
        assert encoding == (None if accept == "identity" else accept)
        assert headers["vary"] == (PAGE_VARIES if url == "/" else "Accept-Encoding")
        assert int(headers["content-length"]) == len(body)
        plain = unpack(body, encoding)
        assert plain.endswith(PAGE[-500:]) if url == "/" else plain == SCRIPT
        if encoding:
            assert len(body) < len(plain) / 3


# ---- the page ----


def test_the_script_stands_right_after_head(client: TestClient) -> None:
    html = client.get("/").text
    before, after = html.split("<head>", maxsplit=1)
    assert before == "<!doctype html><html>"
    assert after.startswith('<script>window.playground = {"lang": "en", ')
    assert "</script><style>/* All colours" in html
    assert (
        f'</style><meta charset=\'utf-8\'><link rel="stylesheet" href="{scripts.sheet()[0]}"></head>' in html
    )


def test_a_head_with_attributes_is_found_and_a_header_is_not() -> None:
    assert middleware.HEAD.search(b'<header><HEAD lang="en" >x')[0] == b'<HEAD lang="en" >'  # type: ignore[index]


def test_page_headers(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["cache-control"] == "no-cache"
    rules = headers["content-security-policy"]
    assert "https://*.hf.space" in rules.partition("frame-ancestors")[2]  # a Space is a frame
    assert rules.startswith("script-src 'self' 'unsafe-eval' 'sha256-")


def test_the_config_cannot_leave_its_script_tag() -> None:
    tag = middleware.script({"lang": "</script><script>alert(1)</script><!--"}).decode()
    assert tag.count("<script") == tag.count("</script") == 1
    assert tag.endswith("</script>")
    assert "<!--" not in tag


def test_the_source_of_the_script_fits_into_a_tag() -> None:
    source = (ASSETS / "shell" / "head.js").read_text(encoding="utf-8")
    assert source.isascii()  # it stands before the page's <meta charset>
    assert "</script" not in source.lower()
    assert "<!--" not in source
    assert middleware.LANGUAGE_HEADER in source


@pytest.mark.parametrize(("owner", "lang"), [("", "en"), ("zh-HK", "zh-TW"), ("en", "en"), ("fr", "en")])
def test_the_owners_language_arrives_as_one_of_ours(tmp_path: Path, owner: str, lang: str) -> None:
    html = TestClient(application(tmp_path, owner)).get("/").text
    assert f'window.playground = {{"lang": "{lang}", ' in html


def test_an_unchanged_page_costs_a_304(client: TestClient) -> None:
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == "no-cache"
    assert again.headers["vary"] == PAGE_VARIES
    assert "content-encoding" not in again.headers
    assert client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_says_what_get_would(client: TestClient) -> None:
    for accept in ("br", "gzip", "identity"):
        get = client.get("/", headers={"Accept-Encoding": accept})
        head = client.head("/", headers={"Accept-Encoding": accept})
        assert head.content == b""
        assert dict(head.headers) == dict(get.headers)


# ---- assets ----


def test_only_a_hash_in_the_name_makes_a_file_immutable(client: TestClient) -> None:
    assert client.get(ASSET).headers["cache-control"] == IMMUTABLE
    assert client.get("/static/js/plain.js").headers["cache-control"] == "public, max-age=86400"
    assert client.get("/assets/plain.js").headers.get("cache-control") is None
    assert client.get("/static/fonts/a.woff2").headers["cache-control"] == "public, max-age=86400"


def test_every_asset_of_gradio_is_known_by_its_hash() -> None:
    folder = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    names = [path.name for path in folder.iterdir()]
    assert len(names) > 100
    assert [name for name in names if not middleware.HASHED.search(f"/assets/{name}")] == []


def test_an_asset_is_read_and_compressed_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[str] = []
    plain = middleware.compress

    def counting(body: bytes, encoding: str) -> bytes:
        compressed.append(encoding)
        return plain(body, encoding)

    monkeypatch.setattr(middleware, "compress", counting)
    for accept in ("br", "gzip", "br", "gzip", "br"):
        client.get(ASSET, headers={"Accept-Encoding": accept})
    assert compressed == ["br", "gzip"]
    assert calls == [ASSET, ASSET]


def test_a_held_asset_answers_304(client: TestClient) -> None:
    etag = client.get(ASSET).headers["etag"]
    again = client.get(ASSET, headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == IMMUTABLE


def test_ranges_pass_untouched(client: TestClient) -> None:
    client.get(ASSET)
    for url in ("/", ASSET):
        response = client.get(url, headers={"Range": "bytes=0-9"})
        assert response.text in (PAGE, SCRIPT)
        assert "content-encoding" not in response.headers
    part = client.get("/static/fonts/a.woff2", headers={"Range": "bytes=0-9"})
    assert (part.status_code, len(part.content)) == (206, 10)


# ---- what is left alone ----


@pytest.mark.parametrize(
    "url",
    ["/json", "/download", "/missing", "/gradio_api/file=/home/assets/page-abcdefgh.html"],
)
def test_other_answers_are_left_alone(client: TestClient, tmp_path: Path, url: str) -> None:
    app = application(tmp_path)
    app.user_middleware.clear()
    bare = TestClient(app).get(url)
    ours = client.get(url)
    assert (ours.status_code, ours.content) == (bare.status_code, bare.content)
    assert dict(ours.headers) == dict(bare.headers)


def test_other_methods_are_left_alone(tmp_path: Path) -> None:
    async def echo(request: Request) -> Response:
        return HTMLResponse(b"<head></head>" + await request.body())

    app = Starlette(routes=[Route("/", echo, methods=["POST"])], middleware=middleware.middleware(Settings()))
    assert TestClient(app).post("/", content=b"up").text == "<head></head>up"


async def drive(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """All messages that an app sends, at the server's end."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def get(path: str, **more: Any) -> dict[str, Any]:
    headers = [(b"accept-encoding", b"br")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    return {**scope, **more}


@pytest.mark.parametrize("path", ["/gradio_api/queue/data", "/events", "/static/events"])
def test_an_event_stream_arrives_event_by_event(path: str) -> None:
    seen: list[int] = []
    sent: list[Any] = []

    async def events() -> Any:
        for event in range(3):
            seen.append(len([m for m in sent if m["type"] == "http.response.body"]))
            yield f"data: {event}\n\n" + "x" * 1000

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.sleep(3600)

    stack = middleware.Web(StreamingResponse(events(), media_type="text/event-stream"))
    finished(stack(get(path), receive, send))
    assert seen == [0, 1, 2]  # each was sent before the next was made
    assert not {b"content-encoding", b"content-length"} & {name for name, _ in sent[0]["headers"]}


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_scopes_pass_as_they_are(kind: str) -> None:
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.extend([scope, receive, send])

    scope, receive, send = {"type": kind}, object(), object()
    finished(middleware.Web(app)(scope, receive, send))  # type: ignore[arg-type]
    assert given == [scope, receive, send]


def test_what_is_too_large_or_comes_another_way_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "LARGEST", 10)
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"text/html")],
    }

    def app(*messages: dict[str, Any]) -> Any:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            for message in ({**start}, *messages):
                await send(message)

        return middleware.Web(run)

    parts = [b"<head>", b"123456", b"7"]
    bodies = [{"type": "http.response.body", "body": part, "more_body": part != b"7"} for part in parts]
    sent = finished(drive(app(*bodies), get("/")))
    assert [m.get("body") for m in sent] == [None, b"<head>123456", b"7"]
    assert [m.get("more_body") for m in sent] == [None, True, False]

    by_path = {"type": "http.response.pathsend", "path": "/x"}
    sent = finished(drive(app(by_path), get("/")))
    assert [m["type"] for m in sent] == ["http.response.start", "http.response.pathsend"]


def test_head_without_a_body_does_not_guess_a_length() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-length", b"5000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    sent = finished(drive(middleware.Web(app), get("/", method="HEAD")))
    assert b"content-length" not in dict(sent[0]["headers"])
    assert sent[1].get("body", b"") == b""


def test_what_an_outer_middleware_adds_to_one_answer_is_not_in_the_next(tmp_path: Path) -> None:
    app = application(tmp_path)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        async def adding(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-visitor", b"me"))
            await send(message)

        await app(scope, receive, adding)

    for _ in range(3):
        sent = finished(drive(outer, get(ASSET)))
        assert [name for name, _ in sent[0]["headers"]].count(b"x-visitor") == 1


def test_it_works_below_a_root_path(tmp_path: Path) -> None:
    outer = Starlette(routes=[Mount("/spaces/me", application(tmp_path))])
    client = TestClient(outer)
    assert "window.playground" in client.get("/spaces/me/").text
    for _ in range(2):
        assert client.get(f"/spaces/me{ASSET}").headers["cache-control"] == IMMUTABLE


def test_a_theme_is_immutable_only_under_the_hash_of_its_content(tmp_path: Path) -> None:
    import hashlib

    css = ":root { --space: 1px }\n" * 100

    async def theme(request: Request) -> Response:
        return PlainTextResponse(css, media_type="text/css")

    app = Starlette(routes=[Route("/theme.css", theme)], middleware=middleware.middleware(Settings()))
    client = TestClient(app)
    digest = hashlib.sha256(css.encode()).hexdigest()
    assert client.get(f"/theme.css?v={digest}").headers["cache-control"] == IMMUTABLE
    assert client.get("/theme.css?v=0").headers["cache-control"] == "no-cache"
    assert client.get("/theme.css").headers["cache-control"] == "no-cache"


# ---- a real Gradio ----


@pytest.fixture(scope="module", params=["", "/spaces/me"])
def gradio_app(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with gr.Blocks() as demo:
        box = gr.Textbox(label="word")
        box.submit(lambda word: word * 2, box, box, api_name="double")
    _, url, _ = demo.launch(
        prevent_thread_lock=True,
        quiet=True,
        root_path=request.param,
        app_kwargs={"middleware": middleware.middleware(Settings(lang="zh-TW"))},
    )
    with httpx.Client(base_url=url, trust_env=False) as client:
        client.headers["Accept-Encoding"] = "br, gzip"
        yield client
    demo.close()


def test_gradios_page_and_its_assets(gradio_app: httpx.Client) -> None:
    first = gradio_app.get("/")
    assert '<head><script>window.playground = {"lang": "zh-TW", ' in first.text
    assert "charset=utf-8" in first.headers["content-type"]
    assert first.headers["content-encoding"] == "br"
    assert int(first.headers["content-length"]) == first.num_bytes_downloaded
    assert gradio_app.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    head = gradio_app.head("/")
    assert head.headers["content-length"] == first.headers["content-length"]
    paths = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', first.text)
    assert len(paths) >= 2
    for path in paths:
        for accept in ("br", "gzip", "identity", "br"):
            answer = gradio_app.get(path, headers={"Accept-Encoding": accept})
            assert answer.headers["cache-control"] == IMMUTABLE
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers.get("content-encoding", "identity") == accept
            assert len(answer.content) > 1000
    theme = re.search(r'"theme_hash": ?"(\w+)"', first.text)
    assert theme
    answer = gradio_app.get(f"/theme.css?v={theme[1]}")
    assert answer.headers["cache-control"] == IMMUTABLE


def test_gradios_api_is_as_without_us(gradio_app: httpx.Client) -> None:
    call = gradio_app.post("/gradio_api/call/double", json={"data": ["ab"]}).json()
    with gradio_app.stream("GET", f"/gradio_api/call/double/{call['event_id']}") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in stream.headers
        assert '["abab"]' in stream.read().decode()
    files = gradio_app.post(
        "/gradio_api/upload", files={"files": ("page.html", b"<head></head>" * 100, "text/html")}
    ).json()
    back = gradio_app.get(f"/gradio_api/file={files[0]}")
    assert back.content == b"<head></head>" * 100
    assert "content-disposition" in back.headers
