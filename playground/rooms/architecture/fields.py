"""What the fields of a config.json mean: many names, one meaning; the key of its words."""

from __future__ import annotations

# The key of the words → the other names of the same thing.
ALSO: dict[str, tuple[str, ...]] = {
    "hidden_size": ("n_embd", "d_model", "dim", "n_embed"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("n_head", "n_heads", "num_heads"),
    "num_key_value_heads": ("num_kv_heads",),
    "intermediate_size": ("n_inner", "d_ff", "ffn_dim", "hidden_dim", "ffn_hidden_size"),
    "max_position_embeddings": ("n_positions", "n_ctx", "seq_length"),
    "hidden_act": ("hidden_activation", "activation_function", "activation", "pooler_hidden_act"),
    "rms_norm_eps": ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"),
    "rope_theta": ("rotary_emb_base",),
    "rotary_pct": ("rotary_dim", "partial_rotary_factor"),
    "rope_scaling": ("rope_parameters",),
    "sliding_window": ("sliding_window_size",),
    "attention_sink_size": ("prefill_chunk_size", "is_llama_config", "transformers.js_config"),
    "use_bias": ("bias", "enable_bias"),
    "attention_dropout": ("attn_pdrop", "attention_probs_dropout_prob"),
    "hidden_dropout": (
        "embd_pdrop", "resid_pdrop", "dropout", "dropout_rate", "hidden_dropout_prob", "pooler_dropout",
        "embedding_dropout", "residual_dropout",
    ),
    "num_local_experts": ("num_experts", "n_routed_experts"),
    "moe_layer_freq": ("decoder_sparse_step",),
    "parallel_attn": ("use_parallel_residual",),
    "relative_attention_num_buckets": ("position_buckets",),
    "relative_attention_max_distance": ("max_relative_positions",),
    "bos_token_id": ("eos_token_id", "pad_token_id", "decoder_start_token_id"),
    "torch_dtype": ("dtype",),
    "summary_type": (
        "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_use_proj",
    ),
    "transformers_version": ("_name_or_path",),
}  # fmt: skip
_KEYS = {other: key for key, others in ALSO.items() for other in others}


def field(name: str, known: frozenset[str] | set[str]) -> str:
    """The key of a field's words, ``unknown`` where there are none.

    Args:
        known: the keys that have words.
    """
    key = _KEYS.get(name, name)
    return key if key in known else "unknown"
