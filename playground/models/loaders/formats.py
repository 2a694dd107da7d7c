"""The number format of a model: what its checkpoint says, and what it is computed in here.

transformers' ``dtype="auto"`` takes what config.json says (``dtype``, ``torch_dtype`` in older files; of a
config with parts, the part that the class reads); where it says nothing, what the index of the shards says;
and else the type of the first floating tensor of the first file. The same is read here beforehand, from the
files' headers: the bytes are to be known before anything is loaded, and which formats are worth offering
(`playground.models.loaders.offers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.models import devices
from playground.models.catalog import ModelCard
from playground.models.gguf import header as gguf_header
from playground.models.loaders.places import config_of, imported
from playground.models.loaders.skeletons import of_text
from playground.system import untrusted_json

# safetensors' names of types → torch's. In 8 bits or fewer no model is made as a whole: they are passed over.
FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
WIDEST = "float32"  # taken for what cannot be known before the weights are here: never too few bytes


@dataclass(frozen=True)
class Format:
    """How a model is computed.

    Args:
        dtype: as torch names it; of a quantized model, what is not quantized.
        stored: what the checkpoint says.
    """

    dtype: str
    stored: str


def packed(card: ModelCard, device: str) -> Format | None:
    """What the weights of a quantized GGUF file are, and what they are computed in; None for other models.

    Raises:
        CannotLoad: a file that cannot be read.
    """
    if not card.origin:
        return None
    header = gguf_header.read(Path(card.origin), card.name)
    if header.main_kind in FLOATS or not header.main_kind:
        return None
    return Format(devices.unpacked(header.parameters, device), header.main_kind)


def of(config: Any, kind: Any, path: Path, device: str, asked: str = "") -> Format:
    """What a model is computed in.

    Args:
        config: transformers' config object.
        kind: the class that is loaded: of a config with parts it reads one.
        path: the folder of its files; where the weights are not here yet, the config alone tells.
        asked: a format that somebody chose, or "".
    """
    says = stored(config, kind, path)
    return Format(asked or devices.computed(says or WIDEST, device), says)


def stored(config: Any, kind: Any, path: Path) -> str:
    """What transformers' ``dtype="auto"`` takes; "" where only weights that are not here could tell."""
    says = getattr(of_text(config, kind), "dtype", None)
    return str(says).removeprefix("torch.") if says is not None else _of_weights(path)


def _of_weights(path: Path) -> str:
    for weight in ("model.safetensors", "pytorch_model.bin"):
        file, index = path / weight, path / f"{weight}.index.json"
        if not file.is_file() and index.is_file():
            listed = config_of(index, untrusted_json.LONGEST_INDEX)
            says = (listed.get("metadata") or {}).get("dtype")
            if says:
                return str(says).removeprefix("torch.")
            file = path / min(listed["weight_map"].values())
        if file.is_file():
            return _of_file(file)
    return ""


def _of_file(file: Path) -> str:
    """The type of the first floating tensor, in the order that transformers reads them in."""
    if file.suffix == ".safetensors":
        with imported("safetensors", "safe_open")(file, "pt") as found:
            types = (FLOATS.get(found.get_slice(name).get_dtype(), "") for name in found.keys())  # noqa: SIM118
            return next(filter(None, types), WIDEST)
    import torch

    # Only reached where the owner allows pickles, and weights_only runs nothing of them.
    for each in torch.load(file, map_location="meta", weights_only=True, mmap=True).values():
        if each.is_floating_point():
            return str(each.dtype).removeprefix("torch.")
    return WIDEST
