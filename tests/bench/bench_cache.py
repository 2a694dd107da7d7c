"""The cache: what a lease costs, what a second NF4 load saves, what ten threads lose to bookkeeping.

    .venv/bin/python tests/bench/bench_cache.py [parameters in millions, 400]

Prints each figure beside what it is compared with, in one run.
"""

from __future__ import annotations

import heapq
import logging
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import CAUSAL, ModelCard
from playground.models.loaders import TransformersLoader
from tests.bench.rows import rounds, row

WORK, LOAD = 0.010, 0.030  # seconds that a lease is used, and that a load takes
THREADS, EACH = 10, 60
MODELS = "ABC"


class Sleeper:
    """Loads take their time and no processor."""

    def estimate(self, card, key):
        return 1

    def load(self, card, key, progress):
        time.sleep(LOAD)
        return Loaded(card, object(), bytes=1)

    def free(self, loaded):
        pass


def card(name: str) -> ModelCard:
    return ModelCard(name, "embedded", name)


def lease_cost() -> None:
    cache = ModelCache(10, Sleeper())
    with cache.lease(card("A")):
        pass
    times = {}
    for what, make in (("lease", lambda: cache.lease(card("A"))), ("nullcontext", nullcontext)):
        laps = []
        for _ in range(rounds(20)):
            began = time.perf_counter()
            for _ in range(500):
                with make():
                    pass
            laps.append((time.perf_counter() - began) / 500 * 1e6)
        times[what] = statistics.median(laps)
    row("a lease of what is loaded", times["lease"], times["nullcontext"], "µs", "nullcontext()")


def simulated(plans: list[str]) -> float:
    """Seconds that the same policy takes when bookkeeping costs nothing."""
    now, order, waiting = 0.0, 0, []
    loaded: dict[str, float] = {}  # last used
    loading: dict[str, float] = {}
    leases = dict.fromkeys(MODELS, 0)
    events: list[tuple[float, int, str, int, str]] = []
    at = [0] * len(plans)

    def wake() -> None:
        nonlocal order
        for thread in waiting[:]:
            model = plans[thread][at[thread]]
            if model in loaded:
                waiting.remove(thread)
                leases[model] += 1
                order += 1
                heapq.heappush(events, (now + WORK, order, "done", thread, model))
            elif model not in loading:
                idle = sorted((m for m in loaded if not leases[m]), key=lambda m: loaded[m])
                if len(loaded) + len(loading) >= 2 and idle:
                    del loaded[idle[0]]
                if len(loaded) + len(loading) < 2:
                    loading[model] = now + LOAD
                    order += 1
                    heapq.heappush(events, (now + LOAD, order, "loaded", thread, model))

    waiting = list(range(len(plans)))
    wake()
    while events:
        now, _, what, thread, model = heapq.heappop(events)
        if what == "loaded":
            del loading[model]
            loaded[model] = now
        else:
            leases[model] -= 1
            loaded[model] = now
            at[thread] += 1
            if at[thread] < len(plans[thread]):
                waiting.append(thread)
        wake()
    return now


def real(plans: list[str]) -> float:
    cache = ModelCache(2, Sleeper(), patience=600)

    def visitor(plan: str) -> None:
        for model in plan:
            with cache.lease(card(model)):
                time.sleep(WORK)

    threads = [threading.Thread(target=visitor, args=(plan,)) for plan in plans]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def ten_threads() -> None:
    losses = []
    for seed in range(rounds(5)):
        generator = random.Random(seed)
        plans = ["".join(generator.choice(MODELS) for _ in range(EACH)) for _ in range(THREADS)]
        perfect, took = simulated(plans), real(plans)
        losses.append((took / perfect, took, perfect))
    _, took, perfect = sorted(losses)[len(losses) // 2]
    what = f"{THREADS} threads, 3 models, room for 2"
    row(what, took, perfect, "s", "the same schedule, bookkeeping for nothing", most=1.1)


def second_load(millions: int) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.models import saved

    # Load bitsandbytes and transformers' parts first: an import is no load.
    root = Path(tempfile.mkdtemp())
    try:
        saved.save(root / "warm")
        layers = max(1, round((millions * 1e6 - 32000 * 1024) / 12.6e6))
        shape = {
            "hidden_size": 1024,
            "num_attention_heads": 16,
            "intermediate_size": 2752,
            "vocab_size": 32000,
        }
        shape |= {"intermediate_size": 2816, "num_hidden_layers": layers, "tie_word_embeddings": True}
        model = LlamaForCausalLM(LlamaConfig(**shape)).to(torch.bfloat16)
        count = model.num_parameters()
        model.save_pretrained(root / "large")
        saved.tokenizer().save_pretrained(root / "large")
        del model
        times = {}
        for name in ("warm", "large"):
            one = ModelCard(name, "folder", str(root / name), CAUSAL)
            for which in ("first", "second"):
                loader = TransformersLoader(cache_dir=root / "cache")
                began = time.perf_counter()
                with ModelCache(2**34, loader).lease(one, "causal", dtype="bfloat16", quantization="nf4"):
                    times[which] = time.perf_counter() - began
        what = f"second load in NF4, {count / 1e6:.0f} million parameters"
        row(what, times["second"], times["first"], "s", "the first load", most=1 / 5)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    lease_cost()
    ten_threads()
    second_load(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
