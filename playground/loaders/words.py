"""Word vectors as gensim's ``KeyedVectors``: a model's own input matrix, or a word2vec or GloVe file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playground.catalog import ModelCard
from playground.loaders.places import check, imported, told
from playground.models import Progress, Stage

PIECE = re.compile(r"##|\[.*\]$")  # parts of words, and special tokens
MATRIX = "embeddings.word_embeddings.weight"
OVERHEAD = 200  # bytes a word takes beside its vector: the string, its place in a list and in a dictionary


def estimate(path: Path) -> int:
    """Bytes, from the size of the file: text takes about three times the vectors that it tells."""
    if path.is_dir():
        return path.joinpath("model.safetensors").stat().st_size // 2
    return path.stat().st_size if path.suffix == ".bin" else path.stat().st_size // 2


def load(card: ModelCard, path: Path, progress: Progress) -> tuple[Any, int]:
    """The vectors and the bytes they take.

    Args:
        path: a folder of a BERT-like model, or a file: word2vec's binary form (``.bin``), its text form, or
            GloVe's (which has no first line of counts).
    """
    progress(Stage(card.name, "read"))
    vectors = imported("gensim.models", "KeyedVectors")
    with told(card, "broken_words"):
        if path.is_dir():
            loaded = _input_matrix(card, path, vectors)
        else:
            binary = path.suffix == ".bin"
            loaded = vectors.load_word2vec_format(str(path), binary=binary, no_header=not _counted(path))
    return loaded, loaded.vectors.nbytes + OVERHEAD * len(loaded.index_to_key)


def _counted(path: Path) -> bool:
    """Whether the first line tells how many words and numbers there are, as word2vec's forms do."""
    with path.open("rb") as stream:
        first = stream.readline(4096).split()
    return len(first) == 2 and all(part.isdigit() for part in first)


def _input_matrix(card: ModelCard, path: Path, vectors: Any) -> Any:
    """The whole words of a WordPiece vocabulary with their rows of the input embedding."""
    file = path / "model.safetensors"
    check(card, file)
    words = [line.rstrip("\n") for line in path.joinpath("vocab.txt").open(encoding="utf-8")]
    rows = [row for row, word in enumerate(words) if word and not PIECE.match(word)]
    with imported("safetensors", "safe_open")(str(file), framework="numpy") as tensors:
        matrix = tensors.get_tensor(MATRIX)
    made = vectors(matrix.shape[1])
    made.add_vectors([words[row] for row in rows], matrix[rows])
    return made
