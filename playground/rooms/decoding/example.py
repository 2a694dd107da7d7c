"""The worked example of the Decoding room: a prompt where greedy decoding misses a likelier sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground import ASSETS, settings, text
from playground.engine.generation.beam_search import Beams
from playground.engine.generation.prompts import prompt_ids
from playground.engine.generation.sampling import Settings
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME, SMOLLM2, resolved
from playground.rooms.decoding import comparison, strategies
from playground.ui.example_files import read, write

FOLDER = ASSETS / "decoding"
MODEL = "tutor"
WRITERS = {"en": SMOLLM2}  # who writes the language as people know it; the others' is the tutor
CLEAR = 0.3  # nats: a third likelier; less is no story
# What the room opens with; its controls stand so.
PLAN = comparison.Plan(
    Settings(24, temperature=0.8, top_k=40, top_p=0.9, min_p=0.05, repetition_penalty=1.1, seed=3),
    Beams(4),
)


def shipped(lang: str) -> comparison.Comparison:
    """The example in one language, as shipped."""
    return comparison.from_plain(read(FOLDER / f"example.{lang}.json"))


def computed(lang: str, cache: ModelCache, prompts: Sequence[str] = ()) -> comparison.Comparison:
    """The same, computed now: of some prompts one where greedy truly misses a likelier sequence.

    The first one where both come to an end of their own, and clearly; if there is none, the clearest.

    Args:
        prompts: without them, those of ``decoding.cases``.

    Raises:
        LookupError: no prompt of the list shows it; put others there.
    """
    found: list[comparison.Comparison] = []
    card = resolved(WRITERS.get(lang, EMBEDDED_BY_NAME[MODEL]), settings.read([]).cache_dir)
    with cache.lease(card, "causal") as loaded:
        for prompt in prompts or text.say("decoding.cases", lang).split("\n"):
            ids, _ = prompt_ids(loaded, prompt, len(prompt))
            *_, made = strategies.compare(loaded, ids, PLAN, text=prompt)
            if isinstance(made, comparison.Comparison) and comparison.missed(made):
                gain = made.continuation("beam").total - made.continuation("greedy").total
                if made.continuation("beam").ended and gain > CLEAR:
                    return made
                found.append(made)
    if not found:
        raise LookupError(lang)
    return max(found, key=lambda each: each.continuation("beam").total - each.continuation("greedy").total)


def rounded(content: Any) -> Any:
    """The same with numbers of six digits: a page shows three."""
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    return [rounded(each) for each in content] if isinstance(content, list | tuple) else content


def make(cache: ModelCache) -> None:
    """Write it anew."""
    for lang in text.LANGUAGES:
        write(FOLDER / f"example.{lang}.json", rounded(comparison.to_plain(computed(lang, cache))))
