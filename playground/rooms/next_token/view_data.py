"""Looks at the next token as the page's script reads them: plain values, the few that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.engine.generation import logits as next_token
from playground.engine.generation import probabilities
from playground.engine.generation.generate import window
from playground.engine.generation.logits import Candidate, Row
from playground.engine.generation.sampling import Settings
from playground.engine.tokenizers.libraries import adapter
from playground.models.cache import Loaded

MOST_TOKENS = 4000  # of a prompt that are drawn, its last ones
DIGITS = 7
NOISE = 1e-13  # what sums of a vocabulary in float64 may be off by
NEVER = 1e30  # a logit, where it is infinite

Plain = dict[str, Any]


def entry(each: Candidate) -> list[Any]:
    """A token: id, piece, text, bytes in hexadecimal where there is no text, kind."""
    return [each.id, each.piece, each.text, "" if each.text else each.raw.hex(" ").upper(), each.kind]


def look(loaded: Loaded, row: Row, settings: Settings, count: int) -> Plain:
    """A row: the walk's shapes and first values, and the likeliest tokens, weighed."""
    shown, known, model = probabilities.top(row.logits, count), adapter(loaded), loaded.model
    head = model.get_output_embeddings()
    return {
        "base": model.base_model_prefix,
        "head": next((name for name, module in model.named_modules() if module is head), ""),
        "row": next_token.name_of(loaded, row.ids),
        "n": len(row.ids), "hidden_size": row.hidden_size, "vocabulary": row.vocabulary,
        "entries": known.last + 1, "window": window(loaded), "reused": row.reused,
        "hidden": [round(value, 4) for value in row.hidden],
        "logits": _logits(row.logits[: next_token.VALUES].numpy()),
        "candidates": [entry(each) for each in next_token.candidates(known, row.ids, shown)],
        "weighed": weighed(row, settings, shown),
    }  # fmt: skip


def weighed(row: Row, settings: Settings, ids: Sequence[int]) -> Plain:
    """One weighing, in columns."""
    made = probabilities.reweigh(row.logits, settings, ids)
    return {
        "logit": _logits(made.logits),
        "own": _short(made.own), "warm": _short(made.warm), "final": _short(made.final),
        "gone": made.removed_by.tolist(), "left": list(made.left), "mass": _short(np.array(made.mass)),
        "rest": _rest(made),
        "bits": [round(value, 4) for value in made.bits],
    }  # fmt: skip


def _rest(made: probabilities.TokenProbabilities) -> list[float]:
    """What all tokens that are not shown have together: own, warm, after each filter of ``warm``, final.

    Not reckoned by the page: its numbers are rounded, and a small rest would be lost among their errors.
    """
    shares = [1 - made.own.sum(), 1 - made.warm.sum()]
    for stage, mass in enumerate(made.mass, 1):
        stays = (made.removed_by == probabilities.KEPT) | (made.removed_by > stage)
        shares.append(mass - made.warm[stays].sum())
    shares.append(1 - made.final.sum())
    return [float(f"{share:.{DIGITS}g}") if share > NOISE else 0.0 for share in shares]


def one(loaded: Loaded, row: Row, settings: Settings, id: int) -> Plain:
    """One token after a row: how it reads there, its probability, what it is drawn with, its rank.

    Raises:
        BadInput: ``id_outside``.
    """
    if id >= row.vocabulary or id < 0:
        next_token.check(loaded, [id])
    return some(loaded, row, settings, [id])[0]


def some(loaded: Loaded, row: Row, settings: Settings, ids: Sequence[int]) -> list[Plain]:
    """As `one`, of several that are in the vocabulary."""
    made = probabilities.reweigh(row.logits, settings, ids)
    logits, own, final = _logits(made.logits), _short(made.own), _short(made.final)
    return [
        {"token": entry(each), "logit": logits[place], "p": own[place], "chance": final[place],
         "rank": int(made.ranks[place]), "gone": int(made.removed_by[place])}
        for place, each in enumerate(next_token.candidates(adapter(loaded), row.ids, ids))
    ]  # fmt: skip


def prompt(loaded: Loaded, row: Row) -> Plain:
    """The prompt itself: its tokens, each with its probability and rank where somebody listened."""
    skipped = max(0, len(row.ids) - MOST_TOKENS)
    spelled = [entry(each) for each in next_token.spelled(loaded, row.ids)]
    told: Plain = {"ids": list(row.ids), "skipped": skipped, "tokens": spelled[skipped:]}
    if row.prompt_scores is not None:
        likely = _short(np.exp(row.prompt_scores.log_probabilities.astype(np.float64)))
        told["p"] = [None, *likely][skipped:]
        told["rank"] = [None, *row.prompt_scores.ranks.tolist()][skipped:]
        told["perplexity"] = row.prompt_scores.perplexity
        told["begins"] = spelled[0][4] == "special"
    return told


def _logits(values: np.ndarray) -> list[float]:
    """Without infinities, which JSON does not know: of tokens that a model never says."""
    return [round(value, 4) for value in np.clip(values, -NEVER, NEVER).tolist()]


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]
