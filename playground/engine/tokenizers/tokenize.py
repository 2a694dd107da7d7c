"""Text → tokens → text: what every tokenizer makes of a text, exactly.

Spans are code points of the ORIGINAL text. A token's own `bytes` are never decoded alone: a character
cut over several tokens belongs, as text, to the last of them, so that all texts join to the original.

The book: chapter 2, "Tokens and Token Embeddings".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import regex  # type: ignore[import-untyped]

from playground.engine.tokenizers import surrogates
from playground.engine.tokenizers.adapter import NOTHING, Adapter, Encoded
from playground.engine.tokenizers.pieces import Ints, Kind, Piece, distinct, spans, walk
from playground.errors import BadInput
from playground.system import cancellation

SHOWN = 300  # characters of which `Tokenized` tells how the tokenizer changed them
# A word for "tokens per word": a run of letters, their marks (Python's own \w takes none: it cuts Hindi
# at every vowel) and digits, or one character of a script that writes no spaces (CJK ideographs, kana).
UNSPACED = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
WORD = regex.compile(
    rf"(?V1){UNSPACED}\p{{M}}*+|[[\p{{L}}\p{{N}}_]--{UNSPACED}][[\p{{L}}\p{{N}}\p{{M}}_]--{UNSPACED}]*+"
)
MOST_IDS = 200_000  # that are decoded at once
STEP = 1024  # of them, between two questions whether anybody still waits


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text."""

    id: int
    piece: str  # as the vocabulary spells it
    text: str  # what of the original it stands for; special tokens that were added: their spelling
    bytes: bytes
    start: int  # code points of the original
    end: int
    special: bool
    kind: Kind


@dataclass(frozen=True)
class Tokenized:
    """One text under one tokenizer."""

    tokenizer: str
    algorithm: str
    vocabulary: int
    text: str
    encoded: Encoded
    pieces: dict[int, Piece]  # of the distinct ids
    normalized: str | None = None  # the text's beginning as the tokenizer changed it, where it did

    @property
    def count(self) -> int:
        """All tokens, the added special ones too."""
        return len(self.encoded.ids)

    @cached_property
    def added(self) -> int:
        """Special tokens that the tokenizer put around the text."""
        return int(self.encoded.added.sum())

    @property
    def characters_per_token(self) -> float:
        """Code points of the text over all its tokens."""
        return len(self.text) / self.count if self.count else 0.0

    @property
    def words(self) -> int:
        """Words of the text; a CJK character counts as one."""
        return count_words(self.text)

    @property
    def tokens_per_word(self) -> float:
        """ "Fertility": the text's own tokens over its words (Rust et al. 2021)."""
        return (self.count - self.added) / self.words if self.words else 0.0

    def tokens(self, begin: int = 0, end: int | None = None) -> Iterator[Token]:
        """The tokens as objects, a slice of them if asked."""
        e = self.encoded
        ids, starts, ends, added = (c[begin:end].tolist() for c in (e.ids, e.starts, e.ends, e.added))
        following = [*e.starts[begin + 1 : end].tolist(), len(self.text)]
        if end is not None and end < self.count:
            following[-1] = int(e.starts[end])
        for id, start, stop, extra, after in zip(ids, starts, ends, added, following, strict=False):
            piece = self.pieces[id]
            # What the next token shares with this one is the next one's.
            text = piece.piece if extra else self.text[start : min(stop, max(after, start))]
            yield Token(id, piece.piece, text, piece.bytes, start, stop, piece.kind == "special", piece.kind)


@lru_cache(maxsize=8)  # the same text comes under six tokenizers
def count_words(text: str) -> int:
    """Words of a text, see `WORD`."""
    return len(WORD.findall(text))


def check(text: object, limit: int) -> str:
    """The text, if it is one that any tokenizer can read.

    Raises:
        BadInput: not a string, longer than ``limit`` characters, or half of a surrogate pair in it.
    """
    if not isinstance(text, str):
        raise BadInput("not_text", kind=type(text).__name__)
    if len(text) > limit:
        raise BadInput("text_too_long", length=len(text), limit=limit)
    return surrogates.check(text)


def tokenize(adapter: Adapter, name: str, text: str, special: bool = True) -> Tokenized:
    """One text under one tokenizer; ``special`` adds what the model expects around it ([CLS], <s>)."""
    cancellation.check()
    encoded = adapter.encode(text, special)
    cancellation.check()
    tokenized = of_encoded(adapter, name, text, encoded)
    beginning = text[:SHOWN]
    normalized = adapter.normalized(beginning)
    return replace(tokenized, normalized=normalized) if normalized != beginning else tokenized


def of_encoded(adapter: Adapter, name: str, text: str, encoded: Encoded) -> Tokenized:
    """Columns of ids and spans, with what is known of the tokenizer."""
    return Tokenized(
        name,
        adapter.algorithm,
        adapter.size,
        text,
        encoded,
        {id: adapter.piece(id) for id in distinct(encoded.ids)},
    )


def detokenize(adapter: Adapter, name: str, ids: object, most: int = MOST_IDS) -> Tokenized:
    """Ids → text, and the ids as its tokens.

    Args:
        most: ids that are taken at once. The text may have ten times as many characters.

    Raises:
        BadInput: not a list of whole numbers, too many, or one outside the vocabulary; ``text_too_long``:
            they stand for more text than that. cancellation.Abandoned: nobody waits for it any more.
    """
    if isinstance(ids, list | tuple) and len(ids) > most:
        raise BadInput("too_many_ids", most=most, count=len(ids))
    if not isinstance(ids, list | tuple) or any(
        not isinstance(id, int) or isinstance(id, bool) for id in ids
    ):
        raise BadInput("ids_not_numbers")
    found = []
    for place, id in enumerate(ids):
        if place % STEP == 0:
            cancellation.check()
        if not 0 <= id <= adapter.last or (piece := adapter.piece(id)) == NOTHING:
            raise BadInput("id_outside", id=id if abs(id) < 10**20 else "…", last=max(adapter.last, 0))
        found.append(piece)
    written = sum(len(piece.bytes) for piece in found)
    if written > 10 * most:  # before it is decoded, joined and told: some tokens are hundreds of blanks
        raise BadInput("text_too_long", length=written, limit=10 * most)
    text = adapter.decode(list(ids))
    cancellation.check()
    starts, ends = _spans(text, found)
    return of_encoded(
        adapter, name, text, Encoded(np.array(ids, np.int32), starts, ends, np.zeros(len(ids), bool))
    )


def _spans(text: str, found: Sequence[Piece]) -> tuple[Ints, Ints]:
    """Where tokens stand in the text that they decode to: by bytes if these are the text, else by looking.

    Libraries leave out special tokens, or the dummy blank in front, or neither.
    """
    written, raw = [piece.bytes for piece in found], text.encode()
    silent = [b"" if piece.kind == "special" else piece.bytes for piece in found]
    for each in (written, silent):
        first = next((place for place, piece in enumerate(each) if piece[:1] == b" "), 0)
        for skip in (0, 1):
            tokens = [*each[:first], *(piece[skip:] for piece in each[first : first + 1]), *each[first + 1 :]]
            if b"".join(tokens) == raw:
                return spans(text, np.array([len(token) for token in tokens], np.int32))
    return _walk_whole(text, found) if "�" in text else walk(text, written)


def _walk_whole(text: str, found: Sequence[Piece]) -> tuple[Ints, Ints]:
    """As `walk`, where bytes that are no character became �: tokens that share one share its span.

    Tokens go together until their bytes end with a character, or can no longer become one.
    """
    groups: list[bytes] = []
    of_token: list[int] = []
    pending = b""
    for piece in found:
        if pending and piece.bytes and piece.bytes[0] & 0xC0 != 0x80:  # begins a character of its own
            groups.append(pending.decode("utf-8", "replace").encode())
            pending = b""
        of_token.append(len(groups))
        pending += piece.bytes
        try:
            groups.append(pending.decode().encode())
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                continue
            groups.append(pending.decode("utf-8", "replace").encode())
        pending = b""
    if pending:
        groups.append(pending.decode("utf-8", "replace").encode())
    starts, ends = walk(text, groups)
    return starts[of_token], ends[of_token]


def to_plain(tokenized: Tokenized) -> dict[str, Any]:
    """As JSON can hold it; `from_plain` makes it whole again."""
    e = tokenized.encoded
    return {
        "tokenizer": tokenized.tokenizer,
        "algorithm": tokenized.algorithm,
        "vocabulary": tokenized.vocabulary,
        "text": tokenized.text,
        "normalized": tokenized.normalized,
        "columns": [column.tolist() for column in (e.ids, e.starts, e.ends, e.added)],
        "pieces": [[id, p.piece, p.bytes.hex(), p.kind] for id, p in tokenized.pieces.items()],
    }


def from_plain(plain: dict[str, Any]) -> Tokenized:
    """What `to_plain` wrote down."""
    ids, starts, ends, added = plain["columns"]
    columns = Encoded(
        np.array(ids, np.int32), np.array(starts, np.int32), np.array(ends, np.int32), np.array(added, bool)
    )
    pieces = {id: Piece(piece, bytes.fromhex(raw), kind) for id, piece, raw, kind in plain["pieces"]}
    rest = {k: plain[k] for k in ("tokenizer", "algorithm", "vocabulary", "text", "normalized")}
    return Tokenized(**rest, encoded=columns, pieces=pieces)
