"""How surprised a model is by a text: e to the mean of −ln p over its tokens (book, chapter 12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playground.engine.generation import logits
from playground.engine.generation.generate import Reading, Waiting
from playground.engine.generation.prompts import prompt_ids
from playground.models.cache import Loaded


@dataclass(frozen=True)
class Surprise:
    """What was measured: over how many tokens, and their perplexity; None where none has a probability."""

    tokens: int
    perplexity: float | None


def measure(loaded: Loaded, text: str, limit: int) -> Iterator[Waiting | Reading | Surprise]:
    """One forward pass over a text.

    Raises:
        BadInput: as `prompt_ids` and `logits.check`.
    """
    ids, _ = prompt_ids(loaded, text, limit)
    for state in logits.look(loaded, ids, score_prompt=True):
        if not isinstance(state, logits.Row):
            yield state
            continue
        scores = state.prompt_scores
        yield Surprise(len(ids), scores.perplexity if scores else None)
