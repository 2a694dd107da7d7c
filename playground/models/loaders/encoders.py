"""Sentence models, and encoders that become one by mean pooling (Reimers and Gurevych 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad
from playground.models.cache import Key, Progress
from playground.models.catalog import ModelCard
from playground.models.hub import parameters
from playground.models.loaders import formats, sizes, skeletons
from playground.models.loaders.causal import heard
from playground.models.loaders.formats import Format
from playground.models.loaders.places import check, explain_errors, imported
from playground.system import untrusted_json

WIDTHS = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2}  # bytes; the others have one
OURS = "sentence_transformers."  # modules.json names classes to import: no others


def format_of(card: ModelCard, path: Path, key: Key) -> Format:
    """The number format that a key's sentence model is computed in.

    Raises:
        CannotLoad: an architecture that transformers does not know, or a broken config.
    """
    with explain_errors(card, "broken_config"):
        return formats.of(*planned(card, path), path, key.device, key.dtype)


def planned(card: ModelCard, path: Path) -> tuple[Any, Any]:
    """A model's config and the class of its body, without a head.

    Raises:
        As `skeletons.read`.
    """
    config = skeletons.read(card, path)
    model = imported("transformers", "MODEL_MAPPING")[type(config)]
    return config, model[0] if isinstance(model, tuple) else model


def estimate(card: ModelCard, path: Path, key: Key) -> int:
    """Bytes of the weights in the number format that they are computed in; 0 where there are none."""
    tensors = skeletons.tensors_of(card, offline=True, anonymous=True)
    if tensors:
        return weighed(parameters(tensors), format_of(card, path, key).dtype)
    return sum(file.stat().st_size for file in path.glob("pytorch_model*.bin"))


def weighed(counts: Mapping[str, int], dtype: str) -> int:
    """Bytes of so many numbers of each of safetensors' types, the floating ones in another format."""
    import torch

    width = getattr(torch, dtype).itemsize
    return sum(
        count * (width if kind in formats.FLOATS else WIDTHS.get(kind, 1)) for kind, count in counts.items()
    )


def load(card: ModelCard, path: Path, key: Key, pickles: bool, progress: Progress) -> Any:
    """A ``SentenceTransformer``; one without pooling of its own gets the mean over the tokens.

    Raises:
        CannotLoad: no weights, broken ones, others than its card says, or code of its own.
    """
    import torch

    with explain_errors(card, "broken_weights"), heard(card.name, progress):
        safe = any(path.glob("*.safetensors"))
        if not safe and not any(path.glob("pytorch_model*.bin")):
            raise CannotLoad("no_weights", name=card.name)
        if not safe and not pickles:
            raise CannotLoad("pickles_only", name=card.name)
        if safe:
            check(card, path / "model.safetensors")
        listed = path / "modules.json"
        if listed.is_file() and not all(m["type"].startswith(OURS) for m in untrusted_json.read(listed)):
            raise CannotLoad("own_code", name=card.name)
        sizes.check_parts(path)
        config, kind = planned(card, path)
        skeletons.made(kind, config)  # in milliseconds, and what has no end has it here
        dtype = format_of(card, path, key).dtype
        model = imported("sentence_transformers", "SentenceTransformer")(
            str(path), device=key.device, trust_remote_code=False, local_files_only=True,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True if safe else None},
        )  # fmt: skip
        if model.tokenizer.pad_token is None:  # a language model's has none; batches need one
            model.tokenizer.pad_token = model.tokenizer.eos_token
        model.eval()
        model.requires_grad_(False)
        return model
