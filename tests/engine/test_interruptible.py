"""A pass is left between two layers, by the thread that nobody waits for and by no other."""

from __future__ import annotations

import threading

import pytest
import torch

from playground.engine.generation.kv_cache import CroppableKVCache, kv_cache_for
from playground.engine.interruptible import interruptible
from playground.system import cancellation
from tests.tiny_tokenizers import model_of

LONG = [5, 77, 130, 9] * 20


def counting(model: torch.nn.Module, leave: list[bool]) -> list[int]:
    """How many layers have begun; from the first one on nobody waits."""
    begun: list[int] = []

    def begin(*_: object) -> None:
        begun.append(len(begun))
        leave[0] = True

    layers = next(each for each in model.modules() if isinstance(each, torch.nn.ModuleList))
    for layer in layers:
        layer.register_forward_hook(begin)
    return begun


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mamba"])
def test_the_second_layer_does_not_begin(kind: str) -> None:
    model, leave = model_of(kind), [False]
    begun = counting(model, leave)
    with cancellation.when(lambda: leave[0]), pytest.raises(cancellation.Abandoned), interruptible(model):
        model(torch.tensor([LONG]))
    assert len(begun) == 1
    model(torch.tensor([LONG]))  # nothing is left of it
    assert len(begun) == 1 + model.config.num_hidden_layers


def test_what_another_thread_computes_goes_on() -> None:
    model, whole = model_of("llama"), threading.Event()

    def others() -> None:
        model(torch.tensor([LONG]))
        whole.set()

    with cancellation.when(lambda: False), interruptible(model):
        with cancellation.when(lambda: True):
            thread = threading.Thread(target=others)
            thread.start()
            thread.join(30)
    assert whole.is_set()


def test_a_prompt_that_was_left_is_read_anew() -> None:
    model, leave = model_of("llama"), [False]
    begun, kv = counting(model, leave), kv_cache_for(model)
    assert isinstance(kv, CroppableKVCache)
    kv.begin(LONG)
    with cancellation.when(lambda: leave[0]), pytest.raises(cancellation.Abandoned):
        kv.feed(LONG)
    assert len(begun) == 1 and kv.begin(LONG) == (0, None)
    expected = model(torch.tensor([LONG])).logits[0, -1]
    assert torch.allclose(kv.feed(LONG), expected, atol=1e-5)
