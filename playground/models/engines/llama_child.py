"""The child of `playground.models.engines.llama`: llama.cpp, asked over pipes. Started, never imported.

A GGUF file that lies may end the whole interpreter, so it ends this one. Requests are many at a time; what
comes for all of them goes back in batches, so that a token costs the pipe next to nothing. When the parent is
gone, however it went, its end of the pipe is closed, and this process ends at once.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from typing import Any

from playground.models.sandbox import wire

BATCH = 1 / 30  # seconds that tokens wait for others before they go over the pipe
UNREADABLE, NO_ENGINE = "unreadable", "no_engine"


class Outbox:
    """What goes to the parent, in batches: each wakes a thread there, on the cores that compute."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._waiting: dict[int, list[dict[str, Any]]] = {}
        self._changed = threading.Condition()
        self._urgent = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, number: int, piece: dict[str, Any], urgent: bool = False) -> None:
        """Something for the request of this number; what is urgent takes along whatever waits."""
        with self._changed:
            self._waiting.setdefault(number, []).append(piece)
            if urgent:
                self._urgent.set()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                batch, self._waiting = self._waiting, {}
                self._urgent.clear()
            try:
                wire.send(self._stream, {"replies": list(batch.items())})
            except (OSError, ValueError):
                os._exit(0)  # nobody reads any more
            self._urgent.wait(BATCH)


def parameters(given: dict[str, Any]) -> Any:
    """llama.cpp's parameters of what the parent asked for."""
    import xllamacpp

    made = xllamacpp.CommonParams()
    made.model.path = given["path"]
    made.n_ctx, made.n_parallel, made.kv_unified = given["context"], given["slots"], False
    made.n_batch = made.n_ubatch = given["batch"]  # a stop is heard between two of them
    made.cache_ram_mib = given["cache_mib"]
    made.n_gpu_layers = 0
    made.fit_params = made.warmup = made.ui = False
    made.check_tensors = True
    for threads in (made.cpuparams, made.cpuparams_batch):
        threads.n_threads = given["threads"]
        # Threads that wait by spinning take the processor from whoever else works on it.
        threads.poll = given["poll"]
    made.use_jinja = False
    # It listens on this machine as well, and any page of a browser here could ask it.
    made.api_keys = [secrets.token_hex(32)]
    made.endpoint_slots = made.endpoint_props = made.endpoint_metrics = False
    return made


class Replies:
    """The requests that are answered at the moment, each in a thread."""

    def __init__(self, server: Any, outbox: Outbox) -> None:
        self._server, self._outbox = server, outbox
        self._running: set[int] = set()

    def begin(self, number: int, body: dict[str, Any]) -> None:
        """Answer a request."""
        self._running.add(number)
        threading.Thread(target=self._run, args=(number, body), daemon=True).start()

    def stop(self, number: int) -> None:
        """End a reply at its next token."""
        self._running.discard(number)

    def _run(self, number: int, body: dict[str, Any]) -> None:
        begun = False

        def hear(told: dict[str, Any]) -> bool:
            nonlocal begun
            if number not in self._running:
                return True
            piece = short(told)
            # Somebody waits for the first token; the others are read more slowly than they come.
            self._outbox.put(number, piece, urgent=not begun and "t" in piece)
            begun = begun or "t" in piece
            return False

        try:
            self._server.handle_completions(body, hear)
        except Exception as error:  # whatever the library raises is the parent's to tell
            self._outbox.put(number, {"failed": str(error)[:500]})
        self._running.discard(number)
        self._outbox.put(number, {"over": True}, urgent=True)


def short(told: dict[str, Any]) -> dict[str, Any]:
    """What the parent needs of a piece, as short as can be: ``t`` a token, ``r`` reading, ``e`` the end."""
    if "error" in told:
        return {"failed": str(told["error"].get("message"))[:500], "kind": str(told["error"].get("type"))}
    if "prompt_progress" in told:
        how = told["prompt_progress"]
        return {"r": [how["processed"], how["total"], how["cache"]]}
    choice = told["choices"][0]
    if choice["finish_reason"]:
        usage = told.get("usage") or {}
        reused = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        counts = [usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0), reused]
        return {"e": [choice["finish_reason"], *counts]}
    untold: dict[str, Any] = {"id": -1, "bytes": [], "logprob": None}
    one: dict[str, Any] = ((choice.get("logprobs") or {}).get("content") or [untold])[0]
    top = [[each["id"], each["logprob"]] for each in one.get("top_logprobs", ())]
    times = told.get("timings") or {}
    clock = times.get("predicted_n", 0), times.get("predicted_ms", 0.0)
    return {"t": [one["id"], bytes(one["bytes"]).hex(), one["logprob"], top, *clock]}


def main() -> None:
    """Open what the first message names, then answer until the pipe is closed."""
    # Whatever a library prints must not get into the answers.
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    given, _ = wire.receive(source)
    heard: list[dict[str, Any]] = []
    arrived = threading.Condition()

    def listen() -> None:
        while True:
            try:
                message, _ = wire.receive(source)
            except (EOFError, OSError, wire.Malformed):
                os._exit(0)  # the parent is gone
            with arrived:
                heard.append(message)
                arrived.notify()

    threading.Thread(target=listen, daemon=True).start()
    try:
        import xllamacpp

        server = xllamacpp.Server(parameters(given))
    except ImportError as error:
        wire.send(answers, {"refused": NO_ENGINE, "why": str(error)[:500]})
        os._exit(1)  # past what Python ends with: a thread still listens
    except Exception as error:
        wire.send(answers, {"refused": UNREADABLE, "why": str(error)[:500]})
        os._exit(1)
    wire.send(answers, {"opened": True})
    replies = Replies(server, Outbox(answers))
    while True:
        with arrived:
            while not heard:
                arrived.wait()
            messages, heard[:] = list(heard), []
        for message in messages:
            if "stop" in message:
                replies.stop(message["stop"])
            else:
                replies.begin(message["number"], message["body"])


if __name__ == "__main__":
    main()
