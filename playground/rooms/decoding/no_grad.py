"""What gradients cost while a model writes: plain PyTorch, ``no_grad`` and ``inference_mode``.

Whoever does not say otherwise lets PyTorch keep, for every operation, what a backward pass would need: the
graph. While a model writes, nobody ever goes back, and the graph grows with every token, since the keys and
values in the cache belong to it.
"""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from playground.engine.generation import compat
from playground.engine.generation.generate import Waiting, checked, out_of_memory, window
from playground.engine.interruptible import interruptible
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.rooms.decoding.experiments import (
    BUDGET,
    MOST_BYTES,
    ROUNDS,
    Clock,
    Machine,
    Progress,
    Used,
    calm,
    keeps_keys,
    machine,
    settle,
    sound,
    taking_turns,
)

MODES = ("plain", "no_grad", "inference_mode")
NEW, LONGEST = 12, 64  # tokens that every mode writes, and of the prompt


@dataclass(frozen=True)
class GradModes:
    """The same text written greedily in each mode.

    Args:
        ids: by mode.
        step: median milliseconds a token, by mode.
        held: by mode, the bytes that the graph of gradients holds after each token: activations and other
            results kept for a backward pass, the weights not counted.
    """

    ids: dict[str, list[int]]
    step: dict[str, float]
    held: dict[str, list[int]]
    rounds: int
    machine: Machine


def grad_modes(
    loaded: Loaded, ids: Sequence[int], budget: float = BUDGET, clock: Clock = time.perf_counter
) -> Generator[Waiting | Progress | GradModes, None, None]:
    """The same text in three modes of PyTorch.

    The weights that the cache holds want no gradients, so nothing would be kept for them in any mode: here a
    twin of the model is used, which shares their storage and wants them, as a model fresh from
    ``from_pretrained`` does.

    Raises:
        BadInput: ``experiment_no_graph``, ``experiment_quantized`` (name); as `cache_times`.
    """
    prompt = checked(loaded, ids)
    if not keeps_keys(loaded):
        raise BadInput("experiment_no_graph", name=loaded.card.name)
    if getattr(loaded.model, "quantization_method", None) or getattr(loaded.model, "is_quantized", False):
        raise BadInput("experiment_quantized", name=loaded.card.name)
    return taking_turns(loaded, _grad_modes(loaded, prompt, budget, clock))


def _grad_modes(
    loaded: Loaded, prompt: list[int], budget: float, clock: Clock
) -> Generator[Progress | GradModes, None, None]:
    sound(loaded, prompt)
    spent = Used(clock)
    room = (window(loaded) or 10**6) - 1
    prompt = prompt[: min(LONGEST, room - 1)]
    count = min(NEW, room - len(prompt))
    model = twin(loaded.model)
    ids: dict[str, list[int]] = {}
    held: dict[str, list[int]] = {}
    for mode in MODES:
        yield from spent.resting(Progress(min(1.0, spent() / budget), mode))
        # What the graph may hold, or a slow machine, ends the first mode; then the others as early.
        goes_on = partial(_before, spent, budget / 3 if mode == MODES[0] else math.inf)
        with calm(loaded):
            ids[mode], held[mode] = _weighed(model, prompt, count, mode, loaded, goes_on)
        count = len(ids[mode])
    each = spent() / (3 * count)
    few = max(1, min(count, int(budget / 2 / (9 * each))))  # tokens a round: for three rounds of three modes
    times: dict[str, list[float]] = {mode: [] for mode in MODES}
    rounds = 0

    def found() -> GradModes:
        step = {mode: statistics.median(values) for mode, values in times.items()}
        return GradModes(ids, step, held, rounds, machine(loaded))

    while rounds < ROUNDS and (rounds < 1 or spent() < budget):
        for mode in MODES:
            so_far = found() if rounds else None
            yield from spent.resting(Progress(min(1.0, spent() / budget), mode, so_far))
            with calm(loaded):
                started = clock()
                _greedy(model, prompt, few, mode, loaded)
                settle(loaded)
                times[mode].append(1000 * (clock() - started) / few)
        rounds += 1
    yield found()


def _before(spent: Used, end: float) -> bool:
    return spent() < end


def twin(model: Any) -> Any:
    """Another model of the same weights (shared, not copied) whose parameters want gradients."""
    import torch

    shared = {
        id(each): torch.nn.Parameter(each.detach(), requires_grad=each.is_floating_point())
        for each in model.parameters()
    }
    return copy.deepcopy(model, shared)


def _mode(name: str) -> AbstractContextManager[Any]:
    import torch

    made: AbstractContextManager[Any] = {
        "plain": torch.enable_grad, "no_grad": torch.no_grad, "inference_mode": torch.inference_mode,
    }[name]()  # fmt: skip
    return made


def _greedy(
    model: Any, prompt: list[int], count: int, mode: str, loaded: Loaded,
    after: Callable[[], bool] = lambda: True,
) -> list[int]:  # fmt: skip
    """So many tokens, or until ``after``, asked after each, says no."""
    import torch

    cached = compat.with_cache(model, compat.new_cache(model))
    tokens, found = torch.tensor([prompt], device=model.device), list[int]()
    try:
        with _mode(mode), interruptible(model):
            for _ in range(count):
                made = model(input_ids=tokens, **cached, return_dict=True)
                tokens = made.logits[:, -1].argmax(-1, keepdim=True)
                found.append(int(tokens))
                if not after():
                    break
    except (MemoryError, RuntimeError) as error:
        raise out_of_memory(error, loaded, len(prompt) + len(found)) from None
    return found


def _weighed(
    model: Any, prompt: list[int], count: int, mode: str, loaded: Loaded, goes_on: Callable[[], bool]
) -> tuple[list[int], list[int]]:
    """The ids, and the bytes that the graph holds after each of them; until ``goes_on`` says no."""
    import torch

    weights = {each.untyped_storage().data_ptr() for each in model.parameters()}
    kept: dict[int, Any] = {}  # by storage; held, so that no address is given away twice
    held: list[int] = []

    def pack(tensor: Any) -> Any:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            kept[place] = tensor
        return tensor

    def after() -> bool:
        held.append(sum(each.untyped_storage().nbytes() for each in kept.values()))
        return held[-1] < MOST_BYTES and goes_on()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        ids = _greedy(model, prompt, count, mode, loaded, after)
    return ids, held
