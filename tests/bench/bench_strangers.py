"""A thousand hostile requests of all kinds against a public server, and whoever else is there meanwhile.

``python tests/bench/bench_strangers.py [requests]``: how long an innocent page and an embedded tokenizer take
while nobody else asks, and during the attack (p99 of both); the server's memory after it has been warmed up
and after the attack; and what each kind of request was answered. It fails where the server dies, where an
answer holds a traceback, or where an innocent visitor is told of an error.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil

from tests.app import App, running
from tests.bench.rows import row
from tests.rooms.architecture import hostile_configs

ATTACKERS = 4
IDLE = 15.0  # seconds for which the innocent are timed with nobody else about
WAIT = 60.0  # seconds for one answer
TELLTALES = (b"Traceback (most", b'File "', b"site-packages")
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=x"}
CALL = "/gradio_api/call/tokenize"
PAGE, TOKENIZER = "a page", "an embedded tokenizer"
Answer = tuple[int, bytes]


class Server:
    """One running app, asked by plain HTTP: nothing of what a client library would never send is left out."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self.host, self.port = where.hostname or "", where.port or 0
        named = json.loads(self.ask("GET", "/gradio_api/info")[1])["named_endpoints"]
        self.defaults = {  # a program that asks by plain HTTP gives all arguments
            name.strip("/"): [each.get("parameter_default") for each in about["parameters"]]
            for name, about in named.items()
        }

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """One request; 0 where the server closed the connection without a word."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=WAIT)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(1 << 22)
        except (http.client.HTTPException, ConnectionError):
            return 0, b""
        finally:
            connection.close()

    def call(self, name: str, *given: Any, raw: bytes | None = None) -> Answer:
        """An endpoint as programs ask it, to the end of its answer."""
        whole = [*given, *self.defaults[name][len(given) :]]
        body = raw if raw is not None else json.dumps({"data": whole}).encode()
        status, told = self.ask("POST", f"/gradio_api/call/{name}", body, JSON)
        if status != 200:
            return status, told
        return self.ask("GET", f"/gradio_api/call/{name}/{json.loads(told)['event_id']}")

    def leave(self, path: str, body: bytes) -> Answer:
        """Ask, read a little, and go."""
        with socket.create_connection((self.host, self.port), timeout=WAIT) as wire:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            )
            wire.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            wire.settimeout(0.3)
            try:
                return 200, wire.recv(200)
            except TimeoutError:
                return 200, b""


def models(folder: Path) -> None:
    """Folders of the models folder that mean no good."""

    def put(name: str, **files: str) -> None:
        (folder / name).mkdir(parents=True)
        for file, content in files.items():
            (folder / name / file.replace("__", ".")).write_text(content, encoding="utf-8")

    put("quadratic", tokenizer__json=json.dumps(hostile_configs.quadratic()))
    put("template", tokenizer__json=json.dumps(hostile_configs.template(2_000, 100)))
    put("replaces", tokenizer__json=json.dumps(hostile_configs.replaces()))
    put("heavy", tokenizer__json=json.dumps(hostile_configs.heavy()))
    put("brackets", config__json="[" * 50_000)
    llama = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    put("endless", config__json=json.dumps({**llama, "num_hidden_layers": 3_000_000, "hidden_size": 8}))
    put("labels", config__json=json.dumps({"model_type": "bert", "num_labels": 10**8}))
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"
    spoken = json.dumps({"chat_template": loop, "tokenizer_class": "PreTrainedTokenizerFast"})
    put("talker", tokenizer__json=json.dumps(hostile_configs.whole()), tokenizer_config__json=spoken)


ODD: list[Any] = [
    None, True, -1, 10**30, 1e308, "", "\x00", "\ud800", [], {}, [[]], "a" * 300_000, ["a"] * 5_000,
]  # fmt: skip
ENDPOINTS = (
    "tokenize", "detokenize", "inspect", "next_token", "generate", "embed", "similarity", "project",
    "token_vectors", "similar_words", "find_songs", "recommend", "chat_template", "chat", "models",
)  # fmt: skip
NAMES = (
    "../../etc/passwd", "/etc/passwd", "http://127.0.0.1/x", "a/b/../../c", "nul\x00", "x" * 5_000, "..",
    "file:///etc/passwd", "org/--upload-pack=x", "169.254.169.254/latest",
    "<img src=x onerror=alert(1)>", f"upload-{'0' * 32}", f"songs-{'0' * 32}",
)  # fmt: skip
PATHS = (
    "/gradio_api/file=/etc/passwd", "/gradio_api/file=../../app.py", "/static/../../app.py",
    "/assets/..%2f..%2fapp.py", "/gradio_api/file=http://127.0.0.1:22/",
)  # fmt: skip
TEXTS = ("\u202e" * 5_000, "👩‍🚀" * 5_000, "<script>" * 5_000, "\ufdfa" * 50_000, "a" * 199_000)
MILLIONS = json.dumps({"data": [[5] * 3_000_000, "byt5"]}).encode()
STORY = {"message": "Tell me a story", "model": "tutor"}
TALK = [{"role": "user", "content": "hi"}]
BOMB = {"model_type": "llama", "num_hidden_layers": 10**9, "vocab_size": 10**12}
UPLOAD = (
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="../../a"\r\n\r\n'
    + b"\x00" * 50_000
    + b"\r\n--x--\r\n"
)


def told(**fields: Any) -> bytes:
    """A body of JSON."""
    return json.dumps(fields).encode()


def kinds(server: Server, draw: random.Random) -> dict[str, Callable[[], Answer]]:
    """Every kind of attack, as a function that does it once."""
    call, ask, leave = server.call, server.ask, server.leave

    def one(values: Any) -> Any:
        return draw.choice(values)

    return {
        "a quadratic pattern": lambda: call("tokenize", "a" * 60_000, ["quadratic"]),
        "a template of many tokens": lambda: call("tokenize", "a", ["template"]),
        "a doubling normalizer": lambda: call("tokenize", "a" * 1_000, ["replaces"]),
        "a heavy token": lambda: call("detokenize", [1] * 20_000, "heavy"),
        "millions of ids": lambda: call("detokenize", raw=MILLIONS),
        "a config of brackets": lambda: call("inspect", "brackets"),
        "three million layers": lambda: call("inspect", "endless"),
        "a hundred million labels": lambda: call("inspect", "labels"),
        "a pasted bomb": lambda: call("inspect", "", {}, BOMB),
        "an infinite context": lambda: call(
            "inspect", raw=b'{"data": ["tutor", {}, null, %s]}' % one((b"Infinity", b"NaN", b"-1", b"1e999"))
        ),
        "a looping chat template": lambda: call("chat_template", TALK, "talker"),
        "a body of megabytes": lambda: ask("POST", CALL, b"[" * (20 << 20), JSON),
        "brackets in brackets": lambda: ask("POST", "/playground/chat", b"[" * 100_000, JSON),
        "no JSON": lambda: ask("POST", one((CALL, "/playground/chat")), b"\xff\x00{", JSON),
        "an unknown function": lambda: ask(
            "POST", "/gradio_api/queue/join",
            told(data=[], fn_index=one([-1, 10**6, "x", None]), session_hash="s"), JSON,
        ),
        "another host": lambda: ask("POST", CALL, told(data=[]), {**JSON, "Host": "evil.example"}),
        "another page's login": lambda: ask(
            "POST", "/login", b"username=a&password=b", {"Origin": "https://evil.example"}
        ),
        "a path out": lambda: ask("GET", one(PATHS)),
        "a name that is none": lambda: call("tokenize", "hi", [one(NAMES)]),
        "a model that is none": lambda: call(one(("inspect", "chat_template")), one(NAMES)),
        "values of any type": lambda: call(one(ENDPOINTS), *[one(ODD) for _ in range(draw.randrange(12))]),
        "texts of any kind": lambda: call("tokenize", one(TEXTS), ["byt5", "tekken", "all-MiniLM-L6-v2"]),
        "a long answer left": lambda: leave("/playground/chat", told(**STORY)),
        "an upload of rubbish": lambda: ask("POST", "/gradio_api/upload", UPLOAD, FORM),
        "an MCP call of nonsense": lambda: ask(
            "POST", "/gradio_api/mcp/",
            told(jsonrpc="2.0", id=1, method="tools/call", params={"name": one(NAMES)}),
            {**JSON, "accept": "application/json, text/event-stream"},
        ),
    }  # fmt: skip


class Innocent:
    """Somebody who looks at the page and at an embedded tokenizer again and again, in an own process.

    In one with the attackers they would wait for those, and not for the server.
    """

    def __init__(self, url: str) -> None:
        here, there = multiprocessing.get_context("spawn").Pipe()
        self.pipe = here
        self.process = multiprocessing.get_context("spawn").Process(target=_look, args=(url, there))
        self.times: dict[str, list[float]] = {}
        self.failures: list[str] = []

    def __enter__(self) -> Innocent:
        self.process.start()
        self.pipe.recv()  # it has begun
        return self

    def __exit__(self, *_: object) -> None:
        self.pipe.send("enough")
        self.times, self.failures = self.pipe.recv()
        self.process.join()


def _look(url: str, pipe: Any) -> None:
    server = Server(url)
    asks: dict[str, Callable[[], Answer]] = {
        PAGE: lambda: server.ask("GET", "/"),
        TOKENIZER: lambda: server.call("tokenize", "Hello 世界", ["byt5"]),
    }
    times: dict[str, list[float]] = {what: [] for what in asks}
    failures: list[str] = []
    pipe.send("begun")
    while not pipe.poll():
        for what, asked in asks.items():
            began = time.perf_counter()
            status, told = asked()
            times[what].append(time.perf_counter() - began)
            if status != 200 or (what == TOKENIZER and b'"count":13' not in told.replace(b" ", b"")):
                failures.append(f"{what}: {status} {told[:200]!r}")
        time.sleep(0.05)
    pipe.recv()
    pipe.send((times, failures))


def p99(times: list[float]) -> float:
    """The time that one of a hundred exceeds."""
    return statistics.quantiles(times, n=100)[-1] if len(times) > 1 else times[0]


def memory(app: App) -> int:
    """Bytes of the server and of its children."""
    main = psutil.Process(app.pid)
    return sum(each.memory_info().rss for each in (main, *main.children(recursive=True)))


def attack(server: Server, requests: int, seed: int) -> tuple[dict[str, Counter[int]], list[str]]:
    """So many requests, each kind in turn; what was answered, by kind, and what no answer may hold."""
    answers: dict[str, Counter[int]] = {}
    leaks: list[str] = []

    def work(order: Iterator[tuple[int, str]], does: dict[str, Callable[[], Answer]]) -> None:
        while True:
            with lock:
                turn = next(order, None)
            if turn is None:
                return
            status, body = does[turn[1]]()
            with lock:
                answers.setdefault(turn[1], Counter())[status] += 1
                if any(each in body for each in TELLTALES):
                    leaks.append(f"{turn[1]}: {body[:300]!r}")

    lock = threading.Lock()
    names = list(kinds(server, random.Random(seed)))
    order = iter([(number, names[number % len(names)]) for number in range(requests)])
    with ThreadPoolExecutor(ATTACKERS) as pool:
        for number in range(ATTACKERS):
            pool.submit(work, order, kinds(server, random.Random(seed + number))).add_done_callback(_raise)
    return answers, leaks


def _raise(done: Any) -> None:
    if done.exception():
        raise done.exception()


def main(requests: int) -> int:
    """Attack, and tell.

    Returns:
        the exit code.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        models(folder / "models")
        settings = {"PLAYGROUND_PUBLIC": "1", "PLAYGROUND_OFFLINE": "1"}
        with running(folder, settings, "tests/serve.py") as app:
            server = Server(app.url)
            attack(server, min(requests, 400), seed=1)  # what is loaded once is loaded
            time.sleep(2)
            with Innocent(app.url) as alone:
                time.sleep(IDLE)
            warm = memory(app)  # with what the innocent use, too
            with Innocent(app.url) as beside:
                answers, leaks = attack(server, requests, seed=2)
            time.sleep(5)
            after, alive = memory(app), app.process.poll() is None
            log = app.log()
    for kind, statuses in answers.items():
        print(f"  {kind}: " + ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
    for what, times in beside.times.items():
        row(
            f"{what} during the attack, p99",
            p99(times) * 1e3,
            p99(alone.times[what]) * 1e3,
            "ms",
            "alone",
            most=3,
        )
    row("memory after the attack", after / 2**20, warm / 2**20, "MiB", "warmed up", most=1.1)
    failures = [*leaks, *beside.failures, *alone.failures]
    failures += [] if alive else ["the server died"]
    failures += ["Traceback in the log"] if "Traceback (most recent call last)" in log else []
    for failure in failures[:20]:
        print("FAILED:", failure)
    print(f"{sum(sum(each.values()) for each in answers.values())} requests of {len(answers)} kinds")
    return 1 if failures else 0


if __name__ == "__main__":
    from tests.bench.rows import rounds

    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else rounds(1000)))
