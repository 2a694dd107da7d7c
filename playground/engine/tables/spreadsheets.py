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


def safe(cell: str) -> str:
    """A cell's text, marked by apostrophes where a spreadsheet would compute instead of show.

    Numbers stay numbers, also negative ones. Every place is marked where some locale sees a new cell begin:
    ``a;=1+1`` becomes ``a;'=1+1``.
    """
    parts = PARTED.split(cell)
    marked = "".join(f"'{part}" if _computed(part) else part for part in parts)
    return f"'{marked}" if cell[:1] and cell[0] in LEADING else marked


def _computed(part: str) -> bool:
    if NUMBER.fullmatch(part):
        return False
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
        """One row; what is no text is written as it is."""
        self._writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in cells])
