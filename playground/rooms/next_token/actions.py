"""Answers about the next token: from what is asked to plain values, one forward pass at most for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeVar

import numpy as np

from playground.engine.generation import interpret, logits, probabilities, prompts
from playground.engine.generation.generate import Reading, Waiting, stop_ids, window
from playground.engine.generation.logits import Row
from playground.engine.generation.prefix_cache import CachedPrefix, prefix_cache
from playground.engine.in_turn import in_line
from playground.engine.tokenizers import vocabulary
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded, Stage
from playground.rooms.next_token import view
from playground.rooms.next_token import view_data as data
from playground.rooms.next_token.logit_cache import Rows
from playground.rooms.next_token.request import Request, parse, whole
from playground.ui import loading as loading_view
from playground.ui.context import Context
from playground.ui.first_models import pair
from playground.ui.precision_menu import offer
from playground.ui.runs import Given, Line, html
from playground.ui.visitor import language, sentence

T = TypeVar("T")
FOUND = 12  # entries that a search shows

Piece = dict[str, Any]


class Answers:
    """The panel's functions. ``rows`` are the kept logits, of all visitors."""

    def __init__(self, context: Context, rows: Rows | None = None) -> None:
        self.context = context
        self.rows = Rows() if rows is None else rows

    # ---- the controls ----

    def opening(self, given: Given) -> Iterator[Line]:
        """What the menus of models offer now. What is chosen stays."""
        yield offer(self.context, "next_token.model", "next_token.beside_model")
        yield html("next-models", pair(self.context, "next_token.model", language()))

    # ---- the model ----

    def _asking(
        self, given: Any, work: Callable[[Loaded, Request], Iterator[Waiting | Reading | Piece]]
    ) -> Iterator[Piece]:
        """The work once its model is there; on the way ``loading``, ``waiting``, ``reading``; ``error``."""
        lang, began = language(), time.monotonic()
        try:
            wanted = parse(self.context, given)
            with closing(self.leased(wanted)) as steps:
                for step in steps:
                    if isinstance(step, Stage):
                        yield {"loading": loading_view.sentence(step, time.monotonic() - began, lang)}
                        continue
                    for state in work(step, wanted):
                        if isinstance(state, Waiting):
                            yield {"waiting": state.position}
                        elif isinstance(state, Reading):
                            yield {"reading": state.done, "total": state.total}
                        else:
                            yield state
        except PlaygroundError as error:
            yield {"error": sentence(error, lang)}

    def leased(self, wanted: Request) -> Generator[Stage | Loaded]:
        """The model that is asked for, as it comes."""
        return self.context.leasing(self.context.catalog.find(wanted.model), "causal", wanted.quantization)

    def row(
        self, loaded: Loaded, ids: Sequence[int], conversation: str, score_prompt: bool = False
    ) -> Generator[Waiting | Reading | Row]:
        """The logits after the ids: kept ones, or by a forward pass of what was not read yet."""
        name = logits.name_of(loaded, ids)
        found = self.rows.get(name)
        if found is not None and (found.prompt_scores is not None or not score_prompt):
            yield found
            return
        prefix = prefix_cache(loaded).prefix(f"next-{conversation}") if conversation else CachedPrefix()
        for state in logits.look(loaded, ids, prefix=prefix, score_prompt=score_prompt):
            if isinstance(state, Row):
                self.rows.put(name, state)
            yield state

    # ---- looks ----

    def look(self, given: Any) -> Iterator[Piece]:
        """What comes next, for the page: pieces, the last one has ``look`` or ``error``."""
        return self._asking(given, self._look)

    def _look(self, loaded: Loaded, wanted: Request) -> Iterator[Waiting | Reading | Piece]:
        (ids, plain, parts), began = self.begun(loaded, wanted), time.perf_counter()
        chosen: Piece | None = None
        if wanted.choose is not None:
            room = window(loaded)
            if room is not None and len(ids) >= room:
                raise BadInput("window_full", window=room)
            for state in self.row(loaded, ids, wanted.conversation):
                if not isinstance(state, Row):
                    yield state
                    continue
                id = _chosen(state, wanted)
                chosen = data.one(loaded, state, wanted.settings, id)
                chosen["end"] = id in stop_ids(loaded)
                ids = [*ids, id]
                break
        for state in self.row(loaded, ids, wanted.conversation, wanted.score_prompt):
            if not isinstance(state, Row):
                yield state
                continue
            told = data.look(loaded, state, wanted.settings, wanted.count)
            told["ms"] = round(1000 * (time.perf_counter() - began), 1)
            if chosen:
                told["chosen"] = chosen
            if not wanted.ids:
                told |= data.prompt(loaded, state)
                told |= {"plain": plain, "parts": parts}
            yield {"look": told}

    def prompt(self, loaded: Loaded, wanted: Request) -> list[int]:
        """The ids that were read so far, or a prompt's."""
        return self.begun(loaded, wanted)[0]

    def begun(self, loaded: Loaded, wanted: Request) -> tuple[list[int], bool, bool]:
        """The ids: read so far, of a text, or of a message in the model's own chat template; whether it was
        to be a message but the model has no template; whether its template takes words as parts only."""
        if wanted.ids:
            return wanted.ids, False, False
        if not wanted.prompt:
            raise BadInput("next_prompt_empty")
        most = len(wanted.prompt) + len(wanted.answer)
        if wanted.chat:
            made = prompts.message(loaded, wanted.prompt, most, wanted.answer)
            return made.ids, made.completion, made.listed
        return prompts.prompt_ids(loaded, wanted.prompt, most)[0], False, False

    def reweigh(self, given: Any) -> Piece:
        """The same logits under other settings, without the model; ``gone`` where they are not kept."""
        try:
            if not isinstance(given, Mapping):
                return {"gone": True}
            row = self.rows.get(str(given.get("row")))
            if row is None:
                return {"gone": True}
            wanted = parse(self.context, {**given, "ids": None, "prompt": ""})
            return {
                "weighed": data.weighed(row, wanted.settings, probabilities.top(row.logits, wanted.count))
            }
        except PlaygroundError as error:
            return {"error": sentence(error, language())}

    def find(self, given: Any) -> Iterator[Piece]:
        """Any tokens by text, piece or id: their probability and rank."""

        def work(loaded: Loaded, wanted: Request) -> Iterator[Waiting | Reading | Piece]:
            query = given.get("query")
            ids = self.prompt(loaded, wanted)
            for state in self.row(loaded, ids, wanted.conversation):
                if not isinstance(state, Row):
                    yield state
                    continue
                text = query if isinstance(query, str) else ""
                known = adapter(loaded)
                hits, total = vocabulary.search(known, text[:200], FOUND)
                found = [hit.id for hit in hits if hit.id < state.vocabulary]
                number = text.strip()
                if number.isascii() and number.isdigit() and known.last < int(number[:10]) < state.vocabulary:
                    found.insert(0, int(number))  # a padded row
                    total += 1
                shown = data.some(loaded, state, wanted.settings, found)
                yield {"found": shown, "total": total, "last": state.vocabulary - 1}

        return self._asking(given, work)

    # ---- inside ----

    def lens(self, given: Any) -> Iterator[Piece]:
        """The logit lens, as HTML."""

        def told(loaded: Loaded, ids: Sequence[int], seen: interpret.Lens) -> Piece:
            spelled, known = logits.spelled(loaded, ids)[seen.start :], adapter(loaded)
            wanted = np.unique(seen.ids).tolist()
            texts = dict(zip(wanted, logits.candidates(known, (), wanted), strict=True))
            return {"html": view.lens(seen, spelled, texts, language())}

        return self._inside(given, interpret.lens, told)

    def attention(self, given: Any) -> Iterator[Piece]:
        """One layer's heads, one of them or their average: a matrix of thousandths, and the tokens."""

        def told(loaded: Loaded, ids: Sequence[int], seen: interpret.Attention) -> Piece:
            layers, heads = seen.weights.shape[:2]
            layer = min(max(whole(given, "layer", 0), 0), layers - 1)
            head = min(max(whole(given, "head", -1), -1), heads - 1)
            chosen = seen.weights[layer].astype(np.float32)
            matrix = chosen.mean(0) if head < 0 else chosen[head]
            spelled = logits.spelled(loaded, ids)[seen.start :]
            return {
                "layers": list(seen.layers), "heads": heads, "layer": layer, "head": head,
                "start": seen.start, "tokens": [data.entry(each) for each in spelled],
                "matrix": np.rint(1000 * matrix).astype(int).tolist(),
            }  # fmt: skip

        return self._inside(given, interpret.attention, told)

    def _inside(
        self, given: Any, see: Callable[[Loaded, Sequence[int]], T],
        told: Callable[[Loaded, Sequence[int], T], Piece],
    ) -> Iterator[Piece]:  # fmt: skip
        """What a pass shows of a model's inside, in the line of all who use it."""

        def work(loaded: Loaded, wanted: Request) -> Iterator[Waiting | Piece]:
            ids = self.prompt(loaded, wanted)
            logits.check(loaded, ids)
            for state in in_line(loaded, lambda: see(loaded, ids), len(ids)):
                yield state if isinstance(state, Waiting) else told(loaded, ids, state)

        return self._asking(given, work)


def _chosen(row: Row, wanted: Request) -> int:
    if isinstance(wanted.choose, int):
        return wanted.choose
    how: probabilities.How = "greedy" if wanted.choose == "greedy" else "sample"
    return probabilities.choose(row.logits, wanted.settings, how, wanted.draws)
