"""How vocabularies spell bytes and blanks, alone and together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.engine.tokenizers import pieces, spelling
from playground.engine.tokenizers.spelling import Spelling

BYTES, SENTENCEPIECE, BERT = (
    Spelling(alphabet=True),
    Spelling(blank="▁", fallback=True),
    Spelling(prefix="##"),
)
FIRST = Spelling(suffix="</w>", after=" ")
CLIP = Spelling(alphabet=True, suffix="</w>")
BERT_OF_BYTES = Spelling(alphabet=True, prefix="##")


@given(st.binary())
def test_byte_level_is_the_alphabet_and_back(raw: bytes) -> None:
    spelled = {byte: character for character, byte in pieces.BYTE_ALPHABET.items()}
    word = "".join(spelled[byte] for byte in raw)
    assert BYTES.piece(word).bytes == raw
    assert CLIP.piece(word + "</w>").bytes == raw
    assert BERT_OF_BYTES.piece("##" + word).bytes == raw


@pytest.mark.parametrize(
    ("habits", "spelled", "raw", "kind"),
    [
        (BYTES, "Ġthe", b" the", "text"), (BYTES, "ðŁĳį", "👍".encode(), "text"),
        (BYTES, "你好", "你好".encode(), "text"), (BYTES, "", b"", "text"),
        (BYTES, "photo</w>", b"photo</w>", "text"),
        (SENTENCEPIECE, "▁the", b" the", "text"), (SENTENCEPIECE, "a▁▁b", b"a  b", "text"),
        (SENTENCEPIECE, "<0xE4>", b"\xe4", "byte"), (SENTENCEPIECE, "<0xe4>", b"\xe4", "byte"),
        (SENTENCEPIECE, "<0xE4> ", b"<0xE4> ", "text"), (SENTENCEPIECE, "<0xE4>\n", b"<0xE4>\n", "text"),
        (Spelling(blank="▁"), "<0xE4>", b"<0xE4>", "text"),  # no bytes here: somebody's own letters
        (Spelling(fallback=True), "<0xE4>", b"\xe4", "byte"),  # and bytes without ▁
        (Spelling(blank="_"), "_the▁", " the▁".encode(), "text"),
        (BERT, "##ing", b"ing", "text"), (BERT, "ing##", b"ing##", "text"), (BERT, "##", b"", "text"),
        (FIRST, "the</w>", b"the ", "text"), (FIRST, "</w>the", b"</w>the", "text"),
        (FIRST, "the</w>\n", b"the</w>\n", "text"),
        (CLIP, "photo</w>", b"photo", "text"), (CLIP, "©</w>", b"\xa9", "text"), (CLIP, "ph", b"ph", "text"),
        (BERT_OF_BYTES, "##Ã", b"\xc3", "text"), (BERT_OF_BYTES, "Ġ##", b" ##", "text"),
        (Spelling(alphabet=True, prefix="##", suffix="</w>"), "##©</w>", b"\xa9", "text"),
        (Spelling(alphabet=True, blank="▁"), "▁Ã©", " é".encode(), "text"),  # ▁ written beside the alphabet
        (Spelling(alphabet=True, blank="▁"), "âĸģa", b" a", "text"),  # or spelled in it
        (Spelling(blank="▁", prefix="##"), "##▁a", b" a", "text"),
        (Spelling(blank="▁", suffix="</w>"), "▁a</w>", b" a", "text"),
        (Spelling(blank="▁", fallback=True, suffix="</w>", after=" "), "<0x41>", b"A", "byte"),
    ],
)  # fmt: skip
def test_spellings(habits: Spelling, spelled: str, raw: bytes, kind: str) -> None:
    made = habits.piece(spelled)
    assert (made.piece, made.bytes, made.kind) == (spelled, raw, kind)


def test_what_is_written_keeps_its_blank() -> None:
    assert SENTENCEPIECE.written("▁a") == "▁a".encode()
    assert FIRST.written("the</w>") == b"the"


def steps(**parts: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {"normalizer": [], "pre_tokenizer": [], "decoder": [], **parts}


@pytest.mark.parametrize(
    ("model", "parts", "habits"),
    [
        ({}, {}, Spelling()),
        ({"end_of_word_suffix": "</w>"}, {"decoder": [{"type": "ByteLevel"}]}, CLIP),
        ({"end_of_word_suffix": "</w>"}, {"decoder": [{"type": "BPEDecoder", "suffix": "</w>"}]}, FIRST),
        ({"continuing_subword_prefix": "##"}, {"pre_tokenizer": [{"type": "ByteLevel"}]}, BERT_OF_BYTES),
        (
            {"byte_fallback": True},
            {"normalizer": [{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
            SENTENCEPIECE,
        ),
        ({}, {"decoder": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "}]},
         Spelling(blank="_")),
        ({}, {"pre_tokenizer": [{"type": "Metaspace", "replacement": "_"}]}, Spelling(blank="_")),
        ({}, {"decoder": [{"type": "Replace", "pattern": {"Regex": "▁+"}, "content": " "}]},
         Spelling(blank="▁")),
        ({}, {"normalizer": [{"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}]}, Spelling()),
        ({}, {"normalizer": [{"type": "Replace", "pattern": {"String": "\n"}, "content": " "}]}, Spelling()),
        ({}, {"decoder": [{"type": "ByteFallback"}]}, Spelling(fallback=True)),
    ],
)  # fmt: skip
def test_habits_are_read_from_the_file(
    model: dict[str, Any], parts: dict[str, Any], habits: Spelling
) -> None:
    assert spelling.of(model, steps(**parts)) == habits


def test_who_throws_blanks_away() -> None:
    for kind in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer"):
        assert spelling.drops_blanks([{"type": "Digits"}, {"type": kind}])
    assert spelling.drops_blanks([{"type": "Split", "behavior": "Removed"}])
    assert not spelling.drops_blanks([{"type": "Split", "behavior": "Isolated"}, {"type": "ByteLevel"}])
