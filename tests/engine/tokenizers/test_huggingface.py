"""Any tokenizer.json: kinds that are not embedded, and files that mean no good."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from playground.engine.tokenizers.libraries import Adapter, adapter
from playground.engine.tokenizers.tokenize import detokenize, tokenize
from playground.engine.tokenizers.vocabulary import facts, search
from playground.errors import BadInput, CannotLoad
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from tests import small_models
from tests.engine.tokenizers.nasty_tokenizers import check, nasty

TEXTS = (
    "", " ", "hello world", "  the  the ",
    "Hello THE é e\u0301 \u1112\u1161\u11ab ﬁ ½", "你好，世界 👨‍👩‍👧‍👦",
    "a▁b",
    "a <mask> b", "a   <left>   b   <right>   c   <both>   d", "single singles Normal normal Exact exact",
    "<s>a</s><|end|>b", "x\r\n\0\ufeff\u202e", "q\u0307\u0323", "</w> the</w>", "<0xE4>", "�",
)  # fmt: skip


def of(tokenizer: Any) -> Adapter:
    return adapter(Loaded(ModelCard("small", "upload", ""), tokenizer))


@pytest.fixture(scope="module", params=small_models.KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[str, Adapter, Any]:
    """A reader, and a second tokenizer like its own that nothing of ours has touched."""
    tokenizer = small_models.KINDS[request.param]()
    return request.param, of(deepcopy(tokenizer)), tokenizer


def joins(kind: str, text: str) -> bool:
    """Whether no character of a text is without a token: not where a normalizer drops some."""
    if kind.startswith("bytes") and kind != "bytes-strip":
        return True
    return kind in ("llama", "unigram-bytes", "roberta")


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("text", TEXTS)
def test_texts(pair: tuple[str, Adapter, Any], text: str, special: bool) -> None:
    kind, it, bare = pair
    ids = bare(text, add_special_tokens=special)["input_ids"]
    check(it, text, ids, special, joins=joins(kind, text))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=nasty)
def test_any_text(pair: tuple[str, Adapter, Any], text: str) -> None:
    kind, it, bare = pair
    tokenized = check(it, text, bare(text)["input_ids"], True, joins=joins(kind, text))
    back = detokenize(it, "it", tokenized.encoded.ids.tolist())
    assert back.text == bare.decode(bare(text)["input_ids"])


def test_algorithms() -> None:
    said = {kind: of(make()).algorithm for kind, make in small_models.KINDS.items()}
    assert said["unigram"] == "Unigram"
    assert said["llama"] == "BPE with byte fallback"
    assert said["word-level"] == "WordLevel"
    assert said["clip"] == "BPE"
    assert said["bytes"] == "byte-level BPE"


def test_the_blank_belongs_to_the_word_after_it() -> None:
    for kind in ("bytes", "bytes-prefix", "bytes-nfc", "llama"):
        tokenized = tokenize(of(small_models.KINDS[kind]()), kind, "the the", special=False)
        texts = [token.text for token in tokenized.tokens()]
        assert texts[-1] == " the", kind
        assert "".join(texts) == "the the", kind


def test_a_joined_mark_belongs_to_its_letter() -> None:
    """NFC makes one character of several; the library's own spans leave the marks out."""
    it = of(small_models.KINDS["bytes-nfc"]())
    tokenized = tokenize(it, "nfc", "xe\u0301 \u1112\u1161\u11aby", special=False)
    texts = [token.text for token in tokenized.tokens()]
    assert texts[0:3] == ["x", "e\u0301", " "]
    assert texts[-2:] == ["\u1112\u1161\u11ab", "y"]
    assert tokenized.normalized == "xé 한y"


def test_unknown_words_keep_their_letters() -> None:
    tokenized = tokenize(of(small_models.word_level()), "words", "hello Ünïcode, world", special=False)
    assert [(t.text, t.kind) for t in tokenized.tokens()] == [
        ("hello", "text"), ("Ünïcode", "unknown"), (",", "text"), ("world", "text")
    ]  # fmt: skip
    assert tokenized.normalized == "hello Unicode, world"


def test_suffixed_pieces_end_with_a_blank() -> None:
    it = of(small_models.clip_like())
    bytes_ = [it.piece(id).bytes for id in it.encode("the the", special=False).ids.tolist()]
    assert b"".join(bytes_) == b"the the "


def rows(it: Adapter, text: str) -> list[tuple[str, str, int, int]]:
    """Piece, bytes in hexadecimal and span of the text's own tokens."""
    shown = tokenize(it, "it", text, special=False).tokens()
    return [(token.piece, token.bytes.hex(), token.start, token.end) for token in shown]


def test_clips_bytes_are_the_words() -> None:
    """Spellings combine: the characters are bytes and </w> is a mark, which stands for no byte."""
    it = of(small_models.clip_of_bytes())
    assert rows(it, "photo") == [("photo</w>", "70686f746f", 0, 5)]
    assert it.backend.encode("photo", add_special_tokens=False).offsets == [(0, 5)]
    assert rows(it, "A  Cat!") == [("a</w>", "61", 0, 1), ("cat</w>", "636174", 3, 6), ("!</w>", "21", 6, 7)]
    assert rows(it, "인 cat")[:2] == [("ìĿ", "ec9d", 0, 1), ("¸</w>", "b8", 0, 1)]
    tokenized = tokenize(it, "it", "Cafe\u0301 photo", special=False)
    assert [(t.text, t.start, t.end) for t in tokenized.tokens()] == [
        ("Ca", 0, 2), ("f", 2, 3), ("", 3, 5), ("e\u0301", 3, 5), ("photo", 6, 11)
    ]  # fmt: skip
    assert (it.algorithm, it.keeps_bytes) == ("byte-level BPE", False)
    assert detokenize(it, "it", tokenized.encoded.ids.tolist()).text == it.decode(
        tokenized.encoded.ids.tolist()
    )


def test_wordpiece_of_bytes() -> None:
    it = of(small_models.wordpiece_of_bytes())
    assert rows(it, "hello") == [
        ("h", "68", 0, 1), ("##e", "65", 1, 2), ("##llo", "6c6c6f", 2, 5)
    ]  # fmt: skip
    assert rows(it, "x the")[1:] == [("Ġthe", "20746865", 1, 5)]
    assert rows(it, "a内")[1:] == [("##åĨ", "e586", 1, 2), ("##ħ", "85", 1, 2)]
    lost = "y" * 101
    assert rows(it, f"x the {lost} a") == [
        ("x", "78", 0, 1), ("Ġthe", "20746865", 1, 5), ("[UNK]", "5b554e4b5d", 5, 107),
        ("Ġ", "20", 107, 108), ("##a", "61", 108, 109),
    ]  # fmt: skip


WORDS = pre_tokenizers.WhitespaceSplit()
DIGITS = pre_tokenizers.Digits(individual_digits=True)


@pytest.mark.parametrize(
    ("how", "text", "spans"),
    [
        ({}, "中文", [("▁", 0, 0), ("中文", 0, 2)]),
        ({}, " 中文", [("▁", 0, 1), ("中文", 1, 3)]),
        ({}, "the 中文", [("▁the", 0, 3), ("▁", 3, 4), ("中文", 4, 6)]),
        ({}, "a  the", [("▁a", 0, 1), ("▁", 1, 2), ("▁the", 2, 6)]),
        # An added token ends a text, and another begins after it, with a ▁ of its own.
        ({}, "中文<y>中文", [("▁", 0, 0), ("中文", 0, 2), ("<y>", 2, 5), ("▁", 5, 5), ("中文", 5, 7)]),
        ({}, "中文 <x0> a", [("▁", 0, 0), ("中文", 0, 2), ("<x0>", 2, 8), ("▁a", 8, 9)]),
        ({}, "<y> 中文", [("<y>", 0, 3), ("▁", 3, 4), ("中文", 4, 6)]),
        # Something unknown is in the text: its bytes say nothing, its neighbours' do.
        ({}, "中文語b", [("▁", 0, 0), ("中文", 0, 2), ("<unk>", 2, 3), ("b", 3, 4)]),
        ({}, "<unk>中文", [("<unk>", 0, 5), ("▁", 5, 5), ("中文", 5, 7)]),
        ({}, "語中文", [("▁", 0, 0), ("<unk>", 0, 1), ("中文", 1, 3)]),
        ({"scheme": "never"}, "中文", [("中文", 0, 2)]),
        ({"scheme": "first"}, "中文<y>中文", [("▁", 0, 0), ("中文", 0, 2), ("<y>", 2, 5), ("中文", 5, 7)]),
        ({"blank": "_"}, "中文 a", [("_", 0, 0), ("中文", 0, 2), ("_a", 2, 4)]),
        # The blanks are thrown away first, and every word is given a ▁, as in T5's older files.
        ({"split": WORDS}, "the  中文", [("▁the", 0, 3), ("▁", 5, 5), ("中文", 5, 7)]),
        ({"split": WORDS}, "  中文 ", [("▁", 2, 2), ("中文", 2, 4)]),
        ({"split": DIGITS}, "中文1", [("▁", 0, 0), ("中文", 0, 2), ("▁", 2, 2), ("1", 2, 3)]),
    ],
)  # fmt: skip
def test_a_blank_in_front_is_none_of_the_text(
    how: dict[str, Any], text: str, spans: list[tuple[str, int, int]]
) -> None:
    it = of(small_models.metaspace_cjk(**how))
    assert [(piece, start, end) for piece, _, start, end in rows(it, text)] == spans


def test_a_normalizer_between_blank_and_text() -> None:
    """XLM-R's kind: the text is changed (full-width letters, blanks), and ▁ put in front of what came out."""
    tokenizer = small_models.metaspace_cjk()
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Strip(left=False), normalizers.Replace(Regex(" {2,}"), "▁")]
    )
    it = of(tokenizer)
    spans = [(piece, start, end) for piece, _, start, end in rows(it, "中文，the   ａ ")]
    assert spans == [
        ("▁", 0, 0),
        ("中文", 0, 2),
        (",", 2, 3),
        ("t", 3, 4),
        ("h", 4, 5),
        ("e", 5, 6),
        ("▁a", 6, 10),
    ]


def test_an_accent_stays_with_its_letter_where_the_normalizer_takes_it_off() -> None:
    it = of(small_models.word_level())
    shown = tokenize(it, "it", "he\u0301llo, wo\u0302rld\u0301 x\u0301", special=False).tokens()
    assert [token.text for token in shown] == ["he\u0301llo", ",", "wo\u0302rld\u0301", "x\u0301"]


def test_sequences_in_sequences() -> None:
    backend = small_models.word_level().backend_tokenizer
    inner = normalizers.Sequence([normalizers.NFD(), normalizers.Sequence([normalizers.StripAccents()])])
    backend.normalizer = normalizers.Sequence([inner, normalizers.Lowercase()])
    assert facts(of(small_models.wrapped(backend))).parts["normalizer"] == [
        "NFD",
        "StripAccents",
        "Lowercase",
    ]


def test_gpt2s_end_is_no_unknown() -> None:
    it = of(small_models.byte_level(unk_token="<|end|>"))
    assert it.piece(it.specials()["eos"]).kind == "special"


def refused(ask: Callable[[], Any]) -> str:
    with pytest.raises(BadInput) as caught:
        ask()
    assert caught.value.key == "errors.text_refused"
    return str(caught.value.values["reason"])


def test_what_the_library_refuses_is_bad_input(capfd: pytest.CaptureFixture[str]) -> None:
    missing = of(small_models.wrapped(Tokenizer(models.WordLevel({"a": 0}, unk_token="[UNK]"))))
    assert "UNK" in refused(lambda: missing.encode("b"))
    assert "unk_id" in refused(
        lambda: of(small_models.wrapped(Tokenizer(models.Unigram([("a", 0.0)])))).encode("b")
    )
    # A regular expression that gives up is a panic in Rust, which is no Exception in Python.
    greedy = of(small_models.splitting_on("(a+)+$"))
    assert "retry-limit" in refused(lambda: greedy.encode("a" * 20_000 + "b"))
    assert greedy.encode("a").ids.tolist() == [0]


def test_an_empty_vocabulary() -> None:
    it = of(small_models.wrapped(Tokenizer(models.BPE())))
    assert (it.size, it.last, list(it.vocabulary())) == (0, -1, [])
    assert it.encode("hello").ids.tolist() == []
    assert search(it, "a") == ([], 0)
    assert facts(it).specials == []
    with pytest.raises(BadInput) as caught:
        detokenize(it, "it", [0])
    assert caught.value.key == "errors.id_outside"
    check(it, "hello", [], True, joins=False)


def test_ids_with_holes() -> None:
    it = of(small_models.wrapped(Tokenizer(models.WordLevel({"a": 9_999, "[UNK]": 7}, unk_token="[UNK]"))))
    assert (it.size, it.last) == (2, 9_999)
    check(it, "a", [9_999], True, joins=False)
    assert it.piece(8).kind == "unknown"
    assert [found.id for found in search(it, "a")[0]] == [9_999]


def test_ids_that_no_column_holds() -> None:
    class Huge:
        """A vocabulary whose highest id is 2**31: the real one would take 40 s and 16 GiB to make."""

        def __init__(self, real: Any) -> None:
            self.real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

        def get_vocab(self, with_added_tokens: bool) -> dict[str, int]:
            return {"a": 2**31}

    tokenizer = small_models.word_level()

    class Wrapped:
        backend_tokenizer = Huge(tokenizer.backend_tokenizer)

    with pytest.raises(CannotLoad) as caught:
        of(Wrapped())
    assert caught.value.key == "errors.broken_tokenizer"


def test_two_spellings_of_one_id() -> None:
    it = of(
        small_models.wrapped(Tokenizer(models.WordLevel({"a": 0, "b": 0, "[UNK]": 1}, unk_token="[UNK]")))
    )
    assert it.size == 2
    assert list(it.vocabulary()) == [0, 1]


def test_scripts_in_a_vocabulary_stay_text() -> None:
    evil = '<img src=x onerror="alert(1)">'
    backend = Tokenizer(models.WordLevel({evil: 0, "[UNK]": 1, "": 2}, unk_token="[UNK]"))
    it = of(small_models.wrapped(backend, additional_special_tokens=[AddedToken("<script>", special=True)]))
    token, *_ = tokenize(it, "it", evil).tokens()
    assert token.piece == token.text == evil
    assert it.piece(2) == it.piece(2)
    assert detokenize(it, "it", [2]).text == ""  # an entry, though it says nothing


def test_truncation_and_padding_of_a_file_are_off() -> None:
    backend = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.enable_truncation(3)
    backend.enable_padding(length=9)
    assert of(small_models.wrapped(backend)).encode("a " * 20).ids.tolist() == [0] * 20
