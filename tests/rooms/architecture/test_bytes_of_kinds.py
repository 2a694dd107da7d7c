"""Bytes: what is told of a config against tiny models that the app's own loader has loaded, kind by kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from playground.engine.generation import compat
from playground.models import weights
from playground.models.cache import Key, ModelCache
from playground.models.catalog import CAUSAL, ModelCard
from playground.models.loaders import TransformersLoader, causal, skeletons
from playground.rooms.architecture import memory
from playground.rooms.architecture.plan import Architecture, read
from tests.models import saved
from tests.rooms.architecture.shrunk import tiny

# Parameters or buffers that keep a format of their own, tied heads, convolutions, latents, states.
FIRST = ("jamba", "deepseek_v3", "gpt_oss", "mamba2", "gemma4_text", "xglm", "recurrent_gemma", "kimi_linear",
         "dbrx", "gpt2", "falcon", "hy_v4")  # fmt: skip
MORE = (
    "afmoe", "apertus", "arcee", "aria_text", "axk1", "bailing_hybrid", "bamba", "bloom", "codegen", "cohere",
    "cohere2", "deepseek_v2", "deepseek_v32", "dots1", "ernie4_5", "ernie4_5_moe", "exaone_moe", "falcon_h1",
    "flint", "gemma", "gemma2", "gemma3_text", "glm", "glm4", "glm4_moe", "glm_moe_dsa", "gpt_bigcode",
    "gpt_neo", "gpt_neox", "gptj", "granite", "granitemoe", "helium", "hunyuan_v1_moe", "hy_v3", "jetmoe",
    "lfm2", "lfm2_moe", "llama", "llama4_text", "longcat_flash", "mamba", "mimo_v2_flash", "minicpm3",
    "ministral", "mistral", "mixtral", "mpt", "nemotron", "nemotron_h", "olmo2", "olmoe", "openai-gpt", "opt",
    "persimmon", "phi", "phi3", "phimoe", "prophetnet", "qwen2", "qwen2_moe", "qwen3", "qwen3_5_moe_text",
    "qwen3_moe", "qwen3_next", "smollm3", "solar_open", "stablelm", "starcoder2", "xlnet", "zaya",
)  # fmt: skip
TOKENS = 12


def planned(config: dict) -> Architecture:
    model = skeletons.build(config)
    return read("own", model, model.config, config)


@pytest.mark.parametrize("kind", [*FIRST, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE)])
def test_told_is_loaded(kind, tmp_path, one_thread):
    """To the byte in both formats, as the plan tells it and as the cache of models makes room for it."""
    config = tiny(kind)
    torch.manual_seed(0)
    skeletons.real(config).save_pretrained(tmp_path)
    saved.tokenizer().save_pretrained(tmp_path)
    plan, card = planned(config), ModelCard(kind, "folder", str(tmp_path), CAUSAL)
    for dtype in ("bfloat16", "float32"):
        cache = ModelCache(2**30, TransformersLoader(offline=True))
        key = Key(card.source, card.where, "", "causal", "cpu", dtype, "")
        with cache.lease(card, "causal", dtype=dtype) as loaded:
            measured = weights.measured(loaded.model)
            assert memory.weights(plan, dtype).total == measured, dtype
            assert causal.estimate(card, tmp_path, key) == measured, dtype
    assert memory.cache_bytes(plan, TOKENS) in (None, kept(loaded.model) * memory.CACHE_WIDTH)


def kept(model) -> int:
    """Numbers in the keys and values (and an indexer's keys) of transformers' cache, after a real pass."""
    if compat.cache_name(model) is None:
        return 0
    past = compat.new_cache(model)
    with torch.no_grad():
        model(input_ids=torch.arange(TOKENS)[None] + 3, **compat.with_cache(model, past))
    found = 0
    for layer in past.layers:
        held = (getattr(layer, name, None) for name in ("keys", "values", "indexer_keys"))
        found += sum(tensor.numel() for tensor in held if tensor is not None)
    return found


def test_at_least_forty_kinds_are_loaded():
    assert len({*FIRST, *MORE}) >= 40


JAMBA = {
    "architectures": ["JambaForCausalLM"], "model_type": "jamba", "hidden_size": 64, "intermediate_size": 128,
    "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512,
    "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
    "num_experts": 4, "num_experts_per_tok": 2, "mamba_d_state": 16, "mamba_dt_rank": 8,
    "tie_word_embeddings": False,
}  # fmt: skip
DEEPSEEK = {
    "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 512, "moe_intermediate_size": 32, "n_routed_experts": 4, "num_experts_per_tok": 2,
    "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "kv_lora_rank": 16, "q_lora_rank": 32,
    "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16, "n_shared_experts": 1,
}  # fmt: skip


def loaded_bytes(folder: Path, config: dict, dtype: torch.dtype) -> tuple[int, int]:
    """Bytes as loaded, and of these, of parameters that stayed in float32."""
    import transformers

    skeletons.real(config).save_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    wide = sum(4 * p.numel() for p in model.parameters() if p.dtype == torch.float32)
    return weights.measured(model), wide


def test_jamba_and_deepseek_in_bytes(tmp_path):
    """Jamba's ``A_log`` is made of whole numbers and follows the format; DeepSeek's routers stay in float32
    where the library says so (transformers 5.24 does, 5.23 does not)."""
    assert memory.in_bytes(planned(JAMBA))["bfloat16"] == 808_736
    assert loaded_bytes(tmp_path / "jamba", JAMBA, torch.bfloat16) == (808_736, 0)
    measured, wide = loaded_bytes(tmp_path / "deepseek", DEEPSEEK, torch.bfloat16)
    assert memory.in_bytes(planned(DEEPSEEK))["bfloat16"] == measured
    assert (measured, wide) in ((471_632, 3 * 4 * 4 * 64), (470_096, 0))
    routers = [
        name for name, p in skeletons.build(DEEPSEEK).named_parameters() if name.endswith("gate.weight")
    ]
    assert len(routers) == 3


def test_what_only_float16_keeps_counts_in_int8_alone(tmp_path):
    """`_keep_in_fp32_modules`: T5's ``wo``. int8 is loaded in float16, so what it does not quantize is."""
    config = tiny("gpt_oss")
    plan = planned(config)
    norms = sum(node.half * node.repeat for _, node in plan.rows())
    found = {name: memory.weights(plan, name) for name in ("bfloat16", "int8")}
    if norms:  # GPT-OSS names its norms so
        assert found["int8"].other - found["bfloat16"].other == 4 * norms
    model = skeletons.build(config)
    assert norms == sum(
        p.numel() for p in model.parameters() if id(p) in weights.kept(model, "float16")
    ) - sum(p.numel() for p in model.parameters() if id(p) in weights.kept(model, "bfloat16"))
    assert json.loads(json.dumps(config))["model_type"] == "gpt_oss"
