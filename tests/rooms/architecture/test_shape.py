"""What a configuration tells: caches layer by layer, what writes, and no number that no weight has."""

from __future__ import annotations

import pytest
import torch

from playground.engine.generation import compat
from playground.models.loaders import skeletons
from playground.rooms.architecture import memory, view, view_memory
from tests.rooms.architecture.plans import built
from tests.rooms.architecture.shrunk import tiny

TEXT = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 300, "sliding_window": 8, "pad_token_id": 0,
        "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
SIGHT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
         "image_size": 28, "patch_size": 14}  # fmt: skip


def sees(kind: str, text: str, sight: str, name: str = "ForConditionalGeneration") -> dict:
    """A model of text and pictures, as its config.json would be pasted."""
    return {
        "model_type": kind, "architectures": [name], "text_config": {"model_type": text, **TEXT},
        "vision_config": {"model_type": sight, **SIGHT}, "image_token_index": 299, "mm_tokens_per_image": 4,
    }  # fmt: skip


SEEING = {
    "llava": sees("llava", "llama", "clip_vision_model", "LlavaForConditionalGeneration"),
    "gemma3": sees("gemma3", "gemma3_text", "siglip_vision_model", "Gemma3ForConditionalGeneration"),
    "llava_onevision": sees("llava_onevision", "qwen2", "siglip_vision_model",
                            "LlavaOnevisionForConditionalGeneration"),
    "internvl": sees("internvl", "qwen2", "internvl_vision", "InternVLForConditionalGeneration"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SEEING)
def test_a_model_of_pictures_and_text_keeps_a_cache(kind, one_thread):
    """Its class ends in no ``ForCausalLM``; it has an output head over a causal model of text."""
    plan = built(SEEING[kind])
    assert plan.kind == SEEING[kind]["architectures"][0] and plan.shape.writes
    assert memory.cache_per_token(plan) == 4 * 2 * 2 * 16 * 2
    model = skeletons.real(SEEING[kind])
    past = compat.new_cache(model)
    with torch.no_grad():
        model(input_ids=torch.arange(16)[None] + 3, **compat.with_cache(model, past))
    held = sum(t.numel() for layer in past.layers for t in (layer.keys, layer.values))
    assert memory.cache_bytes(plan, 16) == 2 * held
    assert "writes no text" not in view_memory.cache(plan, 16, 1, "en")


def test_gemma_3_4b_as_published():
    text = {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
            "num_hidden_layers": 34, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
            "sliding_window": 1024, "vocab_size": 262208}  # fmt: skip
    plan = built({"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"],
                  "text_config": text})  # fmt: skip
    assert memory.cache_per_token(plan) == 34 * 2 * 4 * 256 * 2 == 139_264


@pytest.mark.parametrize("name", ["BertModel", "BertForMaskedLM", "BertForSequenceClassification"])
def test_an_encoder_writes_no_text(name):
    plan = built({"model_type": "bert", "architectures": [name], "num_hidden_layers": 1})
    assert not plan.shape.writes and memory.cache_bytes(plan, 16) == 0
    assert "writes no text" in view_memory.cache(plan, 16, 1, "en")


@pytest.mark.parametrize(("kind", "words"), [
    ("mamba", "state of fixed size"), ("mamba2", "state of fixed size"), ("openai-gpt", "without a KV cache"),
    ("rwkv", "does not say what it keeps"), ("xlnet", "does not say what it keeps"),
])  # fmt: skip
def test_what_writes_without_keys_and_values_is_told_so(kind, words):
    plan = built(tiny(kind) if kind not in ("xlnet", "mamba") else {"model_type": kind})
    assert plan.shape.writes
    assert memory.cache_bytes(plan, 16) == (None if "say" in words else 0)
    assert words in view_memory.cache(plan, 16, 1, "en")
    assert view_memory.fits(plan, 16, 1, 2**33, "en")


def test_layers_that_differ_are_counted_each():
    """Gemma 4: every sixth layer sees all tokens, and has heads twice as wide."""
    plan = built({"model_type": "gemma4_text", "architectures": ["Gemma4ForCausalLM"]})
    assert plan.parameters == 5_077_177_856
    wide = {(run.window, run.heads, run.key) for run in plan.shape.cache}
    assert wide == {(512, 4, 256), (0, 4, 512)}
    layers = {run.window: 0 for run in plan.shape.cache}
    for run in plan.shape.cache:
        layers[run.window] += run.layers
    assert sum(layers.values()) == 30
    numbers = {512: 2 * 4 * 256, 0: 2 * 4 * 512}
    assert memory.cache_per_token(plan) == 2 * sum(layers[w] * numbers[w] for w in layers)
    kept = {512: 511, 0: 4096}
    assert memory.cache_bytes(plan, 4096) == 2 * sum(layers[w] * numbers[w] * kept[w] for w in layers)
    shown = view_memory.cache(plan, 4096, 1, "en")
    assert "2 × 4 × 256 × 25 + 2 × 4 × 512 × 5" in shown and "not all alike" in shown


@pytest.mark.parametrize("kind", ["gemma4", "gemma4_unified_text", "dots3_note", "embedding_gemma2_text"])
def test_other_configs_whose_fields_differ_by_layer(kind):
    plan = built({"model_type": kind})
    assert plan.parameters > 0 and plan.shape.heads and plan.shape.head_dim and view.overview(plan, "en")


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"model_type": "mamba2"}, 0), ({"model_type": "mamba"}, 0), ({"model_type": "gpt2"}, 3072),
        ({"model_type": "bloom", "hidden_size": 64, "n_head": 4}, 256), ({"model_type": "rwkv"}, 0),
        ({"model_type": "mixtral"}, 14336), ({"model_type": "deepseek_v3"}, 18432),
        # All of its layers are mixtures: the 6,144 that its config names is no layer's.
        ({"model_type": "qwen3_moe", "moe_intermediate_size": 768, "intermediate_size": 6144}, 768),
    ],
)  # fmt: skip
def test_a_feed_forward_size_is_one_that_a_weight_has(config, size):
    plan = built(config)
    assert plan.shape.feed_forward == size
    assert ("feed-forward size" in view.overview(plan, "en")) == bool(size)
