"""Changed architectures: exact again, the impossible refused with its reason, and code that makes them."""

from __future__ import annotations

import pytest
import torch

from playground.errors import BadInput
from playground.models.loaders import presets
from playground.rooms.architecture import what_if
from playground.rooms.architecture.plan import Architecture
from tests.engine.vectors import closed_form
from tests.rooms.architecture.plans import built, plan_of

TINYLLAMA = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"


def turned(name: str, **changes) -> Architecture:
    return built(what_if.changed(plan_of(name), changes))


def refused(name: str, **changes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        what_if.changed(plan_of(name), changes)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"num_hidden_layers": 23}, 1_100_048_384 + 44_044_288),
        ({"tie_word_embeddings": True}, 1_100_048_384 - 65_536_000),
        ({"num_key_value_heads": 32}, 1_100_048_384 + 22 * 2 * 2048 * (2048 - 256)),
        ({"intermediate_size": 5633}, 1_100_048_384 + 22 * 3 * 2048),
        ({"vocab_size": 32001}, 1_100_048_384 + 2 * 2048),
        ({"norm": "layernorm"}, 1_100_048_384 + 45 * 2048),  # 2 × 22 + 1 norms get a bias each
        ({"hidden_act": "gelu"}, 1_100_048_384),
        ({"max_position_embeddings": 8192}, 1_100_048_384),
    ],
)
def test_one_change_to_tinyllama(changes, parameters):
    plan = turned(TINYLLAMA, **changes)
    assert plan.parameters == parameters
    if "norm" not in changes:
        assert closed_form.count(plan.config) == parameters


@pytest.mark.parametrize("name", presets.presets())
def test_any_family_can_be_cut_in_half(name):
    """The common name of a field works, whatever the family itself calls it."""
    plan = plan_of(name)
    layers = max(plan.shape.layers // 2, 4)
    changes = {"num_hidden_layers": layers}
    if what_if.knobs(plan)["intermediate_size"] is not None:
        changes["intermediate_size"] = plan.shape.feed_forward // 2
    new = turned(name, **changes)
    assert new.shape.layers == layers and new.parameters < plan.parameters
    assert closed_form.count(new.config) == new.parameters or "n_inner" in new.config
    if "intermediate_size" in changes:
        assert new.shape.feed_forward == plan.shape.feed_forward // 2


def test_knobs_tell_what_is_now():
    assert what_if.knobs(plan_of(TINYLLAMA)) == {
        "num_hidden_layers": 22, "hidden_size": 2048, "num_attention_heads": 32, "num_key_value_heads": 4,
        "intermediate_size": 5632, "vocab_size": 32000, "max_position_embeddings": 2048,
        "tie_word_embeddings": False, "hidden_act": "silu", "norm": "rmsnorm",
    }  # fmt: skip
    gpt2 = what_if.knobs(plan_of("openai-community/gpt2"))
    assert gpt2["num_key_value_heads"] is None and gpt2["norm"] == "layernorm" and gpt2["intermediate_size"]


def test_the_impossible_is_refused_with_its_numbers():
    error = refused(TINYLLAMA, num_attention_heads=48)
    assert error.key == "errors.hidden_not_divisible" and error.values["near"] == 32
    assert error.values["hidden"] == 2048 and error.values["heads"] == 48
    error = refused(TINYLLAMA, num_key_value_heads=5)
    assert error.key == "errors.kv_heads_not_divisible" and error.values["choices"] == "1, 2, 4, 8, 16, 32"
    assert refused(TINYLLAMA, num_key_value_heads=64).key == "errors.kv_heads_not_divisible"
    assert refused(TINYLLAMA, hidden_size=96).key == "errors.head_dim_odd"  # 96 ÷ 32 = 3
    assert refused("openai-community/gpt2", num_key_value_heads=2).key == "errors.change_not_here"
    assert refused("bigscience/bloom-560m", intermediate_size=7).key == "errors.change_not_here"
    assert refused("EleutherAI/gpt-j-6b", num_attention_heads=128).key == "errors.rotary_too_wide"
    assert refused("mistralai/Mixtral-8x7B-v0.1", num_local_experts=1).key == "errors.experts_too_few"
    assert refused(TINYLLAMA, wings=2).key == "errors.change_unknown"
    assert refused(TINYLLAMA, norm="batchnorm").key == "errors.change_choice"
    assert refused(TINYLLAMA, tie_word_embeddings=1).key == "errors.not_a_switch"


@pytest.mark.parametrize("value", [0, -1, 2.5, "12", True, None, [1], 1e9])
def test_sizes_are_whole_numbers(value):
    assert refused(TINYLLAMA, num_hidden_layers=value).key == "errors.config_size"


def test_what_belongs_together_moves_together():
    phi = "microsoft/Phi-3-mini-4k-instruct"  # as many KV heads as heads, and nobody asked for fewer
    assert turned(phi, num_attention_heads=16).shape.kv_heads == 16
    assert turned("openai/gpt-oss-20b", num_hidden_layers=5).config["layer_types"] == [
        "sliding_attention", "full_attention", "sliding_attention", "full_attention", "sliding_attention",
    ]  # fmt: skip
    assert turned("google/flan-t5-small", num_hidden_layers=2).config["num_decoder_layers"] == 2
    assert turned("facebook/galactica-1.3b", hidden_size=1024).shape.hidden == 1024
    assert turned("microsoft/deberta-v3-base", hidden_size=384).shape.hidden == 384


def test_differences_name_what_only_one_has():
    told = what_if.differences({"a": 1, "b": 2}, {"b": 3, "c": 4})
    assert told == [("a", 1, None), ("b", 2, 3), ("c", None, 4)]


@pytest.mark.parametrize(
    ("name", "changes"),
    [(TINYLLAMA, {}), (TINYLLAMA, {"norm": "layernorm", "num_hidden_layers": 2, "vocab_size": 100}),
     ("openai-community/gpt2", {"norm": "rmsnorm"}), ("deepseek-ai/DeepSeek-V3", {}),
     ("openai/gpt-oss-20b", {"num_hidden_layers": 2}), ("google-bert/bert-base-uncased", {})],
)  # fmt: skip
def test_the_code_makes_the_same_model(name, changes):
    plan = turned(name, **changes)
    written = what_if.code(plan)
    scope: dict = {"print": lambda count: scope.update(said=count)}
    with torch.device("meta"):
        exec(written, scope)
    assert scope["said"] == plan.parameters
    assert type(scope["model"]).__name__ == plan.kind and f"{plan.parameters:_}" in written
