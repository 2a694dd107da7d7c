"""What the Token vectors and Words views do with inputs, without a page."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from playground.errors import BadInput, CannotLoad
from playground.models.catalog import Catalog
from playground.rooms.embeddings.sentences.work import Work
from playground.rooms.embeddings.token_vectors import example, hidden_states, view
from playground.rooms.embeddings.token_vectors.actions import MODEL, VectorsActions
from playground.rooms.embeddings.words import actions
from playground.rooms.embeddings.words.actions import WordsActions
from playground.settings import Settings
from playground.ui.context import Context
from tests.figures import told, traces


@pytest.fixture
def vectors(models, catalog, tmp_path) -> VectorsActions:
    return VectorsActions(Context(Settings(cache_dir=tmp_path), catalog, models))


@pytest.fixture
def words(models, catalog, tmp_path) -> WordsActions:
    return WordsActions(Context(Settings(cache_dir=tmp_path), catalog, models))


def last(steps):
    return list(steps)[-1]


BOX = "The mouse ate the cheese.\nA cat chased the mouse.\n\nClick the mouse.\nThe mouse and keyboard."


def test_layers_cost_one_pass(vectors):
    told = [
        last(vectors.following(vectors.senses, "senses", "senses", MODEL, layer, BOX, "mouse"))
        for layer in range(-1, 7)
    ]
    assert vectors.passes == 1 and len(set(told)) == 8
    last(vectors.following(vectors.map, "map", "map", MODEL, 3, BOX, "mouse", "word", "pca"))
    assert vectors.passes == 1  # another tab reads the same pass
    assert all(
        not isinstance(step, str) for step in vectors.following(vectors.walk, "walk", "map", MODEL, 0, "")
    )


def test_a_model_folder_without_weights_is_told_as_that(models, tmp_path):
    """Its config says that it writes or encodes; without weights it does neither, and that is the reason."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaModel"]}')
    context = Context(Settings(cache_dir=tmp_path), Catalog(tmp_path, tmp_path), models)
    for asked in (
        lambda: VectorsActions(context).plain(["Hello"], "plan"),
        lambda: last(VectorsActions(context).passing("plan", ["Hello"], [0])),
        lambda: Work(context).encoded(["Hello"], "plan"),
    ):
        with pytest.raises(CannotLoad, match="no_weights"):
            asked()


def test_passes_are_kept_within_bounds(vectors, monkeypatch):
    monkeypatch.setattr(vectors._kept, "limit", 10**6)
    for number in range(30):
        last(vectors.passing(MODEL, [f"sentence number {number} of a few"], [0]))
    assert 1 <= len(vectors._kept) < 30
    assert 0 < vectors._kept.size <= 10**6


def test_shipped_examples_are_what_is_computed(models, catalog):
    with models.lease(catalog.find(MODEL), "encoder", dtype="float32") as loaded:
        for place, box in enumerate(example.BOXES[:2]):
            texts, _ = hidden_states.lines(box)
            shipped, live = example.shipped(texts), hidden_states.run(loaded, texts)
            assert shipped is not None and shipped.pooling == live.pooling
            for one, other in zip(shipped.texts, live.texts, strict=True):
                for name in ("text", "tokens", "ids", "spans", "special", "fed"):
                    assert getattr(one, name) == getattr(other, name)
                for name in ("static", "layers", "pooler", "encoded"):
                    apart = np.abs(getattr(one, name) - getattr(other, name)).max()
                    assert apart < (1e-5 if place == 0 else 1e-2), name
    assert example.shipped(["Another"]) is None


def test_which_words_separate_is_said_from_measurement(models, catalog, vectors):
    """bank and three more part at the last layer, three others do not: as the lesson and the page say."""
    parted = {}
    with models.lease(catalog.find(MODEL), "encoder", dtype="float32") as loaded:
        for word, box in example.SENSES.items():
            passed = hidden_states.run(loaded, *hidden_states.lines(box))
            told = hidden_states.separations(passed, hidden_states.occurrences(passed, word))
            assert told[0].within == pytest.approx(1) == told[0].across  # the input matrix knows one of them
            parted[word] = told[-1].parted
    assert [word for word, yes in parted.items() if yes] == ["bank", "spring", "crane", "pitcher"]
    assert [word for word, yes in parted.items() if not yes] == ["bat", "mouse", "match"]
    for word, key in (("bank", "vec-verdict yes"), ("bat", "vec-verdict no")):
        shown = last(
            vectors.following(vectors.senses, "senses", "senses", MODEL, 6, example.SENSES[word], word)
        )
        assert key in shown


def test_the_opening_needs_no_model(vectors, words, monkeypatch):
    monkeypatch.setattr(Context, "leasing", None)
    hello, bank, word = example.BOXES
    assert "torch.Size([1, 4, 384])" in last(vectors.following(vectors.walk, "walk", "walk", MODEL, 6, hello))
    assert "vec-verdict yes" in last(vectors.following(vectors.pool, "pool", "pool", MODEL, 6, hello))
    for layer in (-1, 6):
        last(vectors.following(vectors.senses, "senses", "senses", MODEL, layer, bank, word))
        last(vectors.following(vectors.map, "map", "map", MODEL, layer, bank, word, "sentence", "pca"))
    shown = last(words.following(words.near, "near", "near", "minilm-words", "king, woman", "man", 10))
    assert "queen" in shown and "0.502" in shown


def test_the_shipped_words_are_what_is_computed(words):
    with words.context.models.lease(words.card("minilm-words"), "words") as loaded:
        live = words.near(loaded, "king, woman", "man", 10)
    assert actions.opening("en") == live


def test_text_of_visitors_is_never_html(vectors, words):
    nasty = "<img src=x onerror=alert(1)> bank <b>bank</b>\n<script>bank</script> \u202ebank"
    for fn, name, more in (
        (vectors.walk, "walk", ()), (vectors.pool, "pool", ()), (vectors.senses, "senses", ("bank",)),
        (vectors.map, "map", ("<b>", "sentence", "pca")), (vectors.senses, "senses", ("<i>zz",)),
    ):  # fmt: skip
        shown = last(vectors.following(fn, name, name, MODEL, 6, nasty, *more))
        assert "<img" not in shown and "<script" not in shown and "<i>zz" not in shown
    with words.context.models.lease(words.card("minilm-words"), "words") as loaded:
        with pytest.raises(BadInput):
            words.near(loaded, "<img src=x>", "")
        assert "King → king" in words.near(loaded, "King", "", 5)


def test_the_mask_is_seen_at_work_beside_a_longer_sentence(vectors):
    def pooled(box):
        return last(vectors.following(vectors.pool, "pool", "pool", MODEL, 6, box))

    alone, beside = pooled("Hello world"), pooled("Hello world\nOne more cat sleeps on the mat today")
    assert "[PAD]" not in alone and "a second, longer sentence" in alone
    # 4 tokens beside 10: six rows of padding, of which three are shown, and nothing of them in the sum.
    assert beside.count("[PAD]</code>") == 3 and "Rows of padding: 6." in beside and "up to 10 rows" in beside
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", beside)]
    assert [row[1] for row in rows[1:]][4:8] == [f'<span class="vec-pad">{cell}</span>' for cell in "000…"]

    def total(html):
        return re.search(r"<b>sum</b></td><td>Σ</td>(.*?)</tr>", html)[1]

    shown = [[float(cell) for cell in re.findall(r"[+-]\d\.\d{4}", total(html))] for html in (alone, beside)]
    assert len(shown[0]) == 5 and shown[0] == pytest.approx(shown[1], abs=1e-3)
    assert "[PAD]" not in pooled("Hello world\nYes")


def test_nothing_differs_by_nothing(vectors):
    *_, passed = vectors.passing(MODEL, ["Hello world"], [0])
    one = passed.texts[0]
    unit = hidden_states.pooled(one).unit
    exact = dataclasses.replace(passed, texts=(dataclasses.replace(one, encoded=unit),))
    assert "Exactly equal" in view.pooling(exact, "en") and "0.0e+00" not in view.pooling(exact, "en")
    near = dataclasses.replace(passed, texts=(dataclasses.replace(one, encoded=unit + np.float32(1e-6)),))
    assert "no number differs" in view.pooling(near, "en")


@pytest.mark.parametrize(
    ("box", "key"), [("", "sentence_empty"), ("x\n" * 17, "vectors_lines"), ("\ud800", "lone_surrogate")]
)
def test_bad_sentences(vectors, box, key):
    with pytest.raises(BadInput) as caught:
        list(vectors.following(vectors.walk, "walk", "walk", MODEL, 6, box))
    assert caught.value.key == f"errors.{key}"


def test_tiny_maps_and_missing_words(vectors, words):
    one = last(vectors.following(vectors.map, "map", "map", MODEL, 6, "x", "", "sentence", "umap"))
    assert [len(each["x"]) for each in traces(one)] == [1] and "1: x</span>" in one
    same = last(vectors.following(vectors.map, "map", "map", MODEL, -1, "a\na\na", "a", "word", "pca"))
    (three,) = traces(same)
    assert len(three["x"]) == 3 and three["name"] == "a" and told(same)["more"]["marked"] == [0, 1, 2]
    missing = last(vectors.following(vectors.senses, "senses", "senses", MODEL, 6, BOX, "zebra"))
    assert "mouse" in missing and "vec-matrix" not in missing
    with words.context.models.lease(words.card("minilm-words"), "words") as loaded:
        alone = told(words.map(loaded, "king", 0, "umap"))["more"]
        assert alone["labels"] == ["king"] and alone["named"] == alone["marked"] == [0]
        assert "dinner" in words.compare(loaded, "breakfast cereal dinner lunch")
        for listed in ("", "king"):
            with pytest.raises(BadInput):
                words.compare(loaded, listed)
