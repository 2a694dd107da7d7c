"""The filters against transformers' own warpers: any mix of temperature, k, p, min-p and penalty."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest

from playground.engine.generation.filters import NEUTRAL, ORDER, filtered, removed_by, stages
from playground.engine.generation.sampling import Settings
from tests.tiny_tokenizers import model_of

BEFORE = [3, 9, 9, 41, 300]


def logits(seed: int, spread: float = 3.0) -> Any:
    import torch

    return spread * torch.randn(400, generator=torch.Generator().manual_seed(seed))


@functools.cache
def library() -> Any:
    return model_of("llama")


def theirs(row: Any, before: list[int], **given: Any) -> Any:
    """What ``generate`` would draw from: its own processors, made by itself."""
    import torch
    from transformers import GenerationConfig

    config = GenerationConfig(do_sample=True, **given)
    made = library()._get_logits_processor(config, input_ids_seq_length=len(before), device="cpu")
    return made(torch.tensor([before]), row[None].clone())[0].softmax(-1).numpy()


MIXES = list(
    itertools.product((0.3, 1.0, 1.7), (0, 1, 20, 1000), (0.0, 0.4, 0.95, 1.0), (0.0, 0.05, 1.0), (1.0, 1.4))
)


@pytest.mark.parametrize("seed", range(3))
def test_any_mix_equals_the_librarys_warpers(seed):
    row = logits(seed)
    for temperature, top_k, top_p, min_p, penalty in MIXES[seed::3]:
        given = {
            "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
            "repetition_penalty": penalty,
        }  # fmt: skip
        ours = filtered(row, Settings(**given), BEFORE)
        assert ours.dtype == np.float32 and ours.shape == (400,)
        assert abs(float(ours.sum()) - 1) < 1e-6, given
        assert np.abs(ours - theirs(row, BEFORE, **given)).max() < 1e-6, given


def test_at_temperature_zero_it_is_argmax_after_the_penalty():
    row = logits(1)
    for penalty in (1.0, 1.5):
        ours = filtered(
            row, Settings(temperature=0.0, top_k=5, repetition_penalty=penalty), [int(row.argmax())]
        )
        raw = theirs(row, [int(row.argmax())], repetition_penalty=penalty)
        assert ours.sum() == 1 and ours[raw.argmax()] == 1


def test_the_order_is_the_librarys():
    from transformers import GenerationConfig

    config = GenerationConfig(
        do_sample=True, temperature=0.5, top_k=5, top_p=0.5, min_p=0.1, repetition_penalty=1.2
    )
    made = library()._get_logits_processor(config, input_ids_seq_length=3, device="cpu")
    assert [type(each).__name__ for each in made] == [name for _, name in ORDER]


def test_stages_tell_what_each_filter_left():
    row = logits(2)
    best = row.argsort(descending=True).tolist()
    settings = Settings(temperature=0.8, top_k=30, top_p=0.9, min_p=0.02, repetition_penalty=1.2)
    found = stages(row, settings, BEFORE, best[:5])
    assert [stage.name for stage in found] == ["logits", *NEUTRAL]
    assert all(stage.active for stage in found)
    left = [stage.left for stage in found]
    assert left[:3] == [400] * 3 and left[3] == 30 and 30 > left[4] >= left[5] >= 1
    own = row.double().softmax(-1)
    assert found[0].shown == pytest.approx(own[best[:5]].tolist(), abs=1e-6)
    assert found[0].entropy == pytest.approx(float(-(own * own.log2()).sum()), abs=1e-4)
    last = filtered(row, settings, BEFORE)
    assert found[-1].shown == pytest.approx(last[best[:5]].tolist())
    neutral = stages(row, Settings(temperature=1.0), BEFORE, best[:5])
    assert not any(stage.active for stage in neutral[1:])
    greedy = stages(row, Settings(temperature=0.0, top_k=3), BEFORE, best[:5])
    assert greedy[-1].name == "argmax" and greedy[-1].shown == [1, 0, 0, 0, 0] and greedy[-1].entropy == 0


def test_which_filter_took_it_out():
    import torch

    row = torch.log(torch.tensor([0.4, 0.3, 0.2, 0.06, 0.03, 0.01]))
    told = {
        (("top_k", 3),): ["", "", "", "top_k", "top_k", "top_k"],
        (("top_p", 0.65),): ["", "", "top_p", "top_p", "top_p", "top_p"],
        (("min_p", 0.1),): ["", "", "", "", "min_p", "min_p"],
        (("top_k", 5), ("min_p", 0.1)): ["", "", "", "", "min_p", "top_k"],
        (("temperature", 0.0),): ["", *["argmax"] * 5],
    }
    for given, names in told.items():
        settings = Settings(**({"temperature": 1.0} | dict(given)))
        assert [removed_by(row, settings, [], id) for id in range(6)] == names
