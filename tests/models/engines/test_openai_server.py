"""Servers that speak OpenAI's language: llama.cpp's own as a stand-in, and one that answers nonsense."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from playground.errors import BadInput, CannotLoad
from playground.models.engines import llama
from playground.models.engines.interface import End, Order, Token
from playground.models.engines.server import Server
from playground.settings import read
from tests.models import gguf_files

SAID = [{"role": "user", "content": "Once upon a time"}]
STAND_IN = """
import sys, xllamacpp
given = xllamacpp.CommonParams()
given.model.path, given.n_ctx, given.n_gpu_layers, given.warmup = sys.argv[1], 512, 0, False
given.api_keys = ["sesame"]
server = xllamacpp.Server(given)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
needs_llama = pytest.mark.skipif(not llama.available(), reason="xllamacpp is not installed on this platform")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("server") / "tiny.gguf"
    gguf_files.llama(path)
    process = subprocess.Popen(
        [sys.executable, "-c", STAND_IN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        yield process.stdout.readline().strip() + "/v1"
    finally:
        process.kill()
        process.wait()


@needs_llama
def test_a_reply_comes_token_by_token_with_what_else_could_have_stood_there(address: str) -> None:
    server = Server(address, key="sesame")
    assert server.model in server.models()
    pieces = list(server.stream(Order(messages=SAID, max_new_tokens=8, alternatives=3)))
    tokens, end = [each for each in pieces if isinstance(each, Token)], pieces[-1]
    assert isinstance(end, End) and end.prompt_tokens > 5 and 1 <= end.new_tokens <= 8
    assert tokens and all(token.id == -1 and not token.top for token in tokens)
    for token in tokens:
        assert token.probability is not None and 0 < token.probability <= 1 and len(token.texts) == 3
    server.close()


@needs_llama
def test_a_stop_closes_the_connection_and_the_next_reply_comes(address: str) -> None:
    server = Server(address, key="sesame")
    running = server.stream(Order(messages=SAID, max_new_tokens=200, temperature=1.0))
    assert isinstance(next(running), Token)
    running.close()
    assert isinstance(list(server.stream(Order(messages=SAID, max_new_tokens=2)))[-1], End)
    server.close()


@needs_llama
def test_what_a_server_refuses_is_a_sentence(address: str) -> None:
    with pytest.raises(BadInput) as told:
        Server(address, "any", key="wrong").models()
    assert told.value.key == "errors.engine_says" and "401" in str(told.value.values["said"])


class Nonsense(BaseHTTPRequestHandler):
    """A server that speaks another language."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def do_POST(self) -> None:
        self.do_GET()
        self.wfile.write(b'\ndata: {"choices": [{"delta": {"content": "hi"}}]}\n\ndata: [1]\n\n')

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_what_is_no_such_server_is_a_sentence() -> None:
    other = HTTPServer(("127.0.0.1", 0), Nonsense)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{other.server_port}/v1"
        with pytest.raises(CannotLoad) as told:
            Server(address)
        assert told.value.key == "errors.engine_unreachable" and told.value.values["url"] == address
        running = Server(address, "named").stream(Order(messages=SAID))
        assert next(running) == Token(-1, b"hi", None)  # of a server that tells no probabilities
        with pytest.raises(CannotLoad):
            next(running)
    finally:
        other.shutdown()
        other.server_close()


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(CannotLoad):
        Server("http://127.0.0.1:9/v1")


def test_it_knows_no_ids() -> None:
    server = Server("http://127.0.0.1:9/v1", "named")
    assert not server.capabilities.ids and not server.capabilities.inside
    for ask in (lambda: list(server.stream(Order([1, 2]))), lambda: server.likeliest([1, 2], 3)):
        with pytest.raises(BadInput) as told:
            ask()
        assert told.value.key == "errors.engine_no_ids"


def test_the_owner_names_the_address() -> None:
    assert read(["--engine-url", "http://127.0.0.1:11434/v1"], {}).engine_url == "http://127.0.0.1:11434/v1"
    assert read([], {}).engine_url == ""
