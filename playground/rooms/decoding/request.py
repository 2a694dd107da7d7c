"""What somebody asks the Decoding panel for: from controls' values, or a program's, to checked ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from playground.engine.generation.beam_search import Beams
from playground.engine.generation.sampling import Settings
from playground.errors import BadInput
from playground.rooms.decoding.comparison import Plan
from playground.ui.context import Context
from playground.ui.numbers import number, whole

MOST = 128  # new tokens of six continuations: more is nobody's to compare
PUBLIC_MOST = 1024  # new tokens of one text, for strangers
MOST_STOPS, LONGEST_STOP = 8, 100
YOURS = ("most", "temperature", "top_k", "top_p", "min_p", "penalty", "seed", "stops")
BEAMS, SEEDS = ("beams", "length", "early"), ("first", "second")
# The controls that a comparison needs.
ASKED = [f"decoding.{name}" for name in ("prompt", "model", "chat", "precision", *YOURS, *BEAMS, *SEEDS)]


@dataclass(frozen=True)
class Request:
    """One comparison that is wanted."""

    prompt: str
    chat: bool
    model: str
    quantization: str
    plan: Plan

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Request:
        """From the values of `ASKED`, by their names in this room.

        Raises:
            BadInput: what `prompt`, `settings`, `beams` and `plan` raise.
        """
        yours, search = settings(*(given[name] for name in YOURS)), beams(*(given[name] for name in BEAMS))
        whole = plan(yours, search, [given[name] for name in SEEDS])
        text = prompt(given["prompt"])
        return cls(text, bool(given["chat"]), given["model"] or "", given["precision"] or "", whole)


def prompt(given: object) -> Any:
    """The prompt; what is wrong with it besides, the tokenizer says.

    Raises:
        BadInput: ``next_prompt_empty``: to go on from nothing but a token that begins a text would go
            unsaid, and the Next token panel refuses it in the same words.
    """
    if given == "":
        raise BadInput("next_prompt_empty")
    return given


def settings(
    most: object, temperature: object, top_k: object, top_p: object, min_p: object = 0.0,
    penalty: object = 1.0, seed: object = 0, stops: object = "",
) -> Settings:  # fmt: skip
    """How to decode.

    Raises:
        BadInput: ``setting_outside``, ``setting_malformed``, ``stop_strings``.
    """
    drawn = whole("seed", seed, 0)
    return Settings(
        max_new_tokens=whole("max_new_tokens", most, 24),
        temperature=number("temperature", temperature, 1.0),
        top_k=whole("top_k", top_k, 0),
        top_p=number("top_p", top_p, 1.0),
        min_p=number("min_p", min_p, 0.0),
        repetition_penalty=number("repetition_penalty", penalty, 1.0),
        seed=None if drawn == -1 else drawn,  # the usual word for "draw one"
        stop_strings=_strings(stops),
    ).checked()


def beams(count: object, length_penalty: object, early: object = False) -> Beams:
    """How wide to search.

    Raises:
        BadInput: ``setting_outside``, ``setting_malformed``.
    """
    penalty = number("length_penalty", length_penalty, 1.0)
    return Beams(whole("num_beams", count, 4), penalty, bool(early)).checked()


def plan(yours: Settings, search: Beams, seeds: Sequence[object]) -> Plan:
    """The six continuations.

    Raises:
        BadInput: ``setting_outside``, ``setting_malformed``.
    """
    if yours.max_new_tokens > MOST:
        asked = yours.max_new_tokens
        raise BadInput("setting_outside", name="max_new_tokens", low=1, high=MOST, value=asked)
    first, second = (
        replace(yours, seed=whole("seed", seed, place + 1)).checked().seed or 0
        for place, seed in enumerate(seeds)
    )
    return Plan(yours, search, (first, second))


def within(context: Context, asked: Settings) -> Settings:
    """The same with the length that strangers are granted."""
    most = PUBLIC_MOST if context.settings.public else asked.max_new_tokens
    return replace(asked, max_new_tokens=min(asked.max_new_tokens, most))


def _strings(stops: object) -> tuple[str, ...]:
    if stops is None:  # a box that nobody has touched
        return ()
    if not isinstance(stops, str):
        raise BadInput("stop_strings", most=MOST_STOPS, longest=LONGEST_STOP)
    found = tuple(dict.fromkeys(line for line in stops.split("\n") if line))
    if len(found) > MOST_STOPS or any(len(each) > LONGEST_STOP for each in found):
        raise BadInput("stop_strings", most=MOST_STOPS, longest=LONGEST_STOP)
    return found
