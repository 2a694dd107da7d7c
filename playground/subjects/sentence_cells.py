"""CSV and TSV to rows of cells, where quotation marks may be stray and rows ragged.

A quotation mark that nothing closes costs its own line and no other: RFC 4180 is followed as long as it can
be, and a line that breaks it is taken as it stands.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from playground.subjects.sentence_texts import known, names

COLUMNS = 64
ROWS = 100_000  # that are read at most
SPAN = 200  # lines of one cell: what is longer is a quotation mark that was never closed
WASTE = 4  # times the file may be read in vain after stray quotation marks, before none is believed any more


@dataclass(frozen=True)
class Row:
    """One row as it was parted, and the line that it came from ("": several)."""

    cells: list[str]
    raw: str


def separated(text: str, kind: str) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """Names of the columns, rows as wide, and what was told of them.

    Args:
        kind: ``tsv``, or anything else, whose delimiter is guessed.

    Returns:
        names: of the first row if that names columns; a single column is "", others are numbered.
        rows: in reading order, none without a cell that holds something.
        told: ``quotes`` (lines with a stray quotation mark), ``joined`` (rows whose surplus went back into
            the last cell), ``ragged`` (rows filled up or cut).
    """
    lines = list(io.StringIO(text.lstrip("\ufeff"), newline=""))
    delimiter = "\t" if kind == "tsv" else _delimiter(lines)
    told: dict[str, Any] = {}
    rows: list[Row] = []
    for row in _rows(lines, delimiter, told):
        if any(cell.strip() for cell in row.cells):
            rows.append(row)
        if len(rows) > ROWS:
            break
    if not rows:
        return [""], [], told
    cells = [row.cells for row in rows]
    if _heading(cells):
        named, body = names(cells[0][:COLUMNS]), rows[1:]
        last = len(cells[0]) <= COLUMNS and text_column(named, cells[1:501]) == len(named) - 1
    else:
        width = _width(cells)
        named, body, last = [""] if width == 1 else [str(place + 1) for place in range(width)], rows, True
    return named, _even(body, len(named), delimiter, last, told), told


def text_column(named: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The place of the column that is most likely the text: by its name, else the longest cells."""
    lowered = {name.strip().lower(): place for place, name in reversed(list(enumerate(named)))}
    for each in known()["text"]:
        if each in lowered:
            return lowered[each]
    lengths = [sum(len(row[place]) for row in rows if place < len(row)) for place in range(len(named))]
    return lengths.index(max(lengths))


def _delimiter(lines: Sequence[str]) -> str:
    """The commonest one of the first line that has any."""
    for line in islice((line for line in lines if line.strip()), 50):
        counts = {each: line.count(each) for each in ",;\t|"}
        if any(counts.values()):
            return max(counts, key=lambda each: counts[each])
    return ","


def _rows(lines: Sequence[str], delimiter: str, told: dict[str, Any]) -> Iterator[Row]:
    """Records in reading order; those that quote wrongly, line by line as they stand."""
    csv.field_size_limit(2**31 - 1)
    place, left = 0, WASTE * sum(map(len, lines)) + 10**6
    while place < len(lines):
        if left > 0:  # else quotation marks are letters like any other
            for cells, taken in _strict(lines, place, delimiter):
                if cells is None:
                    left -= sum(map(len, lines[place : place + taken]))
                    break
                yield Row(cells, _bare(lines[place]) if taken == 1 else "")
                place += taken
            if place == len(lines):
                return
        bare = _bare(lines[place])
        if '"' in bare:
            told["quotes"] = told.get("quotes", 0) + 1
        yield Row(bare.split(delimiter), bare)
        place += 1


def _strict(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[list[str] | None, int]]:
    """Records with the lines they take; None for the first that breaks the rules or takes too many lines."""
    fed = begun = start

    def feed() -> Iterator[str]:
        nonlocal fed
        while fed < len(lines) and fed - begun <= SPAN:
            fed += 1
            yield lines[fed - 1]

    reader = csv.reader(feed(), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for cells in reader:
            # Tabs and line ends in one cell: several rows that two stray marks hold together.
            if delimiter == "\t" and fed - begun > 1 and any("\t" in c and "\n" in c for c in cells):
                break
            taken, begun = fed - begun, fed
            yield cells, taken
        else:
            return
    except csv.Error:
        pass
    yield None, fed - begun


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


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
