"""Experiments on decoding, measured on the machine at hand, within a budget of seconds and bytes.

The book tells why a cache of keys and values, and no gradients, make decoding fast (Hands-On Large Language
Models, ch. 3 and 7); here it is measured. Every experiment is a generator: `Progress` now and then, and at
last its result; closing it stops it. What is compared is measured in turns, A B A B, never all A and then
all B, since a machine has other work too; of each the median counts. A larger budget buys more rounds.
Between two measurements whoever else waits for the model goes first; nothing runs on it while one is taken.

    cache_times     one more token at growing length, with and without the cache
    batch_times     one step of 1, 2, 4 … texts at once

Models of the tutor's size are measured on one thread: two wait for each other at every small operation,
where the machine has other work for many times as long as they compute.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from playground.engine.generation import compat
from playground.engine.generation.generate import Waiting, checked, out_of_memory, window
from playground.engine.generation.kv_cache import CroppableKVCache, PreparedKVCache, kv_cache_for
from playground.engine.in_turn import in_turn
from playground.engine.interruptible import interruptible
from playground.errors import BadInput, PlaygroundError
from playground.models import devices
from playground.models.cache import Loaded

BUDGET = 20.0  # seconds of one experiment; a single measurement under way is never cut
MOST_BYTES = 2**28  # of keys and values, or of a graph
ROUNDS = 25
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
SIZES = (1, 2, 4, 8, 16, 32)
SMALL = 5 * 10**7  # parameters
T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far it is: the share of the time used, and what is measured now.

    Args:
        so_far: what is known after the rounds that were whole, as the result will be; None: not one was.
    """

    share: float
    what: str
    so_far: Any = None


@dataclass(frozen=True)
class Machine:
    """Where it was measured."""

    device: str
    dtype: str
    threads: int


@dataclass(frozen=True)
class CacheTimes:
    """Median milliseconds for one more token after ``lengths`` tokens."""

    lengths: list[int]
    cached: list[float]
    plain: list[float]
    rounds: int
    machine: Machine


@dataclass(frozen=True)
class BatchTimes:
    """Median milliseconds of a step of so many texts at once."""

    sizes: list[int]
    step: list[float]
    rounds: int
    machine: Machine

    @property
    def throughput(self) -> list[float]:
        """Tokens a second, of all texts together."""
        return [1000 * size / step for size, step in zip(self.sizes, self.step, strict=True)]


Clock = Callable[[], float]


class Used:
    """Seconds of one experiment's own work: not those in which others had the model, or nobody asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._began = clock, clock()

    def __call__(self) -> float:
        return self._clock() - self._began

    def resting(self, state: T) -> Iterator[T]:
        """Tells something, and counts nothing until it goes on."""
        left = self._clock()
        yield state
        self._began += self._clock() - left


def taking_turns(loaded: Loaded, steps: Iterator[T]) -> Generator[Waiting | T, None, None]:
    """An experiment in the line: each `Progress` lets whoever waits go first."""
    return in_turn(loaded, steps, yields=lambda state: isinstance(state, Progress))


def cache_times(
    loaded: Loaded, ids: Sequence[int], budget: float = BUDGET, clock: Clock = time.perf_counter
) -> Generator[Waiting | Progress | CacheTimes, None, None]:
    """Time for one more token against the length of the text.

    Args:
        ids: a prompt; repeated to every length.
        clock: seconds; tests bring their own.

    Raises:
        BadInput: ``experiment_no_cache`` (name); those of `decoding.reply`.
        PlaygroundError: ``logits_not_finite`` (name).
    """
    prompt = checked(loaded, ids)
    with_cache(loaded)
    return taking_turns(loaded, _cache_times(loaded, prompt, budget, clock))


def _cache_times(
    loaded: Loaded, prompt: list[int], budget: float, clock: Clock
) -> Generator[Progress | CacheTimes, None, None]:
    room = min(window(loaded) or LENGTHS[-1], LENGTHS[-1]) - ROUNDS - 2
    most = MOST_BYTES // max(1, 2 * bytes_per_token(loaded.model))  # all lengths together are twice the last
    wanted = [length for length in LENGTHS if length <= min(room, most)] or [max(2, min(room, LENGTHS[0]))]
    sound(loaded, prompt)
    spent, last = Used(clock), 0.0
    texts: dict[int, _Text] = {}
    cached: dict[int, list[float]] = {}
    plain: dict[int, list[float]] = {}
    rounds = 0

    def found() -> CacheTimes:
        lengths = list(texts)
        fast, slow = ([statistics.median(times[n]) for n in lengths] for times in (cached, plain))
        return CacheTimes(lengths, fast, slow, rounds, machine(loaded))

    while rounds < ROUNDS and (rounds < 2 or spent() < budget):
        for length in wanted if not rounds else list(texts):
            used = spent()
            if not rounds and texts and used + 2.5 * last > 0.6 * budget:
                break  # the next one is twice as long: it would leave no time to repeat
            if rounds and used > budget:
                break
            so_far = found() if rounds else None
            yield from spent.resting(Progress(min(1.0, used / budget), f"{length}", so_far))
            started = clock()
            if length not in texts:
                texts[length] = _Text(loaded, repeated(prompt, length), 1)
                texts[length].step()  # the first pass of a shape is never the usual one
                cached[length], plain[length] = [], []
            cached[length].append(_timed(texts[length].step, loaded, clock))
            plain[length].append(_timed(texts[length].again, loaded, clock))
            last = clock() - started
        rounds += 1
    yield found()


def batch_times(
    loaded: Loaded, ids: Sequence[int], budget: float = BUDGET, clock: Clock = time.perf_counter
) -> Generator[Waiting | Progress | BatchTimes, None, None]:
    """Time of one step of several texts at once, of any causal model: with whatever memory it has.

    Raises:
        As `cache_times`, but for the cache.
    """
    return taking_turns(loaded, _batch_times(loaded, checked(loaded, ids), budget, clock))


def _batch_times(
    loaded: Loaded, prompt: list[int], budget: float, clock: Clock
) -> Generator[Progress | BatchTimes, None, None]:
    length = min(32, (window(loaded) or 64) - ROUNDS - 3)
    each = bytes_per_token(loaded.model) * (length + ROUNDS)
    made: type[_Text | _Prepared] = _Text
    if not keeps_keys(loaded):
        made = _Prepared
        each += 4 * length * loaded.model.get_input_embeddings().weight.shape[0]  # all logits of a text
    sound(loaded, prompt)
    spent, last = Used(clock), 0.0
    texts: dict[int, _Text | _Prepared] = {}
    times: dict[int, list[float]] = {}
    rounds = 0

    def found() -> BatchTimes:
        sizes = list(texts)
        return BatchTimes(sizes, [statistics.median(times[n]) for n in sizes], rounds, machine(loaded))

    while rounds < ROUNDS and (rounds < 2 or spent() < budget):
        for size in SIZES if not rounds else list(texts):
            used = spent()
            too_large = 2 * size * each > MOST_BYTES
            if not rounds and texts and (too_large or used + 2.5 * last > 0.6 * budget):
                break
            if rounds and used > budget:
                break
            so_far = found() if rounds else None
            yield from spent.resting(Progress(min(1.0, used / budget), f"{size}", so_far))
            started = clock()
            if size not in texts:
                texts[size] = made(loaded, repeated(prompt, max(2, length)), size)
                texts[size].step()
                times[size] = []
            times[size].append(_timed(texts[size].step, loaded, clock))
            last = clock() - started
        rounds += 1
    yield found()


class _Text:
    """A batch of equal texts, read into a cache: one step more, or everything again."""

    def __init__(self, loaded: Loaded, ids: list[int], size: int) -> None:
        import torch

        self._loaded, self._model = loaded, loaded.model
        self._cached = compat.with_cache(self._model, compat.new_cache(self._model))
        self._ids = torch.tensor([ids] * size, device=self._model.device)
        self._extra = compat.last_logits_only(self._model)
        with calm(loaded), interruptible(loaded.model):
            self._pass(input_ids=self._ids[:, :-1], **self._cached)

    def step(self) -> None:
        """One token of each, with the cache."""
        self._pass(input_ids=self._ids[:, -1:], **self._cached)

    def again(self) -> None:
        """All tokens of each, without it."""
        self._pass(input_ids=self._ids, use_cache=False)

    def _pass(self, **given: Any) -> None:
        import torch

        try:
            with torch.inference_mode():
                self._model(**given, **self._extra, return_dict=True)
        except (MemoryError, RuntimeError) as error:
            raise out_of_memory(error, self._loaded, self._ids.numel()) from None


class _Prepared:
    """A batch of equal texts of a model that prepares its own passes (Mamba, hybrids, GPT-1)."""

    def __init__(self, loaded: Loaded, ids: list[int], size: int) -> None:
        import torch

        self._loaded, self._kv = loaded, PreparedKVCache(loaded.model)
        self._ids = torch.tensor([ids] * size, device=loaded.model.device)
        with calm(loaded):
            self._feed(self._ids[:, :-1])

    def step(self) -> None:
        """One token of each."""
        self._feed(self._ids[:, -1:])

    def _feed(self, tokens: Any) -> None:
        try:
            self._kv.feed(tokens[0].tolist(), tokens)
        except (MemoryError, RuntimeError) as error:
            raise out_of_memory(error, self._loaded, self._ids.numel()) from None


def sound(loaded: Loaded, ids: Sequence[int]) -> None:
    """One pass before anything is measured: nothing of a model is, whose logits are no numbers.

    Raises:
        PlaygroundError: ``logits_not_finite`` (name). DoesNotFit: ``reply_out_of_memory``.
    """
    import torch

    few = list(ids)[-64:]
    try:
        with calm(loaded), interruptible(loaded.model), torch.inference_mode():
            made = loaded.model(input_ids=torch.tensor([few], device=loaded.model.device))
            broken = bool(made.logits[0, -1].float().log_softmax(-1).isnan().any())
    except (MemoryError, RuntimeError) as error:
        raise out_of_memory(error, loaded, len(few)) from None
    if broken:
        raise PlaygroundError("logits_not_finite", name=loaded.card.name)


def _timed(step: Callable[[], None], loaded: Loaded, clock: Clock) -> float:
    """Milliseconds."""
    with calm(loaded), interruptible(loaded.model):
        settle(loaded)
        began = clock()
        step()
        settle(loaded)
        return 1000 * (clock() - began)


@contextmanager
def calm(loaded: Loaded) -> Iterator[None]:
    """One thread for a small model, all for others, as long as this lasts; never across a ``yield``."""
    import torch

    full = devices.full_threads()
    small = loaded.model.device.type == "cpu" and loaded.model.num_parameters() < SMALL
    torch.set_num_threads(1 if small else full)
    try:
        yield
    finally:
        devices.all_threads()


def settle(loaded: Loaded) -> None:
    """A GPU works on while Python goes on: wait for it."""
    kind = loaded.model.device.type
    if kind in ("cuda", "mps"):
        import torch

        (torch.cuda if kind == "cuda" else torch.mps).synchronize()


def with_cache(loaded: Loaded) -> None:
    """Refuse a model without a cache of keys and values.

    Raises:
        BadInput: ``experiment_no_cache`` (name).
    """
    if not keeps_keys(loaded):
        raise BadInput("experiment_no_cache", name=loaded.card.name)


def keeps_keys(loaded: Loaded) -> bool:
    """Whether a cache of keys and values is all that the model remembers."""
    found = kv_cache_for(loaded.model)
    return isinstance(found, CroppableKVCache) and found.steady


def bytes_per_token(model: Any) -> int:
    """Of keys and values that a cache holds for one token of one text."""
    config = model.config.get_text_config(decoder=True)
    heads = getattr(config, "num_attention_heads", None) or 1
    size = getattr(config, "head_dim", None) or (getattr(config, "hidden_size", heads) // heads)
    kept = getattr(config, "num_key_value_heads", None) or heads
    layers = getattr(config, "num_hidden_layers", None) or 1
    return int(2 * layers * kept * size * model.dtype.itemsize)


def repeated(ids: Sequence[int], length: int) -> list[int]:
    """A text of just this length, from a prompt said again and again."""
    return (list(ids) * math.ceil(length / len(ids)))[:length]


def machine(loaded: Loaded) -> Machine:
    """Where this model runs."""
    import torch

    dtype = str(loaded.model.dtype).removeprefix("torch.")
    with calm(loaded):
        return Machine(loaded.model.device.type, dtype, torch.get_num_threads())
