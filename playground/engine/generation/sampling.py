"""From the logits of one position to one token: greedy, or drawn after temperature, top-k, top-p and min-p.

The book tells it in chapter 3, "Choosing a Single Token from the Probability Distribution" (Hands-On Large
Language Models). The filters are transformers' own logits processors, in its own order:

    repetition penalty (Keskar et al. 2019) → temperature → top-k (Fan et al. 2018)
    → top-p (Holtzman et al. 2020) → min-p (Nguyen et al. 2024)

so that a seed gives here what it gives to ``model.generate``. One that changes nothing is left out.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from playground.errors import BadInput, PlaygroundError

COLDEST = 1e-5  # what is colder is greedy: the division would leave float32
MOST_NEW = 32_768
MOST_ALTERNATIVES = 100
SEEDS = 2**63


@dataclass(frozen=True)
class Settings:
    """How to decode.

    Args:
        max_new_tokens: stop after so many, 1 to 32,768.
        temperature: 0 is greedy, and then no filter below applies; 1 leaves the probabilities as they are.
        top_k: keep so many of the most probable tokens; 0 keeps all.
        top_p: keep the most probable tokens that together reach this share, 0 to 1; 1 keeps all.
        min_p: keep what has at least this share of the best token's probability, 0 to 1; 0 keeps all.
        repetition_penalty: above 1 makes tokens that were there already (prompt too) less likely; greedy too.
        seed: of the draws, from 0 below 2**63; None draws one.
        alternatives: how many of the most probable tokens each step tells, 0 to 100.
        stop_ids: ids that end the reply, besides those that the model itself names.
        stop_strings: texts that end the reply as soon as it holds one of them; what was written stays.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    alternatives: int = 10
    stop_ids: tuple[int, ...] = ()
    stop_strings: tuple[str, ...] = ()

    @property
    def greedy(self) -> bool:
        """Always the most probable token; nothing is drawn."""
        return self.temperature < COLDEST

    def checked(self) -> Settings:
        """The same with a seed.

        Raises:
            BadInput: ``setting_outside`` (name, low, high, value).
        """
        for name, low, high in (
            ("max_new_tokens", 1, MOST_NEW), ("temperature", 0, 100), ("top_k", 0, 2**31), ("top_p", 0, 1),
            ("min_p", 0, 1), ("repetition_penalty", 0.01, 100), ("alternatives", 0, MOST_ALTERNATIVES),
            ("seed", 0, SEEDS - 1),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is None and name == "seed":
                continue
            whole = name in ("max_new_tokens", "top_k", "alternatives", "seed")
            fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not fits or not low <= value <= high:  # NaN is between nothing
                raise BadInput("setting_outside", name=name, low=low, high=high, value=str(value)[:40])
        return self if self.seed is not None else replace(self, seed=secrets.randbelow(2**32))


@dataclass(frozen=True, slots=True)
class Choice:
    """One chosen token, and what else it could have been.

    ``probability`` and ``top_probabilities`` are the model's own: softmax in float32 over the whole
    vocabulary of the raw logits. ``chance`` and ``top_chances`` are those it was drawn with, after all
    filters; greedy draws nothing, so there the chosen one's is 1.
    """

    id: int
    probability: float
    chance: float
    rank: int  # 1: no token is more probable
    top_ids: list[int]  # the most probable by the raw logits, best first
    top_probabilities: list[float]
    top_chances: list[float]


class Sampler:
    """Chooses the tokens of one reply; holds its generator of random numbers, which nobody else touches.

    Args:
        settings: checked ones.
        ids: the prompt, for the repetition penalty.
        device: torch's, where the logits are.
        name: the model's, for errors.
    """

    def __init__(self, settings: Settings, ids: Sequence[int], device: Any, name: str) -> None:
        import torch

        self._torch = torch
        self._name = name
        self._settings = settings
        self._processors = processors(settings)
        self._seen: Any = None
        self._count = len(ids)
        if settings.repetition_penalty != 1:
            self._seen = torch.zeros((1, len(ids) + settings.max_new_tokens), dtype=torch.long, device=device)
            self._seen[0, : len(ids)] = torch.tensor(list(ids), device=device)
        self._generator = None
        if not settings.greedy:
            self._generator = torch.Generator(device=device).manual_seed(settings.seed or 0)

    def choose(self, logits: Any) -> tuple[Choice, Any]:
        """The next token.

        Args:
            logits: tensor [vocabulary], raw, in the model's own number format.

        Returns:
            the choice, and its id as a tensor [1, 1], so that it need not travel to the device again.

        Raises:
            PlaygroundError: ``logits_not_finite`` (name), NaN or infinity.
        """
        torch, asked = self._torch, self._settings.alternatives
        row = logits.float()
        own = torch.softmax(row, 0)
        values, places = torch.topk(row, min(max(asked, 2), row.shape[0]))
        top, top_ids, top_own = values.tolist(), places.tolist(), own[places].tolist()
        if math.isnan(top_own[0]):  # a NaN or +inf anywhere, or -inf everywhere
            raise PlaygroundError("logits_not_finite", name=self._name)
        scores = row[None]
        for process in self._processors:
            scores = process(None if self._seen is None else self._seen[:, : self._count], scores)
        if self._generator is None:
            # Of equals ``generate`` takes the first, topk any.
            clear = not self._processors and top[0] > top[-1] and top[0] > top[1]
            chosen = places[:1] if clear else torch.argmax(scores, -1)
            id = int(chosen.item())
            top_chances = [float(each == id) for each in top_ids]
            chance = 1.0
        else:
            chances = own if not self._processors else torch.softmax(scores[0], 0)
            chosen = torch.multinomial(chances, 1, generator=self._generator)
            id = int(chosen.item())
            top_chances = chances[places].tolist()
            chance = chances[id].item()
        if id in top_ids:
            place = top_ids.index(id)
            probability, rank = top_own[place], 1 + sum(other > top[place] for other in top)
        else:
            probability, rank = own[id].item(), 1 + int((row > row[id]).sum().item())
        if self._seen is not None:
            self._seen[0, self._count] = id
        self._count += 1
        choice = Choice(id, probability, chance, rank, top_ids[:asked], top_own[:asked], top_chances[:asked])
        return choice, chosen.view(1, 1)


def processors(settings: Settings) -> list[Any]:
    """transformers' logits processors for these settings, in its order; none for what is neutral."""
    from transformers.generation import logits_process as made

    found: list[Any] = []
    if settings.repetition_penalty != 1:
        found.append(made.RepetitionPenaltyLogitsProcessor(float(settings.repetition_penalty)))
    if settings.greedy:
        return found
    if settings.temperature != 1:
        found.append(made.TemperatureLogitsWarper(float(settings.temperature)))
    if settings.top_k:
        found.append(made.TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        found.append(_top_p(made.TopPLogitsWarper(settings.top_p)))
    if settings.min_p > 0:
        found.append(made.MinPLogitsWarper(settings.min_p))
    return found


def _top_p(library: Any) -> Any:
    """transformers' top-p, which sorts the vocabulary; on a CPU with NumPy's sort, ten times as fast.

    The very same tokens are kept: the sum runs over the same sorted numbers. Only where equals lie on both
    sides of the border must the library say which of them stay.
    """
    import torch

    def filtered(seen: Any, scores: Any) -> Any:
        if scores.device.type != "cpu":
            return library(seen, scores)
        ordered = torch.from_numpy(np.sort(scores[0].numpy()))
        sums = ordered.softmax(-1).cumsum(-1)
        gone = int((sums[:-1] <= 1 - library.top_p).sum())
        if gone and ordered[gone - 1] == ordered[gone] and ordered[gone] > library.filter_value:
            return library(seen, scores)
        return scores.masked_fill(scores < ordered[gone], library.filter_value)

    return filtered
