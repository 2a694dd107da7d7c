"""The worked examples of the Token vectors and Words views: ``python -m playground.examples`` makes them."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground import text
from playground.catalog import EMBEDDED
from playground.models import ModelCache
from playground.subjects import token_vectors as passes
from playground.subjects import words as word_vectors

FOLDER = text.ASSETS / "examples"
SENSES: dict[str, str] = json.loads((FOLDER / "senses.json").read_text(encoding="utf-8"))
"""A word → sentences in which it means two things, the two parted by a blank line."""
TOKEN_VECTORS = ("Hello world", SENSES["bank"], "bank")  # a sentence, sentences, and the word in them


def token_vectors(texts: Sequence[str]) -> passes.Passed | None:
    """The shipped pass of all-MiniLM-L6-v2 over an example of the Token vectors view; None: it is none."""
    wanted = {("Hello world",): 0, tuple(passes.lines(SENSES["bank"])[0]): 1}.get(tuple(texts))
    return None if wanted is None else _shipped_token_vectors()[wanted]


KINDS = ("static", "layers", "pooler", "encoded")


@functools.cache
def _shipped_token_vectors() -> list[passes.Passed]:
    with np.load(FOLDER / "token_vectors.npz", allow_pickle=False) as kept:
        told = json.loads(str(kept["told"]))
        whole = {name: kept[name].astype(np.float32) for name in kept.files if name != "told"}
    made = []
    for number, lines in enumerate(told):
        some = []
        for place, row in enumerate(lines):
            some.append(
                passes.TokenVectors(
                    row["text"],
                    tuple(row["tokens"]),
                    tuple(row["ids"]),
                    tuple((start, end) for start, end in row["spans"]),
                    tuple(row["special"]),
                    {name: tuple(values) for name, values in row["fed"].items()},
                    *(whole[f"{number}.{place}.{kind}"] for kind in KINDS),
                )
            )
        made.append(passes.Passed("all-MiniLM-L6-v2", tuple(some), (0,) * len(some), "mean"))
    return made


def computed_token_vectors(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now, as arrays: whole for one sentence, in half precision for the others."""
    card = next(card for card in EMBEDDED if "encoder" in card.roles)
    arrays, told = {}, []
    with cache.lease(card, "encoder") as loaded:
        for number, box in enumerate(TOKEN_VECTORS[:2]):
            passed = passes.run(loaded, passes.lines(box)[0])
            kept = np.float16 if number else np.float32
            for place, one in enumerate(passed.texts):
                for kind in KINDS:
                    arrays[f"{number}.{place}.{kind}"] = getattr(one, kind).astype(kept)
            names = ("text", "tokens", "ids", "spans", "special", "fed")
            told.append([{name: getattr(one, name) for name in names} for one in passed.texts])
    return {"told": np.array(json.dumps(told)), **arrays}


def words() -> dict[str, Any]:
    """The Words view's example as shipped: king + woman − man, the inputs left out and left in."""
    told: dict[str, Any] = json.loads((FOLDER / "words.json").read_text(encoding="utf-8"))
    return told


def computed_words(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    card = next(card for card in EMBEDDED if "words" in card.roles)
    plus, minus = ["king", "woman"], ["man"]
    with cache.lease(card, "words") as loaded:
        answers = {
            name: [vars(each) for each in word_vectors.similar(loaded, plus, minus, 10, include=include)]
            for name, include in (("excluded", False), ("included", True))
        }
    return {"plus": plus, "minus": minus, **answers}
