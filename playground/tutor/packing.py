"""Documents packed into batches: batch number n is the same on every machine and after every resume."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np

from . import corpus
from .document import Document
from .shape import PAD_ID
from .tokenizer import encode

TOKENS = 4096  # places in a batch
_WHOLE = 0.1  # share of conversations in which questions are learned as well


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows of packed documents. All arrays have the shape (rows, length)."""

    ids: np.ndarray[Any, np.dtype[np.int64]]
    owner: np.ndarray[Any, np.dtype[np.int64]]  # which document a place belongs to; -1: padding
    learned: np.ndarray[Any, np.dtype[np.bool_]]  # whether the place's token is a target


def length_of(step: int) -> int:
    """Row length of a step: mostly short, now and then long, so that the whole context is learned."""
    return {5: 512, 13: 1024}.get(step % 16, 256)


def batch(step: int, tokenizer: Any, seed: int = corpus.SEED, tokens: int = TOKENS) -> Batch:
    """Batch number `step`."""
    rng = random.Random(f"{seed}/{step}")
    length = length_of(step)
    rows = tokens // length
    ids = np.full((rows, length), PAD_ID, dtype=np.int64)
    owner = np.full((rows, length), -1, dtype=np.int64)
    learned = np.zeros((rows, length), dtype=np.bool_)
    used = [0] * rows
    count = misses = 0
    while misses < 12:
        start_long = length > 256 and count < rows // 2
        document = _long(length, rng) if start_long else corpus.document(rng)
        tokens_of, targets = encode(document, tokenizer, rng.random() < _WHOLE)
        row = next((row for row in range(rows) if length - used[row] >= len(tokens_of)), None)
        if row is None:
            misses += 1
            continue
        place = slice(used[row], used[row] + len(tokens_of))
        ids[row, place], owner[row, place], learned[row, place] = tokens_of, count, targets
        used[row] += len(tokens_of)
        count += 1
    return Batch(ids, owner, learned)


def _long(length: int, rng: random.Random) -> Document:
    return corpus.long_conversation(rng, length // 40)


def held_out_batches(tokenizer: Any, count: int, seed: int, tokens: int = TOKENS) -> list[Batch]:
    """Batches of another seed, for the held-out loss."""
    return [batch(step, tokenizer, seed, tokens) for step in range(count)]
