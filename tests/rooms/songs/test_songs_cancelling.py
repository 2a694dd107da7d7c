"""What the Songs room computes for long ends when nobody waits for it: counted, not timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.songs import evaluation, example, formats, search, training
from playground.rooms.songs.library import Library
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import BOOK, TUNED, WORK, train
from playground.settings import Settings
from playground.system import cancellation
from playground.ui.context import Context
from tests.rooms.songs.asking import asked
from tests.waiting import until


@pytest.fixture(scope="module")
def sample() -> Library:
    cache = ModelCache(2**30, TransformersLoader(offline=True))
    with cache.lease(example.SAMPLE, "songs") as loaded:
        return evaluation.part(loaded.model, np.arange(3000))


class Left:
    """Says after so many questions that nobody waits any more."""

    def __init__(self, after: float) -> None:
        self.after, self.asked = after, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.after


LONG: dict[str, tuple[int, Callable[[Library], Any]]] = {  # how often each asks at least, and what it is
    "vectors": (60, evaluation.ppmi_svd),
    "co-occurrence": (4, lambda library: [*evaluation.evaluate(library, ["cooccurrence"])]),
    "index": (1000, search.index),
    "files": (2000, lambda library: formats.read("mine", [("a.txt", b"1 2 3\n4 1 2\n" * 1500)])),
    "training": (9000, lambda library: train(library, replace(TUNED, epochs=3))),
}


@pytest.mark.parametrize("name", LONG)
def test_it_asks_often_and_ends_at_the_first_no(name: str, sample: Library) -> None:
    often, work = LONG[name]
    whole = Left(float("inf"))
    with cancellation.when(whole):
        work(sample)
    assert whole.asked >= often
    left = Left(whole.asked // 2)
    with cancellation.when(left), pytest.raises(cancellation.Abandoned):
        work(sample)
    # Threads of gensim's are told, for each batch that still waits, and then whoever waits for them.
    assert left.asked <= left.after + (1 if name != "training" else 5)


def test_counted_in_pieces_is_counted_at_once(sample: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluation.pairs(sample)
    monkeypatch.setattr(evaluation, "PIECE", 1000)
    for one, other in zip(whole, evaluation.pairs(sample), strict=True):
        assert np.array_equal(one, other)


def test_no_batch_keeps_a_stop_waiting() -> None:
    """gensim cannot be left within a batch: the more one costs, the fewer songs are in it."""
    assert BOOK.batch == TUNED.batch == 10_000  # gensim's own, so that its bits are the same
    for sg in (0, 1):
        heavy = replace(TUNED, vector_size=512, window=100, negative=100, sg=sg)
        vectors = 100 * 101 if sg else 201
        assert 50 <= heavy.batch <= 2000 and heavy.batch * vectors * 812 <= max(WORK, 50 * vectors * 812)


def test_a_training_that_its_page_leaves_reads_no_further(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in the cache's own thread, and its songs are read in one of gensim's."""
    settings = Settings(models_dir=tmp_path / "models", cache_dir=tmp_path, offline=True)
    catalog = Catalog(settings.models_dir, tmp_path / "uploads", offline=True)
    do = SongsService(Context(settings, catalog, ModelCache(2**31, TransformersLoader(offline=True))))
    read: list[float] = []
    real = training._Sentences.__iter__

    def counted(self: Any) -> Iterator[list[str]]:
        for sentence in real(self):
            read.append(time.monotonic())
            yield sentence

    monkeypatch.setattr(training._Sentences, "__iter__", counted)
    lines = asked(do, "train", "#songs-train", epochs=40)
    assert "progress" in next(lines)
    until(lambda: len(read) > 45_000, "the third time through all playlists")
    left = time.monotonic()
    lines.close()  # type: ignore[attr-defined]
    until(lambda: not do.context.models.status(), "the training's end")
    assert read[-1] - left < 0.5 and len(read) < 20_000 * 40
    count = len(read)
    time.sleep(0.6)
    assert len(read) == count
