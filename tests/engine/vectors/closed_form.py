"""A reference for the counts: how many parameters a config makes, by arithmetic alone, without any library.

It knows the families below and is exact there; a test holds it against the skeleton for every preset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Config = Mapping[str, int]  # what is no number is asked for as text


def count(config: Mapping[str, Any]) -> int | None:
    """Unique parameters of a config.json, or None for a family that is not known here."""
    family = FAMILIES.get(str(config.get("model_type")))
    return family(config) if family else None


def _linear(inputs: int, outputs: int, bias: bool = False) -> int:
    return inputs * outputs + (outputs if bias else 0)


def _heads(c: Config) -> tuple[int, int, int]:
    heads = c["num_attention_heads"]
    return heads, c.get("num_key_value_heads") or heads, c.get("head_dim") or c["hidden_size"] // heads


def _attention(c: Config, *, qkv_bias: bool = False, o_bias: bool = False) -> int:
    """Q, K, V and O with grouped queries (Ainslie et al. 2023)."""
    h = c["hidden_size"]
    heads, kv, d = _heads(c)
    return _linear(h, heads * d, qkv_bias) + 2 * _linear(h, kv * d, qkv_bias) + _linear(heads * d, h, o_bias)


def _gated(h: int, inner: int) -> int:
    """Gate, up and down: SwiGLU and GeGLU (Shazeer 2020)."""
    return 3 * h * inner


def _around(c: Config, layer: int, norm: int, tied: bool, *, positions: int = 0) -> int:
    """Embeddings, the layers, a last norm and the head."""
    table = c["vocab_size"] * c["hidden_size"]
    return table * (1 if c.get("tie_word_embeddings", tied) else 2) + positions + norm + layer * _layers(c)


def _layers(c: Config) -> int:
    return int(c.get("num_hidden_layers") or c["n_layer"])


def _llama(c: Config) -> int:
    h, bias = c["hidden_size"], bool(c.get("attention_bias"))
    layer = _attention(c, qkv_bias=bias, o_bias=bias) + _gated(h, c["intermediate_size"]) + 2 * h
    return _around(c, layer, h, False)


def _qwen2(c: Config) -> int:
    h = c["hidden_size"]
    layer = _attention(c, qkv_bias=True) + _gated(h, c["intermediate_size"]) + 2 * h
    return _around(c, layer, h, False)


def _qwen3(c: Config) -> int:
    h, (_, _, d) = c["hidden_size"], _heads(c)
    layer = _attention(c) + 2 * d + _gated(h, c["intermediate_size"]) + 2 * h
    return _around(c, layer, h, False)


def _qwen3_moe(c: Config) -> int:
    h, (_, _, d), experts = c["hidden_size"], _heads(c), c["num_experts"]
    moe = experts * _gated(h, c["moe_intermediate_size"]) + experts * h
    return _around(c, _attention(c) + 2 * d + moe + 2 * h, h, False)


def _gemma(c: Config) -> int:
    h = c["hidden_size"]
    return _around(c, _attention(c) + _gated(h, c["intermediate_size"]) + 2 * h, h, True)


def _gemma2(c: Config) -> int:
    h = c["hidden_size"]
    return _around(c, _attention(c) + _gated(h, c["intermediate_size"]) + 4 * h, h, True)


def _gemma3(c: Config) -> int:
    h, (_, _, d) = c["hidden_size"], _heads(c)
    return _around(c, _attention(c) + 2 * d + _gated(h, c["intermediate_size"]) + 4 * h, h, True)


def _olmo2(c: Config) -> int:
    h, (heads, kv, d) = c["hidden_size"], _heads(c)
    layer = _attention(c) + (heads + kv) * d + _gated(h, c["intermediate_size"]) + 2 * h
    return _around(c, layer, h, False)


def _starcoder2(c: Config) -> int:
    h, inner, bias = c["hidden_size"], c["intermediate_size"], bool(c.get("use_bias", True))
    mlp = _linear(h, inner, bias) + _linear(inner, h, bias)
    return _around(c, _attention(c, qkv_bias=bias, o_bias=bias) + mlp + 4 * h, 2 * h, True)


def _mixtral(c: Config) -> int:
    h, experts = c["hidden_size"], c["num_local_experts"]
    moe = experts * _gated(h, c["intermediate_size"]) + experts * h
    return _around(c, _attention(c) + moe + 2 * h, h, False)


def _gpt_oss(c: Config) -> int:
    h, inner, experts = c["hidden_size"], c["intermediate_size"], c["num_local_experts"]
    each = _linear(h, 2 * inner, True) + _linear(inner, h, True)
    attention = _attention(c, qkv_bias=True, o_bias=True) + c["num_attention_heads"]  # a sink for each head
    return _around(c, attention + experts * each + _linear(h, experts, True) + 2 * h, h, False)


def _deepseek(c: Config) -> int:
    """Multi-head latent attention and shared experts (DeepSeek-V2, 2024)."""
    h, heads, rank = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"]
    nope, rope, value = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
    query = c.get("q_lora_rank", 1536)  # the architecture's default where it is not named
    wide = heads * (nope + rope)
    attention = h * wide if query is None else h * query + query + query * wide
    attention += h * (rank + rope) + rank + rank * heads * (nope + value) + heads * value * h
    inner, experts = c["moe_intermediate_size"], c["n_routed_experts"]
    moe = (experts + c["n_shared_experts"]) * _gated(h, inner) + experts * h
    dense = c["first_k_dense_replace"]
    layers = _layers(c)
    feed_forward = dense * _gated(h, c["intermediate_size"]) + (layers - dense) * moe
    return _around(c, attention + 2 * h, h, False) + feed_forward


def _gpt2(c: Config) -> int:
    h = c["n_embd"]
    inner = c.get("n_inner") or 4 * h
    layer = _linear(h, 3 * h, True) + _linear(h, h, True) + _linear(h, inner, True) + _linear(inner, h, True)
    return (c["vocab_size"] + c["n_positions"]) * h + 2 * h + _layers(c) * (layer + 4 * h)


def _gptj(c: Config) -> int:
    h = c["n_embd"]
    inner = c.get("n_inner") or 4 * h
    layer = 4 * h * h + _linear(h, inner, True) + _linear(inner, h, True) + 2 * h
    return c["vocab_size"] * h + _linear(h, c["vocab_size"], True) + 2 * h + _layers(c) * layer


def _neox(c: Config) -> int:
    h, inner = c["hidden_size"], c["intermediate_size"]
    layer = _linear(h, 3 * h, True) + _linear(h, h, True) + _linear(h, inner, True) + _linear(inner, h, True)
    return _around(c, layer + 4 * h, 2 * h, False)


def _bloom(c: Config) -> int:
    h = c.get("hidden_size") or c["n_embed"]
    layer = _linear(h, 3 * h, True) + _linear(h, h, True) + _linear(h, 4 * h, True) + _linear(4 * h, h, True)
    return c["vocab_size"] * h + 4 * h + _layers(c) * (layer + 4 * h)


def _falcon(c: Config) -> int:
    h, heads = c["hidden_size"], c["num_attention_heads"]
    new = c.get("new_decoder_architecture")
    kv = c.get("num_kv_heads", heads) if new else 1 if c.get("multi_query", True) else heads
    inner = c.get("ffn_hidden_size") or 4 * h
    layer = h * (heads + 2 * kv) * (h // heads) + h * h + 2 * h * inner + (4 if new else 2) * h
    return c["vocab_size"] * h + 2 * h + _layers(c) * layer


def _opt(c: Config) -> int:
    h, inner = c["hidden_size"], c["ffn_dim"]
    bias, affine = bool(c.get("enable_bias", True)), c.get("layer_norm_elementwise_affine", True)
    norm = 2 * h if affine else 0
    layer = 4 * _linear(h, h, bias) + _linear(h, inner, bias) + _linear(inner, h, bias) + 2 * norm
    return (c["vocab_size"] + c["max_position_embeddings"] + 2) * h + norm + _layers(c) * layer


def _encoder(h: int, inner: int) -> int:
    """BERT's layer (Devlin et al. 2018): four projections, two feed-forward layers, two norms, biases all."""
    return 4 * _linear(h, h, True) + _linear(h, inner, True) + _linear(inner, h, True) + 4 * h


def _bert(c: Config) -> int:
    h, tables = c["hidden_size"], c["vocab_size"] + c["max_position_embeddings"] + c.get("type_vocab_size", 2)
    layers = c["num_hidden_layers"] * _encoder(h, c["intermediate_size"])
    return tables * h + 2 * h + layers + _linear(h, h, True)  # the last is the pooler


def _distilbert(c: Config) -> int:
    h = c["dim"]
    return (c["vocab_size"] + c["max_position_embeddings"] + 2) * h + c["n_layers"] * _encoder(
        h, c["hidden_dim"]
    )


def _mpnet(c: Config) -> int:
    h = c["hidden_size"]
    tables = (c["vocab_size"] + c["max_position_embeddings"]) * h + 2 * h
    bias = c["relative_attention_num_buckets"] * c["num_attention_heads"]
    return tables + bias + c["num_hidden_layers"] * _encoder(h, c["intermediate_size"]) + _linear(h, h, True)


def _deberta(c: Config) -> int:
    h = c["hidden_size"]
    around = c["vocab_size"] * h + 2 * h + 2 * c["position_buckets"] * h + 2 * h
    return around + c["num_hidden_layers"] * _encoder(h, c["intermediate_size"])


def _t5(c: Config) -> int:
    """Raffel et al. 2020; version 1.1 and Flan-T5 gate the feed-forward layer and untie the head."""
    h, wide, inner = c["d_model"], c["num_heads"] * c["d_kv"], c["d_ff"]
    attention = 4 * h * wide + h
    mlp = (3 if "gated" in str(c.get("feed_forward_proj")) else 2) * h * inner + h
    encoder = c["num_layers"] * (attention + mlp)
    decoder = (c.get("num_decoder_layers") or c["num_layers"]) * (2 * attention + mlp)
    bias = 2 * c["relative_attention_num_buckets"] * c["num_heads"]
    table = c["vocab_size"] * h
    return table * (2 if c.get("tie_word_embeddings") is False else 1) + encoder + decoder + bias + 2 * h


FAMILIES: dict[str, Callable[[Config], int]] = {
    "llama": _llama, "mistral": _llama, "phi3": _llama, "qwen2": _qwen2, "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe, "gemma": _gemma, "gemma2": _gemma2, "gemma3_text": _gemma3, "olmo2": _olmo2,
    "starcoder2": _starcoder2, "mixtral": _mixtral, "gpt_oss": _gpt_oss, "deepseek_v2": _deepseek,
    "deepseek_v3": _deepseek, "gpt2": _gpt2, "gptj": _gptj, "gpt_neox": _neox, "bloom": _bloom,
    "falcon": _falcon, "opt": _opt, "bert": _bert, "distilbert": _distilbert, "mpnet": _mpnet,
    "deberta-v2": _deberta, "t5": _t5,
}  # fmt: skip
