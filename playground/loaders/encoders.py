"""Sentence models, and encoders that become one by mean pooling (Reimers and Gurevych 2019)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playground.catalog import ModelCard
from playground.errors import CannotLoad
from playground.loaders.causal import heard
from playground.loaders.places import check, config_of, imported, told
from playground.models import Key, Progress

OURS = "sentence_transformers."  # modules.json names classes to import: no others


def estimate(path: Path) -> int:
    """Bytes of the weights' files: an encoder is loaded in float32, and most are stored so."""
    files = [*path.glob("*.safetensors")] or [*path.glob("pytorch_model*.bin")]
    return sum(file.stat().st_size for file in files)


def load(card: ModelCard, path: Path, key: Key, pickles: bool, progress: Progress) -> Any:
    """A ``SentenceTransformer``; one without pooling of its own gets the mean over the tokens.

    Raises:
        CannotLoad: no weights, broken ones, others than its card says, or code of its own.
    """
    import torch

    with told(card, "broken_weights"), heard(card, progress):
        safe = any(path.glob("*.safetensors"))
        if not safe and not any(path.glob("pytorch_model*.bin")):
            raise CannotLoad("no_weights", name=card.name)
        if not safe and not pickles:
            raise CannotLoad("pickles_only", name=card.name)
        if safe:
            check(card, path / "model.safetensors")
        listed = path / "modules.json"
        if listed.is_file() and not all(m["type"].startswith(OURS) for m in json.loads(listed.read_bytes())):
            raise CannotLoad("own_code", name=card.name)
        kind = config_of(path / "config.json").get("model_type")
        if kind not in imported("transformers", "CONFIG_MAPPING"):
            raise CannotLoad("unknown_architecture", name=card.name, kind=str(kind))
        model = imported("sentence_transformers", "SentenceTransformer")(
            str(path), device=key.device, trust_remote_code=False, local_files_only=True,
            model_kwargs={
                "dtype": getattr(torch, key.dtype or "float32"), "use_safetensors": True if safe else None,
            },
        )  # fmt: skip
        if model.tokenizer.pad_token is None:  # a language model's has none; batches need one
            model.tokenizer.pad_token = model.tokenizer.eos_token
        model.eval()
        model.requires_grad_(False)
        return model
