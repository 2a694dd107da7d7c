"""What a GGUF file's metadata says of the model's shape, as the config.json that transformers would read.

The names are transformers' own tables (``GGUF_CONFIG_MAPPING``); values come from our header, which is read
without trust, and are checked like those of any config.json.
"""

from __future__ import annotations

import importlib
from typing import Any

from playground.models.gguf.header import Header, Listed

# Where llama.cpp has another name for a kind than transformers.
RENAMED = {
    "qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "gpt-oss": "gpt_oss", "minimax-m2": "minimax_m2",
    "lfm2moe": "lfm2_moe",
}  # fmt: skip
# Of these a file holds the language part alone.
TEXT_ONLY = {"gemma3": "gemma3_text", "gemma4": "gemma4_text"}
ALWAYS_TIED = ("falcon", "bloom")


def config(header: Header) -> dict[str, Any] | None:
    """The content of a config.json; None for an architecture of which transformers has no such table."""
    tables = importlib.import_module("transformers.integrations.ggml")
    newer = _newer()
    said = header.architecture
    names = tuple(tensor.name for tensor in header.tensors)
    if newer is not None and said in newer.GGUF_CONFIG_ARCHS:
        plain = {
            key: (value.count if key.startswith("tokenizer.") else list(value.first))
            if isinstance(value, Listed)
            else value
            for key, value in header.metadata.items()
        }
        found: dict[str, Any] = dict(newer.get_gguf_config(plain, names))
        return _finished(header, found)
    kind = RENAMED.get(said, said)
    if said == "llama" and "mistral" in str(header.metadata.get("general.name", "")).lower():
        kind = "mistral"
    if kind not in tables.GGUF_CONFIG_MAPPING or kind in ("general", "tokenizer"):
        return None
    found = {"model_type": kind, **tables.GGUF_CONFIG_DEFAULTS_MAPPING.get(kind, {})}
    for key, value in header.metadata.items():
        prefix, _, rest = key.partition(".")
        renames = tables.GGUF_CONFIG_MAPPING.get(kind if prefix == said else prefix, {})
        name = renames.get(rest) if prefix in (said, "tokenizer") else None
        if name and name != -1:
            found[name] = _plain(value)
    if kind == "stablelm":
        found["use_qkv_bias"] = any("attn_q.bias" in name for name in names)
        found["use_parallel_residual"] = not any("ffn_norm" in name for name in names)
    return _finished(header, found)


def _finished(header: Header, found: dict[str, Any]) -> dict[str, Any]:
    kind = str(found.get("model_type"))
    found["model_type"] = TEXT_ONLY.get(kind, kind)
    named = {tensor.name: tensor for tensor in header.tensors}
    if "token_embd.weight" in named:  # what the file holds, whatever it says
        found["vocab_size"] = named["token_embd.weight"].shape[0]
    found.setdefault("tie_word_embeddings", kind in ALWAYS_TIED or "output.weight" not in named)
    found["dtype"] = "bfloat16"  # what its weights become for transformers
    return found


def _plain(value: Any) -> Any:
    """One number of a list, where it has one a layer and all are the same."""
    if not isinstance(value, Listed):
        return value
    items = list(value.first)
    return items[0] if items and len(set(items)) == 1 and value.count == len(items) else items


def _newer() -> Any:
    """transformers' other home of such tables, from 5.24 on."""
    try:
        return importlib.import_module("transformers.integrations.gguf.gguf_config_mapping")
    except ModuleNotFoundError:
        return None
