"""Five kinds of tokenizer behind one interface: `Reader`.

    HuggingFaceReader     tokenizer.json: BPE, WordPiece, Unigram, WordLevel (the ``tokenizers`` library)
    SentencePieceReader   tokenizer.model (Kudo & Richardson 2018), as Mistral's v1 and v3 use it
    TekkenReader          Mistral's Tekken: byte-level BPE by ``tiktoken``
    BytesReader           ByT5: a token is a byte (Xue et al. 2021)
    CharactersReader      CANINE: a token is a code point (Clark et al. 2021)

A reader gives columns (NumPy), not a list of token objects: 100,000 tokens are five arrays.
"""

from __future__ import annotations

import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.errors import CannotLoad
from playground.models import Loaded
from playground.subjects import pieces
from playground.subjects.pieces import Ints, Piece

_building = threading.Lock()


@dataclass(frozen=True)
class Encoded:
    """A text as tokens, in columns of equal length n."""

    ids: Ints
    starts: Ints  # code points of the original text
    ends: Ints
    added: np.ndarray  # bool: put there by the tokenizer, not by the text ([CLS], <s>)


class Reader(ABC):
    """What every panel asks of a tokenizer."""

    algorithm: str  # the field's name for how it cuts
    size: int  # entries of the vocabulary
    keeps_bytes: bool  # the bytes of its tokens are the text, nothing lost
    finer_than_words = False  # bytes or characters: cuts everywhere, so it agrees with nobody

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.memo: dict[str, Any] = {}  # what other subjects derive from it once
        self._pieces: dict[int, Piece] = {}

    @abstractmethod
    def encode(self, text: str, special: bool = True) -> Encoded:
        """Text → tokens, with the special tokens that the model expects, or without."""

    @abstractmethod
    def decode(self, ids: list[int]) -> str:
        """Ids → text, as the library itself says it."""

    @abstractmethod
    def _piece(self, id: int) -> Piece: ...

    @abstractmethod
    def specials(self) -> dict[str, int]:
        """The named special tokens: ``{"bos": 1, …}``."""

    def piece(self, id: int) -> Piece:
        """The vocabulary's entry of an id; an id outside it is ``unknown`` and stands for nothing."""
        known = self._pieces.get(id)
        if known is None:
            known = self._piece(id) if 0 <= id < self.size else Piece("", b"", "unknown")
            self._pieces[id] = known
        return known

    def vocabulary(self) -> Iterable[int]:
        """All ids that have an entry."""
        return range(self.size)

    def normalized(self, text: str) -> str:
        """The text as the tokenizer changes it before it cuts."""
        return text

    def encode_prompt(self, prompt: str, markup: list[tuple[int, int]]) -> Encoded:
        """A rendered chat template → tokens; nothing is added, since the template wrote it all.

        Args:
            prompt: the rendered template.
            markup: the spans that the template wrote. Mistral's libraries read control tokens only
                there, so that a message that says "</s>" ends nothing; a tokenizer.json reads them anywhere.
        """
        return self.encode(prompt, special=False)

    def _encode_runs(self, prompt: str, markup: list[tuple[int, int]], strip: str) -> Encoded:
        """Control tokens inside the markup by name, everything between them as plain text.

        ``strip`` is the dummy blank that the template writes and the tokenizer would add again.
        """
        names = {self.piece(id).piece: id for id in self._control_ids()}
        pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
        inside = [
            match
            for match in pattern.finditer(prompt)
            if any(a <= match.start() and match.end() <= b for a, b in markup)
        ]
        columns: list[tuple[list[int], list[int], list[int]]] = []
        at = 0
        for begin, end, id in [
            *((m.start(), m.end(), names[m[0]]) for m in inside),
            (len(prompt),) * 2 + (-1,),
        ]:
            run = prompt[at:begin]
            if run:
                blank = len(strip) if strip and run.startswith(strip) else 0
                part = self.encode(run[blank:], special=False)
                starts = (part.starts + at + blank).tolist()
                if starts:
                    starts[0] = at
                columns.append((part.ids.tolist(), starts, (part.ends + at + blank).tolist()))
            if id >= 0:
                columns.append(([id], [begin], [end]))
            at = end
        ids, starts, ends = ([value for column in columns for value in column[i]] for i in range(3))
        return Encoded(
            np.array(ids, np.int32),
            np.array(starts, np.int32),
            np.array(ends, np.int32),
            np.zeros(len(ids), bool),
        )

    def _control_ids(self) -> Iterable[int]:
        return self.specials().values()

    def _join(self, text: str, ids: Ints, *, dummy_space: bool = False) -> tuple[Ints, Ints] | None:
        """Spans by bytes, exact; None where the tokens' bytes are not the text's."""
        if not len(ids):
            return ids, ids
        distinct, where = np.unique(ids, return_inverse=True)
        table = {id: self.piece(id).bytes for id in distinct.tolist()}
        joined, raw = b"".join(map(table.__getitem__, ids.tolist())), text.encode()
        skip = int(dummy_space and joined != raw and joined.startswith(b" "))
        if joined[skip:] != raw:
            return None
        lengths = np.array([len(each) for each in table.values()], dtype=np.int32)[where]
        return pieces.spans(text, lengths, skip)

    def _framed(
        self, ids: Ints, spans: tuple[Ints, Ints], n: int, before: list[int], after: list[int]
    ) -> Encoded:
        """Put special tokens around, with empty spans at the text's edges."""
        head, tail = np.array(before, np.int32), np.array(after, np.int32)
        starts, ends = spans
        return Encoded(
            np.concatenate([head, ids, tail]),
            np.concatenate([head * 0, starts, tail * 0 + n]),
            np.concatenate([head * 0, ends, tail * 0 + n]),
            np.concatenate([head == head, ids != ids, tail == tail]),
        )


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
        self._ids = sorted(self.backend.get_vocab(with_added_tokens=True).values())
        self.size = len(self._ids)
        self._last = self._ids[-1] + 1 if self._ids else 0
        added = self.backend.get_added_tokens_decoder()
        self._added = {id: token.content for id, token in added.items()}
        self._special = {id for id, token in added.items() if token.special}
        self._special.update(tokenizer.all_special_ids)
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
        self._unknown = getattr(self.backend.model, "unk_token", None)

    def _find_spelling(self) -> str:
        kinds = {each["type"] for each in self.parts["decoder"] + self.parts["pre_tokenizer"]}
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

    def piece(self, id: int) -> Piece:
        known = self._pieces.get(id)
        if known is None:
            known = self._piece(id) if 0 <= id < self._last else Piece("", b"", "unknown")
            self._pieces[id] = known
        return known

    def _piece(self, id: int) -> Piece:
        if id in self._added:  # added tokens are written as they are, whatever the spelling
            content = self._added[id]
            kind: pieces.Kind = "special" if id in self._special else "text"
            return Piece(content, content.encode("utf-8", "replace"), kind)
        spelled = self.backend.id_to_token(id)
        if spelled is None:
            return Piece("", b"", "unknown")
        if spelled == self._unknown or id in self._special:
            return Piece(spelled, spelled.encode(), "special" if id in self._special else "unknown")
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
        encoding = self.backend.encode(text, add_special_tokens=special)
        ids = np.array(encoding.ids, np.int32)
        added = np.array(encoding.special_tokens_mask, bool)
        starts, ends = np.zeros_like(ids), np.zeros_like(ids)
        own = ~added
        exact = None
        if self.keeps_bytes:
            exact = self._join(text, ids[own], dummy_space=self._spelling == "metaspace")
        if exact is not None:
            starts[own], ends[own] = exact
        else:
            offsets = np.array(encoding.offsets, np.int32).reshape(-1, 2)
            starts[own], ends[own] = offsets[own, 0], offsets[own, 1]
            if self.keeps_bytes:  # trim_offsets takes the blank off a token that does own it
                inner_starts, inner_ends = starts[own], ends[own]
                before = np.concatenate([[0], inner_ends[:-1]]).astype(np.int32)
                starts[own] = np.where(inner_starts > before, before, inner_starts)
        trailing = np.cumsum(own) == own.sum()
        starts[added & trailing] = ends[added & trailing] = len(text) if own.any() else 0
        return Encoded(ids, starts, ends, added)

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def specials(self) -> dict[str, int]:
        return {
            name: getattr(self.tokenizer, f"{name}_token_id")
            for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
            if getattr(self.tokenizer, f"{name}_token_id", None) is not None
        }

    def normalized(self, text: str) -> str:
        normalizer = self.backend.normalizer
        return normalizer.normalize_str(text) if normalizer else text


class SentencePieceReader(Reader):
    """A SentencePiece model file, read by its own library. Adds <s> in front, as Mistral does."""

    keeps_bytes = True

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.size = tokenizer.get_piece_size()
        self.algorithm = "BPE with byte fallback"

    def _piece(self, id: int) -> Piece:
        spelled = self.tokenizer.id_to_piece(id)
        if self.tokenizer.is_control(id):
            return Piece(spelled, spelled.encode(), "special")
        if self.tokenizer.is_unknown(id):
            return Piece(spelled, spelled.encode(), "unknown")
        return pieces.metaspace(spelled)

    def encode(self, text: str, special: bool = True) -> Encoded:
        ids = np.array(self.tokenizer.encode(text), np.int32)
        spans = self._join(text, ids, dummy_space=True)
        if spans is None:
            spans = pieces.walk(text, [self.piece(id).bytes for id in ids.tolist()])
        return self._framed(ids, spans, len(text), [self.tokenizer.bos_id()] if special else [], [])

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def specials(self) -> dict[str, int]:
        named = {name: getattr(self.tokenizer, f"{name}_id")() for name in ("bos", "eos", "unk", "pad")}
        return {name: id for name, id in named.items() if id >= 0}

    def normalized(self, text: str) -> str:
        return "▁" + text.replace(" ", "▁") if text else ""

    def encode_prompt(self, prompt: str, markup: list[tuple[int, int]]) -> Encoded:
        return self._encode_runs(prompt, markup, strip=" ")

    def _control_ids(self) -> Iterable[int]:
        return filter(self.tokenizer.is_control, range(min(self.size, 1000)))


class TekkenReader(Reader):
    """Mistral's Tekken: special tokens first, then 130,072 byte sequences. Adds <s> in front."""

    keeps_bytes = True
    algorithm = "byte-level BPE"

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.size = tokenizer.n_words

    def _piece(self, id: int) -> Piece:
        if self.tokenizer.is_special(id):
            spelled = self.tokenizer.id_to_piece(id)
            return Piece(spelled, spelled.encode(), "special")
        raw = self.tokenizer.id_to_byte_piece(id)
        try:
            return Piece(raw.decode(), raw)
        except UnicodeDecodeError:  # a part of a character: spelled as bytes, never as �
            return Piece("".join(f"<0x{byte:02X}>" if byte > 127 else chr(byte) for byte in raw), raw)

    def encode(self, text: str, special: bool = True) -> Encoded:
        ids = np.array(self.tokenizer.encode(text, bos=False, eos=False), np.int32)
        spans = self._join(text, ids)
        if spans is None:
            spans = pieces.walk(text, [self.piece(id).bytes for id in ids.tolist()])
        return self._framed(ids, spans, len(text), [self.tokenizer.bos_id] if special else [], [])

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def specials(self) -> dict[str, int]:
        return {name: getattr(self.tokenizer, f"{name}_id") for name in ("bos", "eos", "unk", "pad")}

    def encode_prompt(self, prompt: str, markup: list[tuple[int, int]]) -> Encoded:
        return self._encode_runs(prompt, markup, strip="")

    def _control_ids(self) -> Iterable[int]:
        return range(self.tokenizer.num_special_tokens)


class _Codepoints(Reader):
    """ByT5 and CANINE: an id is a number plus a constant, so a text becomes ids by arithmetic.

    Only a text that spells a special token itself ("</s>") takes the library's slow road.
    """

    keeps_bytes = True
    finer_than_words = True

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._added = {id: token.content for id, token in tokenizer.added_tokens_decoder.items()}
        self.size = len(tokenizer)

    @abstractmethod
    def _arithmetic(self, text: str) -> tuple[Ints, tuple[Ints, Ints]]: ...

    @abstractmethod
    def _frame(self) -> tuple[list[int], list[int]]: ...

    def encode(self, text: str, special: bool = True) -> Encoded:
        if any(content in text for content in self._added.values()):
            ids = np.array(self.tokenizer(text, add_special_tokens=False)["input_ids"], np.int32)
            found = self._join(text, ids)
            if found is None:
                found = pieces.walk(text, [self.piece(id).bytes for id in ids.tolist()])
        else:
            ids, found = self._arithmetic(text)
        return self._framed(ids, found, len(text), *(self._frame() if special else ([], [])))

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def specials(self) -> dict[str, int]:
        names = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
        found = {name: getattr(self.tokenizer, f"{name}_token_id", None) for name in names}
        return {name: id for name, id in found.items() if id is not None}


class BytesReader(_Codepoints):
    """ByT5: id = byte + 3, after <pad>, </s> and <unk>; 125 sentinel tokens at the end."""

    algorithm = "bytes"

    def _piece(self, id: int) -> Piece:
        if id in self._added:
            return Piece(self._added[id], self._added[id].encode(), "special")
        byte = id - 3
        return Piece(
            chr(byte) if 0x20 < byte < 0x7F else f"<0x{byte:02X}>",
            bytes([byte]),
            "byte" if byte > 127 else "text",
        )

    def _arithmetic(self, text: str) -> tuple[Ints, tuple[Ints, Ints]]:
        ids = np.frombuffer(text.encode(), np.uint8).astype(np.int32) + 3
        return ids, pieces.spans(text, np.ones_like(ids))

    def _frame(self) -> tuple[list[int], list[int]]:
        return [], [self.tokenizer.eos_token_id]


class CharactersReader(_Codepoints):
    """CANINE: id = code point; its special tokens live in Unicode's private-use area."""

    algorithm = "characters"

    def __init__(self, tokenizer: Any) -> None:
        from transformers.models.canine.tokenization_canine import SPECIAL_CODEPOINTS

        super().__init__(tokenizer)
        self._names = SPECIAL_CODEPOINTS

    def _piece(self, id: int) -> Piece:
        if id in self._names:
            return Piece(self._names[id], chr(id).encode(), "special")
        return Piece(chr(id), chr(id).encode("utf-8", "replace"))

    def _arithmetic(self, text: str) -> tuple[Ints, tuple[Ints, Ints]]:
        ids = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int32)
        where = np.arange(len(ids), dtype=np.int32)
        return ids, (where, where + 1)

    def _frame(self) -> tuple[list[int], list[int]]:
        return [self.tokenizer.cls_token_id], [self.tokenizer.sep_token_id]


FAMILIES = {
    "sentencepiece": SentencePieceReader,
    "tekken": TekkenReader,
    "bytes": BytesReader,
    "characters": CharactersReader,
}


def reader(loaded: Loaded) -> Reader:
    """The reader of a leased tokenizer, made once per load.

    Raises:
        CannotLoad: a tokenizer written in Python alone, which gives no spans.
    """
    with _building:
        found = loaded.memo.get("reader")
        if found is None:
            kind = FAMILIES.get(loaded.card.family, HuggingFaceReader)
            if kind is HuggingFaceReader and not hasattr(loaded.tokenizer, "backend_tokenizer"):
                raise CannotLoad(
                    "python_tokenizer", name=loaded.card.name, kind=type(loaded.tokenizer).__name__
                )
            found = loaded.memo["reader"] = kind(loaded.tokenizer)
    return found


def part(component: Any) -> list[dict[str, Any]]:
    """A component of a tokenizer.json (normalizer, decoder …) as a flat list of its steps."""
    if component is None:
        return []
    state = json.loads(component.__getstate__())
    nested = [state.get(name) for name in ("normalizers", "pretokenizers", "decoders", "processors")]
    for steps in nested:
        if steps is not None:
            return [step for each in steps for step in ([each] if "type" in each else [])]
    return [state]
