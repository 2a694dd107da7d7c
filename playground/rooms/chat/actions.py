"""Replies as they come, to the page in pieces by time, to programs as `/chat` promises it; and the menus."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

from playground import text
from playground.engine.generation import conversation, detokenize, engines, generate
from playground.engine.generation.prefix_cache import CachedPrefix, prefix_cache
from playground.engine.queue import line
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded, Stage
from playground.models.catalog import ModelCard, Role
from playground.models.engines import llama
from playground.rooms.chat.request import Request, parse
from playground.ui import loading as loading_view
from playground.ui.context import Context
from playground.ui.first_models import pair
from playground.ui.precision_menu import offer
from playground.ui.runs import Given, Line, html, sets
from playground.ui.visitor import language, sentence

# A yield costs as much as many tokens, so the page hears by time: often where few read along.
FLUSH, BUSY_FLUSH, BUSY = 0.075, 0.2, 8


class Answers:
    """One function an action of the page."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def opening(self, given: Given) -> Iterator[Line]:
        """What the menus of models offer; what is chosen in them stays."""
        yield offer(self.context, "chat.model", "chat.beside_model")
        yield html("chat-models", pair(self.context, "chat.model", language()))

    def engine(self, given: Given) -> Iterator[Line]:
        """Which engines the chosen model runs by, and what the fast one cannot tell."""
        found, told = engine_menu(self.context, given["model"] or "", language())
        change: dict[str, Any] = {"choices": found, "info": told}
        if given["chat.engine"] not in {value for _, value in found}:
            change["value"] = ""
        yield sets({"chat.engine": change})


def engine_menu(context: Context, name: str, lang: str) -> tuple[list[tuple[str, str]], str]:
    """What can be chosen for a model, and what is said of it.

    Args:
        name: of the menu of models, or typed.
    """
    visible = text.say("chat.engine_visible", lang)
    card = None
    with suppress(PlaygroundError):  # whoever loads it is told
        card = context.catalog.find(name)
    if card is None or not card.gguf:
        return [(visible, "")], text.say("chat.engine_info_one", lang)
    if not llama.available():
        return [(visible, "")], text.say("chat.engine_info_missing", lang)
    fast = text.say("chat.engine_fast", lang)
    return [(fast, ""), (visible, "transformers")], text.say("chat.engine_info_both", lang)


def role_of(card: ModelCard, wanted: Request) -> Role:
    """As what a model is leased: as an engine, where there is one and nothing is asked that it cannot do.

    Raises:
        BadInput: ``engine_not_for`` (name), llama.cpp for what is no GGUF file.
    """
    if wanted.engine == "llama.cpp" and not card.gguf:
        raise BadInput("engine_not_for", name=card.name)
    fast = wanted.engine == "llama.cpp" or (not wanted.engine and not wanted.quantization)
    return "engine" if fast and card.gguf and (wanted.engine or llama.available()) else "causal"


def chatting(context: Context) -> dict[str, Any]:
    """A queue of its own for events that run language models; who waits there holds a thread."""
    return {
        "concurrency_id": "language-models",
        "concurrency_limit": 120 if context.settings.class_mode else 24,
    }


def leased(context: Context, wanted: Request) -> Generator[Stage | Loaded]:
    """The model that is asked for, as it comes."""
    card = context.catalog.find(wanted.model)
    role = role_of(card, wanted)
    return context.leasing(card, role, wanted.quantization if role == "causal" else "")


@contextmanager
def ready(context: Context, wanted: Request) -> Iterator[Loaded]:
    """The model that is asked for, when it is there."""
    with closing(leased(context, wanted)) as steps:
        yield next(step for step in steps if isinstance(step, Loaded))


def composed(loaded: Loaded, wanted: Request) -> conversation.Prompt:
    """The prompt, and after it what the reply must begin with."""
    prompt = conversation.compose(
        loaded, wanted.messages, system=wanted.system, replies=wanted.replies,
        max_new_tokens=max(wanted.settings.max_new_tokens, len(wanted.prefix) + 1),
    )  # fmt: skip
    if not wanted.prefix:
        return prompt
    return replace(prompt, ids=[*prompt.ids, *wanted.prefix], continues=True)


def states(loaded: Loaded, wanted: Request, prompt: conversation.Prompt) -> Generator[generate.State]:
    """The reply, state by state."""
    settings = replace(wanted.settings, stop_ids=prompt.stop_ids)
    # A program's call is one of its own: nothing of it would ever be used again.
    prefix = prefix_cache(loaded).prefix(wanted.conversation) if wanted.conversation else CachedPrefix()
    if not engines.capabilities(loaded).inside:
        # What else could have stood there is asked for when somebody looks.
        settings = replace(settings, alternatives=1)
    return engines.reply(loaded, prompt.ids, settings, prefix=prefix, continues=prompt.continues)


def pieces(context: Context, given: Any) -> Iterator[dict[str, Any]]:
    """A reply for the page, by small changes; an error is the last of them, so that nothing is lost.

    Each is one of: ``loading`` (sentence, share), ``prompt`` (tokens by part, window, what was left out),
    ``waiting`` (place in the line), ``reading`` (tokens read), ``text`` (new text, and of its tokens the ids,
    probabilities and lengths in UTF-16 units), ``done``, ``error``.
    """
    lang, began = language(), time.monotonic()
    try:
        wanted = parse(context, given)
        with closing(leased(context, wanted)) as steps:
            for step in steps:
                if isinstance(step, Stage):
                    share = step.done / step.total if step.total and step.step != "wait" else None
                    told = loading_view.sentence(step, time.monotonic() - began, lang)
                    yield {"loading": told, "share": share}
                    continue
                yield from _reply(step, wanted)
    except PlaygroundError as error:
        yield {"error": sentence(error, lang)}


def _reply(loaded: Loaded, wanted: Request) -> Iterator[dict[str, Any]]:
    prompt = composed(loaded, wanted)
    yield {
        "prompt": [[part.source, part.message, part.tokens] for part in prompt.parts],
        "tokens": len(prompt.ids), "window": prompt.window, "dropped": prompt.dropped,
        "completion": prompt.completion, "merged": prompt.system_merged,
    }  # fmt: skip
    if wanted.prefix:
        yield _begun(loaded, wanted.prefix, prompt.ids[: -len(wanted.prefix)] if prompt.completion else ())
        if wanted.prefix[-1] in generate.stop_ids(loaded) | set(prompt.stop_ids):
            yield {"done": _nothing_more(wanted)}  # a branch to the end is an end
            return
    batch = _Batch()
    with closing(states(loaded, wanted, prompt)) as running:
        try:
            for state in running:
                if isinstance(state, generate.Step):
                    batch.add(state)
                    if time.monotonic() - batch.since >= (BUSY_FLUSH if len(line(loaded)) > BUSY else FLUSH):
                        yield batch.taken()
                    continue
                if batch.ids:
                    yield batch.taken()
                if isinstance(state, generate.Waiting):
                    yield {"waiting": state.position}
                elif isinstance(state, generate.Reading) and 0 < state.done < state.total:
                    yield {"reading": state.done, "total": state.total, "reused": state.reused}
                elif isinstance(state, generate.Done):
                    by = engines.capabilities(loaded).name
                    yield {"done": {**told(state), "prompt_tokens": len(prompt.ids), "engine": by}}
        except PlaygroundError:
            if batch.ids:  # what was written so far stays
                yield batch.taken()
            raise


class _Batch:
    """Tokens on their way to the page: the first at once, the others by time."""

    def __init__(self) -> None:
        self.since = 0.0
        self._empty()

    def _empty(self) -> None:
        self.text = ""
        self.ids: list[int] = []
        self.probabilities: list[float | None] = []
        self.lengths: list[int] = []

    def add(self, step: generate.Step) -> None:
        self.text += step.new
        self.ids.append(step.id)
        self.probabilities.append(_told(step.choice.probability))
        self.lengths.append(_units(step.new))

    def taken(self) -> dict[str, Any]:
        """What is there, as a piece; and begin anew."""
        piece = {"text": self.text, "ids": self.ids, "p": self.probabilities, "n": self.lengths}
        self._empty()
        self.since = time.monotonic()
        return piece


def _told(share: float) -> float | None:
    """As the page has it; None for what an engine does not tell."""
    return None if math.isnan(share) else round(share, 3)


def _nothing_more(wanted: Request) -> dict[str, Any]:
    return {
        "new_tokens": 0, "seconds": 0.0, "tokens_per_second": 0.0, "stop_reason": "eos",
        "seed": wanted.settings.seed, "reused": 0, "reading_seconds": 0.0, "prompt_tokens": 0,
    }  # fmt: skip


def _units(text: str) -> int:
    """Its length as JavaScript counts: 👍 is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _begun(loaded: Loaded, prefix: list[int], before: Sequence[int]) -> dict[str, Any]:
    """What the reply begins with, in the form of its other pieces; ``before``: the text it goes on with."""
    stream = detokenize.TextStream(adapter(loaded), before)
    news = [stream.push(id) for id in prefix]
    return {
        "text": "".join(news),
        "ids": prefix,
        "p": [None] * len(prefix),
        "n": [_units(new) for new in news],
    }


def told(done: generate.Done) -> dict[str, Any]:
    """The end of a reply, as `/chat` names it."""
    return {
        "new_tokens": done.new_tokens, "seconds": round(done.seconds, 3),
        "tokens_per_second": round(done.tokens_per_second, 2), "stop_reason": done.stop_reason,
        "seed": done.seed, "reused": done.reused, "reading_seconds": round(done.reading_seconds, 3),
    }  # fmt: skip


def answers(context: Context, given: Any) -> Iterator[dict[str, Any]]:
    """A reply for programs: all of it so far, and at last how it came about."""
    wanted, flushed = parse(context, given), time.monotonic()
    with ready(context, wanted) as loaded:
        prompt = composed(loaded, wanted)
        with closing(states(loaded, wanted, prompt)) as running:
            for state in running:
                now = time.monotonic()
                if isinstance(state, generate.Step) and now - flushed >= FLUSH:
                    flushed = now
                    yield {"reply": state.text, "done": False}
                elif isinstance(state, generate.Done):
                    yield {
                        "reply": state.text, "done": True, "prompt": prompt.text,
                        "prompt_tokens": len(prompt.ids), **told(state), "dropped_turns": prompt.dropped,
                    }  # fmt: skip


def alternatives(context: Context, given: Any) -> dict[str, Any]:
    """What else the token after the ``prefix`` could have been: one pass after what was read already."""
    wanted = parse(context, given)
    with ready(context, wanted) as loaded:
        prompt = composed(loaded, wanted)  # the very prompt of the reply, so with its room left free
        kept = prefix_cache(loaded).prefix(wanted.conversation) if wanted.conversation else CachedPrefix()
        one = replace(wanted.settings, max_new_tokens=1, stop_ids=prompt.stop_ids)
        found = engines.likeliest(loaded, prompt.ids, one, prefix=kept)
    return {
        "alternatives": [
            {"id": each.id, "text": each.text, "special": each.special, "p": each.probability,
             "chance": None if math.isnan(each.chance) else each.chance}
            for each in found
        ],
        "rest": max(0.0, 1 - sum(each.probability for each in found)),
    }  # fmt: skip
