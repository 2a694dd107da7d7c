"""Logit lens and attention, on small models of every kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from playground.engine.generation import interpret
from playground.engine.generation.interpret import attention, lens, twin
from playground.errors import BadInput
from playground.models.cache import Loaded
from tests.models import saved
from tests.tiny_tokenizers import KINDS, loaded_of, model_of

IDS = [5, 77, 130, 9, 260, 31, 8]


pytestmark = pytest.mark.usefixtures("one_thread")


def cohere() -> Any:
    """Logits times a scale, layers in parallel."""
    torch.manual_seed(0)
    config = transformers.CohereConfig(
        vocab_size=384, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        num_key_value_heads=2, logit_scale=0.1, max_position_embeddings=128,
    )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config).eval()


def gemma2() -> Any:
    torch.manual_seed(0)
    config = transformers.Gemma2Config(
        vocab_size=384, hidden_size=64, num_hidden_layers=3, num_attention_heads=4, head_dim=16,
        num_key_value_heads=2, intermediate_size=96, final_logit_softcapping=3.0, sliding_window=4,
    )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config).eval()


MAKERS = {
    **{kind: (lambda kind=kind: model_of(kind)) for kind in KINDS},
    "cohere": cohere,
    "gemma2-capped": gemma2,
}
SILENT = {"mamba"}  # without attention


@pytest.fixture(scope="module", params=MAKERS)
def model(request: pytest.FixtureRequest) -> Any:
    return MAKERS[request.param]()


def logits_of(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0].float()


def test_the_lens_ends_in_the_models_own_logits(model: Any) -> None:
    found = lens(loaded_of(model), IDS)
    own = logits_of(model, IDS)
    assert np.allclose(found.logits[-1], own[-1].numpy(), atol=1e-4)
    assert found.ids[-1].tolist() == own.argmax(-1).tolist()
    assert np.allclose(found.probabilities[-1], own.softmax(-1).max(-1).values.numpy(), atol=1e-5)
    assert np.allclose(found.chosen[-1], found.probabilities[-1], atol=1e-6)
    layers = model.config.num_hidden_layers
    assert found.ids.shape == found.probabilities.shape == (layers + 1, len(IDS))
    assert not np.allclose(found.logits[0], found.logits[-1], atol=1e-3)


def test_only_the_head_once_a_layer_makes_logits_of_all_positions() -> None:
    loaded, made = loaded_of(model_of("llama")), []
    twin(loaded).get_output_embeddings().register_forward_hook(
        lambda module, given, logits: made.append(logits.shape[1])
    )
    lens(loaded, IDS)
    assert made == [1, *[len(IDS)] * (loaded.model.config.num_hidden_layers + 1)]


def test_the_final_norm_is_applied_to_every_layer() -> None:
    model = model_of("llama")
    found = lens(loaded_of(model), IDS)
    assert found.norm == "model.norm"
    with torch.inference_mode():
        states = model(input_ids=torch.tensor([IDS]), output_hidden_states=True).hidden_states
        for number, state in enumerate(states[:-1]):
            expected = model.lm_head(model.model.norm(state))[0, -1]
            assert np.allclose(found.logits[number], expected.numpy(), atol=1e-4)


def test_soft_caps_and_scales_are_the_models() -> None:
    found = lens(loaded_of(gemma2()), IDS)
    assert np.abs(found.logits).max() <= 3.0
    model = cohere()
    found = lens(loaded_of(model), IDS)
    with torch.inference_mode():
        state = model(input_ids=torch.tensor([IDS]), output_hidden_states=True).hidden_states[0]
        expected = 0.1 * model.lm_head(model.model.norm(state))[0, -1]
    assert np.allclose(found.logits[0], expected.numpy(), atol=1e-4)


def test_a_long_prompt_shows_its_end() -> None:
    ids = [7 + i % 200 for i in range(80)]
    found = lens(loaded_of(model_of("llama")), ids)
    assert found.start == 80 - interpret.SHOWN and found.ids.shape[1] == interpret.SHOWN
    looked = attention(loaded_of(model_of("llama")), ids)
    assert looked.start == found.start and looked.weights.shape[-1] == interpret.SHOWN


def test_attention_is_transformers_own(model: Any) -> None:
    loaded = loaded_of(model)
    before = model.config._attn_implementation
    try:
        found = attention(loaded, IDS)
    except BadInput as told:
        assert told.key == "errors.attention_not_there"
        assert type(model).__name__.lower().startswith(tuple(SILENT))
        return
    assert model.config._attn_implementation == before
    weights = found.weights.astype(np.float32)
    assert np.allclose(weights.sum(-1), 1, atol=5e-3)
    assert (np.triu(weights, 1) == 0).all()  # nobody looks ahead
    twin_model = twin(loaded)
    with torch.inference_mode():
        made = twin_model(input_ids=torch.tensor([IDS]), output_attentions=True)
    theirs = [each for each in made.attentions if each is not None]
    assert len(theirs) == len(found.layers) == weights.shape[0]
    for layer, each in enumerate(theirs):
        assert np.allclose(weights[layer], each[0].numpy(), atol=1e-3)


def test_attention_by_hand() -> None:
    """The first layer's weights from its own matrices: softmax(q k / sqrt(d)), position by position."""
    model = model_of("gpt2")
    block = model.transformer.h[0]
    with torch.inference_mode():
        states = model.transformer.wte(torch.tensor([IDS])) + model.transformer.wpe(torch.arange(len(IDS)))
        q, k, _ = block.attn.c_attn(block.ln_1(states)).chunk(3, -1)
        heads = model.config.n_head
        q, k = (each[0].view(len(IDS), heads, -1).transpose(0, 1) for each in (q, k))
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        scores.masked_fill_(torch.ones(len(IDS), len(IDS)).triu(1).bool(), -torch.inf)
        expected = scores.softmax(-1).numpy()
    assert np.allclose(attention(loaded_of(model), IDS).weights[0], expected, atol=2e-3)


def test_the_twin_takes_no_memory_and_changes_nothing() -> None:
    model = saved.model("Llama")
    loaded = loaded_of(model)
    before = logits_of(model, IDS)
    other = twin(loaded)
    assert other is twin(loaded) is not model
    assert all(a is b for a, b in zip(model.parameters(), other.parameters(), strict=True))
    lens(loaded, IDS), attention(loaded, IDS)
    assert torch.equal(before, logits_of(model, IDS))
    assert (
        not model._forward_hooks and "forward" not in vars(model.model) and "forward" not in vars(other.model)
    )


def test_what_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    only_flash = loaded_of(saved.model("Llama"))

    def refuse(*_: object) -> None:
        raise ValueError("flash alone")

    monkeypatch.setattr(twin(only_flash), "set_attn_implementation", refuse)
    with pytest.raises(BadInput) as told:
        attention(only_flash, IDS)
    assert told.value.key == "errors.attention_not_there"
    monkeypatch.setattr(interpret, "MOST_WEIGHTS", 100)
    with pytest.raises(BadInput) as told:
        attention(loaded_of(saved.model("Llama")), IDS)
    assert told.value.key == "errors.attention_too_long"
    for work in (lens, attention):
        with pytest.raises(BadInput):
            work(loaded_of(saved.model("Llama")), [])


def test_attention_of_a_second_look_is_kept() -> None:
    loaded: Loaded = loaded_of(saved.model("Llama"))
    assert attention(loaded, IDS) is attention(loaded, IDS)
    for last in range(3):
        attention(loaded, [*IDS, last])
    assert len(loaded.memo["attention"]) == interpret.KEPT
