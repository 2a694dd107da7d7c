"""A model's pass that ends between two of its layers when nobody waits for it any more.

Between two passes whoever works asks `cancellation.check` anyhow; one pass over a long text, or of a large
model, takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playground.engine.hooks import hooks
from playground.system import cancellation


@contextmanager
def interruptible(model: Any) -> Iterator[None]:
    """Within, every layer of this model's passes in this thread begins with a `cancellation.check`.

    What a pass that was left has written into a cache of keys and values is of some layers only: throw it
    away.
    """
    import torch

    def ask(*_: Any) -> None:
        cancellation.check()

    lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    with hooks() as ours:
        for layer in (layer for layers in lists for layer in layers):
            ours.before(layer, ask)
        cancellation.check()
        yield
