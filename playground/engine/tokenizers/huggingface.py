"""Any ``tokenizer.json``: BPE, WordPiece, Unigram and WordLevel, as the ``tokenizers`` library runs them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from playground.engine.tokenizers import pieces, spelling
from playground.engine.tokenizers.adapter import NOTHING, Adapter, Encoded, refusals
from playground.engine.tokenizers.pieces import Ints, Piece

HIGHEST = 2**31 - 1  # ids are columns of int32


class HuggingFaceAdapter(Adapter):
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
        model = self.backend.model
        names = ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix")
        self.spelling = spelling.of({name: getattr(model, name, None) for name in names}, self.parts)
        self._drops = spelling.drops_blanks(self.parts["pre_tokenizer"])
        self._whole = not self._drops and (self.spelling.alphabet or self.spelling.fallback)
        marked = self.spelling.prefix or self.spelling.suffix
        reads = any(step["type"] == "ByteLevel" for step in self.parts["decoder"])
        self.keeps_bytes = self._whole and not marked and (reads or not self.spelling.alphabet)
        self.algorithm = type(model).__name__
        if self.algorithm == "BPE":
            self.algorithm = (
                "byte-level BPE"
                if self.spelling.alphabet
                else "BPE with byte fallback"
                if self.spelling.fallback
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
        return self.spelling.piece(spelled)

    def _written(self, id: int) -> bytes:
        return self._raw(self._added[id]) if id in self._added else super()._written(id)

    def encode(self, text: str, special: bool = True) -> Encoded:
        with refusals():
            encoding = self.backend.encode(text, add_special_tokens=special)
        ids = np.array(encoding.ids, np.int32)
        added = np.array(encoding.special_tokens_mask, bool)
        starts, ends = np.zeros_like(ids), np.zeros_like(ids)
        own = ~added
        exact = self._exact(text, ids[own]) if self.spelling.literal else None
        if exact is None:
            offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)[own]
            exact = self._by_sections(text, ids[own], np.array(encoding.tokens, object)[own], offsets)
        starts[own], ends[own] = exact
        trailing = np.cumsum(own) == own.sum()
        starts[added & trailing] = ends[added & trailing] = len(text) if own.any() else 0
        return Encoded(ids, starts, ends, added)

    def _exact(self, text: str, ids: Ints) -> tuple[Ints, Ints] | None:
        """Spans by bytes: of the text, or of what the normalizer made of it.

        The library's own leave out a mark that NFC joined to its letter.
        """
        found = self._join(text, ids)
        if found is not None or self.backend.normalizer is None:
            return found
        normalized = self.normalized(text)
        return self._back(text, normalized, self._join(normalized, ids))

    def _back(self, text: str, normalized: str, found: tuple[Ints, Ints] | None) -> tuple[Ints, Ints] | None:
        """Spans of the normalised text as spans of the original."""
        edges = pieces.alignment(text, normalized, self.normalized) if found is not None else None
        if found is None or edges is None:
            return None
        (starts, ends), (begins, stops) = found, edges
        return begins[starts], np.where(starts == ends, begins[starts], stops[ends - 1])

    def _by_sections(self, text: str, ids: Ints, names: np.ndarray, offsets: np.ndarray) -> tuple[Ints, Ints]:
        """Spans where bytes alone do not tell them; those of the library where nothing else does.

        What stands between two added tokens is a text of its own for the library: normalised alone, with a ▁
        of its own in front, which the library counts with the first letter though it is none of the text.

        Args:
            ids, names, offsets: of the text's own tokens: [n]; [n], where Unigram has the text of what is
                unknown to it; and the spans by the library, [n, 2].
        """
        starts, ends = _ordered(offsets[:, 0], offsets[:, 1], len(text), close_gaps=self._whole)
        if self.spelling.literal:
            # What is unknown is of the text, though many files have its token among the added ones.
            marks = np.flatnonzero(np.isin(ids, list(self._added)) & (ids != self._unknown))
            for first, last in zip([0, *(marks + 1)], [*marks, len(ids)], strict=True):
                begin = int(ends[first - 1]) if first else 0
                end = int(starts[last]) if last < len(ids) else len(text)
                part = slice(int(first), int(last))
                found = self._section(text[begin:end], ids[part], names[part], ends[part] - begin)
                if found is not None:
                    starts[part], ends[part] = found[0] + begin, found[1] + begin
        return starts, pieces.with_marks(text, starts, ends)

    def _section(self, text: str, ids: Ints, names: np.ndarray, until: Ints) -> tuple[Ints, Ints] | None:
        """Spans of the tokens between two added ones, or None; ``until``: where they end by the library."""
        if not len(ids):
            return None
        exact = self._exact(text, ids)
        if exact is not None:
            return exact
        unigram = self.algorithm == "Unigram"
        tokens = [
            (self.spelling.written(name) if unigram else None) if id == self._unknown else self._written(id)
            for id, name in zip(ids.tolist(), names.tolist(), strict=True)
        ]
        found = self._follow(text, tokens, until)
        if found is not None or self.backend.normalizer is None:
            return found
        normalized = self.normalized(text)
        edges = pieces.alignment(text, normalized, self.normalized)
        if edges is None:
            return None
        until = np.searchsorted(edges[0][:-1], until).astype(np.int32)
        return self._back(text, normalized, self._follow(normalized, tokens, until))

    def _follow(self, text: str, tokens: list[bytes | None], until: Ints) -> tuple[Ints, Ints] | None:
        raw = text.encode() if self._drops else self._raw(text)
        lengths = np.array([len(character.encode()) for character in raw.decode()], np.int64)
        byte = np.concatenate([[0], np.cumsum(lengths)])[np.clip(until, 0, len(text))]
        return pieces.follow(raw, tokens, byte, blank=self.spelling.blank.encode(), dropped=self._drops)

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
    return list(spelling.flat(_state(component)))


def _state(component: Any) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(component.__getstate__())
    return state
