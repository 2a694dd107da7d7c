"""The worked example of the Tokens room: one text under several tokenizers, and the chart over languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from playground import ASSETS, text
from playground.engine.tokenizers import tokenize
from playground.engine.tokenizers.libraries import Adapter, adapter
from playground.models.cache import ModelCache
from playground.models.catalog import TOKENIZERS
from playground.rooms.tokens import steps, view_languages
from playground.ui.example_files import read, write

FOLDER = ASSETS / "tokens"


# The tokenizers that the room opens with.
SHOWN = ("all-MiniLM-L6-v2", "mistral-v1", "mistral-v3", "tekken", "byt5", "canine")


def tokenized(lang: str) -> list[tokenize.Tokenized]:
    """The example in one language, as shipped."""
    plain = read(FOLDER / f"example.{lang}.json")
    return [tokenize.from_plain(each) for each in plain]


def languages_chart(lang: str) -> str:
    """The chart over languages, of the tokenizers shown at first."""
    shipped = read(FOLDER / "example.languages.json")
    return view_languages.chart(languages_samples(), shipped, lang)


def languages_samples() -> list[tuple[str, str]]:
    """The sentence that the chart counts, by language."""
    return list(read(FOLDER / "languages.json").items())


def computed(lang: str, cache: ModelCache) -> list[dict[str, Any]]:
    """The same, computed now."""
    example = text.say("tokens.example_text", lang)
    with _opened(cache) as readers:
        return [tokenize.to_plain(tokenize.tokenize(r, name, example)) for name, r in readers.items()]


def computed_languages(cache: ModelCache) -> dict[str, list[tuple[int, int]]]:
    """Tokenizer → tokens of each sentence of the chart, computed now."""
    sentences = [sentence for _, sentence in languages_samples()]
    with _opened(cache) as readers:
        return {name: steps.lengths(sentences, r) for name, r in readers.items()}


@contextmanager
def _opened(cache: ModelCache) -> Iterator[dict[str, Adapter]]:
    with ExitStack() as stack:
        yield {
            card.name: adapter(stack.enter_context(cache.lease(card)))
            for card in TOKENIZERS
            if card.name in SHOWN
        }


def make(cache: ModelCache) -> None:
    """Write it anew."""
    write(FOLDER / "example.languages.json", computed_languages(cache))
    for lang in text.LANGUAGES:
        write(FOLDER / f"example.{lang}.json", computed(lang, cache))
