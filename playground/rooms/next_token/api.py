"""What the Next token panel answers: ``/next_token`` for programs, and streams for the page itself."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import gradio as gr

from playground.engine.generation import logits as subject
from playground.engine.generation import probabilities
from playground.engine.generation.logits import Row
from playground.engine.tokenizers import tokenize
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Stage
from playground.rooms.next_token import example
from playground.rooms.next_token.actions import Answers
from playground.rooms.next_token.request import parse
from playground.ui.context import Context
from playground.ui.visitor import guard, language

MOST_LOOKUPS = 100


@functools.cache
def answers_of(context: Context) -> Answers:
    """The panel's functions; page and programs share what they keep."""
    return Answers(context)


def build(context: Context) -> None:
    """Register the endpoint."""
    do = answers_of(context)

    def next_token(
        prompt: str,
        model: str = "tutor",
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        count: int = 20,
        lookup: list[str] = [],  # noqa: B006  (gradio reads the default)
    ) -> dict[str, Any]:
        """Which token comes next: one forward pass, its logits, and what temperature and filters make of it.

        Args:
            prompt: the text to go on with; it is begun as the model's tokenizer begins a text (BOS).
            model: an embedded name, a folder of the models folder, or a Hub id.
            temperature: divides the logits; 0 always takes the likeliest token.
            top_k: keep so many of the likeliest tokens; 0 keeps all.
            top_p: keep the likeliest tokens that together reach this share; 1 keeps all.
            count: how many of the likeliest tokens to tell, up to 200.
            lookup: more tokens to tell, each by its text, its piece or its id.

        Returns:
            tokens of the prompt, hidden_shape, logits_shape, candidates (best first: id, piece, text, logit,
            probability: the model's own, filtered_probability: what it is drawn with, kept), lookup (the same
            and rank), rest (what all other tokens share), entropy_bits of the model's own distribution. Both
            probabilities are of the whole vocabulary: candidates and rest sum to 1.
        """
        return answer(do, prompt, model, temperature, top_k, top_p, count, lookup)

    queue: dict[str, Any] = {
        "concurrency_id": "language-models",
        "concurrency_limit": 120 if do.context.settings.class_mode else 24,
    }
    gr.api(guard(next_token), api_name="next_token", **queue)


def streams(context: Context) -> dict[str, Callable[[Any], Iterator[Any]]]:
    """What the page's own scripts ask for (`assets/next_token/next.js`), for `playground.shell.streams`."""
    do = answers_of(context)

    def reweigh(given: Any) -> Iterator[Any]:
        yield do.reweigh(given)

    def learning(given: Any) -> Iterator[Any]:
        wanted = given if isinstance(given, dict) else {}
        yield example.learning(wanted.get("prompt"), chat=wanted.get("chat"), lang=language())

    return {
        "next/look": do.look, "next/find": do.find, "next/lens": do.lens, "next/attention": do.attention,
        "next/weigh": reweigh, "next/learning": learning,
    }  # fmt: skip


def answer(
    do: Answers, prompt: Any, model: Any, temperature: Any, top_k: Any, top_p: Any, count: Any, lookup: Any
) -> dict[str, Any]:
    """`/next_token` itself."""
    if not isinstance(prompt, str):
        tokenize.check(prompt, 0)
    if isinstance(lookup, str):
        lookup = [lookup]
    if not isinstance(lookup, list | tuple) or len(lookup) > MOST_LOOKUPS:
        raise BadInput("lookup_list", most=MOST_LOOKUPS)
    wanted = parse(
        do.context,
        {"prompt": prompt, "model": model, "temperature": temperature, "top_k": top_k, "top_p": top_p,
         "count": count},
    )  # fmt: skip
    with closing(do.leased(wanted)) as steps:
        for loaded in steps:
            if isinstance(loaded, Stage):
                continue
            known = adapter(loaded)
            ids = do.prompt(loaded, wanted)
            row = next(state for state in do.row(loaded, ids, "") if isinstance(state, Row))
            looked = [subject.lookup(known, each, row.vocabulary) for each in lookup]
            best = probabilities.top(row.logits, wanted.count)
            made = probabilities.reweigh(row.logits, wanted.settings, [*best, *looked])
            spelled = subject.candidates(known, ids, [*best, *looked])
            told = [
                {"id": each.id, "piece": each.piece, "text": each.text, "logit": float(made.logits[place]),
                 "probability": float(made.own[place]), "filtered_probability": float(made.final[place]),
                 "kept": bool(made.removed_by[place] == probabilities.KEPT)}
                for place, each in enumerate(spelled)
            ]  # fmt: skip
            candidates, count = told[: len(best)], len(best)
            n = len(ids)
            return {
                "tokens": _tokens(loaded, wanted.prompt, ids),
                "hidden_shape": [1, n, row.hidden_size], "logits_shape": [1, n, row.vocabulary],
                "candidates": candidates,
                "lookup": [
                    {**each, "rank": int(made.ranks[count + place])}
                    for place, each in enumerate(told[count:])
                ],
                "rest": {
                    "probability": max(0.0, 1 - float(made.own[:count].sum())),
                    "filtered_probability": max(0.0, 1 - float(made.final[:count].sum())),
                },
                "entropy_bits": made.bits[0],
            }  # fmt: skip
    raise AssertionError("a lease ends with a model or an error")


def _tokens(loaded: Any, prompt: str, ids: list[int]) -> list[dict[str, Any]]:
    """The prompt's tokens, as `/tokenize` tells them."""
    found = tokenize.tokenize(adapter(loaded), loaded.card.name, prompt, True)
    return [
        {"id": t.id, "piece": t.piece, "text": t.text, "bytes": t.bytes.hex(), "start": t.start,
         "end": t.end, "special": t.special}
        for t in found.tokens(0, len(ids))
    ]  # fmt: skip
