"""What fewer bits change: how far the distribution of the next token moves, and how fast a token comes.

``KL(P ‖ Q) = Σ p log₂(p / q)`` in bits: what it costs to expect Q where the full precision says P (Kullback
and Leibler 1951); 0 where nothing moved.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.engine.generation import compat
from playground.engine.in_turn import explain_out_of_memory
from playground.engine.interruptible import interruptible
from playground.errors import PlaygroundError
from playground.models.cache import Loaded
from playground.rooms.decoding.experiments import calm, settle

PRECISIONS = ("float32", "bfloat16", "int8", "nf4")


@dataclass(frozen=True)
class Moved:
    """How far distributions moved, over all positions of all prompts.

    Args:
        mean, worst: KL from full precision, in bits.
        agree: share of the positions where the likeliest token stayed the same.
    """

    mean: float
    worst: float
    agree: float
    positions: int


@dataclass(frozen=True)
class Measured:
    """One precision; ``refused`` is why it cannot be had here (a key and values of an error), or None."""

    name: str
    bytes: int = 0
    step: float = 0.0
    moved: Moved | None = None
    refused: tuple[str, dict[str, Any]] | None = None


def distributions(loaded: Loaded, prompts: Sequence[Sequence[int]]) -> Iterator[np.ndarray]:
    """log p of the next token at every position of each prompt: float32 [positions, vocabulary].

    Raises:
        PlaygroundError: ``logits_not_finite`` (name). DoesNotFit: ``reading_out_of_memory`` (name, tokens).
    """
    import torch

    for ids in prompts:
        with (
            explain_out_of_memory(loaded, len(ids)), calm(loaded), interruptible(loaded.model),
            torch.inference_mode(),
        ):  # fmt: skip
            made = loaded.model(input_ids=torch.tensor([list(ids)], device=loaded.model.device))
            found = made.logits[0].float().log_softmax(-1).cpu().numpy()
        if np.isnan(found).any():
            raise PlaygroundError("logits_not_finite", name=loaded.card.name)
        yield found


def moved(full: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> Moved:
    """How far ``other`` is from ``full``; both log-probabilities, of equal shapes."""
    found, same = list[float](), list[bool]()
    for p, q in zip(full, other, strict=True):
        for row, its in zip(p, q, strict=True):
            wide = row.astype(np.float64)
            share = np.exp(wide)
            terms = np.where(share > 0, share * (wide - its), 0.0)
            found.append(max(float(terms.sum() / np.log(2)), 0.0))  # rounding may fall below; NaN stays NaN
            same.append(int(row.argmax()) == int(its.argmax()))
    return Moved(sum(found) / len(found), max(found), sum(same) / len(same), len(found))


def pace(loaded: Loaded, ids: Sequence[int], count: int = 5) -> Iterator[list[float]]:
    """Milliseconds of single tokens after a prompt, with the cache where the model has one.

    Raises:
        DoesNotFit: ``reading_out_of_memory`` (name, tokens).
    """
    import torch

    model, times = loaded.model, list[float]()
    with (
        explain_out_of_memory(loaded, len(ids) + count + 1), calm(loaded), interruptible(loaded.model),
        torch.inference_mode(),
    ):  # fmt: skip
        tokens = torch.tensor([list(ids)], device=model.device)
        made = model(input_ids=tokens, use_cache=True)
        for _ in range(count + 1):
            past = compat.returned_cache(made)
            token = made.logits[:, -1:].argmax(-1)
            tokens = torch.cat([tokens, token], 1)
            settle(loaded)
            began = time.perf_counter()
            if past is None:
                made = model(input_ids=tokens)
            else:
                made = model(input_ids=token, **compat.with_cache(model, past))
            settle(loaded)
            times.append(1000 * (time.perf_counter() - began))
    yield times[1:]


def middle(times: Sequence[float]) -> float:
    """The median."""
    return statistics.median(times)
