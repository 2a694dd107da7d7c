"""The worked example of the Words view: king + woman - man, in the embedded vectors and in the book's."""

from __future__ import annotations

from typing import Any

from playground import ASSETS, settings
from playground.models.cache import ModelCache
from playground.models.catalog import resolved
from playground.rooms.embeddings.words import analogies
from playground.rooms.embeddings.words.catalogue import EMBEDDED, GLOVE
from playground.ui.example_files import read, write

FILE = ASSETS / "embeddings" / "words" / "example.json"
SOURCES = (EMBEDDED[0].name, GLOVE.name)


def shipped(source: str = SOURCES[0]) -> dict[str, Any]:
    """As shipped: king + woman − man, the inputs left out and left in."""
    told: dict[str, Any] = read(FILE)[source]
    return told


def computed(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now; of vectors whose package is not here, as shipped."""
    plus, minus = ["king", "woman"], ["man"]
    made = {}
    for card in (EMBEDDED[0], resolved(GLOVE, settings.read([]).cache_dir)):
        source = card.name
        if card.source == "package" and not card.where:
            made[source] = shipped(source)
            continue
        with cache.lease(card, "words") as loaded:
            answers = {
                name: [vars(each) for each in analogies.similar(loaded, plus, minus, 10, include=include)]
                for name, include in (("excluded", False), ("included", True))
            }
        made[source] = {"plus": plus, "minus": minus, **answers}
    return made


def make(cache: ModelCache) -> None:
    """Write it anew."""
    write(FILE, computed(cache))
