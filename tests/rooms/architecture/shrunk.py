"""Tiny models of any architecture that transformers knows: its own defaults, every size made small."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import CONFIG_MAPPING

SIZES: dict[str, int] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "embedding_size", "word_embed_proj_dim"), 64),
    **dict.fromkeys(("intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim", "ffn_hidden_size",
                     "encoder_ffn_dim", "decoder_ffn_dim", "moe_intermediate_size", "expert_ffn_hidden_size",
                     "shared_expert_intermediate_size", "shared_intermediate_size", "mlp_hidden_size",
                     "intermediate_size_mlp", "moe_shared_expert_intermediate_size"), 128),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers",
                     "num_encoder_layers", "decoder_layers", "num_decoder_layers"), 4),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads",
                     "decoder_attention_heads", "linear_num_key_heads", "linear_num_value_heads"), 4),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads", "kv_n_heads"), 2),
    **dict.fromkeys(("head_dim", "dim_head", "d_kv", "qk_nope_head_dim", "v_head_dim", "linear_key_head_dim",
                     "linear_value_head_dim"), 16),
    **dict.fromkeys(("num_experts_per_tok", "num_experts_per_token", "moe_top_k",
                     "top_k_experts", "moe_topk", "moe_k"), 2),
    "vocab_size_per_layer_input": 512, "hidden_size_per_layer_input": 16,
    "qk_rope_head_dim": 16, "qk_head_dim": 32, "kv_lora_rank": 16, "q_lora_rank": 32, "vocab_size": 512,
    "num_experts": 8, "num_local_experts": 8, "n_routed_experts": 8, "moe_num_experts": 8,
    "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "rotary_dim": 8, "sliding_window": 8,
}  # fmt: skip


# What the common sizes do not fit, by ``model_type``.
MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_expand": 2}
FITS: dict[str, dict[str, Any]] = {
    "bamba": {**MAMBA, "attn_layer_indices": [1, 3]}, "granitemoehybrid": MAMBA,
    "xlnet": {"d_head": 16, "d_inner": 128}, "flex_olmo": {"num_experts": 8},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2,
              "expert_layer_offset": 1},
    "mamba2": {"num_heads": 8, "head_dim": 16, "n_groups": 1},
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 10_000.0, "clip_qkv": 8},
             "ffn_config": {"ffn_hidden_size": 128, "moe_num_experts": 8, "moe_top_k": 2,
                            "hidden_size": 64, "ffn_act_fn": {"name": "silu"}}},
    "deepseek_v2": {"num_experts_per_tok": 2, "topk_method": "greedy"},
    "dots1": {"n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "ministral": {"head_dim": 16}, "hunyuan_v1_dense": {"head_dim": 16},
    "nemotron": {"num_key_value_heads": 2},
    "hunyuan_v1_moe": {"head_dim": 16, "moe_topk": 2, "num_experts": 8},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv", "full_attention"], "num_dense_layers": 2},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "attention_layers": ["global", "local"] * 2},
    "gemma3n_text": {"intermediate_size": [128] * 4, "activation_sparsity_pattern": [0.0] * 4,
                     "num_kv_shared_layers": 2, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "gemma4_text": {"per_layer_config": {"1": {"head_dim": 32}, "3": {"head_dim": 32}},
                    "layer_types": ["sliding_attention", "full_attention"] * 2, "num_kv_shared_layers": 0},
    "kimi_linear": {"layer_types": ["linear_attention", "full_attention"] * 2},
    "bailing_hybrid": {"layer_types": ["linear_attention", "full_attention"] * 2, "num_expert_group": 4},
}  # fmt: skip


def tiny(kind: str, **changes: Any) -> dict[str, Any]:
    """A config.json of an architecture, small enough to be run.

    Args:
        kind: its ``model_type``.
        changes: fields that the common sizes do not fit.
    """
    if kind not in CONFIG_MAPPING:
        pytest.skip(f"this transformers does not know {kind} yet")
    config = _small(CONFIG_MAPPING[kind]().to_dict())
    for name in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"):
        if config.get(name) is not None:
            config[name] = 1
    if config.get("kv_lora_rank"):
        config["num_key_value_heads"] = config["num_attention_heads"]
    return {**config, **FITS.get(kind, {}), **changes, "model_type": kind}


def _small(config: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name, value in config.items():
        if isinstance(value, dict) and name.endswith("config"):
            value = _small(value)
        elif type(value) is int and name in SIZES:
            value = min(value, SIZES[name]) if name not in ("first_k_dense_replace",) else SIZES[name]
        elif isinstance(value, list) and name in ("layer_types", "mlp_layer_types"):
            value = value[:4]
        made[name] = value
    return made
