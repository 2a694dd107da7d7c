"""The notebook's walk, and padding as transformers pads."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from playground.engine.tokenizers.adapter import Adapter
from playground.errors import BadInput
from playground.rooms.tokens.steps import batch, lengths, steps
from tests import small_models
from tests.engine.tokenizers.nasty_tokenizers import EMBEDDED
from tests.engine.tokenizers.test_huggingface import of

Opened = Callable[[str], Adapter]
SENTENCES = ["hello world", "", "the quick brown fox jumps", "👍", "don't"]


def test_the_walk(opened: Opened) -> None:
    found = steps(opened("all-MiniLM-L6-v2"), "MiniLM", "hello world")
    assert found.ids == [101, 7592, 2088, 102]
    assert found.attention_mask == [1, 1, 1, 1]
    assert found.tensor == "tensor([[ 101, 7592, 2088,  102]])"
    assert found.shape == "torch.Size([1, 4])"
    assert found.whole == "[CLS] hello world [SEP]"
    assert [token.text for token in found.one_by_one] == ["[CLS]", "hello", "world", "[SEP]"]


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_walk_of_nothing_and_of_much(opened: Opened, name: str) -> None:
    it = opened(name)
    empty = steps(it, name, "", special=False)
    assert (empty.ids, empty.shape, empty.one_by_one) == ([], "torch.Size([1, 0])", [])
    much = steps(it, name, "hello 👍 " * 500, limit=10)
    assert len(much.ids) == len(much.attention_mask) == len(much.one_by_one) == 10
    assert much.shape == f"torch.Size([1, {much.tokenized.count}])"


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("special", [True, False])
def test_batches_as_transformers_pads(opened: Opened, side: str, special: bool) -> None:
    for it in (
        opened("all-MiniLM-L6-v2"),
        opened("byt5"),
        opened("canine"),
        of(small_models.metaspace_unigram()),
    ):
        found = batch(it, SENTENCES, side, special)
        bare = deepcopy(it.tokenizer)
        bare.padding_side = side
        rows = [{"input_ids": bare(text, add_special_tokens=special)["input_ids"]} for text in SENTENCES]
        padded = bare.pad(rows, return_attention_mask=True)
        assert found.ids == padded["input_ids"]
        assert found.mask == padded["attention_mask"]
        assert [[it.piece(id).piece for id in row] for row in found.ids] == found.pieces
        assert (found.side, found.borrowed) == (side, False)
        assert found.pad == it.piece(bare.pad_token_id).piece


def test_a_borrowed_padding_token(opened: Opened) -> None:
    found = batch(opened("mistral-v1"), ["hello", "hello world"], "left")
    assert found.borrowed
    assert (found.pad, found.ids[0][0], found.mask[0][0]) == ("</s>", 2, 0)


def test_batches_of_nothing(opened: Opened) -> None:
    assert batch(opened("byt5"), []).ids == []
    assert batch(opened("tekken"), ["", ""], special=False).ids == [[], []]


@pytest.mark.parametrize("side", ["", "middle", "LEFT", None, 1])
def test_no_side(opened: Opened, side: str) -> None:
    with pytest.raises(BadInput) as caught:
        batch(opened("byt5"), ["a"], side)
    assert caught.value.key == "errors.side_unknown"


def test_lengths(opened: Opened) -> None:
    assert lengths(["hello world", "👍 x 🤖", ""], opened("all-MiniLM-L6-v2")) == [(2, 0), (3, 2), (0, 0)]
    assert lengths(["👍"], opened("byt5")) == [(4, 0)]
    assert lengths(["hello Qx"], of(small_models.word_level())) == [(2, 1)]
