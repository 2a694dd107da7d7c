"""What Gradio keeps of a session: of a page what its answers changed, of a program's call nothing.

Gradio keeps, of each page and of each call of a program, the configuration of every component with its
latest value: 1.2 MB, of up to 10,000 of them. The values serve its deep links alone, which this app has
none of. What a page cannot do without are components that an answer changed (a menu's new choices: the next
value is checked against them). So a session here is the page as it was built and, above it, what was
changed; one in which nothing was changed is made anew whenever it is asked for, and nobody can tell.

The middleware puts this in place of Gradio's own, and forgets what its queue keeps of a call that was
answered.
"""

from __future__ import annotations

import logging
import re
import time
import weakref
from collections import ChainMap, Counter
from copy import copy
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from gradio.state_holder import SessionState, StateHolder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.ui import disconnects

log = logging.getLogger(__name__)

PAGES = 2_000  # whose changed components are kept, the newest: 100 kB each (measured, after a page's opening)
LISTENS = re.compile(r"/gradio_api/(?:call/(?:v2/)?[^/]+/(?P<event>[^/]+)|queue/data)/?$")
FETCHED_LATE = 300.0  # seconds that the answer of a call waits for who asked for it
UNFETCHED = 200  # answers that wait; beyond, the oldest go
# A page reads the last answer over a stream that ends with it, and may have asked anew just before: it then
# opens another one, which has to find its session.
IDLE = 60.0  # seconds
IDLE_MOST = 1_000
SWEEP = 1.0  # seconds between two looks at them


class Session(SessionState):  # type: ignore[misc]
    """One session. It begins with what Gradio's own begins with, but for the copies of all configurations.

    Args:
        holder: told when something is first changed in it.
        name: its own.
    """

    def __init__(self, blocks: gr.Blocks, holder: Sessions, name: str) -> None:
        self.blocks_config = copy(blocks.default_config)
        built: Any = blocks.default_config
        # Above, what is this session's own; below, the page as it was built, shared by all.
        self.blocks_config.blocks = ChainMap({}, built.blocks)  # type: ignore[assignment]
        self.blocks_config.fns = ChainMap({}, built.fns)  # type: ignore[assignment]
        self.config_values: dict[int, dict[str, Any]] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600  # seconds, as Gradio's
        self._holder, self._name = weakref.ref(holder), name

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()
        holder = self._holder()
        if holder is not None:
            holder.keep(self._name, self)

    def _update_config(self, key: int) -> None:
        """Nothing is kept of it: see above."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing is kept of it: see above."""


class Sessions(StateHolder):  # type: ignore[misc]
    """Those that something was changed in, least recently used first; the others while they are used."""

    def __init__(self) -> None:
        super().__init__()
        # Two events of one session at once share it, though neither has changed anything yet.
        self._used: weakref.WeakValueDictionary[str, Session] = weakref.WeakValueDictionary()

    def __getitem__(self, session_id: str) -> SessionState:
        found = self.session_data.get(session_id)
        if found is not None:
            self.update(session_id)  # it is now the newest
            return found
        with self.lock:
            made = self._used.get(session_id)
            if made is None:
                made = self._used[session_id] = Session(self.blocks, self, session_id)
            return made

    def keep(self, name: str, session: Session) -> None:
        """From now on it stays, until so many newer ones do."""
        self.session_data.setdefault(name, session)
        self.update(name)


class Light:
    """The middleware: Gradio's server with such sessions, and nothing left of calls that were answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.listening: Counter[str] = Counter()  # open streams, by session
        self.waiting: dict[str, float] = {}  # sessions whose answers nobody listens for: since when
        self.idle: dict[str, float] = {}  # sessions that have read everything: since when
        self.calls: dict[str, None] = {}  # sessions of one call each, whose answer was asked for
        self.left: dict[str, set[str]] = {}  # events whose answers nobody will read, by session
        self.swept = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("app")
        if not isinstance(server, gr.routes.App):
            await self.app(scope, receive, send)
            return
        if not isinstance(server.state_holder, Sessions):
            server.state_holder = Sessions()
            server.state_holder.set_blocks(server.get_blocks())
        if scope["type"] != "http" or "/gradio_api/" not in scope["path"]:
            await self.app(scope, receive, send)
            return
        found = LISTENS.search(scope["path"]) if scope["method"] == "GET" else None
        if found is None:
            try:
                await self.app(scope, receive, send)
            finally:
                self.sweep(server)
            return
        session = self.session(server, scope, found["event"])
        if session == found["event"]:
            self.calls[session] = None
        await self.heard(session, server, scope, receive, send)

    def session(self, server: Any, scope: Scope, event: str | None) -> str:
        """Whose answers this stream carries."""
        if event is None:
            asked = parse_qs(scope["query_string"].decode("latin-1"))
            return str(asked.get("session_hash", [""])[0])
        queue = server.get_blocks()._queue
        running = queue.event_ids_to_events.get(event)
        if running is not None:
            return str(running.session_hash)
        finished = (name for name, events in queue.pending_event_ids_session.items() if event in events)
        return next(finished, event)

    async def heard(self, session: str, server: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """One stream of answers, from its beginning to its end, whoever ends it."""
        left = False

        async def receiving() -> Message:
            nonlocal left
            message = await receive()
            left = left or message["type"] == "http.disconnect"
            return message

        # What was asked before it left is never answered: its stream would wait for that without end.
        queue = server.get_blocks()._queue
        queue.pending_event_ids_session.get(session, set()).difference_update(self.left.pop(session, ()))
        self.listening[session] += 1
        try:
            await self.app(scope, receiving, send)
        finally:
            self.listening[session] -= 1
            if self.listening[session] <= 0:
                del self.listening[session]
                unread = set(queue.pending_event_ids_session.get(session, ()))
                if left and unread:
                    self.left[session] = unread
                    disconnects.left(session)
            self.sweep(server, now=True)
            if session not in queue.pending_event_ids_session:
                self.calls.pop(session, None)

    def sweep(self, server: Any, now: bool = False) -> None:
        """Forget what the queue keeps of sessions that wait for nothing, or that nobody asks after."""
        clock = time.monotonic()
        if not now and clock < self.swept + SWEEP:
            return
        self.swept = clock
        queue = server.get_blocks()._queue
        running = {event.session_hash for event in list(queue.event_ids_to_events.values())}
        for name in [*queue.pending_messages_per_session, *queue.pending_event_ids_session]:
            unread = queue.pending_event_ids_session.get(name, set()) - self.left.get(name, set())
            if name in self.listening or name in running:
                self.waiting.pop(name, None)
                self.idle.pop(name, None)
            elif unread:
                self.idle.pop(name, None)
                self.waiting.setdefault(name, clock)
            elif name in self.calls:
                self.forget(queue, name)
            else:
                self.waiting.pop(name, None)
                self.idle.setdefault(name, clock)
        for held, seconds, most in ((self.waiting, FETCHED_LATE, UNFETCHED), (self.idle, IDLE, IDLE_MOST)):
            for name, since in list(held.items()):  # oldest first
                if clock > since + seconds or len(held) > most:
                    self.forget(queue, name)

    def forget(self, queue: Any, session: str) -> None:
        """All that is kept for it; a page that asks again begins anew, without noticing."""
        for held in (self.waiting, self.idle, self.left, self.calls):
            held.pop(session, None)  # type: ignore[attr-defined]
        queue.pending_event_ids_session.pop(session, None)
        queue.pending_messages_per_session.pop(session, None)
