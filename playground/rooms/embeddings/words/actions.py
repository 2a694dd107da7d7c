"""What the Words view does with an input: from typed words to HTML."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

import gradio as gr

from playground import text as said
from playground.engine.vectors.projection import project
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.embeddings.words import analogies, example, view
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.visitor import language, stages

SOURCE = "minilm-words"
COUNT = 10
EXAMPLE = ("king, woman", "man")


class WordsActions:
    """The view's functions."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def choices(self) -> list[tuple[str, str]]:
        """The sources of the menu; ↓ marks what must be downloaded first, which no public server does."""
        offered = [(card.name, self.context.fetched(card)) for card in self.context.catalog.offered("words")]
        public = self.context.settings.public
        return [(name if here else f"{name} ↓", name) for name, here in offered if here or not public]

    def card(self, source: object) -> ModelCard:
        """The card of a source; anything of that name without word vectors is refused by the loader."""
        if not isinstance(source, str) or not source.strip():
            raise BadInput("name_empty")
        card = self.context.catalog.find(source)
        if "words" not in card.roles:
            raise BadInput("no_words", name=card.name)
        return card

    def opening(self, source: str) -> Generator[str | Loaded]:
        """Progress as HTML, and at last the vectors, leased until the iterator is closed."""
        with closing(self.context.leasing(self.card(source), "words")) as steps:
            yield from stages(steps, language())

    def following(
        self, fn: Callable[..., str], mine: str, where: str, source: str, *given: Any
    ) -> Iterator[Any]:
        """A sub-tab's result, and before it the progress of loading; nothing while another one is open."""
        if where != mine:
            yield gr.skip()
            return
        if (mine, source, *given) == ("near", SOURCE, *EXAMPLE, COUNT):
            yield opening(language())  # without loading anything
            return
        with closing(self.opening(source)) as steps:
            for step in steps:
                if not isinstance(step, Loaded):
                    yield step
                    continue
                yield fn(step, *given)
                return

    def near(self, loaded: Loaded, plus: str, minus: str, count: float = COUNT) -> str:
        """The nearest words of a sum, with and without the words that were given."""
        lang, typed = language(), [analogies.parse(plus or ""), analogies.parse(minus or "")]
        added, taken = ([analogies.lookup(loaded, word) for word in some] for some in typed)
        without, with_them = (
            [vars(each) for each in analogies.similar(loaded, added, taken, int(count), include=include)]
            for include in (False, True)
        )
        return self.read_as(typed, [added, taken], lang) + view.near(added, taken, without, with_them, lang)

    @staticmethod
    def read_as(typed: list[list[str]], known: list[list[str]], lang: str) -> str:
        """Which words were found under another spelling than theirs."""
        pairs = [
            f"{one} → {other}"
            for some, others in zip(typed, known, strict=True)
            for one, other in zip(some, others, strict=True)
            if one != other
        ]
        return note(said.say("words.read_as", lang, words=", ".join(pairs))) if pairs else ""

    def compare(self, loaded: Loaded, listed: str) -> str:
        """All pairs of a list, and the odd one out."""
        return view.compared(analogies.compare(loaded, analogies.parse(listed or "")), language())

    def map(self, loaded: Loaded, listed: str, neighbours: float, method: str) -> str:
        """A list and its neighbours at their places."""
        lang = language()
        names, groups, vectors = analogies.around(loaded, analogies.parse(listed or ""), int(neighbours))
        made = project(vectors, method)
        notes = [said.say(f"words.map_{made.method}", lang)]
        notes += [said.say("words.map_few", lang)] if made.note else []
        return view.mapped(made.points, names, groups, notes, lang)

    def about(self, source: str) -> Iterator[str]:
        """What a source holds."""
        with closing(self.opening(source)) as steps:
            for step in steps:
                if not isinstance(step, Loaded):
                    yield step
                    continue
                known = step.model
                yield view.about(step.card.name, len(known), known.vector_size, language())
                return

    def plain(
        self, positive: object, negative: object, source: object, count: object
    ) -> list[dict[str, Any]]:
        """As ``/similar_words`` answers.

        Raises:
            BadInput: no list of words, unknown ones, or a count out of range.
        """
        lists: list[list[str]] = []
        for given in (positive, negative):
            listed = [given] if isinstance(given, str) else [] if given is None else given
            if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
                raise BadInput("words_list")
            lists.append(listed)
        if isinstance(count, bool) or not isinstance(count, int):
            raise BadInput("words_count", most=analogies.MOST)
        with closing(self.context.leasing(self.card(source), "words")) as steps:
            loaded = next(step for step in steps if isinstance(step, Loaded))
            found = analogies.similar(loaded, lists[0], lists[1], count)
        return [{"word": each.word, "score": round(each.score, 6)} for each in found]


def opening(lang: str) -> str:
    """The shipped answer to `EXAMPLE`: the same as `WordsActions.near` gives."""
    told = example.shipped()
    return view.near(told["plus"], told["minus"], told["excluded"], told["included"], lang)
