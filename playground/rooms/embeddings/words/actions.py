"""What answers in the Words view: from typed words to HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from playground import text as said
from playground.engine.vectors.projection import project
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.embeddings.words import analogies, example, view
from playground.rooms.embeddings.words.catalogue import GLOVE
from playground.ui import point_map
from playground.ui.context import Context
from playground.ui.first_models import label
from playground.ui.html import note
from playground.ui.runs import Given, Line, html, progress, sets
from playground.ui.visitor import language, stages

SOURCE = "minilm-words"
COUNT = 10
EXAMPLE = ("king, woman", "man")
SUMS = (
    ("king", ""), EXAMPLE, ("paris, japan", "france"), ("seven", ""),
    ("walking, swim", "walk"), ("bigger, small", "big"),
)  # fmt: skip
LISTS = said.say("words.sample_lists", said.DEFAULT).split("\n")  # the embedded source knows English


class WordsActions:
    """What the view holds, and one function an action of its page."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def first(self) -> str:
        """The source that the view opens with: the book's own vectors, where they are."""
        return GLOVE.name if self.context.catalog.find(GLOVE.name).where else SOURCE

    def choices(self) -> list[tuple[str, str]]:
        """The sources of the menu; ↓ marks what must be downloaded first, which no public server does."""
        public, lang = self.context.settings.public, language()
        offered = [(card, self.context.fetched(card)) for card in self.context.offered("words")]
        return [
            (label(card, lang) if here or card.source == "package" else f"{card.name} ↓", card.name)
            for card, here in offered
            if here or not public
        ]

    def card(self, source: object) -> ModelCard:
        """The card of a source; anything of that name without word vectors is refused by the loader."""
        if not isinstance(source, str) or not source.strip():
            raise BadInput("name_empty")
        card = self.context.catalog.find(source)
        if "words" not in card.roles:
            raise BadInput("no_words", name=card.name)
        return card

    # -- the page --

    def opening(self, given: Given) -> Iterator[Line]:
        """The menu of sources."""
        yield sets({"words.source": {"choices": self.choices()}})

    def offered_sum(self, given: Given) -> Iterator[Line]:
        """A sum that is offered."""
        number = given.by.rpartition("-")[2]
        if number in map(str, range(len(SUMS))):
            plus, minus = SUMS[int(number)]
            yield sets({"words.plus": plus, "words.minus": minus})

    def offered_list(self, given: Given) -> Iterator[Line]:
        """A list that is offered."""
        number = given.by.rpartition("-")[2]
        if number in map(str, range(len(LISTS))):
            yield sets({"words.list": LISTS[int(number)]})

    def back(self, given: Given) -> Iterator[Line]:
        """After a stop: the embedded source, so that nothing begins to load again at the next word."""
        yield sets({"words.source": SOURCE})

    def _answering(self, place: str, given: Given, answer: Callable[[Loaded], str]) -> Iterator[Line]:
        """A place's content, made of a source while that is leased."""
        with closing(self.context.leasing(self.card(given["source"]), "words")) as steps:
            for step in stages(steps, language()):
                if isinstance(step, Loaded):
                    yield html(place, answer(step))
                    return
                yield progress(step, place)

    def near(self, given: Given) -> Iterator[Line]:
        """The nearest words of a sum, with and without the words that were given."""
        plus, minus, count = given["plus"], given["minus"], int(given["count"] or COUNT)
        if given["source"] in example.SOURCES and (plus, minus, count) == (*EXAMPLE, COUNT):
            yield html("wrd-near", shipped(language(), given["source"]))  # without loading anything
            return
        yield from self._answering(
            "wrd-near", given, lambda loaded: nearest(loaded, plus, minus, count, language())
        )

    def compare(self, given: Given) -> Iterator[Line]:
        """All pairs of a list, and the odd one out."""

        def answer(loaded: Loaded) -> str:
            return view.compared(analogies.compare(loaded, analogies.parse(given["list"])), language())

        yield from self._answering("wrd-compare", given, answer)

    def map(self, given: Given) -> Iterator[Line]:
        """A list and its neighbours at their places."""
        count, method = int(given["neighbours"] or 0), given["method"] or "pca"
        yield from self._answering(
            "wrd-map", given, lambda loaded: mapped(loaded, given["list"], count, method, language())
        )

    def about(self, given: Given) -> Iterator[Line]:
        """What a source holds."""

        def answer(loaded: Loaded) -> str:
            known = loaded.model
            return view.about(loaded.card.name, len(known), known.vector_size, language())

        yield from self._answering("wrd-about", given, answer)

    # -- for programs --

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


def nearest(loaded: Loaded, plus: str, minus: str, count: int, lang: str) -> str:
    """The nearest words of a sum as HTML, with and without the words that were given."""
    typed = [analogies.parse(plus), analogies.parse(minus)]
    added, taken = ([analogies.lookup(loaded, word) for word in some] for some in typed)
    without, with_them = (
        [vars(each) for each in analogies.similar(loaded, added, taken, count, include=include)]
        for include in (False, True)
    )
    return read_as(typed, [added, taken], lang) + view.near(added, taken, without, with_them, lang)


def read_as(typed: Sequence[Sequence[str]], known: Sequence[Sequence[str]], lang: str) -> str:
    """Which words were found under another spelling than theirs."""
    pairs = [
        f"{one} → {other}"
        for some, others in zip(typed, known, strict=True)
        for one, other in zip(some, others, strict=True)
        if one != other
    ]
    return note(said.say("words.read_as", lang, words=", ".join(pairs))) if pairs else ""


def mapped(loaded: Loaded, listed: str, neighbours: int, method: str, lang: str) -> str:
    """A list and its neighbours at their places, as HTML."""
    names, groups, vectors = analogies.around(loaded, analogies.parse(listed), neighbours)
    made = project(vectors, method)
    near = point_map.neighbourhood(vectors, made.points)
    notes = [said.say(f"words.map_{made.method}", lang)]
    notes += [said.say("words.map_few", lang)] if made.note else []
    return view.mapped(made.points, names, groups, notes, near, lang)


def shipped(lang: str, source: str = SOURCE) -> str:
    """The shipped answer of a source to `EXAMPLE`: the same as `nearest` gives."""
    told = example.shipped(source)
    return view.near(told["plus"], told["minus"], told["excluded"], told["included"], lang)
