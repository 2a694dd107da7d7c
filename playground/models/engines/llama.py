"""llama.cpp as an engine: a GGUF file, read by ``xllamacpp`` in a child process that answers many at a time.

The child is started with the first load and again by whoever asks after it died; what was being written then
ends with a sentence. It ends with `Llama.close`, when nobody holds the engine any more, and with us.
"""

from __future__ import annotations

import importlib.util
import itertools
import logging
import math
import queue
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil

from playground import ROOT
from playground.errors import BadInput, CannotLoad, DoesNotFit
from playground.models.engines.interface import Capabilities, End, Engine, Order, Piece, Read, Token
from playground.models.gguf.header import Header
from playground.models.sandbox import wire
from playground.models.sandbox.process import environment
from playground.system import cancellation

log = logging.getLogger(__name__)
PACKAGE = "xllamacpp"
COMMAND = (sys.executable, "-m", "playground.models.engines.llama_child")
OPENING = 300.0  # seconds to read a file; a large one comes from a slow disk
ENDING = 5.0  # seconds that one that refused has to end
SLOTS = 16  # replies decoded together at most; each has keys and values of its own
BATCH = 256  # tokens of a prompt that are read at once: a stop is heard between two
LEAST = 2048  # tokens of prompt and reply, unless the model was trained for less
STEP = 256  # llama.cpp rounds up to a multiple of it
CACHE = 3 * 2**28  # bytes that keys and values may take
CACHE_MIB = 32  # of prompts that were answered, kept beside the slots
BASE = 250 * 2**20  # bytes of the process itself and of what it computes in
MOST_TOP = 100
# How long threads that wait for each other look before they sleep. Tokens a second of SmolLM2 on two idle
# cores, and on two that others work on: as it comes 110-136 and 9-33, asleep at once 35 and 16-26, so 121-153
# and 35-52.
WAITS = {"GOMP_SPINCOUNT": "1000"}
SAID = 4096  # bytes of what a child wrote last
SILENCE = 0.25  # seconds between two looks at whether anybody still waits
RANDOM = 2**32 - 1  # llama.cpp takes this seed for "draw one"


def available() -> bool:
    """Whether the engine is installed; nothing of it is imported here."""
    return importlib.util.find_spec(PACKAGE) is not None


def per_token(header: Header) -> int:
    """Bytes that keys and values of one token take, in numbers of 16 bits."""
    heads = header.own("attention.head_count")
    wide = header.own("embedding_length")
    size = wide // heads if heads else 0
    shared = header.own("attention.head_count_kv", heads)
    both = header.own("attention.key_length", size) + header.own("attention.value_length", size)
    return 2 * header.own("block_count") * shared * both


def slots_of(header: Header) -> tuple[int, int]:
    """How many replies are decoded together, and how many tokens each of them may have with its prompt.

    All of it fits into `CACHE`, but one reply of `LEAST` tokens is there in any case. (Slots that share one
    store write half as many tokens a second when there are thirty: each looks at what all have.)
    """
    trained, one = header.own("context_length") or LEAST, max(1, per_token(header))
    window = min(trained, max(LEAST, CACHE // (one * SLOTS)))
    window = max(STEP, -(-window // STEP) * STEP if window < LEAST else window // STEP * STEP)
    return max(1, min(SLOTS, CACHE // (one * window))), window


def estimate(header: Header) -> int:
    """Bytes that the engine will take: the file, keys and values, and the process."""
    return header.size + per_token(header) * math.prod(slots_of(header)) + BASE + CACHE_MIB * 2**20


class Llama(Engine):
    """A GGUF file in a child process.

    Args:
        name: as a visitor knows it.
        threads: that compute; 0 leaves it to the number of cores.

    Raises:
        CannotLoad: ``engine_missing``, ``engine_refused`` (llama.cpp cannot read the file, or ends
            while it tries). DoesNotFit: its memory is out.
    """

    def __init__(self, name: str, path: Path, header: Header, *, threads: int = 0) -> None:
        if not available():
            raise CannotLoad("engine_missing", name=name)
        self.name, self._path = name, path
        self._slots, self._context = slots_of(header)
        self.room = 0  # each reply has its own
        self.window = min(header.own("context_length") or self._context, self._context)
        end = header.number("tokenizer.ggml.eos_token_id", -1)
        self.ends = frozenset({end} - {-1})
        self.capabilities = Capabilities(
            "llama.cpp", alternatives=MOST_TOP, repeats="alone", together=self._slots
        )
        self._threads = threads or cores()
        self._turn = threading.Lock()
        self._child: _Child | None = None
        self._closed = False
        self._start()

    @property
    def pid(self) -> int | None:
        """Of the child; None while there is none."""
        child = self._child
        return child.process.pid if child is not None and child.alive else None

    @property
    def bytes(self) -> int:
        """That the child takes: what is its own, and the file, which is mapped."""
        try:
            own = int(psutil.Process(self.pid).memory_full_info().uss) if self.pid else 0
        except psutil.Error:
            own = 0
        return own + self._path.stat().st_size + CACHE_MIB * 2**20

    def stream(self, order: Order) -> Generator[Piece, None, None]:
        """As `Engine.stream`.

        Raises:
            CannotLoad: ``engine_ended``; as the constructor, where the child must be started again.
            BadInput: ``engine_says`` (what llama.cpp refused, in its words).
        """
        body = {
            "prompt": [int(id) for id in order.ids], "n_predict": order.max_new_tokens, "stream": True,
            **samplers(order, self.window), "seed": order.seed % RANDOM,
            "n_probs": max(1, order.alternatives), "return_progress": True, "timings_per_token": True,
            "cache_prompt": True,
        }  # fmt: skip
        written = 0
        with closing(self._asked(body)) as pieces:
            for piece in pieces:
                if "r" in piece:
                    yield Read(*map(int, piece["r"]))
                elif "t" in piece:
                    id, raw, logarithm, top, count, milliseconds = piece["t"]
                    silent = max(0, int(count) - written - 1)
                    written = max(written + 1, int(count))
                    yield Token(
                        int(id), bytes.fromhex(raw), _probability(logarithm), _top(top), silent,
                        seconds=float(milliseconds) / 1000,
                    )  # fmt: skip
                elif "e" in piece:
                    reason, read, new, reused = piece["e"]
                    full = read + new >= self.window and reason != "stop"
                    why: Any = "eos" if reason == "stop" else "window" if full else "length"
                    yield End(why, int(read), int(new), int(reused))

    def likeliest(self, ids: Sequence[int], count: int) -> list[tuple[int, float]]:
        """As `Engine.likeliest`: one pass, whose own token is an end that is always told.

        Raises:
            As `stream`.
        """
        body = {
            "prompt": [int(id) for id in ids], "n_predict": 1, "stream": True, "temperature": 0.0,
            "n_probs": min(count, MOST_TOP), "cache_prompt": True,
            # A token that only begins a character would not be told. The probabilities are those before it.
            "logit_bias": [[min(self.ends, default=0), 1e9]],
        }  # fmt: skip
        found: list[tuple[int, float]] = []
        with closing(self._asked(body)) as pieces:
            for piece in pieces:
                if "t" in piece:
                    found = [(id, p) for id, p in _top(piece["t"][3])]
        return found[:count]

    def close(self) -> None:
        """End the child; whoever is being answered is told so."""
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _asked(self, body: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        child = self._start()
        with child.asking(body) as heard:
            while True:
                try:
                    pieces = heard.get(timeout=SILENCE)
                except queue.Empty:
                    cancellation.check()
                    continue
                if pieces is None:
                    raise CannotLoad("engine_ended", name=self.name)
                for piece in pieces:
                    if "failed" in piece:
                        log.info("llama.cpp refused %s: %s", self.name, piece["failed"])
                        raise BadInput("engine_says", name=self.name, said=piece["failed"][:200])
                    if "over" in piece:
                        return
                    yield piece

    def _start(self) -> _Child:
        """The child, started if there is none."""
        with cancellation.turn(self._turn):
            if self._closed:
                raise CannotLoad("engine_ended", name=self.name)
            if self._child is not None and not self._child.alive:
                self._child.end()
                self._child = None
            if self._child is None:
                child = _Child()
                try:
                    self._open(child)
                except BaseException:
                    child.end()
                    raise
                self._child = child
                weakref.finalize(self, child.end)
            return self._child

    def _open(self, child: _Child) -> None:
        told = child.open(
            {
                "path": str(self._path.resolve()), "context": self._slots * self._context,
                "slots": self._slots, "batch": BATCH,
                "cache_mib": CACHE_MIB, "threads": self._threads, "poll": 0,
            }
        )  # fmt: skip
        if "opened" in told:
            return
        status, said = child.ended()
        log.info("llama.cpp cannot open %s: %s, %s %s", self.name, told, status, said[-500:])
        if told.get("refused") == "no_engine":
            raise CannotLoad("engine_missing", name=self.name)
        if status == -9 or "failed to allocate" in said or "bad_alloc" in said:
            raise DoesNotFit("out_of_memory", name=self.name)
        raise CannotLoad("engine_refused", name=self.name)


class _Child:
    """The process, its requests by number, and a thread that hands out what it says."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=ROOT,
            env=environment() | WAITS,
        )  # fmt: skip
        self._numbers = itertools.count(1)
        self._heard: dict[int, queue.SimpleQueue[list[dict[str, Any]] | None]] = {}
        self._lock = threading.Lock()
        self._over = False

    @property
    def alive(self) -> bool:
        return not self._over and self.process.poll() is None

    def open(self, greeting: dict[str, Any]) -> dict[str, Any]:
        """The answer to the first message; {} if it ended instead, or takes too long."""
        assert self.process.stdin and self.process.stdout
        late = threading.Timer(OPENING, self.process.kill)
        late.daemon = True
        late.start()
        try:
            wire.send(self.process.stdin, greeting)
            told, _ = wire.receive(self.process.stdout)
        except (EOFError, OSError, wire.Malformed):
            return {}
        finally:
            late.cancel()
        if "opened" in told:
            threading.Thread(target=self._listen, daemon=True).start()
        return told

    def asking(self, body: dict[str, Any]) -> _Asking:
        """One request, from its first piece to its end."""
        heard: queue.SimpleQueue[list[dict[str, Any]] | None] = queue.SimpleQueue()
        with self._lock:
            number = next(self._numbers)
            self._heard[number] = heard
        if self._over:
            heard.put(None)
        return _Asking(self, number, body, heard)

    def send(self, message: dict[str, Any]) -> None:
        """Something to the process; one that is gone hears nothing, and `_listen` tells who waits."""
        assert self.process.stdin
        with suppress(OSError, ValueError), self._lock:
            wire.send(self.process.stdin, message)

    def forget(self, number: int) -> None:
        """Nobody waits for this one."""
        with self._lock:
            self._heard.pop(number, None)

    def _listen(self) -> None:
        assert self.process.stdout
        try:
            while True:
                message, _ = wire.receive(self.process.stdout)
                for number, pieces in message["replies"]:
                    heard = self._heard.get(number)
                    if heard is not None:
                        heard.put(pieces)
        except (EOFError, OSError, ValueError, wire.Malformed):
            self._over = True
            with self._lock:
                waiting = list(self._heard.values())
            for heard in waiting:
                heard.put(None)

    def ended(self) -> tuple[int, str]:
        """One that ends by itself: its exit status, and what it said last."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Kill it, if it still is; its exit status, and what it said last."""
        self.process.kill()
        status = self.process.wait()
        said = b""
        with suppress(OSError, ValueError):
            self._errors.seek(0, 2)
            self._errors.seek(max(0, self._errors.tell() - SAID))
            said = self._errors.read()
        for stream in (self.process.stdin, self._errors):
            with suppress(OSError, ValueError):
                stream.close()  # type: ignore[union-attr]
        return status, said.decode("utf-8", "replace")


class _Asking:
    """A request under way; leaving it ends it."""

    def __init__(
        self, child: _Child, number: int, body: dict[str, Any],
        heard: queue.SimpleQueue[list[dict[str, Any]] | None],
    ) -> None:  # fmt: skip
        self._child, self._number, self._body, self._heard = child, number, body, heard

    def __enter__(self) -> queue.SimpleQueue[list[dict[str, Any]] | None]:
        self._child.send({"number": self._number, "body": self._body})
        return self._heard

    def __exit__(self, *_: object) -> None:
        self._child.send({"stop": self._number})
        self._child.forget(self._number)


def samplers(order: Order, window: int) -> dict[str, Any]:
    """What llama.cpp does with a position's logits before it draws: no more than this order asks for.

    It means what transformers' order means (penalty, temperature, top-k, top-p, min-p). Top-k comes before
    the temperature, which leaves the order of the tokens as it is, so that all that follows works on ``k``
    of them; and greedy is a top-k of 1. Otherwise each step divides, exponentiates and draws from the whole
    vocabulary, 1.2 ms of 49,152 tokens, while the threads that compute wait; with 8 chats, eight times.
    """
    greedy = order.temperature <= 0
    wanted = {
        "penalties": order.repetition_penalty != 1, "top_k": greedy or order.top_k > 0,
        "temperature": not greedy, "top_p": not greedy and order.top_p < 1,
        "min_p": not greedy and order.min_p > 0,
    }  # fmt: skip
    return {
        "samplers": [name for name, asked in wanted.items() if asked],
        "repeat_penalty": order.repetition_penalty, "repeat_last_n": window,
        "top_k": 1 if greedy else order.top_k, "temperature": 1.0 if greedy else order.temperature,
        "top_p": order.top_p, "min_p": order.min_p,
    }  # fmt: skip


def cores() -> int:
    """Physical cores, of which each takes one thread."""
    return max(1, psutil.cpu_count(logical=False) or psutil.cpu_count() or 1)


def _probability(logarithm: float | None) -> float | None:
    return None if logarithm is None else min(1.0, math.exp(logarithm))


def _top(rows: Sequence[Sequence[Any]]) -> tuple[tuple[int, float], ...]:
    return tuple((int(id), math.exp(logarithm)) for id, logarithm in rows if logarithm is not None)
