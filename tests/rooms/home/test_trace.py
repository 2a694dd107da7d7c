"""Home's trace is what transformers computes, and it ends where a text ends."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from playground import text
from playground.engine.in_turn import finished
from playground.errors import BadInput
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME
from playground.models.loaders import TransformersLoader
from playground.rooms.home import example, trace

SAID = "The opposite of hot is"


@pytest.fixture(scope="module")
def tutor() -> Iterator[Loaded]:
    cache = ModelCache(2**31, TransformersLoader(offline=True))
    with cache.lease(EMBEDDED_BY_NAME["tutor"], "causal") as loaded:
        yield loaded


def test_it_is_what_transformers_computes(tutor: Loaded) -> None:
    traced = finished(trace.trace(tutor, SAID, 100)).plain
    ids = tutor.tokenizer(SAID)["input_ids"]
    assert [token[0] for token in traced["tokens"][: traced["given"]]] == ids
    tutor.model.set_attn_implementation("eager")
    with torch.inference_mode():
        made = tutor.model(torch.tensor([ids]), output_hidden_states=True, output_attentions=True)
    first, likely = traced["steps"][0], made.logits[0, -1].softmax(-1)
    best = made.logits[0, -1].topk(trace.LIKELIEST)
    assert [row[0] for row in first["top"]] == [tutor.tokenizer.decode([id]) for id in best.indices]
    assert [row[1] for row in first["top"]] == pytest.approx(best.values.tolist(), abs=0.01)
    assert [row[2] for row in first["top"]] == pytest.approx(likely[best.indices].tolist(), rel=5e-3)
    for layer, given in zip(traced["layers"], first["attention"], strict=True):
        shown = np.frombuffer(base64.b64decode(given), np.uint8) / 255
        whole = made.attentions[layer - 1][0, :, -1].mean(0).numpy()
        assert shown == pytest.approx(whole, abs=0.003)
    for layer, (said, share) in zip(traced["layers"][:-1], first["lens"], strict=False):
        normed = tutor.model.model.norm(made.hidden_states[layer][0, -1])
        head = tutor.model.lm_head(normed).softmax(-1)
        assert said == tutor.tokenizer.decode([int(head.argmax())])
        assert share == pytest.approx(float(head.max()), rel=5e-3)
    rows = tutor.model.get_input_embeddings().weight[torch.tensor(ids)].detach().numpy()
    for spelled, whole, shown in zip(traced["spelled"], rows, traced["vectors"], strict=False):
        assert spelled == pytest.approx(whole[: trace.SPELLED], abs=0.006)
        told = np.frombuffer(base64.b64decode(shown), np.int8)
        assert len(told) == trace.VALUES and (np.sign(told) * np.sign(whole[: trace.VALUES]) >= 0).all()


def test_each_step_appends_the_likeliest_until_the_sentence_ends(tutor: Loaded) -> None:
    states = [state for state in trace.trace(tutor, SAID, 100) if isinstance(state, trace.Traced)]
    plain = states[-1].plain
    assert [state.step for state in states] == [1, 2]
    assert [step["top"][0][0] for step in plain["steps"]] == [" cold", "."]
    assert [token[1] for token in plain["tokens"][plain["given"] :]] == [" cold", "."]
    assert len(states[0].plain["steps"]) == 1, "what was told before does not grow"


def test_a_model_that_ends_its_text_appends_nothing_more(tutor: Loaded) -> None:
    plain = finished(trace.trace(tutor, f"{SAID} cold.", 100)).plain
    assert plain["steps"][-1]["end"] and len(plain["tokens"]) == plain["given"]


def test_what_is_too_long_for_the_figure_is_refused_with_its_length(tutor: Loaded) -> None:
    with pytest.raises(BadInput) as refused:
        finished(trace.trace(tutor, "one " * 40, 1000))
    assert refused.value.key == "errors.home_too_long" and refused.value.values["most"] == trace.TOKENS


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_example_is_a_whole_sentence_that_the_model_does_well(lang: str) -> None:
    shipped = example.shipped(lang)
    assert shipped["text"] == text.say("home.example_sentence", lang)
    assert 3 <= len(shipped["steps"]) <= trace.STEPS
    said = shipped["text"] + "".join(step["top"][0][0] for step in shipped["steps"])
    assert said.endswith(trace.ENDS)
    for step in shipped["steps"]:
        assert 0 < sum(row[2] for row in step["top"]) <= 1.001
        assert len(step["attention"]) == len(step["lens"]) == len(shipped["layers"])
