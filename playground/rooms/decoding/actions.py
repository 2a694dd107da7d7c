"""What the Decoding panel does: six ways side by side as they grow, and `/generate` for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from playground import text as words
from playground.engine.generation import beam_search
from playground.engine.generation import generate as decoding
from playground.engine.generation.beam_search import Beams, BeamStep, Found
from playground.engine.generation.generate import Done, Reading, Step, Waiting
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.prompts import prompt_ids
from playground.engine.generation.sampling import Settings
from playground.engine.in_turn import in_turn
from playground.errors import BadInput
from playground.models.cache import Loaded, Stage
from playground.rooms.decoding import comparison as continuations
from playground.rooms.decoding import example, strategies, view, view_beam_tree, view_filters
from playground.rooms.decoding.comparison import Comparison, Token, Written
from playground.rooms.decoding.request import Request, within
from playground.rooms.decoding.request import prompt as prompted
from playground.ui.context import Context
from playground.ui.first_models import pair
from playground.ui.html import note
from playground.ui.precision_menu import offer
from playground.ui.runs import Given, Line, asks, html, progress, sets
from playground.ui.visitor import language, stages

FLUSH = 0.15  # seconds: the page hears by time, not by token
SAMPLES = 4
STRATEGIES = ("greedy", "sample", "beam")


class Answers:
    """One function an action of the page."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def opening(self, given: Given) -> Iterator[Line]:
        """The menu of models, and what stands for the prompt."""
        yield offer(self.context, "decoding.model")
        yield html("dec-models", pair(self.context, "decoding.model", language()))
        yield asks("decoding/compare", "open")

    def sample(self, given: Given) -> Iterator[Line]:
        """A prompt that is offered, decoded at once."""
        number = given.by.rpartition("-")[2]
        if number in map(str, range(SAMPLES)):
            yield sets({"decoding.prompt": sample(int(number), language())})
            yield asks("decoding/compare")

    def compare(self, given: Given) -> Iterator[Line]:
        """The continuations as they grow, then all of it; when the page is opened, what stands there."""
        lang = language()
        if given.by == "open":
            shipped = example.shipped(lang)
            there = _plain(given, self.context.first_model(lang)) and given["prompt"] == shipped.text
            yield from shown(shipped, lang) if there else unasked(lang)
            return
        asked = Request.of(given)
        card = self.context.catalog.find(asked.model)
        with closing(self.context.leasing(card, "causal", asked.quantization)) as steps:
            for step in stages(steps, lang):
                if isinstance(step, Loaded):
                    yield from self._continuations(step, asked, lang)
                else:
                    yield progress(step)

    def _continuations(self, loaded: Loaded, asked: Request, lang: str) -> Iterator[Line]:
        yield progress(note(words.say("decoding.starting", lang)))
        limit = self.context.settings.text_limit
        ids, ends = prompt_ids(loaded, asked.prompt, limit, chat=asked.chat)
        plan = continuations.ending(asked.plan, ends)
        written: dict[str, Written] = {}
        flushed = 0.0
        running = strategies.compare(loaded, ids, plan, text=asked.prompt, continues=not asked.chat)
        with closing(running):
            for state in running:
                if isinstance(state, Comparison):
                    yield from shown(state, lang)
                    return
                if isinstance(state, Written):
                    written[state.continuation] = state
                now = time.monotonic()
                if now - flushed < FLUSH:
                    continue
                flushed = now
                yield progress(note(_told(state, lang)))
                if written:
                    yield html("dec-view", view.growing(list(written.values()), plan, lang))


def shown(comparison: Comparison, lang: str) -> Iterator[Line]:
    """A whole comparison: continuations, tree, filters."""
    yield html("dec-view", view.whole(comparison, lang))
    yield html("dec-tree", view_beam_tree.tree(comparison, lang))
    yield html("dec-filters", view_filters.walk(comparison, lang))


def unasked(lang: str) -> Iterator[Line]:
    """In place of a comparison: nobody asked for it yet, and nothing is loaded before somebody does."""
    told = note(words.say("decoding.unasked", lang, go=words.say("decoding.go", lang)))
    for place in ("dec-view", "dec-tree", "dec-filters"):
        yield html(place, f'<div class="dec-unasked">{told}</div>')


def sample(number: int, lang: str) -> str:
    """A prompt that is offered."""
    return words.say("decoding.samples", lang).split("\n")[number]


def _plain(given: Given, first: str) -> bool:
    """Whether all but the prompt and the model is as the page is built: the shipped comparison is of that.

    It says itself of which model it is. Of the one that the page begins with nothing is loaded until somebody
    asks for it.

    Args:
        first: the model that the page begins with.
    """
    try:
        asked = Request.of({**given, "prompt": given["prompt"] or "–"})
    except BadInput:
        return False
    known = asked.model in (example.MODEL, first)
    return known and asked == Request(asked.prompt, False, asked.model, "", example.PLAN)


def _told(state: strategies.Event, lang: str) -> str:
    """Where it is, in a sentence."""
    if isinstance(state, Waiting):
        return words.say("shell.waiting", lang, place=state.position)
    if isinstance(state, Reading):
        return words.say("decoding.reading", lang, done=state.done, total=state.total)
    if isinstance(state, BeamStep):
        return words.say("decoding.searching", lang, step=state.index + 1)
    if isinstance(state, strategies.Scoring):
        return words.say("decoding.looking", lang, done=state.done, total=state.total)
    assert isinstance(state, Written)
    name = words.say(f"decoding.lane_{state.continuation}", lang)
    return words.say("decoding.running", lang, continuation=name, count=len(state.tokens))


# -- for programs --


def generate(
    context: Context, prompt: str, model: str, strategy: str, settings: Settings, search: Beams
) -> dict[str, Any]:
    """One text, as `/generate` promises it."""
    if strategy not in STRATEGIES:
        raise BadInput("strategy_unknown", strategy=str(strategy)[:40], known=", ".join(STRATEGIES))
    prompt = prompted(prompt)
    settings = within(context, settings)
    with closing(context.leasing(context.catalog.find(model), "causal")) as steps:
        for loaded in steps:
            if isinstance(loaded, Stage):
                continue
            ids, _ = prompt_ids(loaded, prompt, context.settings.text_limit)
            if strategy == "beam":
                return _searched(loaded, ids, settings, search)
            return _written(loaded, ids, settings)
    raise AssertionError("a lease ends with a model or an error")


def _written(loaded: Loaded, ids: list[int], settings: Settings) -> dict[str, Any]:
    steps, done = [], None
    with closing(decoding.reply(loaded, ids, settings, continues=True)) as states:
        for state in states:
            if isinstance(state, Step):
                steps.append(state)
            elif isinstance(state, Done):
                done = state
    assert done is not None
    rows = [(each.id, each.new, each.choice.probability, each.choice.rank) for each in steps]
    return _answer(rows, done.text, [], done.seconds)


def _searched(loaded: Loaded, ids: list[int], settings: Settings, search: Beams) -> dict[str, Any]:
    found: Found | None = None
    with closing(beam_search.search(loaded, ids, settings, search, continues=True)) as steps:
        for state in steps:
            if isinstance(state, Found):
                found = state
    assert found is not None and found.sequences
    best = found.sequences[0]
    began = time.perf_counter()
    looked = in_turn(loaded, strategies.scored(loaded, ids, best.ids, CachedPrefix()))
    tokens = [each for each in looked if isinstance(each, Token)]
    seconds = found.seconds + time.perf_counter() - began
    rows = [(each.id, each.text, each.probability, each.rank) for each in tokens]
    ways = [{"ids": way.ids, "text": way.text, "score": way.score} for way in found.sequences]
    return _answer(rows, best.text, ways, seconds)


def _answer(
    rows: list[tuple[int, str, float, int]], text: str, ways: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    return {
        "ids": [id for id, *_ in rows],
        "text": text,
        "tokens": [
            {"id": id, "text": new, "probability": probability, "rank": rank}
            for id, new, probability, rank in rows
        ],
        "sequences": ways,
        "perplexity": continuations.perplexity([probability for _, _, probability, _ in rows]),
        "seconds": round(seconds, 3),
    }
