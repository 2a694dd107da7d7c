"""A tokenizer from the Hub, all the way: name → files → tokens, and whatever can go wrong between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http  # type: ignore[attr-defined]

from playground.engine.tokenizers.libraries import adapter
from playground.errors import CannotLoad, Gated, HubUnreachable, PlaygroundError, UnknownModel
from playground.models import hub as fetching
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.hub import cache, client, download
from playground.models.loaders import TransformersLoader
from playground.system import cancellation
from tests import small_models
from tests.app import SLOWER
from tests.hub import Hub

TOKENIZER = small_models.word_level().backend_tokenizer.to_str().encode()
FILES = {
    "README.md": b"# A model",
    "config.json": b"{}",
    "model.safetensors": b"w" * 10_000,
    "tokenizer.json": TOKENIZER,
    "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
    "onnx/tokenizer.json": b"another",
    "modeling.py": b"raise SystemExit",
}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A cache of our own; and afterwards the client as it was."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(client, "SECONDS", 1)
    monkeypatch.setattr(download, "PAUSE", 0.1)
    client.be_impatient.cache_clear()
    yield tmp_path
    client.be_impatient.cache_clear()
    huggingface_hub.set_client_factory(_http.default_client_factory)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as stand_in:
        monkeypatch.setattr(constants, "ENDPOINT", stand_in.url)
        template = stand_in.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        stand_in.add("org/name", FILES)
        yield stand_in


def ids(
    name: str = "org/name", text: str = "hello world", *, offline: bool = False, anonymous: bool = True
) -> list[int]:
    """A text's ids by a tokenizer that is loaded for this alone."""
    models = ModelCache(2**28, TransformersLoader(offline=offline, anonymous=anonymous))
    catalog = Catalog(Path("no models"), Path("no uploads"))
    with models.lease(catalog.find(name)) as loaded:
        return adapter(loaded).encode(text).ids.tolist()


def error(kind: type[PlaygroundError], *arguments: Any, within: float = 5, **named: Any) -> str:
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        ids(*arguments, **named)
    assert time.monotonic() - began < within
    assert type(caught.value) is kind
    return caught.value.key.removeprefix("errors.")


def asked(server: Hub) -> list[str]:
    return sorted({r.path.rsplit("/", 1)[1] for r in server.requests if "/resolve/" in r.path})


def test_a_tokenizer(server: Hub) -> None:
    assert ids() == [1, 2]
    assert asked(server) == ["config.json", "tokenizer.json", "tokenizer_config.json"]
    assert not any(request.authorized for request in server.requests)


def test_a_second_look_fetches_nothing(server: Hub) -> None:
    ids()
    server.requests.clear()
    assert ids() == [1, 2]
    assert [request.path.split("?")[0] for request in server.requests] == [
        "/api/models/org/name/revision/main"
    ]


def test_a_newer_commit_is_seen(server: Hub) -> None:
    ids()
    server.add("org/name", {**FILES, "tokenizer.json": TOKENIZER.replace(b'"hello": 1', b'"hallo": 1')})
    assert ids() == [1, 2] or TOKENIZER.count(b'"hello":1')
    server.add("org/name", {**FILES, "tokenizer.json": TOKENIZER.replace(b'"hello"', b'"hallo"')})
    assert ids() == [0, 2]


def test_progress(server: Hub) -> None:
    seen: list[tuple[int, int]] = []
    fetching.fetch("org/name", "main", ["*.json"], progress=lambda done, total: seen.append((done, total)))
    size = sum(len(data) for name, data in FILES.items() if name.endswith("json") and "/" not in name)
    assert seen == sorted(seen) and seen[0] == (0, size) and seen[-1] == (size, size)


@pytest.mark.parametrize("anonymous", [True, False])
def test_the_owners_token(server: Hub, monkeypatch: pytest.MonkeyPatch, anonymous: bool) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    assert ids(anonymous=anonymous) == [1, 2]
    assert {request.authorized for request in server.requests} == {not anonymous}


def test_gated(server: Hub) -> None:
    server.add("org/gated", FILES, gated="manual")
    assert error(Gated, "org/gated") == "gated"


def test_missing(server: Hub) -> None:
    assert error(UnknownModel, "org/nothing") == "not_on_hub"
    assert error(UnknownModel, "nothing") == "not_on_hub"


def test_no_tokenizer_files(server: Hub) -> None:
    server.add("org/empty", {"README.md": b""})
    server.add("org/only-config", {"config.json": b'{"model_type": "gpt2"}'})
    server.add("org/deep", {"onnx/tokenizer.json": TOKENIZER})
    for name in ("org/empty", "org/only-config", "org/deep"):
        assert error(CannotLoad, name) == "no_tokenizer_files"
    assert "tokenizer.json" not in asked(server)


@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer.json": b"{"},
        {"tokenizer.json": b""},
        {"tokenizer.json": b"\xff\xfe"},
        {"tokenizer.json": b"[]"},
        {"tokenizer.json": b"[" * 100_000},
        {"tokenizer.json": b'{"model": {"type": "BPE", "vocab": 5}}'},
        {"tokenizer.json": TOKENIZER, "tokenizer_config.json": b"{"},
        {"tokenizer.json": TOKENIZER, "tokenizer_config.json": b"[]"},
        {"tokenizer.json": TOKENIZER, "tokenizer_config.json": b'["auto_map"]'},
        {"tokenizer.json": TOKENIZER, "config.json": b"{"},
        {"tokenizer.json": TOKENIZER.replace(b'"hello":1', b'"hello":2147483649')},
        {"tokenizer.json": TOKENIZER.replace(b'"hello":1', b'"hello":-1')},
        {"vocab.json": b"{}", "config.json": b"{}"},
        {"tokenizer.model": b"\x00\x01", "tokenizer_config.json": b'{"tokenizer_class": "LlamaTokenizer"}'},
    ],
)
def test_broken_files(server: Hub, files: dict[str, bytes]) -> None:
    server.add("org/broken", files)
    assert error(CannotLoad, "org/broken", within=10) == "broken_tokenizer"


def test_code_of_a_repository_never_runs(server: Hub, home: Path) -> None:
    ran = home / "ran"
    code = f"open({str(ran)!r}, 'w').close()\nclass Evil: pass\n".encode()
    for number, (place, value) in enumerate(
        (file, value)
        for file in ("tokenizer_config.json", "config.json")
        for value in (
            {"AutoTokenizer": ["evil.Evil", None]},
            {"AutoTokenizer": "evil.Evil", "AutoConfig": "evil.Evil"},
        )
    ):
        name = f"org/evil{number}"
        config = json.dumps({"auto_map": value, "tokenizer_class": "Evil", "model_type": "evil"}).encode()
        server.add(name, {"evil.py": code, "tokenizer.json": TOKENIZER, place: config})
        assert ids(name) == [1, 2]
        server.add(name + "-bare", {"evil.py": code, "vocab.json": b"{}", place: config})
        assert error(CannotLoad, name + "-bare") == "broken_tokenizer"
    assert not ran.exists()
    assert not any(".py" in request.path for request in server.requests)


# -- a Hub that is not there --


def test_gone(server: Hub) -> None:
    server.close()
    assert error(HubUnreachable) == "hub_unreachable"


def test_gone_but_kept(server: Hub) -> None:
    ids()
    server.close()
    assert ids() == [1, 2]
    assert ids(offline=True) == [1, 2]


def test_offline_asks_nobody(server: Hub) -> None:
    assert error(HubUnreachable, offline=True) == "offline"
    assert server.requests == []


@pytest.mark.parametrize("where", ["*", "GET /api/*", "HEAD *", "GET *resolve*"])
@pytest.mark.parametrize(
    "what", [{"silent": True}, {"status": 503}, {"status": 429, "headers": {"Retry-After": "60"}}]
)
def test_no_answer(server: Hub, where: str, what: dict[str, Any]) -> None:
    server.trouble(where, **what)
    assert error(HubUnreachable, within=6) == "hub_unreachable"
    server.troubles.clear()
    assert ids() == [1, 2]  # a failure is not remembered


def test_silence_in_the_middle_of_a_file(server: Hub) -> None:
    server.trouble("GET */tokenizer.json", silent=True, cut=100, times=1)
    server.trouble("GET */tokenizer.json", silent=True, cut=0)
    assert error(HubUnreachable, within=10) == "hub_unreachable"
    server.troubles.clear()
    assert ids() == [1, 2]


@pytest.mark.parametrize("ask", [fetching.config, fetching.header])
def test_what_nobody_waits_for_is_not_waited_for(server: Hub, ask: Callable[..., Any]) -> None:
    """A config, or the headers of weights, from a Hub that took the question and says nothing."""
    server.trouble("*", silent=True)
    left, ended = threading.Event(), threading.Event()

    def work() -> None:
        with cancellation.when(left.is_set), pytest.raises(cancellation.Abandoned):
            ask("org/name", anonymous=True)
        ended.set()

    threading.Thread(target=work).start()
    assert not ended.wait(0.5)
    left.set()
    assert ended.wait(0.5 * SLOWER)


def test_cut_off_once(server: Hub) -> None:
    server.trouble("GET */tokenizer.json", cut=100, times=1)
    assert ids() == [1, 2]


def test_half_fetched_is_not_kept(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first files came, the vocabulary did not: nothing here to fall back on."""
    server.trouble("* */tokenizer.json", status=503)
    assert error(HubUnreachable) == "hub_unreachable"
    server.close()
    assert error(HubUnreachable) == "hub_unreachable"


@pytest.mark.parametrize("status", [400, 402, 403, 404, 410, 451])
def test_refused(server: Hub, status: int) -> None:
    server.trouble("GET /api/*", status=status)
    with pytest.raises(PlaygroundError) as caught:
        ids()
    assert caught.value.key in ("errors.hub_refused", "errors.not_on_hub")


def test_a_wall_that_answers_for_everybody(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hotel's login page says 200 to everything."""
    monkeypatch.setattr(
        "tests.hub.Answer.json", lambda self, value, status=200, **h: self.send(200, b"<html>")
    )
    assert error(HubUnreachable) == "hub_unreachable"


def test_no_room(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SPARE", 2**62)
    assert error(CannotLoad) == "disk_full"
    assert asked(server) == []


def test_files_too_large_for_a_tokenizer(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.models.loaders.tokenizers.LARGEST", 100)
    assert error(CannotLoad) == "download_too_large"
    assert asked(server) == []
