"""Tokenizing, detokenizing, and where tokenizers agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from playground.engine.tokenizers import tokenize
from playground.engine.tokenizers.adapter import Adapter
from playground.errors import BadInput
from tests import small_models
from tests.engine.tokenizers.nasty_tokenizers import EMBEDDED, check_columns, nasty
from tests.engine.tokenizers.test_huggingface import of

Opened = Callable[[str], Adapter]
relaxed = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def key(ask: Callable[[], Any]) -> str:
    with pytest.raises(BadInput) as caught:
        ask()
    return caught.value.key.removeprefix("errors.")


@pytest.mark.parametrize("wrong", [None, 1, b"a", ["a"], {"a": 1}, True, 1.5])
def test_what_is_no_text(wrong: object) -> None:
    assert key(lambda: tokenize.check(wrong, 10)) == "not_text"


def test_check() -> None:
    assert tokenize.check("a" * 10, 10) == "a" * 10
    assert key(lambda: tokenize.check("a" * 11, 10)) == "text_too_long"
    assert key(lambda: tokenize.check("a\ud83d", 10)) == "lone_surrogate"
    with pytest.raises(BadInput) as caught:
        tokenize.check("ab\udc00", 10)
    assert caught.value.values == {"code": "U+DC00", "position": 2}


def test_tokens_of_the_notebook(opened: Opened) -> None:
    found = tokenize.tokenize(opened("all-MiniLM-L6-v2"), "MiniLM", "hello world")
    assert [(t.id, t.text, t.start, t.end, t.special) for t in found.tokens()] == [
        (101, "[CLS]", 0, 0, True),
        (7592, "hello", 0, 5, False),
        (2088, "world", 6, 11, False),
        (102, "[SEP]", 11, 11, True),
    ]
    assert (found.count, found.added, found.words, found.tokens_per_word) == (4, 2, 2, 1.0)
    assert found.characters_per_token == 11 / 4
    assert found.normalized is None
    assert tokenize.tokenize(opened("all-MiniLM-L6-v2"), "MiniLM", "HÉLLO").normalized == "hello"


def test_a_cut_character_is_shown_once(opened: Opened) -> None:
    found = list(tokenize.tokenize(opened("byt5"), "ByT5", "👍!", special=False).tokens())
    assert [t.text for t in found] == ["", "", "", "👍", "!"]
    assert [t.bytes for t in found] == [b"\xf0", b"\x9f", b"\x91", b"\x8d", b"!"]
    assert [(t.start, t.end) for t in found] == [(0, 1)] * 4 + [(1, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0), ("hello, world", 2), ("don't", 2), ("你好，世界", 4), ("हिन्दी", 1), ("e\u0301té", 1),
        ("3.14", 2),
        ("👍 ❤️ 👨‍👩‍👧", 0), ("日本語テキスト", 7), ("か\u3099", 1),
        ("한국어 문장", 2), ("عَرَبِيّ", 1), ("𠀀𠀁", 2), ("a_b", 1),
    ],
)  # fmt: skip
def test_words(opened: Opened, text: str, words: int) -> None:
    assert tokenize.tokenize(opened("canine"), "it", text).words == words


@pytest.mark.parametrize(
    "wrong", [None, 5, "1 2", "", b"ab", {"a": 1}, [1.0], ["1"], [True], [None], [[1]], {1}]
)
def test_what_are_no_ids(opened: Opened, wrong: object) -> None:
    assert key(lambda: tokenize.detokenize(opened("byt5"), "it", wrong)) == "ids_not_numbers"


@pytest.mark.parametrize("name", EMBEDDED)
def test_ids_outside(opened: Opened, name: str) -> None:
    it = opened(name)
    for id in (-1, it.size, 2**31, 2**80):
        assert key(lambda id=id: tokenize.detokenize(it, "it", [0, id])) == "id_outside"  # type: ignore[misc]
    assert tokenize.detokenize(it, "it", []).text == ""


def test_half_characters_of_canine_are_outside(opened: Opened) -> None:
    assert key(lambda: tokenize.detokenize(opened("canine"), "it", [0xD83D])) == "id_outside"


@relaxed
@given(text=nasty)
@pytest.mark.parametrize("name", ["mistral-v1", "mistral-v3", "tekken", "byt5", "canine"])
def test_there_and_back(opened: Opened, name: str, text: str) -> None:
    it = opened(name)
    ids = it.encode(text, special=False).ids.tolist()
    back = tokenize.detokenize(it, name, ids)
    assert back.encoded.ids.tolist() == ids
    check_columns(back.encoded, back.text)
    if name in ("tekken", "mistral-v1", "mistral-v3"):
        assert back.text == (text if name == "tekken" else text.replace("▁", " "))
        assert "".join(token.text for token in back.tokens()) == back.text


@relaxed
@given(text=nasty)
def test_minilm_there_and_back(opened: Opened, text: str) -> None:
    it = opened("all-MiniLM-L6-v2")
    back = tokenize.detokenize(it, "it", it.encode(text).ids.tolist())
    check_columns(back.encoded, back.text)
    assert back.text == it.tokenizer.decode(back.encoded.ids.tolist())


def test_detokenized_spans(opened: Opened) -> None:
    def texts(name: str, text: str, special: bool = False) -> list[str]:
        it = opened(name)
        found = tokenize.detokenize(it, name, it.encode(text, special).ids.tolist())
        return [token.text for token in found.tokens()]

    assert texts("all-MiniLM-L6-v2", "hello world") == ["hello", "world"]
    assert texts("mistral-v1", "the world") == ["the", " world"]
    assert texts("mistral-v1", "the world", True)[1:] == ["the", " world"]
    assert texts("mistral-v1", " the  world") == ["", " the", " ", " world"]
    assert texts("tekken", "hello � world") == ["hello", " ", "�", " world"]


def test_ids_that_end_inside_a_character(opened: Opened) -> None:
    byt5 = opened("byt5")
    ids = byt5.encode("a👍b", special=False).ids.tolist()
    for cut in ([*ids[:3], ids[-1]], ids[1:3], ids[2:], [*ids[:2], *ids]):
        found = tokenize.detokenize(opened("tekken"), "it", [1000, 1255, 1240])
        check_columns(found.encoded, found.text)
        found = tokenize.detokenize(byt5, "it", cut)
        check_columns(found.encoded, found.text)
    # 'ðŁĳ' without its last byte: three bytes, one �, then a letter.
    level = of(small_models.byte_level())
    thumb = level.encode("👍", special=False).ids.tolist()
    letter = level.encode("x", special=False).ids.tolist()
    if len(thumb) > 1:
        found = tokenize.detokenize(level, "it", [*thumb[:-1], *letter])
        assert found.text == "�x"
        assert [token.text for token in found.tokens()][-1] == "x"


@relaxed
@given(text=nasty)
@pytest.mark.parametrize("name", EMBEDDED)
def test_plain_and_back(opened: Opened, name: str, text: str) -> None:
    found = tokenize.tokenize(opened(name), name, text)
    back = tokenize.from_plain(json.loads(json.dumps(tokenize.to_plain(found))))
    assert list(back.tokens()) == list(found.tokens())
    assert (back.normalized, back.text, back.vocabulary) == (found.normalized, found.text, found.vocabulary)
    assert np.array_equal(back.encoded.added, found.encoded.added)
