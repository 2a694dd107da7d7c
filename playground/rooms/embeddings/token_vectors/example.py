"""The worked examples of the Token vectors view: one pass over a sentence, and over a word's senses."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from playground import ASSETS
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME
from playground.rooms.embeddings.token_vectors import hidden_states
from playground.ui.example_files import read

FOLDER = ASSETS / "embeddings" / "token_vectors"


SENSES: dict[str, str] = read(FOLDER / "senses.json")
"""A word → sentences in which it means two things, the two parted by a blank line."""
BOXES = ("Hello world", SENSES["bank"], "bank")  # a sentence, sentences, and the word in them
KINDS = ("static", "layers", "pooler", "encoded")


def shipped(texts: Sequence[str]) -> hidden_states.Passed | None:
    """The shipped pass of all-MiniLM-L6-v2 over an example of the Token vectors view; None: it is none."""
    wanted = {("Hello world",): 0, tuple(hidden_states.lines(SENSES["bank"])[0]): 1}.get(tuple(texts))
    return None if wanted is None else _shipped()[wanted]


@functools.cache
def _shipped() -> list[hidden_states.Passed]:
    with np.load(FOLDER / "example.npz", allow_pickle=False) as kept:
        told = json.loads(str(kept["told"]))
        whole = {name: kept[name].astype(np.float32) for name in kept.files if name != "told"}
    made = []
    for number, lines in enumerate(told):
        some = []
        for place, row in enumerate(lines):
            some.append(
                hidden_states.TokenVectors(
                    row["text"],
                    tuple(row["tokens"]),
                    tuple(row["ids"]),
                    tuple((start, end) for start, end in row["spans"]),
                    tuple(row["special"]),
                    {name: tuple(values) for name, values in row["fed"].items()},
                    *(whole[f"{number}.{place}.{kind}"] for kind in KINDS),
                )
            )
        made.append(hidden_states.Passed("all-MiniLM-L6-v2", tuple(some), (0,) * len(some), "mean"))
    return made


def computed(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now, as arrays: whole for one sentence, in half precision for the others."""
    card = EMBEDDED_BY_NAME["all-MiniLM-L6-v2"]
    arrays, told = {}, []
    with cache.lease(card, "encoder") as loaded:
        for number, box in enumerate(BOXES[:2]):
            passed = hidden_states.run(loaded, hidden_states.lines(box)[0])
            kept = np.float16 if number else np.float32
            for place, one in enumerate(passed.texts):
                for kind in KINDS:
                    arrays[f"{number}.{place}.{kind}"] = getattr(one, kind).astype(kept)
            names = ("text", "tokens", "ids", "spans", "special", "fed")
            told.append([{name: getattr(one, name) for name in names} for one in passed.texts])
    return {"told": np.array(json.dumps(told)), **arrays}


def make(cache: ModelCache) -> None:
    """Write them anew."""
    np.savez_compressed(FOLDER / "example.npz", **computed(cache))
