"""The loop of our own against ``generate``, and what ``generate`` cannot do: look, stop, branch, go on."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from playground.engine import queue
from playground.engine.generation import kv_cache as passes_module
from playground.engine.generation.generate import Done, Reading, Step, Waiting, reply, stop_ids, window
from playground.engine.generation.kv_cache import CroppableKVCache, PreparedKVCache, kv_cache_for
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Settings
from playground.errors import BadInput, DoesNotFit, PlaygroundError
from tests.tiny_tokenizers import KINDS, loaded_of, model_of

PROMPT = [5, 77, 130, 9, 260, 31, 8, 8, 54, 199, 7, 300]
CUTTABLE = [kind for kind in KINDS if kind not in {"gpt1", "mamba", "lfm2"}]


pytestmark = pytest.mark.usefixtures("one_thread")


def generate(model: Any, prompt: list[int], count: int, seed: int = 0, **settings: Any) -> list[int]:
    """What transformers itself writes."""
    import torch

    torch.manual_seed(seed)
    ids = torch.tensor([prompt])
    given = {"do_sample": False, "max_new_tokens": count, "pad_token_id": 0} | settings
    made = model.generate(ids, attention_mask=torch.ones_like(ids), **given)
    return made[0, len(prompt) :].tolist()


def finish(states: Iterator[Any]) -> tuple[list[Step], Done]:
    steps, done = [], None
    for state in states:
        if isinstance(state, Step):
            steps.append(state)
        if isinstance(state, Done):
            done = state
    assert done is not None and done.ids == [step.id for step in steps]
    assert done.new_tokens == len(steps)
    return steps, done


def write(model: Any, prompt: list[int], **settings: Any) -> list[int]:
    return finish(reply(loaded_of(model), prompt, Settings(**settings)))[1].ids


class Counter:
    """How many tokens a model was fed, pass by pass."""

    def __init__(self, model: Any) -> None:
        self.fed: list[int] = []
        model.register_forward_pre_hook(self._seen, with_kwargs=True)

    def _seen(self, module: Any, args: Any, kwargs: Any) -> None:
        self.fed.append(int(kwargs["input_ids"].shape[1]))

    def take(self) -> list[int]:
        fed, self.fed = self.fed, []
        return fed


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_what_generate_writes(kind):
    model = model_of(kind)
    assert write(model, PROMPT, max_new_tokens=24) == generate(model, PROMPT, 24)
    penalty = {"repetition_penalty": 1.3}
    theirs = generate(model, PROMPT, 24, **penalty)
    assert write(model, PROMPT, max_new_tokens=24, **penalty) == theirs
    assert len(set(theirs)) > 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [3, 2**40])
def test_drawn_is_what_generate_draws(kind, seed):
    model = model_of(kind)
    filters = {"temperature": 1.4, "top_k": 60, "top_p": 0.9, "min_p": 0.01, "repetition_penalty": 1.1}
    theirs = generate(model, PROMPT, 24, seed, do_sample=True, **filters)
    assert write(model, PROMPT, max_new_tokens=24, seed=seed, **filters) == theirs


@pytest.mark.parametrize(
    "filters",
    [
        {}, {"temperature": 0.3}, {"top_k": 1}, {"top_k": 7}, {"top_k": 10_000}, {"top_p": 0.0},
        {"top_p": 0.5}, {"min_p": 0.2}, {"min_p": 1.0}, {"repetition_penalty": 0.5},
        {"temperature": 3.0, "top_p": 0.99, "min_p": 0.001},
    ],
)  # fmt: skip
def test_every_filter_alone(filters):
    model = model_of("llama", seed=1)
    neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
    theirs = generate(model, PROMPT, 40, 11, do_sample=True, **(neutral | filters))
    ours = write(model, PROMPT, max_new_tokens=40, seed=11, **({"temperature": 1.0} | filters))
    assert ours == theirs
    assert len(set(theirs)) > 1


def test_half_precision_ties_go_to_the_first_as_in_generate():
    import torch

    model = model_of("llama", spread=1.0).to(torch.bfloat16)  # many logits are equal
    assert write(model, PROMPT, max_new_tokens=60) == generate(model, PROMPT, 60)
    for alternatives in (0, 1, 3):
        assert write(model, PROMPT, max_new_tokens=60, alternatives=alternatives) == generate(
            model, PROMPT, 60
        )


def test_a_seed_is_a_seed_whatever_others_draw():
    import torch

    model = model_of("llama")
    once = write(model, PROMPT, max_new_tokens=30, temperature=1.0, seed=5)
    noise = threading.Event()

    def draw() -> None:
        while not noise.is_set():
            torch.rand(1000)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        states = reply(loaded_of(model), PROMPT, Settings(max_new_tokens=30, temperature=1.0, seed=5))
        ids = []
        for state in states:
            torch.manual_seed(1)
            ids += [state.id] if isinstance(state, Step) else []
    finally:
        noise.set()
        thread.join()
    assert ids == once
    assert write(model, PROMPT, max_new_tokens=30, temperature=1.0, seed=6) != once


def test_without_a_seed_one_is_drawn_and_told():
    model = model_of("llama")
    settings = {"max_new_tokens": 20, "temperature": 1.0}
    first = finish(reply(loaded_of(model), PROMPT, Settings(**settings)))[1]
    second = finish(reply(loaded_of(model), PROMPT, Settings(**settings)))[1]
    assert first.seed != second.seed
    assert write(model, PROMPT, **settings, seed=first.seed) == first.ids


def test_probabilities_are_of_the_whole_vocabulary():
    import torch

    model = model_of("qwen2")
    steps, done = finish(
        reply(loaded_of(model), PROMPT, Settings(max_new_tokens=8, temperature=0.7, top_k=20, seed=1))
    )
    with torch.no_grad():
        logits = model(torch.tensor([PROMPT + done.ids])).logits[0, len(PROMPT) - 1 : -1].float()
    for step, row in zip(steps, logits, strict=True):
        own = row.softmax(-1)
        assert step.choice.probability == pytest.approx(own[step.id].item(), rel=1e-4)
        assert step.choice.rank == 1 + int((own > own[step.id]).sum())
        values, ids = own.topk(10)
        assert step.choice.top_ids == ids.tolist()
        assert step.choice.top_probabilities == pytest.approx(values.tolist(), rel=1e-4)
        kept = (row / 0.7).topk(20)
        drawn = dict(zip(kept.indices.tolist(), kept.values.softmax(-1).tolist(), strict=True))
        assert step.choice.chance == pytest.approx(drawn[step.id], rel=1e-4)
        assert step.choice.top_chances == pytest.approx([drawn[id] for id in ids.tolist()], rel=1e-4)


def test_greedy_chances_and_the_number_of_alternatives():
    model = model_of("gpt2")
    for count in (0, 1, 7, 100):
        steps, _ = finish(reply(loaded_of(model), PROMPT, Settings(max_new_tokens=3, alternatives=count)))
        for step in steps:
            choice = step.choice
            assert len(choice.top_ids) == len(choice.top_probabilities) == len(choice.top_chances) == count
            assert choice.rank == 1 and choice.chance == 1.0
            assert choice.top_chances == [1.0, *[0.0] * 99][:count]
    steps, _ = finish(reply(loaded_of(model), PROMPT, Settings(max_new_tokens=9, repetition_penalty=50)))
    assert any(step.choice.rank > 1 for step in steps)


def test_the_end_of_text_list_of_the_generation_config_and_one_of_the_callers():
    model = model_of("llama")
    free = generate(model, PROMPT, 30)
    first = {id: free.index(id) for id in dict.fromkeys(free)}
    late = sorted(first, key=first.__getitem__)[-2:]
    model.generation_config.eos_token_id = [399, *late]
    theirs = generate(model, PROMPT, 30)
    done = finish(reply(loaded_of(model), PROMPT, Settings(max_new_tokens=30)))[1]
    assert done.ids == theirs and done.stop_reason == "eos" and theirs[-1] in late
    assert stop_ids(loaded_of(model)) == {399, *late}
    model.generation_config.eos_token_id = late[0]
    assert stop_ids(loaded_of(model)) == {late[0]}
    model.generation_config.eos_token_id = None
    assert stop_ids(loaded_of(model)) == frozenset()
    done = finish(reply(loaded_of(model), PROMPT, Settings(max_new_tokens=30, stop_ids=(free[2],))))[1]
    assert done.stop_reason == "eos" and done.ids[-1] == free[2] and len(done.ids) <= 3


def test_length_and_window():
    model = model_of("gpt2", n_positions=20)  # its positions are a table: one more would be an error
    loaded = loaded_of(model)
    assert window(loaded) == 20
    done = finish(reply(loaded, PROMPT, Settings(max_new_tokens=100)))[1]
    assert (done.stop_reason, done.new_tokens) == ("window", 8)
    assert done.ids == generate(model, PROMPT, 8)
    done = finish(reply(loaded, PROMPT, Settings(max_new_tokens=8)))[1]
    assert (done.stop_reason, done.new_tokens) == ("length", 8)
    assert finish(reply(loaded, [3] * 19, Settings()))[1].new_tokens == 1
    with pytest.raises(BadInput) as refused:
        reply(loaded, [3] * 20, Settings())
    assert refused.value.values == {"tokens": 20, "window": 20}
    assert window(loaded_of(model_of("bloom"))) is None  # ALiBi knows no end


@pytest.mark.parametrize("kind", CUTTABLE)
def test_a_long_prompt_is_read_in_chunks_and_says_so(kind, monkeypatch):
    model = model_of(kind)
    prompt = [3 + i * 7 % 390 for i in range(60)]
    whole = write(model, prompt, max_new_tokens=20)
    monkeypatch.setattr(passes_module, "CHUNK", 16)
    counter = Counter(model)
    states = list(reply(loaded_of(model), prompt, Settings(max_new_tokens=20)))
    read = [(state.done, state.total, state.reused) for state in states if isinstance(state, Reading)]
    assert read == [(done, 60, 0) for done in (0, 16, 32, 48, 60)]
    assert counter.take() == [16, 16, 16, 12, *[1] * 19]
    assert states[-1].ids == whole


@pytest.mark.parametrize("kind", CUTTABLE)
def test_a_branch_reads_nothing_again(kind):
    model = model_of(kind, **({"sliding_window": 200} if "sliding_window" in KINDS[kind][1] else {}))
    loaded, prefix, counter = loaded_of(model), CachedPrefix(), Counter(model)
    steps, done = finish(reply(loaded, PROMPT, Settings(max_new_tokens=20), prefix=prefix))
    assert counter.take() == [len(PROMPT), *[1] * 19] and done.reused == 0
    assert prefix.ids == PROMPT + done.ids[:-1]
    other = steps[7].choice.top_ids[1]
    branch = PROMPT + done.ids[:7] + [other]
    after = finish(reply(loaded, branch, Settings(max_new_tokens=10), prefix=prefix))[1]
    assert counter.take() == [1] * 10  # the other token, and nine more
    assert after.reused == len(PROMPT) + 7
    assert after.ids == generate(model, branch, 10)
    counter.take()
    back = finish(reply(loaded, PROMPT + done.ids[:12], Settings(max_new_tokens=8), prefix=prefix))[1]
    assert counter.take() == [5, *[1] * 7]  # what the branch replaced, at once
    assert back.ids == done.ids[12:]


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_and_the_next_turn(kind):
    """Any model, also those whose memory cannot be cut: the same ids as without."""
    model = model_of(kind)
    loaded, prefix = loaded_of(model), CachedPrefix()
    first = finish(reply(loaded, PROMPT, Settings(max_new_tokens=6), prefix=prefix))[1]
    more = finish(reply(loaded, PROMPT + first.ids, Settings(max_new_tokens=6), prefix=prefix))[1]
    assert first.ids + more.ids == generate(model, PROMPT, 12)
    turn = PROMPT + first.ids + more.ids + [11, 12, 13]
    counter = Counter(model)
    second = finish(reply(loaded, turn, Settings(max_new_tokens=6), prefix=prefix))[1]
    if kind in CUTTABLE:
        assert counter.take()[0] == 4  # the last of the reply, which nobody had read, and the three
        assert second.reused == len(turn) - 4
    counter.take()
    assert second.ids == generate(model, turn, 6)
    counter.take()
    assert bool(prefix.ids) == (kind in CUTTABLE)
    shorter = finish(reply(loaded, [*PROMPT[:5], 44], Settings(max_new_tokens=6), prefix=prefix))[1]
    assert shorter.ids == generate(model, [*PROMPT[:5], 44], 6)


def test_a_window_that_slid_is_read_again():
    model = model_of("mistral")  # its window is 8
    loaded, prefix, counter = loaded_of(model), CachedPrefix(), Counter(model)
    done = finish(reply(loaded, PROMPT, Settings(max_new_tokens=6), prefix=prefix))[1]
    counter.take()
    branch = PROMPT + done.ids[:2] + [17]
    after = finish(reply(loaded, branch, Settings(max_new_tokens=4), prefix=prefix))[1]
    assert counter.take() == [len(branch), 1, 1, 1] and after.reused == 0
    assert after.ids == generate(model, branch, 4)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3"])
def test_again_is_the_very_same_in_half_precision_too(kind):
    """Read in another order, bfloat16 rounds otherwise: the prompt's end is kept as it was."""
    import torch

    model = model_of(kind).to(torch.bfloat16)
    loaded, prefix = loaded_of(model), CachedPrefix()
    settings = Settings(max_new_tokens=40, temperature=1.5, seed=9)
    if kind == "gemma3":  # cannot be cut once its windows slide
        model.config.sliding_window = 200
    steps, first = finish(reply(loaded, PROMPT, settings, prefix=prefix))
    counter = Counter(model)
    again_steps, again = finish(reply(loaded, PROMPT, settings, prefix=prefix))
    assert again.ids == first.ids and again_steps == steps
    assert counter.take() == [1] * 39 and again.reused == len(PROMPT)


def test_a_trace_is_of_one_model_and_can_be_cleared():
    model, other = model_of("llama"), model_of("llama", seed=2)
    prefix = CachedPrefix()
    assert prefix.bytes == 0 and prefix.ids == []
    finish(reply(loaded_of(model), PROMPT, Settings(max_new_tokens=4), prefix=prefix))
    size = 3 * 2 * 2 * 8 * 4  # layers, keys and values, heads, head size, float32
    assert 15 * size <= prefix.bytes <= (15 + 2 * passes_module.GROWTH) * size
    counter = Counter(other)
    done = finish(reply(loaded_of(other), PROMPT, Settings(max_new_tokens=4), prefix=prefix))[1]
    assert counter.take()[0] == len(PROMPT) and done.ids == generate(other, PROMPT, 4)
    prefix.clear()
    assert prefix.bytes == 0 and prefix.ids == []
    states = reply(loaded_of(other), PROMPT, Settings(max_new_tokens=40), prefix=prefix)
    assert isinstance([next(states) for _ in range(5)][-1], Step)
    assert prefix.bytes > 0  # in use counts
    prefix.clear()
    states.close()
    assert prefix.bytes == 0 and prefix.ids == []


def test_a_trace_does_not_keep_its_model_alive():
    model, prefix = model_of("llama"), CachedPrefix()
    finish(reply(loaded_of(model), PROMPT, Settings(max_new_tokens=2), prefix=prefix))
    import weakref

    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_closing_stops_at_once_and_keeps_what_was_read():
    model, prefix = model_of("llama"), CachedPrefix()
    loaded, counter = loaded_of(model), Counter(model)
    states = reply(loaded, PROMPT, Settings(max_new_tokens=200), prefix=prefix)
    seen = [state for _, state in zip(range(7), states, strict=False)]
    states.close()
    assert len(counter.take()) == 5  # a prompt, and four steps after the first
    assert len(queue.line(loaded)) == 0
    written = [state.id for state in seen if isinstance(state, Step)]
    assert prefix.ids == PROMPT + written[:-1]
    gone = finish(reply(loaded, PROMPT + written, Settings(max_new_tokens=5), prefix=prefix))[1]
    assert counter.take() == [1] * 5 and gone.ids == generate(model, PROMPT + written, 5)


def test_stop_by_word_at_any_moment(monkeypatch):
    monkeypatch.setattr(passes_module, "CHUNK", 4)
    loaded = loaded_of(model_of("llama"))
    for after in range(7):
        calls = iter(range(100))
        states = reply(loaded, PROMPT, Settings(max_new_tokens=50), stop=lambda: next(calls) >= after)  # noqa: B023
        steps, done = finish(states)
        assert done.stop_reason == "stopped" and len(steps) == max(0, after - 3)
        assert len(queue.line(loaded)) == 0


def test_an_abandoned_generator_frees_its_turn_and_its_memory():
    model = model_of("llama")
    loaded = loaded_of(model)
    states = reply(loaded, PROMPT, Settings())
    next(states)
    assert len(queue.line(loaded)) == 1
    del states
    gc.collect()
    assert len(queue.line(loaded)) == 0
    unused = reply(loaded, PROMPT, Settings())
    assert len(queue.line(loaded)) == 0  # nobody asked for anything yet
    del unused


def test_inference_mode_does_not_leak_into_the_caller():
    import torch

    loaded = loaded_of(model_of("llama"))
    for _ in reply(loaded, PROMPT, Settings(max_new_tokens=3)):
        assert not torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()


def test_two_at_once_wait_for_each_other():
    model = model_of("llama")
    loaded = loaded_of(model)
    inside, most = [0], [0]

    def enter(*_: Any) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])

    def leave(*_: Any) -> None:
        inside[0] -= 1

    model.register_forward_pre_hook(enter)
    model.register_forward_hook(leave)
    expected = generate(model, PROMPT, 30)
    most[0] = 0
    answers: list[list[Any]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(
            target=lambda kept=kept: kept.extend(reply(loaded, PROMPT, Settings(max_new_tokens=30)))
        )
        for kept in answers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    for states in answers:
        assert states[-1].ids == expected
        kinds = [type(state) for state in states if not isinstance(state, Waiting)]
        assert kinds[0] is Reading and kinds[-1] is Done
    assert len(queue.line(loaded)) == 0


def test_who_waits_is_told_the_place_and_may_leave(monkeypatch):
    from playground.engine.generation import generate as decoding

    monkeypatch.setattr(decoding, "TELL", 0.01)
    loaded = loaded_of(model_of("llama"))
    states = [reply(loaded, PROMPT, Settings(max_new_tokens=5)) for _ in range(4)]
    assert isinstance(next(states[0]), Reading)
    assert [next(one) for one in states[1:]] == [Waiting(1), Waiting(2), Waiting(3)]
    states[2].close()
    assert next(states[3]) == Waiting(2)
    states[0].close()
    assert isinstance(next(states[1]), Reading)
    assert next(states[3]) == Waiting(1)
    assert finish(states[1])[1].new_tokens == 5
    assert finish(states[3])[1].new_tokens == 5


def test_a_holder_who_walked_away_lets_others_pass_and_goes_on_later(monkeypatch):
    from playground.engine.generation import generate as decoding

    monkeypatch.setattr(decoding, "TELL", 0.01)
    monkeypatch.setattr(queue, "PATIENCE", 0.05)
    model = model_of("llama")
    loaded = loaded_of(model)
    slow = reply(loaded, PROMPT, Settings(max_new_tokens=10))
    head = [next(slow) for _ in range(5)]
    quick = reply(loaded, PROMPT, Settings(max_new_tokens=10))
    assert isinstance(next(quick), Waiting)
    done = finish(quick)[1]
    rest = list(slow)
    ids = [state.id for state in [*head, *rest] if isinstance(state, Step)]
    assert ids == done.ids == generate(model, PROMPT, 10)


@pytest.mark.parametrize(("value", "temperature"), [("nan", 0.0), ("inf", 1.0), ("-inf", 1.0), ("nan", 1.0)])
def test_broken_logits_are_said(value, temperature):
    import torch

    model = model_of("llama")
    loaded, passed = loaded_of(model), [0]

    def spoil(module: Any, args: Any, output: Any) -> Any:
        passed[0] += 1
        if passed[0] > 3:
            output.logits[:] = torch.zeros_like(output.logits)
            output.logits[..., 5 if value != "-inf" else slice(None)] = float(value)
        return output

    model.register_forward_hook(spoil)
    states = reply(loaded, PROMPT, Settings(max_new_tokens=9, temperature=temperature, seed=1))
    seen = []
    with pytest.raises(PlaygroundError) as broken:
        seen.extend(iter(lambda: next(states), None))
    assert broken.value.key == "errors.logits_not_finite" and broken.value.values == {"name": "tiny"}
    assert len(queue.line(loaded)) == 0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."), "cuda",
    ],
)  # fmt: skip
def test_memory_that_runs_out_keeps_what_was_written(error):
    import torch

    raised = torch.OutOfMemoryError("CUDA out of memory.") if error == "cuda" else error
    model, prefix = model_of("llama"), CachedPrefix()
    loaded, passed = loaded_of(model), [0]

    def fail(*_: Any) -> None:
        passed[0] += 1
        if passed[0] == 4:
            raise raised

    hook = model.model.layers[1].register_forward_pre_hook(fail)
    seen = []
    states = reply(loaded, PROMPT, Settings(max_new_tokens=9), prefix=prefix)
    with pytest.raises(DoesNotFit) as short:
        while True:
            seen.append(next(states))
    steps = [state for state in seen if isinstance(state, Step)]
    assert len(steps) == 3 and short.value.values == {"name": "tiny", "tokens": len(PROMPT) + 3}
    assert prefix.bytes == 0 and len(queue.line(loaded)) == 0
    hook.remove()
    written = [step.id for step in steps]
    more = finish(reply(loaded, PROMPT + written, Settings(max_new_tokens=6), prefix=prefix))[1]
    assert written + more.ids == generate(model, PROMPT, 9)


def test_other_errors_are_not_taken_for_memory_and_leave_no_half_read_trace():
    model, prefix = model_of("llama"), CachedPrefix()
    loaded = loaded_of(model)
    first = finish(reply(loaded, PROMPT, Settings(max_new_tokens=5), prefix=prefix))[1]

    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    hook = model.model.layers[1].register_forward_pre_hook(fail)  # the first layer has read by then
    with pytest.raises(RuntimeError, match="a bug"):
        list(reply(loaded, PROMPT + first.ids, Settings(), prefix=prefix))
    hook.remove()
    assert prefix.ids == [] and prefix.bytes == 0
    more = finish(reply(loaded, PROMPT + first.ids, Settings(max_new_tokens=5), prefix=prefix))[1]
    assert first.ids + more.ids == generate(model, PROMPT, 10)


def test_what_cannot_be_asked():
    loaded = loaded_of(model_of("llama"))
    for ids, key in (([], "prompt_empty"), ([5, 400], "id_outside"), ([-1, 5], "id_outside")):
        with pytest.raises(BadInput) as refused:
            reply(loaded, ids, Settings())
        assert refused.value.key == f"errors.{key}"
    for wrong in (
        {"max_new_tokens": 0}, {"max_new_tokens": 2.5}, {"temperature": -1}, {"temperature": math.nan},
        {"temperature": math.inf}, {"top_k": -1}, {"top_p": 1.1}, {"min_p": -0.1}, {"alternatives": 101},
        {"repetition_penalty": 0.0}, {"seed": -1}, {"seed": 2**63}, {"temperature": "1"}, {"top_k": True},
    ):  # fmt: skip
        with pytest.raises(BadInput) as refused:
            reply(loaded, PROMPT, Settings(**wrong))
        assert refused.value.key == "errors.setting_outside"
    from transformers import BertConfig, BertModel, T5Config, T5ForConditionalGeneration

    for other in (
        BertModel(BertConfig(vocab_size=400, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)),
        T5ForConditionalGeneration(T5Config(vocab_size=400, d_model=8, d_ff=8, num_layers=1, num_heads=1)),
        None,
    ):
        with pytest.raises(BadInput) as refused:
            reply(loaded_of(other), PROMPT, Settings())
        assert refused.value.key == "errors.not_causal"


def test_ridiculous_settings_still_give_what_generate_gives():
    model = model_of("llama")
    hot = {"temperature": 100.0, "top_k": 3}
    assert write(model, PROMPT, max_new_tokens=20, seed=1, **hot) == generate(
        model, PROMPT, 20, 1, do_sample=True, top_p=1.0, **hot
    )
    cold = write(model, PROMPT, max_new_tokens=20, seed=1, temperature=1e-4)
    assert cold == write(model, PROMPT, max_new_tokens=20, temperature=1e-9) == generate(model, PROMPT, 20)


def test_long_rope_at_the_switch():
    """Phi-3's rotations change where the text passes the trained length: all must be read again."""
    factors = {"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 24,
               "short_factor": [1.0] * 4, "long_factor": [8.0] * 4}  # fmt: skip
    model = model_of("phi3", rope_parameters=factors, original_max_position_embeddings=24)
    assert isinstance(kv_cache_for(model), CroppableKVCache)
    loaded, prefix = loaded_of(model), CachedPrefix()
    first = finish(reply(loaded, PROMPT, Settings(max_new_tokens=30), prefix=prefix))[1]
    assert first.ids == generate(model, PROMPT, 30)
    long = [3 + i * 7 % 390 for i in range(40)]
    for prompt in (PROMPT + first.ids[:5], long, [*long, 9], PROMPT[:4]):
        done = finish(reply(loaded, prompt, Settings(max_new_tokens=20), prefix=prefix))[1]
        assert done.ids == generate(model, prompt, 20), len(prompt)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma"])
def test_dynamic_rope_is_not_steady_and_past_the_trained_length_nothing_is_reused(kind):
    """Its rotations stretch with the text once that is longer than any in training: all is read again."""
    import torch

    steady = model_of(kind)
    assert kv_cache_for(steady).steady
    factors = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0}
    model = model_of(kind, rope_parameters=factors, max_position_embeddings=24)
    kv, text = kv_cache_for(model), [3 + i * 7 % 390 for i in range(40)]
    assert isinstance(kv, CroppableKVCache) and not kv.steady

    def read(length: int) -> tuple[int, Any]:
        known, _ = kv.begin(text[:length])
        return known, kv.feed(text[known:length])

    assert (
        read(10)[0] == 0 and read(20)[0] == 10 and read(24)[0] == 20
    )  # as trained: a common beginning serves
    for length, known in ((25, 0), (40, 0), (24, 0), (30, 0)):  # longer, or read longer: it does not
        reused, last = read(length)
        assert reused == known, length
        with torch.no_grad():
            alone = model(torch.tensor([text[:length]]), use_cache=False).logits[0, -1]
        assert torch.allclose(last, alone, atol=1e-4), length
    other = kv_cache_for(steady)
    other.begin(text)
    other.feed(text[:30])
    assert other.begin(text)[0] == 30


def test_which_models_can_be_cut():
    for kind in KINDS:
        expected = CroppableKVCache if kind in CUTTABLE else PreparedKVCache
        assert type(kv_cache_for(model_of(kind))) is expected, kind


def test_done_counts_its_own_time_only():
    import time

    loaded = loaded_of(model_of("llama"))
    began = time.perf_counter()
    states = []
    for state in reply(loaded, PROMPT, Settings(max_new_tokens=10)):
        time.sleep(0.02)  # a slow reader
        states.append(state)
    whole, state = time.perf_counter() - began, states[-1]
    assert isinstance(state, Done)
    assert state.seconds < whole - 0.15 and state.reading_seconds < state.seconds
    assert state.tokens_per_second == pytest.approx(9 / (state.seconds - state.reading_seconds))


def test_importing_it_imports_no_torch():
    code = "import sys, playground.engine.generation.generate, playground.engine.generation.conversation;"
    code += "assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.real
def test_stories_begin_as_the_author_shows_them(shared):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = shared / "models" / "stories260K"
    if not folder.is_dir():
        pytest.skip("no ../shared/models/stories260K")
    model = AutoModelForCausalLM.from_pretrained(folder)
    loaded = loaded_of(model.eval(), AutoTokenizer.from_pretrained(folder))
    prefix = CachedPrefix()
    steps, done = finish(reply(loaded, [1], Settings(max_new_tokens=200), prefix=prefix))
    assert done.text.startswith(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."
    )
    assert done.text == loaded.tokenizer.decode(done.ids, skip_special_tokens=True)
    for step in steps:
        assert done.text.startswith(step.text)
    assert done.ids[:100] == generate(model, [1], 100)
    assert window(loaded) == 512 and stop_ids(loaded) == {1, 2}
    seeded = {"temperature": 0.9, "top_p": 0.9}
    theirs = generate(model, [1], 60, 4, do_sample=True, top_k=0, **seeded)
    assert finish(reply(loaded, [1], Settings(max_new_tokens=60, seed=4, **seeded)))[1].ids == theirs
    told = loaded.tokenizer.encode("Once upon", add_special_tokens=False)
    done = finish(reply(loaded, [1, *told], Settings(max_new_tokens=5), continues=True))[1]
    assert done.text.startswith(" a time")
