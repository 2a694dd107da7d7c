"""Sentences to vectors: against sentence-transformers itself, known orderings, what a model cannot see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from playground import text
from playground.engine.vectors import encode as encoding
from playground.engine.vectors.encode import Encoded, check, encode
from playground.engine.vectors.neighbours import similarity
from playground.errors import BadInput
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.rooms.embeddings.sentences.samples import sample

ODD = [
    "",
    "  blanks  ",
    "😀",
    "🍕",
    "龘",
    "word " * 600,
    "<b>html</b>",
    "=1+1",
    "مرحبا",
    "a\nb\tc",
    "Hello world",
]


@pytest.fixture(scope="module")
def minilm(models: ModelCache, catalog: Catalog) -> Iterator[Loaded]:
    with models.lease(catalog.find("all-MiniLM-L6-v2"), "encoder", device="cpu", dtype="float32") as loaded:
        yield loaded


def cosines(loaded: Loaded, *texts: str) -> np.ndarray:
    return similarity(encode(loaded, texts).vectors)


def test_without_padding_it_is_what_sentence_transformers_gives(minilm: Loaded) -> None:
    texts = [*ODD, *sample("themes_both").texts, *ODD]
    ours = encode(minilm, texts).vectors
    assert minilm.memo["encoding.packed"] is not None
    theirs = minilm.model.encode(texts, show_progress_bar=False)
    assert np.abs(ours - theirs).max() < 1e-6
    # And the way of every other encoder, through its own modules.
    minilm.memo["encoding.packed"] = None
    try:
        assert np.abs(encode(minilm, texts[:60]).vectors - theirs[:60]).max() < 1e-6
    finally:
        del minilm.memo["encoding.packed"]


def test_a_thousand_rows_have_the_digits_of_a_few(minilm: Loaded) -> None:
    """In the model's own number format, however many there are, and whatever else this CPU could multiply."""
    texts = ["A cake.", "Rockets fly to the moon.", "It rains.", "Best movie ever!"]
    many = encode(minilm, [*texts, *map(str, range(1_100))]).vectors
    assert np.abs(many[: len(texts)] - encode(minilm, texts).vectors).max() < 1e-6


def test_known_orderings(minilm: Loaded) -> None:
    movies = cosines(minilm, "Best movie ever!", "Worst movie ever!", "I loved this film.")
    assert movies[0, 1] == pytest.approx(0.758, abs=0.01) and movies[0, 2] == pytest.approx(0.592, abs=0.01)
    assert cosines(minilm, "😀", "🍕")[0, 1] == pytest.approx(1)


def test_what_is_cut_and_what_is_unknown_is_counted(minilm: Loaded) -> None:
    made = encode(minilm, ["Hello world", "word " * 600, "😀 龘", "Hello world"])
    assert made.limit == 256
    assert made.tokens.tolist() == [4, 602, 4, 4]
    assert made.unknown.tolist() == [0, 0, 2, 0]
    assert np.array_equal(made.vectors[0], made.vectors[3])


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_lesson_names_emoji_that_are_known_and_some_that_are_not(minilm: Loaded, lang: str) -> None:
    lesson = text.say("lessons.sentences", lang)
    for emoji, unknown in (("😀", 1), ("\u2764\ufe0f", 1), ("\u2665\ufe0f", 0), ("\u2122\ufe0f", 0)):
        assert emoji in lesson
        assert encode(minilm, [emoji]).unknown.tolist() == [unknown], emoji
    before, _, after = lesson.partition("\u2764\ufe0f")  # first what is unknown, then what is not
    assert "😀" in before and "\u2665\ufe0f" in after and "\u2122\ufe0f" in after


def test_progress_and_stop(minilm: Loaded) -> None:
    texts = [f"Sentence number {number}." for number in range(600)]
    steps = list(encoding.encoding(minilm, texts))
    assert steps[:-1] == [256, 512, 600] and isinstance(steps[-1], Encoded)
    running = encoding.encoding(minilm, texts)
    assert next(running) == 256
    running.close()  # nothing is left locked
    assert encode(minilm, texts[:2]).vectors.shape == (2, 384)


def test_a_language_models_hidden_states(models: ModelCache, catalog: Catalog) -> None:
    import torch

    with models.lease(catalog.find("tutor"), "causal", device="cpu", dtype="float32") as loaded:
        texts = ["A token is a piece of text.", "Bread", "", "word " * 900]
        made = encode(loaded, texts, "causal")
        assert np.isfinite(made.vectors).all()
        ids = loaded.tokenizer(texts[0], add_special_tokens=True, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            states = loaded.model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
        assert np.abs(made.vectors[0] - states.float().mean(0).numpy()).max() < 1e-4


def bare(**special: str) -> Loaded:
    """A tiny language model whose tokenizer adds nothing to a text."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    backend = Tokenizer(models.WordLevel({"<a>": 0, "<b>": 1, "?": 2, "hello": 3, "world": 4}, "?"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **special)
    config = LlamaConfig(vocab_size=5, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                         num_attention_heads=2)  # fmt: skip
    card = ModelCard("bare", "folder", "bare", frozenset({"causal"}))
    return Loaded(card, tokenizer, LlamaForCausalLM(config).eval())


@pytest.mark.parametrize("texts", [[""], ["hello", ""], ["hello world", " \n", "world"]])
def test_an_empty_text_where_nothing_can_stand_for_it_is_a_sentence(texts: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        encode(bare(), texts, "causal")
    assert caught.value.key == "errors.texts_no_tokens" and caught.value.values == {"name": "bare"}
    for lang in text.LANGUAGES:
        assert "{" not in text.say(caught.value.key, lang, **caught.value.values)
    full = [each for each in texts if each.strip()]
    assert not full or np.isfinite(encode(bare(), full, "causal").vectors).all()


@pytest.mark.parametrize(
    ("special", "stands"),
    [({"bos_token": "<a>"}, "<a>"), ({"eos_token": "<b>"}, "<b>"),
     ({"bos_token": "<a>", "eos_token": "<b>"}, "<a>")],
)  # fmt: skip
def test_an_empty_text_is_the_beginning_of_one_or_else_its_end(special: dict[str, str], stands: str) -> None:
    loaded = bare(**special)
    made = encode(loaded, ["hello", "", stands], "causal").vectors
    assert np.array_equal(made[1], made[2]) and not np.array_equal(made[0], made[1])


@pytest.mark.parametrize(
    ("given", "key"),
    [("a", "texts_list"), ([], "texts_list"), (None, "texts_list"), ([5], "not_text"),
     (["\ud800"], "lone_surrogate"), (["a"] * 4, "texts_too_many"), (["a" * 101], "text_too_long")],
)  # fmt: skip
def test_what_are_no_texts(given: object, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(given, 3, 100)
    assert caught.value.key == f"errors.{key}"
