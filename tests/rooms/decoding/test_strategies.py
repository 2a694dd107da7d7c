"""Six ways side by side: their ids against ``generate``, their numbers against one plain pass."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from playground.engine import queue
from playground.engine.generation.beam_search import Beams, BeamStep, Found
from playground.engine.generation.filters import filtered
from playground.engine.generation.generate import Waiting
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Settings
from playground.errors import PlaygroundError
from playground.rooms.decoding.comparison import (
    LANES,
    Comparison,
    Parting,
    Plan,
    Token,
    Written,
    comparable,
    from_plain,
    likelier,
    missed,
    perplexity,
    to_plain,
)
from playground.rooms.decoding.strategies import compare, scored
from tests.small_models import byte_level
from tests.tiny_tokenizers import loaded_of, model_of

PROMPT = [5, 77, 130, 9, 260, 31, 8, 8, 54, 199, 7, 300]
YOURS = Settings(10, temperature=0.9, top_k=30, top_p=0.9, min_p=0.01, repetition_penalty=1.2, seed=5)
PLAN = Plan(YOURS, Beams(3), (1, 2))


pytestmark = pytest.mark.usefixtures("one_thread")


def generate(model: Any, seed: int = 0, **given: Any) -> list[int]:
    import torch

    torch.manual_seed(seed)
    ids = torch.tensor([PROMPT])
    given = {"do_sample": False, "max_new_tokens": 10, "pad_token_id": 0} | given
    return model.generate(ids, attention_mask=torch.ones_like(ids), **given)[0, len(PROMPT) :].tolist()


def compared(model: Any, plan: Plan = PLAN, **how: Any) -> Comparison:
    *_, found = compare(loaded_of(model), PROMPT, plan, **how)
    assert isinstance(found, Comparison)
    return found


def raw(model: Any, ids: list[int]) -> Any:
    """Logits at every new position, in one pass."""
    import torch

    with torch.no_grad():
        return model(torch.tensor([PROMPT + ids])).logits[0, len(PROMPT) - 1 : -1]


def rows(model: Any, ids: list[int]) -> Any:
    """log p at every new position."""
    return raw(model, ids).log_softmax(-1)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma", "mamba", "gpt1"])
def test_every_lane_is_what_generate_writes(kind):
    model = model_of(kind, spread=3.0)
    found = compared(model)
    assert tuple(continuation.continuation for continuation in found.continuations) == LANES
    free = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    drawn = {name: getattr(YOURS, name) for name in ("temperature", "top_k", "top_p", "min_p")}
    drawn["repetition_penalty"] = YOURS.repetition_penalty
    assert found.continuation("greedy").ids == generate(model)
    assert found.continuation("first").ids == found.continuation("again").ids == generate(model, 1, **free)
    assert found.continuation("second").ids == generate(model, 2, **free)
    assert found.continuation("beam").ids == generate(model, num_beams=3)
    assert found.continuation("yours").ids == generate(model, 5, do_sample=True, **drawn)


def test_probabilities_totals_and_perplexity():
    """The sum of log p, and exp of the loss that the model itself computes from labels."""
    import torch

    model = model_of("qwen2", spread=3.0)
    found = compared(model)
    for continuation in found.continuations:
        own = rows(model, continuation.ids)
        logs = [own[place, id].item() for place, id in enumerate(continuation.ids)]
        assert continuation.total == pytest.approx(sum(logs), abs=1e-4)
        assert [token.probability for token in continuation.tokens] == pytest.approx(
            [math.exp(x) for x in logs], rel=1e-4
        )
        ranks = [1 + int((own[place] > own[place, id]).sum()) for place, id in enumerate(continuation.ids)]
        assert [token.rank for token in continuation.tokens] == ranks
        labels = torch.tensor([[-100] * len(PROMPT) + continuation.ids])
        with torch.no_grad():
            loss = model(torch.tensor([PROMPT + continuation.ids]), labels=labels).loss.item()
        assert continuation.perplexity == pytest.approx(math.exp(loss), rel=1e-4)
    best = found.tree.sequences[0]
    assert found.continuation("beam").total == pytest.approx(best.total, abs=1e-4)
    assert perplexity([]) == 1.0 and perplexity([0.25, 0.25]) == pytest.approx(4.0)


def test_where_they_part_and_what_the_settings_would_do_there():
    model = model_of("llama", spread=3.0)
    found = compared(model)
    greedy = found.continuation("greedy")
    for continuation in found.continuations[1:]:
        parting = next(
            (each for each in found.partings if each.continuation == continuation.continuation), None
        )
        if continuation.ids == greedy.ids:
            assert parting is None
            continue
        assert parting is not None and parting.mine is not None and parting.other is not None
        at = parting.index
        assert continuation.ids[:at] == greedy.ids[:at] and parting.mine.id != parting.other.id
        assert (parting.mine.id, parting.other.id) == (continuation.ids[at], greedy.ids[at])
        chances = filtered(raw(model, greedy.ids)[at], YOURS, PROMPT + greedy.ids[:at])
        assert parting.chance == pytest.approx(float(chances[parting.mine.id]), abs=1e-5)
        assert bool(parting.filter) == (chances[parting.mine.id] == 0)
    assert {each.reason for each in found.partings} <= {"drawn", "beam"}
    again = model_of("gpt2", spread=1.0)  # tied weights of random models repeat the last token for ever
    colder = compared(again, Plan(Settings(10, repetition_penalty=5.0), Beams(3)))
    parting = next(each for each in colder.partings if each.continuation == "yours")
    assert parting.reason == "penalty" and parting.chance == 1.0


def test_the_stages_of_every_token_of_yours():
    model = model_of("llama", spread=3.0)
    found = compared(model)
    yours = found.continuation("yours")
    own = raw(model, yours.ids)
    assert len(found.walk) == len(yours.tokens)
    for place, (shown, walk) in enumerate(found.walk):
        assert yours.ids[place] in shown and len(set(shown)) == len(shown)
        chances = filtered(own[place], YOURS, PROMPT + yours.ids[:place])
        assert walk[-1].shown == pytest.approx([float(chances[id]) for id in shown], abs=1e-5)
        assert yours.tokens[place].chance == pytest.approx(float(chances[yours.ids[place]]), abs=1e-5)


def test_greedy_truly_misses_what_beam_search_finds():
    """Some model and prompt where the best first step leads to the worse whole."""
    for seed in range(12):
        model = model_of("llama", seed=seed, spread=2.5)
        found = compared(model)
        if missed(found):
            break
    assert missed(found)
    greedy, beam = found.continuation("greedy"), found.continuation("beam")
    sums = [
        float(rows(model, continuation.ids).gather(1, _column(continuation.ids)).sum())
        for continuation in (greedy, beam)
    ]
    assert sums[1] > sums[0] and beam.tokens[0].log <= greedy.tokens[0].log + 1e-6


def _column(ids: list[int]) -> Any:
    import torch

    return torch.tensor(ids)[:, None]


def test_what_sums_can_be_compared():
    def continuation(count: int, reason: str) -> Written:
        return Written("greedy", [Token(1, "a", "", 0.5, 1.0, 1, [])] * count, "", reason)

    assert comparable(continuation(3, "eos"), continuation(9, "string"))
    assert comparable(continuation(5, "length"), continuation(5, "length"))
    assert not comparable(continuation(5, "length"), continuation(6, "length"))
    assert not comparable(continuation(5, "length"), continuation(5, "eos"))


def test_no_broken_characters():
    """你 and 👍 are several tokens of this tokenizer: a part writes nothing, and says its bytes."""
    loaded = loaded_of(model_of("llama", spread=0.5), byte_level())
    found = list(scored(loaded, PROMPT, loaded.tokenizer("a你👍").input_ids, CachedPrefix(), continues=False))
    assert "".join(token.text for token in found) == "a你👍"
    assert all(token.text or token.label for token in found)
    for token in found:
        assert "\ufffd" not in token.text + token.label + "".join(text for _, text, *_ in token.others[:0])
    parts = [token.label for token in found if not token.text]
    assert parts and all(bytes.fromhex(label) for label in parts)


def test_plain_and_back():
    found = compared(model_of("llama", spread=3.0), text="<b>&")
    assert from_plain(json.loads(json.dumps(to_plain(found)))) == found
    assert any(isinstance(each, Parting) for each in found.partings)


def test_stop_strings_are_those_of_generate():
    model = model_of("llama", spread=3.0)
    loaded = loaded_of(model)
    plain = compared(model).continuation("greedy")
    string = next(token.text for token in plain.tokens[2:] if token.text.isascii() and token.text.isalnum())
    stopped = Plan(Settings(10, temperature=0.0, stop_strings=(string, "never")), Beams(3))
    *_, found = compare(loaded, PROMPT, stopped, continues=False)
    theirs = generate(model, stop_strings=[string, "never"], tokenizer=loaded.tokenizer)
    assert isinstance(found, Comparison)
    assert found.continuation("greedy").ids == theirs and found.continuation("greedy").reason == "string"
    assert len(theirs) < 10


def test_a_beam_that_a_stop_string_ended_says_so():
    model = model_of("llama", spread=3.0)
    beam = compared(model, continues=False).continuation("beam")
    string = next(token.text for token in beam.tokens[1:] if token.text.isascii() and token.text.isalnum())
    for width in (1, 2, 3):
        found = compared(model, Plan(Settings(10, stop_strings=(string,)), Beams(width)), continues=False)
        best, continuation = found.tree.sequences[0], found.continuation("beam")
        assert continuation.reason == ("string" if best.by_string else "eos" if best.ended else "length")
        if best.by_string:
            return
    raise AssertionError("no stop string ended a beam")


def test_a_lane_that_is_likelier_than_greedy_and_beams():
    def continuation(name: str, chance: float, count: int = 4, reason: str = "length") -> Written:
        return Written(name, [Token(1, "a", "", chance, 1.0, 1, [])] * count, "", reason)  # type: ignore[arg-type]

    def best(first: Written, yours: Written, reason: str = "length") -> str:
        continuations = [continuation("greedy", 0.5, reason=reason),
                         continuation("beam", 0.6, reason=reason), first,
                 continuation("second", 0.1, reason=reason), yours]  # fmt: skip
        made = Comparison("m", "", [1], PLAN, continuations, [], Found([], [], PLAN.beams, 0.0), [])
        found = likelier(made)
        return found.continuation if found else ""

    low = continuation("first", 0.1)
    assert best(low, continuation("yours", 0.6)) == ""  # as likely is not likelier
    assert best(low, continuation("yours", 0.7)) == "yours"
    assert best(continuation("first", 0.8), continuation("yours", 0.7)) == "first"
    assert best(low, continuation("yours", 0.7, 3)) == ""  # cut earlier: nobody knows what would have come
    assert (
        best(low, continuation("yours", 0.7, 3, "eos")) == "yours"
    )  # finished: what was cut can only fall further
    assert best(low, continuation("yours", 0.7, 4), "eos") == ""


def test_the_prompt_is_read_once_and_stopping_leaves_the_line():
    model = model_of("llama", spread=3.0)
    loaded, fed = loaded_of(model), []
    model.register_forward_pre_hook(lambda *a: fed.append(a[2]["input_ids"].shape), with_kwargs=True)
    list(compare(loaded, PROMPT, PLAN))
    assert sum(shape[1] > 2 for shape in fed) == 2  # one for all lanes, one for beam search
    assert len(queue.line(loaded)) == 0
    running = compare(loaded, PROMPT, PLAN)
    for state in running:
        if isinstance(state, BeamStep):
            break
    assert isinstance(next(compare(loaded, PROMPT, PLAN)), Waiting)
    running.close()
    assert len(queue.line(loaded)) == 0
    asked = iter([False] * 7 + [True] * 99)
    states = list(compare(loaded, PROMPT, PLAN, stop=lambda: next(asked)))
    assert not isinstance(states[-1], Comparison)


def test_nan_logits():
    model = model_of("llama")
    model.lm_head.weight.data.fill_(float("nan"))
    with pytest.raises(PlaygroundError) as refused:
        list(compare(loaded_of(model), PROMPT, PLAN))
    assert refused.value.key == "errors.logits_not_finite"
