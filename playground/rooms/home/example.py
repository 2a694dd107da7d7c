"""The worked examples of Home: one sentence in each language, and what the tutor makes of it."""

from __future__ import annotations

from playground import ASSETS, text
from playground.engine.in_turn import finished
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME
from playground.rooms.home.trace import Plain, trace
from playground.ui.example_files import read, write

FOLDER = ASSETS / "home"
MODEL = "tutor"


def shipped(lang: str) -> Plain:
    """The example in one language, as shipped."""
    told: Plain = read(FOLDER / f"example.{lang}.json")
    return told


def computed(lang: str, cache: ModelCache) -> Plain:
    """The same, computed now."""
    sentence = text.say("home.example_sentence", lang)
    with cache.lease(EMBEDDED_BY_NAME[MODEL], "causal") as loaded:
        return finished(trace(loaded, sentence, len(sentence))).plain


def make(cache: ModelCache) -> None:
    """Write them anew."""
    for lang in text.LANGUAGES:
        write(FOLDER / f"example.{lang}.json", computed(lang, cache))
