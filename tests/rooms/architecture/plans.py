"""Plans of presets, each built once for all test modules that look at it."""

from __future__ import annotations

import functools

from playground.models.loaders import presets, skeletons
from playground.rooms.architecture import plan
from playground.rooms.architecture.plan import Architecture


@functools.cache
def plan_of(name: str) -> Architecture:
    """The plan of a preset."""
    return built(presets.presets()[name].config, name)


def built(config, name: str = "own") -> Architecture:
    """The plan of a config."""
    model = skeletons.build(config, name)
    return plan.read(name, model, model.config, config)
