"""Speed of maps of sentences: ``python tests/bench/bench_embeddings.py [1 2 3]`` prints one run's ratios.

1. Encoding: ours against ``SentenceTransformer.encode`` as it comes (fp32): 1,000 sentences of 12 tokens.
2. The first UMAP of a process, its code compiled before and kept, against stock umap-learn's in a fresh one.
3. Warm, 1,000 sentences from text to map, against raw ``encode`` and ``fit_transform``.
Maps in the page are `bench_figures`'.

Times are the least of some rounds taken in turn; CPU seconds stand beside them, since neighbours are busy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from tests.bench.rows import rounds, row  # noqa: E402

SETUP = "import time, numpy as np; v = np.random.default_rng(0).normal(size=(500, 64)).astype('f');"
CLOCK = "a = time.perf_counter(); c = time.process_time();"
TOLD = "print(time.perf_counter() - a, time.process_time() - c)"
STOCK = f"{SETUP}{CLOCK} import umap; umap.UMAP(metric='cosine', random_state=0).fit_transform(v); {TOLD}"
OURS = f"{SETUP}{CLOCK} from playground.engine.vectors.projection import project; project(v); {TOLD}"


def least(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    best = dict.fromkeys(ways, (1e9, 1e9))
    for _ in range(rounds):
        for name, way in ways.items():
            began, used = time.perf_counter(), time.process_time()
            way()
            wall, cpu = time.perf_counter() - began, time.process_time() - used
            best[name] = (min(best[name][0], wall), min(best[name][1], cpu))
    return best


def sentences(tokenizer: object, count: int) -> list[str]:
    draw = np.random.default_rng(0)
    words = [word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2]  # type: ignore[attr-defined]
    return [" ".join(draw.choice(words, draw.choice([6, 8, 10, 12, 14]))) for _ in range(count)]


def encoding_and_maps(parts: set[str]) -> None:
    from playground.engine.vectors.encode import encode
    from playground.engine.vectors.projection import project, umap_module
    from playground.models.cache import ModelCache
    from playground.models.catalog import EMBEDDED
    from playground.models.loaders import TransformersLoader

    cache = ModelCache(2**31, TransformersLoader(offline=True))
    with cache.lease(EMBEDDED[1], "encoder", device="cpu", dtype="float32") as loaded:
        texts = sentences(loaded.tokenizer, 1_000)
        raw = lambda: loaded.model.encode(texts, show_progress_bar=False)
        theirs, ours = raw(), encode(loaded, texts).vectors
        if "1" in parts:
            cosine = float((theirs * ours).sum(1).min())
            best = least({"theirs": raw, "ours": lambda: encode(loaded, texts)}, rounds(5))
            (wall, cpu), (own, own_cpu) = best["theirs"], best["ours"]
            print(f"   smallest cosine to theirs {cosine:.6f}")
            against = "SentenceTransformer.encode"
            row("encoding", 1000 / own, 1000 / wall, "sentences/s", against, least=2)
            row("encoding, by CPU", 1000 / own_cpu, 1000 / cpu, "sentences/s", against)
        if "3" in parts:
            umap = umap_module().UMAP  # compiled as ours is: without fastmath
            project(ours)
            best = least({
                "raw": lambda: umap(metric="cosine", random_state=0, n_jobs=1).fit_transform(raw()),
                "ours": lambda: project(encode(loaded, texts).vectors),
            }, rounds(3))  # fmt: skip
            against = "raw encode and fit_transform"
            row("1,000 sentences, text to map", best["ours"][0], best["raw"][0], "s", against, most=1)
            row("the same, by CPU", best["ours"][1], best["raw"][1], "s", against)


def first_umap() -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = {**os.environ, "NUMBA_CACHE_DIR": folder}
        compiling = subprocess.Popen(  # it ends with whoever holds the other end of this pipe
            [sys.executable, "-m", "playground.engine.vectors.projection"],
            cwd=ROOT, env=kept, stdin=subprocess.PIPE,
        )  # fmt: skip
        assert compiling.wait() == 0
        runs: dict[str, list[list[float]]] = {"stock": [], "ours": []}
        for _ in range(2):
            for name, code, env in (
                ("stock", STOCK, {**os.environ, "NUMBA_CACHE_DIR": ""}),
                ("ours", OURS, kept),
            ):
                clean = {key: value for key, value in env.items() if value}
                done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=clean,
                                      capture_output=True, text=True, check=True)  # fmt: skip
                runs[name].append(list(map(float, done.stdout.split()[-2:])))
        stock, ours = (np.min(runs[name], axis=0) for name in ("stock", "ours"))
        row("first UMAP of a process", ours[0], stock[0], "s", "stock umap-learn")
        row("the same, by CPU", ours[1], stock[1], "s", "stock umap-learn", most=0.5)


if __name__ == "__main__":
    wanted = set(sys.argv[1:]) or {"1", "2", "3"}
    if wanted & {"1", "3"}:
        encoding_and_maps(wanted)
    if "2" in wanted:
        first_umap()
