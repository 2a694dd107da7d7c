"""Gigabytes, in small: resumed, stopped, checked, and found again by huggingface_hub itself."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub
import pytest
from huggingface_hub import constants, hf_hub_download, scan_cache_dir, snapshot_download
from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError
from huggingface_hub.utils import WeakFileLock, _http  # type: ignore[attr-defined]

from playground import text
from playground.errors import CannotLoad, Gated, HubUnreachable, PlaygroundError, UnknownModel
from playground.models import hub
from playground.models.hub import aside, cache, client, download, files
from tests.hub import Hub
from tests.models.loaders.test_loaders import full_after
from tests.waiting import until

MEBI = 2**20
WEIGHTS = bytes(range(256)) * (4 * MEBI // 256)
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
FILES = {
    "README.md": b"# A model",
    "config.json": b'{"model_type": "gpt2"}',
    "generation_config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "onnx/model.safetensors": b"another",
    "pytorch_model.bin": b"pickled",
    "tokenizer.json": b"t" * 1000,
}
MINE = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
SIZE = sum(len(FILES[name]) for name in MINE)


class Enough(Exception):
    """What a visitor's stop raises."""


@pytest.fixture(autouse=True, scope="module")
def session() -> Iterator[None]:
    """One client for all tests (it takes a while to make); and afterwards as it was."""
    client.be_impatient.cache_clear()
    yield
    client.be_impatient.cache_clear()
    huggingface_hub.set_client_factory(_http.default_client_factory)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of our own."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(client, "SECONDS", 0.5)
    monkeypatch.setattr(download, "PAUSE", 0.02)
    return tmp_path / "hub"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as stand_in:
        monkeypatch.setattr(constants, "ENDPOINT", stand_in.url)
        template = stand_in.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        stand_in.add("org/name", FILES, large=("*.safetensors", "*.bin"))
        yield stand_in


class Seen(NamedTuple):
    when: float
    done: int
    total: int


class Watch:
    """A progress that remembers, and stops after so many bytes or calls."""

    def __init__(self, stop_at: float = float("inf"), *, stalls: float = float("inf")) -> None:
        self.seen: list[Seen] = []
        self.stop_at = stop_at
        self.stalls = stalls

    def __call__(self, done: int, total: int) -> None:
        self.seen.append(Seen(time.monotonic(), done, total))
        alike = sum(seen.done == done for seen in self.seen)
        if (total and done >= self.stop_at) or alike >= self.stalls:
            raise Enough

    def gaps(self) -> list[float]:
        return [b.when - a.when for a, b in zip(self.seen, self.seen[1:], strict=False)]


def folder(home: Path, name: str = "org/name") -> Path:
    return home / ("models--" + name.replace("/", "--"))


def partial(home: Path) -> Path:
    return folder(home) / "blobs" / f"{SHA256}.incomplete"


def ranges(server: Hub) -> list[str]:
    return [r.range for r in server.requests if "/cdn/" in r.path]


def refused(kind: type[PlaygroundError], call: Callable[[], Any], within: float = 8) -> PlaygroundError:
    """The error of a call, which has a sentence in every language."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        call()
    assert time.monotonic() - began < within
    assert type(caught.value) is kind
    for lang in text.LANGUAGES:
        assert "{" not in text.say(caught.value.key, lang, **caught.value.values)
    return caught.value


def key(error: PlaygroundError) -> str:
    return error.key.removeprefix("errors.")


# -- what is fetched, and where it lands --


def test_a_model(server: Hub, home: Path) -> None:
    watch = Watch()
    snapshot = hub.fetch_model("org/name", progress=watch)
    assert sorted(path.name for path in snapshot.iterdir()) == MINE
    assert all((snapshot / name).read_bytes() == FILES[name] for name in MINE)
    assert watch.seen[-1][1:] == (SIZE, SIZE)
    # A range of compressed bytes would be another one.
    assert {r.encoding for r in server.requests if "/api/" not in r.path} == {"identity"}
    assert [seen.done for seen in watch.seen] == sorted(seen.done for seen in watch.seen)
    # As huggingface_hub lays it out, so that every other program finds it.
    assert (snapshot / "model.safetensors").resolve() == (folder(home) / "blobs" / SHA256).resolve()
    assert (folder(home) / "refs" / "main").read_text() == snapshot.name
    assert not list((folder(home) / "blobs").glob("*.incomplete"))
    for name in MINE:
        assert Path(hf_hub_download("org/name", name, local_files_only=True)).read_bytes() == FILES[name]
    [repo] = scan_cache_dir(home).repos
    assert repo.repo_id == "org/name" and repo.size_on_disk == SIZE
    assert not scan_cache_dir(home).warnings
    assert snapshot_download("org/name", local_files_only=True, allow_patterns=MINE) == str(snapshot)
    with pytest.raises(IncompleteSnapshotError):
        snapshot_download("org/name", local_files_only=True)


def test_huggingface_hub_fetches_nothing_again(server: Hub) -> None:
    hub.fetch_model("org/name")
    server.requests.clear()
    for name in MINE:
        assert Path(hf_hub_download("org/name", name, token=False)).read_bytes() == FILES[name]
    assert server.count(method="GET") == 0


def test_what_huggingface_hub_fetched_is_not_fetched_again(server: Hub) -> None:
    snapshot_download("org/name", token=False, allow_patterns=MINE)
    assert hub.cached("org/name", "model") and hub.cached("org/name")
    server.requests.clear()
    hub.fetch_model("org/name")
    assert [request.method for request in server.requests] == ["GET"]  # which commit


def test_a_tiny_llama_in_shards_answers_the_same(server: Hub, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 128}
    first = LlamaForCausalLM(LlamaConfig(**size, num_attention_heads=4)).eval()
    first.save_pretrained(tmp_path / "llama", max_shard_size="40KB")
    sha = server.add("org/llama", tmp_path / "llama", large=("*.safetensors",))
    shards = sorted((tmp_path / "llama").glob("model-*-of-*.safetensors"))
    assert len(shards) > 2
    server.trouble("GET /cdn/*", cut=10_000, times=3)
    plan = hub.plan("org/llama")
    assert set(plan.files) == {path.name for path in (tmp_path / "llama").iterdir()}
    snapshot = hub.fetch_model("org/llama")
    assert snapshot.name == sha
    second = AutoModelForCausalLM.from_pretrained("org/llama", local_files_only=True)  # by its name
    ids = torch.arange(10)[None]
    assert torch.equal(first(ids).logits, second(ids).logits)
    tensors = hub.header("org/llama")
    assert tensors == {name: ("F32", tuple(t.shape)) for name, t in first.state_dict().items()}
    assert hub.parameters(tensors) == {"F32": sum(p.numel() for p in first.parameters())}


def test_folders_of_a_sentence_transformer(server: Hub) -> None:
    repo = {
        "modules.json": b"[]", "config.json": b"{}", "config_sentence_transformers.json": b"{}",
        "sentence_bert_config.json": b"{}", "tokenizer.json": b"t", "model.safetensors": b"w",
        "1_Pooling/config.json": b"{}", "2_Dense/config.json": b"{ }", "2_Dense/model.safetensors": b"d",
        "2_Dense/pytorch_model.bin": b"p", "onnx/model.onnx": b"o", "onnx/config.json": b"o",
        "openvino/2_Dense/config.json": b"v", "1_Pooling/deeper/config.json": b"x",
    }  # fmt: skip
    server.add("org/sentences", repo, large=("*.safetensors",))
    snapshot = hub.fetch_model("org/sentences")
    found = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
    assert found == {name for name in repo if not name.startswith("o") and "deeper" not in name} - {
        "2_Dense/pytorch_model.bin"
    }
    assert hub.cached("org/sentences", "model")
    (snapshot / "2_Dense" / "model.safetensors").unlink()
    assert not hub.cached("org/sentences", "model")


def test_patterns_with_and_without_folders(server: Hub) -> None:
    server.add("org/deep", {"1_Pooling/config.json": b"1", "a/b/config.json": b"2", "config.json": b"3"})
    one = hub.fetch("org/deep", "main", ["*_*/config.json"])
    assert [path.name for path in one.iterdir()] == ["1_Pooling"]
    assert (one / "1_Pooling" / "config.json").read_bytes() == b"1"
    hub.fetch("org/deep", "main", ["*.json"])
    assert sorted(path.name for path in one.iterdir()) == ["1_Pooling", "config.json"]


def test_names_that_leave_the_folder(server: Hub, home: Path) -> None:
    for name in ("../x.json", "a/../../x.json", "..\\x.json", "C:x.json", "/x.json", "a//x.json"):
        assert not files.safe(name)
    server.add("org/evil", {"../../../../x.json": b"!", "..\\x.json": b"!", "config.json": b"{}"})
    hub.fetch("org/evil", "main", ["*.json", "../../../../*.json"])
    assert not list(home.parent.rglob("*x.json"))


SHARDS = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
INDEX = "model.safetensors.index.json"
PICKLED = ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.safetensors", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"], [0]),
        ([INDEX, *SHARDS, "consolidated.safetensors"], [0, 1, 2]),
        ([INDEX, *SHARDS, "model.safetensors"], [0, 1, 2]),
        ([INDEX, "model.safetensors", SHARDS[0]], [1]),  # the index outlived its shards
        (["model.safetensors", "model.fp16.safetensors", "consolidated.00.safetensors"], [0]),
        (["Qwen2.5-tiny.safetensors", "adapter_model.safetensors", "x.fp16.safetensors"], [0]),
        (["onnx/model.safetensors", "model.safetensors", *PICKLED], [1]),
    ],
)
def test_weights(names: list[str], chosen: list[int]) -> None:
    for pickles in (False, True):
        assert files.weights("a", names, pickles=pickles) == [names[n] for n in chosen]


@pytest.mark.parametrize(
    "names", [[], ["a.gguf"], [INDEX, SHARDS[1]], SHARDS, ["adapter_model.safetensors"],
              ["a/model.safetensors"], ["a.safetensors", "b.safetensors"], ["consolidated.safetensors"]],
)  # fmt: skip
def test_no_weights(names: list[str]) -> None:
    assert key(refused(CannotLoad, lambda: files.weights("a", names))) == "no_weights"


def test_pickles_only_if_asked_for(server: Hub) -> None:
    for names in (["pytorch_model.bin"], PICKLED):
        server.add("org/old", dict.fromkeys([*names, "config.json"], b"p"), large=("*.bin",))
        assert key(refused(CannotLoad, lambda: hub.plan("org/old"))) == "pickles_only"
        assert key(refused(CannotLoad, lambda: hub.fetch_model("org/old"))) == "pickles_only"
        snapshot = hub.fetch_model("org/old", pickles=True)
        assert {path.name for path in snapshot.iterdir()} == {*names, "config.json"}
        assert hub.cached("org/old", "model", pickles=True) and not hub.cached("org/old", "model")


# -- before anything big --


def test_plan(server: Hub, home: Path) -> None:
    server.infos["org/name"]["safetensors"] = {"parameters": {"F32": MEBI}, "total": MEBI}
    plan = hub.plan("org/name")
    assert (plan.size, plan.here) == (SIZE, 0)
    assert plan.files == {name: len(FILES[name]) for name in MINE}
    assert plan.parameters == {"F32": MEBI}
    assert server.count() == 1 and not home.exists()  # one question, nothing written
    server.trouble("GET /cdn/*", rate=8 * MEBI, times=1)
    with pytest.raises(Enough):
        hub.fetch_model("org/name", progress=Watch(MEBI))
    half = hub.plan("org/name")
    assert half.size == SIZE and MEBI <= half.here < SIZE
    hub.fetch_model("org/name")
    whole = hub.plan("org/name", offline=True)
    assert (whole.here, whole.size, whole.files) == (SIZE, SIZE, plan.files)


def test_config_first(server: Hub) -> None:
    assert hub.config("org/name") == {"model_type": "gpt2"}
    assert server.count("/resolve/", "GET") == 1
    assert not hub.cached("org/name", "model") and not hub.cached("org/name")
    for content in (b"{", b"[]", b"\xff"):
        server.add("org/broken", {"config.json": content})
        assert key(refused(CannotLoad, lambda: hub.config("org/broken"))) == "no_config"
    server.add("org/broken", {"config.json": b"[" * 100_000})
    assert key(refused(CannotLoad, lambda: hub.config("org/broken"))) == "config_deep"
    server.add("org/long", {"config.json": b" " * (2 * MEBI)})
    assert key(refused(CannotLoad, lambda: hub.config("org/long"))) == "download_too_large"
    assert not [request for request in server.requests if "org/long/resolve" in request.path]
    server.add("org/none", {"model.safetensors": b"w"})
    assert key(refused(CannotLoad, lambda: hub.config("org/none"))) == "no_config"
    assert key(refused(CannotLoad, lambda: hub.fetch_model("org/none"))) == "no_config"


def tensors(shape: list[int], name: str = "w", padding: int = 0) -> bytes:
    size = 4 * shape[0]
    header: dict[str, Any] = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}
    content = json.dumps({"__metadata__": {"x": "y" * padding}, **header}).encode()
    return len(content).to_bytes(8, "little") + content + bytes(size)


def test_header(server: Hub) -> None:
    repo = {INDEX: b"{}", SHARDS[0]: tensors([4 * MEBI], "a"), SHARDS[1]: tensors([7], "b", padding=300_000)}
    server.add("org/shards", repo, large=("*.safetensors",))
    expected = {"a": ("F32", (4 * MEBI,)), "b": ("F32", (7,))}
    assert hub.header("org/shards") == expected
    assert all(asked for asked in ranges(server))
    assert not any(request.authorized for request in server.requests if "/cdn/" in request.path)
    server.trouble("GET /cdn/*", whole=True, rate=MEBI)  # a whole file of 16 MiB would take as many seconds
    began = time.monotonic()
    assert hub.header("org/shards") == expected
    assert time.monotonic() - began < 12


@pytest.mark.parametrize(
    "data", [b"", b"1234567", b"\xff" * 100, b"\2\0\0\0\0\0\0\0[]", b"\2\0\0\0\0\0\0\0{", tensors([5])[:40],
             b'\x0a\0\0\0\0\0\0\0{"w": [5]}', (100_000).to_bytes(8, "little") + b"[" * 100_000],
)  # fmt: skip
def test_broken_header(server: Hub, data: bytes) -> None:
    server.add("org/broken", {"config.json": b"{}", "model.safetensors": data}, large=("*.safetensors",))
    assert key(refused(CannotLoad, lambda: hub.header("org/broken"))) == "broken_weights"
    hub.fetch_model("org/broken")
    assert key(refused(CannotLoad, lambda: hub.header("org/broken", offline=True))) == "broken_weights"


def test_header_is_stopped(server: Hub) -> None:
    server.trouble("GET /cdn/*", silent=True)
    began = time.monotonic()
    with pytest.raises(Enough):
        hub.header("org/name", progress=Watch(stalls=2))
    assert time.monotonic() - began < client.SECONDS  # sooner than it would have given up


# -- stopped and resumed --


def test_stopped_and_resumed(server: Hub, home: Path) -> None:
    server.trouble("GET /cdn/*", rate=4 * MEBI, times=1)
    with pytest.raises(Enough):
        hub.fetch_model("org/name", progress=Watch(2 * MEBI))
    kept = partial(home).stat().st_size
    assert MEBI < kept < 4 * MEBI
    assert partial(home).read_bytes() == WEIGHTS[:kept]
    assert not (folder(home) / "refs").exists()
    watch = Watch()
    snapshot = hub.fetch_model("org/name", progress=watch)
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert ranges(server) == ["", f"bytes={kept}-"]
    assert watch.seen[-1].done == SIZE
    assert not partial(home).exists()


@pytest.mark.parametrize(
    "where", ["GET /api/*", "HEAD *safetensors", "GET *resolve*safetensors", "GET /cdn/*"]
)
def test_a_stop_is_noticed_while_nothing_arrives(
    server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(client, "SECONDS", 30)
    silence = {"cut": 100_000} if "cdn" in where else {}
    server.trouble(where, silent=True, **silence)
    watch, began = Watch(stalls=5), time.monotonic()
    with pytest.raises(Enough):
        hub.fetch_model("org/name", progress=watch)
    assert time.monotonic() - began < 20  # of the 30 after which it would have given up
    assert max(watch.gaps()) < 5
    if silence:
        assert partial(home).read_bytes() == WEIGHTS[:100_000]
        server.troubles.clear()
        hub.fetch_model("org/name")  # at once, though the thread of the first still waits
        assert ranges(server)[-1] == "bytes=100000-"


@pytest.mark.parametrize(
    "error", [Enough(), OSError(28, "no"), TimeoutError(), KeyboardInterrupt(), HubUnreachable("offline")]
)
def test_what_progress_raises_comes_out_as_it_is(server: Hub, error: BaseException) -> None:
    def progress(done: int, total: int) -> None:
        if done > 1000:
            raise error

    with pytest.raises(type(error)) as caught:
        hub.fetch_model("org/name", progress=progress)
    assert caught.value is error and caught.value.__cause__ is None


def test_progress_while_bytes_trickle(server: Hub) -> None:
    server.trouble("GET /cdn/*", rate=3 * MEBI)
    watch = Watch()
    hub.fetch_model("org/name", progress=watch)
    steps = {seen.done for seen in watch.seen}
    assert len(steps) >= 4 and all(seen.total == SIZE for seen in watch.seen if seen.total)


CHILD = """
import sys
from playground.models import hub
hub.fetch_model("org/name", progress=lambda done, total: print(done, flush=True))
"""


def test_resumed_after_the_process_was_killed(server: Hub, home: Path) -> None:
    server.trouble("GET /cdn/*", cut=3 * MEBI, silent=True, times=1)
    away = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    settings = {"HF_ENDPOINT": server.url, "HF_HUB_CACHE": str(home), "PYTHONPATH": os.getcwd()}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], env={**away, **settings}, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    for line in child.stdout:
        if int(line) > 2 * MEBI:
            break
    os.kill(child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    child.wait(10)
    child.stdout.close()
    kept = partial(home).read_bytes()
    assert len(kept) > MEBI and WEIGHTS.startswith(kept)
    snapshot = hub.fetch_model("org/name")
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert ranges(server) == ["", f"bytes={len(kept)}-"]


# -- hiccups --


def test_many_cuts_are_mended(server: Hub) -> None:
    server.trouble("GET /cdn/*", cut=MEBI // 2, times=7)
    snapshot = hub.fetch_model("org/name")
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert ranges(server) == ["", *(f"bytes={n * MEBI // 2}-" for n in range(1, 8))]


def test_stalls_are_mended(server: Hub) -> None:
    server.trouble("GET /cdn/*", cut=MEBI, silent=True, times=2)
    server.trouble("GET /cdn/*", silent=True, times=1)
    server.trouble("HEAD *.safetensors", status=503, times=1)
    snapshot = hub.fetch_model("org/name")
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_an_ill_cdn_is_asked_again(server: Hub, status: int) -> None:
    server.trouble("GET /cdn/*", status=status, headers={"Retry-After": "600"}, times=4)
    hub.fetch_model("org/name")
    assert len(ranges(server)) == 5


@pytest.mark.parametrize("what", [{"cut": 0}, {"silent": True}, {"status": 500}])
def test_five_failures_in_a_row_are_enough(server: Hub, home: Path, what: dict[str, Any]) -> None:
    server.trouble("GET /cdn/*", cut=MEBI, times=1)
    server.trouble("GET /cdn/*", **what)
    error = refused(HubUnreachable, lambda: hub.fetch_model("org/name"), within=12)
    assert key(error) == "hub_unreachable"
    assert len(ranges(server)) == 1 + 4  # the cut is the first of five
    assert partial(home).stat().st_size == MEBI  # and what came is kept
    server.troubles.clear()
    hub.fetch_model("org/name")


def test_a_cut_every_time_by_a_cdn_without_ranges_ends(server: Hub) -> None:
    server.trouble("GET /cdn/*", whole=True, cut=MEBI)
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/name"))) == "hub_unreachable"
    assert len(ranges(server)) == 5


def test_a_cdn_without_ranges(server: Hub) -> None:
    server.trouble("GET /cdn/*", cut=MEBI, times=1)
    server.trouble("GET /cdn/*", whole=True)
    watch = Watch()
    snapshot = hub.fetch_model("org/name", progress=watch)
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert watch.seen[-1].done == SIZE and max(seen.done for seen in watch.seen) == SIZE


def test_another_range_than_asked_for(server: Hub) -> None:
    server.trouble("GET /cdn/*", cut=MEBI, times=1)
    server.trouble("GET /cdn/*", shift=100, times=1)
    snapshot = hub.fetch_model("org/name")
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert ranges(server) == ["", f"bytes={MEBI}-", ""]


def test_a_range_that_is_refused(server: Hub) -> None:
    server.trouble("GET /cdn/*", cut=MEBI, times=1)
    server.trouble("GET /cdn/*", status=416, times=1)
    snapshot = hub.fetch_model("org/name")
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert ranges(server) == ["", f"bytes={MEBI}-", ""]


# -- damaged --


@pytest.mark.parametrize("what", [{"wrong": True}, {"more": 1}, {"more": 50 * MEBI}])
@pytest.mark.parametrize("where", ["GET /cdn/*", "GET *resolve*/tokenizer.json"])
def test_damaged(server: Hub, home: Path, where: str, what: dict[str, Any]) -> None:
    server.trouble(where, **what)
    error = refused(CannotLoad, lambda: hub.fetch_model("org/name"))
    assert key(error) == "download_damaged"
    assert error.values["file"] in {"model.safetensors", "tokenizer.json"}
    assert not list((folder(home) / "blobs").glob("*.incomplete"))
    assert not (folder(home) / "refs").exists() and not hub.cached("org/name", "model")
    server.troubles.clear()
    assert (hub.fetch_model("org/name") / "model.safetensors").read_bytes() == WEIGHTS


def test_bytes_without_end_are_not_waited_for(server: Hub, home: Path) -> None:
    server.trouble("GET /cdn/*", more=100 * MEBI, rate=5 * MEBI)
    assert key(refused(CannotLoad, lambda: hub.fetch_model("org/name"))) == "download_damaged"


@pytest.mark.parametrize("old", [b"", WEIGHTS[:MEBI], WEIGHTS, WEIGHTS + b"more"])
def test_partials_of_all_lengths(server: Hub, home: Path, old: bytes) -> None:
    partial(home).parent.mkdir(parents=True)
    partial(home).write_bytes(old)
    snapshot = hub.fetch_model("org/name")
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    assert ranges(server) == {MEBI: [f"bytes={MEBI}-"], 4 * MEBI: []}.get(len(old), [""])


def test_a_partial_of_rubbish(server: Hub, home: Path) -> None:
    """A power cut leaves zeros."""
    partial(home).parent.mkdir(parents=True)
    partial(home).write_bytes(bytes(MEBI))
    assert key(refused(CannotLoad, lambda: hub.fetch_model("org/name"))) == "download_damaged"
    assert (hub.fetch_model("org/name") / "model.safetensors").read_bytes() == WEIGHTS


def test_an_empty_file(server: Hub) -> None:
    server.add("org/empty", {"config.json": b"{}", "vocab.txt": b"", "model.safetensors": b"w"})
    assert (hub.fetch_model("org/empty") / "vocab.txt").read_bytes() == b""


# -- refused --


def test_gated_missing_refused(server: Hub) -> None:
    server.add("org/gated", FILES, gated="manual", large=("*.safetensors",))
    for call in (hub.fetch_model, hub.config, hub.header):
        assert key(refused(Gated, lambda: call("org/gated"))) == "gated"  # noqa: B023
        assert key(refused(UnknownModel, lambda: call("org/none"))) == "not_on_hub"  # noqa: B023
        assert key(refused(UnknownModel, lambda: call("../evil"))) == "not_on_hub"  # noqa: B023
        assert key(refused(UnknownModel, lambda: call("org/name", "v9"))) == "not_on_hub"  # noqa: B023
    assert hub.plan("org/gated").size == SIZE  # as at the Hub: the list is open
    for status in (401, 403, 404, 410):
        server.trouble("GET /cdn/*", status=status, times=1)
        error = refused(CannotLoad, lambda: hub.fetch_model("org/name"))
        assert (key(error), error.values["status"]) == ("hub_refused", status)


@pytest.mark.parametrize("anonymous", [True, False])
def test_the_token_stays_at_the_hub(server: Hub, monkeypatch: pytest.MonkeyPatch, anonymous: bool) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    server.trouble("GET /cdn/*", cut=MEBI, times=2)
    hub.fetch_model("org/name", anonymous=anonymous)
    at_cdn = {request.authorized for request in server.requests if "/cdn/" in request.path}
    at_hub = {request.authorized for request in server.requests if "/cdn/" not in request.path}
    assert at_cdn == {False} and at_hub == {not anonymous}


# -- the disk --


def test_no_room_is_known_before_the_first_byte(
    server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = cache.free_bytes()
    monkeypatch.setattr(cache, "SPARE", free - SIZE // 2)
    error = refused(CannotLoad, lambda: hub.fetch_model("org/name"))
    assert key(error) == "disk_full" and error.values["need"] == SIZE
    assert abs(int(str(error.values["free"])) - free) < 2**30
    assert server.count("/resolve/") == 0
    monkeypatch.undo()


def test_what_is_here_needs_no_room(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.fetch_model("org/name")
    monkeypatch.setattr(cache, "free_bytes", lambda: 0)
    hub.fetch_model("org/name")


def test_a_disk_that_others_fill_meanwhile(server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"bytes": 2**40}
    monkeypatch.setattr(cache, "free_bytes", lambda: free["bytes"])
    server.trouble("GET /cdn/*", rate=4 * MEBI, times=1)

    def progress(done: int, total: int) -> None:
        if done > MEBI:
            free["bytes"] = 1000

    error = refused(CannotLoad, lambda: hub.fetch_model("org/name", progress=progress))
    assert key(error) == "disk_full"
    kept = partial(home).stat().st_size
    free["bytes"] = 2**40
    hub.fetch_model("org/name")
    assert kept > MEBI and ranges(server) == ["", f"bytes={kept}-"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_is_full(server: Hub, home: Path) -> None:
    partial(home).parent.mkdir(parents=True)
    partial(home).symlink_to("/dev/full")
    error = refused(CannotLoad, lambda: hub.fetch_model("org/name"))
    assert key(error) == "disk_full" and error.values["name"] == "org/name"


def test_a_disk_that_may_not_be_written(server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with full_after(home, 1 << 20):
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        monkeypatch.setattr(cache, "SPARE", 0)
        monkeypatch.setattr(cache, "free_bytes", lambda: 2**40)
        error = refused(CannotLoad, lambda: hub.fetch_model("org/name"))
        assert key(error) == "cache_read_only"


@pytest.mark.parametrize("note", ["refs", "trees"])
def test_a_note_that_has_no_room_leaves_nothing(server: Hub, home: Path, monkeypatch, note: str) -> None:
    written = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.parent.name != note:
            return written(self, content)
        written(self, content[:3])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        error = refused(CannotLoad, lambda: hub.fetch_model("org/name"))
    assert key(error) == "disk_full" and not list((folder(home) / note).iterdir())
    hub.fetch_model("org/name")
    assert hub.cached("org/name")


# -- several at once --


def test_two_threads_fetch_once(server: Hub) -> None:
    server.trouble("GET /cdn/*", rate=3 * MEBI)
    watches = [Watch(), Watch(), Watch()]
    failures: list[BaseException] = []

    def fetch(watch: Watch) -> None:
        try:
            snapshot = hub.fetch_model("org/name", progress=watch)
            assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch, args=(watch,)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert len(ranges(server)) == 1
    assert server.count("/tokenizer.json", "GET") == 1
    for watch in watches:  # who waits sees the bytes of the other
        assert watch.seen[-1].done == SIZE
        assert len({seen.done for seen in watch.seen}) >= 3


def test_another_program_has_the_lock(server: Hub, home: Path) -> None:
    path = home / ".locks" / "models--org--name" / f"{SHA256}.lock"
    path.parent.mkdir(parents=True)
    with WeakFileLock(path):
        began = time.monotonic()
        with pytest.raises(Enough):
            hub.fetch_model("org/name", progress=Watch(stalls=5))
        assert time.monotonic() - began < 20  # it never lets go
        assert ranges(server) == []
    hub.fetch_model("org/name")


# -- without a Hub --


def test_offline(server: Hub) -> None:
    snapshot = hub.fetch_model("org/name")
    tensors_ = {"org/t": {"config.json": b"{}", "model.safetensors": tensors([3])}}
    server.add("org/t", tensors_["org/t"])
    hub.fetch_model("org/t")
    server.requests.clear()
    for offline in (True, False):
        assert hub.fetch_model("org/name", offline=offline) == snapshot
        assert hub.config("org/name", offline=offline) == {"model_type": "gpt2"}
        assert hub.header("org/t", offline=offline) == {"w": ("F32", (3,))}
        if offline:
            assert server.requests == []
            server.close()
    assert hub.cached("org/name", "model")


@pytest.mark.parametrize("lost", ["model.safetensors", "tokenizer.json", "config.json", None])
def test_only_some_files_are_no_model(server: Hub, lost: str | None) -> None:
    if lost is None:
        hub.fetch("org/name", "main", files.TOKENIZER)
    else:
        (hub.fetch_model("org/name") / lost).unlink()
    assert not hub.cached("org/name", "model")
    assert hub.cached("org/name") is (lost in (None, "model.safetensors"))
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/name", offline=True))) == "offline"
    assert hub.plan("org/name", offline=True).size == SIZE
    server.close()
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/name"))) == "hub_unreachable"
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/none"))) == "hub_unreachable"


def test_what_an_older_program_left_without_a_list(server: Hub, home: Path) -> None:
    server.add("org/shards", {"config.json": b"{}", INDEX: b"{}", **{s: s.encode() for s in SHARDS}})
    snapshot = hub.fetch_model("org/shards")
    for path in (folder(home, "org/shards") / "trees").iterdir():
        path.unlink()
    assert hub.cached("org/shards", "model")
    assert hub.fetch_model("org/shards", offline=True) == snapshot
    (snapshot / SHARDS[1]).unlink()
    assert not hub.cached("org/shards", "model")
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/shards", offline=True))) == "offline"


@pytest.mark.parametrize(
    "tree", [b"", b"{", b"[]", b'{"format_version": 2}', b'{"format_version": 1, "files": []}']
)
def test_a_list_of_another_form(server: Hub, home: Path, tree: bytes) -> None:
    snapshot = hub.fetch_model("org/name")
    (folder(home) / "trees" / f"{snapshot.name}.json").write_bytes(tree)
    assert hub.fetch_model("org/name", offline=True) == snapshot


def test_half_a_model_is_found_again_neither_offline_nor_by_others(server: Hub, home: Path) -> None:
    server.trouble("GET /cdn/*", rate=8 * MEBI, times=1)
    with pytest.raises(Enough):
        hub.fetch_model("org/name", progress=Watch(MEBI))
    assert not hub.cached("org/name", "model")
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/name", offline=True))) == "offline"
    with pytest.raises(LocalEntryNotFoundError):
        hf_hub_download("org/name", "model.safetensors", local_files_only=True)


# -- commits --


def test_a_new_commit_fetches_only_what_changed(server: Hub) -> None:
    old = hub.fetch_model("org/name")
    server.add("org/name", {**FILES, "config.json": b'{"model_type": "llama"}'}, large=("*.safetensors",))
    plan = hub.plan("org/name")
    assert plan.size - plan.here == len(b'{"model_type": "llama"}')
    server.requests.clear()
    new = hub.fetch_model("org/name")
    assert new != old and ranges(server) == [] and server.count("/resolve/", "GET") == 1
    assert hub.fetch_model("org/name", offline=True) == new


def test_a_look_at_a_tokenizer_does_not_lose_a_model(server: Hub) -> None:
    old = hub.fetch_model("org/name")
    readme = {**FILES, "README.md": b"new"}
    server.add("org/name", readme, large=("*.safetensors",))
    between = hub.fetch("org/name", "main", files.TOKENIZER)
    assert between != old and hub.cached("org/name", "model")  # the same weights, found again
    assert hub.fetch_model("org/name", offline=True) == between
    server.add("org/name", {**readme, "model.safetensors": b"new"}, large=("*.safetensors",))
    hub.config("org/name")
    assert hub.fetch_model("org/name", offline=True) == between  # the last that is whole
    new = hub.fetch_model("org/name")
    assert hub.fetch_model("org/name", offline=True) == new != between


def test_a_pinned_commit(server: Hub) -> None:
    sha = server.add("org/name", FILES, revision="refs/pr/1", large=("*.safetensors",))
    assert hub.fetch_model("org/name", sha).name == sha
    assert hub.cached("org/name", "model", revision=sha)
    assert not hub.cached("org/name", "model")
    assert hub.fetch_model("org/name", "refs/pr/1").name == sha
    assert hub.cached("org/name", "model", revision="refs/pr/1")


@pytest.mark.parametrize("etag", ["../../../../x", ".hidden", "a/b", ""])
def test_an_etag_that_is_no_file_name(
    server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    handler = server.RequestHandlerClass
    send = handler.send  # type: ignore[attr-defined]

    def wrong(self: Any, status: int, body: bytes, **headers: str) -> None:
        send(self, status, body, **{k: f'"{etag}"' if k.endswith("ETag") else v for k, v in headers.items()})

    monkeypatch.setattr(handler, "send", wrong)
    if etag:
        assert key(refused(CannotLoad, lambda: hub.fetch_model("org/name"))) == "download_damaged"
        assert not list(home.parent.rglob("*x.incomplete"))
    else:  # then the list's own name serves
        assert (hub.fetch_model("org/name") / "model.safetensors").read_bytes() == WEIGHTS


def test_a_mirror_with_etags_of_its_own(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = server.RequestHandlerClass
    send = handler.send  # type: ignore[attr-defined]

    def other(self: Any, status: int, body: bytes, **headers: str) -> None:
        own = {k: f'W/"mirror-{v[1:9]}"' if k.endswith("ETag") else v for k, v in headers.items()}
        send(self, status, body, **own)

    monkeypatch.setattr(handler, "send", other)
    server.trouble("GET /cdn/*", wrong=True, times=1)
    assert key(refused(CannotLoad, lambda: hub.fetch_model("org/name"))) == "download_damaged"
    assert (hub.fetch_model("org/name") / "model.safetensors").read_bytes() == WEIGHTS
    assert Path(hf_hub_download("org/name", "model.safetensors", local_files_only=True)).is_file()


def test_a_system_without_links(server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True)
    snapshot = hub.fetch_model("org/name")
    assert not (snapshot / "model.safetensors").is_symlink()
    assert (snapshot / "model.safetensors").read_bytes() == WEIGHTS
    server.requests.clear()
    assert hub.fetch_model("org/name", offline=True) == hub.fetch_model("org/name") == snapshot
    assert server.count() == 1


def test_cached_imports_nothing_heavy(server: Hub, home: Path) -> None:
    hub.fetch_model("org/name")
    code = """
import sys
from playground.models import hub
assert hub.cached("org/name") and hub.cached("org/name", "model") and not hub.cached("org/none")
heavy = {"torch", "transformers", "tokenizers", "httpx2", "numpy"} & set(sys.modules)
assert not heavy, heavy
"""
    away = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    settings = {"HF_HUB_CACHE": str(home), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**away, **settings}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_address_that_is_looked_up_for_ever(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name servers that do not answer block a connection before any time-out of it begins."""
    ended = threading.Event()
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *a, **k: ended.wait(60))
    assert key(refused(HubUnreachable, lambda: hub.fetch_model("org/name"), within=5)) == "hub_unreachable"
    ended.set()


def test_what_blocks_is_left_alone_but_ends() -> None:
    before = threading.active_count()

    def numbers() -> Iterator[int]:
        while True:
            yield 1

    items = aside.aside(numbers, lambda: None)
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]
    until(lambda: threading.active_count() <= before)
