"""The mean of two ends of one training: `python -m playground.tutor.mean A B --share 0.3 --run C`.

Two runs that part late from the same checkpoint end in one valley of the loss, and the mean of their weights
is often better than either ("model soups": Wortsman et al. 2022).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from . import learning
from .train import new_model


def mean(
    one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Weights, name by name: `share` of the other, the rest of the one."""
    if one.keys() != other.keys():
        raise ValueError("weights of another shape")
    return {name: torch.lerp(one[name], other[name], share) for name in one}


def joined(first: Path, second: Path, share: float, folder: Path) -> None:
    """A run's folder as `export` takes it: the second's history, and the mean as its last moment."""
    states: list[dict[str, Any]] = [
        torch.load(each / "state.pt", map_location="cpu", weights_only=True) for each in (first, second)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(second / "tokenizer.json", folder)
    state = states[1] | {"model": mean(states[0]["model"], states[1]["model"], share)}
    model = new_model(state["shape"])
    model.load_state_dict(state["model"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    last = state["snapshots"][-1]
    shown = learning.snapshot(model, tokenizer, state["step"], state["tokens"], last.get("loss"))
    torch.save(state | {"snapshots": [*state["snapshots"][:-1], shown]}, folder / "state.pt")


def main() -> None:
    """Joins two runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second, from 0 to 1")
    parser.add_argument("--run", type=Path, required=True, help="folder for the result")
    options = parser.parse_args()
    joined(options.first, options.second, options.share, options.run)


if __name__ == "__main__":
    main()
