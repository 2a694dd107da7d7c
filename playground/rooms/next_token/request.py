"""What a page or a program asks for about the next token: from JSON of a stranger to checked values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.engine.generation.sampling import Settings
from playground.engine.tokenizers import tokenize
from playground.errors import BadInput
from playground.ui import numbers
from playground.ui.context import Context

MOST_SHOWN = 200  # candidates that ever travel
MOST_IDS = 200_000
MOST_DRAWS = 2_000  # of one seed in a row: whoever comes anew makes each of them again


@dataclass(frozen=True)
class Request:
    """One look that is wanted.

    Args:
        prompt: a text, read where there are no ``ids``; with ``chat`` as a user's message in the template.
        answer: with ``chat``, how the model's answer has begun: words of another model, say.
        ids: what was read so far, exactly: never tokenized again.
        conversation: what its trace is kept under, too long to guess; "": nothing is kept.
        count: candidates shown.
        choose: ``greedy``, ``sample``, an id to append before looking, or None.
        draws: how many were drawn with this seed before.
        score_prompt: also say how likely each token of the prompt was.
    """

    model: str
    quantization: str
    prompt: str
    chat: bool
    answer: str
    ids: list[int]
    conversation: str
    settings: Settings
    count: int
    choose: str | int | None
    draws: int
    score_prompt: bool


def parse(context: Context, given: Any) -> Request:
    """Check it.

    Raises:
        BadInput: whatever does not fit.
    """
    if not isinstance(given, Mapping):
        raise BadInput("not_text", kind=type(given).__name__)
    ids = _ids(given.get("ids"))
    prompt = "" if ids else tokenize.check(given.get("prompt", ""), context.settings.text_limit)
    named, choose = given.get("conversation"), given.get("choose")
    if not (choose is None or choose in ("greedy", "sample") or type(choose) is int):
        raise BadInput("setting_malformed", name="choose", value=str(choose)[:40])
    return Request(
        model=str(given.get("model") or ""),
        quantization=str(given.get("quantization") or ""),
        prompt=prompt,
        chat=given.get("chat") is True,
        answer="" if ids else tokenize.check(given.get("answer") or "", context.settings.text_limit),
        ids=ids,
        conversation=named if isinstance(named, str) and 16 <= len(named) <= 64 else "",
        settings=settings(given),
        count=shown(whole(given, "count", 20)),
        choose=choose,
        draws=min(max(whole(given, "draws", 0), 0), MOST_DRAWS),
        score_prompt=given.get("score_prompt") is True,
    )


def shown(count: int) -> int:
    """How many candidates to show.

    Raises:
        BadInput: ``setting_outside``.
    """
    if not 1 <= count <= MOST_SHOWN:
        raise BadInput("setting_outside", name="count", low=1, high=MOST_SHOWN, value=str(count))
    return count


def settings(given: Mapping[str, Any]) -> Settings:
    """How to weigh and to draw; what is not named changes nothing.

    Raises:
        BadInput: ``setting_outside``, ``setting_malformed``.
    """
    seed = given.get("seed")
    return Settings(
        temperature=number(given, "temperature", 1.0),
        top_k=whole(given, "top_k", 0),
        top_p=number(given, "top_p", 1.0),
        min_p=number(given, "min_p", 0.0),
        seed=None if seed in (None, "") or number(given, "seed", -1) < 0 else whole(given, "seed", 0),
    ).checked()


def number(given: Mapping[str, Any], name: str, otherwise: float) -> float:
    """A number by its name."""
    return numbers.number(name, given.get(name), otherwise)


def whole(given: Mapping[str, Any], name: str, otherwise: int) -> int:
    """A whole number by its name."""
    return numbers.whole(name, given.get(name), otherwise)


def _ids(given: Any) -> list[int]:
    if given is None:
        return []
    fits = isinstance(given, Sequence) and not isinstance(given, str) and len(given) <= MOST_IDS
    if not fits or not all(type(id) is int and 0 <= id < 2**31 for id in given):
        raise BadInput("ids_not_numbers")
    return list(given)
