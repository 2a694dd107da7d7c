"""The tutor from nothing, in one command: `python -m playground.tutor.rebuild`.

Corpus, tokenizer, training, export, both examinations, card and learning moments. A training takes longer
than one sitting: after `--piece` minutes, or Ctrl-C, it stops with a checkpoint and exit status 3; the same
command goes on. Status 0: all is written.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from . import answering, card, evaluate, export, learners, train
from .shape import HOME, SHAPE

log = logging.getLogger("tutor")
UNFINISHED = 3  # exit status: call again
_MOST = 0.85  # of a piece


def finish(run: Path, folder: Path, note: str, every: int = 1) -> None:
    """What follows a training: the folder, its figures and its card. `every`: only each n-th question."""
    export.export(run, folder, note)
    model, tokenizer = answering.load(folder)
    result = evaluate.examine(model, tokenizer, every)
    evaluate.write(result, folder / "evaluation.json")
    log.info("%s\n\n%s", evaluate.markdown(result), learners.markdown(result["learners"]))
    (folder / "README.md").write_text(card.card(folder), encoding="utf-8")


def main() -> None:
    """Trains a piece, and finishes what is trained to its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=train.RUN, help="folder of checkpoints")
    parser.add_argument("--folder", type=Path, default=HOME, help="where the finished model goes")
    parser.add_argument("--steps", type=int, default=train.STEPS, help="batches of 4,096 tokens")
    parser.add_argument("--piece", type=float, default=85.0, help="stop after so many minutes")
    parser.add_argument("--rate", type=float, default=train.RATE, help="highest learning rate")
    parser.add_argument("--shape", type=json.loads, help="JSON: what differs from shape.SHAPE")
    parser.add_argument("--plain", action="store_true", help="without torch.compile")
    parser.add_argument("--adamw", action="store_true", help="AdamW alone, without Muon")
    parser.add_argument("--every", type=int, default=1, help="examine with each n-th question only")
    parser.add_argument("--note", default="", help="what was special about this run, for the card")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run = train.Run(
        options.run,
        options.steps,
        muon=not options.adamw,
        rate=options.rate,
        shape=SHAPE | (options.shape or {}),
        compiled=not options.plain,
    )

    def end(*_: Any) -> None:
        run.stop = True

    before = [(one, signal.signal(one, end)) for one in (signal.SIGINT, signal.SIGTERM)]
    log.info("on %s", run.device_in_words())
    begun, first = time.monotonic(), run.step
    finished = run.train(piece=options.piece)
    if finished and run.step > first and time.monotonic() - begun > _MOST * options.piece * 60:
        finished = False  # the examinations take minutes, too: the next call has time for them
    for one, handler in before:
        signal.signal(one, handler)
    if not finished:
        log.info("Run the same command again to go on.")
        sys.exit(UNFINISHED)
    torch.set_grad_enabled(False)
    finish(options.run, options.folder, options.note, options.every)


if __name__ == "__main__":
    main()
