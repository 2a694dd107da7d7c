"""What a request may be: a stranger's nonsense gets a sentence, costs little and leaves no traceback."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psutil
import pytest

from playground.engine.tokenizers import tokenize
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME
from playground.models.loaders import TransformersLoader
from playground.rooms.architecture.service import limits as context_and_batch
from playground.shell import limits
from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.shell.test_sessions import PLAIN, call, post, read

HERE = {"Content-Type": "application/json"}


@pytest.fixture
def quiet(app: App) -> Iterator[App]:  # noqa: F811
    """The app, in whose log nothing went wrong."""
    before = len(app.log())
    yield app
    said = app.log()[before:]
    assert "Traceback" not in said and "reference" not in said, said[-2000:]


def refused(app: App, path: str, body: bytes, **headers: str) -> tuple[int, str]:  # noqa: F811
    request = urllib.request.Request(f"{app.url}{path}", body, {**HERE, **headers})
    with pytest.raises(urllib.error.HTTPError) as caught:
        PLAIN.open(request, timeout=60)
    told = json.loads(caught.value.read())
    assert told["detail"] == told["error"]
    return caught.value.code, told["detail"]


PATHS = ("gradio_api/call/tokenize", "gradio_api/queue/join", "gradio_api/mcp/", "playground/chat")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b'{"data": ["' + b"x" * (20 << 20) + b'"]}', 413, "longer than"),
        (b'{"data": [' + b"[]," * 2_000_000 + b"1]}", 413, "values"),
        (b'{"data": [' + b'{"a":1},' * 400_000 + b"1]}", 413, "values"),
        (b'{"data": ' + b"[" * 100_000, 400, "not JSON"),
        (b'{"data": ' + b"[" * 500 + b"]" * 500 + b"}", 400, "not JSON"),
        (b'{"data": [' + b"9" * 10_000 + b"]}", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
    ],
    ids=["bytes", "lists", "objects", "brackets", "deep", "digits", "bytes that are no text"],
)
def test_a_body_is_bounded_wherever_it_goes(
    quiet: App, path: str, body: bytes, status: int, told: str
) -> None:
    found, sentence = refused(quiet, path, body)
    assert found == status and told in sentence


def test_a_body_that_announces_its_length_is_not_even_read(quiet: App) -> None:
    memory = psutil.Process(quiet.pid).memory_info
    before, host = memory().rss, quiet.url.split("/")[2]
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.putrequest("POST", "/gradio_api/queue/join")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        assert connection.getresponse().status == 413
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        pieces = (b" " * 2**20 for _ in range(150))  # without a length, in pieces
        try:
            connection.request("POST", "/gradio_api/queue/join", pieces, HERE, encode_chunked=True)
            assert connection.getresponse().status == 413
        except (BrokenPipeError, ConnectionResetError):
            pass  # it hung up before all was sent
    assert memory().rss - before < 100 * 2**20


def test_the_sentence_is_in_the_askers_language(quiet: App) -> None:
    assert "沒有" in refused(quiet, "gradio_api/call/nothing", b"{}", **{"Accept-Language": "zh-TW"})[1]
    assert "没有" in refused(quiet, "gradio_api/call/nothing", b"{}", **{"X-Playground-Language": "zh-CN"})[1]


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("gradio_api/queue/join", {"data": [], "fn_index": 99_999, "session_hash": "x"}),
        ("gradio_api/queue/join", {"data": [], "fn_index": -1, "session_hash": "x"}),
        ("gradio_api/queue/join", {"data": [], "fn_index": [1], "session_hash": "x"}),
        ("gradio_api/queue/join", {"data": [], "session_hash": "x"}),
        ("gradio_api/call/nothing", {"data": []}),
        ("gradio_api/call/v2/nothing", {}),
        ("gradio_api/component_server", {"component_id": 10**9, "fn_name": "x", "session_hash": "x"}),
        ("gradio_api/component_server", {"component_id": {}, "fn_name": "x", "session_hash": "x"}),
    ],
)
def test_what_is_not_there_is_told(quiet: App, path: str, given: Any) -> None:
    status, sentence = refused(quiet, path, json.dumps(given).encode())
    assert status == 404 and "no endpoint" in sentence


def test_names_and_arguments_that_cannot_be(quiet: App) -> None:
    named = {"data": [], "fn_index": 0, "session_hash": "x" * 10**6}
    assert refused(quiet, "gradio_api/queue/join", json.dumps(named).encode())[0] == 400
    assert refused(quiet, "gradio_api/call/v2/tokenize", b'{"no": 1}')[0] == 422
    config = json.loads(read(f"{quiet.url}config"))
    private = next(each["id"] for each in config["dependencies"] if each["api_visibility"] == "private")
    body = f'{{"data": [[{{"a": NaN}}]], "fn_index": {private}, "session_hash": "x"}}'
    assert refused(quiet, "gradio_api/queue/join", body.encode())[0] == 400
    for path in ("gradio_api/run/tokenize", "gradio_api/api/tokenize"):  # past the queue
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(f"{quiet.url}{path}", {"data": ["a", ["tutor"], True]})
        assert caught.value.code == 404


def test_a_stream_that_names_no_call_ends(quiet: App) -> None:
    assert "error" in read(f"{quiet.url}gradio_api/call/tokenize/{uuid.uuid4().hex}")
    assert "session_not_found" in read(f"{quiet.url}gradio_api/queue/data?session_hash=nobody")


def test_a_text_of_commas_is_a_text(quiet: App) -> None:
    """Marks inside of strings are no entries."""
    text = ',[{"\\' * 100_000
    limits.parsed(json.dumps({"data": [text]}).encode())
    assert "event: complete" in call(quiet.url, "detokenize", [1, 2], "tutor")


NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "-7", '"x"', "[]", "true", "0.5", "2e15")
ARGUMENTS = {
    "inspect": (['"gpt2"', "{}", "null", "2048"], (3,)),
    "chat": (['"hi"', "[]", '"tutor"', '""', "2", "0.5", "5", "0.9", "1.0", "1"], (1, *range(4, 10))),
    "generate": (['"hi"', '"tutor"', '"beam"', "2", "1.0", "0", "1.0", "0", "2", "1.0"], range(3, 10)),
    "next_token": (['"hi"', '"tutor"', "1.0", "0", "1.0", "3", "[]"], range(2, 6)),
    "project": (['["a","b","c","d"]', '"all-MiniLM-L6-v2"', '"pca"', "2", "0", "3"], range(3, 6)),
    "similar_words": (['["king"]', "[]", '"minilm-words"', "3"], (3,)),
    "find_songs": (['"love"', '"sample"', "3"], (2,)),
    "recommend": (['["1"]', "[]", '"sample"', "3"], (3,)),
    "detokenize": (["[1]", '"tutor"'], (0,)),
}  # fmt: skip


@pytest.mark.parametrize("endpoint", ARGUMENTS)
def test_any_number_is_answered_or_refused_in_a_sentence(quiet: App, endpoint: str) -> None:
    plain, places = ARGUMENTS[endpoint]
    for place in places:
        for number in NUMBERS:
            given = [*plain]
            given[place] = f"[{number}]" if endpoint == "detokenize" else number
            body = f'{{"data": [{",".join(given)}]}}'.encode()
            event = post(f"{quiet.url}gradio_api/call/{endpoint}", body)["event_id"]
            told = read(f"{quiet.url}gradio_api/call/{endpoint}/{event}")
            assert "event: complete" in told or "event: error" in told, (place, number)
            assert "on our side" not in told, (place, number)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 10**400, "x", None, True, 0.5])
def test_a_context_that_is_none(value: Any) -> None:
    with pytest.raises(BadInput):
        context_and_batch(value, 1)


def test_detokenize_is_bounded(quiet: App) -> None:
    """3,000,000 ids took minutes and 1.8 GB."""
    began, memory = time.monotonic(), psutil.Process(quiet.pid).memory_info
    before = memory().rss
    for count in (3_000_000, 299_000, 200_001):
        body = json.dumps({"data": [[1] * count, "tutor"]}).encode()
        try:
            event = post(f"{quiet.url}gradio_api/call/detokenize", body)["event_id"]
        except urllib.error.HTTPError as error:
            assert error.code == 413
            continue
        assert "At most 200,000 ids" in read(f"{quiet.url}gradio_api/call/detokenize/{event}")
    assert time.monotonic() - began < 20 and memory().rss - before < 300 * 2**20


@pytest.mark.parametrize("name", ["tutor", "tekken", "mistral-v1", "byt5", "canine", "all-MiniLM-L6-v2"])
def test_ids_of_every_library_are_bounded(name: str, models: ModelCache, catalog: Any) -> None:
    with models.lease(catalog.find(name)) as loaded:
        known = adapter(loaded)
        some = next(id for id in known.vocabulary() if known.piece(id).kind == "text")
        assert tokenize.detokenize(known, name, [some] * 50, most=50).text
        for ids, key in (([some] * 51, "too_many_ids"), ([10**30], "id_outside"), ([-1], "id_outside")):
            with pytest.raises(BadInput) as caught:
                tokenize.detokenize(known, name, ids, most=50)
            assert caught.value.key == f"errors.{key}"


def test_ids_may_stand_for_ten_times_as_much_text() -> None:

    with ModelCache(2**31, TransformersLoader(offline=True)).lease(EMBEDDED_BY_NAME["tekken"]) as loaded:
        known = adapter(loaded)
        long = max(range(2000, 130_000, 7), key=lambda id: len(known.piece(id).bytes))
        with pytest.raises(BadInput) as caught:
            tokenize.detokenize(known, "tekken", [long] * 50, most=50)
        assert caught.value.key == "errors.text_too_long"
