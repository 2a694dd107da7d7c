"""Texts that break tokenizers, and what must hold of every text under every reader."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import strategies as st

from playground.engine.tokenizers.adapter import Adapter, Encoded
from playground.engine.tokenizers.tokenize import Tokenized, of_encoded, tokenize

EMBEDDED = ("all-MiniLM-L6-v2", "mistral-v1", "mistral-v3", "tekken", "byt5", "canine")

SNIPPETS = (
    "hello world", " the", "The", "don't", "3.14", "0" * 17, "你好，世界", "こんにちは", "ﬁ", "Straße", "İ",
    "é", "e\u0301", "q\u0323\u0307", "q\u0307\u0323", "한국어", "\u1112\u1161\u11ab", "हिन्दी", "ไทย",
    "👍", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇬🇧", "𝔘𝔫𝔦", "𠀀", "عربي", "עברית", "\u202eabc\u202c", "\u200f",
    "\u2066x\u2069",
    "\0", "\x01", "\x7f", "\x85", "\xa0", "\u3000", "\u2028", "\u200b", "\u200d", "\ufeff", "\ufffd",
    "\ufffe",
    "\ue000", "\ue001", "\ue004", "\uf8ff", "\U000f0000", "\U0010ffff", "\r", "\n", "\r\n", "\n\r", "\t",
    " ", "  ", "      ", " " * 70,
    "<s>", "</s>", "<unk>", "<pad>", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "[INST]", "[/INST]",
    "<|endoftext|>",
    "<|im_start|>", "<extra_id_0>", "<mask>", "<0xE4>", "<0x0A>", "▁", "▁the", "Ġ", "Ġthe", "Ċ", "##ing",
    "</w>",
    "<script>alert(1)</script>", '"', "'", "&amp;", "\\", "{{ messages }}", "a" * 120, "\u0301" * 40,
)  # fmt: skip

character = st.characters(exclude_categories=["Cs"])
nasty = st.lists(st.one_of(st.sampled_from(SNIPPETS), character, st.text(character, max_size=6))).map("".join)


def random_text(chance: random.Random) -> str:
    """The same without hypothesis, for many thousands of them."""
    parts: list[str] = []
    for _ in range(chance.randrange(12)):
        if chance.random() < 0.6:
            parts.append(chance.choice(SNIPPETS))
        else:
            top = chance.choice((0x80, 0x800, 0x3000, 0x10000, 0x110000))
            codes = (chance.randrange(top) for _ in range(chance.randrange(1, 5)))
            parts.append("".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF))
    return "".join(parts)


def check_columns(encoded: Encoded, text: str) -> None:
    """Columns are of one length and in order; spans lie in the text."""
    starts, ends = encoded.starts, encoded.ends
    assert len(encoded.ids) == len(starts) == len(ends) == len(encoded.added)
    assert (np.diff(starts) >= 0).all()
    assert (np.diff(ends) >= 0).all()
    assert (starts >= 0).all() and (starts <= ends).all() and (ends <= len(text)).all()
    assert (starts == ends)[encoded.added].all()


def check_tokens(tokenized: Tokenized) -> None:
    """What a visitor sees of the tokens is of the text, whole characters only."""
    valid = "�" not in tokenized.text
    texts = []
    at = 0
    for token, added in zip(tokenized.tokens(), tokenized.encoded.added.tolist(), strict=True):
        assert not (valid and "�" in token.text + token.piece), token
        if added:
            assert token.special, token
            assert token.text == token.piece
            continue
        assert token.text in tokenized.text[token.start : token.end]
        assert token.start <= at or tokenized.text[at : token.start], token
        texts.append(token.text)
        at = token.end
    assert "".join(texts).count("") <= len(tokenized.text) + 1  # no character twice


def check(
    reader: Adapter, text: str, ids: list[int], special: bool, *, joins: bool | None = None
) -> Tokenized:
    """All of it, for one text.

    Args:
        ids: what the bare library answers.
        joins: the tokens' texts give the whole text; as a rule what ``keeps_bytes`` says.
    """
    tokenized = tokenize(reader, "it", text, special)
    encoded = tokenized.encoded
    assert encoded.ids.tolist() == ids
    check_columns(encoded, text)
    check_tokens(tokenized)
    if reader.keeps_bytes if joins is None else joins:
        own = [token for token, added in zip(tokenized.tokens(), encoded.added, strict=True) if not added]
        assert "".join(token.text for token in own) == text
    page = [token for begin in range(0, tokenized.count, 3) for token in tokenized.tokens(begin, begin + 3)]
    assert page == list(tokenized.tokens())
    again = of_encoded(reader, "it", text, encoded)
    assert again.count == tokenized.count
    return tokenized


def joined(reader: Adapter, encoded: Encoded) -> bytes:
    """The bytes of the text's own tokens."""
    return b"".join(reader.piece(id).bytes for id in encoded.ids[~encoded.added].tolist())
