"""What stands between Gradio and the browser: the language first, and everything small and kept.

``demo.launch(app_kwargs={"middleware": middleware(settings)})``

* Every page is sent in one language (`playground.shell.first_page`), and gets ``assets/shell/head.js`` right
  after ``<head>``: it settles language and theme before Gradio starts, and tells the server the language by
  the header ``LANGUAGE_HEADER``. Behind it stand ``assets/shell/colours.css``, and the page's own scripts and
  style sheets as files (`playground.shell.scripts`). What may run is said in its header (`policy`).
* Pages, scripts and styles are made and compressed once and held in memory. A browser keeps for good what
  has its content's hash in its name, and asks again for the rest, which costs a 304.
  (brotli-asgi and StaticFiles, which hold nothing, take 450 to 700 ms of CPU for the 90 files of a first
  visit, each time; this takes 700 ms for the first visitor and 6 ms for each other one.)
* All else (event streams, uploads, downloads, websockets, ranges) passes as if this were not here.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence

import anyio.to_thread
import brotli  # type: ignore[import-untyped]
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground import ASSETS
from playground.settings import Settings
from playground.shell import first_page, limits, scripts, sessions
from playground.shell.access import API
from playground.shell.login import Login
from playground.shell.policy import policy
from playground.system.lru import LRU

Answer = tuple[list[tuple[bytes, bytes]], bytes]
"""Headers and body."""
LANGUAGE_HEADER = "X-Playground-Language"

HASHED = re.compile(r"/assets/[^/]+-[\w-]{8}\d*\.(?:js|css|svg|ttf|woff2?)$")
OTHERS = re.compile(r"/static/|/theme\.css$")  # no hash in the name
HEAD = re.compile(rb"<head(?:\s[^>]*)?>", re.IGNORECASE)
HEAD_END = re.compile(rb"</head\s*>", re.IGNORECASE)
COMPRESSIBLE = ("text/html", "text/css", "javascript", "image/svg", "font/ttf")

FOR_GOOD = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
ASK_AGAIN = "no-cache"

HELD_BYTES = 32 << 20  # all of Gradio's front end, by brotli, is 7 MB
PAGES_BYTES = 8 << 20  # one page in one language for one address is 50 KB
LARGEST = 8 << 20  # of one body; the largest asset, plotly, is 4.6 MB
SMALLEST = 400  # below, the headers weigh more than what compression saves


def middleware(settings: Settings) -> list[Middleware]:
    """What ``launch`` takes as ``app_kwargs={"middleware": ...}``."""
    login = [Middleware(Login, password=settings.password, proxied=settings.proxied)]
    # Strangers' requests are to be smaller.
    largest = limits.LARGEST_PUBLIC if settings.public else limits.LARGEST
    return [
        *(login if settings.password else ()),
        Middleware(limits.Limits, largest=largest),
        Middleware(sessions.Light),
        Middleware(Web, lang=settings.lang, framing=settings.framing),
        Middleware(ForPrograms),
    ]


@functools.cache
def heads(lang: str) -> tuple[bytes, bytes]:
    """What stands first and last in the head of a page in one language."""
    return script(scripts.told(lang)) + scripts.tag() + colours(), scripts.sheet_tag()


def colours() -> bytes:
    """The style tag after it: by these variables Gradio's own first lines paint the page."""
    return f"<style>{(ASSETS / 'shell' / 'colours.css').read_text(encoding='utf-8')}</style>".encode()


def script(config: Mapping[str, object]) -> bytes:
    """The script tag that stands right after ``<head>``."""
    # "<" only as \u003c: a string with "</script>" in it would end the tag.
    values = json.dumps(config).replace("<", "\\u003c")
    source = (ASSETS / "shell" / "head.js").read_text(encoding="utf-8")
    return f"<script>window.playground = {values};\n{source}</script>".encode()


def negotiate(accept: str) -> str:
    """The better of ``br`` and ``gzip`` that an ``Accept-Encoding`` allows, or ""."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, _, quality = part.replace(" ", "").partition(";q=")
        try:
            weights[name] = float(quality or 1)
        except ValueError:
            weights[name] = 0
    weight = {name: weights.get(name, weights.get("*", 0)) for name in ("br", "gzip")}
    best = max(weight, key=lambda name: weight[name])
    return best if weight[best] > 0 else ""


def compress(body: bytes, encoding: str) -> bytes:
    """One body, compressed.

    Measured on plotly (4.6 MB): brotli 4, 5 and 9 take 0.08, 0.11 and 0.34 s for 1.23, 1.13 and
    1.07 MB; gzip 6 takes 0.14 s for 1.36 MB.
    """
    if encoding == "br":
        return bytes(brotli.compress(body, quality=5))
    return gzip.compress(body, compresslevel=6, mtime=0)


class Web:
    """The middleware. Gradio's own (CORS, brotli by file ending) lie around it.

    They leave alone what has a Content-Encoding already.

    Args:
        lang: the owner's language, for visitors none of whose languages we have.
        framing: sites that may show the page in a frame, besides the Hub's.
    """

    def __init__(self, app: ASGIApp, lang: str = "", framing: Sequence[str] = ()) -> None:
        self.app = app
        self.lang = lang
        self.framing = framing
        self.held: LRU[Answer] = LRU(HELD_BYTES)
        self.pages: LRU[Answer] = LRU(PAGES_BYTES)
        # One body at a time is compressed: a class that opens a fresh server at once waits for each
        # file's one compression, instead of paying for thirty.
        self.compressing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or API in scope["path"]
            or "range" in Headers(scope=scope)
        ):
            await self.app(scope, receive, send)
            return
        reply = Reply(self, scope, send)
        held = self.held.get(reply.key) if reply.hashed else self.pages.get(reply.key)
        if held and scope["method"] == "GET":
            await answer(scope, send, *held)
            return
        await self.app(scope, receive, reply)

    async def compressed(self, body: bytes, digest: str, encoding: str) -> bytes:
        """A body compressed, from memory if an equal one was ever compressed."""
        key = f"{digest} {encoding}"
        async with self.compressing:
            held = self.held.get(key)
            if held:
                return held[1]
            # In a thread, for meanwhile other visitors' tokens want to stream.
            small = await anyio.to_thread.run_sync(compress, body, encoding)
            self.held.put(key, ([], small), len(small))
            return small


class Reply:
    """Gradio's answer to one request: collected if it is a page or an asset, else let through."""

    def __init__(self, web: Web, scope: Scope, send: Send) -> None:
        self.web = web
        self.scope = scope
        self.send = send
        self.hashed = bool(HASHED.search(scope["path"]))
        self.encoding = negotiate(Headers(scope=scope).get("accept-encoding", ""))
        self.lang = first_page.language(scope, web.lang)
        # Under which it may be held.
        name = scope["path"] if self.hashed else first_page.key(scope, self.lang)
        self.key = name and f"{name} {self.encoding}"
        self.start: Message | None = None  # held back while the body is collected
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self.wanted(message):
            self.start = message
            return
        if self.start is None:
            await self.send(message)
            return
        start, is_body = self.start, message["type"] == "http.response.body"
        self.body += message.get("body", b"")
        if is_body and not message.get("more_body", False):
            await self.finish(MutableHeaders(raw=start["headers"]))
        elif not is_body or len(self.body) > LARGEST:
            # The body comes another way (pathsend), or without end: let go what was held.
            self.start = None
            await self.send(start)
            await self.send(message if not is_body else {**message, "body": bytes(self.body)})

    def wanted(self, start: Message) -> bool:
        """Whether to collect; says in the headers what can be said without the body."""
        start["headers"] = list(start.get("headers", []))
        headers = MutableHeaders(raw=start["headers"])
        kind = headers.get("content-type", "")
        page = kind.startswith("text/html")
        known = page or self.hashed or OTHERS.search(self.scope["path"])
        download = "attachment" in headers.get("content-disposition", "")
        if start["status"] != 200 or download or not known:
            return False
        if not page and (self.hashed or "/static/" in self.scope["path"]):
            headers.setdefault("Cache-Control", FOR_GOOD if self.hashed else A_DAY)
        return (
            "content-encoding" not in headers
            and int(headers.get("content-length", 0)) <= LARGEST
            and any(name in kind for name in COMPRESSIBLE)
        )

    async def finish(self, headers: MutableHeaders) -> None:
        """Send what was collected: with the script if it is a page, and compressed."""
        body = bytes(self.body)
        if self.scope["method"] == "HEAD" and not body:
            # The app left the body out, so how long ours would be is not known.
            del headers["content-length"]
            await self.send({"type": "http.response.start", "status": 200, "headers": headers.raw})
            await self.send({"type": "http.response.body"})
            return
        held = self.web.held if self.hashed else None
        if headers["content-type"].startswith("text/html"):
            body, gradios = await anyio.to_thread.run_sync(self.page, body)
            if gradios and "set-cookie" not in headers:
                held = self.web.pages
            headers["Content-Security-Policy"] = policy(body, self.web.framing)
            for name in first_page.VARIES:
                headers.add_vary_header(name)
        digest = hashlib.sha256(body).hexdigest()
        # Gradio asks for its theme as theme.css?v=<SHA-256 of the content>.
        by_content = f"v={digest}".encode() == self.scope["query_string"]
        headers.setdefault("Cache-Control", FOR_GOOD if by_content else ASK_AGAIN)
        # Weak: the same for every encoding of the same content.
        headers["ETag"] = f'W/"{digest[:32]}"'
        headers.add_vary_header("Accept-Encoding")
        if self.encoding and len(body) >= SMALLEST:
            small = await self.web.compressed(body, digest, self.encoding)
            if len(small) < len(body):
                body = small
                headers["Content-Encoding"] = self.encoding
                del headers["accept-ranges"]
        headers["Content-Length"] = str(len(body))
        if self.scope["method"] == "GET" and held is not None and self.key:
            held.put(self.key, (headers.raw, body), len(body))
        await answer(self.scope, self.send, headers.raw, body)

    def page(self, body: bytes) -> tuple[bytes, bool]:
        """A page in the visitor's language with our head; and whether it is one of Gradio's."""
        first, last = heads(self.lang)
        spoken = first_page.spoken(body.decode(), self.lang)
        body = body if spoken is None else spoken.encode()
        # Functions, for in a replacement string backslashes have a meaning.
        body = HEAD.sub(lambda head: head[0] + first, body, count=1)
        return HEAD_END.sub(lambda end: last + end[0], body, count=1), spoken is not None


async def answer(scope: Scope, send: Send, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a ready answer, or a 304 to who has it already."""
    given = MutableHeaders(raw=list(headers))  # a copy: the middleware around us adds to it
    known = Headers(scope=scope).get("if-none-match", "").replace("W/", "")
    fresh = known.strip() == "*" or given["etag"].removeprefix("W/") in known
    if fresh:
        for name in ("content-length", "content-type", "content-encoding", "accept-ranges"):
            del given[name]
    status = 304 if fresh else 200
    await send({"type": "http.response.start", "status": status, "headers": given.raw})
    nothing = fresh or scope["method"] == "HEAD"
    await send({"type": "http.response.body", "body": b"" if nothing else body})


class ForPrograms:
    """Tells ``gradio_client`` a protocol under which an answer may have a ``path`` that is no file.

    By "sse_v3", which Gradio announces, it fetches every object with a ``path`` as a file, and fails: rows
    of ``/inspect`` have one. By "sse_v2.1" it fetches only what says that it is a file; streams are the same.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        program = scope["type"] == "http" and scope["path"].endswith("/config")
        if not program or not Headers(scope=scope).get("user-agent", "").startswith("gradio_client"):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            told = bytes(body).replace(b'"protocol":"sse_v3"', b'"protocol":"sse_v2.1"')
            headers = MutableHeaders(raw=list(start.get("headers", [])))
            headers["Content-Length"] = str(len(told))
            await send({**start, "headers": headers.raw})
            await send({"type": "http.response.body", "body": told})

        await self.app(scope, receive, collect)
