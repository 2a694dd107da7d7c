"""Word vectors as gensim's ``KeyedVectors``: a model's own input matrix, or a word2vec or GloVe file."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np

from playground.catalog import ModelCard
from playground.errors import CannotLoad
from playground.loaders.places import check, imported, told
from playground.models import Progress, Stage

WORD = re.compile(r"[a-z]{2,}")  # of the input matrix: no parts, special tokens, digits or single signs
MATRIX = "embeddings.word_embeddings.weight"
OVERHEAD = 200  # bytes a word takes beside its vector: the string, its place in a list and in a dictionary
LINE = 1 << 18  # bytes of the longest line: thousands of numbers
SPELLED = 100  # bytes of a word in a binary file, on average at most
CHUNK = 1 << 22


def estimate(path: Path) -> int:
    """Bytes, by the counts in the file's first line where they can be true; else from its size.

    Text takes about three times the vectors that it tells.
    """
    if path.is_dir():
        return path.joinpath("model.safetensors").stat().st_size // 2
    counts, size = _counts(path), path.stat().st_size
    if counts and _possible(path, *counts):
        return counts[0] * (4 * counts[1] + OVERHEAD)
    return size if path.suffix == ".bin" else size // 2


def load(card: ModelCard, path: Path, progress: Progress, binary: bool | None = None) -> tuple[Any, int]:
    """The vectors and the bytes they take.

    Args:
        path: a folder of a BERT-like model, or a file: word2vec's binary form (``.bin``), its text form, or
            GloVe's (which has no first line of counts).
        binary: whether it is the binary form, where the name does not tell.

    Raises:
        CannotLoad: broken, another encoding than UTF-8, numbers that are none, or counts that cannot be true.
    """
    progress(Stage(card.name, "read"))
    vectors = imported("gensim.models", "KeyedVectors")
    with told(card, "broken_words"):
        if path.is_dir():
            loaded = _input_matrix(card, path, vectors)
        else:
            binary = path.suffix == ".bin" if binary is None else binary
            loaded = _read(card, path, vectors, binary)
    return loaded, loaded.vectors.nbytes + OVERHEAD * len(loaded.index_to_key)


def _read(card: ModelCard, path: Path, vectors: Any, binary: bool) -> Any:
    counts = _counts(path)
    # Before anything is allocated: gensim believes the first line.
    if counts and not _possible(path, *counts):
        raise CannotLoad("words_counts", name=card.name, words=counts[0], numbers=counts[1])
    if not binary:
        with _open(path) as stream:
            if len(stream.readline(LINE)) == LINE:
                raise CannotLoad("broken_words", name=card.name)
        if counts and path.suffix != ".gz" and (there := _lines(path) - 1) != counts[0]:
            raise CannotLoad("words_lines", name=card.name, words=counts[0], lines=there)
    elif not counts:
        raise CannotLoad("broken_words", name=card.name)
    try:
        loaded = vectors.load_word2vec_format(str(path), binary=binary, no_header=not counts)
    except UnicodeDecodeError as error:
        raise CannotLoad("words_encoding", name=card.name, position=error.start) from error
    except ValueError as error:
        line = re.search(r"on line (\d+)", str(error))
        if line:
            raise CannotLoad("words_line", name=card.name, line=int(line[1]) + 1) from error
        raise
    if not len(loaded) or not loaded.vector_size:
        raise CannotLoad("broken_words", name=card.name)
    for at in range(0, len(loaded), 1 << 16):
        if not np.isfinite(loaded.vectors[at : at + (1 << 16)]).all():
            raise CannotLoad("words_numbers", name=card.name)
    return loaded


def _open(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _counts(path: Path) -> tuple[int, int] | None:
    """How many words and numbers the first line tells, as word2vec's forms do; None: it tells nothing."""
    with _open(path) as stream:
        first = stream.readline(4096).split()
    if len(first) == 2 and all(part.isdigit() and len(part) < 19 for part in first):
        return int(first[0]), int(first[1])
    return None


def _possible(path: Path, words: int, numbers: int) -> bool:
    """Whether a file of this size can hold so many: at least two bytes a number in text, four in binary."""
    size = path.stat().st_size
    if not words or not numbers:
        return False
    if path.suffix == ".gz":  # packed to a hundredth at best; what we fetch is checked by its sum anyway
        return words * numbers * 2 <= size * 100
    if path.suffix == ".bin":
        least = words * (4 * numbers + 2)
        return least <= size + 64 and size <= least + words * SPELLED + 64
    return words * (2 * numbers + 2) <= size


def _lines(path: Path) -> int:
    count, last = 0, b"\n"
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def _input_matrix(card: ModelCard, path: Path, vectors: Any) -> Any:
    """The whole words of a WordPiece vocabulary with their rows of the input embedding."""
    file = path / "model.safetensors"
    check(card, file)
    words = [line.rstrip("\n") for line in path.joinpath("vocab.txt").open(encoding="utf-8")]
    rows = [row for row, word in enumerate(words) if WORD.fullmatch(word)]
    with imported("safetensors", "safe_open")(str(file), framework="numpy") as tensors:
        matrix = tensors.get_tensor(MATRIX)
    made = vectors(matrix.shape[1])
    made.add_vectors([words[row] for row in rows], matrix[rows])
    return made
