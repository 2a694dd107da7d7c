"""Kept rows of logits: each in memory of its own, so that what is kept costs what it takes and no more.

A row is some dozen kilobytes, made between two passes whose temporary tensors are tens of megabytes. Left on
the heap where it was made, it keeps the heap from shrinking: the allocator gives back only what lies above
the last thing that is still used. So what is kept is copied into pages that are mapped for it alone, and
which go back to the machine the moment it goes.
"""

from __future__ import annotations

import mmap
from itertools import accumulate

import numpy as np

from playground.engine.generation.logits import PromptScores, Row
from playground.system.lru import LRU

MOST_BYTES = 2**27  # of all kept rows
OBJECTS = 1024  # bytes of the Python objects around one, about


class _Packed:
    """A row in pages of its own: its logits, ids and what was heard, one behind the other."""

    def __init__(self, row: Row) -> None:
        columns = [row.logits.numpy(), np.array(row.ids, np.int64)]
        if row.prompt_scores is not None:
            columns += [row.prompt_scores.log_probabilities, row.prompt_scores.ranks]
        # Each begins at a whole number of eight bytes, as the widest of their numbers wants it.
        *begins, end = accumulate((-(-each.nbytes // 8) * 8 for each in columns), initial=0)
        self._pages = mmap.mmap(-1, max(end, 1))
        self._columns = [self._copied(each, at) for each, at in zip(columns, begins, strict=True)]
        self._told = (row.hidden, row.hidden_size, row.reused)
        self.bytes = -(-len(self._pages) // mmap.PAGESIZE) * mmap.PAGESIZE + OBJECTS

    def _copied(self, column: np.ndarray, at: int) -> np.ndarray:
        own = np.frombuffer(self._pages, column.dtype, column.size, at)
        own[:] = column
        return own

    def row(self) -> Row:
        """As it was given. Its logits are these pages, which stay as long as somebody has them."""
        import torch

        logits, ids, *prompt_scores = self._columns
        return Row(
            tuple(ids.tolist()),
            torch.from_numpy(logits),
            *self._told,
            PromptScores(*prompt_scores) if prompt_scores else None,
        )


class Rows:
    """Kept rows, least recently used first; those that are too many go. Shared by all visitors.

    Args:
        most_bytes: of all of them, in whole pages.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._rows: LRU[_Packed] = LRU(most_bytes, least=1)

    def get(self, name: str) -> Row | None:
        """What `next_token.name_of` named, if it is still here."""
        found = self._rows.get(name)
        return None if found is None else found.row()

    def put(self, name: str, row: Row) -> None:
        """Keep it, others may go for it."""
        packed = _Packed(row)
        self._rows.put(name, packed, packed.bytes)

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self._rows.size

    def __len__(self) -> int:
        return len(self._rows)
