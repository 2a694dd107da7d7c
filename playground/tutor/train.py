"""Rebuilds the tutor from nothing: `python -m playground.tutor.train`.

Stopped at any time, the same command goes on where it was. The same steps give the same result class on a CPU
or a GPU (not the same bits: sums are made in another order).
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from . import learning, packing
from .corpus import SEED
from .optim import optimizers, rate_at
from .shape import SHAPE
from .tokenizer import train as train_tokenizer

log = logging.getLogger("tutor")
RUN = Path(tempfile.gettempdir()) / "tutor" / "run"  # checkpoints: outside the project, gone when it is built
_HELD_OUT_SEED = SEED + 1
_HELD_OUT_BATCHES = 8
_LONGEST_STEP = 20.0  # seconds; what is longer was a pause of the process, and counts as this much
_RATE = 2.5e-3


def device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def number_format(where: torch.device) -> torch.dtype:
    """bf16 where the hardware multiplies it, else fp32: emulated, bf16 is three times slower."""
    if where.type == "cuda":
        return torch.bfloat16
    info = Path("/proc/cpuinfo")
    fast = info.exists() and any(flag in info.read_text() for flag in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if fast else torch.float32


def new_model(shape: dict[str, Any] | None = None) -> Any:
    """An untrained tutor with weights of a fixed seed."""
    torch.manual_seed(SEED)
    return LlamaForCausalLM(
        LlamaConfig(**(shape or SHAPE), attn_implementation="sdpa", initializer_range=0.02)
    )


def loss_of(model: Any, batch: packing.Batch) -> tuple[torch.Tensor, int]:
    """Mean cross-entropy (nats) of a batch's learned tokens, and how many they are.

    Documents of a row do not see each other: attention is causal within each.
    """
    where = model.device
    ids = torch.from_numpy(batch.ids).to(where)
    owner = torch.from_numpy(batch.owner).to(where)
    learned = torch.from_numpy(batch.learned).to(where)
    length = ids.shape[1]
    mask = owner[:, :, None] == owner[:, None, :]
    mask &= torch.ones(length, length, dtype=torch.bool, device=where).tril()
    hidden = model.model(input_ids=ids, attention_mask=mask[:, None], use_cache=False).last_hidden_state
    targets = learned[:, 1:] & (owner[:, 1:] == owner[:, :-1])
    logits = model.lm_head(hidden[:, :-1][targets])  # scores only where they are needed
    return torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][targets]), int(targets.sum())


def held_out_loss(model: Any, batches: list[packing.Batch], dtype: torch.dtype) -> float:
    """Mean loss per learned token over batches of a seed that is never trained."""
    total = count = 0.0
    model.eval()
    for batch in batches:
        with torch.no_grad(), torch.autocast(model.device.type, dtype=dtype, enabled=dtype != torch.float32):
            loss, tokens = loss_of(model, batch)
        total += float(loss) * tokens
        count += tokens
    model.train()
    return total / count


class Run:
    """A training in a folder: model, optimizers, where it stands. Seconds and tokens count resumed parts."""

    def __init__(
        self,
        folder: Path,
        steps: int,
        minutes: float = 0.0,
        muon: bool = True,
        rate: float = _RATE,
        shape: dict[str, Any] | None = None,
        batch_tokens: int = packing.TOKENS,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.steps, self.minutes, self.rate = folder, steps, minutes, rate
        self.batch_tokens = batch_tokens
        self.where = device()
        self.dtype = number_format(self.where)
        file = folder / "tokenizer.json"
        if not file.exists():
            log.info("training the tokenizer")
            train_tokenizer().save(str(file))
        self.tokenizer = Tokenizer.from_file(str(file))
        self.model = new_model(shape).to(self.where)
        self.optimizers = optimizers(self.model, rate, muon)
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self.history: list[dict[str, float]] = []
        self.snapshots: list[dict[str, Any]] = []
        self._load()
        self.held_out = packing.held_out_batches(
            self.tokenizer, _HELD_OUT_BATCHES, _HELD_OUT_SEED, batch_tokens
        )

    def _load(self) -> None:
        file = self.folder / "state.pt"
        if not file.exists():
            return
        state = torch.load(file, map_location=self.where, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds, self.tokens = state["step"], state["seconds"], state["tokens"]
        self.history, self.snapshots = state["history"], state["snapshots"]
        log.info("going on at step %d", self.step)

    def save(self) -> None:
        """Everything needed to go on, in one file that is replaced at once."""
        part = self.folder / "state.part"
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "step": self.step,
                "seconds": self.seconds,
                "rate": self.rate,
                "tokens": self.tokens,
                "history": self.history,
                "snapshots": self.snapshots,
                "device": self.device_in_words(),
            },
            part,
        )
        part.replace(self.folder / "state.pt")

    def device_in_words(self) -> str:
        """Where and in which number format, for the card."""
        return f"{self.where.type}, {str(self.dtype).split('.')[-1]}, {torch.get_num_threads()} threads"

    def progress(self) -> float:
        """From 0 to 1: by steps, or by time if minutes were given."""
        if self.minutes:
            return min(1.0, self.seconds / 60 / self.minutes)
        return self.step / self.steps

    def one_step(self) -> float:
        """One batch, one change of the weights; the loss."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate * rate_at(self.progress())
        batch = packing.batch(self.step, self.tokenizer, tokens=self.batch_tokens)
        with torch.autocast(self.where.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            loss, _ = loss_of(self.model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += int((batch.owner >= 0).sum())
        return float(loss.detach())

    def finished(self) -> bool:
        """Whether the planned steps or minutes are over."""
        return self.progress() >= 1.0

    def examine(self) -> float:
        """The held-out loss, noted in the history."""
        loss: float = held_out_loss(self.model, self.held_out, self.dtype)
        self.history.append({"step": self.step, "held_out": round(loss, 4), "seconds": round(self.seconds)})
        return loss

    def train(self, save_every: float = 300.0) -> None:
        """Trains to the end, with progress in the log."""
        last_save = time.monotonic()
        recent: list[float] = []
        while not self.finished():
            if self.step in learning.MOMENTS and all(s["step"] != self.step for s in self.snapshots):
                self._snapshot(recent)
            begun = time.monotonic()
            recent.append(self.one_step())
            self.seconds += min(time.monotonic() - begun, _LONGEST_STEP)
            if self.step % 50 == 0:
                recent = recent[-50:]
                rate = self.tokens / max(self.seconds, 1e-9)
                ahead = (1 - self.progress()) / max(self.progress(), 1e-9) * self.seconds / 60
                log.info(
                    "step %d, loss %.3f, %.1f M tokens, %.0f tokens/s, %.0f minutes to go",
                    self.step, sum(recent) / len(recent), self.tokens / 1e6, rate, ahead,
                )  # fmt: skip
            if self.step % 250 == 0:
                loss = self.examine()
                log.info("step %d, held-out loss %.4f, perplexity %.3f", self.step, loss, math.exp(loss))
            if time.monotonic() - last_save > save_every:
                self.save()
                last_save = time.monotonic()
        self.examine()
        self._snapshot(recent)
        self.save()

    def _snapshot(self, recent: list[float]) -> None:
        loss = round(sum(recent) / len(recent), 4) if recent else None
        self.snapshots = [shot for shot in self.snapshots if shot["step"] != self.step]
        self.snapshots.append(learning.snapshot(self.model, self.tokenizer, self.step, self.tokens, loss))


def main() -> None:
    """Trains, or goes on; then writes the finished folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN, help="folder of checkpoints")
    # 6,000 batches take two quiet cores about two hours
    parser.add_argument("--steps", type=int, default=6000, help="batches of 4,096 tokens")
    parser.add_argument("--minutes", type=float, default=0.0, help="plan by time instead of steps")
    parser.add_argument("--rate", type=float, default=_RATE, help="highest learning rate")
    parser.add_argument("--adamw", action="store_true", help="AdamW alone, without Muon")
    parser.add_argument("--no-export", action="store_true", help="leave assets/tutor as it is")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run = Run(options.run, options.steps, options.minutes, not options.adamw, options.rate)
    log.info("on %s in %s, %d threads", run.where, run.dtype, torch.get_num_threads())
    run.train()
    (options.run / "learning.json").write_text(json.dumps(learning.document(run.snapshots, run.tokenizer)))
    if not options.no_export:
        from .export import export

        export(options.run)


if __name__ == "__main__":
    main()
