"""The sizes that a config may name. Whoever builds a model from one checks them first, by whatever path.

A config may come from anybody, and each number of it may become so many modules, objects or bytes: three
million layers are a line of JSON, and the library that reads it makes one after the other for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.errors import BadInput
from playground.system import untrusted_json

LAYERS = 1024  # the deepest model that was ever published has a few hundred
EXPERTS = 4096
LABELS = 20_000  # transformers makes a Python object of each
LARGEST = 2**24  # any other size: 16 million; the largest vocabularies have one
ENTRIES = 100_000  # in all lists and objects together
DEPTH = 12
PART = 2**26  # numbers of one matrix of a sentence model's own parts, which are made before they are read
# Sizes: whole numbers from 1 on, where a config names them.
SIZES = re.compile(
    r"(num_(hidden_|decoder_|encoder_)?layers|n_layers?|num_(attention_|key_value_|kv_)?heads|n_heads?|"
    r"(moe_)?intermediate_size|hidden_size|vocab_size|head_dim|n_embd|n_positions|max_position_embeddings|"
    r"d_model|d_ff|d_kv|dim|hidden_dim|ffn_dim|num_(local_|routed_)?experts|n_routed_experts|"
    r"num_experts_per_tok|kv_lora_rank|(qk_nope|qk_rope|v)_head_dim|encoder_layers|decoder_layers)"
)
DEEP = re.compile(r"(num_.*layers|n_layers?|encoder_layers|decoder_layers|num_blocks|depths?)")
MANY = re.compile(r"(num_|n_)(\w+_)?experts")
# Not sizes, and rightly large.
FREE = re.compile(r"(theta|base|seed|factor|_id|_ids|scale|eps|length|tokens|params|steps|flos|samples)")
# What a config may say about how code is found or run, not about the model's shape.
DROPPED = re.compile(
    r"(_.*|auto_map|attn_implementation|experts_implementation|quantization_config|compression_config|"
    r"device_map|use_pretrained_backbone|trust_remote_code|transformers_version|torchscript|gradient_check.*)"
)


def cleaned(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without what tells nothing about the model's shape, each size checked.

    Raises:
        BadInput: a size that is none, or larger than any model's; too many entries.
    """
    found: dict[str, Any] = _walked(config, strict=True)
    return found


def check(config: Mapping[str, Any]) -> None:
    """A config that a library will read as it stands: no size is larger than any model's.

    What is no size at all (a text, 0 where a mixture has no experts) is the library's to refuse.

    Raises:
        BadInput: ``config_size_large`` (field, value, limit), ``config_too_large``.
    """
    _walked(config, strict=False)


def _walked(config: Mapping[str, Any], strict: bool) -> Any:
    counted = 0

    def walk(value: Any, name: str, depth: int) -> Any:
        nonlocal counted
        counted += 1
        if depth > DEPTH or counted > ENTRIES:
            raise BadInput("config_too_large")
        if isinstance(value, Mapping):
            kept = ((str(key), each) for key, each in value.items() if not (strict and _dropped(key)))
            # Of quantization the library reads no size of a model; its lists name modules.
            return {key: walk(each, key, depth + 1) for key, each in kept if key != "quantization_config"}
        if isinstance(value, list | tuple):
            return [walk(each, name, depth + 1) for each in value]
        _check(name, value, strict)
        return value

    return walk(config, "", 0)


def _dropped(key: object) -> bool:
    return DROPPED.fullmatch(str(key)) is not None


def _check(name: str, value: Any, strict: bool) -> None:
    size = SIZES.fullmatch(name)
    if strict and size and value is not None and (type(value) is not int or value < 1):
        raise BadInput("config_size", field=name, value=short(value))
    if type(value) is not int or FREE.search(name):
        return
    limit = LAYERS if DEEP.fullmatch(name) else EXPERTS if MANY.fullmatch(name) else LARGEST
    limit = LABELS if name.endswith("num_labels") else limit
    if abs(value) > limit:
        raise BadInput("config_size_large", field=name, value=short(value), limit=limit)


def check_parts(folder: Path) -> None:
    """The parts of a sentence model beside its body (pooling, dense layers), each with a config of its own.

    Raises:
        BadInput: as `check`; a matrix that no such part has. untrusted_json.Unreadable: broken files.
    """
    listed = folder / "modules.json"
    parts = untrusted_json.read(listed) if listed.is_file() else []
    if not isinstance(parts, list) or not all(isinstance(each, dict) for each in parts):
        raise untrusted_json.Unreadable("form", listed.name)
    for part in parts:
        inside = str(part.get("path") or "")
        file = folder / inside / "config.json"
        if not inside or not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            continue
        told = untrusted_json.read_object(file)
        check(told)
        widths = sorted((value for value in told.values() if type(value) is int), reverse=True)
        if len(widths) > 1 and widths[0] * widths[1] > PART:
            raise BadInput("config_size_large", field=inside, value=short(widths[0] * widths[1]), limit=PART)


def short(value: object, limit: int = 60) -> str:
    """A value as a sentence can hold it."""
    shown = repr(value) if not isinstance(value, str) else value
    return shown if len(shown) <= limit else shown[:limit] + "…"
