"""What the Models drawer answers: what is loaded and offered, and a model that is loaded and used once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from playground import text
from playground.engine.generation.generate import Waiting
from playground.errors import NotAllowed, PlaygroundError
from playground.models import devices
from playground.models.cache import Loaded, Status
from playground.models.catalog import ModelCard, Role
from playground.rooms.models import view
from playground.rooms.models.inventory import inventory, state
from playground.rooms.models.trial import trying
from playground.ui.context import Context
from playground.ui.first_models import fetched_size, label
from playground.ui.runs import Given, Line, html, progress, sets
from playground.ui.visitor import language, stages, waiting

# Best first: a model is tried as the most that it can be.
ROLES: tuple[Role, ...] = ("causal", "encoder", "words", "songs", "tokenizer", "skeleton")


class Answers:
    """One function an action of the page."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def look(self, given: Given) -> Iterator[Line]:
        """What is loaded and what is offered, and every name that can be loaded.

        A folder put into the models folder a moment ago is among them.
        """
        context, lang = self.context, language()
        whole, cache = context.models.status(), context.models
        status = [row for row in whole if context.catalog.listed(row.card)]
        kinds = dict.fromkeys(["cpu", *(row.device for row in whole if row.device == "cuda")])
        memories = [(kind, cache.used_bytes(kind), cache.budget(kind)) for kind in kinds]
        unseen = [row.bytes for row in whole if not context.catalog.listed(row.card)]
        owner = context.settings.visitors_own
        yield html("pg-models-held", view.held(status, memories, lang, unseen, owner=owner))
        broken = {card.name: card.broken for card in context.catalog.folders() if card.broken}
        absent = {
            card.name: fetched_size(card)
            for card in context.offered(None)
            if card.source == "package" and not card.where
        }
        yield html("pg-models-offered", view.offered(inventory(context), broken, lang, absent))
        names = [(label(card, lang), card.name) for card in context.offered(None)]
        yield sets({"models.name": {"choices": names}})

    def state(self, given: Any) -> Iterator[Line]:
        """Of the model in use, for the header: "loaded", "ready", "download"; "" of what is none."""
        wanted = given if isinstance(given, dict) else {}
        name, room = str(wanted.get("model") or ""), str(wanted.get("room") or "")
        try:
            yield {"state": state(self.context, name, room)}
        except PlaygroundError:  # the room that it is typed in says what is wrong with it
            yield {"state": ""}

    def unload(self, given: Given) -> Iterator[Line]:
        """Give the memory of a model back, where visitors are the server's owner."""
        if not self.context.settings.visitors_own:
            raise NotAllowed("unload_not_allowed")
        if given["idle"]:
            self.context.models.unload(str(given["idle"]))
        yield from self.look(given)

    def load(self, given: Given) -> Iterator[Line]:
        """How far the loading is, what came of a first use, and what is loaded now."""
        try:
            yield from self._tried(str(given["name"] or ""), given["role"] or None, given["precision"] or "")
        except PlaygroundError:
            yield from self.look(given)  # what was loaded before may have made room
            raise
        yield from self.look(given)

    def _tried(self, name: str, role: Role | None, precision: str) -> Iterator[Line]:
        lang, context = language(), self.context
        card = context.catalog.find(name)
        role = role or best(card)
        began = time.monotonic()
        with closing(context.leasing(card, role, precision)) as steps:
            for step in stages(steps, lang):
                if not isinstance(step, Loaded):
                    yield progress(step)
                    continue
                loading = time.monotonic() - began
                sentences = text.say("models.trial_sentences", lang).split("\n")
                prompt, word = text.say("models.trial_prompt", lang), text.say("models.trial_word", lang)
                with closing(trying(step, role, prompt, sentences, word)) as states:
                    for found in states:
                        if isinstance(found, Waiting):
                            yield progress(waiting(found, lang))
                            continue
                        row = _status(context, step, role, precision)
                        yield html("pg-models-result", view.tried(found, row, loading, lang))
                return


def best(card: ModelCard) -> Role:
    """What a model is tried as unless the visitor says otherwise."""
    return next(role for role in ROLES if role in card.roles)


def _status(context: Context, loaded: Loaded, role: Role, precision: str) -> Status:
    """The row of the cache that holds it: bytes shown are bytes counted."""
    quantization = precision if precision in devices.QUANTIZATIONS else ""
    wanted: tuple[Any, ...] = (loaded.card, role, quantization, loaded.bytes)
    return next(
        row
        for row in context.models.status()
        if (row.card, row.role, row.quantization, row.bytes) == wanted and row.leases
    )
