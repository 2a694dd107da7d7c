"""What only a CUDA device can show; skipped without one."""

from __future__ import annotations

import gc

import pytest
import torch

from playground.models import devices, weights
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.devices import QUANTIZATIONS
from playground.models.loaders import TransformersLoader
from tests.models import saved

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
WIDE = {"hidden_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 16, "intermediate_size": 2816}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate("ab"):
        saved.save(folder / name, "Llama", seed=seed, vocab_size=4096, **WIDE)
    return Catalog(folder, folder)


def test_the_device_and_its_format():
    devices.choose.cache_clear()
    device = devices.choose()
    assert device.kind == "cuda"
    assert (device.dtype, device.reason) == ("", "stored")
    assert device.detail == torch.cuda.get_device_name()


def test_the_budget_is_of_free_memory():
    devices.free_cuda_memory.cache_clear()
    free, total = torch.cuda.mem_get_info()
    assert 0.5 * free < devices.budget(0)("cuda") < free <= total
    assert devices.budget(2)("cuda") == 2 * 2**30
    assert devices.budget(0)("cpu") <= devices.total_memory()


@pytest.mark.parametrize(("quantization", "dtype"), [("", "bfloat16"), *QUANTIZATIONS.items()])
def test_loads_counts_and_writes(catalog, tmp_path, quantization, dtype):
    card = catalog.find("a")
    answers = []
    for _ in range(2):  # quantized, then from what was kept
        models = ModelCache(2**34, TransformersLoader(offline=True, cache_dir=tmp_path))
        with models.lease(card, "causal", device="cuda", dtype=dtype, quantization=quantization) as loaded:
            assert {parameter.device.type for parameter in loaded.model.parameters()} == {"cuda"}
            assert loaded.bytes >= weights.measured(loaded.model) > 0
            asked = loaded.tokenizer("Once upon a time", return_tensors="pt").to("cuda")
            with torch.inference_mode():
                answers.append(loaded.model.generate(**asked, max_new_tokens=16, do_sample=False).tolist())
        models.unload("a")
    assert answers[0] == answers[1] and len(answers[0][0]) > 16


def test_memory_comes_back_after_eviction(catalog, tmp_path):
    first, second = catalog.find("a"), catalog.find("b")
    loader = TransformersLoader(offline=True, cache_dir=tmp_path)
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    with ModelCache(2**34, loader).lease(first, "causal", device="cuda", dtype="bfloat16") as loaded:
        size = loaded.bytes
    del loaded
    gc.collect()
    assert torch.cuda.memory_allocated() - before < 2**20
    models = ModelCache(int(1.5 * size), loader)
    for card in (first, second, first):
        with models.lease(card, "causal", device="cuda", dtype="bfloat16"):
            assert torch.cuda.memory_allocated() - before < 1.5 * size
            assert [row.name for row in models.status()] == [card.name]


def test_a_gpus_memory_is_its_own(catalog, tmp_path):
    """What lies in the machine's memory does not push anything out of the GPU's."""
    loader = TransformersLoader(offline=True, cache_dir=tmp_path)
    sizes = {"cpu": 2**20, "cuda": 2**34}
    models = ModelCache(lambda kind: sizes[kind], loader)
    with models.lease(catalog.find("a"), "causal", device="cuda", dtype="bfloat16"):
        assert models.used_bytes("cuda") > 2**20 > models.used_bytes("cpu") == 0
