"""What each setting does to the probabilities of one position, filter by filter, in transformers' order.

The order is that of ``generate`` (``_get_logits_processor``): penalty for repetition → temperature → top-k →
top-p → min-p; softmax in float32 over the whole vocabulary, after the last one. Which filter took a token
out is told by the first stage after which its probability is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from playground.engine.generation.sampling import Settings, processors

# Each setting, by the class of transformers that applies it.
ORDER = (
    ("repetition_penalty", "RepetitionPenaltyLogitsProcessor"),
    ("temperature", "TemperatureLogitsWarper"),
    ("top_k", "TopKLogitsWarper"),
    ("top_p", "TopPLogitsWarper"),
    ("min_p", "MinPLogitsWarper"),
)
NEUTRAL = {"repetition_penalty": 1.0, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


@dataclass(frozen=True)
class Stage:
    """The distribution after one filter.

    Args:
        name: the setting; ``logits`` before all, ``argmax`` where nothing is drawn.
        processor: transformers' class, "" where there is none.
        value: of the setting.
        active: False: neutral, or without effect since nothing is drawn; transformers leaves it out.
        left: tokens whose probability is above 0.
        entropy: of the distribution, in bits.
        shown: probabilities of the tokens asked for.
    """

    name: str
    processor: str
    value: float
    active: bool
    left: int
    entropy: float
    shown: list[float]


def filtered(logits: Any, settings: Settings, before: Sequence[int] = ()) -> np.ndarray:
    """Probabilities that a token is drawn with, float32 [vocabulary]; at temperature 0, 1 for one token.

    Args:
        logits: tensor or array [vocabulary], raw.
        before: all ids before this position, for the penalty.
    """
    return _walk(logits, settings, before)[-1][1]


def stages(logits: Any, settings: Settings, before: Sequence[int], shown: Sequence[int]) -> list[Stage]:
    """The way from the raw logits to the probabilities of the draw.

    Args:
        logits: tensor or array [vocabulary], raw.
        shown: ids whose probabilities every stage tells.
    """
    found = []
    for name, chances, active in _walk(logits, settings, before):
        positive = chances[chances > 0].astype(np.float64)
        entropy = float(-(positive * np.log2(positive)).sum())
        processor = dict(ORDER).get(name, "")
        value = float(getattr(settings, name)) if processor else 0.0
        probabilities = [float(chances[id]) for id in shown]
        found.append(Stage(name, processor, value, active, len(positive), abs(entropy), probabilities))
    return found


def removed_by(logits: Any, settings: Settings, before: Sequence[int], id: int) -> str:
    """The first filter that took a token out of the draw, as `Stage` names it; "" if it can be drawn.

    Args:
        logits: tensor or array [vocabulary], raw.
    """
    for name, chances, _ in _walk(logits, settings, before):
        if chances[id] == 0:
            return name
    return ""


def _walk(logits: Any, settings: Settings, before: Sequence[int]) -> list[tuple[str, np.ndarray, bool]]:
    """Each stage: its name, the probabilities [vocabulary] after it, and whether it changed anything."""
    import torch

    row = torch.as_tensor(logits).detach().cpu().float()
    scores, ids = row[None], torch.tensor([list(before)], dtype=torch.long)
    found = [("logits", _softmax(scores), True)]
    for name, _ in ORDER:
        alone = replace(settings, **{**NEUTRAL, name: getattr(settings, name)})
        if name != "temperature":
            alone = replace(alone, temperature=0.0 if name == "repetition_penalty" else 1.0)
        skip = settings.greedy and name != "repetition_penalty"
        active = [] if skip else processors(alone)
        for process in active:
            scores = process(ids, scores)
        found.append((name, _softmax(scores), bool(active)))
    if settings.greedy:
        chosen = np.zeros(row.shape[0], np.float32)
        chosen[int(scores.argmax())] = 1
        found.append(("argmax", chosen, True))
    return found


def _softmax(scores: Any) -> np.ndarray:
    made: np.ndarray = scores[0].softmax(-1).numpy()
    return made
