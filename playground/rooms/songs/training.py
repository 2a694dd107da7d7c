"""Word2Vec on playlists: a song is a word, a playlist a sentence (Mikolov et al. 2013; the book's chapter 2).

The training itself is gensim's, epoch by epoch, so that its loss can be told and it can be stopped between
two epochs. One worker makes it reproducible: the same data, parameters and seed give the same bits, equal to
those of gensim's own call (a test holds it); more workers race for the vectors, and no two runs are alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import BadInput
from playground.rooms.songs.library import Library
from playground.system import cancellation

LONGEST = 10_000  # songs of one sentence that gensim reads; it silently drops what follows
BATCH = 10_000  # songs that gensim trains on in one go, as it comes; it cannot be left within
WORK = 3e8  # of one batch, a tenth of a second: vectors that are read, and for each its length and this more
CALL = 300  # numbers that a vector could be longer in the time in which it is looked up


@dataclass(frozen=True)
class Parameters:
    """What Word2Vec is told; gensim's names, so that its documentation holds.

    Args:
        sg: 0 CBOW (guess a song from those around it), 1 skip-gram (guess those around from it).
        ns_exponent: how false songs are drawn: by count to this power; 0.75 for words (Mikolov et al.), 0
            all alike, below 0 rare songs more often (Caselles-Dupré et al. 2018, arXiv 1804.04212).
        sample: songs commoner than this share are passed over at times.
        centre: 1 takes the mean of all vectors off each afterwards: what all songs share says nothing about
            any (Mu & Viswanath 2018, arXiv 1702.01417). Not gensim's.
    """

    vector_size: int = 32
    window: int = 20
    negative: int = 50
    min_count: int = 1
    epochs: int = 5
    sg: int = 0
    ns_exponent: float = 0.75
    alpha: float = 0.025
    sample: float = 0.001
    seed: int = 1
    workers: int = 1
    centre: int = 0

    def checked(self) -> Parameters:
        """The same, if every number is one that gensim can work with and this machine within minutes.

        Raises:
            BadInput: one is not.
        """
        for name, low, high in LIMITS:
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                raise BadInput("songs_parameter", name=name, low=low, high=high)
        return self

    @property
    def batch(self) -> int:
        """Songs of one batch: gensim's own number, or fewer where a batch would keep a stop waiting."""
        pairs, false = self.window, self.negative + 1
        vectors = pairs * false if self.sg else pairs + false
        return max(50, min(BATCH, int(WORK / (vectors * (self.vector_size + CALL)))))

    @property
    def key(self) -> str:
        """All of it in one line, the same for the same parameters: part of the model cache's key."""
        return ",".join(f"{name}={value}" for name, value in asdict(self).items())

    @classmethod
    def from_key(cls, key: str) -> Parameters:
        """The parameters of a `key`."""
        told = dict(part.split("=", 1) for part in key.split(","))
        plain = asdict(cls())
        return cls(**{name: type(plain[name])(value) for name, value in told.items()})


LIMITS = (
    ("vector_size", 2, 512), ("window", 1, 100), ("negative", 1, 100), ("min_count", 1, 1000),
    ("epochs", 1, 200), ("sg", 0, 1), ("ns_exponent", -1.0, 1.0), ("alpha", 0.0001, 0.5),
    ("sample", 0.0, 1.0), ("seed", 0, 2**31), ("workers", 1, 64), ("centre", 0, 1),
)  # fmt: skip
BOOK = Parameters()
# Chosen on the embedded data and on one of yes_complete's size (tests/bench/bench_songs.py): a tenth of the
# false songs, drawn evenly, twice the learning rate, and vectors around their own centre.
TUNED = Parameters(window=40, negative=5, ns_exponent=0.0, alpha=0.05, centre=1)
PRESETS = {"tuned": TUNED, "book": BOOK}


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training left.

    Args:
        vectors: float32 [songs, vector_size]; zeros for songs rarer than min_count.
        losses: of each epoch, per song read.
        seconds: of training, all of it.
    """

    parameters: Parameters
    vectors: NDArray[np.float32]
    losses: tuple[float, ...] = ()
    seconds: float = 0.0

    @property
    def bytes(self) -> int:
        """What the vectors take, twice: as they are, and at length 1."""
        return 2 * self.vectors.nbytes


Report = Callable[[int, int, float], None]
"""Told after each epoch: how many are done, of how many, and the loss; what it raises ends the training."""


class _Sentences:
    """The playlists as gensim reads them, several times over; they end early when nobody waits any more.

    gensim reads them in a thread of its own, where an error would leave its other threads waiting for ever.
    """

    def __init__(self, library: Library) -> None:
        names = [str(row) for row in range(len(library))]
        self.sentences = [
            [names[row] for row in playlist[start : start + LONGEST]]
            for playlist in map(library.playlist, range(library.playlists))
            for start in range(0, len(playlist), LONGEST)
        ]
        self.left = cancellation.listening()

    def __iter__(self) -> Iterator[list[str]]:
        for sentence in self.sentences:
            if self.left():
                return
            yield sentence

    def __len__(self) -> int:
        return len(self.sentences)


def _word2vec(left: Callable[[], bool]) -> Any:
    """gensim's Word2Vec, whose threads pass over all batches that wait once nobody waits for them."""
    from gensim.models import Word2Vec

    class Leaving(Word2Vec):  # type: ignore[misc]
        def _do_train_job(self, sentences: Any, alpha: float, inits: Any) -> Any:
            if left():
                return 0, 0
            return super()._do_train_job(sentences, alpha, inits)

    return Leaving


def train(
    library: Library, parameters: Parameters, report: Report = lambda done, total, loss: None
) -> Trained:
    """Vectors of all songs of a library.

    Raises:
        BadInput: parameters out of range, or no song as frequent as min_count.
    """
    told = parameters.checked()
    began = time.perf_counter()
    sentences = _Sentences(library)
    model = _word2vec(sentences.left)(
        vector_size=told.vector_size, window=told.window, negative=told.negative, min_count=told.min_count,
        sg=told.sg, ns_exponent=told.ns_exponent, alpha=told.alpha, sample=told.sample, seed=told.seed,
        workers=told.workers, epochs=told.epochs, compute_loss=True, batch_words=told.batch,
    )  # fmt: skip
    model.build_vocab(sentences)
    cancellation.check()
    if not len(model.wv):
        raise BadInput("songs_min_count", least=told.min_count, most=int(library.counts.max()))
    report(0, told.epochs, 0.0)
    losses = []
    # gensim's own schedule in one call falls linearly from alpha to min_alpha over all epochs; so does this.
    fall = (told.alpha - model.min_alpha) / told.epochs
    for epoch in range(told.epochs):
        model.train(
            sentences, total_examples=model.corpus_count, epochs=1, compute_loss=True,
            start_alpha=told.alpha - epoch * fall, end_alpha=told.alpha - (epoch + 1) * fall, queue_factor=1,
        )  # fmt: skip
        cancellation.check()
        losses.append(float(model.get_latest_training_loss()) / max(1, len(library.items)))
        report(epoch + 1, told.epochs, losses[-1])
    vectors = _in_rows(model.wv, len(library))
    if told.centre:
        known = vectors.any(axis=1)
        vectors[known] -= vectors[known].mean(0)
    return Trained(told, vectors, tuple(losses), time.perf_counter() - began)


def _in_rows(learned: Any, count: int) -> NDArray[np.float32]:
    """[count, vector_size]: gensim orders by frequency, a library by row."""
    vectors = np.zeros((count, learned.vector_size), np.float32)
    vectors[[int(name) for name in learned.index_to_key]] = learned.vectors
    return vectors
