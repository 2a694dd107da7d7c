"""Parquet files: their columns as texts. Read by fastparquet; pyarrow would be thirteen times its size."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.errors import BadInput, out_of_memory

MAGIC = b"PAR1"
UNPACKED = 2**28  # bytes that the columns of a file of a visitor's may say to take


@dataclass(frozen=True)
class Columns:
    """What a file holds.

    Args:
        names: of its columns.
        rows: cells, one list a row; of a value that is no text what Python writes, of a missing one "".
        over: rows that the file has beyond those that were asked for.
    """

    names: list[str]
    rows: list[list[str]]
    over: int = 0


def is_parquet(content: bytes) -> bool:
    """Whether a file says that it is one."""
    return content[:4] == MAGIC and content[-4:] == MAGIC


def texts(path: Path, column: str) -> list[str]:
    """A column of texts of a file that this app vouches for.

    Raises:
        KeyError: there is none of this name. ValueError: a cell is no text. Whatever the library does on a
            broken file.
    """
    from fastparquet import ParquetFile

    found: list[str] = ParquetFile(str(path)).to_pandas(columns=[column])[column].tolist()
    if not all(isinstance(each, str) for each in found):
        raise ValueError(f"{column} holds what is no text")
    return found


def read(name: str, content: bytes, most: int, columns: int) -> Columns:
    """A file that a visitor brought.

    Args:
        most: rows that are read; those of the groups that hold them.
        columns: that are read, the first ones.

    Raises:
        BadInput: it is broken, or would take too much memory.
    """
    from fastparquet import ParquetFile

    try:
        file = ParquetFile(io.BytesIO(content))
        if _unpacked(file) > UNPACKED:
            raise BadInput("parquet_large", name=name, limit=UNPACKED)
        names = [str(each) for each in file.columns][:columns]
        rows: list[list[str]] = []
        for group in range(len(file.row_groups)):
            if len(rows) >= most:
                break
            frame = file[group : group + 1].to_pandas(columns=names, index=False)
            rows += [list(map(_said, row)) for row in frame.itertuples(index=False, name=None)]
        return Columns(names, rows[:most], max(0, int(file.count()) - most))
    except BadInput:
        raise
    except Exception as error:  # the library raises anything on broken files
        if out_of_memory(error):
            raise
        raise BadInput("parquet_broken", name=name) from error


def _unpacked(file: Any) -> int:
    """Bytes that the columns say to take once they are unpacked."""
    groups = (column.meta_data for group in file.row_groups for column in group.columns)
    return sum(int(about.total_uncompressed_size) for about in groups)


def _said(value: Any) -> str:
    """A value as a cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    missing = value is None or (isinstance(value, float) and value != value) or str(value) in ("NaT", "<NA>")
    return "" if missing else str(value)
