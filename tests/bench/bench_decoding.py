"""How fast is our decoding? ``python tests/bench/bench_decoding.py [threads]`` prints ratios of one run.

One thread unless told otherwise: where the machine has other work, two wait for each other at every small
operation, and a model of the tutor's size becomes ten times slower.

Tokens per second of

    bare       forward + argmax, transformers' DynamicCache, inference mode, nothing looked at (1.00)
    ours       `decoding.reply`, greedy: text, probability, rank and ten alternatives of each token
    bare draw  the bare loop with transformers' temperature, top-k and top-p, and ``multinomial``
    our draw   ours with the same
    generate   ``model.generate`` with a TextIteratorStreamer, greedy (text alone)

on a Llama of the tutor's size and one of 100 million parameters, random weights, and how many times faster a
second turn is read with what was read before. The rounds are mixed, and the best of each counts.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground.engine.generation import compat  # noqa: E402
from playground.engine.generation.generate import Done, Reading, Step, reply  # noqa: E402
from playground.engine.generation.prefix_cache import CachedPrefix  # noqa: E402
from playground.engine.generation.sampling import Settings  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402
from tests.tiny_tokenizers import llama, loaded_of  # noqa: E402

ROUNDS = rounds(5)
SIZES: dict[str, dict[str, Any]] = {
    "tutor, 5M": {
        "vocab_size": 6144, "hidden_size": 256, "intermediate_size": 688, "num_hidden_layers": 6,
        "num_attention_heads": 8, "num_key_value_heads": 4, "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
    },
    "100M": {
        "vocab_size": 32000, "hidden_size": 640, "intermediate_size": 1728, "num_hidden_layers": 14,
        "num_attention_heads": 10, "num_key_value_heads": 5, "max_position_embeddings": 2048,
    },
}  # fmt: skip


def bare(model: Any, prompt: list[int], count: int, drawn: Settings | None = None) -> float:
    import torch
    from transformers.generation import logits_process as made_by_them

    filters = drawn and (
        made_by_them.TemperatureLogitsWarper(drawn.temperature),
        made_by_them.TopKLogitsWarper(drawn.top_k),
        made_by_them.TopPLogitsWarper(drawn.top_p),
    )

    cached = compat.with_cache(model, compat.new_cache(model))
    with torch.inference_mode():
        made = model(input_ids=torch.tensor([prompt]), **cached)
        began = time.perf_counter()
        for _ in range(count):
            if filters:
                scores = made.logits[:, -1].float()
                for each in filters:
                    scores = each(None, scores)
                token = torch.multinomial(scores.softmax(-1), 1)
            else:
                token = made.logits[:, -1].argmax(-1, keepdim=True)
            token.item()  # whoever shows it needs it
            made = model(input_ids=token, **cached)
    return count / (time.perf_counter() - began)


def ours(loaded: Any, prompt: list[int], count: int, settings: Settings) -> float:
    began = 0.0
    for state in reply(loaded, prompt, settings):
        if isinstance(state, Step) and not began:
            began = time.perf_counter()
    return (count - 1) / (time.perf_counter() - began)


def generate(loaded: Any, prompt: list[int], count: int) -> float:
    import torch
    from transformers import TextIteratorStreamer

    ids = torch.tensor([prompt])
    streamer = TextIteratorStreamer(loaded.tokenizer, skip_prompt=True)
    given = {"do_sample": False, "max_new_tokens": count, "streamer": streamer, "pad_token_id": 0}
    thread = threading.Thread(
        target=lambda: loaded.model.generate(ids, attention_mask=torch.ones_like(ids), **given)
    )
    thread.start()
    began = 0.0
    for _ in streamer:
        began = began or time.perf_counter()
    thread.join()
    return (count - 1) / (time.perf_counter() - began)


def main() -> None:
    import torch
    from transformers import logging

    logging.set_verbosity_error()
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(f"threads: {torch.get_num_threads()}")
    for name, size in SIZES.items():
        compare(name, size)


def compare(name: str, size: dict[str, Any]) -> None:
    model = llama(**size)
    loaded = loaded_of(model)
    prompt, count = list(range(3, 67)), 300 if size["hidden_size"] < 500 else 40
    greedy = Settings(max_new_tokens=count)
    drawn = Settings(max_new_tokens=count, temperature=0.8, top_k=50, top_p=0.95, seed=1)
    ways: dict[str, Callable[[], float]] = {
        "bare": lambda: bare(model, prompt, count),
        "bare draw": lambda: bare(model, prompt, count, drawn),
        "ours": lambda: ours(loaded, prompt, count, greedy),
        "our draw": lambda: ours(loaded, prompt, count, drawn),
        "generate": lambda: generate(loaded, prompt, count),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for way, run in ways.items():
            best[way] = max(best[way], run())
    for way, what, base, against in (
        ("ours", "greedy", "bare", "forward and argmax, nothing looked at"),
        ("our draw", "drawn", "bare draw", "forward, their filters, multinomial"),
        ("ours", "greedy", "generate", "generate with a TextIteratorStreamer"),
    ):
        row(f"{what}, {name}", best[way], best[base], "tokens/s", against)
    second_turn(loaded, name)


def second_turn(loaded: Any, name: str) -> None:
    """A long history and a new message: time to the first token, without and with a trace."""
    history, message = list(range(3, 1203)), list(range(5, 35))
    times = {}
    for way in ("without", "with"):
        prefix = CachedPrefix()
        if way == "with":
            done = list(reply(loaded, history, Settings(max_new_tokens=20), prefix=prefix))[-1]
        else:
            done = list(reply(loaded, history, Settings(max_new_tokens=20)))[-1]
        assert isinstance(done, Done)
        began = time.perf_counter()
        states = reply(loaded, [*history, *done.ids, *message], Settings(max_new_tokens=1), prefix=prefix)
        assert isinstance(next(states), Reading)
        next(state for state in states if isinstance(state, Step))
        times[way] = time.perf_counter() - began
    what = f"first token of a second turn of 1,250, {name}"
    row(what, 1e3 * times["with"], 1e3 * times["without"], "ms", "without what was read before")


if __name__ == "__main__":
    main()
