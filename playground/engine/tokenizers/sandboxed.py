"""A stranger's tokenizer, in a process of its own (`playground.models.sandbox`), as a `Adapter`.

The vocabulary comes over once and as columns, so that a piece costs no way there and back; all that runs the
tokenizer is asked of the child, which answers with the very readers that all others have in this process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from playground.engine.tokenizers.adapter import NOTHING, Adapter, Encoded, Own
from playground.engine.tokenizers.pieces import Ints, Kind, Piece
from playground.engine.tokenizers.spelling import Spelling
from playground.errors import BadInput
from playground.models.sandbox import wire
from playground.models.sandbox.tokenizer import ConfinedTokenizer

log = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = ("text", "special", "byte", "unknown")


class ConfinedAdapter(Adapter):
    """What every panel asks of a tokenizer, of one in another process."""

    def __init__(self, tokenizer: ConfinedTokenizer) -> None:
        super().__init__(tokenizer)
        told = tokenizer.told
        self.algorithm, self.size = str(told["algorithm"]), int(told["size"])
        self.keeps_bytes = bool(told["keeps_bytes"])
        self.spelling = Spelling(**told["spelling"])
        self.parts = {name: [{"type": kind} for kind in kinds] for name, kinds in told["parts"].items()}
        self.own = Own(**{**told["own"], "silent": tuple(told["own"]["silent"])})
        self._specials = {str(name): int(id) for name, id in told["specials"].items()}
        self._last = int(told["last"])
        self._fetching = threading.Lock()
        self._vocabulary: _Vocabulary | None = None

    @property
    def last(self) -> int:
        return self._last

    def ask(
        self, what: str, arguments: wire.Message, columns: wire.Columns | None = None, *, characters: int = 0
    ) -> tuple[wire.Message, dict[str, np.ndarray]]:
        """See `ConfinedTokenizer.ask`."""
        answer: tuple[wire.Message, dict[str, np.ndarray]] = self.tokenizer.ask(
            what, arguments, columns, characters=characters
        )
        return answer

    def encode(self, text: str, special: bool = True) -> Encoded:
        asked = {"text": text, "special": special}
        _, columns = self.ask("encode", asked, characters=len(text))
        ids, starts, ends = (columns[name] for name in ("ids", "starts", "ends"))
        _check(len(ids) == len(starts) == len(ends) == len(columns["added"]))
        if len(ids):
            _check(ids.min() >= 0 and starts.min() >= 0 and ends.max() <= len(text))
            _check((np.diff(starts) >= 0).all() and (np.diff(ends) >= 0).all() and (starts <= ends).all())
        return Encoded(ids, starts, ends, columns["added"] != 0)

    def decode(self, ids: list[int]) -> str:
        if ids and not (min(ids) >= 0 and max(ids) < 2**31):
            raise BadInput("id_outside", id=min(ids) if min(ids) < 0 else max(ids), last=max(self.last, 0))
        answer, _ = self.ask("decode", {}, {"ids": np.array(ids, np.int32)}, characters=len(ids))
        return str(answer["text"])

    def normalized(self, text: str) -> str:
        answer, _ = self.ask("normalized", {"text": text}, characters=len(text))
        return str(answer["text"])

    def specials(self) -> dict[str, int]:
        return dict(self._specials)

    def vocabulary(self) -> Iterable[int]:
        ids: list[int] = self._entries().ids.tolist()
        return ids

    def _piece(self, id: int) -> Piece:
        return self._entries().piece(id)

    def _entries(self) -> _Vocabulary:
        with self._fetching:
            if self._vocabulary is None:
                _, columns = self.ask("vocabulary", {}, characters=4 * self.size)
                self._vocabulary = _Vocabulary(columns)
        return self._vocabulary


class _Vocabulary:
    """All entries, as columns: a hundred thousand objects are made only of those that are looked at."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self.ids: Ints = columns["ids"]
        self._kinds = columns["kinds"]
        self._pieces = _Texts(columns["pieces"], columns["piece_lengths"])
        self._bytes = _Texts(columns["bytes"], columns["byte_lengths"])
        _check(len(self.ids) == len(self._kinds) == len(self._pieces) == len(self._bytes))
        _check(not len(self.ids) or (self.ids[0] >= 0 and (np.diff(self.ids) > 0).all()))
        _check(not len(self.ids) or self._kinds.max() < len(KINDS))

    def piece(self, id: int) -> Piece:
        row = int(np.searchsorted(self.ids, id))
        if row == len(self.ids) or self.ids[row] != id:
            return NOTHING
        return Piece(self._pieces[row].decode("utf-8", "replace"), self._bytes[row], KINDS[self._kinds[row]])


class _Texts:
    """Byte strings, one after the other."""

    def __init__(self, joined: np.ndarray, lengths: np.ndarray) -> None:
        _check(not len(lengths) or lengths.min() >= 0)
        self._edges = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        _check(self._edges[-1] == len(joined))
        self._joined = joined.tobytes()

    def __len__(self) -> int:
        return len(self._edges) - 1

    def __getitem__(self, row: int) -> bytes:
        return self._joined[self._edges[row] : self._edges[row + 1]]


def _check(holds: Any) -> None:
    """What a child answers is not trusted: columns that do not fit together go no further."""
    if not holds:
        raise RuntimeError("the answer of a tokenizer's process does not fit together")
