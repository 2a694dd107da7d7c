"""What a model's tensors take: counted exactly once loaded, predicted exactly before.

Counting goes by unique storage: tied weights share one (their names count twice in a state dict), packed
4-bit weights keep their scales outside of any parameter (``get_memory_footprint`` leaves them out), and the
resident set of the process lies under memory-mapped files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

BLOCK = 64  # weights that share a scale in NF4 (bitsandbytes' default)
NESTED_BLOCK = 256  # scales that share a scale of their own, under double quantization
NF4_CODE = 16 * 4  # bytes of the table of the sixteen values
NESTED_CODE = 256 * 4 + 4  # bytes of the table that the scales are written in, and their mean


def measured(model: Any) -> int:
    """Bytes of every tensor that a module holds: parameters, buffers, and the state of quantized layers."""
    sizes: dict[tuple[str, int], int] = {}
    for tensor in _tensors(model):
        storage = tensor.untyped_storage()
        sizes[str(tensor.device), storage.data_ptr()] = storage.nbytes()
    return sum(sizes.values())


def _tensors(model: Any) -> Iterator[Any]:
    yield from model.buffers()
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            yield parameter
            yield from _held(parameter)  # bitsandbytes: `quant_state`, or ``CB`` and ``SCB``
        yield from _held(getattr(module, "state", None))  # bitsandbytes' 8-bit layers
        yield from _held(getattr(module, "quant_state", None))


def _held(thing: Any, depth: int = 3) -> Iterator[Any]:
    """Tensors among the attributes of an object, and of the objects of bitsandbytes in there."""
    import torch

    for value in vars(thing).values() if hasattr(thing, "__dict__") else ():
        if isinstance(value, torch.Tensor):
            yield value
        elif depth and type(value).__module__.startswith("bitsandbytes") and not hasattr(value, "parameters"):
            yield from _held(value, depth - 1)


def predicted(skeleton: Any, dtype: str, quantization: str = "", *, double: bool = True) -> int:
    """Bytes that a model will take, from its skeleton on the meta device.

    Args:
        skeleton: a module without weights (a tied one counts once), its parameters in ``dtype`` or, as a
            stand-in for it, in float16.
        dtype: number format of what is not quantized.
        quantization: ``int8``, ``nf4`` or "".
        double: NF4's scales are quantized themselves (QLoRA's double quantization).

    With L weights in a quantized layer of r rows: int8 takes L + 4r bytes; NF4 ⌈L/2⌉, and for its scales
    4·⌈L/64⌉, or under double quantization ⌈L/64⌉ + 4·⌈⌈L/64⌉/256⌉, and its tables (Dettmers et al. 2023).
    """
    import torch

    width, halves = getattr(torch, dtype).itemsize, (torch.float16, torch.bfloat16)
    wide = kept(skeleton, dtype)
    size: int = sum(b.numel() * (4 if id(b) in wide else b.element_size()) for b in skeleton.buffers())
    quantized = {id(module.weight): module for _, module in linears(skeleton)} if quantization else {}
    for parameter in skeleton.parameters():
        count = parameter.numel()
        if id(parameter) not in quantized:
            own = width if parameter.dtype in halves else parameter.element_size()
            size += count * (4 if id(parameter) in wide else own)
        elif quantization == "int8":
            size += count + 4 * shape_of(quantized[id(parameter)])[1]
        else:
            scales = -(-count // BLOCK)
            nested = scales + 4 * -(-scales // NESTED_BLOCK) + NESTED_CODE
            size += -(-count // 2) + (nested if double else 4 * scales) + NF4_CODE
    return size


def kept(model: Any, dtype: str) -> frozenset[int]:
    """Which tensors transformers keeps in float32 when it loads a model in a format of 16 bits, by `id`.

    A class names them: in ``_keep_in_fp32_modules_strict`` for both formats, in ``_keep_in_fp32_modules``
    for float16 alone, as patterns that are looked for anywhere in a tensor's path. What a file does not
    hold (buffers that are made anew) is not cast by them.
    """
    named: list[str] = []
    if dtype in ("float16", "bfloat16"):
        named += getattr(model, "_keep_in_fp32_modules_strict", None) or []
    if dtype == "float16":
        named += getattr(model, "_keep_in_fp32_modules", None) or []
    if not named:
        return frozenset()
    wanted = re.compile("|".join(f"(?:{name.replace('*', '.*')})" for name in named))
    held = model.state_dict(keep_vars=True)
    return frozenset(id(t) for path, t in held.items() if wanted.search(path) and t.is_floating_point())


def linears(skeleton: Any) -> list[tuple[str, Any]]:
    """The layers that bitsandbytes quantizes, by path: all linear ones but the output head and tied ones.

    Experts of a mixture are no linear layers in transformers 5 (one tensor holds them all), and stay as
    they are.
    """
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D
    from transformers.quantizers.base import get_keys_to_not_convert
    from transformers.quantizers.quantizers_utils import should_convert_module

    skipped = get_keys_to_not_convert(skeleton)
    skipped += getattr(skeleton, "_keep_in_fp32_modules", None) or []
    return [
        (path, module)
        for path, module in skeleton.named_modules()
        if (type(module) is Linear or isinstance(module, Conv1D)) and should_convert_module(path, skipped)
    ]


def shape_of(linear: Any) -> tuple[int, int]:
    """(in_features, out_features) of a linear layer; GPT-2's ``Conv1D`` keeps its weight the other way."""
    rows, columns = linear.weight.shape
    return (columns, rows) if hasattr(linear, "in_features") else (rows, columns)


def unpackable(skeleton: Any) -> tuple[str, int, int] | None:
    """The first layer that NF4's packed form for CPUs with AVX512-BF16 cannot hold: path, in, out.

    bitsandbytes packs 32 rows and 64 columns together, and fails in the first forward pass otherwise.
    """
    for path, module in linears(skeleton):
        features_in, features_out = shape_of(module)
        if features_in % BLOCK or features_out % 32:
            return path, features_in, features_out
    return None
