"""The worked example of the Architecture room: the plan of TinyLlama."""

from __future__ import annotations

from typing import Any

from playground import ASSETS, text
from playground.engine.tokenizers.libraries import adapter
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME
from playground.rooms.architecture import plan as plans
from playground.ui.example_files import read, write

FILE = ASSETS / "architecture" / "example.json"


MODEL = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
COUNTED_BY = "mistral-v1"  # the tokenizer nearest to TinyLlama's that comes with the app


def plan() -> plans.Architecture:
    """The plan of TinyLlama."""
    return plans.from_plain(_shipped()["plan"])


def tokens(lang: str) -> tuple[int, str]:
    """How many tokens its sentence has in one language, and whose tokenizer says so."""
    count, name = _shipped()["tokens"][lang]
    return count, name


def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = read(FILE)
    return found


def computed(cache: ModelCache) -> dict[str, Any]:
    """The plan of TinyLlama and the tokens of the example's sentences, computed now."""
    from playground.models.loaders import presets, sizes, skeletons

    config = sizes.cleaned(presets.presets()[MODEL].config)
    model = skeletons.build(config)
    made = plans.read(MODEL, model, model.config, config)
    with cache.lease(EMBEDDED_BY_NAME[COUNTED_BY]) as loaded:
        it = adapter(loaded)
        counts = {
            lang: len(it.encode(text.say("architecture.example_sentence", lang), special=True).ids)
            for lang in text.LANGUAGES
        }
    told = {lang: (count, COUNTED_BY) for lang, count in counts.items()}
    return {"plan": plans.to_plain(made), "tokens": told}


def make(cache: ModelCache) -> None:
    """Write it anew."""
    write(FILE, computed(cache))
