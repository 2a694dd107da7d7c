"""The learner's notebook, live: text → pieces → ids → a model's input → text; and batches with padding.

The book: chapter 2, "Downloading and Running an LLM"; the notes' ``tokenizer(text)`` walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.tokenize import Token, Tokenized, tokenize
from playground.errors import BadInput
from playground.system import cancellation

SIDES = ("left", "right")


@dataclass(frozen=True)
class Steps:
    """One sentence on its way into a model and back."""

    tokenized: Tokenized
    ids: list[int]
    attention_mask: list[int]
    tensor: str  # repr of the tensor that the model gets
    shape: str  # "torch.Size([1, n])"
    one_by_one: list[Token]
    whole: str  # decode(ids)


@dataclass(frozen=True)
class Batch:
    """Several sentences as one rectangle of ids, [sentences, longest]."""

    ids: list[list[int]]
    mask: list[list[int]]  # 1: look at it, 0: padding
    pieces: list[list[str]]
    side: str
    pad: str  # the padding token's spelling
    borrowed: bool  # the tokenizer has no padding token; this one stands in


def steps(adapter: Adapter, name: str, text: str, special: bool = True, limit: int = 512) -> Steps:
    """Every step for one sentence; the first ``limit`` tokens of a long one are spelled out."""
    import torch

    tokenized = tokenize(adapter, name, text, special)
    ids = tokenized.encoded.ids[:limit].tolist()
    tensor = torch.tensor([tokenized.encoded.ids.tolist()], dtype=torch.int64)
    return Steps(
        tokenized,
        ids,
        [1] * len(ids),
        repr(tensor),
        repr(tensor.shape),
        list(tokenized.tokens(0, limit)),
        adapter.decode(tokenized.encoded.ids.tolist()),
    )


def batch(adapter: Adapter, texts: Sequence[str], side: str = "right", special: bool = True) -> Batch:
    """Pad sentences to one length, at the right (encoders) or the left (models that write on).

    A tokenizer without a padding token borrows its end-of-text token, as most recipes do.

    Args:
        side: "left" or "right".

    Raises:
        BadInput: another side.
    """
    if side not in SIDES:
        raise BadInput("side_unknown", side=str(side)[:40])
    named = adapter.specials()
    pad = named.get("pad", named.get("eos", named.get("unk", 0)))
    rows = [adapter.encode(text, special).ids.tolist() for text in cancellation.asking(texts)]
    longest = max(map(len, rows), default=0)
    fill = [longest - len(row) for row in rows]

    def padded(row: list[int], blank: int, value: int) -> list[int]:
        return row + [value] * blank if side == "right" else [value] * blank + row

    ids = [padded(row, blank, pad) for row, blank in zip(rows, fill, strict=True)]
    return Batch(
        ids,
        [padded([1] * len(row), blank, 0) for row, blank in zip(rows, fill, strict=True)],
        [[adapter.piece(id).piece for id in row] for row in ids],
        side,
        adapter.piece(pad).piece,
        "pad" not in named,
    )


def lengths(texts: Sequence[str], adapter: Adapter) -> list[tuple[int, int]]:
    """Of each text: its tokens, special ones left out, and how many of them are unknown."""
    found = [adapter.encode(text, special=False).ids.tolist() for text in cancellation.asking(texts)]
    return [(len(ids), sum(adapter.piece(id).kind == "unknown" for id in ids)) for ids in found]
