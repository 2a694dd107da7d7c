"""CSV, TSV and their kin to rows of cells: the one reader of delimited files, whoever brings them.

RFC 4180 is followed as long as it can be. A quotation mark that nothing closes costs its own line and no
other: a line that breaks the rules is taken as it stands, and marked. Excel's first line ``sep=;`` names the
delimiter; without it the delimiter is sniffed. What the columns mean is for those who read them.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from playground.engine.tables.charset import ended

DELIMITERS = ",;\t|"
SNIFFED = 50  # lines that are looked at to find the delimiter
SPAN = 200  # lines of one cell at most: what is longer is a quotation mark that was never closed
WASTE = 4  # times the file may be read in vain after stray quotation marks, before none is believed any more
SEP = re.compile(r'"?sep=(\\t|[^"\w\s]|\t| )"?[,;\t]*\s*', re.IGNORECASE)
OPENING = re.compile(r' *"')
QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True)
class Row:
    """One row as it was parted, and what it came from.

    Args:
        raw: its line as it stands; "" where it takes several.
        stray: whether a quotation mark in it breaks the rules, so that its cells are a guess.
    """

    cells: list[str]
    raw: str = ""
    stray: bool = False


@dataclass(frozen=True)
class Delimited:
    """A delimited text.

    Args:
        delimiter: between cells.
        named: whether a line ``sep=`` says so itself.
        lines: of the text, with their ends, without that line.
    """

    delimiter: str
    named: bool
    lines: list[str]

    def rows(self, span: int = SPAN) -> Iterator[Row]:
        """Rows in reading order, but those without a cell that holds something.

        Args:
            span: lines that a cell may take: 1 where none has a reason to hold a line end, so that two stray
                quotation marks cannot swallow the rows between them.
        """
        csv.field_size_limit(2**31 - 1)
        width = 0
        for row in _rows(self.lines, self.delimiter, span):
            if not any(cell.strip() for cell in row.cells):
                continue
            width = width or len(row.cells)
            tries = (_mended(row.raw, self.delimiter, all_quoted) for all_quoted in (True, False))
            mended = next((each for each in tries if len(each) == width), None) if row.stray else None
            yield Row(mended, row.raw) if mended else row


def parse(text: str, delimiter: str = "") -> Delimited:
    """Find out how a text is delimited.

    Args:
        delimiter: where it is known; a line ``sep=`` is believed before it.
    """
    lines = ended(text.lstrip("\ufeff"))
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    told = SEP.fullmatch(lines[first]) if lines else None
    if told:
        return Delimited("\t" if told[1] == "\\t" else told[1], True, lines[first + 1 :])
    return Delimited(delimiter or _sniffed(lines), False, lines)


def _sniffed(lines: Sequence[str]) -> str:
    """The delimiter of which most lines have as many as the first one that has any; of equals the commonest.

    What stands within quotation marks does not count.
    """
    some = [QUOTED.sub("", line) for line in islice((line for line in lines if line.strip()), SNIFFED)]
    first = next((line for line in some if any(each in line for each in DELIMITERS)), "")
    best, most = ",", (0.0, 0)
    for each in DELIMITERS:
        counts = Counter(line.count(each) for line in some)
        count = first.count(each)
        if count and (counts[count] / len(some), count) > most:
            best, most = each, (counts[count] / len(some), count)
    return best


def _rows(lines: Sequence[str], delimiter: str, span: int) -> Iterator[Row]:
    """Records in reading order; those that quote wrongly, line by line as they stand."""
    place, left = 0, WASTE * sum(map(len, lines)) + 10**6
    while place < len(lines):
        if left > 0:  # else quotation marks are letters like any other
            for cells, taken in _strict(lines, place, delimiter, span):
                if cells is None:
                    left -= sum(map(len, lines[place : place + taken]))
                    break
                yield Row(cells, _bare(lines[place]) if taken == 1 else "")
                place += taken
            if place == len(lines):
                return
        bare = _bare(lines[place])
        yield Row(bare.split(delimiter), bare, '"' in bare)
        place += 1


def _strict(
    lines: Sequence[str], start: int, delimiter: str, span: int
) -> Iterator[tuple[list[str] | None, int]]:
    """Records with the lines they take; None for the first that breaks the rules or takes too many lines."""
    fed = begun = start

    def feed() -> Iterator[str]:
        nonlocal fed
        while fed < len(lines) and fed - begun < span:
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


def _mended(line: str, delimiter: str, all_quoted: bool) -> list[str]:
    """The cells of a line with marks within marks, ``"Rhythm "Live" Mix",x``: one closes a cell only before
    a delimiter or the end. Empty where one is never closed.

    Args:
        all_quoted: another mark must follow that delimiter.
    """
    cells, place = [], 0
    after = '(?=\\s*")' if all_quoted else ""
    end = re.compile(f'"\\s*(?:{re.escape(delimiter)}{after}|$)')
    while place <= len(line):
        if opening := OPENING.match(line, place):
            place = opening.end()
            closing = end.search(line, place)
            if closing is None:
                return []
            cells.append(line[place : closing.start()])
            place = closing.end() if closing[0][-1] == delimiter else len(line) + 1
        else:
            stop = line.find(delimiter, place)
            stop = len(line) if stop < 0 else stop
            cells.append(line[place:stop])
            place = stop + 1
    return cells


def _bare(line: str) -> str:
    return line.rstrip("\r\n")
