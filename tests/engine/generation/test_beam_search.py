"""Beam search of our own against ``generate(num_beams=…)``: ids, scores, and every beam of every step."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from playground.engine import queue
from playground.engine.generation.beam_search import Beams, BeamStep, Found, search
from playground.engine.generation.generate import Waiting
from playground.engine.generation.sampling import Settings
from playground.errors import BadInput, PlaygroundError
from tests.tiny_tokenizers import KINDS, loaded_of, model_of

PROMPT = [5, 77, 130, 9, 260, 31, 8, 8, 54, 199, 7, 300]


pytestmark = pytest.mark.usefixtures("one_thread")


def generate(model: Any, count: int, width: int, **settings: Any) -> Any:
    import torch

    ids = torch.tensor([PROMPT])
    given = {
        "do_sample": False, "max_new_tokens": count, "pad_token_id": 0, "num_beams": width,
        "num_return_sequences": width, "return_dict_in_generate": True, "output_scores": True,
        "output_logits": True,
    }  # fmt: skip
    return model.generate(ids, attention_mask=torch.ones_like(ids), **(given | settings))


def found(model: Any, beams: Beams, **settings: Any) -> Found:
    *steps, last = search(loaded_of(model), PROMPT, Settings(**settings), beams)
    assert isinstance(last, Found) and last.steps == steps
    return last


def trimmed(row: list[int], ends: tuple[int, ...]) -> list[int]:
    """What was generated, without the padding behind an end."""
    new = row[len(PROMPT) :]
    first = next((place for place, id in enumerate(new) if id in ends), len(new) - 1)
    return new[: first + 1]


def same(ours: Found, theirs: Any, ends: tuple[int, ...] = ()) -> None:
    rows = [trimmed(row, ends) for row in theirs.sequences.tolist()]
    assert [way.ids for way in ours.sequences] == rows
    assert [way.score for way in ours.sequences] == pytest.approx(theirs.sequences_scores.tolist(), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_and_scores_are_those_of_generate(kind):
    model = model_of(kind, spread=3.0)
    ours = found(model, Beams(4), max_new_tokens=10)
    same(ours, generate(model, 10, 4))
    assert len({tuple(way.ids) for way in ours.sequences}) == 4


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral", "gemma3"])
@pytest.mark.parametrize("length_penalty", [-1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_with_ends_of_text(kind, length_penalty, early_stopping):
    """Beams end at different lengths, so what a length is worth decides, and when the search ends."""
    model = model_of(kind, spread=2.0)
    plain = found(model, Beams(4), max_new_tokens=12)
    seen = [id for way in plain.sequences for id in way.ids]
    ends = tuple(sorted(set(seen), key=seen.count)[:3])  # rare ones, so that not everything ends at once
    model.generation_config.eos_token_id = list(ends)
    given = {"length_penalty": length_penalty, "early_stopping": early_stopping}
    ours = found(model, Beams(4, length_penalty, early_stopping), max_new_tokens=12)
    same(ours, generate(model, 12, 4, **given), ends)
    if length_penalty < 0:  # short ones win
        assert any(way.ended for way in ours.sequences)


@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_any_width_and_a_penalty_for_repetition(width):
    model = model_of("qwen2", spread=3.0)
    ours = found(model, Beams(width), max_new_tokens=9, repetition_penalty=1.4)
    if width == 1:  # which is greedy
        theirs = generate(model, 9, 1, repetition_penalty=1.4).sequences[0].tolist()
        assert ours.sequences[0].ids == trimmed(theirs, ())
    else:
        same(ours, generate(model, 9, width, repetition_penalty=1.4))


def test_totals_are_sums_along_the_beams():
    """As transformers' own `compute_transition_scores` finds them, and as one pass over the text says."""
    import torch

    model = model_of("llama", spread=3.0)
    ours, theirs = found(model, Beams(4), max_new_tokens=10), generate(model, 10, 4)
    transitions = model.compute_transition_scores(
        theirs.sequences, theirs.scores, theirs.beam_indices, normalize_logits=False
    )
    sums = transitions.sum(1).tolist()
    assert [way.total for way in ours.sequences] == pytest.approx(sums, abs=1e-4)
    for way in ours.sequences:
        with torch.no_grad():
            rows = model(torch.tensor([PROMPT + way.ids])).logits[0].log_softmax(-1)
        places = range(len(PROMPT), len(PROMPT) + len(way.ids))
        total = sum(rows[at - 1, id].item() for at, id in zip(places, way.ids, strict=True))
        assert way.total == pytest.approx(total, abs=1e-4)
        assert way.score == pytest.approx(total / len(way.ids), abs=1e-4)


def test_the_tree_holds_every_step():
    model = model_of("llama", spread=3.0)
    ours = found(model, Beams(3), max_new_tokens=8)
    beams: list[tuple[list[int], float]] = [([], 0.0)]
    for number, step in enumerate(ours.steps):
        assert step.index == number and len(step.candidates) == 6
        totals = [each.total for each in step.candidates]
        assert totals == sorted(totals, reverse=True)
        for each in step.candidates:
            assert each.total == pytest.approx(beams[each.parent][1] + math.log(each.probability), abs=1e-4)
        fates = [each.fate for each in step.candidates]
        last = number == 7
        assert fates == ["finished" if last else "kept"] * 3 + ["dropped"] * 3
        assert [place for place, fate in enumerate(fates) if fate == "kept"] == step.kept
        ways = [(beams[each.parent][0] + [each.id], each.total) for each in step.candidates]
        beams = [ways[place] for place in (range(3) if last else step.kept)]
    assert [ids for ids, _ in beams] == [way.ids for way in ours.sequences]
    assert [total / 8 for _, total in beams] == pytest.approx([way.score for way in ours.sequences])


def test_stop_strings_end_a_beam_as_in_generate():
    model = model_of("llama", spread=3.0)
    loaded = loaded_of(model)
    plain = found(model, Beams(3), max_new_tokens=10)
    string = next(way.text for way in plain.sequences)[2:4]
    theirs = generate(model, 10, 3, stop_strings=[string], tokenizer=loaded.tokenizer)
    *_, ours = search(loaded, PROMPT, Settings(max_new_tokens=10, stop_strings=(string,)), Beams(3))
    assert isinstance(ours, Found) and ours.sequences[0].ended and string in ours.sequences[0].text
    assert ours.sequences[0].by_string and not any(way.by_string for way in plain.sequences)
    best = theirs.sequences[0].tolist()[len(PROMPT) :]
    assert ours.sequences[0].ids == best[: len(ours.sequences[0].ids)]
    assert ours.sequences[0].score == pytest.approx(theirs.sequences_scores[0].item(), abs=1e-4)


def test_half_precision():
    import torch

    model = model_of("llama", spread=3.0).to(torch.bfloat16)
    ours = found(model, Beams(4), max_new_tokens=8)
    assert ours.sequences[0].ids == trimmed(generate(model, 8, 4).sequences[0].tolist(), ())


def test_the_window_ends_it():
    model = model_of("gpt2", n_positions=16, spread=3.0)
    ours = found(model, Beams(3), max_new_tokens=50)
    assert {len(way.ids) for way in ours.sequences} == {4}
    same(ours, generate(model, 4, 3))


def test_it_stops_and_waits_its_turn():
    model = model_of("llama")
    loaded = loaded_of(model)
    running = search(loaded, PROMPT, Settings(max_new_tokens=50), Beams(2))
    assert isinstance(next(running), BeamStep)
    other = search(loaded, PROMPT, Settings(max_new_tokens=2), Beams(2))
    assert next(other) == Waiting(1)
    running.close()
    assert [type(state) for state in other if not isinstance(state, Waiting)] == [BeamStep, BeamStep, Found]
    assert len(queue.line(loaded)) == 0
    asked = iter([False, False, True])
    cut = list(search(loaded, PROMPT, Settings(max_new_tokens=50), Beams(2), stop=lambda: next(asked)))
    assert [type(state) for state in cut] == [BeamStep, BeamStep]
    assert len(queue.line(loaded)) == 0


def test_too_much_asked_for_is_told_with_its_limits():
    for asked in (513, 600, 4_096):
        with pytest.raises(BadInput) as caught:
            search(loaded_of(model_of("llama")), PROMPT, Settings(max_new_tokens=asked), Beams(2))
        assert caught.value.key == "errors.setting_outside"
        assert caught.value.values == {"name": "max_new_tokens", "low": 1, "high": 512, "value": asked}
    assert search(loaded_of(model_of("llama")), PROMPT, Settings(max_new_tokens=512), Beams(2))


def test_the_time_of_its_passes_is_counted():
    model, slept = model_of("llama"), 0.05
    model.register_forward_pre_hook(lambda *_: time.sleep(slept))
    *steps, last = search(loaded_of(model), PROMPT, Settings(max_new_tokens=3), Beams(2))
    assert isinstance(last, Found) and len(steps) == 3
    assert 3 * slept <= last.seconds < 60


@pytest.mark.parametrize(
    ("beams", "settings", "prompt", "key"),
    [
        (Beams(0), {}, PROMPT, "setting_outside"), (Beams(17), {}, PROMPT, "setting_outside"),
        (Beams(2.5), {}, PROMPT, "setting_outside"), (Beams(2, float("nan")), {}, PROMPT, "setting_outside"),
        (Beams(2, 9.0), {}, PROMPT, "setting_outside"), (Beams(True), {}, PROMPT, "setting_outside"),
        (Beams(2), {"max_new_tokens": 600}, PROMPT, "setting_outside"), (Beams(2), {}, [], "prompt_empty"),
        (Beams(2), {}, [5] * 256, "prompt_too_long"), (Beams(2), {}, [400], "id_outside"),
    ],
)  # fmt: skip
def test_what_cannot_be(beams, settings, prompt, key):
    with pytest.raises(BadInput) as refused:
        search(loaded_of(model_of("llama")), prompt, Settings(**settings), beams)
    assert refused.value.key == f"errors.{key}"


def test_nan_logits():
    model = model_of("llama")
    model.lm_head.weight.data.fill_(float("nan"))
    with pytest.raises(PlaygroundError) as refused:
        list(search(loaded_of(model), PROMPT, Settings(max_new_tokens=3), Beams(2)))
    assert refused.value.key == "errors.logits_not_finite"
