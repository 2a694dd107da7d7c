"""A model's plan as plain data: its tree of modules, identical ones folded, every parameter counted once.

`read` takes a skeleton apart and keeps nothing of it; all else here needs no library. What `print(model)`
shows is in book section "Downloading and running an LLM" (Hands-On Large Language Models, chapter 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any

from playground.rooms.architecture.shape import CacheLayers, Shape, feed_forward, shape_of, value_of

Shapes = dict[str, tuple[int, ...]]
ALL = Fraction(1)
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
        active: of these, what one token uses: of a mixture's experts some, of all else everything. None where
            it is not told how many experts that are.
        tied: parameters that it shares with a module before it.
        tied_to: path of the first parameter that it shares, or "".
        buffers: numbers that are no parameters (positions, rotary frequencies), of all of them together.
        weights: its own weights, name → shape.
        facts: in, out, bias, eps, p, padding_idx, act, and the like.
        quantized: how many of them bitsandbytes makes smaller.
        children: rows whose parameters sum to this one's.
        fixed: bytes of its own tensors that keep their number format whatever the model is loaded in.
        odd: of its own parameters, those that are among ``fixed``.
        strict, half: of its own parameters, those that stay float32 in any format of 16 bits, and those that
            do so in float16 alone.
        follows: numbers in its own buffers that follow the model's format.
    """

    path: str
    name: str
    kind: str
    repeat: int
    fold: int
    parameters: int
    active: int | None
    tied: int = 0
    tied_to: str = ""
    buffers: int = 0
    weights: Shapes = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    quantized: int = 0
    children: tuple[Node, ...] = ()
    fixed: int = 0
    odd: int = 0
    strict: int = 0
    half: int = 0
    follows: int = 0

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """This row and all below it, with their depths."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


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
    def active(self) -> int | None:
        """Parameters that one token uses; None where its experts do not tell."""
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
    from playground.models.weights import kept, linears
    from playground.rooms.architecture.experts import mixture
    from playground.rooms.architecture.parts import widths

    experts = mixture(model, str(settings.model_type))
    formats = kept(model, "bfloat16"), kept(model, "float16")
    linear = {id(module) for _, module in linears(model)}
    reader = _Reader(linear, experts.shares, *formats, _shared(model))
    root = reader.node([model], "", "", 1)
    shape = replace(shape_of(model, settings), experts=experts.experts, experts_used=experts.used)
    plan = Architecture(
        name, type(model).__name__, str(settings.model_type), type(settings).__name__,
        root if experts.known else unknown(root), shape, dict(config), _defaults(settings, config),
    )  # fmt: skip
    return replace(plan, shape=replace(shape, feed_forward=feed_forward(settings, widths(plan))))


def unknown(node: Node) -> Node:
    """A tree of which it is not told what one token uses."""
    return replace(node, active=None, children=tuple(map(unknown, node.children)))


def total(counts: Iterable[int | None]) -> int | None:
    """The sum, None if any part of it is unknown."""
    found = 0
    for count in counts:
        if count is None:
            return None
        found += count
    return found


class _Reader:
    """One walk over a model's modules, in the order in which it counts its parameters.

    Args:
        linear: ids of the modules that bitsandbytes makes smaller.
        shares: id of a module that holds experts → the part of its parameters that a token uses.
        strict, half: ids of tensors that stay float32 in bfloat16, and in float16 (see `weights.kept`).
        shared: ids of parameters that stand in several places: what has one is a row of its own.
    """

    def __init__(
        self, linear: set[int], shares: Mapping[int, Fraction] | None = None,
        strict: frozenset[int] = frozenset(), half: frozenset[int] = frozenset(),
        shared: frozenset[int] = frozenset(),
    ) -> None:  # fmt: skip
        self.shared = shared
        self.linear, self.shares, self.kept = linear, shares or {}, (strict, half - strict)
        self.first: dict[int, str] = {}  # id of a parameter → the module that has it first
        self.signs: dict[int, Any] = {}

    def node(self, modules: list[Any], path: str, name: str, fold: int, share: Fraction = ALL) -> Node:
        """One row for modules that are alike. ``share``: the part of their parameters that a token uses."""
        module, repeat = modules[0], len(modules)
        kind, weights, own, tied, tied_to = type(module).__name__, {}, 0, 0, ""
        fixed = odd = strict = half = 0
        share = min(share, self.shares.get(id(module), share))
        for key, parameter in module._parameters.items():
            if parameter is None:
                continue
            weights[key] = tuple(parameter.shape)
            before = self.first.setdefault(id(parameter), path)
            if before != path:
                tied, tied_to = tied + parameter.numel(), before
                continue
            own += parameter.numel()
            count, size = parameter.numel(), parameter.element_size()
            if not _halved(parameter):
                fixed, odd = fixed + count * size, odd + count
            elif id(parameter) in self.kept[0]:
                strict += count
            elif id(parameter) in self.kept[1]:
                half += count
        buffers = [b for b in module._buffers.values() if b is not None]
        follows = sum(b.numel() for b in buffers if self._follows(b))
        fixed += sum(self._size(b) for b in buffers if not self._follows(b))
        children = self._children(modules, path, share)
        if children and weights and not tied_to:
            loose = (self._loose(key, shape, path, repeat, share) for key, shape in weights.items())
            children, weights, own = (*loose, *children), {}, 0
        return Node(
            path, name, kind, repeat, fold, own * repeat + sum(child.parameters for child in children),
            total([int(own * repeat * share), *(child.active for child in children)]),
            tied * repeat + sum(child.tied for child in children), tied_to,
            sum(b.numel() for b in buffers) * repeat + sum(child.buffers for child in children),
            weights, _facts(module, weights), sum(id(each) in self.linear for each in modules), children,
            fixed, odd, strict, half, follows,
        )  # fmt: skip

    def _loose(self, key: str, shape: tuple[int, ...], path: str, repeat: int, share: Fraction) -> Node:
        count = math.prod(shape) * repeat
        inside = f"{path}.{key}" if path else key
        return Node(inside, key, LOOSE, repeat, 1, count, int(count * share), weights={key: shape})

    def _children(self, modules: list[Any], path: str, share: Fraction) -> tuple[Node, ...]:
        """A row for each child, one for each run of identical numbered ones."""
        first = modules[0]
        runs: list[list[str]] = []
        for name, child in first._modules.items():
            if child is None:
                continue
            same = runs and name.isdigit() and runs[-1][0].isdigit()
            same = same and not any(id(parameter) in self.shared for parameter in child.parameters())
            if same and self._sign(child) == self._sign(first._modules[runs[-1][0]]):
                runs[-1].append(name)
            else:
                runs.append([name])
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
                (key, parameter.shape, self._format(parameter), self.first.get(id(parameter), False))
                for key, parameter in module._parameters.items()
                if parameter is not None
            )
            held = tuple(
                (key, b.shape, self._format(b)) for key, b in module._buffers.items() if b is not None
            )
            below = tuple((name, self._sign(child)) for name, child in module._modules.items() if child)
            found = self.signs[id(module)] = hash(
                (type(module), own, held, below, self.shares.get(id(module)))
            )
        return found

    def _format(self, tensor: Any) -> tuple[Any, bool, bool]:
        return tensor.dtype, id(tensor) in self.kept[0], id(tensor) in self.kept[1]

    def _follows(self, buffer: Any) -> bool:
        """Whether a buffer takes the model's number format: only that is float16 in a skeleton."""
        return _halved(buffer) and id(buffer) not in self.kept[0]

    def _size(self, buffer: Any) -> int:
        """Bytes of a buffer that does not follow."""
        return int(buffer.numel() * (4 if id(buffer) in self.kept[0] else buffer.element_size()))


def _shared(model: Any) -> frozenset[int]:
    """Parameters that stand in more than one place, by `id`."""
    seen, twice = set[int](), set[int]()
    for _, module in model.named_modules(remove_duplicate=False):
        for parameter in module._parameters.values():
            (twice if id(parameter) in seen else seen).add(id(parameter))
    return frozenset(twice - {id(None)})


def _halved(tensor: Any) -> bool:
    """Whether a skeleton's tensor is in the format that stands for the model's own."""
    return str(tensor.dtype) == "torch.float16"


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
        value = value_of(settings, name)
        if value is not None:
            found[name] = value
    return found


def to_plain(plan: Architecture) -> dict[str, Any]:
    """As JSON holds it; what has its default is left out of the rows."""
    return {**asdict(plan), "root": _lean(plan.root), "shape": asdict(plan.shape)}


def _lean(node: Node) -> dict[str, Any]:
    full = {name: getattr(node, name) for name in Node.__dataclass_fields__}
    full["children"] = [_lean(child) for child in node.children]
    return {name: value for name, value in full.items() if value is None or value not in (0, "", {}, [], ())}


def from_plain(plain: Mapping[str, Any]) -> Architecture:
    """What `to_plain` gave."""
    shape = {**plain["shape"], "cache": tuple(CacheLayers(**run) for run in plain["shape"]["cache"])}
    return Architecture(**{**plain, "root": _node(plain["root"]), "shape": Shape(**shape)})


def _node(plain: Mapping[str, Any]) -> Node:
    weights = {name: tuple(shape) for name, shape in plain.get("weights", {}).items()}
    children = tuple(_node(child) for child in plain.get("children", ()))
    missing = {"path": "", "name": "", "kind": "", "parameters": 0, "active": 0}
    return Node(**{**missing, **plain, "weights": weights, "children": children})
