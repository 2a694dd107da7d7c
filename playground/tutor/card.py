"""The model card, written from what was measured: `python -m playground.tutor.card`."""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path
from typing import Any

from . import concepts, corpus, evaluate, facts, learners, packing
from .shape import DATA, HOME


def card(folder: Path = HOME) -> str:
    """The card's text, from evaluation.json, training.json and config.json of the folder."""
    result = _read(folder / "evaluation.json")
    training = _read(folder / "training.json")
    config = _read(folder / "config.json")
    rows = ["| sentence | facts | likeliest | probability |", "|---|---|---|---|"]
    for one in result["completions"]:
        rows.append(f"| {one['sentence']} | {one['count']} | {one['first']:.0%} | {one['probability']:.0%} |")
    total = sum(corpus.KINDS.values())
    rng = random.Random(corpus.SEED)
    distinct = len({corpus.document(rng).key() for _ in range(50_000)})
    return (
        (DATA / "card.md")
        .read_text(encoding="utf-8")
        .format(
            **config,
            millions=_parameters(folder) / 1e6,
            megabytes=(folder / "model.safetensors").stat().st_size / 1e6,
            mixture=", ".join(f"{name} {share / total:.0%}" for name, share in corpus.KINDS.items()),
            learners=learners.markdown(result["learners"]),
            before=learners.markdown(_read(DATA / "before.json")),
            seed=corpus.SEED,
            concepts=len(concepts.concepts("en")),
            distinct=distinct,
            documents=_documents(folder) * training["step"],
            tokens=training["tokens"] / 1e6,
            steps=training["step"],
            minutes=training["seconds"] / 60,
            device=training["device"],
            rate=training["rate"],
            note=training["note"],
            moments=len(_read(folder / "learning.json")["snapshots"]),
            table=evaluate.markdown(result),
            completions="\n".join(rows),
            facts=sum(len(one.pairs) for one in facts.relations("tw").values()),
            **{key: result[key] for key in _FROM_RESULT},
        )
    )


_FROM_RESULT = ("questions", "answers_refused_wrongly", "held_out_loss", "held_out_perplexity")


def _documents(folder: Path) -> float:
    """Documents a batch, the mean of 64."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return sum(int(packing.batch(step, tokenizer).owner.max()) + 1 for step in range(64)) / 64


def _parameters(folder: Path) -> int:
    """How many numbers the weights are."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Writes README.md into the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HOME)
    folder = parser.parse_args().folder
    (folder / "README.md").write_text(card(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
