"""What a model takes: its weights in each precision to the byte, its KV cache, and what training adds.

Sources: int8 by vector-wise quantization (Dettmers et al. 2022), NF4 and double quantization (QLoRA, Dettmers
et al. 2023, section 3), LoRA (Hu et al. 2021), multi-head latent attention (DeepSeek-V2, 2024, section 2.1).
The figures of bitsandbytes' own layout are those of `playground.models.weights`, which counts loaded models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.models.weights import BLOCK, NESTED_BLOCK, NESTED_CODE, NF4_CODE
from playground.rooms.architecture.plan import Architecture, Node
from playground.rooms.architecture.shape import CacheLayers

PRECISIONS = ("float32", "bfloat16", "int8", "nf4", "nf4_double_quant")
CACHE_WIDTH = 2  # bytes a number of the cache: bfloat16 or float16
ADAM = 16  # bytes a trained parameter: see `training`
# Memory that a driver reports, in bytes: T4 15,360 MiB, RTX 4090 24,564, A100 81,920, H200 143,771.
DEVICES = {
    "t4": 15_360 * 2**20, "rtx4090": 24_564 * 2**20, "a100": 81_920 * 2**20, "h200": 143_771 * 2**20,
    "laptop": 16 * 2**30, "phone": 8 * 2**30,
}  # fmt: skip
# The rest is the system's; "here" is a budget already.
SHARES = {"laptop": 0.6, "phone": 0.5, "here": 1.0}
GPU_SHARE = 0.9  # the rest is for the driver and what is computed on the way


@dataclass(frozen=True)
class Weights:
    """Bytes of a model's tensors in one precision.

    Args:
        quantized: numbers in layers that are made smaller.
        rest: parameters that stay in 2 bytes (4 in float32).
        state: bytes of scales and tables that quantization adds.
        other: bytes of buffers and of what keeps its own format.
        total: of it all.
    """

    precision: str
    quantized: int
    rest: int
    state: int
    other: int
    total: int


def weights(plan: Architecture, precision: str) -> Weights:
    """Exact bytes in one of `PRECISIONS`.

    With L weights in a quantized layer of r rows: int8 takes L + 4r bytes; NF4 ⌈L/2⌉, a table of 64 bytes,
    and for its scales 4·⌈L/64⌉, or with double quantization ⌈L/64⌉ + 4·⌈⌈L/64⌉/256⌉ + 1028.
    """
    width = 4 if precision == "float32" else 2
    smaller = precision in PRECISIONS[2:]
    packed = quantized = state = other = rest = 0
    for _, node in plan.rows():
        own = node.parameters - sum(child.parameters for child in node.children)
        wide = _float32(node, precision)
        own -= (node.odd + wide) * node.repeat
        other += (node.fixed + node.follows * width + 4 * wide) * node.repeat
        if smaller and node.quantized:
            features_in, features_out = node.facts["in"], node.facts["out"]
            count = features_in * features_out
            quantized += count * node.quantized
            own -= count * node.quantized
            size, added = _layer(precision, count, features_out)
            packed += size * node.quantized
            state += added * node.quantized
        rest += own
    return Weights(precision, quantized, rest, state, other, packed + state + rest * width + other)


def _float32(node: Node, precision: str) -> int:
    """Parameters of one module that stay float32. What int8 does not make smaller is loaded in float16."""
    if precision == "float32":
        return 0
    return node.strict + (node.half if precision == "int8" else 0)


def _layer(precision: str, count: int, rows: int) -> tuple[int, int]:
    """Bytes of one layer's packed weights, and of their scales and tables."""
    if precision == "int8":
        return count, 4 * rows
    scales = -(-count // BLOCK)
    if precision == "nf4":
        return -(-count // 2), 4 * scales + NF4_CODE
    return -(-count // 2), scales + 4 * -(-scales // NESTED_BLOCK) + NESTED_CODE + NF4_CODE


def countable(plan: Architecture) -> tuple[str, ...]:
    """The precisions whose bytes can be told: of a tree of names alone, none that asks for classes."""
    return PRECISIONS if plan.kind else PRECISIONS[:2]


def in_bytes(plan: Architecture) -> dict[str, int]:
    """Bytes in every precision that can be told."""
    return {precision: weights(plan, precision).total for precision in countable(plan)}


# -- the cache of keys and values --


def cache_per_token(plan: Architecture) -> int | None:
    """Bytes that one token adds while no window is full, in 2-byte numbers; None as `cache_bytes`."""
    return cache_bytes(plan, 1)


def cache_bytes(plan: Architecture, context: int, batch: int = 1) -> int | None:
    """Bytes of keys and values after ``context`` tokens; None where it is not told what is kept.

    A layer with a sliding window keeps the last window − 1 tokens (transformers' `DynamicCache`); layers of
    linear attention keep a state of fixed size, which is not counted. An encoder-decoder keeps the input's
    keys and values, too: counted as if the input were as long.
    """
    if not plan.shape.cache_known:
        return None
    twice = 2 if plan.shape.encoder_decoder else 1
    numbers = sum(run.layers * kept(run, context) * run.numbers for run in plan.shape.cache)
    return numbers * CACHE_WIDTH * batch * twice


def kept(run: CacheLayers, context: int) -> int:
    """Tokens that a layer remembers after ``context`` of them."""
    if not run.numbers:
        return 0
    return min(context, max(run.window - 1, 1)) if run.window else context


def expanded_cache_per_token(plan: Architecture) -> int:
    """Bytes a token of latent attention, were the keys and values of every head kept."""
    shape = plan.shape
    layers = sum(run.layers for run in shape.cache if run.numbers)
    return shape.heads * (shape.head_dim + shape.value_dim) * CACHE_WIDTH * layers if shape.latent else 0


# -- what fits where --


def usable(device: str, size: int) -> int:
    """Bytes of a device's memory that a model may take."""
    return int(size * SHARES.get(device, GPU_SHARE))


def needed(plan: Architecture, context: int, batch: int) -> dict[str, int]:
    """Bytes of weights and cache together, in every precision that can be told."""
    extra = cache_bytes(plan, context, batch) or 0
    return {precision: total + extra for precision, total in in_bytes(plan).items()}


# -- training --


@dataclass(frozen=True)
class Target:
    """Linear layers of one name that LoRA can adapt: ``layers`` of them, each ``features_in`` → ``out``."""

    name: str
    layers: int
    features_in: int
    features_out: int

    def added(self, rank: int) -> int:
        """Parameters of their adapters: a matrix A of rank × in and a matrix B of out × rank for each."""
        return self.layers * rank * (self.features_in + self.features_out)


@dataclass(frozen=True)
class Training:
    """Bytes that training takes, activations apart.

    Args:
        trained: parameters that change.
        base: bytes of weights that do not.
        optimizer: bytes of all that belongs to the trained ones.
    """

    method: str
    trained: int
    base: int
    optimizer: int

    @property
    def total(self) -> int:
        """Bytes of both."""
        return self.base + self.optimizer


def targets(plan: Architecture) -> list[Target]:
    """What peft's ``target_modules`` may name: linear layers by the last part of their path, no output head.

    Fused experts of a mixture are no linear layers in transformers 5, so peft does not reach them so.
    """
    found: list[Target] = []
    for _, node in plan.rows():
        linear = node.kind == "Conv1D" or node.kind.endswith("Linear")
        if linear and "in" in node.facts and not _is_head(node, plan):
            found.append(Target(node.name, node.repeat, node.facts["in"], node.facts["out"]))
    return found


def _is_head(node: Node, plan: Architecture) -> bool:
    return "." not in node.path and node.facts["out"] == plan.shape.vocabulary


def lora(plan: Architecture, rank: int, names: Sequence[str]) -> int:
    """Trainable parameters of LoRA, as ``peft`` counts them."""
    return sum(target.added(rank) for target in targets(plan) if target.name in names)


def usual_targets(plan: Architecture) -> list[str]:
    """What LoRA's authors adapt: queries and values, or where they are fused, what holds them."""
    names = dict.fromkeys(target.name for target in targets(plan))
    for wish in (("q_proj", "v_proj"), ("query", "value"), ("q", "v"), ("q_lin", "v_lin"), ("qkv_proj",),
                 ("c_attn",), ("query_key_value",), ("query_proj", "value_proj"),
                 ("q_b_proj", "kv_b_proj"), ("q_proj", "kv_b_proj")):  # fmt: skip
        if all(name in names for name in wish):
            return list(wish)
    return list(names)[:1]


def training(plan: Architecture, rank: int, names: Sequence[str]) -> list[Training]:
    """Full fine-tuning with AdamW, LoRA and QLoRA.

    A trained parameter takes 16 bytes: in mixed precision 2 for itself, 2 for its gradient, 4 for its
    float32 copy, 8 for Adam's two moments (Rajbhandari et al. 2020, ZeRO, section 3.1); an adapter in
    float32, 4 + 4 + 8.
    """
    added = lora(plan, rank, names)
    frozen = weights(plan, "bfloat16").total
    small = weights(plan, "nf4_double_quant").total
    return [
        Training("full", plan.parameters, 0, ADAM * plan.parameters),
        Training("lora", added, frozen, ADAM * added),
        Training("qlora", added, small, ADAM * added),
    ]


def activations(plan: Architecture, context: int, batch: int) -> int:
    """An estimate of what gradient checkpointing keeps: each layer's input in 2 bytes, logits in 4 and 4."""
    shape = plan.shape
    return batch * context * (shape.layers * shape.hidden * 2 + (shape.vocabulary * 8 if shape.writes else 0))
