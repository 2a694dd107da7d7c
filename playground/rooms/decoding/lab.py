"""What the experiments of the Decoding panel do: measured when asked for, told as they go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from playground import text
from playground.engine.generation.generate import Waiting
from playground.engine.generation.prompts import prompt_ids
from playground.engine.in_turn import in_turn
from playground.errors import BadInput, DoesNotFit, PlaygroundError
from playground.models import devices
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.decoding import experiments, no_grad, precision, recorded, repeats, request
from playground.rooms.decoding import view_experiments as view
from playground.rooms.decoding.experiments import Machine, Progress
from playground.rooms.decoding.precision import PRECISIONS, Measured
from playground.ui.context import Context
from playground.ui.html import escape, note
from playground.ui.runs import Given, Line, html, progress
from playground.ui.visitor import language, sentence, stages, waiting

NAMES = ("cache", "grads", "batch", "precision", "repeats")
FLUSH = 0.25  # seconds
RUNS: dict[str, tuple[Callable[[Loaded, Sequence[int]], Iterator[Any]], Callable[[Any, str], str]]] = {
    "cache": (experiments.cache_times, view.cache),
    "batch": (experiments.batch_times, view.batch),
    "grads": (no_grad.grad_modes, view.grads),
    "repeats": (repeats.repeats, view.repeats),
}
log = logging.getLogger("playground")


class Answers:
    """One function an action of the sub-tab."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def about(self, given: Given) -> Iterator[Line]:
        """What the chosen experiment measures, and what came out where it was measured before."""
        lang, name = language(), given["which"] if given["which"] in NAMES else NAMES[0]
        yield html("dec-about", note(text.say(f"decoding_lab.about_{name}", lang)) + before(name, lang))

    def experiment(self, given: Given) -> Iterator[Line]:
        """One experiment: where it is, and what is known after the rounds that were whole.

        Raises:
            BadInput: ``experiment_unknown``; what the prompt and the model raise.
        """
        lang, card, name = language(), self.context.catalog.find(given["model"] or ""), given["which"]
        prompt = request.prompt(given["prompt"])
        if name == "precision":
            yield from precisions(self.context, card, prompt, lang)
            return
        if name not in RUNS:
            raise BadInput("experiment_unknown", name=str(name)[:40], known=", ".join(NAMES))
        measure, shown = RUNS[name]
        with closing(self.context.leasing(card, "causal", given["precision"] or "")) as steps:
            for loaded in stages(steps, lang):
                if not isinstance(loaded, Loaded):
                    yield progress(loaded)
                    continue
                ids, _ = prompt_ids(loaded, prompt, self.context.settings.text_limit)
                flushed = 0.0
                states = measure(loaded, ids)
                assert isinstance(states, Generator)
                with closing(states):
                    for state in states:
                        if not isinstance(state, Waiting | Progress):
                            yield html("dec-lab", shown(state, lang))
                        elif time.monotonic() - flushed >= FLUSH:
                            flushed = time.monotonic()
                            yield progress(_under_way(state, name, lang))
                            if known := getattr(state, "so_far", None):
                                yield html("dec-lab", shown(known, lang))


def before(name: str, lang: str) -> str:
    """The result that is shipped, with where and when it was measured."""
    known = recorded.shipped()
    found = known.found[name]
    if name == "precision":
        shown = view.precisions(found.rows, found.machine, found.rounds, said_in(lang), lang)
    else:
        shown = RUNS[name][1](found, lang)
    where = text.say(
        "decoding_lab.before", lang, model=known.model, processor=known.processor, date=known.date
    )
    return f'<div class="dec-before"><p class="dec-where">{escape(where)}</p>{shown}</div>'


def said_in(lang: str) -> Callable[[str, dict[str, Any]], str]:
    """Says why a precision cannot be had."""
    return lambda key, values: sentence(PlaygroundError(key.removeprefix("errors."), **values), lang)


def _under_way(state: Waiting | Progress, name: str, lang: str) -> str:
    if isinstance(state, Waiting):
        return waiting(state, lang)
    return view.progress(state, name, lang)


class Table:
    """What is known of each precision so far."""

    def __init__(self) -> None:
        self.rows: dict[str, Measured] = {}
        self.times: dict[str, list[float]] = {}
        self.machine: Machine | None = None  # of the first that runs
        self.rounds = 0

    def shown(self, lang: str) -> str:
        return view.precisions(self.measured(), self.machine, self.rounds, said_in(lang), lang)

    def measured(self) -> list[Measured]:
        """A row a precision, with the median of its times."""
        return [
            Measured(row.name, row.bytes, precision.middle(self.times[name]) if self.times.get(name) else 0.0,
                     row.moved, row.refused)
            for name, row in self.rows.items()
        ]  # fmt: skip


def precisions(
    context: Context, card: ModelCard, prompt: str, lang: str, found: Table | None = None
) -> Iterator[Line]:
    """Every precision once for its numbers, then all of them in turns for their speed.

    Each is leased only while it is used, so that together they need no more room than the largest.

    Args:
        found: where it is kept; None: nowhere.
    """
    found, began = found or Table(), time.monotonic()
    full: list[Any] = []
    others = text.say("decoding_lab.precision_prompts", lang).split("\n")

    def look(name: str, loaded: Loaded) -> Iterator[Any]:
        prompts = [prompt_ids(loaded, each, context.settings.text_limit)[0] for each in (prompt, *others)]
        prompts = [ids[-64:] for ids in prompts]
        rows = list(precision.distributions(loaded, prompts))
        if name == PRECISIONS[0]:
            full.extend(rows)
        found.machine = found.machine or experiments.machine(loaded)
        moved = precision.moved(full, rows) if full else None
        found.rows[name] = Measured(name, loaded.bytes, 0.0, moved)
        yield None

    def time_it(name: str, loaded: Loaded) -> Iterator[Any]:
        ids = prompt_ids(loaded, prompt, context.settings.text_limit)[0][-64:]
        for measured in precision.pace(loaded, ids):
            found.times.setdefault(name, []).extend(measured)
            yield None

    def each(name: str, work: Callable[[str, Loaded], Iterator[Any]]) -> Iterator[Line]:
        """One step of one precision; what it cannot do is said in its row, and the others go on."""
        try:
            with closing(step(name, work)) as states:
                for state in states:
                    yield progress(state)
        except PlaygroundError as error:
            if name == PRECISIONS[0] and not isinstance(error, DoesNotFit):
                raise
            found.rows[name] = Measured(name, refused=(error.key, error.values))
        except RuntimeError as error:
            if name == PRECISIONS[0]:
                raise
            log.warning("%s cannot run as %s: %s", card.name, name, error)
            found.rows[name] = Measured(name, refused=("errors.precision_unable", {"name": card.name}))

    def step(name: str, work: Callable[[str, Loaded], Iterator[Any]]) -> Generator[str]:
        quantization, dtype = (name, "") if name in devices.QUANTIZATIONS else ("", name)
        with closing(context.leasing(card, "causal", quantization, dtype)) as steps:
            for loaded in stages(steps, lang):
                if not isinstance(loaded, Loaded):
                    yield loaded
                    continue
                share = min(1.0, (time.monotonic() - began) / (2 * experiments.BUDGET))
                yield _under_way(Progress(share, name), "precision", lang)
                for state in in_turn(loaded, work(name, loaded)):
                    if isinstance(state, Waiting):
                        yield _under_way(state, "precision", lang)

    for name in PRECISIONS:
        yield from each(name, look)
        yield html("dec-lab", found.shown(lang))
    while found.rounds < 5 and (not found.rounds or time.monotonic() - began < 1.5 * experiments.BUDGET):
        there = [name for name, row in found.rows.items() if not row.refused]
        if not there:
            break
        for name in there:
            yield from each(name, time_it)
        found.rounds += 1
        yield html("dec-lab", found.shown(lang))
