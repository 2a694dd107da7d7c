"""Delimited rows to the table of a file of sentences: which row names the columns, and every row as wide."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from playground import ASSETS
from playground.engine.tables.charset import one_line
from playground.engine.tables.delimited import Delimited, Row

COLUMNS = 64
ROWS = 100_000  # that are read at most


@functools.cache
def known() -> dict[str, list[str]]:
    """Usual names of columns: of the ``text``, and of the ``label``."""
    found = json.loads((ASSETS / "embeddings" / "sentences" / "columns.json").read_text(encoding="utf-8"))
    return {"text": found["text"], "label": found["label"]}


def names(cells: Iterable[str]) -> list[str]:
    """Names of columns, each one once."""
    found: list[str] = []
    for place, cell in enumerate(cells):
        name = one_line(cell)[:60] or str(place + 1)
        while name in found:
            name += "+"
        found.append(name)
    return found


def separated(table: Delimited) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """Names of the columns, rows as wide, and what was told of them.

    Returns:
        names: of the first row if that names columns; a single column is "", others are numbered.
        rows: in reading order, none without a cell that holds something.
        told: ``quotes`` (lines with a stray quotation mark), ``joined`` (rows whose surplus went back into
            the last cell), ``ragged`` (rows filled up or cut).
    """
    told: dict[str, Any] = {}
    rows = list(islice(table.rows(), ROWS + 1))
    if not rows:
        return [""], [], told
    stray = sum(row.stray for row in rows)
    if stray:
        told["quotes"] = stray
    cells = [row.cells for row in rows]
    if _heading(cells):
        named, body = names(cells[0][:COLUMNS]), rows[1:]
        last = len(cells[0]) <= COLUMNS and text_column(named, cells[1:501]) == len(named) - 1
    else:
        width = _width(cells)
        named, body, last = [""] if width == 1 else [str(place + 1) for place in range(width)], rows, True
    return named, _even(body, len(named), table.delimiter, last, told), told


def names_text(table: Delimited) -> bool:
    """Whether the first of at least two rows has several cells, one of which is a usual name of a text.

    So much makes a table even of a file whose name does not say that it is one.
    """
    first = [row.cells for row in islice(table.rows(), 2)]
    usual = {*known()["text"]}
    return (
        len(first) == 2
        and len(first[0]) == len(first[1]) > 1
        and any(cell.strip().lower() in usual for cell in first[0])
        and all(len(cell) <= 40 for cell in first[0])
    )


def text_column(named: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The place of the column that is most likely the text: by its name, else the longest cells."""
    lowered = {name.strip().lower(): place for place, name in reversed(list(enumerate(named)))}
    for each in known()["text"]:
        if each in lowered:
            return lowered[each]
    lengths = [sum(len(row[place]) for row in rows if place < len(row)) for place in range(len(named))]
    return lengths.index(max(lengths))


def _heading(rows: Sequence[list[str]]) -> bool:
    """Whether the first row names the columns: usual names, or short, all different, and no sentences."""
    first = [cell.strip() for cell in rows[0]]
    usual = {*known()["text"], *known()["label"], "id", "score"}
    if any(cell.lower() in usual for cell in first):
        return True
    odd = any(
        not cell or len(cell) > 40 or cell[0] == '"' or re.fullmatch(r"[-+\d.,]+", cell) for cell in first
    )
    return (
        len(rows) > 1
        and len(first) > 1
        and not odd
        and len(set(first)) == len(first)
        and not any(re.search(r"[.!?\u3002\uff01\uff1f]$", cell) for cell in first)
        and 2 * sum(len(row) == len(first) for row in rows[1:]) >= len(rows) - 1
    )


def _width(rows: Sequence[list[str]]) -> int:
    """Columns of rows without names: what most rows have; else one if many have one; else the widest's."""
    widths = Counter(map(len, rows))
    commonest, count = widths.most_common(1)[0]
    if 2 * count < len(rows):
        # Where a fifth has no delimiter at all, the others' are commas of sentences; of a few rows who knows.
        prose = len(rows) >= 10 and 5 * widths[1] >= len(rows)
        commonest = 1 if prose else max(widths)
    return min(COLUMNS, commonest)


def _even(
    rows: Sequence[Row], width: int, delimiter: str, last: bool, told: dict[str, Any]
) -> list[list[str]]:
    """All rows as wide as the table; surplus goes back into the last cell, where that is the text."""
    made = []
    for row in rows:
        cells = row.cells
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]  # a delimiter at the end of the line
        if len(cells) > width and last:
            # As it was typed, with the blanks after commas; what was quoted, by its cells.
            if row.raw and '"' not in row.raw:
                cells = row.raw.split(delimiter)[: len(cells)]
            cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
            told["joined"] = told.get("joined", 0) + 1
        elif len(cells) != width:
            told["ragged"] = told.get("ragged", 0) + 1
            cells = [*cells, *[""] * width][:width]
        made.append(cells)
    return made
