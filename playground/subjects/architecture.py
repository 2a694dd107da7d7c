"""A model's plan as plain data: its tree of modules, identical ones folded, every parameter counted once.

`read` takes a skeleton apart and keeps nothing of it; all else here needs no library. What `print(model)`
shows is in book section "Downloading and running an LLM" (Hands-On Large Language Models, chapter 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Shapes = dict[str, tuple[int, ...]]
LOOSE = "Parameter"  # the class shown for a weight that belongs to no module of its own
# Facts about a module that its weights do not tell, by the attribute that holds them.
FACTS = {"p": "p", "eps": "eps", "variance_epsilon": "eps", "padding_idx": "padding_idx"}


@dataclass(frozen=True)
class Node:
    """A module, or a run of identical ones.

    Args:
        path: of the module in the model, of a run's first; "" is the model itself.
        name: the last part of the path; of a run ``0–21``.
        kind: its class ("" where only its files are known).
        repeat: how many identical modules the row stands for in the whole model.
        fold: how many of them lie side by side (the run's length).
        parameters: of all of them together, what is tied elsewhere not counted again.
        active: of these, what one token uses (differs in a mixture of experts).
        tied: parameters that it shares with a module before it.
        tied_to: path of the first parameter that it shares, or "".
        buffers: numbers that are no parameters (positions, rotary frequencies), of all of them together.
        weights: its own weights, name → shape.
        facts: in, out, bias, eps, p, padding_idx, act, and the like.
        quantized: how many of them bitsandbytes makes smaller.
        children: rows whose parameters sum to this one's.
        fixed: bytes of its own tensors that keep their number format whatever the model is loaded in.
        follows: numbers in its own buffers that follow the model's format.
    """

    path: str
    name: str
    kind: str
    repeat: int
    fold: int
    parameters: int
    active: int
    tied: int = 0
    tied_to: str = ""
    buffers: int = 0
    weights: Shapes = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    quantized: int = 0
    children: tuple[Node, ...] = ()
    fixed: int = 0
    follows: int = 0

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """This row and all below it, with their depths."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True)
class Shape:
    """The numbers that make an architecture. 0 and "" mean that it has no such thing.

    Args:
        cache: runs of layers that keep keys and values, as (layers, kind, window in tokens or 0).
        latent: numbers a token and layer that multi-head latent attention keeps in place of keys and values.
        value_dim: of a head's values, where it differs from its keys'.
    """

    hidden: int = 0
    layers: int = 0
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    feed_forward: int = 0
    vocabulary: int = 0
    context: int = 0
    experts: int = 0
    experts_used: int = 0
    latent: int = 0
    activation: str = ""
    writes: bool = False
    encoder_decoder: bool = False
    parallel: bool = False
    cache: tuple[tuple[int, str, int], ...] = ()


@dataclass(frozen=True)
class Architecture:
    """A model's plan.

    Args:
        kind, model_type, config_kind: ``LlamaForCausalLM``, ``llama``, ``LlamaConfig``.
        config: the config.json it was built from, without what tells nothing about its shape.
        defaults: fields that the config leaves to the architecture, with the values they get.
    """

    name: str
    kind: str
    model_type: str
    config_kind: str
    root: Node
    shape: Shape
    config: dict[str, Any]
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Unique parameters."""
        return self.root.parameters

    @property
    def active(self) -> int:
        """Parameters that one token uses."""
        return self.root.active

    @property
    def tied(self) -> int:
        """Parameters that are shared, counted once for each place but the first."""
        return self.root.tied

    def rows(self) -> Iterator[tuple[int, Node]]:
        """All rows of the tree with their depths, the model itself first."""
        return self.root.walk()


def read(name: str, model: Any, settings: Any, config: Mapping[str, Any]) -> Architecture:
    """The plan of a skeleton (or of a loaded model: weights are not looked at).

    Args:
        model: a module, best on the meta device.
        settings: its configuration object.
        config: what it was built from.
    """
    from playground.weights import linears

    shape = _shape(settings, type(model).__name__)
    linear = {id(module) for _, module in linears(model)}
    root = _Reader(linear, shape.experts_used).node([model], "", "", 1)
    return Architecture(
        name, type(model).__name__, str(settings.model_type), type(settings).__name__, root, shape,
        dict(config), _defaults(settings, config),
    )  # fmt: skip


class _Reader:
    """One walk over a model's modules, in the order in which it counts its parameters."""

    def __init__(self, linear: set[int], experts_used: int) -> None:
        self.linear, self.used = linear, experts_used
        self.first: dict[int, str] = {}  # id of a parameter → the module that has it first
        self.signs: dict[int, Any] = {}

    def node(self, modules: list[Any], path: str, name: str, fold: int, share: float = 1.0) -> Node:
        """One row for modules that are alike. ``share``: the part of their parameters that a token uses."""
        module, repeat = modules[0], len(modules)
        kind, weights, own, tied, tied_to, fixed = type(module).__name__, {}, 0, 0, "", 0
        for key, parameter in module._parameters.items():
            if parameter is None:
                continue
            weights[key] = tuple(parameter.shape)
            before = self.first.setdefault(id(parameter), path)
            if before != path:
                tied, tied_to = tied + parameter.numel(), before
                continue
            own += parameter.numel()
            if parameter.element_size() != 2:
                fixed += parameter.numel() * parameter.element_size()
        if kind.endswith("Experts") and weights and self.used:
            experts = next(iter(weights.values()))[0]
            share *= min(1.0, self.used / experts) if experts else 1.0
        buffers = [b for b in module._buffers.values() if b is not None]
        follows = sum(b.numel() for b in buffers if _follows(b))
        fixed += sum(b.numel() * b.element_size() for b in buffers if not _follows(b))
        children = self._children(modules, path, share)
        if children and weights and not tied_to:
            loose = (self._loose(key, shape, path, repeat, share) for key, shape in weights.items())
            children, weights, own = (*loose, *children), {}, 0
        return Node(
            path, name, kind, repeat, fold, own * repeat + sum(child.parameters for child in children),
            round(own * repeat * share) + sum(child.active for child in children),
            tied * repeat + sum(child.tied for child in children), tied_to,
            sum(b.numel() for b in buffers) * repeat + sum(child.buffers for child in children),
            weights, _facts(module, weights), sum(id(each) in self.linear for each in modules), children,
            fixed, follows,
        )  # fmt: skip

    def _loose(self, key: str, shape: tuple[int, ...], path: str, repeat: int, share: float) -> Node:
        count = math.prod(shape) * repeat
        inside = f"{path}.{key}" if path else key
        return Node(inside, key, LOOSE, repeat, 1, count, round(count * share), weights={key: shape})

    def _children(self, modules: list[Any], path: str, share: float) -> tuple[Node, ...]:
        """A row for each child, one for each run of identical numbered ones."""
        first = modules[0]
        runs: list[list[str]] = []
        for name, child in first._modules.items():
            if child is None:
                continue
            same = runs and name.isdigit() and runs[-1][0].isdigit()
            if same and self._sign(child) == self._sign(first._modules[runs[-1][0]]):
                runs[-1].append(name)
            else:
                runs.append([name])
        if type(first).__name__ == "ModuleList" and path.endswith("experts") and self.used:
            share = min(1.0, self.used / len(first._modules))  # experts that are modules of their own
        rows = []
        for run in runs:
            label = run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}"
            where = f"{path}.{run[0]}" if path else run[0]
            alike = [module._modules[name] for module in modules for name in run]
            rows.append(self.node(alike, where, label, len(run), share))
        return tuple(rows)

    def _sign(self, module: Any) -> Any:
        """What two modules must share to be shown as one; weights that are tied make them unlike."""
        found = self.signs.get(id(module))
        if found is None:
            own = tuple(
                (key, parameter.shape, id(parameter) in self.first and self.first[id(parameter)])
                for key, parameter in module._parameters.items()
                if parameter is not None
            )
            held = tuple((key, b.shape) for key, b in module._buffers.items() if b is not None)
            below = tuple((name, self._sign(child)) for name, child in module._modules.items() if child)
            found = self.signs[id(module)] = hash((type(module), own, held, below))
        return found


def _follows(buffer: Any) -> bool:
    """Whether a buffer takes the model's number format: only that is float16 in a skeleton."""
    return bool(buffer.is_floating_point() and buffer.element_size() == 2)


def _facts(module: Any, weights: Shapes) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    shape = weights.get("weight", ())
    if len(shape) == 2 and hasattr(module, "num_embeddings"):
        facts |= {"rows": shape[0], "width": shape[1]}
    elif len(shape) == 2:
        # GPT-2's Conv1D keeps its weight the other way round.
        turned = shape if not hasattr(module, "nf") else shape[::-1]
        facts |= {"in": turned[1], "out": turned[0], "bias": "bias" in weights}
    elif len(shape) == 1:
        facts["width"] = shape[0]
    for attribute, name in FACTS.items() if weights or hasattr(module, "p") else ():
        value = vars(module).get(attribute)
        if isinstance(value, int | float) and not isinstance(value, bool):
            facts[name] = value
    window = vars(module).get("sliding_window")
    if type(window) is int:
        facts["window"] = window
    return facts


def _first(settings: Any, *names: str) -> Any:
    return next((v for name in names if (v := getattr(settings, name, None)) is not None), None)


def _number(settings: Any, *names: str) -> int:
    value = _first(settings, *names)
    if isinstance(value, list | tuple) and value:
        value = max(value)
    return int(value) if isinstance(value, int | float) else 0


def _shape(settings: Any, kind: str) -> Shape:
    text = settings.get_text_config(decoder=True)
    hidden = _number(text, "hidden_size", "d_model", "dim", "n_embd")
    heads = _number(text, "num_attention_heads", "n_head", "num_heads", "n_heads")
    latent = _number(text, "kv_lora_rank")
    head_dim = _number(text, "head_dim", "d_kv") or (hidden // heads if heads else 0)
    value_dim = head_dim
    if latent:
        latent += _number(text, "qk_rope_head_dim")
        head_dim = _number(text, "qk_nope_head_dim") + _number(text, "qk_rope_head_dim")
        value_dim = _number(text, "v_head_dim")
    kv_heads = _number(text, "num_key_value_heads", "num_kv_heads") or heads
    if getattr(text, "multi_query", False) and not getattr(text, "new_decoder_architecture", False):
        kv_heads = 1
    writes = kind.endswith(("ForCausalLM", "LMHeadModel")) or _continues(settings, kind)
    feed_forward = _number(
        text, "intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim", "ffn_hidden_size"
    )
    layers = _number(text, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    if settings.is_encoder_decoder:
        layers = _number(text, "num_decoder_layers", "decoder_layers") or layers
    return Shape(
        hidden=hidden, layers=layers, heads=heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim,
        feed_forward=feed_forward or 4 * hidden, vocabulary=_number(text, "vocab_size"),
        context=_number(text, "max_position_embeddings", "n_positions", "seq_length"),
        experts=_number(text, "num_local_experts", "num_experts", "n_routed_experts"),
        experts_used=_number(text, "num_experts_per_tok", "moe_topk", "num_experts_per_token"),
        latent=latent,
        activation=str(_first(text, "hidden_activation", "hidden_act", "activation_function",
                              "dense_act_fn", "activation") or ""),
        writes=writes, encoder_decoder=bool(settings.is_encoder_decoder),
        parallel=bool(_first(text, "parallel_attn", "use_parallel_residual") or text.model_type == "gptj"),
        cache=_cache(text) if writes or settings.is_encoder_decoder else (),
    )  # fmt: skip


def _continues(settings: Any, kind: str) -> bool:
    """Whether a model without its head still is one that continues text."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    plain = kind.endswith("Model") and type(settings) in MODEL_FOR_CAUSAL_LM_MAPPING
    return plain and type(settings) not in MODEL_FOR_MASKED_LM_MAPPING


def _cache(text: Any) -> tuple[tuple[int, str, int], ...]:
    """Runs of layers by what they keep, as transformers' own cache would hold it."""
    from transformers.cache_utils import get_layer_types_and_kwargs

    try:
        kinds, options = get_layer_types_and_kwargs(text)
    except Exception:  # an architecture whose config does not tell: as if all of it were kept
        return ((_number(text, "num_hidden_layers"), "full_attention", 0),)
    runs: list[tuple[int, str, int]] = []
    for kind, option in zip(kinds, options, strict=True):
        window = int(option.get("sliding_window") or 0)
        if runs and runs[-1][1:] == (kind, window):
            runs[-1] = (runs[-1][0] + 1, kind, window)
        else:
            runs.append((1, kind, window))
    return tuple(runs)


TOLD = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
    "intermediate_size", "vocab_size", "max_position_embeddings", "tie_word_embeddings",
)  # fmt: skip


def _defaults(settings: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """The sizes that a config does not say, and what the architecture takes in their place."""
    spelled = getattr(settings, "attribute_map", {})
    found = {}
    for name in TOLD:
        if name in config or spelled.get(name) in config or "text_config" in config:
            continue
        value = getattr(settings, name, None)
        if value is not None:
            found[name] = value
    return found


def to_plain(plan: Architecture) -> dict[str, Any]:
    """As JSON holds it; what has its default is left out of the rows."""
    return {**asdict(plan), "root": _lean(plan.root), "shape": asdict(plan.shape)}


def _lean(node: Node) -> dict[str, Any]:
    full = {name: getattr(node, name) for name in Node.__dataclass_fields__}
    full["children"] = [_lean(child) for child in node.children]
    return {name: value for name, value in full.items() if value not in (0, "", {}, [], (), False)}


def from_plain(plain: Mapping[str, Any]) -> Architecture:
    """What `to_plain` gave."""
    shape = {**plain["shape"], "cache": tuple(tuple(run) for run in plain["shape"]["cache"])}
    return Architecture(**{**plain, "root": _node(plain["root"]), "shape": Shape(**shape)})


def _node(plain: Mapping[str, Any]) -> Node:
    weights = {name: tuple(shape) for name, shape in plain.get("weights", {}).items()}
    children = tuple(_node(child) for child in plain.get("children", ()))
    missing = {"path": "", "name": "", "kind": "", "parameters": 0, "active": 0}
    return Node(**{**missing, **plain, "weights": weights, "children": children})
