"""Runs the ways of decoding that `comparison` compares, one after the other, each as it grows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from playground.engine.generation import generate
from playground.engine.generation.beam_search import BeamStep, Found, search
from playground.engine.generation.detokenize import TextStream, alternatives, label
from playground.engine.generation.filters import Stage, filtered, removed_by, stages
from playground.engine.generation.generate import Done, Reading, Step, Waiting
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Choice, Settings
from playground.engine.in_turn import in_turn
from playground.engine.tokenizers.libraries import Adapter, adapter
from playground.models.cache import Loaded
from playground.rooms.decoding.comparison import (
    LANES,
    SHOWN,
    Comparison,
    Continuation,
    Parting,
    Plan,
    Token,
    Written,
    part,
)


def rows(loaded: Loaded, prompt: Sequence[int], ids: Sequence[int], prefix: CachedPrefix) -> Iterator[Any]:
    """The logits [vocabulary] before each of the ids, the prompt not read again; see `in_turn`."""
    kv = prefix.take(loaded.model)
    try:
        known, logits = kv.begin(list(prompt))
        unread = list(prompt)[known:]
        chunk = kv.chunk(len(prompt))
        for at in range(0, len(unread), chunk):
            logits = kv.feed(unread[at : at + chunk])
        if unread:
            kv.mark(logits)
        for place, id in enumerate(ids):
            yield logits
            if place + 1 < len(ids):
                logits = kv.feed([id])
    except (MemoryError, RuntimeError) as error:
        kv.forget()
        raise generate.out_of_memory(error, loaded, len(prompt) + len(ids)) from None
    finally:
        prefix.put(kv)


def scored(
    loaded: Loaded, prompt: Sequence[int], ids: Sequence[int], prefix: CachedPrefix, continues: bool = True
) -> Iterator[Token]:
    """Given tokens with the model's own probability and rank of each, one at each ``next``."""
    known = adapter(loaded)
    stream = TextStream(known, prompt if continues else ())
    for id, row in zip(ids, rows(loaded, prompt, ids, prefix), strict=True):
        held = stream.held
        own = row.float().softmax(-1)
        values, places = own.topk(min(SHOWN, own.shape[0]))
        chances = [float(place == id) for place in places.tolist()]
        rank = 1 + int((row > row[id]).sum())
        choice = Choice(id, float(own[id]), 1.0, rank, places.tolist(), values.tolist(), chances)
        yield _token(known, choice, stream.push(id), held)


def _token(known: Adapter, choice: Choice, new: str, held: bytes) -> Token:
    found = alternatives(known, choice.top_ids, choice.top_probabilities, choice.top_chances, held)
    others = [(each.id, each.text, each.probability, each.chance) for each in found]
    shown = label(known, choice.id, new)
    return Token(choice.id, new, shown, choice.probability, choice.chance, choice.rank, others)


@dataclass(frozen=True)
class Scoring:
    """All is written; so many of the tokens' distributions were looked at again."""

    done: int
    total: int


Event = Waiting | Reading | Scoring | Written | BeamStep | Comparison


def compare(
    loaded: Loaded,
    prompt: Sequence[int],
    plan: Plan,
    *,
    text: str = "",
    continues: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, None]:
    """All continuations one after the other, each growing; and at last the whole comparison.

    Args:
        prompt: ids, read once for all continuations but beam search.
        text: the prompt as it was typed.
        continues: the text goes on with the prompt's.

    Raises:
        As `decoding.reply` and `beam_search.search`.
    """
    ids, prefix = list(prompt), CachedPrefix()
    written: dict[Continuation, Written] = {}
    trees: list[Found] = []
    for continuation in LANES:
        if continuation == "beam":
            states = _searched(loaded, ids, plan, prefix, continues, stop, trees)
        else:
            states = _drawn(loaded, ids, continuation, plan, prefix, continues, stop)
        with closing(states):
            for state in states:
                if isinstance(state, Written) and state.reason:
                    written[continuation] = state
                yield state
        if continuation not in written or written[continuation].reason == "stopped":
            return
    rest = in_turn(loaded, _explained(loaded, ids, text, plan, written, trees[0], prefix), stop)
    with closing(rest):
        yield from rest


def _drawn(
    loaded: Loaded, prompt: list[int], continuation: Continuation, plan: Plan, prefix: CachedPrefix,
    continues: bool,
    stop: Callable[[], bool],
) -> Generator[Event, None, None]:  # fmt: skip
    """A continuation that goes token by token, as it grows."""
    known, tokens = adapter(loaded), list[Token]()
    states = generate.reply(
        loaded, prompt, plan.settings(continuation), prefix=prefix, continues=continues, stop=stop
    )
    with closing(states):
        for state in states:
            if isinstance(state, Step):
                tokens.append(_token(known, state.choice, state.new, state.held))
                yield Written(continuation, list(tokens), state.text)
            elif isinstance(state, Done):
                yield Written(continuation, tokens, state.text, state.stop_reason, state.seed, state.seconds)
            else:
                yield state


def _searched(
    loaded: Loaded, prompt: list[int], plan: Plan, prefix: CachedPrefix, continues: bool,
    stop: Callable[[], bool],
    trees: list[Found],
) -> Generator[Event, None, None]:  # fmt: skip
    """Beam search; its best sequence as a continuation, each token looked at as those of the others."""
    with closing(
        search(loaded, prompt, plan.settings("beam"), plan.beams, continues=continues, stop=stop)
    ) as steps:
        for state in steps:
            if isinstance(state, Found):
                trees.append(state)
            else:
                yield state
    if not trees:
        return
    tree, tokens = trees[0], list[Token]()
    best = tree.sequences[0]
    with closing(in_turn(loaded, scored(loaded, prompt, best.ids, prefix, continues), stop)) as found:
        for each in found:
            if isinstance(each, Token):
                tokens.append(each)
            else:
                yield each
    if len(tokens) == len(best.ids):
        reason = "string" if best.by_string else "eos" if best.ended else "length"
        yield Written("beam", tokens, best.text, reason, 0, tree.seconds)


def _explained(
    loaded: Loaded,
    prompt: list[int],
    text: str,
    plan: Plan,
    written: dict[Continuation, Written],
    tree: Found,
    prefix: CachedPrefix,
) -> Generator[Scoring | Comparison, None, None]:
    """Where the continuations part, by the logits of that very place; the stages of the visitor's own."""
    greedy, yours = written["greedy"], written["yours"]
    found = [
        part(written[continuation], greedy, plan.yours) for continuation in LANES if continuation != "greedy"
    ]
    partings = [each for each in found if each is not None]
    path = [*greedy.ids, -1][: max((each.index + 1 for each in partings), default=0)]
    total = len(path) + len(yours.ids)
    for place, row in enumerate(rows(loaded, prompt, path, prefix)):
        before = [*prompt, *greedy.ids[:place]]
        partings = [
            fated(each, row, plan.yours, before) if each.index == place else each for each in partings
        ]
        yield Scoring(place + 1, total)
    walk: list[tuple[list[int], list[Stage]]] = []
    for place, row in enumerate(rows(loaded, prompt, yours.ids, prefix)):
        token = yours.tokens[place]
        shown = [id for id, *_ in token.others]
        if token.id not in shown:
            shown = [*shown[:-1], token.id]
        walk.append((shown, stages(row, plan.yours, [*prompt, *yours.ids[:place]], shown)))
        yield Scoring(len(path) + place + 1, total)
    continuations = [written[continuation] for continuation in LANES]
    yield Comparison(loaded.card.name, text, prompt, plan, continuations, partings, tree, walk)


def fated(parting: Parting, row: Any, yours: Settings, before: Sequence[int]) -> Parting:
    """With what the visitor's settings would do to the token there: take it out, or draw it how often."""
    if parting.mine is None:
        return parting
    id = parting.mine.id
    chance = float(filtered(row, yours, before)[id])
    return replace(parting, filter=removed_by(row, yours, before, id), chance=chance)
