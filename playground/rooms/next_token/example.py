"""The worked examples of the Next token room: a prompt in each language, and how the tutor learned."""

from __future__ import annotations

import functools
from typing import Any

from playground import ASSETS, text
from playground.engine.generation import logits as next_tokens
from playground.engine.generation.prompts import prompt_ids
from playground.engine.generation.sampling import Settings
from playground.models.cache import ModelCache
from playground.models.catalog import EMBEDDED_BY_NAME, SMOLLM2, ModelCard
from playground.rooms.next_token import view_data
from playground.ui.example_files import read, write

FOLDER = ASSETS / "next_token"
MODEL = "tutor"  # always there
# By language and model: of the models that pages of that language open with.
FILES = {(lang, MODEL): FOLDER / f"example.{lang}.json" for lang in text.LANGUAGES}
FILES["en", SMOLLM2.name] = FOLDER / "example.smollm2.json"
LOOKED = 15  # tokens shown


def opening(lang: str = text.DEFAULT) -> str:
    """The prompt that the room opens with."""
    return text.say("next_token.example_capital", lang)


def shipped(lang: str = text.DEFAULT, model: str = MODEL) -> dict[str, Any]:
    """The example of a model, as shipped: what the page is told about the `opening` prompt of a language."""
    told: dict[str, Any] = read(FILES[lang, model])
    return told


def all_shipped(lang: str) -> list[dict[str, Any]]:
    """Those that a page of a language carries."""
    return [shipped(*key) for key in FILES if key[0] == lang]


def computed(cache: ModelCache, lang: str = text.DEFAULT, card: ModelCard | None = None) -> dict[str, Any]:
    """The same, computed now.

    Args:
        card: of the model, whose files are here; without it the tutor's.
    """
    card, prompt = card or EMBEDDED_BY_NAME[MODEL], opening(lang)
    with cache.lease(card, "causal") as loaded:
        ids, _ = prompt_ids(loaded, prompt, len(prompt))
        states = next_tokens.look(loaded, ids, score_prompt=True)
        row = next(state for state in states if isinstance(state, next_tokens.Row))
        settings = Settings(temperature=1.0).checked()
        told = view_data.look(loaded, row, settings, LOOKED) | view_data.prompt(loaded, row)
    return told | {"row": "", "model": card.name, "prompt": prompt}


@functools.cache
def _learned() -> dict[str, Any]:
    found: dict[str, Any] = read(ASSETS / "tutor" / "learning.json")
    return found


def learning(prompt: object = None, *, chat: object = False, lang: str = text.DEFAULT) -> dict[str, Any]:
    """What the tutor said at moments of its training, after one of the prompts that were kept.

    Args:
        prompt: its number, or its text; what is not among them takes the one that the room opens with.
        chat: a text is a message to the tutor, not the beginning of a text.

    Returns:
        prompts: [kind, text] of all of them; prompt; moments: step, tokens (read in training so far), loss,
        answers: [text, probability] best first, sample: how it went on ("" where that was not kept).
    """
    kept = _learned()
    prompts = kept["prompts"]
    known = [(each["kind"], each["text"]) for each in prompts]
    if isinstance(prompt, str):
        wanted = ("chat" if chat is True else "text", prompt)
        prompt = known.index(wanted) if wanted in known else None
    if type(prompt) is not int or not 0 <= prompt < len(prompts):
        prompt = known.index(("text", opening(lang)))
    moments = [
        {
            "step": shot["step"], "tokens": shot["tokens"], "loss": shot["loss"],
            "answers": [[kept["texts"][str(id)], p] for id, p in shot["answers"][prompt]],
            "sample": shot["samples"][prompt],
        }
        for shot in kept["snapshots"]
    ]  # fmt: skip
    return {
        "prompts": [[each["kind"], each["text"]] for each in prompts],
        "prompt": prompt,
        "moments": moments,
    }


def make(cache: ModelCache) -> None:
    """Write them anew; what was said in training, ``playground.tutor`` writes."""
    for (lang, model), file in FILES.items():
        write(file, computed(cache, lang, {SMOLLM2.name: SMOLLM2}.get(model)))
