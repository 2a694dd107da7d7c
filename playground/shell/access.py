"""Who may ask: the names this server answers to, the pages that may ask it, and the cookie of the login.

A browser runs a stranger's page beside this one and sends its requests here if the page says so. Two things
tell them apart. ``Host`` is the name that the browser looked up: a page of evil.example whose name was made
to lead to this machine (DNS rebinding) still says evil.example, so only known names are answered; a bare IP
address cannot be rebound. ``Origin`` is the page that asks: browsers send it with whatever changes
something, programs send none.

    https://owasp.org/www-community/attacks/csrf · https://fetch.spec.whatwg.org/#origin-header
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground import text
from playground.settings import Settings

log = logging.getLogger(__name__)

API = "/gradio_api/"
MCP = API + "mcp"
SAFE = {"GET", "HEAD", "OPTIONS"}
FORWARDED = (
    b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix",
    b"x-forwarded-proto", b"x-forwarded-server",
)  # fmt: skip
SAME_SITE = re.compile(r";\s*samesite=\w+", re.IGNORECASE)
SECURE = re.compile(r";\s*secure(?=;|$)", re.IGNORECASE)


class Hosts:
    """The names that this server answers to.

    Args:
        names: exact ones, or ``*.example.org`` for all below it; case does not matter.
        addresses: whether any IP address is one of them; loopback's always are.
    """

    def __init__(self, names: Iterable[str] = (), *, addresses: bool = False) -> None:
        self._names: set[str] = {"localhost"}
        self._below: set[str] = {".localhost"}  # browsers never look these up
        self._addresses = addresses
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Answer to one name more, or to an address that begins with ``http``."""
        name = (urlsplit(name).hostname or "") if "://" in name else name
        name = name.strip().rstrip(".").lower()
        if name.startswith("*."):
            self._below.add(name[1:])
        elif name:
            self._names.add(name)

    def know(self, host: str) -> bool:
        """Whether a ``Host`` header, with or without its port, is one of them."""
        name = hostname(host)
        if not name:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names or any(name.endswith(each) for each in self._below)
        return self._addresses or address.is_loopback or name in self._names


def hostname(host: str) -> str:
    """The name in a ``Host`` header: lower case, without port, brackets and a last dot; "" for nonsense."""
    if not host or any(character in host for character in "/?#@\\, \t"):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def hosts(settings: Settings) -> Hosts:
    """By what the owner said: loopback's; where a network listens, this machine's names and any number."""
    listening = {settings.host} if settings.host not in ("", "0.0.0.0", "::") else set()
    wide = settings.networked
    own = {socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local"} if wide else set()
    return Hosts({*listening, *own, *settings.allowed_hosts}, addresses=wide)


def install(settings: Settings, known: Hosts) -> None:
    """Put `Access` where Gradio has its own CORS, which answers any page with its visitor's cookies."""
    from gradio import routes

    routes.CustomCORSMiddleware = partial(  # type: ignore[misc,assignment]
        Access,
        hosts=known,
        proxied=settings.proxied,
        anyone=settings.public and not settings.password,
        framed=bool(settings.framing),
    )


class Access:
    """The middleware around all others but Gradio's compression.

    Args:
        proxied: a proxy stands before this server, whose X-Forwarded headers are true; else they are dropped.
        anyone: the endpoints may be asked by pages of other sites: without cookies, and answered without.
        framed: pages of other sites may hold this one in a frame, whose cookies must say SameSite=None.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Hosts, proxied: bool = False, anyone: bool = False,
        framed: bool = False, **gradios: Any,
    ) -> None:  # fmt: skip
        self.app = app
        self.hosts, self.proxied, self.anyone, self.framed = hosts, proxied, anyone, framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if not self.proxied:
            kept = [header for header in scope["headers"] if header[0].lower() not in FORWARDED]
            scope = {**scope, "headers": kept}
        headers = Headers(scope=scope)
        host = headers.get("x-forwarded-host", "").partition(",")[0].strip() or headers.get("host", "")
        if not self.hosts.know(host):
            await self._refuse(scope, receive, send, "host_unknown", host=hostname(host)[:100] or "?")
            return
        origin = headers.get("origin")
        if origin is None or same(origin, host):
            await self.app(scope, receive, partial(self._answer, send))
            return
        if self.anyone and scope["type"] == "http" and scope["path"].startswith(API):
            await self._stranger(scope, receive, send)
            return
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if changes or scope["path"].startswith(MCP):
            await self._refuse(scope, receive, send, "origin_foreign", origin=origin[:100])
            return
        await self.app(scope, receive, partial(self._answer, send))  # read by nobody: no CORS header is sent

    async def _stranger(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page of another site asks an endpoint of a public server: as a program of nobody's would."""
        allowed = {"Access-Control-Allow-Origin": "*"}
        if scope["method"] == "OPTIONS":
            allowed |= {
                "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                "Access-Control-Allow-Headers": Headers(scope=scope).get(
                    "access-control-request-headers", "content-type"
                ),
                "Access-Control-Max-Age": "600",
            }
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return
        scope = {**scope, "headers": [each for each in scope["headers"] if each[0].lower() != b"cookie"]}
        await self.app(scope, receive, partial(self._answer, send, allowed=allowed))

    async def _answer(self, send: Send, message: Message, allowed: dict[str, str] | None = None) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "same-origin")
            if headers.get("content-type", "").startswith("text/html"):
                headers.setdefault("Content-Security-Policy", "default-src 'none'")  # no page of ours
            for name, value in (allowed or {}).items():
                headers[name] = value
            raw = [
                (name, self._cookie(value) if name.lower() == b"set-cookie" else value)
                for name, value in headers.raw
            ]
            message = {**message, "headers": raw}
        await send(message)

    def _cookie(self, value: bytes) -> bytes:
        """A cookie that other sites' requests do not carry; in a frame of theirs it must."""
        plain = SAME_SITE.sub("", value.decode("latin-1"))
        if self.framed:
            return (SECURE.sub("", plain) + "; SameSite=None; Secure").encode("latin-1")
        return (plain + "; SameSite=Lax").encode("latin-1")

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, key: str, **values: str) -> None:
        log.info("refused: %s %s", key, values)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        # Before anything is known of the visitor: in every language.
        told = text.in_every_language(f"errors.{key}", **values)
        headers = {"X-Content-Type-Options": "nosniff"}
        await PlainTextResponse(told, 403, headers)(scope, receive, send)


def same(origin: str, host: str) -> bool:
    """Whether a page's ``Origin`` is this server itself, whatever the scheme (a proxy may end TLS)."""
    try:
        asked = urlsplit(origin)
        own = urlsplit(f"//{host}")
        ports = {80 if asked.scheme == "http" else 443, None}
        return (
            asked.scheme in ("http", "https")
            and asked.hostname == own.hostname
            and (asked.port == own.port or {asked.port, own.port} == ports)
        )
    except ValueError:
        return False
