"""The experiments: what they hold whatever the machine is doing; times are nobody's to promise."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest

from playground import text
from playground.engine import queue
from playground.engine.generation.generate import Waiting
from playground.errors import BadInput, DoesNotFit, PlaygroundError
from playground.models import devices
from playground.rooms.decoding import experiments, lab, recorded
from playground.rooms.decoding.experiments import BatchTimes, CacheTimes, Progress, batch_times, cache_times
from playground.rooms.decoding.no_grad import MODES, GradModes, grad_modes, twin
from playground.rooms.decoding.precision import distributions, moved, pace
from playground.rooms.decoding.repeats import BATCH, LONGEST, Repeats, repeats
from tests.tiny_tokenizers import loaded_of, model_of
from tests.waiting import until

PROMPT = [5, 77, 130, 9, 260, 31]


pytestmark = pytest.mark.usefixtures("one_thread")


def ticking(step: float) -> Any:
    """A clock on which every look takes so many seconds."""
    counter = itertools.count()
    return lambda: next(counter) * step


def last(states: Any) -> Any:
    *before, found = states
    assert before and all(isinstance(state, Progress) for state in before)
    assert all(0 <= state.share <= 1 for state in before)
    return found


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral"])
def test_the_cache_at_growing_length(kind):
    found = last(cache_times(loaded_of(model_of(kind)), PROMPT, 0.8))
    assert isinstance(found, CacheTimes)
    assert found.lengths == sorted(set(found.lengths)) and found.lengths[-1] <= 256
    assert len(found.cached) == len(found.plain) == len(found.lengths)
    assert min(found.cached + found.plain) > 0 and found.rounds >= 2
    assert found.machine.device == "cpu" and found.machine.dtype == "float32"


def test_a_slow_machine_measures_less_and_ends():
    """Each look at the clock takes two seconds of twenty: one length, and an end."""
    found = last(cache_times(loaded_of(model_of("llama")), PROMPT, 20.0, ticking(2.0)))
    assert found.lengths == [16] and found.rounds >= 1
    sizes = last(batch_times(loaded_of(model_of("llama")), PROMPT, 20.0, ticking(2.0)))
    assert sizes.sizes == [1]


def test_batches():
    found = last(batch_times(loaded_of(model_of("llama")), PROMPT, 0.8))
    assert isinstance(found, BatchTimes) and found.sizes[:2] == [1, 2]
    assert found.throughput == [1000 * n / ms for n, ms in zip(found.sizes, found.step, strict=True)]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2"])
def test_only_plain_holds_a_graph_and_all_write_the_same(kind):
    import torch

    model = model_of(kind).requires_grad_(False)
    found = last(grad_modes(loaded_of(model), PROMPT, 0.5))
    assert isinstance(found, GradModes)
    assert len({tuple(ids) for ids in found.ids.values()}) == 1
    ids = torch.tensor([PROMPT])
    theirs = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12, pad_token_id=0
    )
    assert found.ids["plain"] == theirs[0, len(PROMPT) :].tolist()[: len(found.ids["plain"])]
    held = found.held["plain"]
    assert held == sorted(held) and 0 < held[0] < held[-1]
    assert all(found.held[mode] == [0] * len(held) for mode in MODES[1:])
    assert set(found.step) == set(MODES) and min(found.step.values()) > 0
    assert not any(each.requires_grad for each in model.parameters()), "the cache's own stays as it was"


def test_the_twin_shares_its_weights():
    model = model_of("gpt2").requires_grad_(False)
    other = twin(model)
    places = {each.data_ptr() for each in model.parameters()}
    assert {each.data_ptr() for each in other.parameters()} == places
    assert all(each.requires_grad for each in other.parameters())
    assert other.lm_head.weight is other.transformer.wte.weight


@pytest.mark.parametrize(
    ("measure", "key"), [(cache_times, "experiment_no_cache"), (grad_modes, "experiment_no_graph")]
)
@pytest.mark.parametrize("kind", ["gpt1", "mamba"])
def test_models_without_such_a_cache_say_so(measure, key, kind):
    with pytest.raises(BadInput) as refused:
        measure(loaded_of(model_of(kind)), PROMPT)
    assert refused.value.key == f"errors.{key}"


@pytest.mark.parametrize("kind", ["gpt1", "mamba", "lfm2"])
def test_batches_of_models_with_another_memory(kind):
    """No cache has to be switched off for them; every text of a batch gets the logits that it has alone.

    In float64: a state that is carried on and a scan of the whole text add up in another order, and how far
    float32 moves by that is the processor's (2e-5 on some, 1.5e-4 on others).
    """
    import torch

    loaded = loaded_of(model_of(kind).double())
    found = last(batch_times(loaded, PROMPT, 0.8))
    assert isinstance(found, BatchTimes) and found.sizes[:2] == [1, 2] and found.rounds >= 2
    text = experiments._Prepared(loaded, PROMPT, 3)
    heard: list[Any] = []
    text._kv.on_logits = heard.append
    text.step()
    with torch.no_grad():
        alone = loaded.model(torch.tensor([PROMPT])).logits[0, -1]
    assert torch.allclose(heard[0][-1].double(), alone.double(), atol=1e-4)


def broken_of(kind: str) -> Any:
    model = model_of(kind)
    model.get_output_embeddings().weight.data.fill_(float("nan"))
    return loaded_of(model)


@pytest.mark.parametrize("measure", [cache_times, batch_times, grad_modes, repeats])
def test_nothing_is_measured_of_a_model_whose_logits_are_no_numbers(measure):
    with pytest.raises(PlaygroundError) as refused:
        list(measure(broken_of("llama"), PROMPT))
    assert refused.value.key == "errors.logits_not_finite"


def test_no_number_is_not_taken_for_nothing_moved():
    with pytest.raises(PlaygroundError) as refused:
        list(distributions(broken_of("llama"), [PROMPT]))
    assert refused.value.key == "errors.logits_not_finite"
    rows = np.log(np.full((2, 4), 0.25))
    assert np.isnan(moved([rows], [np.full((2, 4), np.nan)]).mean)


@pytest.mark.parametrize("measure", [cache_times, batch_times, grad_modes])
def test_between_two_measurements_whoever_waits_goes_first(measure):
    loaded = loaded_of(model_of("llama"))
    line, kv, seen = queue.line(loaded), [0], []
    running = measure(loaded, PROMPT, 5.0)
    assert isinstance(next(running), Progress)
    assert isinstance(next(running), Progress)
    other = line.join()
    assert other.wait(0) <= 1
    loaded.model.register_forward_pre_hook(lambda *given: kv.__setitem__(0, kv[0] + 1))
    until(lambda: not other.wait(0) or not next(running))
    measured = kv[0]
    assert isinstance(next(running), Waiting) and kv[0] == measured, "nothing runs while others do"
    other.leave()
    until(lambda: not isinstance(seen.append(next(running)) or seen[-1], Waiting))
    assert isinstance(seen[-1], Progress) and kv[0] >= measured
    running.close()
    assert len(line) == 0


@pytest.mark.parametrize("measure", [cache_times, batch_times, grad_modes, repeats])
def test_what_is_known_so_far_is_told(measure):
    *before, found = measure(loaded_of(model_of("llama")), PROMPT)
    known = [state.so_far for state in before if state.so_far is not None]
    assert known and {type(each) for each in known} == {type(found)}
    if measure is repeats:
        assert [len(each.runs) for each in known] == list(range(1, 10)) and known[0].moved is None
    else:
        assert known[0].rounds == 1 and sorted(each.rounds for each in known) == [e.rounds for e in known]


def test_time_in_the_line_is_not_an_experiments_own():
    now = [0.0]
    spent = experiments.Used(lambda: now[0])
    now[0] = 2.0
    for _ in spent.resting("told"):
        now[0] = 50.0
    now[0] = 51.0
    assert spent() == 3.0


@pytest.mark.parametrize("measure", [cache_times, batch_times, grad_modes, repeats])
def test_each_waits_its_turn_and_stops_at_once(measure):
    loaded = loaded_of(model_of("llama"))
    holder = queue.line(loaded).join()
    assert holder.wait(0) == 0
    running = measure(loaded, PROMPT)
    seen = next(running), next(running)
    assert any(isinstance(state, Waiting) for state in seen)
    holder.leave()
    until(lambda: not isinstance(next(running), Waiting))
    running.close()
    assert len(queue.line(loaded)) == 0
    with pytest.raises(BadInput):
        list(measure(loaded, []))


def test_the_same_is_the_same():
    found = last(repeats(loaded_of(model_of("llama", spread=3.0)), PROMPT))
    assert isinstance(found, Repeats)
    assert found.same("greedy") and found.same("seed") and found.different("other") > 1
    assert found.moved < 1e-3 and found.same_best and BATCH == 8
    assert [run.kind for run in found.runs] == ["greedy"] * 3 + ["seed"] * 3 + ["other"] * 4


def test_a_batch_of_a_long_prompt_is_short_and_its_memory_errors_are_told():
    loaded = loaded_of(model_of("llama", spread=3.0))
    widths = []

    def batched(module: Any, given: Any, named: Any) -> None:
        if len(named["input_ids"]) == BATCH:
            widths.append(named["input_ids"].shape[1])
            raise MemoryError

    loaded.model.register_forward_pre_hook(batched, with_kwargs=True)
    with pytest.raises(DoesNotFit, match="reply_out_of_memory"):
        last(repeats(loaded, (PROMPT * LONGEST)[: 2 * LONGEST]))
    assert widths == [LONGEST]


def test_a_thread_that_begins_while_another_is_calm_gets_all_threads_back():
    import torch

    torch.set_num_threads(2)
    devices.full_threads.cache_clear()
    loaded = loaded_of(model_of("llama"))
    with experiments.calm(loaded):
        assert torch.get_num_threads() == 1  # as a thread finds it that begins now
        ticket = queue.Line().join()
        assert ticket.wait(1) == 0  # its turn has come
        assert torch.get_num_threads() == 2


def test_divergence_is_torchs():
    import torch

    p, q = (torch.randn(7, 400, generator=torch.Generator().manual_seed(n)).log_softmax(-1) for n in (1, 2))
    found = moved([p[:3].numpy(), p[3:].numpy()], [q[:3].numpy(), q[3:].numpy()])
    each = torch.nn.functional.kl_div(q.double(), p.double(), log_target=True, reduction="none").sum(-1)
    bits = (each / np.log(2)).tolist()
    assert found.mean == pytest.approx(sum(bits) / 7, rel=1e-5) and found.worst == pytest.approx(
        max(bits), rel=1e-5
    )
    assert found.positions == 7
    same = moved([p.numpy()], [p.numpy()])
    assert same.mean == same.worst == 0 and same.agree == 1


def test_fewer_bits_move_the_distribution_a_little():
    import torch

    model = model_of("llama", spread=3.0)
    full = list(distributions(loaded_of(model), [PROMPT, PROMPT[:3]]))
    assert [rows.shape for rows in full] == [(6, 400), (3, 400)]
    half = model_of("llama", spread=3.0).to(torch.bfloat16)
    found = moved(full, list(distributions(loaded_of(half), [PROMPT, PROMPT[:3]])))
    assert 0 < found.mean < 0.1 and found.agree > 0.5
    (times,) = pace(loaded_of(half), PROMPT)
    assert len(times) == 5 and min(times) > 0


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_each_experiment_opens_on_what_was_measured_before(lang: str) -> None:
    """With where and when; it opened empty."""
    known = recorded.shipped()
    assert {*known.found} == {*lab.NAMES} and re.fullmatch(r"\d{4}-\d\d-\d\d", known.date)
    for name in lab.NAMES:
        shown = lab.before(name, lang)
        assert known.date in shown and known.processor in shown and known.model in shown
        assert f"<h4>{text.say(f'decoding_lab.name_{name}', lang)}</h4>" in shown
        assert "<table" in shown
