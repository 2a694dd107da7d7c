"""The header of a GGUF file: metadata, and of every tensor name, shape, format and place. Never a weight.

A file may come from anywhere, so nothing that it says is believed: no count reserves memory before the bytes
are there, what is longer than any model's is refused, and so is a tensor that would lie beyond the end.
The format is llama.cpp's: ``GGUF``, version, counts, then key and value pairs, then the tensors' table.
"""

from __future__ import annotations

import functools
import math
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from playground.errors import CannotLoad
from playground.models.gguf.kinds import KINDS, Kind

SUFFIX = ".gguf"
MAGIC = b"GGUF"
VERSIONS = (2, 3)  # the first one counted in 32 bits, and no file of it is left
LARGEST = 2**26  # bytes of a header; those with 260,000 tokens have 15 MB
PAIRS, TENSORS, ITEMS = 10_000, 100_000, 2**22
LONGEST_NAME, LONGEST_TEXT = 2**10, 2**22  # bytes
DIMENSIONS = 4
MOST_NUMBERS = 2**46  # of one tensor
CHUNK = 2**20  # bytes read at once
LAYERS = 4096  # numbers of a list that are kept in any case: one a layer
SHOWN = 16  # items of a list that are kept where its length is all that is asked for
ALIGNMENT = 32
PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
# What is no list and no text: the format's number → struct's letter, NumPy's type.
NUMBERS = {
    0: ("B", "u1"), 1: ("b", "i1"), 2: ("H", "<u2"), 3: ("h", "<i2"), 4: ("I", "<u4"), 5: ("i", "<i4"),
    6: ("f", "<f4"), 7: ("?", "?"), 10: ("Q", "<u8"), 11: ("q", "<i8"), 12: ("d", "<f8"),
}  # fmt: skip
TEXT, LIST = 8, 9


@dataclass(frozen=True)
class Listed:
    """A list of the metadata.

    Args:
        count: how many items it has.
        first: the first few, or all of them where they were asked for.
    """

    count: int
    first: tuple[Any, ...]


@dataclass(frozen=True)
class Tensor:
    """One tensor.

    Args:
        shape: as torch has it, rows first.
        offset: of its bytes, from where the tensors begin.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    offset: int

    @property
    def count(self) -> int:
        """Numbers."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """In the file."""
        return self.count // self.kind.block * self.kind.size


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Args:
        metadata: by key; numbers, texts, and `Listed`.
        start: where the tensors' bytes begin.
        size: bytes of the file.
    """

    version: int
    metadata: Mapping[str, Any]
    tensors: tuple[Tensor, ...]
    start: int
    size: int

    @property
    def architecture(self) -> str:
        """``llama``, ``qwen2``, …; "" where it does not say."""
        said = self.metadata.get("general.architecture")
        return said if isinstance(said, str) else ""

    @property
    def parameters(self) -> int:
        """Numbers of all tensors; what is tied is there once."""
        return sum(tensor.count for tensor in self.tensors)

    @property
    def main_kind(self) -> str:
        """The format of most numbers."""
        counted: Counter[str] = Counter()
        for tensor in self.tensors:
            counted[tensor.kind.name] += tensor.count
        return counted.most_common(1)[0][0] if counted else ""

    def number(self, key: str, otherwise: int = 0) -> int:
        """A whole number of the metadata; of a list (one a layer) the largest."""
        found = self.metadata.get(key)
        if isinstance(found, Listed):
            found = max((each for each in found.first if type(each) is int), default=None)
        return found if type(found) is int and found >= 0 else otherwise

    def own(self, key: str, otherwise: int = 0) -> int:
        """A whole number under the architecture's name: ``block_count`` of ``llama.block_count``."""
        return self.number(f"{self.architecture}.{key}", otherwise)


class _Lies(Exception):
    """The header is none, or says what cannot be."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


class _Reader:
    """A header's bytes, read as far as they are needed and never beyond `LARGEST`."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._data, self.at = stream, bytearray(), 0

    def _have(self, end: int) -> None:
        if end > LARGEST:
            raise _Lies("gguf_header_large", most=LARGEST)
        while len(self._data) < end:
            more = self._stream.read(CHUNK)
            if not more:
                raise _Lies("gguf_cut")
            self._data += more

    def take(self, count: int) -> bytes:
        """The next so many bytes."""
        end = self.at + count
        self._have(end)
        found = bytes(self._data[self.at : end])
        self.at = end
        return found

    def number(self, letter: str) -> Any:
        """The next number, of one of struct's types."""
        form = struct.Struct("<" + letter)
        return form.unpack(self.take(form.size))[0]

    def text(self, longest: int) -> str:
        """The next text."""
        length = self.number("Q")
        if length > longest:
            raise _Lies("gguf_broken")
        return self.take(length).decode("utf-8", "replace")

    def skip_texts(self, count: int) -> None:
        """Pass so many texts."""
        read = struct.Struct("<Q").unpack_from
        for _ in range(count):
            self._have(self.at + 8)
            (length,) = read(self._data, self.at)
            if length > LONGEST_TEXT:
                raise _Lies("gguf_broken")
            self.at += 8 + length
        self._have(self.at)

    def value(self, kind: int, whole: bool) -> Any:
        """The next value of the metadata.

        Args:
            whole: keep all of a list.
        """
        if kind in NUMBERS:
            return self.number(NUMBERS[kind][0])
        if kind == TEXT:
            return self.text(LONGEST_TEXT)
        if kind != LIST:
            raise _Lies("gguf_broken")
        inner, count = self.number("I"), self.number("Q")
        if count > ITEMS:
            raise _Lies("gguf_broken")
        if inner in NUMBERS:
            form = np.dtype(NUMBERS[inner][1])
            items = np.frombuffer(self.take(count * form.itemsize), form)
            return Listed(count, tuple((items if whole or count <= LAYERS else items[:SHOWN]).tolist()))
        if inner != TEXT:
            raise _Lies("gguf_broken")  # lists of lists: nobody writes them
        kept = count if whole else min(count, SHOWN)
        first = tuple(self.text(LONGEST_TEXT) for _ in range(kept))
        self.skip_texts(count - kept)
        return Listed(count, first)


def is_gguf(path: Path) -> bool:
    """Whether a name says that it is one; the first file of several, where a model is cut into parts."""
    if path.suffix.lower() != SUFFIX:
        return False
    part = PART.search(path.name)
    return part is None or int(part[1]) == 1


def read(path: Path, name: str = "", *, vocabulary: bool = False) -> Header:
    """The header of a file.

    Args:
        name: as a visitor knows it.
        vocabulary: keep the whole lists of tokens and merges, which take megabytes.

    Raises:
        CannotLoad: ``gguf_broken`` (no GGUF file, or it says what cannot be), ``gguf_cut`` (it ends too
            early), ``gguf_version``, ``gguf_header_large``, ``gguf_kind`` (a number format that nobody
            knows), ``gguf_parts`` (it is one of several), ``gguf_gone``.
    """
    name = name or path.name
    try:
        about = path.stat()
        if vocabulary:
            return _read(path, about.st_size, vocabulary=True)
        return _known(path, about.st_size, about.st_mtime_ns)
    except _Lies as lie:
        raise CannotLoad(lie.key, name=name, **lie.values) from lie
    except OSError as error:
        raise CannotLoad("gguf_gone", name=name) from error


@functools.lru_cache(maxsize=64)
def _known(path: Path, size: int, changed: int) -> Header:
    """Read again only where the file was written anew."""
    return _read(path, size, vocabulary=False)


def _read(path: Path, size: int, *, vocabulary: bool) -> Header:
    with path.open("rb") as stream:
        reader = _Reader(stream)
        if reader.take(4) != MAGIC:
            raise _Lies("gguf_broken")
        version = reader.number("I")
        if version not in VERSIONS:
            raise _Lies("gguf_version", version=version)
        tensors, pairs = reader.number("Q"), reader.number("Q")
        if tensors > TENSORS or pairs > PAIRS:
            raise _Lies("gguf_broken")
        metadata = _metadata(reader, pairs, vocabulary)
        if _whole(metadata.get("split.count")) > 1:
            raise _Lies("gguf_parts")
        table = [_tensor(reader) for _ in range(tensors)]
    step = _whole(metadata.get("general.alignment", ALIGNMENT))
    if not 0 < step <= CHUNK:
        raise _Lies("gguf_broken")
    start = -(-reader.at // step) * step
    if len({each.name for each in table}) != len(table):
        raise _Lies("gguf_broken")
    if any(start + each.offset + each.bytes > size for each in table):
        raise _Lies("gguf_cut")
    return Header(version, metadata, tuple(table), start, size)


def _metadata(reader: _Reader, pairs: int, vocabulary: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(pairs):
        key = reader.text(LONGEST_NAME)
        if key in found:
            raise _Lies("gguf_broken")
        found[key] = reader.value(reader.number("I"), vocabulary and key.startswith("tokenizer."))
    return found


def _tensor(reader: _Reader) -> Tensor:
    name, dimensions = reader.text(LONGEST_NAME), reader.number("I")
    if dimensions > DIMENSIONS:
        raise _Lies("gguf_broken")
    shape = tuple(reversed([reader.number("Q") for _ in range(dimensions)]))
    kind, offset = reader.number("I"), reader.number("Q")
    if kind not in KINDS:
        raise _Lies("gguf_kind", kind=kind)
    count = math.prod(shape)
    if not 0 < count <= MOST_NUMBERS or (shape[-1] if shape else 1) % KINDS[kind].block:
        raise _Lies("gguf_broken")
    return Tensor(name, KINDS[kind], shape, offset)


def _whole(value: object) -> int:
    return value if type(value) is int else 0
