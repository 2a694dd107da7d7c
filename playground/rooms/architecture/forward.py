"""A real forward pass, watched: the shape, mean and spread of what each part of a model puts out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.engine.hooks import hooks
from playground.engine.interruptible import interruptible

MOST = 400  # rows
LAYER = re.compile(r"(.*\.)?(layers?|h|block|blocks)\.\d+")


@dataclass(frozen=True)
class Watched:
    """What one module put out.

    Args:
        shape: of its (first) tensor.
        mean, spread: over all its numbers; the spread is the standard deviation.
        layer: whether it is a whole layer of the stack.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    spread: float
    dtype: str
    layer: bool


def watch(model: Any, ids: Sequence[int]) -> list[Watched]:
    """One forward pass over a batch of one sentence; a row for each module that put a tensor out, in order.

    Args:
        model: a transformers model with weights; of a shared one it must be our turn (`in_turn.in_line`).
        ids: token ids within its vocabulary.
    """
    import torch

    found: list[Watched] = []

    def heard(path: str, kind: str) -> Any:
        def hook(module: Any, given: Any, out: Any) -> None:
            tensor = _tensor(out)
            if tensor is None or len(found) >= MOST:
                return
            numbers = tensor.detach().float()
            mean, spread = numbers.mean().item(), numbers.std(correction=0).item()
            found.append(
                Watched(
                    path, kind, tuple(tensor.shape), mean, spread, str(tensor.dtype).removeprefix("torch."),
                    bool(LAYER.fullmatch(path)),
                )
            )  # fmt: skip

        return hook

    with hooks() as ours, interruptible(model), torch.inference_mode():
        for path, module in model.named_modules():
            if path and _told(path, module):
                ours.after(module, heard(path, type(module).__name__))
        given = torch.tensor([list(ids)], dtype=torch.long, device=next(model.parameters()).device)
        more = {"decoder_input_ids": given} if model.config.is_encoder_decoder else {}
        model(input_ids=given, **more)
    return found


def _tensor(out: Any) -> Any:
    import torch

    if isinstance(out, torch.Tensor):
        return out if out.is_floating_point() else None
    if isinstance(out, tuple | list):
        return next((t for each in out if (t := _tensor(each)) is not None), None)
    return None


def _told(path: str, module: Any) -> bool:
    """Whole layers, what stands outside of them, and the inside of the first: the others are alike."""
    parts = path.split(".")
    numbers = [part for part in parts if part.isdigit()]
    if not numbers:
        return not any(True for child in module.children() if type(child).__name__ == "ModuleList")
    return bool(LAYER.fullmatch(path)) or (numbers[0] == "0" and bool(module._parameters))


@dataclass(frozen=True)
class Held:
    """Where a loaded model's parts are, and in which format."""

    name: str
    kind: str
    parameters: int
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    bytes: int


def held(model: Any) -> list[Held]:
    """The parts of a loaded model by name: number formats, devices and bytes, quantization state included.

    Packed weights count as what they stand for: two in each byte of NF4.
    """
    from playground.models.weights import measured

    rows = []
    for name, part in model.named_children():
        inner = [
            (each, child) for each, child in part.named_children() if any(True for _ in child.parameters())
        ]
        for inside, child in inner if len(inner) > 1 else [("", part)]:
            tensors = list(child.parameters())
            if not tensors:
                continue
            count = sum(_count(tensor) for tensor in tensors)
            rows.append(
                Held(
                    f"{name}.{inside}".strip("."), type(child).__name__, count,
                    tuple(dict.fromkeys(str(t.dtype).removeprefix("torch.") for t in tensors)),
                    tuple(dict.fromkeys(t.device.type for t in tensors)), measured(child),
                )
            )  # fmt: skip
    return rows


def _count(tensor: Any) -> int:
    state = getattr(tensor, "quant_state", None)
    return math.prod(state.shape) if state is not None else int(tensor.numel())
