"""Which share of a mixture's experts one token uses, asked of the modules themselves.

A mixture of experts (Shazeer et al. 2017) sends each token to the ``k`` best of its experts. Where ``k``, or
the number of experts, or what a router chooses among is not told by the modules, the share is unknown:
nothing here takes silence for "all of them".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

CONTAINER = re.compile(r"\w*(Experts|NaiveMoe)")
BLOCK = re.compile(r"\w*(MoE|Moe|SparseMLP|MoA)(Block)?")  # holds experts, whatever it calls them
ROUTED = re.compile(r"(?!.*shared)\w*experts?\w*", re.IGNORECASE)
# What a router, or the module around it, calls the number of experts that a token is sent to.
USED = (
    "top_k", "topk", "num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k",
    "num_selected_experts", "top_k_experts",
)  # fmt: skip
COUNT = ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts", "num_routed_experts")
# Where the code itself says it and no number does. Switch Transformers (Fedus et al. 2021, section 2.1) send
# a token to one expert, NLLB (NLLB Team 2022, section 6.2) to two.
BY_DESIGN = {"switch_transformers": 1, "nllb-moe": 2}


@dataclass(frozen=True)
class Mixture:
    """A model's experts.

    Args:
        shares: id of a module that holds experts → the part of its parameters that one token uses.
        experts, used: of the first of them; 0 is unknown.
        known: whether it is told of all of them.
    """

    shares: dict[int, Fraction]
    experts: int = 0
    used: int = 0
    known: bool = True


def mixture(model: Any, model_type: str) -> Mixture:
    """The experts of a model, or of its skeleton.

    Args:
        model_type: as its config has it.
    """
    shares: dict[int, Fraction] = {}
    counts: list[tuple[int, int]] = []
    known, inside = True, set[int]()
    for name, module, parent, above in _walk(model):
        if id(module) in inside or not _holds(name, module):
            continue
        inside |= {id(each) for each in module.modules()}
        held = _unwrapped(module)
        experts = _count(held, parent)
        used = _used(module, parent, above) or BY_DESIGN.get(model_type, 0)
        counts.append((experts, used))
        if experts and used and _divides(held, experts) and _chooses(module, parent, above, experts):
            shares[id(module)] = min(Fraction(1), Fraction(used, experts))
        else:
            known = False
    known = known and not _overlooked(model, inside)
    first = counts[0] if counts else (0, 0)
    return Mixture(shares, *first, known)


def _walk(model: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """Every module below a model, with its name, its parent, and the parent's parent."""

    def walk(module: Any, above: Any) -> Iterator[tuple[str, Any, Any, Any]]:
        for name, child in module._modules.items():
            if child is not None:
                yield name, child, module, above
                yield from walk(child, module)

    yield from walk(model, None)


def _holds(name: str, module: Any) -> bool:
    """Whether a module is a container of experts among which tokens are routed."""
    kind = type(module).__name__
    if "shared" in name.lower() or "shared" in kind.lower() or not any(True for _ in module.parameters()):
        return False
    return bool(CONTAINER.fullmatch(kind)) or (name == "experts" and _listed(module))


def _listed(module: Any) -> bool:
    from torch.nn import ModuleDict, ModuleList

    return isinstance(module, ModuleList | ModuleDict)


def _unwrapped(module: Any) -> Any:
    """A container itself, or the list of experts that is all it holds."""
    inner = [child for child in module.children() if _listed(child)]
    alone = len(inner) == 1 and not any(True for _ in module.parameters(recurse=False))
    return inner[0] if alone and not _listed(module) else module


def _members(module: Any) -> list[Any]:
    """The experts of a list of modules: a dropout may lie beside them."""
    return [child for child in module.children() if any(True for _ in child.parameters())]


def _count(module: Any, parent: Any) -> int:
    if _listed(module):
        return len(_members(module))
    for holder in (module, *module.children(), parent):
        found = _number(holder, COUNT)
        if found:
            return found
    lengths = {parameter.shape[0] for parameter in module.parameters() if parameter.dim() > 2}
    return lengths.pop() if len(lengths) == 1 else 0


def _used(module: Any, parent: Any, above: Any) -> int:
    """The ``k`` of the router beside a container, of the container, or of the module around both."""
    near = [child for child in parent.children() if child is not module]
    further = [child for child in above.children() if child is not parent] if above is not None else []
    for holder in (*near, parent, module, *further, above):
        found = _number(holder, USED) if holder is not None else 0
        if found:
            return found
    return 0


def _number(holder: Any, names: tuple[str, ...]) -> int:
    values = (vars(holder).get(name) for name in names)
    return next((value for value in values if type(value) is int and value > 0), 0)


def _divides(module: Any, experts: int) -> bool:
    """Whether all of its parameters fall into as many equal parts."""
    if _listed(module):
        return len({sum(p.numel() for p in each.parameters()) for each in _members(module)}) == 1
    return all(parameter.shape[0] % experts == 0 for parameter in module.parameters())


def _chooses(module: Any, parent: Any, above: Any, experts: int) -> bool:
    """Whether a router's scores are as many as the experts: some also choose "none", which costs nothing."""
    own = {id(parameter) for parameter in module.parameters()}
    for around in (parent, above):
        if around is None:
            continue
        near = [p for child in around.children() if child is not module for p in child.parameters()]
        near += list(around.parameters(recurse=False))
        lengths = {length for p in near if id(p) not in own and p.dim() > 1 for length in p.shape}
        if experts in lengths:
            return True
    return False


def _overlooked(model: Any, inside: set[int]) -> bool:
    """Whether something else looks like experts: a block without any, or weights of such a name."""
    for name, module, parent, _ in _walk(model):
        if id(module) in inside or not any(True for _ in module.parameters()):
            continue
        within = any(id(each) in inside for each in module.modules())
        if BLOCK.fullmatch(type(module).__name__):
            mixtures = [each for each in module.children() if BLOCK.fullmatch(type(each).__name__)]
            # Two in one: which of them a token goes to hangs on whether it is of a text or a picture.
            if not within or len(mixtures) > 1:
                return True
        named = ROUTED.fullmatch(name) and "shared" not in type(module).__name__.lower()
        if named and not within and id(parent) not in inside and not _routes(name):
            return True
    return False


def _routes(name: str) -> bool:
    """Whether a name is a router's, which every token uses whole."""
    return bool(re.search(r"gate|router|bias|norm|proj_in", name, re.IGNORECASE))
