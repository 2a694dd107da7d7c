"""What a request may be, whoever sends it to whatever address: bounded before anything is made of it.

* A body has at most so many bytes, arrives within so many seconds, and holds JSON of so many entries in so
  many levels: 16 MB of ``[[],[],…`` would become 400 MB of lists, in Gradio's routes and in ours. Uploads
  go through in pieces; Gradio and the panels bound those.
* What names no endpoint, component or running call is told so, as JSON in the asker's language, in place of
  a traceback in the log.

The ranges of single numbers, and how many texts or ids one call takes, are the endpoints' own to say; how
long work may take is `visitor.guard`'s.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import secrets
from typing import Any

import anyio.to_thread
import gradio as gr
from gradio.context import LocalContext
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground import text
from playground.system import untrusted_json
from playground.ui.visitor import language

log = logging.getLogger(__name__)

LARGEST = 16 << 20  # bytes of a body: two million characters in any spelling of JSON, and more
LARGEST_PUBLIC = 4 << 20
DRAINED = 4  # times as much is read and left aside, for who is still writing reads no answer
SECONDS = 60.0  # in which a body has to arrive; what is longer is an upload
ENTRIES = 300_000  # of all lists and objects of a body together: 200,000 ids, and whatever stands beside them
LONGEST_NAME = 200  # characters of a session's name; Gradio's have 32
INLINE = 1 << 16  # bytes that are parsed where everybody waits; more of them in a thread
UPLOAD = re.compile(r"/gradio_api/upload/?$")
CALL = re.compile(r"/gradio_api/call/(?:v2/)?(?P<name>[^/]+)/?$")
BY_NAME = re.compile(r"/gradio_api/call/v2/[^/]+/?$")  # Gradio raises where arguments are missing
JOIN = re.compile(r"/gradio_api/queue/join/?$")
PART = re.compile(r"/gradio_api/component_server/?$")
STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class Refused(Exception):
    """A request that goes no further.

    Args:
        status: of HTTP.
        key: the sentence, as a key of ``errors``, with its values.
    """

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status, self.key, self.values = status, key, values


class Limits:
    """The middleware.

    Args:
        largest: bytes of a body that is no upload.
    """

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not UPLOAD.search(scope["path"]):
                receive = await self.checked(scope, receive)
            await self.app(scope, receive, sending)
        except Refused as refused:
            await refuse(scope, send, refused)
        except Exception as error:
            # Gradio raises what it has just told, of a stream that names no call: its answer ends here.
            if started and isinstance(error.__cause__, HTTPException):
                log.info("%s: %s", scope["path"], error.__cause__.detail)
                await send({"type": "http.response.body", "body": b""})
                return
            if started:
                raise
            if BY_NAME.search(scope["path"]) and isinstance(error, TypeError | ValueError):
                reason = " ".join(str(error).split())[:200]
                await refuse(scope, send, Refused(422, "arguments_malformed", reason=reason))
                return
            reference = secrets.token_hex(4)
            log.error("reference %s: %s", reference, scope["path"], exc_info=error)
            await refuse(scope, send, Refused(500, "unexpected", reference=reference))

    async def checked(self, scope: Scope, receive: Receive) -> Receive:
        """The body, read and found fit; what gives it once more.

        Raises:
            Refused: too long, too late, too much in it, or asked of nobody.
        """
        body = await self.body(scope, receive)
        kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            many = len(body) > INLINE
            given = await anyio.to_thread.run_sync(parsed, body) if many else parsed(body)
            known(scope, given)
        said = False

        async def again() -> Message:
            nonlocal said
            if said:
                return await receive()  # that the asker left
            said = True
            return {"type": "http.request", "body": body, "more_body": False}

        return again

    async def body(self, scope: Scope, receive: Receive) -> bytes:
        """All of it.

        Raises:
            Refused: ``body_too_long`` (also where its length is announced), ``body_too_late``.
        """
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > DRAINED * self.largest:
            raise Refused(413, "body_too_long", limit=self.largest)
        found, length, more = bytearray(), 0, True
        try:
            async with asyncio.timeout(SECONDS):
                while more and length <= DRAINED * self.largest:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Refused(499, "body_too_late", seconds=SECONDS)  # it left; nobody reads this
                    length += len(message.get("body", b""))
                    if length > self.largest:
                        found.clear()
                    else:
                        found += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            raise Refused(408, "body_too_late", seconds=SECONDS) from None
        if length > self.largest:
            raise Refused(413, "body_too_long", limit=self.largest)
        return bytes(found)


def parsed(body: bytes) -> Any:
    """JSON of a bounded number of entries.

    Raises:
        Refused: ``body_malformed``, ``body_too_many`` (limit).
    """
    if _marks(body) > ENTRIES and _marks(STRING.sub(b"", body)) > ENTRIES:
        raise Refused(413, "body_too_many", limit=ENTRIES)
    try:
        return untrusted_json.parse(body, longest=len(body))
    except untrusted_json.Unreadable as error:
        raise Refused(400, "body_malformed") from error


def _marks(body: bytes) -> int:
    return sum(body.count(mark) for mark in (b",", b"[", b"{"))


def known(scope: Scope, given: Any) -> None:
    """Whether what is asked for is there at all.

    Raises:
        Refused: ``endpoint_unknown`` (name).
    """
    server, path = scope.get("app"), scope["path"]
    if not isinstance(server, gr.routes.App):
        return
    blocks = server.get_blocks()
    call = CALL.search(path)
    if call:
        names = {fn.api_name for fn in blocks.fns.values() if fn.api_visibility != "private"}
        if call["name"] not in names:
            raise Refused(404, "endpoint_unknown", name=call["name"][:60])
    if not isinstance(given, dict):
        return
    session = given.get("session_hash")
    if session is not None and (not isinstance(session, str) or len(session) > LONGEST_NAME):
        raise Refused(400, "body_malformed")  # the server keeps it as long as the session
    if JOIN.search(path):
        number = given.get("fn_index")
        if type(number) is not int or number not in blocks.fns:
            raise Refused(404, "endpoint_unknown", name=str(number)[:60])
        if blocks.fns[number].api_visibility == "private" and not finite(given.get("data")):
            raise Refused(400, "body_malformed")  # no page says NaN; of programs, endpoints tell which number
    part = given.get("component_id")
    if PART.search(path) and (type(part) is not int or part not in blocks.blocks):
        raise Refused(404, "endpoint_unknown", name=str(part)[:60])


def finite(value: Any) -> bool:
    """Whether there is neither NaN nor infinity among the numbers of a JSON value."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        value = list(value.values())
    return all(map(finite, value)) if isinstance(value, list) else True


async def refuse(scope: Scope, send: Send, refused: Refused) -> None:
    """The refusal as JSON: ``detail`` for programs, ``error`` for the page's own scripts."""
    LocalContext.request.set(Request(scope))  # type: ignore[arg-type]  # whose headers tell the language
    sentence = text.say(f"errors.{refused.key}", language(), **refused.values)
    body = json.dumps({"detail": sentence, "error": sentence}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
