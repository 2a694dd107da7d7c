"""What Home answers: the sentence that a visitor typed, through the model that they chose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from playground import text
from playground.engine.generation.generate import Waiting
from playground.models.cache import Loaded
from playground.rooms.home import example
from playground.rooms.home.trace import STEPS, trace
from playground.ui.context import Context
from playground.ui.html import bar, note
from playground.ui.runs import Given, Line, progress
from playground.ui.visitor import language, stages, waiting

PLACE = "home-strip"


class Answers:
    """One function an action of the page."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def run(self, given: Given) -> Iterator[Line]:
        """The sentence through the model: what is known of it after each token that is appended.

        The page shows the worked example where nothing was typed, of the model that it was recorded from.
        """
        lang, model = language(), given["model"] or example.MODEL
        shipped = example.shipped(lang)
        sentence = given["text"] or shipped["text"]
        if (sentence, model) == (shipped["text"], shipped["model"]):
            yield {"place": PLACE, "data": shipped}
            return
        card = self.context.catalog.find(model)
        with closing(self.context.leasing(card, "causal")) as steps:
            for step in stages(steps, lang):
                if not isinstance(step, Loaded):
                    yield progress(step)
                    continue
                with closing(trace(step, sentence, self.context.settings.text_limit)) as states:
                    yield progress(_bar(0, lang))
                    for state in states:
                        if isinstance(state, Waiting):
                            yield progress(waiting(state, lang))
                            continue
                        yield {"place": PLACE, "data": state.plain}
                        yield progress(_bar(state.step, lang))


def _bar(step: int, lang: str) -> str:
    said = text.say("home.running", lang, step=min(step + 1, STEPS), steps=STEPS)
    return note(said) + bar(said, 100 * step / STEPS)
