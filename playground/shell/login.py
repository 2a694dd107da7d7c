"""The password: for pages Gradio's own login, for programs a bearer token, and a limit on guessing it.

Gradio's login guards its own routes, but not the mount of MCP, whose listing anybody could read while its
calls failed for everybody; and it answers a thousand guesses a second. This middleware stands before both.

    Authorization: Bearer <the password>
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections import deque
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground import text
from playground.shell.access import MCP
from playground.system.lru import LRU

USER = "playground"
WRONG = 10  # guesses within `WINDOW` from one address; then it waits
WINDOW = 60.0  # seconds
DELAY = 0.5  # seconds that a wrong guess takes
ADDRESSES = 10_000  # that are remembered


class Guesses:
    """Wrong passwords of late, by address (of IPv6 by the /64 that one house has)."""

    def __init__(self) -> None:
        self._wrong: LRU[deque[float]] = LRU(ADDRESSES)

    def wait(self, address: str) -> int:
        """Seconds until this address may guess again; 0: now."""
        wrong = self._wrong.get(address)
        while wrong and wrong[0] < time.monotonic() - WINDOW:
            wrong.popleft()
        if not wrong or len(wrong) < WRONG:
            return 0
        return max(1, round(wrong[0] + WINDOW - time.monotonic()))

    def wrong(self, address: str) -> None:
        """One more."""
        moments = self._wrong.get(address) or deque(maxlen=WRONG)
        moments.append(time.monotonic())
        self._wrong.put(address, moments)


class Login:
    """The middleware. Without a password it is not put up.

    Args:
        proxied: who asks is told by the last X-Forwarded-For, which the owner's proxy wrote.
    """

    def __init__(self, app: ASGIApp, password: str, *, proxied: bool = False) -> None:
        self.app, self.password, self.proxied = app, password, proxied
        self.guesses = Guesses()
        self.token = secrets.token_urlsafe(32)  # what a program that knows the password is let in by
        # One guess at a time: a burst of them is counted before it is answered.
        self.turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, address = Headers(scope=scope), self._address(scope)
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if not await self._right(given.strip(), address, scope, receive, send):
                return
            scope = self._let_in(scope)
        elif scope["path"].startswith(MCP) and not known(scope["app"], headers):
            await _say("login_needed", 401, scope, receive, send, {"WWW-Authenticate": "Bearer"})
            return
        if scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/login"):
            await self._log_in(address, scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _right(self, given: str, address: str, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether a bearer token is the password; if not, that is answered."""
        if secrets.compare_digest(given.encode("latin-1"), self.password.encode()) and not self.guesses.wait(
            address
        ):
            return True
        async with self.turn:
            wait = self.guesses.wait(address)
            if not wait:
                self.guesses.wrong(address)
                await asyncio.sleep(DELAY)
        await _often(wait, scope, receive, send) if wait else await _say(
            "login_needed", 401, scope, receive, send, {"WWW-Authenticate": "Bearer"}
        )
        return False

    def _let_in(self, scope: Scope) -> Scope:
        """The same request with the cookie of somebody who logged in."""
        app = scope["app"]
        app.tokens[self.token] = USER
        kept = [
            header for header in scope["headers"] if header[0].lower() not in (b"cookie", b"authorization")
        ]
        cookie = f"access-token-unsecure-{app.cookie_id}={self.token}".encode()
        return {**scope, "headers": [*kept, (b"cookie", cookie)]}

    async def _log_in(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A guess by the page, one after the other; of a wrong one the answer comes late."""
        async with self.turn:
            wait = self.guesses.wait(address)
            if wait:
                await _often(wait, scope, receive, send)
                return

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start" and message["status"] in (400, 401, 422):
                    self.guesses.wrong(address)
                    await asyncio.sleep(DELAY)
                await send(message)

            await self.app(scope, receive, answer)

    def _address(self, scope: Scope) -> str:
        host = (scope.get("client") or ("",))[0]
        if self.proxied:
            forwarded = Headers(scope=scope).get("x-forwarded-for", "").rpartition(",")[2].strip()
            host = forwarded or host
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return str(host)
        return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


def known(app: Any, headers: Headers) -> bool:
    """Whether a request carries the cookie of somebody who logged in; always where there is no password."""
    if app.auth is None:
        return True
    cookies = cookie_parser(headers.get("cookie", ""))
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")  # as Gradio's own
    return any(app.tokens.get(cookies.get(name)) is not None for name in names)


async def _often(wait: int, scope: Scope, receive: Receive, send: Send) -> None:
    await _say("login_often", 429, scope, receive, send, {"Retry-After": str(wait)}, seconds=wait)


async def _say(
    key: str, status: int, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], **values: Any
) -> None:
    """Before the login nothing is known of the visitor's language: all of them."""
    told = text.in_every_language(f"errors.{key}", **values)
    await PlainTextResponse(told, status, headers)(scope, receive, send)
