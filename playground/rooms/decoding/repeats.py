"""Is the same the same? Greedy again, a seed again, other seeds, and the same text within a batch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from playground.engine.generation import generate
from playground.engine.generation.detokenize import label
from playground.engine.generation.generate import Done, Step, Waiting
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Settings
from playground.engine.in_turn import in_turn
from playground.engine.interruptible import interruptible
from playground.engine.tokenizers.libraries import adapter
from playground.models.cache import Loaded
from playground.rooms.decoding.experiments import Machine, Progress, calm, machine

GREEDY, SEEDED, OTHERS = 3, 3, 4
NEW = 16
BATCH = 8  # copies of the text that are computed at once
LONGEST = 64  # tokens of the prompt that stand in the batch, its last ones

Kind = Literal["greedy", "seed", "other"]


@dataclass(frozen=True)
class Run:
    """One text: its ids, and how each is written."""

    kind: Kind
    seed: int
    ids: list[int]
    texts: list[str]


@dataclass(frozen=True)
class Repeats:
    """All runs, and how far the logits of the first token move when the prompt stands in a batch.

    Args:
        moved: the largest difference of a logit, alone and among ``BATCH`` copies; None: not yet known.
        same_best: the likeliest token is the same in both.
    """

    runs: list[Run]
    moved: float | None
    same_best: bool
    machine: Machine

    def equal(self, run: Run) -> int:
        """How many tokens are those of the first run of its kind, up to the first other one.

        Other seeds are held against the first text of the seed that is repeated.
        """
        usual = next(
            each for each in self.runs if each.kind == ("greedy" if run.kind == "greedy" else "seed")
        )
        pairs = enumerate(zip(run.ids, usual.ids, strict=False))
        return next((at for at, (a, b) in pairs if a != b), min(len(run.ids), len(usual.ids)))

    def same(self, kind: Kind) -> bool:
        """All runs of a kind wrote the same ids."""
        return len({tuple(run.ids) for run in self.runs if run.kind == kind}) == 1

    def different(self, kind: Kind) -> int:
        """How many different texts the runs of a kind wrote."""
        return len({tuple(run.ids) for run in self.runs if run.kind == kind})


def repeats(
    loaded: Loaded, ids: Sequence[int], seed: int = 1
) -> Generator[Waiting | Progress | Repeats, None, None]:
    """Runs, one after the other, each of which reads the prompt anew.

    Raises:
        As `decoding.reply`.
    """
    plan: list[tuple[Kind, int]] = [("greedy", 0) for _ in range(GREEDY)]
    plan += [("seed", seed) for _ in range(SEEDED)]
    plan += [("other", seed + 1 + place) for place in range(OTHERS)]
    prompt = generate.checked(loaded, ids)
    known, runs = adapter(loaded), list[Run]()
    for place, (kind, own) in enumerate(plan):
        so_far = Repeats(list(runs), None, True, machine(loaded)) if runs else None
        yield Progress(place / (len(plan) + 1), kind, so_far)
        settings = Settings(NEW, 0.0 if kind == "greedy" else 1.0, seed=own, alternatives=0)
        texts: list[str] = []
        with closing(
            generate.reply(loaded, prompt, settings, prefix=CachedPrefix(), continues=True)
        ) as states:
            for state in states:
                if isinstance(state, Waiting):
                    yield state
                elif isinstance(state, Step):
                    texts.append(state.new or label(known, state.id, state.new))
                elif isinstance(state, Done):
                    runs.append(Run(kind, own, state.ids, texts))
    for found in in_turn(loaded, _batched(loaded, prompt)):
        if isinstance(found, Waiting):
            yield found
        else:
            yield Repeats(runs, *found, machine(loaded))


def _batched(loaded: Loaded, prompt: list[int]) -> Iterator[tuple[float, bool]]:
    import torch

    prompt = prompt[-LONGEST:]
    try:
        ids = torch.tensor([prompt], device=loaded.model.device)
        with calm(loaded), interruptible(loaded.model), torch.inference_mode():
            alone = loaded.model(input_ids=ids).logits[0, -1].float()
            among = loaded.model(input_ids=ids.expand(BATCH, -1)).logits[0, -1].float()
    except (MemoryError, RuntimeError) as error:
        raise generate.out_of_memory(error, loaded, BATCH * len(prompt)) from None
    yield float((alone - among).abs().max()), bool(alone.argmax() == among.argmax())
