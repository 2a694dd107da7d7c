"""What the page asks, and what programs do: a leased model, its turn, the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from playground import text
from playground.models.cache import Loaded
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.runs import Given, Line, html, progress
from playground.ui.visitor import language, stages
from tests.rooms.perplexity import view
from tests.rooms.perplexity.perplexity import Surprise, measure


class Answers:
    """One function an action of the page."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def measure(self, given: Given) -> Iterator[Line]:
        """The perplexity of a text, telling how far it is."""
        lang, card = language(), self.context.catalog.find(given["model"])
        with closing(self.context.leasing(card, "causal")) as steps:
            for step in stages(steps, lang):
                if not isinstance(step, Loaded):
                    yield progress(step)
                    continue
                for state in measure(step, given["text"], self.context.settings.text_limit):
                    if isinstance(state, Surprise):
                        yield html("perplexity-result", view.result(state, lang))
                    else:
                        yield progress(note(text.say("perplexity.reading", lang)))


def measured(context: Context, said: str, model: str) -> Surprise:
    """The same for programs."""
    with context.models.lease(context.catalog.find(model), "causal") as loaded:
        *_, last = measure(loaded, said, context.settings.text_limit)
    assert isinstance(last, Surprise)
    return last
