"""CSV that no spreadsheet computes anything from.

Excel and its kin take a cell for a formula by its first character, whatever the file's author meant by it. A
cell is marked by an apostrophe before it, as one types a text into a spreadsheet.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

COMPUTED = frozenset("=+-@\N{MINUS SIGN}")  # what begins a formula, in every width (NFKC makes them the same)
NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d+)*|[.,]\d+)(e[-+]?\d+)?\s*%?\s*", re.IGNORECASE | re.ASCII)
# Another locale parts cells by another sign than this file does, and then any of these begins one.
PARTED = re.compile("([,;|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
LEADING = "\t\r\n"  # are taken away before a spreadsheet looks at what follows


def safe(cell: str, *, first: bool = False, followed: bool = False) -> str:
    """A cell's text, marked by apostrophes where a spreadsheet would compute instead of show.

    Numbers stay numbers, also negative ones, but for those that are only the beginning of what another locale
    takes for one cell: where a semicolon parts cells, ``-1,1+1`` is a formula. Every place is marked where
    some locale sees a new cell begin: ``a;=1+1`` becomes ``a;'=1+1``.

    Args:
        first: of its row, so that all locales begin a cell with it.
        followed: by other texts in its row.
    """
    parts = PARTED.split(cell)  # texts, and between them what parts them
    alone = re.search(r"\d", parts[0]) and not (first and followed and _computed(cell))
    if NUMBER.fullmatch(cell) and alone:
        return cell
    marked = "".join(
        f"'{part}" if at % 2 == 0 and _computed(part) and not _is_whole(parts, at, first, followed) else part
        for at, part in enumerate(parts)
    )
    return f"'{marked}" if cell[:1] and cell[0] in LEADING else marked


def _is_whole(parts: list[str], at: int, first: bool, followed: bool) -> bool:
    """Whether a part is a number, and all of the cell that some locale sees begin with it."""
    if not NUMBER.fullmatch(parts[at]):
        return False
    rest = parts[at + 1 :]
    if at == 0:  # of a later cell in its row the rest is quoted with it
        return not rest and not (first and followed)
    return rest[0] == parts[at - 1] if rest else not followed


def _computed(part: str) -> bool:
    """Whether it begins as a formula does; negative numbers do."""
    for character in part:
        # Blanks, quotation marks and characters that are not seen are passed over.
        if character == '"' or character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Mn"):
            continue
        return unicodedata.normalize("NFKC", character)[:1] in COMPUTED
    return False


class Writer:
    """As ``csv.writer``, the one way in which this app writes CSV; every text is `safe`."""

    def __init__(self, file: TextIO, delimiter: str = ",") -> None:
        self._writer = csv.writer(file, delimiter=delimiter)

    def writerow(self, cells: Iterable[Any]) -> None:
        """One row; what is no text is written as it is, if no text can make a formula of it."""
        row = list(cells)
        last = max((at for at, cell in enumerate(row) if isinstance(cell, str)), default=-1)
        self._writer.writerow(
            [
                safe(str(cell), first=at == 0, followed=at < last)
                if isinstance(cell, str) or (at == 0 < last and cell is not None)
                else cell
                for at, cell in enumerate(row)
            ]
        )
