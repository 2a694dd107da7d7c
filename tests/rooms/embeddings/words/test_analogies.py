"""Words: gensim's own answers and test sets, known values, the book's variant, spellings, nasty input."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.rooms.embeddings.words import analogies as it


@pytest.fixture(scope="module")
def minilm(models, catalog):
    with models.lease(catalog.find("minilm-words"), "words") as loaded:
        yield loaded


def small(vectors: dict[str, list[float]]) -> Loaded:
    from gensim.models import KeyedVectors

    made = KeyedVectors(len(next(iter(vectors.values()))))
    made.add_vectors(list(vectors), np.array(list(vectors.values()), np.float32))
    return Loaded(SimpleNamespace(name="small"), None, made)  # type: ignore[arg-type]


KING = {
    "kings": 0.690, "queen": 0.627, "monarch": 0.494, "prince": 0.463, "monarchy": 0.447, "royal": 0.444,
    "queens": 0.431, "kingdom": 0.426, "kingdoms": 0.412, "throne": 0.397,
}  # fmt: skip
KNOWN = [
    (["king"], [], KING),
    (["king", "woman"], ["man"], {"queen": 0.502}),
    (["paris", "japan"], ["france"], {"tokyo": 0.624}),
    (["seven"], [], {"six": 0.600, "nine": 0.584, "five": 0.573}),
    (["walking", "swim"], ["walk"], {"swimming": None}),
]


@pytest.mark.parametrize(("positive", "negative", "expected"), KNOWN, ids=lambda each: "-".join(each)[:20])
def test_known_neighbours_and_analogies(minilm: Loaded, positive, negative, expected):
    assert len(minilm.model) == 21_719
    found = it.similar(minilm, positive, negative, len(expected))
    assert [each.word for each in found] == list(expected)
    for each in found:
        if expected[each.word] is not None:
            assert each.score == pytest.approx(expected[each.word], abs=0.01)
    assert not any(each.given for each in found)
    theirs = minilm.model.most_similar(positive=positive, negative=negative, topn=50)
    ours = it.similar(minilm, positive, negative, 50)
    assert [each.word for each in ours] == [word for word, _ in theirs]
    assert np.allclose([each.score for each in ours], [score for _, score in theirs], atol=1e-5)


def test_the_books_variant_includes_the_inputs(minilm: Loaded):
    theirs = minilm.model.most_similar([minilm.model["king"]], topn=11)
    ours = it.similar(minilm, ["king"], [], 11, include=True)
    assert [each.word for each in ours] == [word for word, _ in theirs]
    assert ours[0] == it.Scored("king", pytest.approx(1), True)
    assert all(each.score <= 1 for each in ours)  # gensim: 1.0000001
    assert [each.word for each in ours[1:]] == list(KING)
    first = it.similar(minilm, ["king", "woman"], ["man"], 1, include=True)[0]
    assert first.word == "king" and first.given


def test_two_words_and_the_odd_one_out(minilm: Loaded):
    two = it.compare(minilm, ["king", "queen"])
    assert two.odd == -1
    assert two.matrix[0, 1] == pytest.approx(minilm.model.similarity("king", "queen"), abs=1e-6)
    for listed in (["breakfast", "cereal", "dinner", "lunch"], ["paris", "tokyo", "banana", "berlin"]):
        result = it.compare(minilm, listed)
        assert result.words[result.odd] == minilm.model.doesnt_match(listed)
    assert result.words[result.odd] == "banana"
    assert np.allclose(np.diag(result.matrix), 1) and np.allclose(result.matrix, result.matrix.T)


def test_wordsim353_as_gensim_measures_it(minilm: Loaded):
    from gensim.test.utils import datapath

    _, spearman, unknown = minilm.model.evaluate_word_pairs(datapath("wordsim353.tsv"))
    assert spearman.statistic >= 0.77
    assert unknown < 7  # per cent of its pairs


def test_google_analogies(minilm: Loaded):
    """All questions whose words are known, inputs excluded; gensim's own measure says the same of a part."""
    from gensim.test.utils import datapath

    with open(datapath("questions-words.txt"), encoding="utf-8") as stream:
        asked = [tuple(line.lower().split()) for line in stream if not line.startswith(":")]
    answers = it.analogies(minilm, [each[:3] for each in asked])
    known = [
        (answer, each)
        for answer, each in zip(answers, asked, strict=True)
        if answer and each[3] in minilm.model
    ]
    assert len(known) == 12_154
    right = sum(answer == each[3] for answer, each in known) / len(known)
    assert right == pytest.approx(0.7546, abs=0.002) and right >= 0.75
    for answer, (a, b, c, _) in known[:: len(known) // 8]:
        assert answer == it.similar(minilm, [b, c], [a], 1)[0].word
        assert answer == minilm.model.most_similar(positive=[b, c], negative=[a], topn=1)[0][0]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("qeen", "queen"), ("recieve", "receive"), ("computr", "computer"), ("definately", "definitely"),
     ("teh", "the"), ("KINGG", "king")],
)  # fmt: skip
def test_the_nearest_spelling(minilm: Loaded, typed: str, meant: str):
    assert meant in it.spellings(minilm, typed)
    with pytest.raises(BadInput) as caught:
        it.lookup(minilm, typed)
    assert caught.value.key == "errors.words_unknown" and meant in str(caught.value.values["near"])


def test_half_a_character_has_letters_too():
    assert it._letters(["ab\ud800"]).sum() == 3


def test_spellings_are_those_of_a_plain_search(minilm: Loaded):
    for typed in ("kng", "strem"):
        words = minilm.model.index_to_key
        best = min(it._changes(typed, word) for word in words)
        wanted = {word for word in words if it._changes(typed, word) == best}
        assert set(it.spellings(minilm, typed, 1)) <= wanted


@pytest.mark.parametrize(
    ("one", "other", "changes"),
    [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("teh", "the", 1), ("abc", "abc", 0)],
)
def test_changes_of_letters(one: str, other: str, changes: int):
    assert it._changes(one, other) == it._changes(other, one) == changes


def test_a_word_is_found_under_its_usual_spellings():
    loaded = small({"king": [1, 0], "New_York": [0, 1], "USA": [1, 1], "naïve": [1, 2]})
    for typed, known in (
        ("King", "king"), (" king ", "king"), ("new york", "New_York"), ("usa", "USA"),
        ("nai\u0308ve", "naïve"),
    ):  # fmt: skip
        assert it.lookup(loaded, typed) == known


@pytest.mark.parametrize(
    ("typed", "words"),
    [("king, woman", ["king", "woman"]), ("king woman", ["king", "woman"]), ("", []), (" ,;\n", []),
     ("new york, paris", ["new york", "paris"]), ("国王，女人、男人", ["国王", "女人", "男人"])],
)  # fmt: skip
def test_parse(typed: str, words: list[str]):
    assert it.parse(typed) == words


@pytest.mark.parametrize(
    ("positive", "negative", "count", "key"),
    [([], [], 10, "words_empty"), (["king"], ["king"], 10, "words_cancel"), (["king"], [], 0, "words_count"),
     (["king"], [], 101, "words_count"), (["king"], [], True, "words_count"), ([""], [], 5, "words_empty"),
     (["😀"], [], 5, "words_unknown_far"), (["<img src=x>"], [], 5, "words_unknown_far"),
     (["x" * 61], [], 5, "words_too_long"), (["king"] * 21, [], 5, "words_too_many"),
     ([7], [], 5, "not_text")],
)  # fmt: skip
def test_bad_input(minilm: Loaded, positive, negative, count, key):
    with pytest.raises(BadInput) as caught:
        it.similar(minilm, positive, negative, count)
    assert caught.value.key == f"errors.{key}"


def test_zero_vectors_and_tiny_vocabularies():
    loaded = small({"zero": [0, 0], "a": [1, 0], "b": [0, 1]})
    assert [each.word for each in it.similar(loaded, ["a"], [], 50)][-1] in ("zero", "b")
    assert all(np.isfinite(each.score) for each in it.similar(loaded, ["a"], [], 50))
    with pytest.raises(BadInput):
        it.similar(loaded, ["zero"])
    assert np.isfinite(it.compare(loaded, ["zero", "a", "b"]).matrix).all()
    assert it.similar(small({"only": [1, 0]}), ["only"]) == []
    with pytest.raises(BadInput) as caught:
        it.compare(loaded, ["a", "A", "a"])
    assert caught.value.key == "errors.words_two"


def test_a_map_holds_the_words_and_their_neighbours(minilm: Loaded):
    names, group, vectors = it.around(minilm, ["king", "banana", "king"], 5)
    assert names[:2] == ["king", "banana"] and group[:2] == [0, 1] and len(names) == 12
    assert len(vectors) == len(names) == len(set(names))
    assert "queen" in names and group[names.index("queen")] == 0
    assert it.around(minilm, ["king", "banana"], 0)[0] == ["king", "banana"]
