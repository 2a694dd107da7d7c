"""A model writes: one token after the other, each of which can be looked at.

``generate`` of transformers gives a finished text. Here the loop is ours (Hands-On Large Language Models,
ch. 3), so that every token tells its probability and what else could have stood there, a reader can stop at
any token, and a branch costs no second reading of what came before. The ids are those of ``generate``.

    for state in reply(loaded, ids, Settings(max_new_tokens=50), trace=trace):
        match state:
            case Waiting(position): ...     somebody else's reply comes first
            case Reading(done, total): ...  the prompt is read
            case Step(): ...                one token
            case Done(): ...                why it ended
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from playground import errors
from playground.engine import queue
from playground.engine.generation.detokenize import TextStream
from playground.engine.generation.kv_cache import KVCache
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Choice, Sampler, Settings
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput, DoesNotFit
from playground.models.cache import Loaded
from playground.models.engines.interface import Engine

TELL = 0.25  # seconds between two words to who waits
LENGTHS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_sequence_length",
    "max_seq_len",
    "seq_length",
)

StopReason = Literal["eos", "length", "window", "stopped", "string"]


@dataclass(frozen=True)
class Waiting:
    """Others decode on this model first; told about four times a second.

    Args:
        position: how many come before us, 1 or more.
    """

    position: int


@dataclass(frozen=True)
class Reading:
    """The prompt is being read.

    Args:
        done: tokens read so far, those that need not be read again among them.
        total: tokens of the prompt.
        reused: tokens whose keys and values were there already.
    """

    done: int
    total: int
    reused: int


@dataclass(frozen=True, slots=True)
class Step:
    """One new token.

    Args:
        index: its place in the reply, from 0.
        choice: its id, probabilities, rank and alternatives.
        new: what can be written since the step before: whole characters only, maybe "".
        text: all of the reply that can be written so far.
        held: bytes of a character begun before this token; alternatives are spelled after them
            (`detokenize.alternatives`).
    """

    index: int
    choice: Choice
    new: str
    text: str
    held: bytes

    @property
    def id(self) -> int:
        """The token."""
        return self.choice.id


@dataclass(frozen=True)
class Done:
    """The end of a reply.

    Args:
        stop_reason: ``eos`` the model ended it, ``length`` as many tokens as asked for, ``window`` no room
            for more, ``stopped`` by who asked, ``string`` one of the texts that end it was written.
        text: the whole text, as the tokenizer's own decoder says it, special tokens left out.
        ids: all new ids, the one that ended it too.
        prompt_tokens: of the prompt; ``reused`` of them were not read again.
        seconds: of work: not in the line, and not while nobody asked for the next token.
        reading_seconds: the part of them before the first token.
        tokens_per_second: of writing: passes after the first token by their time.
        seed: what gives the same reply again.
    """

    stop_reason: StopReason
    text: str
    ids: list[int]
    prompt_tokens: int
    reused: int
    new_tokens: int
    seconds: float
    reading_seconds: float
    tokens_per_second: float
    seed: int


State = Waiting | Reading | Step | Done


def window(loaded: Loaded) -> int | None:
    """How many tokens, prompt and reply together, the model was made for; None: its config names no limit.

    A sliding window is none: what has slid out of it still counts through what came after.
    """
    if loaded.model is None:
        return None
    if isinstance(loaded.model, Engine):
        return loaded.model.window
    config = loaded.model.config.get_text_config(decoder=True)
    told = [getattr(config, name, None) for name in LENGTHS]
    return next((int(length) for length in told if isinstance(length, int) and length > 0), None)


def stop_ids(loaded: Loaded) -> frozenset[int]:
    """The ids that end a reply, as the model's generation config names them: the same as for ``generate``."""
    if isinstance(loaded.model, Engine):
        return loaded.model.ends
    config = getattr(loaded.model, "generation_config", None) or loaded.model.config
    named = getattr(config, "eos_token_id", None)
    if named is None:
        return frozenset()
    return frozenset(named if isinstance(named, list | tuple) else [named])


def reply(
    loaded: Loaded,
    ids: Sequence[int],
    settings: Settings,
    *,
    prefix: CachedPrefix | None = None,
    continues: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[State, None, None]:
    """What the model writes after a prompt, state by state; close it to stop at once and free everything.

    Args:
        loaded: with a causal model and its tokenizer, leased as long as this runs.
        ids: the prompt.
        settings: how to choose.
        prefix: what was read before; what it begins with is not read again, and afterwards (also after a stop
            or a failure) it holds what was read this time.
        continues: the text goes on with the prompt's (completion, a reply that was cut), so a first blank
            belongs to it.
        stop: asked before each pass; True ends the reply with ``stopped``.

    Raises:
        BadInput: ``setting_outside``, ``prompt_empty``, ``prompt_too_long`` (tokens, window),
            ``id_outside`` (id, last), ``not_causal`` (name).
        DoesNotFit: ``reply_out_of_memory`` (name, tokens). What came before it stays good.
        PlaygroundError: ``logits_not_finite`` (name).
    """
    settings, ids = settings.checked(), checked(loaded, ids)
    return _reply(loaded, ids, settings, prefix or CachedPrefix(), continues, stop)


def checked(loaded: Loaded, ids: Sequence[int]) -> list[int]:
    """The ids of a prompt, if this model can go on with them.

    Raises:
        BadInput: ``prompt_empty``, ``prompt_too_long``, ``id_outside``, ``not_causal``.
    """
    model = loaded.model
    if not hasattr(model, "prepare_inputs_for_generation") or getattr(
        model.config, "is_encoder_decoder", False
    ):
        raise BadInput("not_causal", name=loaded.card.name)
    return fitting(ids, window(loaded), model.get_input_embeddings().weight.shape[0] - 1)


def fitting(ids: Sequence[int], room: int | None, last: int) -> list[int]:
    """The ids of a prompt, if they fit a model.

    Args:
        room: tokens of prompt and reply together; None: no limit.
        last: the highest id.

    Raises:
        BadInput: ``prompt_empty``, ``prompt_too_long``, ``id_outside``.
    """
    ids = [int(id) for id in ids]
    if not ids:
        raise BadInput("prompt_empty")
    if room is not None and len(ids) >= room:
        raise BadInput("prompt_too_long", tokens=len(ids), window=room)
    outside = min(ids) if min(ids) < 0 else max(ids)
    if not 0 <= outside <= last:
        raise BadInput("id_outside", id=outside, last=last)
    return ids


def _reply(
    loaded: Loaded,
    ids: list[int],
    settings: Settings,
    prefix: CachedPrefix,
    continues: bool,
    stop: Callable[[], bool],
) -> Generator[State, None, None]:
    work = _Work(loaded, ids, settings, continues)
    ticket = queue.line(loaded).join()
    kv: KVCache | None = None
    try:
        while place := ticket.wait(TELL):
            if stop():
                yield work.done("stopped")
                return
            yield Waiting(place)
        kv = work.take(prefix)
        reason: StopReason | None = None
        state: State = work.progress()
        while True:
            if reason:  # nothing is left to compute: let the next one begin
                ticket.leave()
                prefix.put(kv)
            else:
                ticket.rest()
            yield state
            if reason:
                break
            while place := ticket.wait(TELL):  # 0, unless we were away so long that others were let in
                if stop():
                    break
                yield Waiting(place)
            if stop():
                ticket.leave()
                prefix.put(kv)  # before the last word, so that who hears it can go on from there
                reason = "stopped"
                break
            state, reason = work.advance()
        yield work.done(reason)
    finally:
        ticket.leave()
        if kv is not None:
            prefix.put(kv)


class _Work:
    """The state of one reply between two of its passes."""

    def __init__(self, loaded: Loaded, ids: list[int], settings: Settings, continues: bool) -> None:
        self._loaded, self._prompt, self._settings = loaded, ids, settings
        self._stream = TextStream(adapter(loaded), ids if continues else ())
        self._ends = stop_ids(loaded) | frozenset(settings.stop_ids)
        self._window = window(loaded)
        self._new: list[int] = []
        self._logits: Any = None
        self._token: Any = None  # the last id, as a tensor on its device
        self._reading = self._writing = 0.0
        self.unread = ids
        self.reused = 0

    def take(self, prefix: CachedPrefix) -> KVCache:
        """With the turn: what was read before, cut to what fits."""
        model = self._loaded.model
        self._kv = prefix.take(model)
        self.reused, self._logits = self._kv.begin(self._prompt)
        self.unread = self._prompt[self.reused :]
        self._chunk = self._kv.chunk(len(self._prompt))
        self._sampler = Sampler(self._settings, self._prompt, model.device, self._loaded.card.name)
        return self._kv

    def progress(self) -> Reading:
        """How far the prompt is read."""
        total = len(self._prompt)
        return Reading(total - len(self.unread), total, self.reused)

    def advance(self) -> tuple[State, StopReason | None]:
        """One chunk of the prompt or, when it is read, one token, and whether that is the last."""
        try:
            return self._read() if self.unread else self._write()
        except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
            failure = out_of_memory(error, self._loaded, len(self._prompt) + len(self._new))
        self._kv.forget()
        self._logits = None
        raise failure

    def _read(self) -> tuple[State, StopReason | None]:
        began = time.perf_counter()
        part, self.unread = self.unread[: self._chunk], self.unread[self._chunk :]
        self._logits = self._kv.feed(part)
        if not self.unread:
            self._kv.mark(self._logits)
        self._reading += time.perf_counter() - began
        return self.progress(), None

    def _write(self) -> tuple[State, StopReason | None]:
        began = time.perf_counter()
        if self._new:
            self._logits = self._kv.feed(self._new[-1:], self._token)
        choice, self._token = self._sampler.choose(self._logits)
        held = self._stream.held
        new = self._stream.push(choice.id)
        self._new.append(choice.id)
        step = Step(len(self._new) - 1, choice, new, self._stream.text, held)
        reason: StopReason | None = None
        if choice.id in self._ends:
            reason = "eos"
        elif self._settings.stop_strings and ends_in(self._stream.text, new, self._settings.stop_strings):
            reason = "string"
        elif len(self._new) >= self._settings.max_new_tokens:
            reason = "length"
        elif self._window is not None and len(self._prompt) + len(self._new) >= self._window:
            reason = "window"
        spent = time.perf_counter() - began
        if len(self._new) > 1:
            self._writing += spent
        else:
            self._reading += spent
        return step, reason

    def done(self, reason: StopReason) -> Done:
        """The last word."""
        self._stream.finish()
        count, seconds = len(self._new), self._reading + self._writing
        kv, time_of_them = (count - 1, self._writing) if count > 1 else (count, seconds)
        return Done(
            reason, self._stream.text, list(self._new), len(self._prompt), self.reused, count, seconds,
            self._reading, kv / time_of_them if time_of_them else 0.0, self._settings.seed or 0,
        )  # fmt: skip


def ends_in(text: str, new: str, strings: Sequence[str]) -> bool:
    """Whether the last ``new`` characters of a text complete one of the strings."""
    return any(each in text[-(len(each) + len(new) - 1) :] for each in strings if new)


def out_of_memory(error: BaseException, loaded: Loaded, tokens: int) -> DoesNotFit:
    """The sentence for a pass that ran out of memory; any other error is raised as it is."""
    if not errors.out_of_memory(error):
        raise error
    error.__traceback__ = None  # its frames hold what the pass had made so far
    return DoesNotFit("reply_out_of_memory", name=loaded.card.name, tokens=tokens)
