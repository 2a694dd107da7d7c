"""What the Decoding panel does: six ways side by side as they grow, and `/generate` for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from playground import text as words
from playground.engine.generation import beam_search
from playground.engine.generation import generate as decoding
from playground.engine.generation.beam_search import Beams, BeamStep, Found
from playground.engine.generation.generate import Done, Reading, Step, Waiting
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.prompts import prompt_ids
from playground.engine.generation.sampling import Settings
from playground.engine.in_turn import in_turn
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded, Stage
from playground.rooms.decoding import comparison as continuations
from playground.rooms.decoding import strategies, view, view_beam_tree, view_filters
from playground.rooms.decoding.comparison import Comparison, Plan, Token, Written
from playground.rooms.decoding.request import prompt as prompted
from playground.rooms.decoding.request import within
from playground.system.lru import LRU
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.visitor import language, sentence, stages

T = TypeVar("T")
FLUSH = 0.15  # seconds: the page hears by time, not by token
PAGES = 10_000  # that are remembered
STRATEGIES = ("greedy", "sample", "beam")


def decoding_queue(context: Context) -> dict[str, Any]:
    """A queue of its own for events that decode here; whose turn it is, the model's line says."""
    return {"concurrency_id": "decoding", "concurrency_limit": 120 if context.settings.class_mode else 24}


class Newest:
    """Of runs that fill the same places of a page the newest alone: others end at their next word.

    Pages are told apart by name and not by ``gr.State``, for which every page would hold a connection open.
    """

    def __init__(self) -> None:
        self._last: LRU[object] = LRU(PAGES)

    def only(self, page: str, states: Generator[T]) -> Iterator[T]:
        """A new run of a page; closed as soon as the page begins another one."""
        mine = object()
        if page:  # else nobody knows whose it is
            self._last.put(page, mine)
        with closing(states):
            try:
                for state in states:
                    if (self._last.get(page) or mine) is not mine:
                        return
                    yield state
            except PlaygroundError:
                if (self._last.get(page) or mine) is mine:
                    raise


@dataclass(frozen=True)
class Request:
    """One comparison that is wanted."""

    prompt: str
    chat: bool
    model: str
    quantization: str
    plan: Plan


Shown = tuple[Any, Any, Any, Any]  # status, continuations, tree, filters


def shown(comparison: Comparison, lang: str) -> tuple[str, str, str]:
    """A whole comparison: continuations, tree, filters."""
    return (
        view.whole(comparison, lang),
        view_beam_tree.tree(comparison, lang),
        view_filters.walk(comparison, lang),
    )


def unasked(lang: str) -> tuple[str, str, str]:
    """In place of a comparison: nobody asked for it yet, and nothing is loaded before somebody does."""
    told = note(words.say("decoding.unasked", lang, go=words.say("decoding.go", lang)))
    return told, told, told


def compare(context: Context, read: Callable[[], Request]) -> Generator[Shown]:
    """The continuations as they grow, then all of it; an error is told above them, and nothing is lost.

    Args:
        read: gives what is asked for, or refuses it.
    """
    lang, keep = language(), gr.skip()
    try:
        asked = read()
        card = context.catalog.find(asked.model)
        with closing(context.leasing(card, "causal", asked.quantization)) as steps:
            for step in stages(steps, lang):
                if isinstance(step, Loaded):
                    yield from _continuations(context, step, asked, lang)
                else:
                    yield step, keep, keep, keep
    except PlaygroundError as error:
        yield note(sentence(error, lang), "warning"), keep, keep, keep


def _continuations(context: Context, loaded: Loaded, asked: Request, lang: str) -> Iterator[Shown]:
    keep, told = gr.skip(), note(words.say("decoding.starting", lang))
    yield told, keep, keep, keep
    ids, ends = prompt_ids(loaded, asked.prompt, context.settings.text_limit, chat=asked.chat)
    plan = continuations.ending(asked.plan, ends)
    written: dict[str, Written] = {}
    flushed = 0.0
    running = strategies.compare(loaded, ids, plan, text=asked.prompt, continues=not asked.chat)
    with closing(running):
        for state in running:
            if isinstance(state, Comparison):
                yield ("", *shown(state, lang))
                return
            if isinstance(state, Written):
                written[state.continuation] = state
            now = time.monotonic()
            if now - flushed < FLUSH:
                continue
            flushed = now
            told = note(_told(state, lang))
            grown = view.growing(list(written.values()), plan, lang) if written else keep
            yield told, grown, keep, keep


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
