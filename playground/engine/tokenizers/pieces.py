"""From the bytes of tokens to the characters of a text.

Decoding one token alone is never the way: half a character decodes to �. Bytes are. What a piece of a
vocabulary is in bytes, `playground.engine.tokenizers.spelling` says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
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
LETTER_OR_BLANKS = regex.compile(r"\s++|\X")
MARKS = regex.compile(r"\p{M}+")


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


def distinct(ids: Ints) -> list[int]:
    """The different ids among these [n], in order; ids are small numbers, so counting beats sorting."""
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
    of three: UAX 29), since no normal form reaches beyond it. Some normalizers do: those that make one blank
    of several or strip the edges (a run of blanks is then taken as one, and seen between its neighbours), and
    those that write something in front of a text (Llama 2's ▁), which comes from nowhere.

    Returns:
        first and last + 1 code point of the original for each normalised one, [m + 1] and [m]; None for a
        normalizer that reaches further.
    """
    probe = normalize("a")
    front = probe[:-1] if probe.endswith("a") else ""
    for pattern in (LETTER, LETTER_OR_BLANKS):
        known: dict[str, str] = {}
        begins, ends, written = [0] * len(front), [0] * len(front), [front]
        for match in pattern.finditer(text):
            letter, (begin, end) = match[0], match.span()
            key = letter
            if pattern is LETTER_OR_BLANKS and letter.isspace():  # what becomes of it depends on where it is
                key = ("a" if begin else "") + letter + ("a" if end < len(text) else "")
            made = known.get(key)
            if made is None:
                made = normalize(key).removeprefix(front)
                if key != letter:
                    made = made.removeprefix("a" if begin else "").removesuffix(
                        "a" if end < len(text) else ""
                    )
                known[key] = made
            if made == letter:
                begins.extend(range(begin, end))
                ends.extend(range(begin + 1, end + 1))
            else:
                begins.extend([begin] * len(made))
                ends.extend([end] * len(made))
            written.append(made)
        if "".join(written) == normalized:
            return np.array([*begins, len(text)], np.int32), np.array(ends, np.int32)
    return None


def follow(
    raw: bytes, tokens: Sequence[bytes | None], until: Ints, *, blank: bytes, dropped: bool
) -> tuple[Ints, Ints] | None:
    """Character spans of tokens that tell the text from its beginning to its end, and nothing else.

    Args:
        raw: the text, in UTF-8; with ``blank`` for a space, unless blanks are ``dropped``.
        tokens: the bytes of each; None for one that does not say what it stands for (<unk>).
        until: byte of the text up to which such a token reaches, [n].
        blank: what a tokenizer may write in front of a word though the text has none there; b"" for nothing.
        dropped: blanks between the tokens belong to none of them.

    Returns:
        starts [n] and ends [n], in code points; None where the tokens tell something else.
    """
    at, found = 0, []
    for token, end in zip(tokens, until.tolist(), strict=True):
        if dropped:
            at = BLANKS.match(raw, at).end()  # type: ignore[union-attr]
            token = token and token.removeprefix(blank).replace(blank or b" ", b" ")
        begin = at
        if token is None:
            at = max(at, end)
        elif raw.startswith(token, at):
            at += len(token)
        elif blank and token.startswith(blank) and raw.startswith(token[len(blank) :], at):
            at += len(token) - len(blank)
        else:
            return None
        found.append((begin, at))
    if raw[at:].strip() if dropped else raw[at:]:
        return None
    return _characters(raw, found)


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
    return _characters(raw, found)


def _characters(raw: bytes, found: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    """Spans in bytes as spans in code points; a part of a character spans it whole."""
    edges = np.array(found, dtype=np.int64).reshape(-1, 2)
    heads = (np.frombuffer(raw, dtype=np.uint8) & 0xC0) != 0x80
    before = np.concatenate([[0], np.cumsum(heads)])  # characters begun before each byte
    starts = before[edges[:, 0]] - ~np.append(heads, True)[edges[:, 0]]
    return starts.astype(np.int32), before[edges[:, 1]].astype(np.int32)


def with_marks(text: str, starts: Ints, ends: Ints) -> Ints:
    """Ends of spans [n], so that an accent that no token has goes to the letter before it."""
    if not MARKS.search(text):
        return ends
    following = np.append(starts[1:], len(text))
    longer = ends.copy()
    for order in np.flatnonzero((starts < ends) & (ends < following)).tolist():
        if match := MARKS.match(text, int(ends[order]), int(following[order])):
            longer[order] = match.end()
    return longer


def packed(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Rows of any lengths as one column [sum of lengths], and their lengths [rows]."""
    lengths = np.array([len(row) for row in rows], np.int32)
    return np.array([id for row in rows for id in row], np.int32), lengths


def unpacked(column: Ints, lengths: Ints) -> list[list[int]]:
    """What `packed` put together."""
    return [part.tolist() for part in np.split(column, np.cumsum(lengths)[:-1])] if len(lengths) else []
