"""What answers in the Token vectors view: one pass a text, kept, and everything else from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from playground import text as words
from playground.engine.generation.generate import Waiting
from playground.engine.tokenizers.tokenize import check
from playground.engine.vectors.projection import project
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard, Role
from playground.rooms.embeddings.token_vectors import example, hidden_states, view
from playground.rooms.embeddings.token_vectors.hidden_states import STATIC, Passed
from playground.system.lru import LRU
from playground.ui import point_map
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.runs import Given, Line, Progress, html, progress, sets
from playground.ui.visitor import language, stages, waiting

MODEL = "all-MiniLM-L6-v2"
LAYERS = 6  # of this model
MODEL_ID, LAYER = "token_vectors.model", "token_vectors.layer"
KEPT = 2**27  # bytes of passes that are kept for sliders and second looks
API_TEXTS = 32
API_NUMBERS = 2_000_000  # of one answer


class VectorsActions:
    """What the view holds, and one function an action of its page."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._kept: LRU[Passed] = LRU(KEPT, least=1)
        self._lock = threading.Lock()
        self.passes = 0  # how often a model was really run; a test watches it

    def choices(self) -> list[tuple[str, str]]:
        """Encoders first, then language models; ↓ marks what the Hub must give first."""
        offered = self.context.catalog.offered
        cards = dict.fromkeys([*offered("encoder"), *offered("causal")])
        return [(f"{card.name} ↓" if card.source == "hub" else card.name, card.name) for card in cards]

    def card(self, model: str) -> tuple[ModelCard, Role]:
        """A model's card, and as what its layers are read."""
        card = self.context.catalog.find(model)
        return card, "encoder" if "encoder" in card.roles else "causal"

    def passing(
        self, model: str, texts: Sequence[str], groups: Sequence[int]
    ) -> Generator[Progress | Passed]:
        """Progress as HTML, and at last the pass: a kept one at once, else a model is leased and run."""
        for each in texts:
            check(each, self.context.settings.text_limit)
        card, role = self.card(model)
        key = (card.name, card.source, *texts)
        kept = self._kept.get(key)
        if kept is None and model == MODEL:
            kept = example.shipped(texts)
        if kept is not None:
            yield replace(kept, groups=tuple(groups))
            return
        with closing(self.context.leasing(card, role)) as steps:
            for step in stages(steps, language()):
                if not isinstance(step, Loaded):
                    yield Progress(step)
                    continue
                with closing(hidden_states.running(step, texts, groups)) as states:
                    for state in states:
                        if isinstance(state, Waiting):
                            yield Progress(waiting(state, language()))
                            continue
                        self._keep(key, state)
                        yield state
                return

    def _keep(self, key: tuple[str, ...], passed: Passed) -> None:
        with self._lock:
            self.passes += 1
        self._kept.put(key, passed, passed.bytes)

    # -- the page --

    def opening(self, given: Given) -> Iterator[Line]:
        """The menu of models."""
        yield sets({MODEL_ID: {"choices": self.choices()}})

    def sample(self, given: Given) -> Iterator[Line]:
        """A word that is offered, in its sentences."""
        box = example.SENSES.get(word := given.by.rpartition("-")[2])
        if box is not None:
            yield sets({"token_vectors.lines": box, "token_vectors.word": word})

    def _answering(
        self, place: str, given: Given, box: str, answer: Callable[[Passed, int], str]
    ) -> Iterator[Line]:
        """A place's content, made of the pass over a box's texts; and how far the layers go."""
        texts, groups = hidden_states.lines(box)
        layer = LAYERS if given["layer"] is None else int(given["layer"])
        with closing(self.passing((given["model"] or "").strip() or MODEL, texts, groups)) as steps:
            for step in steps:
                if isinstance(step, Progress):
                    yield progress(step, place)
                    continue
                yield html(place, answer(step, max(STATIC, min(layer, step.layers))))
                if given.by == MODEL_ID:  # of another model first what comes out of it
                    yield sets({LAYER: {"maximum": step.layers, "value": step.layers}})
                elif given.by == "open" or step.layers != LAYERS:
                    yield sets({LAYER: {"maximum": step.layers}})

    def walk(self, given: Given) -> Iterator[Line]:
        """The notebook's steps of the first sentence."""
        lang = language()
        yield from self._answering(
            "vec-walk", given, given["sentence"], lambda passed, layer: view.walk(passed, layer, lang)
        )

    def pool(self, given: Given) -> Iterator[Line]:
        """Mean pooling of the first sentence."""
        lang = language()
        yield from self._answering(
            "vec-pool", given, given["sentence"], lambda passed, layer: view.pooling(passed, lang)
        )

    def senses(self, given: Given) -> Iterator[Line]:
        """One word in all its sentences."""
        word = given["word"].strip()
        yield from self._answering(
            "vec-senses", given, given["lines"], lambda passed, layer: senses(passed, layer, word, language())
        )

    def map(self, given: Given) -> Iterator[Line]:
        """All tokens of all sentences at one layer."""
        word, by, method = given["word"], given["by"] or "sentence", given["method"] or "pca"
        yield from self._answering(
            "vec-map", given, given["lines"],
            lambda passed, layer: token_map(passed, layer, word, by, method, language()),
        )  # fmt: skip

    # -- for programs --

    def plain(self, texts: object, model: str) -> list[dict[str, Any]]:
        """As ``/token_vectors`` answers.

        Raises:
            BadInput: no texts, too many, or more numbers than one answer holds.
        """
        if isinstance(texts, str):
            texts = [texts]
        if not isinstance(texts, list) or not 0 < len(texts) <= API_TEXTS:
            raise BadInput("vectors_texts", most=API_TEXTS)
        for each in texts:
            check(each, self.context.settings.text_limit)
        card, role = self.card(model)
        with closing(self.context.leasing(card, role)) as steps:
            loaded = next(step for step in steps if isinstance(step, Loaded))
            passed = hidden_states.run(loaded, texts)
        numbers = sum(one.layers[-1].size for one in passed.texts)
        if numbers > API_NUMBERS:
            raise BadInput("vectors_too_much", most=API_NUMBERS, numbers=numbers)
        return [
            {
                "tokens": list(one.tokens), "shape": list(one.shape),
                "vectors": [[round(value, 7) for value in row] for row in one.layers[-1].tolist()],
            }
            for one in passed.texts
        ]  # fmt: skip


def senses(passed: Passed, layer: int, word: str, lang: str) -> str:
    """One word in all its sentences as HTML; or which words stand in several of them."""
    found = hidden_states.occurrences(passed, word)
    if len(found) < 2:
        near = hidden_states.common_words([each.text for each in passed.texts])[:6]
        key = "vectors.word_missing" if near else "vectors.word_alone"
        return note(words.say(key, lang, word=word or "–", common=", ".join(near)))
    told = hidden_states.separations(passed, found)
    return view.senses(passed, word, found, layer, told, hidden_states.means(passed, found), lang)


def token_map(passed: Passed, layer: int, word: str, by: str, method: str, lang: str) -> str:
    """All tokens of all sentences at one layer as HTML.

    Raises:
        BadInput: there are none.
    """
    rows = [
        one.at(layer)[[not special for special in one.special]]
        for one in passed.texts
        if not all(one.special)
    ]
    if not rows:
        raise BadInput("vectors_no_tokens", name=passed.model)
    whole = np.concatenate(rows)
    made = project(whole, method)
    notes = [words.say(f"vectors.map_{made.method}", lang)]
    if layer == STATIC:
        notes.append(words.say("vectors.map_static", lang))
    if made.note:
        notes.append(words.say("vectors.map_few", lang))
    found = hidden_states.occurrences(passed, word)
    near = point_map.neighbourhood(whole, made.points)
    return view.token_map(passed, made.points, found, by, layer, notes, near, lang)
