"""Tiny causal models with random weights, of many architectures: no files, no network."""

from __future__ import annotations

from typing import Any

from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from tests.small_models import byte_level

SHAPE: dict[str, Any] = {
    "vocab_size": 400, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
GPT2: dict[str, Any] = {
    "vocab_size": 400, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
WINDOWED = {"sliding_window": 8}
LOOSE = {"tie_word_embeddings": False}  # tied ones of random weights repeat the last token for ever
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", SHAPE),
    "gpt2": ("GPT2", GPT2),
    "qwen2": ("Qwen2", SHAPE),
    "qwen3": ("Qwen3", SHAPE | {"head_dim": 8}),
    "phi3": ("Phi3", SHAPE),
    "gemma": ("Gemma", SHAPE | LOOSE | {"head_dim": 8}),
    "mistral": ("Mistral", SHAPE | WINDOWED),
    "gemma2": ("Gemma2", SHAPE | WINDOWED | LOOSE | {"head_dim": 8}),
    "gemma3": ("Gemma3Text", SHAPE | WINDOWED | {"head_dim": 8, "layer_types": [
        "sliding_attention", "full_attention", "sliding_attention"]}),
    "opt": ("OPT", {**SHAPE, "ffn_dim": 64, "word_embed_proj_dim": 32}),
    "bloom": ("Bloom", {"vocab_size": 400, "hidden_size": 32, "n_layer": 3, "n_head": 4, **LOOSE,
                        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}),
    "neox": ("GPTNeoX", SHAPE),
    "mixtral": ("Mixtral", SHAPE | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "gpt1": ("OpenAIGPT", GPT2),  # has no cache at all
    "mamba": ("Mamba", {"vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 3, "state_size": 4,
                        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}),
    "lfm2": ("Lfm2", SHAPE | {"layer_types": ["conv", "full_attention", "conv"]}),  # a hybrid
}  # fmt: skip


def model_of(kind: str, seed: int = 0, spread: float = 6.0, **changes: Any) -> Any:
    """A model whose probabilities are neither flat nor certain.

    Args:
        spread: how much larger its weights are than the library's.
    """
    import torch
    import transformers

    name, shape = KINDS[kind]
    config = getattr(transformers, f"{name}Config")(**(shape | changes))
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter *= spread
    model.generation_config.eos_token_id = None
    return model


def llama(**changes: Any) -> Any:
    """The plainest one, as large as asked for, weights as the library draws them."""
    return model_of("llama", spread=1.0, **changes)


def loaded_of(model: Any, tokenizer: Any = None, name: str = "tiny") -> Loaded:
    """As a lease gives it."""
    return Loaded(ModelCard(name, "folder", ""), tokenizer or byte_level(), model)
