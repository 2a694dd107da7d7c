"""Any ``tokenizer.json``: BPE, WordPiece, Unigram and WordLevel, as the ``tokenizers`` library runs them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from playground.subjects import pieces
from playground.subjects.pieces import Ints, Piece
from playground.subjects.reading import NOTHING, Encoded, Reader, refusals

HIGHEST = 2**31 - 1  # ids are columns of int32


class HuggingFaceReader(Reader):
    """Any ``tokenizer.json``."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.backend = tokenizer.backend_tokenizer
        self.backend.no_truncation()  # some files switch both on (MiniLM: 128)
        self.backend.no_padding()
        self.parts = {
            name: part(getattr(self.backend, name))
            for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder")
        }
        self._ids = sorted(set(self.backend.get_vocab(with_added_tokens=True).values()))
        self.size = len(self._ids)
        if self.last > HIGHEST:
            raise OverflowError(self.last)
        added = self.backend.get_added_tokens_decoder()
        self._added = {id: token.content for id, token in added.items()}
        self._special = {id for id, token in added.items() if token.special}
        self._special.update(tokenizer.all_special_ids)
        self._unknown = self._find_unknown()
        self._special.discard(self._unknown)
        self._spelling = self._find_spelling()
        model = type(self.backend.model).__name__
        fallback = getattr(self.backend.model, "byte_fallback", False)
        self.keeps_bytes = self._spelling == "byte_level" or bool(fallback)
        self.algorithm = model
        if model == "BPE":
            self.algorithm = (
                "byte-level BPE"
                if self._spelling == "byte_level"
                else "BPE with byte fallback"
                if fallback
                else "BPE"
            )

    def _find_unknown(self) -> int:
        """The id that stands for what the vocabulary lacks; -1 where there is none."""
        spelled = getattr(self.backend.model, "unk_token", None)  # of Unigram: only in the JSON
        if spelled is None and type(self.backend.model).__name__ == "Unigram":
            unknown = _state(self.backend.model).get("unk_id")
        else:
            unknown = self.backend.token_to_id(spelled) if spelled is not None else None
        # GPT-2's kin name their end of text here too, though nothing is unknown to bytes.
        ends = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return -1 if unknown is None or unknown in ends else int(unknown)

    def _find_spelling(self) -> str:
        named = ("decoder", "pre_tokenizer", "normalizer")
        kinds = {each["type"] for name in named for each in self.parts[name]}
        model = self.backend.model
        if "ByteLevel" in kinds:
            return "byte_level"
        if type(model).__name__ == "WordPiece":
            return "wordpiece"
        replaces = [each for each in self.parts["decoder"] if each["type"] == "Replace"]
        if "Metaspace" in kinds or any("▁" in str(each.get("pattern")) for each in replaces):
            return "metaspace"
        if getattr(model, "end_of_word_suffix", None):
            return "suffixed"
        return "plain"

    def vocabulary(self) -> Iterable[int]:
        return self._ids

    @property
    def last(self) -> int:
        return self._ids[-1] if self._ids else -1

    def _piece(self, id: int) -> Piece:
        spelled = self._added[id] if id in self._added else self.backend.id_to_token(id)
        if spelled is None:
            return NOTHING
        if id == self._unknown:
            return Piece(spelled, spelled.encode(), "unknown")
        if id in self._special:
            return Piece(spelled, spelled.encode(), "special")
        if id in self._added:  # written as they are, whatever the spelling
            return Piece(spelled, spelled.encode())
        match self._spelling:
            case "byte_level":
                return pieces.byte_level(spelled)
            case "metaspace":
                return pieces.metaspace(spelled)
            case "wordpiece":
                return pieces.wordpiece(spelled, self.backend.model.continuing_subword_prefix)
            case "suffixed":
                return pieces.suffixed(spelled, self.backend.model.end_of_word_suffix)
        return Piece(spelled, spelled.encode("utf-8", "replace"))

    def encode(self, text: str, special: bool = True) -> Encoded:
        with refusals():
            encoding = self.backend.encode(text, add_special_tokens=special)
        ids = np.array(encoding.ids, np.int32)
        added = np.array(encoding.special_tokens_mask, bool)
        starts, ends = np.zeros_like(ids), np.zeros_like(ids)
        own = ~added
        exact = self._exact(text, ids[own]) if self.keeps_bytes else None
        if exact is None:
            offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)[own]
            exact = _ordered(offsets[:, 0], offsets[:, 1], len(text), close_gaps=self.keeps_bytes)
        starts[own], ends[own] = exact
        trailing = np.cumsum(own) == own.sum()
        starts[added & trailing] = ends[added & trailing] = len(text) if own.any() else 0
        return Encoded(ids, starts, ends, added)

    def _exact(self, text: str, ids: Ints) -> tuple[Ints, Ints] | None:
        """Spans by bytes: of the text, or of what the normalizer made of it.

        The library's own leave out a mark that NFC joined to its letter.
        """
        blank = "▁" if self._spelling == "metaspace" else " "
        found = self._join(text, ids, blank=blank)
        if found is not None or self.backend.normalizer is None:
            return found
        normalized = self.normalized(text)
        found = self._join(normalized, ids, blank=blank)
        edges = pieces.alignment(text, normalized, self.normalized) if found is not None else None
        if found is None or edges is None:
            return None
        (starts, ends), (begins, stops) = found, edges
        return begins[starts], np.where(starts == ends, begins[starts], stops[ends - 1])

    def decode(self, ids: list[int]) -> str:
        with refusals():
            return str(self.tokenizer.decode(ids))

    def specials(self) -> dict[str, int]:
        return {
            name: getattr(self.tokenizer, f"{name}_token_id")
            for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
            if getattr(self.tokenizer, f"{name}_token_id", None) is not None
        }

    def normalized(self, text: str) -> str:
        normalizer = self.backend.normalizer
        with refusals():
            return str(normalizer.normalize_str(text)) if normalizer else text


def _ordered(starts: np.ndarray, ends: np.ndarray, n: int, *, close_gaps: bool) -> tuple[Ints, Ints]:
    """The library's own spans, put in order: a normalizer may turn marks round, or point past the end.

    Args:
        close_gaps: give what no token owns to the token after it, whose blank ``trim_offsets`` took.
    """
    ends = np.maximum.accumulate(np.clip(ends, 0, n)) if len(ends) else ends
    starts = np.clip(starts, 0, ends)
    if close_gaps and len(ends):
        starts = np.minimum(starts, np.concatenate([[0], ends[:-1]]))
    starts = np.maximum.accumulate(starts) if len(ends) else starts
    return starts.astype(np.int32), ends.astype(np.int32)


def part(component: Any) -> list[dict[str, Any]]:
    """A component of a tokenizer.json (normalizer, decoder …) as a flat list of its steps."""
    if component is None:
        return []
    state = _state(component)
    nested = [state.get(name) for name in ("normalizers", "pretokenizers", "decoders", "processors")]
    for steps in nested:
        if steps is not None:
            return [step for each in steps for step in ([each] if "type" in each else [])]
    return [state]


def _state(component: Any) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(component.__getstate__())
    return state
