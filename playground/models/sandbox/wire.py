"""Messages between this process and a child that is not trusted: JSON and columns of numbers, never pickles.

A frame is four bytes (the length of its JSON), the JSON (``{"message": …, "columns": [[name, type, n], …]}``)
and the columns' bytes, one after the other. Whoever reads one knows before how much it may hold.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

LONGEST = 2**25  # bytes of the JSON of one frame
LARGEST = 2**28  # bytes of all columns of one frame
TYPES: dict[str, np.dtype[Any]] = {"int32": np.dtype("<i4"), "uint8": np.dtype("u1")}
HEAD = struct.Struct(">I")

Message = dict[str, Any]
Columns = Mapping[str, np.ndarray]


class Malformed(ValueError):
    """The other side sent what is no frame, or too large a one."""


class TooLarge(ValueError):
    """What should be sent is larger than a frame may be."""


def send(stream: IO[bytes], message: Message, columns: Columns | None = None) -> None:
    """One frame. Columns are one-dimensional, of int32 or uint8.

    Raises:
        TooLarge: nothing was sent. OSError: the other side is gone.
    """
    given = columns or {}
    named = [(name, column.dtype.name, len(column)) for name, column in given.items()]
    text = json.dumps({"message": message, "columns": named}, separators=(",", ":")).encode()
    if len(text) > LONGEST or sum(column.nbytes for column in given.values()) > LARGEST:
        raise TooLarge
    stream.write(HEAD.pack(len(text)) + text)
    for name, kind, _ in named:
        stream.write(np.ascontiguousarray(given[name], TYPES[kind]).tobytes())
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Message, dict[str, np.ndarray]]:
    """The next frame; the columns may be written to.

    Raises:
        EOFError: the stream ends. Malformed: what comes is no frame.
    """
    (length,) = HEAD.unpack(_exactly(stream, HEAD.size))
    if length > LONGEST:
        raise Malformed(f"{length} bytes of JSON")
    try:
        whole = json.loads(_exactly(stream, length))
        message, named = whole["message"], whole["columns"]
        shapes = [(str(name), TYPES[kind], int(count)) for name, kind, count in named]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if not isinstance(message, dict) or any(count < 0 for _, _, count in shapes):
        raise Malformed("no message")
    if sum(kind.itemsize * count for _, kind, count in shapes) > LARGEST:
        raise Malformed("columns too large")
    found = {
        name: np.frombuffer(_exactly(stream, kind.itemsize * count), kind) for name, kind, count in shapes
    }
    return message, found


def _exactly(stream: IO[bytes], count: int) -> bytearray:
    buffer = bytearray(count)
    view, at = memoryview(buffer), 0
    while at < count:
        read = stream.readinto(view[at:])  # type: ignore[attr-defined]
        if not read:
            raise EOFError
        at += read
    return buffer


def text_column(texts: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Byte strings as one column of all bytes, uint8, and one of their lengths, int32."""
    lengths = np.array([len(each) for each in texts], np.int32)
    return np.frombuffer(b"".join(texts), np.uint8), lengths
