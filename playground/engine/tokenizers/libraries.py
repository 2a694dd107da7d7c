"""Five kinds of tokenizer behind one interface, `Adapter`.

HuggingFaceAdapter     tokenizer.json: BPE, WordPiece, Unigram, WordLevel (the ``tokenizers`` library)
SentencePieceAdapter   tokenizer.model (Kudo & Richardson 2018), as Mistral's v1 and v3 use it
TekkenAdapter          Mistral's Tekken: byte-level BPE by ``tiktoken``
BytesAdapter           ByT5: a token is a byte (Xue et al. 2021)
CharactersAdapter      CANINE: a token is a code point (Clark et al. 2021)

What a stranger brought is a `ConfinedAdapter`: the same, in a process of its own.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from playground.engine.tokenizers import pieces
from playground.engine.tokenizers.adapter import NOTHING, Adapter, Encoded
from playground.engine.tokenizers.huggingface import HuggingFaceAdapter
from playground.engine.tokenizers.pieces import Ints, Piece
from playground.engine.tokenizers.sandboxed import ConfinedAdapter
from playground.engine.tokenizers.spelling import Spelling
from playground.errors import CannotLoad
from playground.models.cache import Loaded
from playground.models.sandbox.tokenizer import ConfinedTokenizer

__all__ = [
    "Adapter",
    "BytesAdapter",
    "CharactersAdapter",
    "Encoded",
    "HuggingFaceAdapter",
    "SentencePieceAdapter",
    "TekkenAdapter",
    "adapter",
]

_building = threading.Lock()


class SentencePieceAdapter(Adapter):
    """A SentencePiece model file, read by its own library. Adds <s> in front, as Mistral does."""

    keeps_bytes = True
    spelling = Spelling(blank="▁", fallback=True)

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
        return self.spelling.piece(spelled)

    def encode(self, text: str, special: bool = True) -> Encoded:
        ids = np.array(self.tokenizer.encode(text), np.int32)
        spans = self._join(text, ids)
        if spans is None:
            spans = pieces.walk(text, [self.piece(id).bytes for id in ids.tolist()])
        return self._framed(ids, spans, len(text), [self.tokenizer.bos_id()] if special else [], [])

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids))

    def specials(self) -> dict[str, int]:
        named = {name: getattr(self.tokenizer, f"{name}_id")() for name in ("bos", "eos", "unk", "pad")}
        return {name: id for name, id in named.items() if id >= 0}

    def normalized(self, text: str) -> str:
        return "▁" + text.replace(" ", "▁") if text else ""

    def encode_prompt(self, prompt: str, markup: list[tuple[int, int]]) -> Encoded:
        return self._encode_runs(prompt, markup, strip=" ")

    def _control_ids(self) -> Iterable[int]:
        return filter(self.tokenizer.is_control, range(min(self.size, 1000)))


class TekkenAdapter(Adapter):
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
        return str(self.tokenizer.decode(ids))

    def specials(self) -> dict[str, int]:
        return {name: getattr(self.tokenizer, f"{name}_id") for name in ("bos", "eos", "unk", "pad")}

    def encode_prompt(self, prompt: str, markup: list[tuple[int, int]]) -> Encoded:
        return self._encode_runs(prompt, markup, strip="")

    def _control_ids(self) -> Iterable[int]:
        return range(self.tokenizer.num_special_tokens)


class _Codepoints(Adapter):
    """ByT5 and CANINE: an id is a number plus a constant, so a text becomes ids by arithmetic.

    Only a text that spells a special token itself ("</s>") takes the library's slow road.
    """

    keeps_bytes = True

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self._added = {id: token.content for id, token in tokenizer.added_tokens_decoder.items()}
        self.size = len(tokenizer)

    @abstractmethod
    def _arithmetic(self, text: str) -> tuple[Ints, tuple[Ints, Ints]]: ...

    @abstractmethod
    def _frame(self, ids: Ints) -> tuple[list[int], list[int]]: ...

    def encode(self, text: str, special: bool = True) -> Encoded:
        if any(content in text for content in self._added.values()):
            ids = np.array(self.tokenizer(text, add_special_tokens=False)["input_ids"], np.int32)
            found = self._join(text, ids)
            if found is None:
                found = pieces.walk(text, [self.piece(id).bytes for id in ids.tolist()])
        else:
            ids, found = self._arithmetic(text)
        return self._framed(ids, found, len(text), *(self._frame(ids) if special else ([], [])))

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids))

    def specials(self) -> dict[str, int]:
        names = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
        found = {name: getattr(self.tokenizer, f"{name}_token_id", None) for name in names}
        return {name: id for name, id in found.items() if id is not None}


class BytesAdapter(_Codepoints):
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

    def _frame(self, ids: Ints) -> tuple[list[int], list[int]]:
        end = self.tokenizer.eos_token_id
        return [], [] if len(ids) and ids[-1] == end else [end]  # a text that ends with </s> has its end


class CharactersAdapter(_Codepoints):
    """CANINE: id = code point; its special tokens live in Unicode's private-use area."""

    algorithm = "characters"

    def __init__(self, tokenizer: Any) -> None:
        from transformers.models.canine.tokenization_canine import SPECIAL_CODEPOINTS

        super().__init__(tokenizer)
        self._names = SPECIAL_CODEPOINTS

    def _piece(self, id: int) -> Piece:
        if id in self._names:
            return Piece(self._names[id], chr(id).encode(), "special")
        if 0xD800 <= id <= 0xDFFF:  # halves of UTF-16 pairs are no characters
            return NOTHING
        return Piece(chr(id), chr(id).encode())

    def _arithmetic(self, text: str) -> tuple[Ints, tuple[Ints, Ints]]:
        ids = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int32)
        where = np.arange(len(ids), dtype=np.int32)
        return ids, (where, where + 1)

    def _frame(self, ids: Ints) -> tuple[list[int], list[int]]:
        return [self.tokenizer.cls_token_id], [self.tokenizer.sep_token_id]


FAMILIES: dict[str, Callable[[Any], Adapter]] = {
    "sentencepiece": SentencePieceAdapter,
    "tekken": TekkenAdapter,
    "bytes": BytesAdapter,
    "characters": CharactersAdapter,
}


def adapter(loaded: Loaded) -> Adapter:
    """The adapter of a leased tokenizer, made once per load.

    Raises:
        CannotLoad: a tokenizer written in Python alone, which gives no spans; ids that are no ids.
    """
    with _building:
        found = loaded.memo.get("adapter")
        if found is None:
            kind = FAMILIES.get(loaded.card.family, HuggingFaceAdapter)
            if isinstance(loaded.tokenizer, ConfinedTokenizer):
                kind = ConfinedAdapter
            if kind is HuggingFaceAdapter and not hasattr(loaded.tokenizer, "backend_tokenizer"):
                raise CannotLoad(
                    "python_tokenizer", name=loaded.card.name, kind=type(loaded.tokenizer).__name__
                )
            try:
                found = loaded.memo["adapter"] = kind(loaded.tokenizer)
            except OverflowError as error:
                raise CannotLoad("broken_tokenizer", name=loaded.card.name) from error
    return found
