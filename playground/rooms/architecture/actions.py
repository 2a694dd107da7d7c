"""What the page asks of the Architecture panel: from checked values to lines."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

from playground import text
from playground.errors import PlaygroundError
from playground.rooms.architecture import example, memory, view, what_if
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.request import changes, uploaded
from playground.rooms.architecture.service import FIRST, ArchitectureService
from playground.ui.html import note
from playground.ui.runs import Given, Line, asks, filling, html, progress, sets
from playground.ui.visitor import language

ROOM = "architecture"
SAMPLES = {
    "TinyLlama": FIRST, "Phi-3-mini": "microsoft/Phi-3-mini-4k-instruct", "GPT-2": "openai-community/gpt2",
    "BERT": "google-bert/bert-base-uncased", "Mixtral": "mistralai/Mixtral-8x7B-v0.1",
    "405B": "meta-llama/Llama-3.1-405B",
}  # fmt: skip
# Of another model these are as it has them.
KNOBS: dict[str, Any] = {f"{ROOM}.{name}": {"reset": True} for name in what_if.KNOBS}
UNTURNED: dict[str, Any] = {**KNOBS, f"{ROOM}.targets": {"reset": True}}
Planned = Generator[Line, None, Architecture]


class Answers:
    """One function an action of the page."""

    def __init__(self, do: ArchitectureService) -> None:
        self.do = do

    def opening(self, given: Given) -> Iterator[Line]:
        """The menus."""
        menu = {"choices": self.do.choices()}
        live = {"choices": [(name, name) for name in self.do.living()]}
        yield sets({f"{ROOM}.model": menu, f"{ROOM}.other": menu, f"{ROOM}.live": live})

    def plan(self, given: Given) -> Iterator[Line]:
        """The model's numbers and its tree; then whatever of the controls hangs on it."""
        if given["model"] != FIRST or given["config"].strip():  # else it is shipped
            yield progress(note(text.say("architecture.reading", language())))
        try:
            plan, notes = self.do.plan(given["model"] or "", given["config"])
        except PlaygroundError:  # of the model before, nothing stays
            yield html("arc-top", "")
            yield html("arc-tree", "")
            off = {f"{ROOM}.{name}": {"default": None, "interactive": False} for name in what_if.KNOBS}
            yield sets({**off, f"{ROOM}.targets": {"choices": [], "default": []}})
            yield from _followers()
            raise
        lang = language()
        yield html("arc-top", view.overview(plan, lang, notes))
        yield html("arc-tree", view.tree(plan, lang))
        yield sets({**_knobs(plan), **_targets(plan), **self._live(given)})
        yield from _followers()

    def _live(self, given: Given) -> dict[str, Any]:
        """Who looks at the plan of a model whose weights are here wants to see these at work."""
        if given["config"].strip() or given["model"] not in self.do.living():
            return {}
        change = {"default": given["model"]}
        return {f"{ROOM}.live": {**change, "value": given["model"]} if given.by != "open" else change}

    def _plan(self, given: Given, *places: str) -> Planned:
        """The plan that an action is about; if it cannot be had, nothing stays in these places but why."""
        try:
            return self.do.plan(given["model"] or "", given["config"])[0]
        except PlaygroundError:
            for place in places:
                yield html(place, "")
            raise

    def flow(self, given: Given) -> Iterator[Line]:
        """The drawing, with what was turned in it, and the steps as a table."""
        places = ("arc-flow", "arc-steps")
        plan = yield from self._plan(given, *places)
        lang, said, counted = language(), given["sentence"], None
        if plan.name == FIRST and said == text.say("architecture.example_sentence", lang):
            counted = example.tokens(lang)
        scene, steps = self.do.flow(plan, self._turned(plan, given), said, counted)
        if scene is None:
            yield html("arc-flow", note(text.say("architecture.flow_none", lang)))
        else:
            yield {"place": "arc-flow", "data": scene}
        yield html("arc-steps", steps)

    def gauge(self, given: Given) -> Iterator[Line]:
        """What the model takes, and which machines hold it. What is wrong is told where the plan is."""
        try:
            plan = self.do.plan(given["model"] or "", given["config"])[0]
        except PlaygroundError:
            yield html("arc-gauge", "")
            return
        new: Architecture | None = None
        with suppress(PlaygroundError):  # said where it was turned
            new = self._turned(plan, given)
        yield html("arc-gauge", self.do.gauge(plan, new, given["context"], given["batch"]))

    def _turned(self, plan: Architecture, given: Given) -> Architecture:
        """The plan with what was turned in it."""
        turned = changes(plan, given)
        return self.do.changed(plan, turned) if turned else plan

    def memory(self, given: Given) -> Iterator[Line]:
        """Weights, cache, and what fits where."""
        plan = yield from self._plan(given, "arc-memory")
        yield html("arc-memory", self.do.memory(plan, given["context"], given["batch"]))

    def training(self, given: Given) -> Iterator[Line]:
        """Full fine-tuning, LoRA and QLoRA."""
        plan = yield from self._plan(given, "arc-training")
        how = given["rank"], given["targets"], given["context"], given["batch"]
        yield html("arc-training", self.do.training(plan, *how))

    def what_if(self, given: Given) -> Iterator[Line]:
        """Old and new side by side, and the code that makes the new one."""
        plan = yield from self._plan(given, "arc-what-if")
        turned = changes(plan, given)
        shown = plan.kind or turned  # a tree of names has nothing that could be turned
        found = self.do.what_if(plan, turned, given["context"], given["batch"]) if shown else ""
        yield html("arc-what-if", found)

    def reset(self, given: Given) -> Iterator[Line]:
        """Every knob as the model has it."""
        yield sets(KNOBS)

    def real(self, given: Given) -> Iterator[Line]:
        """The changed model built with random weights, and one pass of it."""
        plan = yield from self._plan(given, "arc-built")
        yield progress(note(text.say("architecture.building", language())))
        yield html("arc-built", self.do.make_real(plan, changes(plan, given), given["sentence"]))

    def compare(self, given: Given) -> Iterator[Line]:
        """Two models side by side."""
        plan = yield from self._plan(given, "arc-compare")
        yield progress(note(text.say("architecture.reading", language())))
        try:
            shown = self.do.compare(plan, given["other"] or "", given["context"], given["batch"])
        except PlaygroundError:
            yield html("arc-compare", "")
            raise
        yield html("arc-compare", shown)

    def raw(self, given: Given) -> Iterator[Line]:
        """The code, the config, and what each field means."""
        plan = yield from self._plan(given, "arc-raw")
        yield html("arc-raw", self.do.raw(plan))

    def live(self, given: Given) -> Iterator[Line]:
        """A real forward pass of a model of the cache, loaded first if need be."""
        steps = self.do.live(given["live"] or "", given["precision"] or "", given["sentence"])
        yield from filling("arc-live", steps)

    def sample(self, given: Given) -> Iterator[Line]:
        """A model that is offered; what was pasted makes way."""
        number = given.by.rpartition("-")[2]
        if number in map(str, range(len(SAMPLES))):
            name = [*SAMPLES.values()][int(number)]
            yield sets({f"{ROOM}.model": name, f"{ROOM}.config": "", **UNTURNED})

    def clear(self, given: Given) -> Iterator[Line]:
        """Back from a config of one's own to the model of the menu."""
        yield sets({f"{ROOM}.config": "", **UNTURNED})

    def receive(self, path: str | None) -> Iterator[Line]:
        """An uploaded config.json stands where it could have been pasted."""
        yield sets({f"{ROOM}.config": uploaded(path), **UNTURNED})


def _followers() -> Iterator[Line]:
    """What hangs on controls that follow the plan is asked when these have followed."""
    yield asks(f"{ROOM}/gauge")
    yield asks(f"{ROOM}/flow")
    yield asks(f"{ROOM}/what_if")
    yield asks(f"{ROOM}/training")


def _knobs(plan: Architecture) -> dict[str, Any]:
    """Each knob as this model has it; what it has no choice of cannot be turned."""
    free = bool(plan.kind)
    return {
        f"{ROOM}.{name}": {"default": value, "interactive": free and value is not None}
        for name, value in what_if.knobs(plan).items()
    }


def _targets(plan: Architecture) -> dict[str, Any]:
    offered = list(dict.fromkeys(target.name for target in memory.targets(plan)))
    choices = [(name, name) for name in offered]
    return {f"{ROOM}.targets": {"choices": choices, "default": list(memory.usual_targets(plan))}}
