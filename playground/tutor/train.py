"""The training of the tutor, in pieces: `playground.tutor.rebuild` is the command.

A run is a folder with a checkpoint. Stopped at any time, also by force, it goes on from the newest one and
ends with the same weights as if it had not been stopped. The same steps give the same class of result on a
CPU or a GPU (not the same bits: sums are made in another order).
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from . import corpus, learning, packing
from .corpus import SEED
from .optim import optimizers, rate_at
from .shape import DATA, SHAPE
from .tokenizer import train as train_tokenizer

log = logging.getLogger("tutor")
RUN = Path(tempfile.gettempdir()) / "tutor" / "run"  # checkpoints: outside the project, gone when it is built
_HELD_OUT_SEED = SEED + 1
_HELD_OUT_BATCHES = 8
_LONGEST_STEP = 20.0  # seconds; what is longer was a pause of the process, and counts as this much
RATE = 2.5e-3
STEPS = 14_000


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


def text_digest() -> str:
    """What identifies the corpus, tables and grammars: a training does not go on with another one."""
    digest = hashlib.sha256()
    rng = random.Random(SEED)
    for _ in range(300):  # what the grammars make, so that a change of theirs is noticed as well
        digest.update(corpus.document(rng).key().encode())
    for file in sorted(DATA.glob("*.txt")):
        if file.name != "learners.txt":  # examined, never trained
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def loss_of(model: Any, batch: packing.Batch, body: Any = None) -> tuple[torch.Tensor, int]:
    """Mean cross-entropy (nats) of a batch's learned tokens, and how many they are.

    Documents of a row do not see each other: attention is causal within each. `body` computes the hidden
    states instead of the model's own, as a compiled one does.
    """
    where = model.device
    ids = torch.from_numpy(batch.ids).to(where)
    owner = torch.from_numpy(batch.owner).to(where)
    learned = torch.from_numpy(batch.learned).to(where)
    length = ids.shape[1]
    mask = owner[:, :, None] == owner[:, None, :]
    mask &= torch.ones(length, length, dtype=torch.bool, device=where).tril()
    body = model.model if body is None else body
    hidden = body(input_ids=ids, attention_mask=mask[:, None], use_cache=False).last_hidden_state
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
        rate: float = RATE,
        shape: dict[str, Any] | None = None,
        batch_tokens: int = packing.TOKENS,
        compiled: bool = False,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.steps, self.minutes, self.rate = folder, steps, minutes, rate
        self.batch_tokens = batch_tokens
        self.shape = dict(shape or SHAPE)
        self.stop = False  # set from outside: end after this step, with a checkpoint
        self.where = device()
        self.dtype = number_format(self.where)
        file = folder / "tokenizer.json"
        if not file.exists():
            log.info("training the tokenizer")
            train_tokenizer().save(str(file))
        self.tokenizer = Tokenizer.from_file(str(file))
        self.model = new_model(self.shape).to(self.where)
        self.body = torch.compile(self.model.model, dynamic=False) if compiled else self.model.model
        self.optimizers = optimizers(self.model, rate, muon, self.dtype)
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
        for name, here in (("shape", self.shape), ("texts", text_digest()), ("rate", self.rate)):
            if state[name] != here:
                raise ValueError(f"{file} was begun with another {name}: {state[name]}, and not {here}")
        torch.set_rng_state(state["rng"].cpu())
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds, self.tokens = state["step"], state["seconds"], state["tokens"]
        self.history, self.snapshots = state["history"], state["snapshots"]
        log.info("going on at step %d", self.step)

    def save(self) -> None:
        """Everything needed to go on, in one file that is replaced at once.

        Where the data stands is the step: batch number n is the same each time (`packing.batch`).
        """
        part = self.folder / "state.part"
        torch.save(
            {
                "shape": self.shape,
                "texts": text_digest(),
                "rng": torch.get_rng_state(),
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
        with part.open("rb") as file:
            os.fsync(file.fileno())  # on the disk before it takes the place of the last one
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
            loss, _ = loss_of(self.model, batch, self.body)
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

    def train(self, save_every: float = 300.0, piece: float = math.inf) -> bool:
        """Trains, with progress in the log, to the end or for `piece` minutes; whether to the end."""
        last_save = begun_piece = time.monotonic()
        recent: list[float] = []
        while not self.finished():
            if self.stop or time.monotonic() - begun_piece > piece * 60:
                self.save()
                log.info("stopped at step %d of %d, with a checkpoint", self.step, self.steps)
                return False
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
        if not self.history or self.history[-1]["step"] != self.step:
            self.examine()
        self._snapshot(recent)
        self.save()
        return True

    def _snapshot(self, recent: list[float]) -> None:
        loss = round(sum(recent) / len(recent), 4) if recent else None
        self.snapshots = [shot for shot in self.snapshots if shot["step"] != self.step]
        self.snapshots.append(learning.snapshot(self.model, self.tokenizer, self.step, self.tokens, loss))
