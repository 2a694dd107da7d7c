"""What an evicted model leaves in a device's cache of free blocks is given back to the machine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.models.loaders import TransformersLoader
from playground.rooms.decoding import experiments

CARD = ModelCard("a", "folder", "a")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which device's functions are called; none of them need be there."""
    told: list[str] = []
    for kind in ("cuda", "mps"):
        for what in ("empty_cache", "synchronize"):
            monkeypatch.setattr(getattr(torch, kind), what, lambda name=f"{kind} {what}": told.append(name))
    return told


@pytest.mark.parametrize(
    ("device", "size", "expected"),
    [
        ("mps", 2**20, ["mps empty_cache"]), ("mps", 2**33, ["mps empty_cache"]),
        ("cuda", 2**20, ["cuda empty_cache"]), ("cpu", 2**33, []), ("meta", 2**20, []),
    ],
)  # fmt: skip
def test_an_evicted_model_leaves_nothing(called: list[str], device: str, size: int, expected: list[str]):
    TransformersLoader().free(Loaded(CARD, None, None, device, size))
    assert called == expected


@pytest.mark.parametrize(
    ("device", "expected"), [("mps", ["mps synchronize"]), ("cuda", ["cuda synchronize"]), ("cpu", [])]
)
def test_a_measurement_waits_for_the_device(called: list[str], device: str, expected: list[str]):
    experiments.settle(Loaded(CARD, None, SimpleNamespace(device=torch.device(device))))
    assert called == expected
