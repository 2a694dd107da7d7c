"""Answers in pieces for the page's own scripts: JSON is posted, lines of JSON come back as they are made.

Gradio's queue looks for news every 50 ms and answers a call by two requests, which is most of what a small
model's first token takes. Here the connection is the whole bookkeeping: who leaves closes it, and the
generator behind it is closed at once, with all that it holds. Programs have the endpoints of Gradio.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import anyio
import anyio.to_thread
from gradio.context import LocalContext
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from playground import text
from playground.shell.login import known
from playground.ui.visitor import guard, language

Stream = Callable[[Any], Iterator[Any]]

PATH = "/playground/"
LARGEST = 16 << 20  # bytes of what is posted; a long conversation with all its tokens has some hundred KB
THREADS = 200  # one for whoever is being answered or waits for a turn; the other visitors' are Gradio's own


def routes(streams: Mapping[str, Stream]) -> list[Route]:
    """One route a stream: ``POST /playground/<name>``.

    Args:
        streams: functions of what was posted, by name. What one yields is a line each; an error ends the
            answer by a line ``{"error": sentence}``.
    """
    limit = anyio.CapacityLimiter(THREADS)
    return [
        Route(f"{PATH}{name}", _endpoint(guard(stream), limit), methods=["POST"])
        for name, stream in streams.items()
    ]


def _endpoint(stream: Stream, limit: anyio.CapacityLimiter) -> Any:
    async def answer(request: Request) -> Response:
        if not known(request.app, request.headers):
            return PlainTextResponse("", 401)
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
        return StreamingResponse(
            _lines(stream(given), limit), media_type="application/x-ndjson",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )  # fmt: skip

    return answer


async def _lines(pieces: Iterator[Any], limit: anyio.CapacityLimiter) -> AsyncIterator[bytes]:
    """Each piece as a line, made in a thread; when the reader leaves, the generator is closed."""

    def following() -> bytes:
        try:
            piece = next(pieces)
        except StopIteration:
            return b""
        except Exception as error:  # the guard's: a sentence for the visitor, logged if it was unexpected
            piece = {"error": getattr(error, "message", "") or text.say("errors.title", language())}
        return json.dumps(piece, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    try:
        while line := await anyio.to_thread.run_sync(following, limiter=limit):
            yield line
    finally:
        close = getattr(pieces, "close", lambda: None)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(close)
