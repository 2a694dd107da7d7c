"""From a piece, as a vocabulary writes it, to the bytes it stands for; from bytes to characters.

Three spellings are in use: byte-level BPE writes every byte as a printable character ("Ġthe", GPT-2,
Radford et al. 2019), SentencePiece writes a space as ▁ and a byte outside its vocabulary as <0xE4>
(Kudo & Richardson 2018), WordPiece marks what continues a word with ## (Devlin et al. 2018).
Decoding one token alone is never the way: half a character decodes to �. Bytes are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import regex  # type: ignore[import-untyped]
from numpy.typing import NDArray

Kind = Literal["text", "special", "byte", "unknown"]
Ints = NDArray[np.int32]
# What str.strip takes away, in UTF-8.
BLANKS = re.compile(
    rb"(?:[\t-\r\x1c- ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]"
    rb"|\xe2\x81\x9f|\xe3\x80\x80)*+"
)
LETTER = regex.compile(r"\X")
BYTE_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of a vocabulary: its spelling, the bytes it stands for, and what it is."""

    piece: str
    bytes: bytes
    kind: Kind = "text"


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's table: printable character → byte (``bytes_to_unicode`` of its encoder.py, inverted)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    alphabet.update({chr(256 + order): byte for order, byte in enumerate(others)})
    return alphabet


BYTE_ALPHABET = _byte_alphabet()


def byte_level(piece: str) -> Piece:
    """``"Ġthe"`` → ``b" the"``; a piece with characters outside the alphabet stands for itself."""
    try:
        return Piece(piece, bytes(BYTE_ALPHABET[character] for character in piece))
    except KeyError:
        return Piece(piece, piece.encode("utf-8", "replace"))


def metaspace(piece: str) -> Piece:
    """``"▁the"`` → ``b" the"``; ``"<0xE4>"`` → ``b"\\xe4"``."""
    if match := BYTE_FALLBACK.fullmatch(piece):
        return Piece(piece, bytes([int(match[1], 16)]), "byte")
    return Piece(piece, piece.replace("▁", " ").encode("utf-8", "replace"))


def wordpiece(piece: str, prefix: str = "##") -> Piece:
    """``"##ing"`` → ``b"ing"``."""
    return Piece(piece, piece.removeprefix(prefix).encode("utf-8", "replace"))


def suffixed(piece: str, suffix: str) -> Piece:
    """``"the</w>"`` → ``b"the "`` (the first BPE vocabularies: Sennrich et al. 2016)."""
    return Piece(
        piece,
        (piece.removesuffix(suffix) + " " if piece.endswith(suffix) else piece).encode("utf-8", "replace"),
    )


def distinct(ids: Ints) -> list[int]:
    """The different ids among these, in order; ids are small numbers, so counting beats sorting."""
    return np.flatnonzero(np.bincount(ids)).tolist() if len(ids) else []


def spans(text: str, lengths: Ints, skip: int = 0) -> tuple[Ints, Ints]:
    """Character spans of tokens whose bytes, joined, are the text.

    Args:
        text: the original.
        lengths: bytes of each token, [n].
        skip: bytes before the text begins (the dummy space that SentencePiece puts in front).

    Returns:
        starts [n] and ends [n], in code points; a token that holds a part of a character spans it whole.
    """
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    ends = np.maximum(np.cumsum(lengths) - skip, 0)
    starts = np.concatenate([[0], ends])[:-1]
    if len(raw) != len(text):
        # The character of each byte: continuation bytes look like 10xxxxxx and begin none.
        character = np.append(np.cumsum((raw & 0xC0) != 0x80) - 1, len(text))
        empty = starts == ends
        starts, ends = character[starts], np.where(empty, character[starts], character[ends - 1] + 1)
    return starts.astype(np.int32), ends.astype(np.int32)


def alignment(text: str, normalized: str, normalize: Callable[[str], str]) -> tuple[Ints, Ints] | None:
    """Where each character of a normalised text comes from.

    Letter by letter, a letter being all that a reader sees as one (é of two code points, a Hangul syllable
    of three: UAX 29), since no normal form reaches beyond it.

    Returns:
        first and last + 1 code point of the original for each normalised one, [m + 1] and [m]; None for a
        normalizer that does reach further.
    """
    begins: list[int] = []
    ends: list[int] = []
    known: dict[str, str] = {}
    for match in LETTER.finditer(text):
        letter, (begin, end) = match[0], match.span()
        made = known.get(letter)
        if made is None:
            made = known[letter] = normalize(letter)
        if made == letter:
            begins.extend(range(begin, end))
            ends.extend(range(begin + 1, end + 1))
        else:
            begins.extend([begin] * len(made))
            ends.extend([end] * len(made))
    if "".join(known[match[0]] for match in LETTER.finditer(text)) != normalized:
        return None
    return np.array([*begins, len(text)], np.int32), np.array(ends, np.int32)


def walk(text: str, tokens: list[bytes]) -> tuple[Ints, Ints]:
    """Character spans where tokens and text differ a little (stripped blanks, changed letters).

    Each token is looked for from where the last one ended, and after the blanks that follow there; one
    that is not there gets an empty span (inside a character: that character's, so that none goes back).
    """
    raw, at, found, blank, blank_from = text.encode(), 0, [], 0, -1
    for token in tokens:
        begin = raw.find(token, at, at + len(token) + 64) if token else -1
        if begin < 0 and token:
            if blank_from != at:
                blank_from, blank = at, BLANKS.match(raw, at).end()  # type: ignore[union-attr]
            begin = blank if raw.startswith(token, blank) else -1
        if begin >= 0:
            at = begin + len(token)
        found.append((max(begin, 0) if begin >= 0 else at, at))
    edges = np.array(found, dtype=np.int64).reshape(-1, 2)
    heads = (np.frombuffer(raw, dtype=np.uint8) & 0xC0) != 0x80
    before = np.concatenate([[0], np.cumsum(heads)])  # characters begun before each byte
    starts = before[edges[:, 0]] - ~np.append(heads, True)[edges[:, 0]]
    return starts.astype(np.int32), before[edges[:, 1]].astype(np.int32)
