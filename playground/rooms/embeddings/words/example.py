"""The worked example of the Words view: king + woman - man."""

from __future__ import annotations

from typing import Any

from playground import ASSETS
from playground.models.cache import ModelCache
from playground.rooms.embeddings.words import analogies
from playground.rooms.embeddings.words.catalogue import EMBEDDED
from playground.ui.example_files import read, write

FILE = ASSETS / "embeddings" / "words" / "example.json"


def shipped() -> dict[str, Any]:
    """As shipped: king + woman − man, the inputs left out and left in."""
    told: dict[str, Any] = read(FILE)
    return told


def computed(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    (card,) = EMBEDDED
    plus, minus = ["king", "woman"], ["man"]
    with cache.lease(card, "words") as loaded:
        answers = {
            name: [vars(each) for each in analogies.similar(loaded, plus, minus, 10, include=include)]
            for name, include in (("excluded", False), ("included", True))
        }
    return {"plus": plus, "minus": minus, **answers}


def make(cache: ModelCache) -> None:
    """Write it anew."""
    write(FILE, computed(cache))
