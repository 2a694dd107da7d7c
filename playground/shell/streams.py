"""Answers in pieces for the page's own scripts: JSON is posted, lines of JSON come back as they are made.

Gradio's queue looks for news every 50 ms and answers a call by two requests, which is most of what a small
model's first token takes. Here the connection is the whole bookkeeping: who leaves closes it, and the
generator behind it is closed at once, with all that it holds. Programs have the endpoints of Gradio.

Who leaves is not waited for: whatever computes in the thread of that generator ends at its next
`cancellation.check`, even while ``next`` has not come back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import anyio
import anyio.to_thread
from gradio.context import LocalContext
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from playground import text
from playground.shell.login import known
from playground.system import cancellation
from playground.ui import runs
from playground.ui.visitor import guard, language, worth_again

Stream = Callable[[Any], Iterator[Any]]
Found = Callable[[Request], Stream | None]

PATH = "/playground/"
LARGEST = 16 << 20  # bytes of what is posted; a long conversation with all its tokens has some hundred KB
THREADS = 200  # one for whoever is being answered or waits for a turn; the other visitors' are Gradio's own


def routes(streams: Mapping[str, Stream]) -> list[Route]:
    """One route a stream, ``POST /playground/<name>``; and one for all actions of rooms (`ui.runs`).

    Args:
        streams: functions of what was posted, by name. What one yields is a line each; an error ends the
            answer by a line ``{"error": sentence}``.
    """
    limit = anyio.CapacityLimiter(THREADS)

    def named(stream: Stream) -> Found:
        guarded = guard(stream)
        return lambda request: guarded

    found = {name: named(stream) for name, stream in streams.items()} | {"{room}/{action}": _action}
    return [
        Route(f"{PATH}{name}", _endpoint(stream, limit), methods=["POST"]) for name, stream in found.items()
    ]


def _action(request: Request) -> Stream | None:
    """What the page of this app declared under the address that was asked, if it did."""
    name = "{room}/{action}".format(**request.path_params)
    answer = runs.find(request.app.get_blocks(), name)
    by = request.query_params.get("by", "")
    return None if answer is None else lambda posted: answer(posted, by)


def _endpoint(found: Found, limit: anyio.CapacityLimiter) -> Any:
    async def answer(request: Request) -> Response:
        if not known(request.app, request.headers):
            return PlainTextResponse("", 401)
        stream = found(request)
        if stream is None:
            return PlainTextResponse("", 404)
        # Other sites can post forms and plain text to localhost, but no JSON without asking first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return PlainTextResponse("", 415)
        LocalContext.request.set(request)  # type: ignore[arg-type]  # whose headers tell the language
        posted = bytearray()
        async for part in request.stream():
            posted += part
            if len(posted) > LARGEST:
                return PlainTextResponse("", 413)
        try:
            given = json.loads(posted)
        except (ValueError, RecursionError):  # no JSON, or lists in lists without end
            return PlainTextResponse("", 400)
        return Lines(stream(given), limit)

    return answer


class Lines(StreamingResponse):
    """Each piece as a line, made in a thread; when the reader leaves, the work for it ends.

    Args:
        pieces: a generator. It is closed at the end; while a step of it runs, `cancellation.check` raises in
            that step's thread from the moment on at which the reader left.
    """

    def __init__(self, pieces: Iterator[Any], limit: anyio.CapacityLimiter) -> None:
        self.pieces, self.limit = pieces, limit
        self.left = threading.Event()
        self.step = threading.Lock()  # held while a step runs: a generator that runs cannot be closed
        super().__init__(
            self._lines(), media_type="application/x-ndjson",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines. (Starlette's own way hears of a reader who left only where a server says so.)"""
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.left.set()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            try:
                with suppress(OSError):  # some servers tell so that nobody reads any more
                    await self.stream_response(send)
            finally:
                self.left.set()
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(self._close, limiter=self.limit)
            group.cancel_scope.cancel()

    async def _lines(self) -> AsyncIterator[bytes]:
        while line := await anyio.to_thread.run_sync(
            self._following, limiter=self.limit, abandon_on_cancel=True
        ):
            yield line

    def _following(self) -> bytes:
        """The next line; b"" at the end."""
        with self.step:
            try:
                with cancellation.when(self.left.is_set):
                    piece = next(self.pieces)
            except (StopIteration, cancellation.Abandoned):
                return b""
            except Exception as error:  # the guard's: a sentence for the visitor, logged if it was unexpected
                told = getattr(error, "message", "") or text.say("errors.title", language())
                piece = {"error": told, **({"again": True} if worth_again(error) else {})}
        return json.dumps(piece, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    def _close(self) -> None:
        with self.step:
            getattr(self.pieces, "close", lambda: None)()
