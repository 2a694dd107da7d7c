"""Cutting and padding for one reader leave the tokenizer as the others know it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from playground.engine.tokenizers.libraries import adapter
from playground.engine.vectors import encode
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import Catalog
from playground.rooms.embeddings.token_vectors import hidden_states

LONG = "the cat sat on the mat. " * 400


def vectors(loaded: Loaded, role: str) -> None:
    hidden_states.run(loaded, ["hello there", LONG])


def sentences(loaded: Loaded, role: str) -> None:
    encode.encode(loaded, ["hello there", LONG], role)


@pytest.mark.parametrize("work", [vectors, sentences])
def test_a_long_text_is_as_long_as_before(
    models: ModelCache, catalog: Catalog, work: Callable[[Loaded, str], None]
) -> None:
    """A look at the tutor's vectors does not shorten what others say to it."""
    with models.lease(catalog.find("tutor"), "causal", dtype="float32") as loaded:
        before = len(adapter(loaded).encode(LONG, special=False).ids)
        assert before > 2000
        work(loaded, "causal")
        assert len(adapter(loaded).encode(LONG, special=False).ids) == before


def test_many_at_once_each_get_their_own_tokens(models: ModelCache, catalog: Catalog) -> None:
    with models.lease(catalog.find("all-MiniLM-L6-v2"), "encoder", dtype="float32") as loaded:
        texts = [f"{'word ' * length}end" for length in (3, 50, 200)]
        _, expected, *_ = encode._tokenized(loaded, texts, "encoder")
        wrong: list[object] = []

        def ask(part: Callable[[], object]) -> None:
            try:
                for _ in range(15):
                    part()
            except Exception as error:
                wrong.append(error)

        def same() -> None:
            _, found, *_ = encode._tokenized(loaded, texts, "encoder")
            if found != expected:
                wrong.append([len(each) for each in found])

        parts = [same, same, lambda: hidden_states.run(loaded, texts[:2])]
        threads = [threading.Thread(target=ask, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
