"""What several ways of decoding wrote to one prompt, how likely each is, where and why they part.

    greedy              the likeliest token, always
    first, second       drawn from the model's own probabilities, with two seeds
    again               the first seed once more: the very same
    beam                beam search (`beam_search`)
    yours               the visitor's settings

How likely a sequence is, is the sum of its tokens' log-probabilities by the model itself (softmax over the
whole vocabulary, no filter, temperature 1), the same measure for all: greedy takes the best token at every
step, and still the whole may be less likely than one that began with a second choice. What runs them is in
`strategies`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Literal

from playground.engine.generation.beam_search import Beams, BeamStep, Candidate, Found, Hypothesis
from playground.engine.generation.filters import Stage
from playground.engine.generation.sampling import Settings

SHOWN = 8  # alternatives told for each token
LOUD = 0.02  # nats: nearer than that, two sums are one

Continuation = Literal["greedy", "first", "second", "again", "beam", "yours"]
LANES: tuple[Continuation, ...] = ("greedy", "first", "second", "again", "beam", "yours")


@dataclass(frozen=True)
class Plan:
    """What to run.

    Args:
        yours: the visitor's settings; of them ``max_new_tokens``, ``stop_ids`` and ``stop_strings`` hold for
            all, the others for their own continuation.
        seeds: of the two drawn continuations.
    """

    yours: Settings
    beams: Beams
    seeds: tuple[int, int] = (1, 2)

    def settings(self, continuation: Continuation) -> Settings:
        """How a continuation decodes."""
        shared = replace(
            self.yours, temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0, seed=0,
            alternatives=SHOWN,
        )  # fmt: skip
        if continuation == "yours":
            return replace(self.yours, alternatives=SHOWN)
        if continuation in ("first", "again"):
            return replace(shared, temperature=1.0, seed=self.seeds[0])
        if continuation == "second":
            return replace(shared, temperature=1.0, seed=self.seeds[1])
        return shared


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a continuation.

    ``text`` is what it writes, whole characters only; where that is nothing, ``label`` stands for it: the
    name of a special token, the bytes of a part of a character.
    ``probability`` and ``rank`` are the model's own; ``chance`` is what it was drawn with (1 where
    nothing is drawn). ``others``: the likeliest tokens there, as (id, text, probability, chance).
    """

    id: int
    text: str
    label: str
    probability: float
    chance: float
    rank: int
    others: list[tuple[int, str, float, float]]

    @property
    def log(self) -> float:
        """The natural logarithm of its probability."""
        return math.log(max(self.probability, 1e-45))


@dataclass(frozen=True)
class Written:
    """What one strategy wrote; ``reason`` is how it ended (`generate.StopReason`), "" while it is written."""

    continuation: Continuation
    tokens: list[Token]
    text: str
    reason: str = ""
    seed: int = 0
    seconds: float = 0.0

    @property
    def ids(self) -> list[int]:
        """The new ids."""
        return [token.id for token in self.tokens]

    @property
    def total(self) -> float:
        """Sum of the log-probabilities: the logarithm of the whole sequence's probability."""
        return math.fsum(token.log for token in self.tokens)

    @property
    def perplexity(self) -> float:
        """exp of the mean negative log-probability; 1 where nothing was written."""
        return perplexity([token.probability for token in self.tokens])

    @property
    def ended(self) -> bool:
        """It came to an end of its own, and was not cut."""
        return self.reason in ("eos", "string")


@dataclass(frozen=True)
class Parting:
    """Where a continuation leaves another one, and why.

    Args:
        continuation: who leaves.
        index: the first token that differs.
        mine, other: the two tokens; None where that continuation had ended.
        reason: ``drawn``, ``beam``, ``penalty``, ``ended``.
        filter: which filter of the visitor's settings takes ``mine`` out here; "" if none does.
        chance: with which it would be drawn under the visitor's settings.
    """

    continuation: Continuation
    index: int
    mine: Token | None
    other: Token | None
    reason: Literal["drawn", "beam", "penalty", "ended"]
    filter: str = ""
    chance: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """All continuations, and what follows from them.

    Args:
        prompt: its ids; ``text`` is the same as it was typed.
        partings: of every continuation that leaves greedy's way.
        tree: the beam search.
        walk: of every token of ``yours``, the stages of its distribution, with the ids that they show.
    """

    model: str
    text: str
    prompt: list[int]
    plan: Plan
    continuations: list[Written]
    partings: list[Parting]
    tree: Found
    walk: list[tuple[list[int], list[Stage]]]

    def continuation(self, name: Continuation) -> Written:
        """The continuation of a name."""
        return next(each for each in self.continuations if each.continuation == name)


def ending(plan: Plan, ids: Sequence[int]) -> Plan:
    """The same, ended by these ids as well."""
    return replace(plan, yours=replace(plan.yours, stop_ids=(*plan.yours.stop_ids, *ids)))


def perplexity(probabilities: Sequence[float]) -> float:
    """exp(−mean ln p), of the tokens that really stand there."""
    if not probabilities:
        return 1.0
    return math.exp(-math.fsum(math.log(max(p, 1e-45)) for p in probabilities) / len(probabilities))


def comparable(one: Written, other: Written) -> bool:
    """Whether sums say which is likelier: both came to their end, or both were cut at one length."""
    if one.ended or other.ended:
        return one.ended and other.ended
    return len(one.tokens) == len(other.tokens)


def missed(comparison: Comparison) -> bool:
    """Greedy truly missed a likelier sequence that beam search found."""
    greedy, beam = comparison.continuation("greedy"), comparison.continuation("beam")
    return comparable(greedy, beam) and beam.total > greedy.total + 1e-3


def likelier(comparison: Comparison) -> Written | None:
    """The likeliest continuation that is surely likelier than both greedy and beam search, if there is one.

    One that came to its end beats any that was cut below it: more tokens only make a sum smaller.
    """
    both = [comparison.continuation("greedy"), comparison.continuation("beam")]
    most = max(each.total for each in both)
    drawn = [comparison.continuation(name) for name in ("first", "second", "yours")]
    found = [
        each
        for each in drawn
        if each.total > most + LOUD and (each.ended or all(comparable(each, other) for other in both))
    ]
    return max(found, key=lambda each: each.total, default=None)


def unlike(one: Written, other: Written) -> set[int]:
    """Places of the tokens of one that the other does not have in the same order (Python's difflib)."""
    matching = SequenceMatcher(None, one.ids, other.ids, autojunk=False).get_matching_blocks()
    same = {place for block in matching for place in range(block.a, block.a + block.size)}
    return set(range(len(one.ids))) - same


def part(one: Written, other: Written, yours: Settings) -> Parting | None:
    """Where one continuation leaves another; None: they wrote the same."""
    pairs = zip(one.ids, other.ids, strict=False)
    index = next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one.ids), len(other.ids)))
    mine, theirs = (each.tokens[index] if index < len(each.tokens) else None for each in (one, other))
    if mine is None and theirs is None:
        return None
    if mine is None or theirs is None:
        return Parting(one.continuation, index, mine, theirs, "ended")
    if one.continuation == "beam":
        return Parting(one.continuation, index, mine, theirs, "beam")
    greedy = one.continuation == "yours" and yours.greedy
    return Parting(one.continuation, index, mine, theirs, "penalty" if greedy else "drawn")


def to_plain(comparison: Comparison) -> dict[str, Any]:
    """As JSON holds it."""
    return asdict(comparison)


def from_plain(plain: Mapping[str, Any]) -> Comparison:
    """The inverse of `to_plain`."""

    def token(each: Mapping[str, Any] | None) -> Token | None:
        if each is None:
            return None
        return Token(**{**each, "others": [tuple(other) for other in each["others"]]})

    def written(each: Mapping[str, Any]) -> Written:
        return Written(**{**each, "tokens": [token(one) for one in each["tokens"]]})

    def parting(each: Mapping[str, Any]) -> Parting:
        return Parting(**{**each, "mine": token(each["mine"]), "other": token(each["other"])})

    def step(each: Mapping[str, Any]) -> BeamStep:
        return BeamStep(each["index"], [Candidate(**one) for one in each["candidates"]], each["kept"])

    plan, tree = plain["plan"], plain["tree"]
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in plan["yours"].items()
    }
    first, second = plan["seeds"]
    ways = [Hypothesis(**way) for way in tree["sequences"]]
    steps = [step(each) for each in tree["steps"]]
    return Comparison(
        plain["model"],
        plain["text"],
        list(plain["prompt"]),
        Plan(Settings(**settings), Beams(**plan["beams"]), (first, second)),
        [written(each) for each in plain["continuations"]],
        [parting(each) for each in plain["partings"]],
        Found(ways, steps, Beams(**tree["beams"]), tree["seconds"]),
        [(list(ids), [Stage(**stage) for stage in stages]) for ids, stages in plain["walk"]],
    )
