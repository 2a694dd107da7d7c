"""Files of sentences: CSV, TSV, JSON lines, Parquet or plain text, in whatever encoding they come.

Everything in a file is text and stays text: a cell with a formula or with HTML is a sentence like any other.
What a single row gets wrong is counted; what makes a whole file unusable is a sentence.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from playground.engine.tables import delimited, parquet
from playground.engine.tables.charset import brief, decoded, lines, one_line
from playground.errors import BadInput
from playground.rooms.embeddings.sentences.cells import (
    COLUMNS,
    known,
    names,
    names_text,
    separated,
    text_column,
)

MOST = 20_000  # rows
CELL = 10_000  # characters of a cell that are kept: a model reads some 1,500 of them
Found = tuple[list[str], list[list[str]], dict[str, Any]]  # columns, rows, what is told of them


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Args:
        columns: their names; a text without columns has one, named "".
        rows: cells, as many as columns each.
        told: what was cut, filled up or left out, by key: ``encoding`` is the one that was guessed (not
            there if the file says it itself, or is UTF-8), the others are counts.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    told: dict[str, Any]

    def column(self, name: str) -> list[str]:
        """The cells of a column.

        Raises:
            BadInput: there is none of this name.
        """
        if name not in self.columns:
            raise BadInput("column_unknown", name=str(name)[:60])
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def telling(self, name: str) -> dict[str, Any]:
        """What there is to tell if this column is the text: ``told``, and how many rows it leaves empty.

        Raises:
            BadInput: there is none of this name.
        """
        empty = self.told.get("empty", 0) + sum(not each for each in self.column(name))
        return {**self.told, "empty": empty} if empty else self.told

    def guess(self) -> tuple[str, str]:
        """The columns that are most likely the text, and the label ("": none)."""
        lowered = {name.strip().lower(): name for name in self.columns}
        some = self.rows[:500]
        text = self.columns[text_column(self.columns, some)] if self.columns else ""
        label = next(
            (lowered[each] for each in known()["label"] if each in lowered and lowered[each] != text), ""
        )
        if not label:
            for place, name in enumerate(self.columns):
                values = {row[place] for row in some}
                if (
                    name != text
                    and 1 < len(values) <= min(30, max(2, len(some) // 4))
                    and max(map(len, values)) <= 40
                ):
                    label = name
                    break
        return text, label


def read(name: str, content: bytes) -> Table:
    """A table from a file; its form is told from its name and from what is in it.

    Raises:
        BadInput: no text, no rows, JSON that is none, or a Parquet file that is broken or too large.
    """
    if not content.strip(b"\0 \t\r\n"):
        raise BadInput("rows_file_empty", name=brief(name))
    if parquet.is_parquet(content):
        return _parquet(name, content)
    text, guessed = decoded(name, content)
    kind = name.lower().rpartition(".")[2]
    table = delimited.parse(text, "\t" if kind == "tsv" else "")
    if kind in ("jsonl", "ndjson", "json") or _is_json(text):
        found = _json(name, text)
    elif kind in ("csv", "tsv") or table.named or names_text(table):
        found = separated(table)
    else:
        bare = [each.strip() for each in lines(text)]
        found = [""], [[each] for each in bare if each], {}
    return _table(name, found, guessed)


def _parquet(name: str, content: bytes) -> Table:
    found = parquet.read(brief(name), content, MOST, COLUMNS)
    told = {"over": found.over} if found.over else {}
    return _table(name, (names(found.names), found.rows, told), {})


def _table(name: str, found: Found, guessed: dict[str, Any]) -> Table:
    """What was found, within the limits of rows and cells."""
    columns, rows, told = found
    if not rows:
        raise BadInput("rows_file_empty", name=brief(name))
    if len(rows) > MOST:
        told["over"] = len(rows) - MOST
        rows = rows[:MOST]
    long = 0
    whole = []
    for row in rows:
        cells = tuple(one_line(cell)[:CELL] for cell in row)
        long += any(len(cell) > CELL for cell in row)
        whole.append(cells)
    if long:
        told["long"] = long
    return Table(tuple(columns), tuple(whole), {**told, **guessed})


def _is_json(text: str) -> bool:
    """Whether a file is JSON whatever its name says: its first line, or all of it, is an object or a list."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    for each in (next(line for line in lines(text) if line.strip()), text):
        try:
            whole = json.loads(each)
        except (ValueError, RecursionError):
            continue
        # A list of numbers, as in "[1]", may begin a note as well.
        return isinstance(whole, dict) or any(isinstance(one, dict | str) for one in whole)
    return False


def _json(name: str, text: str) -> Found:
    """JSON lines, or one JSON list: of texts, or of objects whose keys are the columns."""
    told: dict[str, Any] = {}
    entries, broken = _entries(text)
    rows = [each for each in entries if isinstance(each, dict | str)]
    if not rows:
        raise BadInput("rows_json", name=brief(name))
    broken += len(entries) - len(rows)
    if broken:
        told["broken"] = broken
    blank = sum(isinstance(each, str) and not each.strip() for each in rows)
    if blank:
        told["empty"] = blank
    rows = [each for each in rows if isinstance(each, dict) or each.strip()]
    objects = [each for each in rows if isinstance(each, dict)]
    if not objects:
        return [""], [[each] for each in rows if isinstance(each, str)], told
    keys = list(dict.fromkeys(str(key) for each in objects[:1000] for key in each))[:COLUMNS] or ["text"]
    cells = [[_said(each.get(key)) for key in keys] for each in objects]
    named = names(keys)
    # A text among objects is what their column of texts would hold.
    whole, place = iter(cells), text_column(named, cells[:500])
    blanks = [""] * len(keys)
    made = [
        next(whole) if isinstance(each, dict) else [*blanks[:place], each, *blanks[place + 1 :]]
        for each in rows
    ]
    return named, made, told


def _entries(text: str) -> tuple[list[Any], int]:
    """What a file of JSON lists, as one whole or a line each, and how many lines are no JSON."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):  # JSON lines end as one whole after their first line
        whole = None
    if isinstance(whole, list):
        return whole, 0
    if isinstance(whole, dict):
        return _listed(whole), 0
    if text.lstrip()[:1] == "[":
        return [], 1  # a list that breaks off
    entries, broken = [], 0
    for each in re.split(r"[\r\n]+", text):  # splitlines() would cut at U+2028 within a string
        if each.strip():
            try:
                entries.append(json.loads(each))
            except (ValueError, RecursionError):
                broken += 1
    return entries, broken


def _listed(whole: dict[str, Any]) -> list[Any]:
    """The only list of rows in an object, whatever it is called; else the object is a row itself."""
    usual = set(known()["text"])
    if not any(isinstance(value, str) and key.strip().lower() in usual for key, value in whole.items()):
        lists = [
            value
            for value in whole.values()
            if isinstance(value, list) and any(isinstance(each, dict | str) for each in value)
        ]
        if len(lists) == 1:
            return lists[0]
    return [whole]


def _said(value: Any) -> str:
    """A value of JSON as a cell."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
