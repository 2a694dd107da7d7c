"""Kept logits → probabilities, in stages: which filter removes which token.

    logits → softmax → ÷ temperature → top-k → top-p → min-p → renormalised

(Hands-On Large Language Models, ch. 3). What stays is decided by transformers' own logits processors on the
float32 logits of the whole vocabulary, in its order; then the softmax is taken over all of it and only the
few that are shown are cut out. Temperature 0 is argmax, and nothing else applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from playground.engine.generation.sampling import Settings, processors
from playground.system.lru import LRU

FILTERS = ("top_k", "top_p", "min_p")
KEPT, GREEDY = 0, 4  # of `TokenProbabilities.removed_by`: 1 to 3 are the filters in their order
How = Literal["greedy", "sample"]
STATE = 5_100  # bytes of a generator of random numbers
_kept: LRU[Any] = LRU(
    1_000 * STATE
)  # generators after so many draws of a seed, so that a text goes on draw by draw


@dataclass(frozen=True, eq=False)
class TokenProbabilities:
    """One row under one setting; columns are of the tokens asked for.

    Args:
        ids: [n], which tokens.
        logits: [n], raw.
        ranks: [n], by the raw logits; 1: none is higher.
        own: [n], the model's own probabilities: softmax of the raw logits.
        warm: [n], after the temperature.
        removed_by: [n], 0 it stays, 1 top-k removed it, 2 top-p, 3 min-p, 4 temperature 0 takes another.
        final: [n], what is drawn with: those that stay, renormalised; all of the vocabulary sums to 1.
        left: how many tokens of the vocabulary stay after top-k, top-p, min-p.
        mass: which share of ``warm`` stays after each of them.
        bits: entropy of own, warm and final.
    """

    ids: np.ndarray
    logits: np.ndarray
    ranks: np.ndarray
    own: np.ndarray
    warm: np.ndarray
    removed_by: np.ndarray
    final: np.ndarray
    left: tuple[int, int, int]
    mass: tuple[float, float, float]
    bits: tuple[float, float, float]


def top(logits: Any, count: int) -> list[int]:
    """The ids of the highest logits [vocabulary], best first; of equals the lower id first."""
    import torch

    values, ids = torch.topk(logits, min(count, logits.shape[0]))
    return [id for _, id in sorted(zip((-values).tolist(), ids.tolist(), strict=True))]


def reweigh(logits: Any, settings: Settings, ids: Sequence[int]) -> TokenProbabilities:
    """What becomes of some tokens.

    Args:
        logits: a float32 tensor [vocabulary] on the CPU.
        settings: checked ones; repetition penalty is not applied here.
        ids: of the tokens wanted.
    """
    import torch

    with torch.inference_mode():
        scores, removed_by = filtered(logits, settings)
        own, final = softmax(logits.numpy()), softmax(scores.numpy())
        if settings.greedy:
            warm = final
        elif settings.temperature == 1:
            warm = own
        else:
            warm = softmax(_warmed(logits, settings).numpy())
        wanted = np.asarray(ids, np.int64)
        raw = logits.numpy()
        ranks = 1 + len(raw) - np.searchsorted(np.sort(raw), raw[wanted], side="right")
    if settings.greedy:
        left, mass = (1, 1, 1), (1.0, 1.0, 1.0)
    else:
        stays = [(removed_by == KEPT) | (removed_by > stage) for stage in (1, 2, 3)]
        left = _three(int(each.sum()) for each in stays)
        mass = _three(float(warm[each].sum()) for each in stays)
    bits = _three(entropy(each) for each in (own, warm, final))
    return TokenProbabilities(
        wanted, raw[wanted].astype(np.float64), ranks, own[wanted], warm[wanted], removed_by[wanted],
        final[wanted], left, mass, bits,
    )  # fmt: skip


def filtered(logits: Any, settings: Settings) -> tuple[Any, np.ndarray]:
    """Of logits [vocabulary], the scores that are drawn from (removed: -inf) and what removed each token.

    Returns:
        scores, a tensor [vocabulary], and int8 [vocabulary] as `TokenProbabilities.removed_by`.
    """
    import torch

    removed_by = np.zeros(logits.shape[0], np.int8)
    if settings.greedy:
        best = int(torch.argmax(logits))
        scores = torch.full_like(logits, -torch.inf)
        scores[best] = logits[best]
        removed_by[:] = GREEDY
        removed_by[best] = KEPT
        return scores, removed_by
    scores = _warmed(logits, settings)
    for number, name in enumerate(FILTERS, 1):
        one = replace(Settings(temperature=1.0), **{name: getattr(settings, name)})
        before = torch.isneginf(scores)
        for process in processors(one):
            scores = process(None, scores[None])[0]
        removed_by[(torch.isneginf(scores) & ~before).numpy()] = number
    return scores, removed_by


def _warmed(logits: Any, settings: Settings) -> Any:
    scores = logits[None]
    for process in processors(Settings(temperature=settings.temperature)):
        scores = process(None, scores)
    return scores[0]


def choose(logits: Any, settings: Settings, how: How, draws: int = 0) -> int:
    """The likeliest token, or one drawn: the ``draws + 1``-th that ``generate`` draws with this seed.

    Args:
        logits: a float32 tensor [vocabulary] on the CPU.
        draws: random numbers of this seed that were used before.
    """
    import torch

    if how == "greedy" or settings.greedy:
        return int(torch.argmax(logits))
    with torch.inference_mode():
        chances = torch.softmax(filtered(logits, settings)[0], -1)
        generator = _drawn(settings.seed or 0, chances, draws)
        found = int(torch.multinomial(chances, 1, generator=generator))
        _kept.put((settings.seed or 0, len(chances), draws + 1), generator.get_state(), STATE)
        return found


def _drawn(seed: int, chances: Any, draws: int) -> Any:
    """A generator of random numbers after so many draws: as it was left, or drawn up to there anew."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    left = _kept.get((seed, len(chances), draws))
    if left is not None:
        return generator.set_state(left)
    even = torch.ones_like(chances)
    for _ in range(draws):  # a draw takes as many random numbers as there are tokens, whatever they weigh
        torch.multinomial(even, 1, generator=generator)
    return generator


def softmax(scores: np.ndarray) -> np.ndarray:
    """Of float32 scores [n], float64 [n]: so that all of a large vocabulary still sums to 1."""
    powers = np.exp((scores - scores.max()).astype(np.float64))
    found: np.ndarray = powers / powers.sum()
    return found


def entropy(probabilities: np.ndarray) -> float:
    """Of probabilities [n], in bits: how many yes-or-no questions the next token is worth."""
    some = probabilities[probabilities > 0]
    return max(0.0, float(-(some * np.log2(some)).sum()))


def _three(values: Any) -> Any:
    one, two, three = values
    return one, two, three
