"""The optimizers: Muon for the matrices of the layers, AdamW for the rest; and the learning rate's schedule.

Muon (K. Jordan and others, 2024, https://kellerjordan.github.io/posts/muon/) makes each step orthogonal;
scaled as in Moonlight (arXiv:2502.16982) it takes AdamW's learning rate and decay.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: torch.Tensor, rounds: int = 5, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Roughly the nearest orthogonal matrices, shape (n, rows, columns), by Newton-Schulz iterations.

    The iterations are computed in `dtype`: bf16 is exact enough for a direction, and several times faster
    where the hardware multiplies it.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(rounds):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):  # type: ignore[misc]
    """Momentum whose every step is made orthogonal. Equal shapes are computed together."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float,
        momentum: float = 0.95,
        decay: float = 0.1,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})
        self.dtype = dtype  # of the iterations, not of what is kept

    def step(self, closure: Any = None) -> None:
        with torch.no_grad():
            self._step()

    def _step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.Tensor]] = {}
            for one in group["params"]:
                if one.grad is not None:
                    by_shape.setdefault(one.shape, []).append(one)
            for shape, params in by_shape.items():
                updates = []
                for one in params:
                    state = self.state[one]
                    if not state:
                        state["momentum"] = torch.zeros_like(one)
                    state["momentum"].lerp_(one.grad, 1 - group["momentum"])
                    updates.append(one.grad.lerp(state["momentum"], group["momentum"]))
                directions = orthogonal(torch.stack(updates), dtype=self.dtype)
                scale = 0.2 * max(shape) ** 0.5  # the size of an AdamW step
                for one, direction in zip(params, directions, strict=True):
                    one.mul_(1 - group["lr"] * group["decay"])
                    one.add_(direction, alpha=-group["lr"] * scale)


def optimizers(
    model: Any, rate: float, use_muon: bool = True, dtype: torch.dtype = torch.float32
) -> list[torch.optim.Optimizer]:
    """The optimizers of a model's parameters; together they hold each exactly once. `dtype`: Muon's."""
    named = dict(model.named_parameters())
    matrices = [
        one for name, one in named.items() if one.ndim == 2 and "embed" not in name and "head" not in name
    ]
    chosen = {id(one) for one in matrices} if use_muon else set()
    rest = [one for one in named.values() if id(one) not in chosen]
    groups = [
        {"params": [one for one in rest if one.ndim > 1], "weight_decay": 0.1},
        {"params": [one for one in rest if one.ndim == 1], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8)
    return [adam, Muon(matrices, rate, dtype=dtype)] if use_muon else [adam]


def rate_at(progress: float, warm_up: float = 0.01, decay: float = 0.3) -> float:
    """Share of the full learning rate at a progress from 0 to 1: warm up, stay, then fall to nothing."""
    if progress < warm_up:
        return (progress + 1e-4) / warm_up
    if progress > 1 - decay:
        return max(0.0, (1 - progress) / decay)
    return 1.0
