"""Looking things up in a vocabulary, and what a tokenizer says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.vocabulary import facts, prepare, search
from playground.rooms.tokens import view_vocabulary as vocabulary_view
from tests import small_models
from tests.engine.tokenizers.nasty_tokenizers import EMBEDDED, SNIPPETS
from tests.engine.tokenizers.test_huggingface import of

Opened = Callable[[str], Adapter]
QUERIES = (
    "the",
    " the",
    "ing",
    "##ing",
    "Ġ",
    "▁the",
    "好",
    "👍",
    "a",
    "[",
    ".*",
    "\\",
    "<0x",
    "ß",
    "SS",
    "ΑΣ",
    "100",
)


def naive(it: Adapter, query: str) -> tuple[list[int], set[int]]:
    """Every entry asked in turn: the exact ones, the shortest first; and all of them."""
    needle, hits = query.casefold(), []
    for id in it.vocabulary():
        entry = it.piece(id)
        text = entry.bytes.decode("utf-8", "ignore")
        fields = [entry.piece.casefold(), text.casefold()]
        if needle and any(needle in field for field in fields):
            hits.append((needle not in fields, len(text) or len(entry.piece), id))
    return [id for _, _, id in sorted(hits)], {id for _, _, id in hits}


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "mistral-v1", "byt5"])
@pytest.mark.parametrize("query", QUERIES)
def test_as_a_plain_scan(opened: Opened, name: str, query: str) -> None:
    it = opened(name)
    found, total = search(it, query, limit=200)
    ordered, all_ids = naive(it, query)
    if query.isdigit():  # its own id comes first
        assert found[0].id == int(query)
        all_ids.add(int(query))
        ordered = [int(query), *(id for id in ordered if id != int(query))]
    assert total == len(all_ids)
    assert [entry.id for entry in found] == ordered[:200]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.one_of(st.text(max_size=5), st.sampled_from(SNIPPETS)))
@pytest.mark.parametrize("name", EMBEDDED)
def test_any_query(opened: Opened, name: str, query: str) -> None:
    found, total = search(opened(name), query, limit=5)
    assert len(found) == min(5, total)
    assert len({entry.id for entry in found}) == len(found)
    for entry in found:
        assert opened(name).piece(entry.id).piece == entry.piece
        entry.text.encode()


def test_exact_ones_first(opened: Opened) -> None:
    found, total = search(opened("all-MiniLM-L6-v2"), "ing", limit=10)
    assert {entry.piece for entry in found[:2]} == {"ing", "##ing"}
    assert total > 100
    found, _ = search(opened("all-MiniLM-L6-v2"), "7592")
    assert (found[0].id, found[0].piece) == (7592, "hello")
    assert search(opened("all-MiniLM-L6-v2"), "99999999")[1] == 0
    assert search(opened("all-MiniLM-L6-v2"), "[sep]")[0][0].kind == "special"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("a", [97]),
        ("aba", [97, 98]),
        ("53", [53, 51]),
        ("\ue000", [0xE000]),
        ("", []),
        ("1114112", [49, 52, 50]),
    ],
)
def test_all_of_unicode(opened: Opened, query: str, ids: list[int]) -> None:
    found, total = search(opened("canine"), query)
    assert [entry.id for entry in found] == ids
    assert total == len(ids)


def test_half_a_character_has_no_text(opened: Opened) -> None:
    found, _ = search(opened("byt5"), "<0xF0>")
    assert (found[0].bytes, found[0].text, found[0].kind) == (b"\xf0", "", "byte")


def test_prepare(opened: Opened) -> None:
    for name in EMBEDDED:
        prepare(opened(name))
    assert "index" in opened("tekken").memo
    assert "index" not in opened("canine").memo


def test_facts(opened: Opened) -> None:
    minilm = facts(opened("all-MiniLM-L6-v2"))
    assert (minilm.algorithm, minilm.size, minilm.padding_side) == ("WordPiece", 30522, "right")
    assert ("cls", "[CLS]", 101) in minilm.specials
    assert minilm.parts["normalizer"] == ["BertNormalizer"]
    assert minilm.parts["decoder"] == ["WordPiece"]
    assert facts(opened("mistral-v1")).longest_input is None
    for name in EMBEDDED:
        assert facts(opened(name)).size == opened(name).size


@pytest.mark.parametrize(
    "named", ["LlamaTokenizerFast", "LlamaTokenizer", "PreTrainedTokenizerFast", None, 7]
)
def test_both_names_of_a_class(tmp_path: Path, named: Any) -> None:
    """As transformers names it, whatever that is in its version, and as the file does."""
    from transformers import AutoTokenizer

    llama = small_models.llama_like()
    llama.truncation_side, llama.padding_side = "left", "left"
    sides = {"padding_side": "left", "truncation_side": "left"}
    llama.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | {"tokenizer_class": named} | sides), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path) if isinstance(named, str) else llama
    if not isinstance(named, str):
        tokenizer.name_or_path = str(tmp_path)
    told = facts(of(tokenizer))
    assert told.kind == type(tokenizer).__name__
    assert told.named == (named if isinstance(named, str) else None)
    assert (told.padding_side, told.truncation_side) == ("left", "left")


def test_who_has_no_file_names_no_class(opened: Opened) -> None:
    assert facts(of(small_models.llama_like())).named is None  # an upload: a tokenizer.json alone
    sentencepiece = facts(opened("mistral-v1"))
    assert (sentencepiece.kind, sentencepiece.named) == ("SentencePieceProcessor", None)
    assert (sentencepiece.padding_side, sentencepiece.truncation_side) == (None, None)


@pytest.mark.parametrize("lang", ["en", "zh-TW", "zh-CN"])
def test_the_facts_shown(opened: Opened, lang: str) -> None:
    shown = vocabulary_view.facts(facts(opened("all-MiniLM-L6-v2")), lang)
    for fact in ("BertTokenizer", "tokenizer_class", "padding_side", "truncation_side"):
        assert fact in shown, fact
    unnamed = vocabulary_view.facts(facts(opened("mistral-v1")), lang)
    assert "SentencePieceProcessor" in unnamed and "truncation_side" not in unnamed


@pytest.mark.parametrize("length", ["abc", [1], None, True, -1, 10**30, 0, {"a": 1}])
def test_a_file_may_say_anything(length: Any) -> None:
    tokenizer = small_models.word_level()
    tokenizer.model_max_length = length
    assert facts(of(tokenizer)).longest_input in (None, True)
    tokenizer.model_max_length = 512
    assert facts(of(tokenizer)).longest_input == 512
