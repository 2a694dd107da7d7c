"""The Next token panel: a look beside a bare forward pass, a slider at the client, a branch, the wire.

    .venv/bin/python tests/bench/bench_next_token.py

On random Llamas of about 5 and 100 million parameters, and one with a vocabulary of 152,064 entries. Each
line is a ratio of one run, medians of interleaved rounds, in seconds of the processor on one thread of torch
(a busy machine's wall clock tells little); at the client, wall clock. The goals stand behind.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.app import running  # noqa: E402
from tests.bench.asking import posting  # noqa: E402
from tests.bench.rows import chromium, rounds, row  # noqa: E402

ROUNDS, LENGTH, DEEP = rounds(9), 2000, 24
SHAPES: dict[str, dict[str, Any]] = {
    "five-million": {
        "hidden_size": 256, "num_hidden_layers": 6, "intermediate_size": 704, "vocab_size": 6144,
    },
    "hundred-million": {
        "hidden_size": 768, "num_hidden_layers": 14, "intermediate_size": 2048, "vocab_size": 6144,
    },
    "large-vocabulary": {
        "hidden_size": 128, "num_hidden_layers": 2, "intermediate_size": 256, "vocab_size": 152_064,
    },
}  # fmt: skip


def interleaved(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The median processor seconds of each, in turns, so that the machine's moods fall on all."""
    times: list[list[float]] = [[] for _ in works]
    for lap in range(rounds + 1):
        for place, work in enumerate(works):
            began = time.process_time()
            work()
            if lap:
                times[place].append(time.process_time() - began)
    return [statistics.median(each) for each in times]


def looks(folder: Path) -> None:
    """In one process: the panel's own functions against the model."""
    import torch

    torch.set_num_threads(1)
    from playground.engine.generation import compat
    from playground.models.cache import ModelCache
    from playground.models.catalog import Catalog
    from playground.models.loaders import TransformersLoader
    from playground.rooms.next_token.actions import Answers
    from playground.rooms.next_token.logit_cache import Rows
    from playground.settings import read
    from playground.ui.context import Context

    context = Context(
        read(["--device", "cpu", "--dtype", "float32"], {}),
        Catalog(folder, folder, offline=True),
        ModelCache(2**33, TransformersLoader(offline=True)),
    )
    for name in SHAPES:
        if name == "large-vocabulary":
            continue
        do = Answers(context)
        with context.models.lease(
            context.catalog.find(name), "causal", device="cpu", dtype="float32"
        ) as loaded:
            model = loaded.model
            for length in (50, 400, LENGTH):
                ids = [7 + n * n % 300 for n in range(length)]
                tokens = torch.tensor([ids])

                def bare(tokens: Any = tokens, model: Any = model) -> None:
                    with torch.inference_mode():
                        model(input_ids=tokens, use_cache=True)

                def look(score_prompt: bool, ids: list[int] = ids, do: Any = do, name: str = name) -> None:
                    do.rows = Rows()  # nothing is kept: every look is a pass
                    *_, last = do.look({"model": name, "ids": ids, "score_prompt": score_prompt})
                    assert "look" in last, last

                laps = 2 if length == LENGTH and name == "hundred-million" else ROUNDS
                one, quiet, heard = interleaved(bare, lambda: look(False), lambda: look(True), rounds=laps)
                for what, took in (("a look", quiet), ("with every token's probability", heard)):
                    told = f"{what}, {length:,} tokens, {name}"
                    row(told, took * 1e3, one * 1e3, "CPU-ms", "a bare forward pass", most=1.15)
            do.rows = Rows()
            fed: list[int] = []
            hook = model.register_forward_pre_hook(
                lambda _, __, kwargs: fed.append(kwargs["input_ids"].shape[1]),  # noqa: B023
                with_kwargs=True,
            )
            path = [7 + n * n % 300 for n in range(400)]
            given = {"model": name, "conversation": "b" * 32}
            *_, last = do.look({**given, "ids": path})
            fed.clear()
            steps = []
            for _ in range(DEEP):
                began = time.process_time()
                *_, last = do.look({**given, "ids": path, "choose": "greedy"})
                steps.append(time.process_time() - began)
                path.append(last["look"]["chosen"]["token"][0])
            hook.remove()
            assert fed == [1] * DEEP, fed
            cache = compat.returned_cache(model(input_ids=torch.tensor([path]), use_cache=True))

            def one_token(cache: Any = cache, model: Any = model) -> None:
                with torch.inference_mode():
                    model(input_ids=torch.tensor([[5]]), **compat.with_cache(model, cache))
                    cache.crop(-1)

            (single,) = interleaved(one_token)
            what = f"a step, {DEEP} deep, {name}"
            row(what, statistics.median(steps) * 1e3, single * 1e3, "CPU-ms", "a bare pass of one token")
    weighing(context)


def weighing(context: Any) -> None:
    """A large vocabulary: what is weighed, and what travels."""
    import torch

    from playground.rooms.next_token.actions import Answers

    do, name = Answers(context), "large-vocabulary"
    given = {"model": name, "ids": [5, 6, 7], "count": 50, "temperature": 0.8, "top_k": 100, "top_p": 0.9}
    *_, last = do.look(given)
    looked = last["look"]["row"]
    kept = do.rows.get(looked)
    assert kept is not None
    again, softmax = interleaved(
        lambda: do.reweigh({**given, "ids": None, "row": looked}),
        lambda: torch.softmax(kept.logits, -1),
        rounds=rounds(30),
    )
    wire = len(json.dumps(last))
    entries = f"{kept.vocabulary:,} entries"
    row(f"weighing anew, {entries}", again * 1e3, softmax * 1e3, "CPU-ms", "a softmax of them")
    row(f"an answer on the wire, {entries}", wire, 4 * kept.vocabulary, "B", "all logits")


def client(folder: Path) -> None:
    """A slider in a browser: from the input event to the changed bar, and the request by itself."""
    from playwright.sync_api import sync_playwright

    settings = {
        "PLAYGROUND_MODELS_DIR": str(folder),
        "PLAYGROUND_OFFLINE": "1",
        "PLAYGROUND_DTYPE": "float32",
    }
    with running(folder.parent / "app", settings) as app, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for name in ("tutor", "large-vocabulary"):
            page = browser.new_page()
            page.goto(f"{app.url}?tab=next_token&text=Once upon a time")
            page.wait_for_selector(".nx-chart .nx-row")
            box = page.locator("#next-model input")
            box.fill(name)
            box.press("Enter")
            page.wait_for_function(
                "document.querySelector('.nx-text').textContent.includes('Once')", timeout=60_000
            )
            page.wait_for_timeout(1500)
            times = page.evaluate(SLIDES)
            asking = statistics.median(page.evaluate(ASKING))
            what = f"a slider, from its event to the changed bar, {name}"
            row(what, statistics.median(times), asking, "ms", "an empty question to the server")
            page.close()
        browser.close()
        sizes(app.url)


ASKING = """async () => {
  const times = [];
  for (let n = 0; n < 30; n++) {
    const began = performance.now();
    await playground.once("next/weigh", { row: "none" });
    times.push(performance.now() - began);
    await new Promise((ready) => setTimeout(ready, 30));
  }
  return times;
}"""
SLIDES = """async () => {
  const slider = document.querySelector('#next-temperature input[type=range]');
  const times = [];
  for (let n = 0; n < 30; n++) {
    const value = document.querySelector('[data-stage=final] small');
    const bar = document.querySelector('.nx-chart .nx-row .nx-value');
    const before = bar.textContent + document.querySelector('[data-stage=final]').textContent;
    const began = performance.now();
    slider.value = n % 2 ? 0.7 : 1.6;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    for (let i = 0; i < 400; i++) {
      await new Promise((ready) => setTimeout(ready, 2));
      const now = document.querySelector('.nx-chart .nx-row .nx-value').textContent
        + document.querySelector('[data-stage=final]').textContent;
      if (now !== before) break;
    }
    if (n > 2) times.push(performance.now() - began);
    await new Promise((ready) => setTimeout(ready, 60));
  }
  return times;
}"""


def sizes(url: str) -> None:
    """Bytes of a whole answer, as the browser gets it."""
    asked = {"model": "large-vocabulary", "prompt": "Once upon a time", "count": 50, "score_prompt": True}
    with urllib.request.urlopen(posting(f"{url}playground/next/look", asked), timeout=60) as answer:
        size = len(answer.read())
    row("a whole look, as the page gets it", size, 4 * 152_064, "B", "all logits")


def main() -> None:
    """Make the models, then one part after the other, the first in a process of its own."""
    if len(sys.argv) > 1:
        looks(Path(sys.argv[1]))
        return
    from tests.models import saved

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "models"
        folder.mkdir()
        for name, shape in SHAPES.items():
            saved.save(folder / name, "Llama", max_position_embeddings=4096, eos_token_id=None, **shape)
        subprocess.run([sys.executable, __file__, str(folder)], check=True)
        client(folder)


if __name__ == "__main__":
    main()
