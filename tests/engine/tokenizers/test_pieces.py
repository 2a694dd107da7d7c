"""Where bytes lie in a text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import regex  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from playground.engine.tokenizers import pieces
from tests.engine.tokenizers.nasty_tokenizers import nasty


def test_gpt2s_alphabet() -> None:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    assert {character: byte for byte, character in bytes_to_unicode().items()} == pieces.BYTE_ALPHABET
    assert sorted(pieces.BYTE_ALPHABET.values()) == list(range(256))


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


@pytest.mark.parametrize(
    ("text", "normalize", "whole", "spans"),
    [
        ("a b ", str.strip, "a b", [(0, 1), (1, 2), (2, 3)]),
        ("  a", str.strip, "a", [(2, 3)]),
        ("a  \n b", lambda part: regex.sub(r"\s+", " ", part), "a b", [(0, 1), (1, 5), (5, 6)]),
        (
            "é  x  ",
            lambda part: regex.sub(" {2,}", "▁", unicodedata.normalize("NFD", part).rstrip()),
            "e\u0301▁x",
            [(0, 1), (0, 1), (1, 3), (3, 4)],
        ),
        ("a b", lambda part: ("▁" + part).replace(" ", "▁"), "▁a▁b", [(0, 0), (0, 1), (1, 2), (2, 3)]),
    ],
)
def test_alignment_of_what_changes_blanks(
    text: str, normalize: Callable[[str], str], whole: str, spans: list[tuple[int, int]]
) -> None:
    assert normalize(text) == whole
    edges = pieces.alignment(text, whole, normalize)
    assert edges is not None
    assert list(zip(edges[0][:-1].tolist(), edges[1].tolist(), strict=True)) == spans
    assert edges[0][-1] == len(text)


def test_alignment_gives_up_on_what_reaches_further() -> None:
    for normalize in (lambda part: part[::-1], lambda part: part.replace("ab", "c")):
        assert pieces.alignment("ab abc", normalize("ab abc"), normalize) is None


def followed(
    text: str, tokens: list[bytes | None], until: list[int], **how: Any
) -> list[tuple[int, int]] | None:
    found = pieces.follow(
        text.encode(), tokens, np.array(until, np.int32), **{"blank": b"", "dropped": False, **how}
    )
    return found and list(zip(found[0].tolist(), found[1].tolist(), strict=True))


def test_follow_tells_a_blank_in_front_from_one_of_the_text() -> None:
    mark = "▁".encode()
    tokens = [mark + b"a", mark, "中".encode()]
    assert followed("a▁中", tokens, [0] * 3, blank=mark) == [(0, 1), (1, 2), (2, 3)]
    assert followed("a中", tokens, [0] * 3, blank=mark) == [(0, 1), (1, 1), (1, 2)]
    assert followed(" a  中 ", tokens, [0] * 3, blank=mark, dropped=True) == [(1, 2), (4, 4), (4, 5)]
    assert followed("a中", [b"a", mark], [0, 0], blank=mark) is None
    assert followed("a中!", [b"a", "中".encode()], [0, 0], blank=mark) is None  # something is left
    assert followed("a!", [b"a", mark + b"b"], [0, 0], blank=mark) is None


def test_follow_spans_whole_characters_and_what_is_unknown() -> None:
    assert followed("é x", [b"\xc3", b"\xa9", b"x"], [0] * 3, dropped=True) == [(0, 1), (0, 1), (2, 3)]
    assert followed("a中文b", [b"a", None, b"b"], [1, 7, 8]) == [(0, 1), (1, 3), (3, 4)]
    assert followed("a中文b", [b"a", None, b"b"], [1, 4, 8]) is None


def test_a_mark_that_no_token_has_goes_to_its_letter() -> None:
    starts, ends = np.array([0, 1, 6], np.int32), np.array([1, 3, 7], np.int32)
    assert pieces.with_marks("e\u0301f\u0301\u0302 g\u0301\u0301", starts, ends).tolist() == [1, 5, 9]
    assert pieces.with_marks(
        "ab \u0301\u0301g", np.array([0, 5], np.int32), np.array([2, 6], np.int32)
    ).tolist() == [2, 6]


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
