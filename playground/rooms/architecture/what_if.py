"""Change an architecture's numbers: what becomes of the config, what is impossible and why, and the code.

A change names a field as transformers does (``num_hidden_layers``), whatever the family itself calls it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from playground.errors import BadInput
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.shape import Shape

# Names that mean the same, the common one first. What a config has is written; else the first for its family.
SAME: dict[str, tuple[str, ...]] = {
    "num_hidden_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden_size": ("hidden_size", "n_embd", "d_model", "dim"),
    "num_attention_heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "num_key_value_heads": ("num_key_value_heads", "num_kv_heads"),
    "intermediate_size": ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim", "ffn_hidden_size"),
    "vocab_size": ("vocab_size",),
    "max_position_embeddings": ("max_position_embeddings", "n_positions"),
    "tie_word_embeddings": ("tie_word_embeddings",),
    "hidden_act": (
        "hidden_act",
        "hidden_activation",
        "activation_function",
        "activation",
        "feed_forward_proj",
    ),
    "norm": ("norm",),
}
KNOBS = tuple(SAME)
ACTIVATIONS = ("silu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "quick_gelu", "tanh")
NORMS = {"rmsnorm": "RMSNorm", "layernorm": "LayerNorm"}
# Where a family keeps a number that its config need not name.
OWN = {
    ("gpt2", "intermediate_size"): "n_inner", ("gptj", "intermediate_size"): "n_inner",
    ("falcon", "intermediate_size"): "ffn_hidden_size",
}  # fmt: skip


def field_of(config: Mapping[str, Any], knob: str) -> str | None:
    """The name under which a config keeps a number; None where its architecture has no such choice."""
    kind = str(config.get("model_type"))
    if knob == "num_key_value_heads" and kind == "falcon" and not config.get("new_decoder_architecture"):
        return None
    if knob == "hidden_act" and kind in ("falcon", "bloom"):
        return "activation" if kind == "falcon" else None
    for name in SAME.get(knob, (knob,)):
        if name in config:
            return name
    if (kind, knob) in OWN:
        return OWN[kind, knob]
    if knob in ("num_key_value_heads", "intermediate_size", "max_position_embeddings"):
        return None
    return knob


def knobs(plan: Architecture) -> dict[str, Any]:
    """What can be changed here, with its value now; None where this architecture has no such choice."""
    shape, config = plan.shape, plan.config
    now: dict[str, Any] = {
        "num_hidden_layers": shape.layers, "hidden_size": shape.hidden, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads, "intermediate_size": shape.feed_forward,
        "vocab_size": shape.vocabulary, "max_position_embeddings": shape.context,
        "tie_word_embeddings": plan.tied > 0, "hidden_act": shape.activation, "norm": norm_of(plan),
    }  # fmt: skip
    found = {name: value if field_of(config, name) else None for name, value in now.items()}
    inner = config.get(str(field_of(config, "intermediate_size")))
    if not shape.feed_forward or inner not in (None, shape.feed_forward):
        found["intermediate_size"] = None  # no layer has the number that the config names
    return found


def norm_of(plan: Architecture) -> str:
    """Which of the two norms a model has, told from its modules' classes."""
    kinds = [node.kind for _, node in plan.rows() if "Norm" in node.kind]
    rms = sum("RMS" in kind or kind == "T5LayerNorm" for kind in kinds)
    return "rmsnorm" if rms * 2 > len(kinds) else "layernorm"


def changed(plan: Architecture, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the changes in it.

    Args:
        plan: the model as it is.
        changes: field → new value; fields as `KNOBS` or as the config itself names them.

    Raises:
        BadInput: an unknown field, a value of the wrong kind, or numbers that do not go together.
    """
    if not isinstance(changes, Mapping):
        raise BadInput("changes_no_object", kind=type(changes).__name__)
    config, shape = dict(plan.config), plan.shape
    named = {alias: knob for knob, aliases in SAME.items() for alias in aliases}
    wanted: dict[str, Any] = {}
    for name, value in changes.items():
        knob = named.get(name, name)
        where = field_of(config, knob)
        if where is None:
            raise BadInput("change_not_here", field=name, kind=plan.model_type)
        if knob not in SAME and name not in config and name not in ("head_dim", "rope_theta"):
            raise BadInput("change_unknown", field=str(name)[:60], known=", ".join(KNOBS))
        _check_value(knob, value, config.get(name))
        config[where] = value
        wanted[knob] = value
    _follow(config, wanted, shape, plan)
    _check(config, wanted, shape, plan)
    return config


def _check_value(knob: str, value: Any, before: Any) -> None:
    if knob == "norm":
        if value not in NORMS:
            raise BadInput("change_choice", field=knob, value=str(value)[:60], known=", ".join(NORMS))
    elif knob == "hidden_act":
        if not isinstance(value, str):
            raise BadInput("change_choice", field=knob, value=str(value)[:60], known=", ".join(ACTIVATIONS))
    elif knob == "tie_word_embeddings":
        if not isinstance(value, bool):
            raise BadInput("not_a_switch", name=knob)
    elif (knob in SAME or type(before) is int) and (type(value) is not int or value < 1):
        raise BadInput("config_size", field=knob, value=str(value)[:60])


def _follow(config: dict[str, Any], wanted: Mapping[str, Any], shape: Shape, plan: Architecture) -> None:
    """What must move along with a change: nobody means "keep 32 KV heads" who asks for 16 heads."""
    heads = wanted.get("num_attention_heads", shape.heads)
    kv = field_of(config, "num_key_value_heads")
    if kv and kv in config and shape.kv_heads == shape.heads and "num_key_value_heads" not in wanted:
        config[kv] = heads
    if "hidden_size" in wanted:
        for name in ("word_embed_proj_dim", "pooler_hidden_size"):
            if name in config:
                config[name] = wanted["hidden_size"]
    kinds = config.get("layer_types")
    if isinstance(kinds, list) and kinds and "num_hidden_layers" in wanted:
        config["layer_types"] = [kinds[i % len(kinds)] for i in range(min(wanted["num_hidden_layers"], 4096))]
    if "num_hidden_layers" in wanted and "num_decoder_layers" in config:
        config["num_decoder_layers"] = wanted["num_hidden_layers"]


def _check(config: Mapping[str, Any], wanted: Mapping[str, Any], shape: Shape, plan: Architecture) -> None:
    """Refuse what cannot be built, or would not be what it says.

    Raises:
        BadInput: with the two numbers that do not go together.
    """
    hidden = wanted.get("hidden_size", shape.hidden)
    heads = wanted.get("num_attention_heads", shape.heads)
    explicit = bool(config.get("head_dim") or config.get("d_kv") or shape.latent)
    if heads and not explicit and hidden % heads:
        down = max(d for d in range(1, heads + 1) if hidden % d == 0)
        raise BadInput("hidden_not_divisible", hidden=hidden, heads=heads, near=down)
    head_dim = config.get("head_dim") or (hidden // heads if heads else 0)
    if not explicit and _rotates(plan) and head_dim % 2:
        raise BadInput("head_dim_odd", hidden=hidden, heads=heads, head_dim=head_dim)
    kv_field = field_of(config, "num_key_value_heads")
    kv = (config.get(kv_field) if kv_field else None) or heads
    if isinstance(kv, int) and heads and (kv > heads or heads % kv):
        choices = ", ".join(str(d) for d in range(1, heads + 1) if heads % d == 0)
        raise BadInput("kv_heads_not_divisible", heads=heads, kv_heads=kv, choices=choices)
    rotary = config.get("rotary_dim")
    if isinstance(rotary, int) and rotary > head_dim:
        raise BadInput("rotary_too_wide", rotary=rotary, head_dim=head_dim)
    used, experts = config.get("num_experts_per_tok"), _experts(config)
    if isinstance(used, int) and experts and used > experts:
        raise BadInput("experts_too_few", used=used, experts=experts)
    if plan.model_type == "t5" and "hidden_act" in wanted:
        return
    if math.log2(max(hidden, 1)) > 24:
        raise BadInput("config_size_large", field="hidden_size", value=hidden, limit=2**24)


def _rotates(plan: Architecture) -> bool:
    return any("Rotary" in node.kind for _, node in plan.rows()) or plan.model_type in ("gptj",)


def _experts(config: Mapping[str, Any]) -> int:
    names = ("num_local_experts", "num_experts", "n_routed_experts")
    return next((config[name] for name in names if isinstance(config.get(name), int)), 0)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Fields whose values differ, with both (None where one config has no such field), by name."""
    names = sorted(set(old) | set(new))
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def code(plan: Architecture) -> str:
    """The Python that makes this model, its weights random."""
    given = {
        name: value
        for name, value in plan.config.items()
        if name not in ("model_type", "architectures", "norm")
    }
    told = "".join(f"    {name}={value!r},\n" for name, value in given.items() if name.isidentifier())
    large = plan.parameters > 200_000_000
    make = f"model = {plan.kind}(config)"
    if large:
        make = f'with torch.device("meta"):\n    model = {plan.kind}(config)'
    lines = ["import torch\n" if large or "norm" in plan.config else ""]
    lines += [f"from transformers import {plan.config_kind}, {plan.kind}\n\n"]
    lines += [f"config = {plan.config_kind}(\n{told})\n{make}\n"]
    if "norm" in plan.config:
        lines.append(_swap(plan))
    lines.append(f"print(sum(p.numel() for p in model.parameters()))  # {plan.parameters:_}\n")
    return "".join(lines)


def _swap(plan: Architecture) -> str:
    made = "torch.nn.LayerNorm" if plan.config["norm"] == "layernorm" else "torch.nn.RMSNorm"
    wide = plan.shape.hidden
    return (
        "for m in [*model.modules()]:\n"
        "    for k, n in [*m.named_children()]:\n"
        f'        if "Norm" in type(n).__name__ and n.weight.shape == ({wide},):\n'
        f"            setattr(m, k, {made}({wide}))\n"
    )
