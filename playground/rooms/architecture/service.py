"""What the Architecture panel does with a choice or a number: from a visitor's input to HTML."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from playground import text as words
from playground.engine.generation.generate import Waiting
from playground.engine.generation.logits import spelled
from playground.engine.in_turn import in_line
from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.tokenize import check
from playground.errors import BadInput, CannotLoad, DoesNotFit, PlaygroundError
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard, Role
from playground.models.gguf import header as gguf
from playground.models.gguf.config import config as gguf_config
from playground.models.loaders import presets, sizes, skeletons
from playground.rooms.architecture import dataflow, drawing, example, forward, memory, what_if
from playground.rooms.architecture import view as architecture_view
from playground.rooms.architecture import view_compare as compare_view
from playground.rooms.architecture import view_flow as flow_view
from playground.rooms.architecture import view_gauge as gauge_view
from playground.rooms.architecture import view_gguf as gguf_view
from playground.rooms.architecture import view_memory as memory_view
from playground.rooms.architecture import view_words as words_view
from playground.rooms.architecture.plan import Architecture, read
from playground.rooms.architecture.tensors import from_tensors
from playground.system import cancellation
from playground.system.lru import LRU
from playground.ui.context import Context
from playground.ui.html import note, size
from playground.ui.runs import Progress
from playground.ui.visitor import language, stages, waiting

FIRST = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
KEPT = 64  # plans remembered: some ten kilobytes each
LONGEST_SENTENCE = 4_000  # characters; the flow shows shapes, not a book
CONTEXTS, BATCHES, RANKS = 2**20, 512, 1024  # the most that the sliders and programs may ask for
REAL = 150_000_000  # parameters of a model that is built for real; a fifth of it for strangers
# Vocabulary → the embedded tokenizer that counts a sentence as its model would, or nearly.
NEAREST = {30522: "all-MiniLM-L6-v2", 32000: "mistral-v1", 32064: "mistral-v1", 32768: "mistral-v3"}
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


class ArchitectureService:
    """The panel's functions, each from plain values to plain values or HTML."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._plans: LRU[Architecture] = LRU(KEPT)
        self._lock = threading.Lock()
        self._hub: LRU[tuple[float, Any]] = LRU(KEPT)

    # -- plans --

    def choices(self) -> list[tuple[str, str]]:
        """What the menu offers, as (shown, name): presets, then what is on this server, then the Hub."""
        known = presets.presets()
        rows = [(preset.label, name) for name, preset in known.items()]
        cards = [card for card in self.context.offered("skeleton") if card.name not in known]
        # Of a package's model the plan is known without it.
        return rows + [(f"{card.name} ↓" if card.source == "hub" else card.name, card.name) for card in cards]

    def living(self) -> list[str]:
        """The models whose weights can be seen at work, those that come with the app first."""
        cards = self.context.offered(None)
        return [card.name for card in cards if card.roles & {"causal", "encoder"}]

    def plan(self, name: str, pasted: str = "") -> tuple[Architecture, list[str]]:
        """A model's plan by name, or of a config that was pasted; with sentences about where it is from.

        Raises:
            PlaygroundError: whatever is wrong with the name, the config or the way to it.
        """
        lang = language()
        if pasted and pasted.strip():
            config = skeletons.parse(pasted)
            own = words.say("architecture.pasted", lang)
            return self.build(config, own), [words.say("architecture.from_pasted", lang)]
        if not isinstance(name, str) or not name.strip():
            raise BadInput("name_empty")
        here = {card.name: card for card in self.context.offered("skeleton") if card.source != "hub"}
        preset = None if name.strip() in here else presets.find(name)
        if preset is not None:
            source = words.say("architecture.from_preset", lang, name=preset.name)
            return self.build(preset.config, preset.name), [source]
        return self._of_card(here.get(name.strip()) or self.context.catalog.find(name), lang)

    def _of_card(self, card: ModelCard, lang: str) -> tuple[Architecture, list[str]]:
        how: dict[str, Any] = {
            "offline": self.context.settings.offline, "anonymous": self.context.settings.anonymous,
        }  # fmt: skip
        if "skeleton" not in card.roles:
            raise BadInput("no_skeleton", name=card.name)
        if card.origin:
            return self._of_file(card, lang)
        config = self._once(card, "config", lambda: skeletons.config_of(card, **how))
        source = words.say(f"architecture.from_{card.source}", lang, name=card.name)
        if not skeletons.known(config):
            tensors = self._headers(card, how)
            if not tensors:
                kind = str(config.get("model_type"))[:60]
                raise CannotLoad("unknown_architecture", name=card.name, kind=kind)
            told = words.say("architecture.from_headers", lang, kind=str(config.get("model_type"))[:60])
            return from_tensors(card.name, tensors, config), [told]
        plan = self.build(config, card.name)
        tensors = self._headers(card, how)
        if not tensors or any(dtype not in FLOATS for dtype, _ in tensors.values()):
            return plan, [source]
        count = from_tensors(card.name, tensors, config).parameters
        key = "headers_agree" if count == plan.parameters else "headers_differ"
        return plan, [source, words.say(f"architecture.{key}", lang, count=f"{count:,}")]

    def _of_file(self, card: ModelCard, lang: str) -> tuple[Architecture, list[str]]:
        """The plan of a GGUF file, from its header alone."""
        header = _header(card)
        kind, config = header.architecture[:60], gguf_config(header)
        told = words.say(
            "architecture.from_gguf", lang, name=card.name, kind=header.main_kind, size=size(header.size)
        )
        if config is None or not skeletons.known(config):
            rows = {each.name: (each.kind.name, each.shape) for each in header.tensors}
            plan = from_tensors(card.name, rows, {"model_type": kind})
            return plan, [told, words.say("architecture.gguf_unknown", lang, kind=kind)]
        plan = self.build(config, card.name)
        key = "headers_agree" if header.parameters == plan.parameters else "headers_differ"
        return plan, [told, words.say(f"architecture.{key}", lang, count=f"{header.parameters:,}")]

    def file(self, plan: Architecture) -> gguf.Header | None:
        """The header of the GGUF file that a plan is of; None where it is of no such file."""
        with suppress(PlaygroundError):
            card = self.context.catalog.find(plan.name)
            return _header(card) if card.origin else None
        return None

    def _headers(self, card: ModelCard, how: Mapping[str, Any]) -> Any:
        with suppress(PlaygroundError):
            return self._once(card, "tensors", lambda: skeletons.tensors_of(card, **how))
        return {}

    def _once(self, card: ModelCard, what: str, ask: Any) -> Any:
        """What the Hub said, remembered a while: one choice asks for it in several places."""
        if card.source != "hub":
            return ask()
        key = f"{what} {card.where} {card.revision}"
        when, found = self._hub.get(key) or (0.0, None)
        if found is None or time.monotonic() - when > 300:
            found = ask()
            self._hub.put(key, (time.monotonic(), found))
        return found

    def build(self, config: Mapping[str, Any], name: str) -> Architecture:
        """The plan of a config; remembered, since every slider asks for it anew."""
        clean = sizes.cleaned(config)
        key = name + json.dumps(clean, sort_keys=True)
        with cancellation.turn(self._lock):  # one at a time: what several ask for at once is built once
            plan = self._plans.get(key)
            if plan is None and name == FIRST:
                shipped = example.plan()
                plan = shipped if shipped.config == clean else None
            if plan is None:
                model = skeletons.build(clean, name)
                with skeletons.refusals(name, str(clean.get("model_type"))):
                    plan = read(name, model, model.config, clean)
            self._plans.put(key, plan)
        return plan

    def changed(self, plan: Architecture, changes: Mapping[str, Any]) -> Architecture:
        """The plan with some numbers changed.

        Raises:
            BadInput: what cannot be, and why.
        """
        if not plan.kind:
            raise CannotLoad("unknown_architecture", name=plan.name, kind=plan.model_type)
        config = what_if.changed(plan, changes)
        return self.build(config, plan.name) if config != plan.config else plan

    # -- the tabs --

    def tokens(self, plan: Architecture, sentence: str) -> tuple[int, str]:
        """How many tokens a sentence has, and whose tokenizer says so."""
        sentence = check(sentence, LONGEST_SENTENCE)
        name = NEAREST.get(plan.shape.vocabulary, "tekken")
        offered = (card for card in self.context.offered("tokenizer") if card.source != "hub")
        # Not one that would have to be fetched, or unpacked, for a count.
        here = {card.name: card for card in offered if not card.package or Path(card.where or "–").is_dir()}
        card = here.get(plan.name) or here[name]
        with self.context.models.lease(card) as loaded:
            return max(1, len(adapter(loaded).encode(sentence, special=True).ids)), card.name

    def flow(
        self, plan: Architecture, new: Architecture, sentence: str, counted: tuple[int, str] | None = None
    ) -> tuple[dict[str, Any] | None, str]:
        """The drawing as data (None where the tree tells none), and its steps as a table.

        Args:
            new: the plan with numbers of it changed; the same where none was.
        """
        lang = language()
        count, whose = counted or self.tokens(plan, sentence)
        scene = drawing.scene(new, plan, count, lang)
        if scene is None:
            return None, ""
        scene["told"] = words.say("architecture.counted_by", lang, count=count, name=whose)
        return scene, flow_view.shapes(dataflow.flow(new, count), new, count, lang)

    def gauge(self, plan: Architecture, new: Architecture | None, context: float, batch: float) -> str:
        """What the model takes, and which machines hold it.

        Args:
            new: as for `flow`; None where what was changed cannot be.
        """
        here = self.context.models.budget("cpu")
        return gauge_view.gauge(
            new or plan, plan, *limits(context, batch), here, language(), refused=new is None
        )

    def memory(self, plan: Architecture, context: float, batch: float) -> str:
        """Weights, cache, and what fits where."""
        lang, n, b = language(), *limits(context, batch)
        here, header = self.context.models.budget("cpu"), self.file(plan)
        return (
            (gguf_view.kinds(header, lang) if header else "")
            + memory_view.precisions(plan, self.measured(plan), lang) + memory_view.cache(plan, n, b, lang)
            + memory_view.fits(plan, n, b, here, lang)
        )  # fmt: skip

    def measured(self, plan: Architecture) -> dict[str, int]:
        """Bytes counted of this model where the cache holds it, by precision. Loads nothing."""
        from playground.models.weights import measured

        found: dict[str, int] = {}
        for row in self.context.models.status():
            if row.name != plan.name or row.role not in ("causal", "encoder") or row.state != "loaded":
                continue
            how: dict[str, Any] = {
                "device": row.device, "dtype": row.asked, "quantization": row.quantization,
            }  # fmt: skip
            with suppress(PlaygroundError), self.context.models.lease(row.card, row.role, **how) as loaded:
                # A language model that serves as an encoder is loaded without its head: another class.
                if type(inner(loaded.model)).__name__ != plan.kind:
                    continue
                precision = {"nf4": "nf4_double_quant"}.get(row.quantization, row.quantization or row.dtype)
                found[precision] = measured(loaded.model)
        return {name: size for name, size in found.items() if name in memory.PRECISIONS}

    def training(
        self, plan: Architecture, rank: float, names: Sequence[str], context: float, batch: float
    ) -> str:
        """Full fine-tuning, LoRA and QLoRA."""
        if not plan.kind:
            return ""  # a tree of names does not tell which layers are linear
        known = {target.name for target in memory.targets(plan)}
        chosen = [name for name in names if name in known]
        n, b = limits(context, batch)
        return memory_view.training(plan, _whole(rank, 1, RANKS, "rank"), chosen, n, b, language())

    def what_if(self, plan: Architecture, changes: Mapping[str, Any], context: float, batch: float) -> str:
        """Old and new side by side, and the code that makes the new one."""
        lang = language()
        new = self.changed(plan, changes)
        if new is plan:
            shown = note(words.say("architecture.change_something", lang))
        else:
            shown = compare_view.counts(plan, new, *limits(context, batch), lang)
        title = words.say("architecture.code", lang)
        return f"{shown}<h5>{title}</h5>{architecture_view.code(what_if.code(new), lang)}"

    def make_real(self, plan: Architecture, changes: Mapping[str, Any], sentence: str) -> str:
        """Build it with random weights and run one forward pass.

        Raises:
            DoesNotFit: too large to be built here.
        """
        lang = language()
        new = self.changed(plan, changes)
        most = REAL // 5 if self.context.settings.public else REAL
        room = self.context.models.budget("cpu") - self.context.models.used_bytes("cpu")
        if new.parameters > most or 4 * new.parameters > room:
            raise DoesNotFit(
                "too_large_to_build", parameters=new.parameters, limit=min(most, max(room // 4, 0))
            )
        began = time.monotonic()
        model = skeletons.real(new.config, new.name)
        count, _ = self.tokens(plan, sentence)
        count = min(count, new.shape.context or count, 512)
        ids = [(7 * i + 1) % new.shape.vocabulary for i in range(count)]
        rows = forward.watch(model, ids)
        told = words.say(
            "architecture.made_real", lang, parameters=f"{sum(p.numel() for p in model.parameters()):,}",
            seconds=f"{time.monotonic() - began:.2f}",
        )  # fmt: skip
        return note(told) + compare_view.watched(rows, [], time.monotonic() - began, lang)

    def compare(self, plan: Architecture, other: str, context: float, batch: float) -> str:
        """Two models side by side."""
        second, _ = self.plan(other)
        return compare_view.side_by_side(plan, second, *limits(context, batch), language())

    def raw(self, plan: Architecture) -> str:
        """`print(model)`, the config as it is, and what each field means."""
        lang = language()
        printed = str(skeletons.build(plan.config, plan.name)) if plan.kind else ""
        config = json.dumps(plan.config, indent=2, ensure_ascii=False)
        title, header = words.say("architecture.fields", lang), self.file(plan)
        inside = gguf_view.metadata(header, lang) + gguf_view.tensors(header, lang) if header else ""
        return (
            f"{inside}<h5>{title}</h5>{words_view.fields(plan.config, lang)}"
            + architecture_view.raw(printed, config, lang)
        )  # fmt: skip

    def live(self, name: str, quantization: str, sentence: str) -> Iterator[str]:
        """A real forward pass of a model of the cache, loaded first if need be."""
        lang = language()
        sentence = check(sentence, LONGEST_SENTENCE)
        if not sentence.strip():
            raise BadInput("sentence_empty")
        card = self.context.catalog.find(name)
        role: Role = "causal" if "causal" in card.roles else "encoder"
        with closing(self.context.leasing(card, role, quantization)) as steps:
            for step in stages(steps, lang):
                if not isinstance(step, Loaded):
                    yield Progress(step)
                    continue
                with closing(self._watching(step, sentence, lang)) as states:
                    yield from states
                return

    def _watching(self, loaded: Loaded, sentence: str, lang: str) -> Generator[str]:
        ids = adapter(loaded).encode(sentence).ids.tolist()[:512]
        with closing(in_line(loaded, lambda: self._watched(loaded, ids, lang), len(ids))) as states:
            for state in states:
                yield Progress(waiting(state, lang)) if isinstance(state, Waiting) else state

    def _watched(self, loaded: Loaded, ids: list[int], lang: str) -> str:
        model = inner(loaded.model)
        began = time.monotonic()
        rows = forward.watch(model, ids)
        seconds = time.monotonic() - began
        # What is a part of a character alone is shown as its bytes.
        pieces = [each.text or f"⟨{each.raw.hex(' ').upper()}⟩" for each in spelled(loaded, ids)]
        title = words.say("architecture.holds", lang)
        parts = compare_view.holds(forward.held(model), lang)
        return f"{compare_view.watched(rows, pieces, seconds, lang)}<h5>{title}</h5>{parts}"


def inner(model: Any) -> Any:
    """The transformers model itself, also of a sentence model around it."""
    return model[0].auto_model if type(model).__name__ == "SentenceTransformer" else model


def limits(context: object, batch: object) -> tuple[int, int]:
    """Context and batch as whole numbers in their range.

    Raises:
        BadInput: not numbers, or out of range.
    """
    return _whole(context, 1, CONTEXTS, "context"), _whole(batch, 1, BATCHES, "batch")


def _whole(value: object, least: int, most: int, name: str) -> int:
    # Compared before it is made whole: infinity and NaN have no whole number, and are in no range.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadInput("number_range", name=name, least=least, most=most)
    if value != int(value):
        raise BadInput("number_range", name=name, least=least, most=most)
    return int(value)


def _header(card: ModelCard) -> gguf.Header:
    return gguf.read(Path(card.origin), card.name)
