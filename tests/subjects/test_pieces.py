"""Spellings, bytes, and where bytes lie in a text."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.subjects import pieces
from tests.subjects.nasty import nasty


def test_gpt2s_alphabet() -> None:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    assert {character: byte for byte, character in bytes_to_unicode().items()} == pieces.BYTE_ALPHABET
    assert sorted(pieces.BYTE_ALPHABET.values()) == list(range(256))


@given(st.binary())
def test_byte_level_is_the_alphabet_and_back(raw: bytes) -> None:
    spelled = {byte: character for character, byte in pieces.BYTE_ALPHABET.items()}
    assert pieces.byte_level("".join(spelled[byte] for byte in raw)).bytes == raw


@pytest.mark.parametrize(
    ("made", "raw", "kind"),
    [
        (pieces.byte_level("Ġthe"), b" the", "text"),
        (pieces.byte_level("ðŁĳį"), "👍".encode(), "text"),
        (pieces.byte_level("你好"), "你好".encode(), "text"),
        (pieces.byte_level(""), b"", "text"),
        (pieces.metaspace("▁the"), b" the", "text"),
        (pieces.metaspace("a▁▁b"), b"a  b", "text"),
        (pieces.metaspace("<0xE4>"), b"\xe4", "byte"),
        (pieces.metaspace("<0xe4>"), b"\xe4", "byte"),
        (pieces.metaspace("<0xE4> "), b"<0xE4> ", "text"),
        (pieces.metaspace("<0xE4>\n"), b"<0xE4>\n", "text"),
        (pieces.wordpiece("##ing"), b"ing", "text"),
        (pieces.wordpiece("ing##"), b"ing##", "text"),
        (pieces.wordpiece("##"), b"", "text"),
        (pieces.suffixed("the</w>", "</w>"), b"the ", "text"),
        (pieces.suffixed("</w>the", "</w>"), b"</w>the", "text"),
        (pieces.suffixed("the</w>\n", "</w>"), b"the</w>\n", "text"),
    ],
)
def test_spellings(made: pieces.Piece, raw: bytes, kind: str) -> None:
    assert (made.bytes, made.kind) == (raw, kind)


@given(nasty, st.lists(st.integers(0, 9)))
def test_spans_hold_the_bytes(text: str, cuts: list[int]) -> None:
    raw, lengths = text.encode(), []
    for cut in cuts:
        lengths.append(min(cut, len(raw) - sum(lengths)))
    lengths.append(len(raw) - sum(lengths))
    starts, ends = pieces.spans(text, np.array(lengths, np.int32))
    at = 0
    for length, start, end in zip(lengths, starts.tolist(), ends.tolist(), strict=True):
        piece = raw[at : at + length]
        around = text[start:end].encode()
        assert piece in around
        assert len(around) - len(piece) < 7  # at most three bytes more on either side
        assert (start == end) == (not piece)
        at += length


def test_spans_of_nothing() -> None:
    empty = np.zeros(0, np.int32)
    for text in ("", "é"):
        starts, ends = pieces.spans(text, empty)
        assert len(starts) == len(ends) == 0
    starts, ends = pieces.spans("é", np.array([1, 2], np.int32), skip=1)
    assert (starts.tolist(), ends.tolist()) == ([0, 0], [0, 1])


@given(nasty, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_alignment_of_normal_forms(text: str, form: str) -> None:
    def normalize(part: str) -> str:
        return unicodedata.normalize(form, part)  # type: ignore[arg-type]

    whole = normalize(text)
    edges = pieces.alignment(text, whole, normalize)
    if edges is None:  # only what the standard itself joins over the border of two letters
        assert "".join(normalize(letter) for letter in pieces.LETTER.findall(text)) != whole
        return
    begins, ends = edges
    assert len(begins) - 1 == len(ends) == len(whole)
    assert (np.diff(begins) >= 0).all() and (np.diff(ends) >= 0).all()
    assert (begins[:-1] < ends).all() or not whole


def test_alignment_gives_up_on_what_reaches_further() -> None:
    assert pieces.alignment("a b ", "a b", str.strip) is None


def test_walk_finds_what_is_there() -> None:
    starts, ends = pieces.walk("héllo  wörld", ["hé".encode(), b"llo", b"NOT", "wörld".encode()])
    assert (starts.tolist(), ends.tolist()) == ([0, 2, 5, 7], [2, 5, 5, 12])


def test_walk_over_many_blanks() -> None:
    for blank in (" ", "\n", "\u3000", "\x85", "\xa0", "\u2028", "\x1c"):
        assert blank.isspace()
        starts, ends = pieces.walk("a" + blank * 300 + "b", [b"a", b"b"])
        assert (starts.tolist(), ends.tolist()) == ([0, 301], [1, 302])


def test_blanks_are_what_strip_takes() -> None:
    for code in range(0x3100):
        character = chr(code)
        assert bool(pieces.BLANKS.fullmatch(character.encode())) == character.isspace(), hex(code)


@given(nasty, st.lists(st.binary(max_size=5)))
def test_walk_stays_in_the_text(text: str, tokens: list[bytes]) -> None:
    starts, ends = pieces.walk(text, tokens)
    assert len(starts) == len(ends) == len(tokens)
    assert (starts >= 0).all() and (starts <= ends).all() and (ends <= len(text)).all()
    assert (np.diff(ends) >= 0).all()
    for token, start, end in zip(tokens, starts.tolist(), ends.tolist(), strict=True):
        assert end - start <= 1 or token in text[start:end].encode()
