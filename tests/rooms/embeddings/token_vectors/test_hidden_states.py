"""Token vectors: shapes and similarities against transformers' own and known values."""

from __future__ import annotations

import numpy as np
import pytest

from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.rooms.embeddings.token_vectors import hidden_states as it


@pytest.fixture(scope="module")
def minilm(models, catalog):
    with models.lease(catalog.find("all-MiniLM-L6-v2"), "encoder", dtype="float32") as loaded:
        yield loaded


@pytest.fixture(scope="module")
def bank(minilm):
    box = (
        "I sat on the bank of the river.\nWe walked along the river bank.\n\n"
        "I put money in the bank.\nThe bank lent her money."
    )
    return it.run(minilm, *it.lines(box))


def test_hello_world_is_1_4_384(minilm: Loaded):
    import torch

    (one,) = it.run(minilm, ["Hello world"]).texts
    assert one.shape == (1, 4, 384)
    assert one.tokens == ("[CLS]", "hello", "world", "[SEP]")
    assert one.spans == ((0, 0), (0, 5), (6, 11), (0, 0)) and one.special == (True, False, False, True)
    model = minilm.model[0].auto_model
    tokens = minilm.tokenizer("Hello world", return_tensors="pt")
    assert set(one.fed) == set(tokens)
    with torch.inference_mode():
        out = model(**tokens)
    assert out[0].shape == torch.Size([1, 4, 384])
    assert np.abs(one.layers[-1] - out[0][0].numpy()).max() < 1e-6
    assert np.abs(one.pooler - out[1][0].numpy()).max() < 1e-6
    # Six layers and what goes into the first; below them rows of the input matrix.
    assert one.layers.shape == (7, 4, 384)
    assert np.array_equal(one.static, model.get_input_embeddings().weight[list(one.ids)].numpy())
    assert np.abs(one.layers[0] - one.static).max() > 0.1  # positions are in it already


def test_padding_changes_nothing(minilm: Loaded):
    alone = it.run(minilm, ["Hello world"]).texts[0]
    beside = it.run(minilm, ["Hello world", "a much longer sentence that makes padding necessary"]).texts[0]
    assert alone.tokens == beside.tokens
    assert np.abs(alone.layers - beside.layers).max() < 1e-5


def test_what_is_cut_sooner_than_the_model_would_is_not_compared_with_encode(
    minilm: Loaded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(it, "LONGEST", 8)
    long, short = it.run(minilm, ["one two three four five six seven eight", "one two"]).texts
    assert long.early and long.cut and len(long.tokens) == 8 and it.pooled(long).difference is None
    assert not short.early and it.pooled(short).difference < 1e-6
    monkeypatch.setattr(it, "LONGEST", 512)  # the model itself reads 256
    own = it.run(minilm, ["word " * 300]).texts[0]
    assert own.cut and not own.early and it.pooled(own).difference < 1e-6


@pytest.mark.parametrize("text", ["Hello world", "A", "The bank of the river is green.", "中文 😀 \u202eabc"])
def test_mean_pooling_is_encode(minilm: Loaded, text: str):
    (one,) = it.run(minilm, [text]).texts
    pooling = it.pooled(one)
    direct = minilm.model.encode(text)
    assert np.abs(pooling.unit - direct).max() < 1e-6
    assert pooling.difference is not None and pooling.difference < 1e-6
    assert sum(pooling.mask) == len(one.tokens)
    assert np.allclose(pooling.total / len(one.tokens), pooling.mean)


def test_bank_separates_and_its_input_row_does_not(bank):
    found = it.occurrences(bank, "bank")
    assert [each.text for each in found] == [0, 1, 2, 3]
    told = it.separations(bank, found)
    assert [each.layer for each in told] == [-1, 0, 1, 2, 3, 4, 5, 6]
    static, last = told[0], told[-1]
    assert static.within == static.across == pytest.approx(1) and not static.parted
    assert last.parted and last.within == pytest.approx(0.844, abs=0.01)
    assert last.across == pytest.approx(0.814, abs=0.01)
    # By hand.
    vectors = np.stack([bank.texts[each.text].layers[-1][each.tokens[0]] for each in found])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.abs(it.cosines(it.vectors_at(bank, found, 6)) - unit @ unit.T).max() < 1e-6


def test_mouse_does_not_separate(minilm: Loaded):
    box = (
        "The mouse ate the cheese.\nA cat chased the mouse.\n\n"
        "Click the left button of the mouse.\nThe mouse and keyboard are wireless."
    )
    passed = it.run(minilm, *it.lines(box))
    assert not it.separations(passed, it.occurrences(passed, "mouse"))[-1].parted


def test_occurrences_are_whole_words_in_any_case_and_many_tokens(minilm: Loaded):
    passed = it.run(minilm, ["Bank, banks and BANK.", "strumming a guitar", "銀行在河邊的銀行", "a_b"])
    assert [(each.text, each.start) for each in it.occurrences(passed, "bank")] == [(0, 0), (0, 16)]
    (strumming,) = it.occurrences(passed, "strumming")
    assert len(strumming.tokens) > 1 and (strumming.start, strumming.end) == (0, 9)
    assert len(it.occurrences(passed, "銀行")) == 2
    assert it.occurrences(passed, "") == [] and it.occurrences(passed, "(") == []
    assert it.common_words(["the bank", "the river bank", "x"]) == ["bank", "the"]


def test_hidden_states_of_a_causal_model(models, catalog):
    import torch

    with models.lease(catalog.find("tutor"), "causal", dtype="float32") as loaded:
        passed = it.run(loaded, ["The bank of the river", "A bank"])
        model, tokenizer = loaded.model, loaded.tokenizer
        tokens = torch.tensor([tokenizer("The bank of the river")["input_ids"]])
        with torch.inference_mode():
            states = model(tokens, output_hidden_states=True).hidden_states
    one = passed.texts[0]
    assert one.encoded is None and one.pooler is None and it.pooled(one).difference is None
    assert len(one.layers) == len(states)
    assert np.abs(one.layers[-1] - states[-1][0].float().numpy()).max() < 1e-4
    assert len(it.occurrences(passed, "bank")) == 2


def test_lines_and_their_groups():
    assert it.lines("a\nb\n\n\nc\n") == (["a", "b", "c"], [0, 0, 1])
    assert it.lines("\n\na")[1] == [0]
    for box, key in (("", "sentence_empty"), (" \n ", "sentence_empty"), ("a\n" * 99, "vectors_lines")):
        with pytest.raises(BadInput) as caught:
            it.lines(box)
        assert caught.value.key == f"errors.{key}"


def test_a_long_text_is_cut_and_says_so(minilm: Loaded):
    long, short = it.run(minilm, ["word " * 1000, "word"]).texts
    assert long.cut and len(long.tokens) == 256 and not short.cut


def test_one_occurrence_or_one_group_tells_nothing(bank, minilm: Loaded):
    assert it.separations(bank, it.occurrences(bank, "river")) == []
    assert it.separations(bank, []) == []
    one = it.run(minilm, ["one"])
    assert it.means(one, it.occurrences(one, "one")) == [1.0] * 8


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
KINDS = {
    "Bert": SMALL,
    "DebertaV2": {**SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "MPNet": SMALL,
    "XLMRoberta": SMALL,
    "DistilBert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "Electra": {**SMALL, "embedding_size": 16},
    "T5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2},
    "GPT2": None,
    "Llama": None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_a_folder(kind: str, tmp_path):
    """Whatever the architecture: one vector a token, the same as from transformers alone."""
    import torch
    import transformers

    from playground.models.cache import ModelCache
    from playground.models.catalog import Catalog
    from playground.models.loaders import TransformersLoader
    from tests.models import saved

    folder = tmp_path / "mine"
    if KINDS[kind] is None:
        saved.save(folder, kind)
    else:
        config = getattr(transformers, f"{kind}Config")(vocab_size=saved.VOCABULARY, **KINDS[kind])
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(folder)
        saved.tokenizer().save_pretrained(folder)
    (card,) = Catalog(tmp_path, tmp_path).folders()
    role = "encoder" if "encoder" in card.roles else "causal"
    texts = ["the bank of the river", "a bank 銀行 😀"]
    with ModelCache(2**30, TransformersLoader(offline=True)).lease(card, role, dtype="float32") as loaded:
        passed = it.run(loaded, texts)
        model = loaded.model[0].auto_model if role == "encoder" else loaded.model.base_model
        for one in passed.texts:
            with torch.inference_mode():
                state = model(torch.tensor([one.ids])).last_hidden_state
            assert one.shape == tuple(state.shape) and np.isfinite(one.layers).all()
            assert np.abs(one.layers[-1] - state[0].numpy()).max() < 1e-4
            assert len(one.tokens) == len(one.static) == len(one.spans)
    assert [each.text for each in it.occurrences(passed, "bank")] == [0, 1]
    assert [each.text for each in it.occurrences(passed, "銀行")] == [1]
    if role == "encoder":
        assert it.pooled(passed.texts[0]).difference < 1e-5 and passed.pooling == "mean"
