"""A what-if against the bare skeleton, the counts against other ways to count, and the memory that it takes.

``python tests/bench/bench_architecture.py`` prints ratios of one run; the machine's own speed cancels out.
"""

from __future__ import annotations

import gc
import logging
import statistics
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader, presets
from playground.rooms.architecture import view
from playground.rooms.architecture.service import ArchitectureService
from playground.settings import Settings
from playground.shell.warm_up import warm_up
from playground.ui.context import Context
from tests.bench.rows import rounds, row
from tests.engine.vectors import closed_form

LARGE, ROUNDS = "meta-llama/Llama-3.1-405B", rounds(15)


def actions() -> ArchitectureService:
    folder = Path(mkdtemp())
    catalog = Catalog(folder, folder, offline=True)
    models = ModelCache(2**31, TransformersLoader(offline=True))
    return ArchitectureService(Context(Settings(offline=True, cache_dir=folder), catalog, models))


def median(work, rounds: int = ROUNDS) -> float:
    laps = []
    for lap in range(rounds):
        gc.collect()
        began = time.perf_counter()
        work(lap)
        laps.append(time.perf_counter() - began)
    return statistics.median(laps)


def what_if(do: ArchitectureService) -> None:
    config = presets.presets()[LARGE].config

    def bare(lap: int) -> None:
        settings = CONFIG_MAPPING["llama"].from_dict({**config, "vocab_size": 128_000 + lap})
        with torch.device("meta"):
            AutoModelForCausalLM.from_config(settings)

    def whole(lap: int) -> None:
        plan, _ = do.plan(LARGE)
        changes = {"vocab_size": 129_000 + lap}
        do.what_if(plan, changes, 2048, 1)
        view.tree(do.changed(plan, changes), "en")

    bare(99), whole(99)
    skeleton, ours = median(bare), median(whole)
    arithmetic = median(lambda lap: closed_form.count(config))
    what = "what-if of a 405B, with tree, bytes and code"
    row(what, ours * 1e3, skeleton * 1e3, "ms", "the bare skeleton", most=2)
    row(what, ours * 1e3, arithmetic * 1e3, "ms", "arithmetic of Llama's count alone")
    try:
        from accelerate import init_empty_weights
    except ImportError:
        return

    def theirs(lap: int) -> None:
        with init_empty_weights():
            AutoModelForCausalLM.from_config(CONFIG_MAPPING["llama"].from_dict(dict(config)))

    row(what, ours * 1e3, median(theirs, 5) * 1e3, "ms", "accelerate's empty weights")


def memory(do: ArchitectureService) -> None:
    """Above the idle app, whatever the model."""
    warm_up(do.context, 0)  # as the app does once its page is up
    gc.collect()
    process = psutil.Process()
    idle = peak = process.memory_info().rss
    for name in (LARGE, "deepseek-ai/DeepSeek-V3", "bigscience/bloom", "openai/gpt-oss-120b"):
        plan, _ = do.plan(name)
        do.memory(plan, 131072, 64), do.raw(plan), do.flow(plan, plan, "hello"), view.tree(plan, "en")
        peak = max(peak, process.memory_info().rss)
    most = (idle + 100e6) / idle  # 100 MB
    row("memory with four skeletons of up to 671B", peak / 1e6, idle / 1e6, "MB", "the idle app", most=most)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    do = actions()
    memory(do)
    what_if(do)
