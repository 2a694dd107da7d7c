"""Word vectors as gensim's ``KeyedVectors``: a model's own input matrix, or a word2vec or GloVe file."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import CannotLoad
from playground.models.cache import Progress, Stage
from playground.models.catalog import ModelCard
from playground.models.loaders.places import check, explain_errors, imported
from playground.system import cancellation

WORD = re.compile(r"[a-z]{2,}")  # of the input matrix: no parts, special tokens, digits or single signs
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ODD = 0.001  # of the words of a binary file that may be no UTF-8: large ones of the press hold a few
MATRIX = "embeddings.word_embeddings.weight"
OVERHEAD = 200  # bytes a word takes beside its vector: the string, its place in a list and in a dictionary
LINE = 1 << 18  # bytes of the longest line: thousands of numbers
SPELLED = 100  # bytes of a word in a binary file, on average at most
BLOCK = 1 << 14  # words of which room is made at once
READ = 1 << 22  # bytes of a binary file that are read at once


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
    with explain_errors(card, "broken_words"):
        if path.is_dir():
            loaded = _input_matrix(card, path, vectors)
        else:
            binary = path.suffix == ".bin" if binary is None else binary
            loaded = _read(card, path, vectors, binary, progress)
    return loaded, loaded.vectors.nbytes + OVERHEAD * len(loaded.index_to_key)


def _read(card: ModelCard, path: Path, vectors: Any, binary: bool, progress: Progress) -> Any:
    counts = _counts(path)
    # Before anything is allocated: gensim believes the first line.
    if counts and not _possible(path, *counts):
        raise CannotLoad("words_counts", name=card.name, words=counts[0], numbers=counts[1])
    if binary and not counts:
        raise CannotLoad("broken_words", name=card.name)
    if binary and counts:
        words, matrix = _binary(card, path, counts, progress)
    else:
        words, matrix = _text(card, path, counts, progress)
    for at in cancellation.asking(range(0, len(matrix), BLOCK)):
        if not np.isfinite(matrix[at : at + BLOCK]).all():
            raise CannotLoad("words_numbers", name=card.name)
    made = vectors(matrix.shape[1])
    made.vectors, made.index_to_key = matrix, words
    made.key_to_index = {word: row for row, word in enumerate(words)}
    return made


def _binary(
    card: ModelCard, path: Path, counts: tuple[int, int], progress: Progress
) -> tuple[list[str], NDArray[np.float32]]:
    """Word2vec's binary form: a word, a blank and its numbers; of a word that stands twice the first.

    The counts are believed only if the file ends where they say, and what they make words of are words:
    gensim's own reader takes any bytes for words, and does not look for the end.
    """
    count, width = counts
    lying = CannotLoad("words_counts", name=card.name, words=count, numbers=width)
    words: dict[str, None] = {}
    matrix = np.empty(counts, np.float32)
    held, at, odd = b"", 0, 0
    with _open(path) as stream:
        stream.readline()
        for row in cancellation.asking(range(count)):
            end = held.find(b" ", at)
            while end < 0 or len(held) < end + 1 + 4 * width:
                more = stream.read(READ)
                if not more or (end < 0 and len(held) - at > LINE):
                    raise lying
                held, at = held[at:] + more, 0
                end = held.find(b" ")
            name = held[at:end].lstrip(b"\n")  # some writers end a row's numbers with one
            word = name.decode(errors="replace")
            odd += not word or CONTROL.search(word) is not None or word.encode() != name
            if word not in words:
                matrix[len(words)] = np.frombuffer(held, "<f4", width, end + 1)
                words[word] = None
            at = end + 1 + 4 * width
            if row % BLOCK == 0:
                progress(Stage(card.name, "read"))
        if (held[at:] + stream.read(LINE)).strip() or odd > count * ODD:
            raise lying
    return list(words), matrix[: len(words)]


def _text(
    card: ModelCard, path: Path, counts: tuple[int, int] | None, progress: Progress
) -> tuple[list[str], NDArray[np.float32]]:
    """Word2vec's text form, or GloVe's: a word and its numbers a line; of a word that stands twice the first.

    gensim's own reader takes several times as long and does not say which line is wrong.
    """
    words: dict[str, None] = {}
    blocks: list[NDArray[np.float32]] = []
    lines, width, filled = 0, counts[1] if counts else 0, BLOCK
    with _open(path) as stream:
        if counts:
            stream.readline()
        while line := stream.readline(LINE):
            if len(line) == LINE:
                raise CannotLoad("broken_words", name=card.name)
            if not line.strip():
                continue
            cancellation.check()
            lines += 1
            if counts and lines > counts[0]:
                continue  # only counted
            width = width or len(line.split()) - 1
            if width < 2:
                raise CannotLoad("broken_words", name=card.name)
            name, *numbers = line.strip(b" \t\r\n").replace(b"\t", b" ").rsplit(b" ", width)
            try:
                word, row = name.decode(), np.array(numbers, np.float32)
            except UnicodeDecodeError as error:
                raise CannotLoad("words_encoding", name=card.name, line=lines + bool(counts)) from error
            except ValueError as error:
                raise CannotLoad("words_line", name=card.name, line=lines + bool(counts)) from error
            if len(row) != width or not word:
                raise CannotLoad("words_line", name=card.name, line=lines + bool(counts))
            if word in words:
                continue
            if filled == BLOCK:
                progress(Stage(card.name, "read"))
                blocks.append(np.empty((BLOCK if not counts else min(BLOCK, counts[0]), width), np.float32))
                filled = 0
            words[word] = None
            blocks[-1][filled] = row
            filled += 1
    if counts and lines != counts[0]:
        raise CannotLoad("words_lines", name=card.name, words=counts[0], lines=lines)
    if not words:
        raise CannotLoad("broken_words", name=card.name)
    return list(words), np.concatenate(blocks)[: len(words)]


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
