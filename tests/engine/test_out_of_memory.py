"""Memory that runs out in a pass is a sentence, whichever pass it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from playground.engine.generation import interpret, logits
from playground.engine.in_turn import explain_out_of_memory, in_line
from playground.engine.queue import line
from playground.engine.vectors import encode
from playground.errors import DoesNotFit
from playground.rooms.architecture import forward
from playground.rooms.decoding import precision
from playground.rooms.embeddings.token_vectors import hidden_states
from playground.rooms.models import trial
from tests.tiny_tokenizers import loaded_of, model_of

ERRORS = [
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
]
WAYS: dict[str, Callable[[Any], Iterator[Any]]] = {
    "pace": lambda loaded: precision.pace(loaded, [1, 2, 3]),
    "distributions": lambda loaded: precision.distributions(loaded, [[1, 2, 3]]),
    "encode": lambda loaded: encode.encoding(loaded, ["hello"], "causal"),
    "token vectors": lambda loaded: hidden_states.running(loaded, ["hello"]),
    "try": lambda loaded: trial.trying(loaded, "causal", "hello", [], ""),
    "look": lambda loaded: logits.look(loaded, [1, 2, 3]),
    "lens": lambda loaded: in_line(loaded, lambda: interpret.lens(loaded, [1, 2, 3]), 3),
    "watch": lambda loaded: in_line(loaded, lambda: forward.watch(loaded.model, [1, 2, 3]), 3),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:12] or type(error).__name__)
def test_each_pass_tells_it(way: str, error: BaseException):
    model = model_of("llama")

    def full(module: Any, given: Any) -> None:
        raise error

    model.model.layers[1].register_forward_pre_hook(full)
    loaded = loaded_of(model)
    with pytest.raises(DoesNotFit) as caught:
        list(WAYS[way](loaded))
    assert caught.value.key == "errors.reading_out_of_memory"
    assert caught.value.values["name"] == "tiny" and caught.value.values["tokens"] > 0
    assert error.__traceback__ is None, "its frames would hold what the pass had made"
    assert len(line(loaded)) == 0, "nobody stands in the line for ever"


@pytest.mark.parametrize("way", WAYS)
def test_another_error_stays_what_it_is(way: str):
    model = model_of("llama")

    def broken(module: Any, given: Any) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    model.model.layers[1].register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="shapes"):
        list(WAYS[way](loaded_of(model)))


def test_the_pace_of_a_model_is_told():
    (times,) = precision.pace(loaded_of(model_of("llama")), [1, 2, 3], 4)
    assert len(times) == 4 and min(times) > 0


def test_afterwards_is_done_once_and_only_then():
    done: list[int] = []
    loaded = loaded_of(None)
    with explain_out_of_memory(loaded, 5, lambda: done.append(1)):
        pass
    assert not done
    with pytest.raises(DoesNotFit), explain_out_of_memory(loaded, 5, lambda: done.append(1)):
        raise MemoryError
    assert done == [1]
