"""How fast are beam search and six lanes? ``python tests/bench/bench_beams.py [threads]``: ratios of one run.

    generate   transformers' ``generate(num_beams=4)``, which keeps nothing of its steps (1.00)
    ours       `beams.search`, every candidate of every step with its text and fate
    six        ``generate`` six times: greedy, three drawn texts, beam search, a text with all filters (1.00)
    lanes      `strategies.compare`: the same six, with alternatives, partings and all stages of the filters

on a Llama of the tutor's size, random weights. The rounds are mixed, and the best of each counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground.engine.generation.beam_search import Beams, search  # noqa: E402
from playground.engine.generation.sampling import Settings  # noqa: E402
from playground.rooms.decoding.comparison import Plan  # noqa: E402
from playground.rooms.decoding.strategies import compare  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402
from tests.tiny_tokenizers import llama, loaded_of  # noqa: E402

ROUNDS, NEW, WIDTH = rounds(4), 24, 4
SIZE: dict[str, Any] = {
    "vocab_size": 6144, "hidden_size": 256, "intermediate_size": 640, "num_hidden_layers": 5,
    "num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
}  # fmt: skip
YOURS = Settings(NEW, temperature=0.8, top_k=40, top_p=0.9, min_p=0.05, repetition_penalty=1.1, seed=3)


def timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def main() -> None:
    import torch
    from transformers import logging

    logging.set_verbosity_error()
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    model = llama(**SIZE)
    loaded = loaded_of(model)
    for length in (12, 2000):
        prompt = [3 + place * 7 % 6000 for place in range(length)]
        ids = torch.tensor([prompt])
        plan = Plan(YOURS, Beams(WIDTH))
        how = {"attention_mask": torch.ones_like(ids), "max_new_tokens": NEW, "pad_token_id": 0}

        def drawn(**given: Any) -> Any:
            return model.generate(ids, **how, do_sample=True, **given)  # noqa: B023

        def beam() -> Any:
            return model.generate(ids, **how, do_sample=False, num_beams=WIDTH)  # noqa: B023

        def six() -> None:
            model.generate(ids, **how, do_sample=False)  # noqa: B023
            for _ in range(3):
                drawn(top_k=0)
            beam()
            drawn(temperature=0.8, top_k=40, top_p=0.9, min_p=0.05, repetition_penalty=1.1)

        ways: dict[str, Callable[[], Any]] = {
            "generate": beam,
            "ours": lambda: list(search(loaded, prompt, Settings(NEW), Beams(WIDTH))),  # noqa: B023
            "six": six,
            "lanes": lambda: list(compare(loaded, prompt, plan)),  # noqa: B023
        }
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(ROUNDS):
            for way, run in ways.items():
                best[way] = min(best[way], timed(run))
        after = f"after {length:,} tokens"
        for way, base, what, against in (
            ("ours", "generate", f"beam search, every candidate kept, {after}", "generate(num_beams=4)"),
            ("lanes", "six", f"six lanes with all they show, {after}", "generate six times"),
        ):
            row(what, 1000 * best[way], 1000 * best[base], "ms", against)


if __name__ == "__main__":
    main()
