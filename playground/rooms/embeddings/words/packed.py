"""GloVe as NVIDIA packs it: vectors that stay on the disk, and words in a tenth of what a dictionary takes.

400,000 words of 50 numbers: the matrix is mapped into memory and read from there, never copied; the words are
one text, and a word is found in it by halves. So all of it takes 90 MB, of which 80 are pages of a file that
the system may drop at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from playground.engine.tables import parquet
from playground.errors import CannotLoad
from playground.models.cache import Progress, Stage
from playground.models.catalog import ModelCard
from playground.models.loaders.places import explain_errors, imported
from playground.system import cancellation

VECTORS = "data/glove_6B_50d_emb.npy"
WORDS = "data/glove_6B_index.parquet"
COLUMN = "index"
BLOCK = 1 << 15  # words whose numbers are looked at at once


class Words(Sequence[str]):
    """Words in their order, each where it stands in one text."""

    def __init__(self, words: Sequence[str]) -> None:
        told = [word.encode() for word in words]
        self._text = b"".join(told)
        self._ends = np.cumsum([len(each) for each in told], dtype=np.uint32)

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return len(self._text) + self._ends.nbytes

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place = int(place) % len(self)
        start = int(self._ends[place - 1]) if place else 0
        return self._text[start : int(self._ends[place])].decode()


class Places(Mapping[str, int]):
    """Word → its place, found by halves in the words' alphabetical order."""

    def __init__(self, words: Words) -> None:
        self._words = words
        spelled = words[:]
        self._order = np.array(sorted(range(len(words)), key=spelled.__getitem__), np.uint32)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes beside the words."""
        return self._order.nbytes

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __getitem__(self, word: str) -> int:
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) // 2
            if self._words[int(self._order[middle])] < word:
                low = middle + 1
            else:
                high = middle
        if low == len(self._order) or self._words[place := int(self._order[low])] != word:
            raise KeyError(word)
        return place


def estimate(folder: Path) -> int:
    """Bytes of a package's vectors and words."""
    return folder.joinpath(VECTORS).stat().st_size + 3 * folder.joinpath(WORDS).stat().st_size


def load(card: ModelCard, folder: Path, progress: Progress) -> tuple[Any, int, NDArray[np.float32]]:
    """The vectors as gensim's ``KeyedVectors``, the bytes they take, and each vector's length.

    Args:
        folder: of the package's files.

    Raises:
        CannotLoad: broken files, or as many vectors as there are words not.
    """
    progress(Stage(card.name, "read"))
    kept = imported("gensim.models", "KeyedVectors")
    with explain_errors(card, "broken_words"):
        matrix = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        words = Words(parquet.texts(folder / WORDS, COLUMN))
        if matrix.ndim != 2 or matrix.dtype != np.float32 or len(matrix) != len(words):
            raise CannotLoad("broken_words", name=card.name)
        parts = []
        for at in cancellation.asking(range(0, len(matrix), BLOCK)):
            parts.append(np.linalg.norm(matrix[at : at + BLOCK], axis=1))
            if not np.isfinite(parts[-1]).all():
                raise CannotLoad("words_numbers", name=card.name)
        made = kept(matrix.shape[1])
        made.vectors, made.index_to_key, made.key_to_index = matrix, words, Places(words)
        lengths = np.concatenate(parts).astype(np.float32)
    return made, matrix.nbytes + words.nbytes + made.key_to_index.nbytes + lengths.nbytes, lengths
