"""One position's choice: our quick top-p keeps what the library's keeps."""

from __future__ import annotations

import random

import pytest

from playground.engine.generation.sampling import Sampler, Settings, processors


@pytest.mark.parametrize("seed", range(40))
def test_top_p_keeps_the_very_same_tokens(seed):
    import torch
    from transformers.generation.logits_process import TopPLogitsWarper

    chance = random.Random(seed)
    torch.manual_seed(seed)
    size = chance.choice((1, 2, 5, 400, 6144))
    row = torch.randn(size) * chance.choice((0.01, 1, 8))
    if seed % 4 == 0:
        row = (row * 2).round()  # many equals
    if seed % 5 == 0:
        row[torch.rand(size) < 0.7] = float("-inf")
        row[0] = 1.0
    if seed % 7 == 0:
        row[:] = 0.5
    for top_p in (0.0, 0.01, 0.3, 0.5, 0.9, 0.999, 1 - 1e-7, chance.random()):
        (ours,) = processors(Settings(temperature=1.0, top_p=top_p))
        theirs = TopPLogitsWarper(top_p)
        assert torch.equal(ours(None, row[None]), theirs(None, row[None])), (size, top_p)


def test_neutral_settings_filter_nothing():
    assert processors(Settings(temperature=1.0)) == []
    assert processors(Settings(temperature=0.0, top_k=5, top_p=0.5, min_p=0.5)) == []
    assert (
        len(processors(Settings(temperature=0.5, top_k=5, top_p=0.5, min_p=0.5, repetition_penalty=2))) == 5
    )


def test_draws_follow_the_chances():
    import torch

    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    sampler = Sampler(Settings(temperature=1.0, seed=1, max_new_tokens=5000).checked(), [0], "cpu", "x")
    counts = [0] * 4
    for _ in range(4000):
        counts[sampler.choose(logits)[0].id] += 1
    assert [count / 4000 for count in counts] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)


def test_the_logits_are_not_changed_and_ranks_count_equals_once():
    import torch

    logits = torch.tensor([1.0, 3.0, 3.0, 2.0, 0.0])
    before = logits.clone()
    settings = Settings(temperature=2.0, top_k=4, repetition_penalty=1.5, seed=2, alternatives=2).checked()
    sampler = Sampler(settings, [1], "cpu", "x")
    ranks = {}
    for _ in range(60):
        choice, token = sampler.choose(logits)
        ranks[choice.id] = choice.rank
        assert token.tolist() == [[choice.id]]
        assert torch.equal(logits, before)
    assert ranks == {0: 4, 1: 1, 2: 1, 3: 3}
