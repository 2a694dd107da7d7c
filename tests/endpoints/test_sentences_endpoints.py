"""Sentence vectors as the README promises them to programs, asked of the running app."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradio_client import Client

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.endpoints.test_endpoints import HAN, ask, connect, refused

MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def client(app: App) -> Client:  # noqa: F811
    return connect(app)


def test_embed_and_similarity(client: Client) -> None:
    texts = ["strumming a guitar", "playing the guitar", "boiling pasta", "<b>&amp;</b>", "", "😀"]
    made = ask(client, "embed", texts, MINILM)
    assert list(made) == ["model", "dimension", "vectors"]
    assert (made["model"], made["dimension"], len(made["vectors"])) == (MINILM, 384, 6)
    vectors = np.array(made["vectors"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    asked = ask(client, "similarity", texts, MINILM)
    assert list(asked) == ["matrix"]
    matrix = np.array(asked["matrix"])
    assert matrix == pytest.approx(vectors @ vectors.T, abs=1e-5)
    assert matrix[0, 1] > 0.6 > matrix[0, 2]
    hidden = ask(client, "embed", ["Hello world"], "tutor")
    assert hidden["dimension"] == len(hidden["vectors"][0]) and hidden["dimension"] != 384


def test_project(client: Client) -> None:
    texts = [f"{what} number {n}" for what in ("a cake", "a rocket") for n in range(8)]
    first = ask(client, "project", texts, MINILM)
    assert list(first) == ["points", "method", "note"]
    assert (first["method"], first["note"], np.array(first["points"]).shape) == ("umap", "", (16, 2))
    assert ask(client, "project", texts, MINILM) == first  # the same data and seed
    deep = ask(client, "project", texts, MINILM, "pca", 3)
    assert np.array(deep["points"]).shape == (16, 3) and deep["method"] == "pca"
    for count in (1, 2, 3, 4):
        few = ask(client, "project", texts[:count], MINILM)
        assert few["method"] == "pca" and np.isfinite(few["points"]).all()
        assert few["note"] == ("same" if count == 1 else "few")
    alike = ask(client, "project", ["same"] * 9, MINILM)
    assert (alike["note"], set(map(tuple, alike["points"]))) == ("same", {(0.0, 0.0)})


BAD: dict[str, tuple[Any, ...]] = {
    "no texts": ("embed", [], MINILM),
    "a string for a list": ("embed", "hello", MINILM),
    "numbers": ("embed", [1, 2], MINILM),
    "no model": ("embed", ["a"], ""),
    "a tokenizer": ("embed", ["a"], "byt5"),
    "an unknown model": ("embed", ["a"], "nobody/has-this-name"),
    "too many": ("similarity", ["a"] * 1_001, MINILM),
    "no such method": ("project", ["a"] * 9, MINILM, "magic"),
    "four dimensions": ("project", ["a", "b"], MINILM, "umap", 4),
    "half a seed": ("project", ["a", "b"], MINILM, "umap", 2, 0.5),
    "one neighbour": ("project", ["a", "b"], MINILM, "umap", 2, 0, 1),
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_what_cannot_be_answered_is_a_sentence(client: Client, app: App, given: tuple[Any, ...]) -> None:  # noqa: F811
    assert not HAN.search(refused(client, *given))
    assert HAN.search(refused(connect(app, **{"accept-language": "zh-TW"}), *given))
