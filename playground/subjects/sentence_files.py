"""Files of sentences: CSV, TSV, JSON lines or plain text, in whatever encoding they come.

Everything in a file is text and stays text: a cell with a formula or with HTML is a sentence like any other.
What a single row gets wrong is counted; what makes a whole file unusable is a sentence.
"""

from __future__ import annotations

import codecs
import csv
import functools
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.errors import BadInput

MOST = 20_000  # rows
CELL = 10_000  # characters of a cell that are kept: a model reads some 1,500 of them
COLUMNS = 64
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KNOWN = Path(__file__).resolve().parents[2] / "assets" / "sentences" / "columns.json"
CHINESE = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")
RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


@functools.cache
def known() -> dict[str, frozenset[str] | list[str]]:
    """Usual names of columns (``text``, ``label``), and the commonest Chinese characters (``common``)."""
    found = json.loads(_KNOWN.read_text(encoding="utf-8"))
    return {"text": found["text"], "label": found["label"], "common": frozenset(found["common"])}


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Args:
        columns: their names; a text without columns has one, named "".
        rows: cells, as many as columns each.
        told: what was cut, filled up or left out, by key: ``encoding`` is the one that was guessed ("" if
            the file says it itself, or is UTF-8), the others are counts.
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

    def guess(self) -> tuple[str, str]:
        """The columns that are most likely the text, and the label ("": none)."""
        lowered = {name.strip().lower(): name for name in self.columns}
        text = next((lowered[each] for each in known()["text"] if each in lowered), None)
        some = self.rows[:500]
        lengths = [sum(len(row[place]) for row in some) for place in range(len(self.columns))]
        if text is None:
            text = self.columns[lengths.index(max(lengths))] if lengths else ""
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
        BadInput: no text, no rows, or JSON that is none.
    """
    if not content.strip(b"\0 \t\r\n"):
        raise BadInput("rows_file_empty", name=_brief(name))
    text, encoding = decoded(name, content)
    kind = name.lower().rpartition(".")[2]
    first = next((line for line in text.splitlines() if line.strip()), "")
    if kind in ("jsonl", "ndjson", "json") or (
        kind not in ("csv", "tsv") and first.lstrip().startswith('{"')
    ):
        found = _json(name, text)
    elif kind in ("csv", "tsv"):
        found = _separated(name, text, kind)
    else:
        lines = [line.strip() for line in text.splitlines()]
        found = [""], [[line] for line in lines if line], {}
    columns, rows, told = found
    if not rows:
        raise BadInput("rows_file_empty", name=_brief(name))
    if len(rows) > MOST:
        told["over"] = len(rows) - MOST
        rows = rows[:MOST]
    long = 0
    whole = []
    for row in rows:
        cells = tuple(_line(cell)[:CELL] for cell in row)
        long += any(len(cell) > CELL for cell in row)
        whole.append(cells)
    if long:
        told["long"] = long
    if encoding:
        told["encoding"] = encoding
    return Table(tuple(columns), tuple(whole), told)


def decoded(name: str, content: bytes) -> tuple[str, str]:
    """The text, and the encoding if it had to be guessed.

    A mark of byte order is believed; without one it is UTF-8 if it can be, UTF-16 if every other byte is
    zero, else one of Big5, GB 18030 (where most of it is Chinese characters in use) and Windows-1252.

    Raises:
        BadInput: no text in any of them.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content.decode("utf-8-sig", "replace"), ""
    if content.startswith(MARKS[1:]):
        return content.decode("utf-16", "replace"), ""
    head = content[:4_000]
    zeros = [head[place::2].count(0) / max(1, len(head[place::2])) for place in (0, 1)]
    if max(zeros) > 0.3 and min(zeros) < 0.1:
        encoding = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        return content.decode(encoding, "replace"), encoding.upper()
    if head.count(0):
        raise BadInput("rows_not_text", name=_brief(name))
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        if error.start > len(content) - 4:  # cut in the middle of a last character
            return content[: error.start].decode("utf-8"), ""
    best, score = "cp1252", -1.0
    for encoding in ("big5", "gb18030"):
        try:
            sample = content[:200_000].decode(encoding, "ignore" if len(content) > 200_000 else "strict")
        except UnicodeDecodeError:
            continue
        high = [each for each in sample if ord(each) > 0x7F]
        usual = len(CHINESE.findall(sample))
        # Letters with accents come alone between Latin ones; Chinese comes in runs.
        runs = len(RUN.findall(sample)) and usual / max(1, len(high))
        common = sum(each in known()["common"] for each in high) / max(1, len(high))
        if runs > 0.9 and runs + common > score:
            best, score = encoding, runs + common
    text = content.decode(best, "replace")
    control = len(re.findall(r"[\x00-\x08\x0e-\x1f]", text[:4_000]))
    if control > len(text[:4_000]) / 50:
        raise BadInput("rows_not_text", name=_brief(name))
    return text, {"cp1252": "Windows-1252", "big5": "Big5", "gb18030": "GB 18030"}[best]


def _separated(name: str, text: str, kind: str) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """CSV or TSV: a first row of names, ragged rows filled up or cut."""
    told: dict[str, Any] = {}
    first = text.lstrip("\ufeff\r\n").split("\n", 1)[0]
    delimiter = "\t" if kind == "tsv" else max(",;\t|", key=lambda each: (first.count(each), each == ","))
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(
        io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter, skipinitialspace=True
    )
    rows: list[list[str]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) > 5 * MOST:
                break
    except csv.Error as error:
        raise BadInput("rows_csv", name=_brief(name), line=reader.line_num) from error
    if not rows:
        return [""], [], told
    width = min(COLUMNS, max(len(row) for row in rows[:1]))
    names = _names(rows[0][:width]) if _heading(rows) else None
    body = rows[1:] if names else rows
    names = names or ([""] if width == 1 else [str(place + 1) for place in range(width)])
    ragged = sum(len(row) != len(names) for row in body)
    if ragged:
        told["ragged"] = ragged
    return names, [(row + [""] * len(names))[: len(names)] for row in body], told


def _heading(rows: Sequence[list[str]]) -> bool:
    """Whether the first row names the columns: short, all different, and no sentence or number."""
    first = [cell.strip() for cell in rows[0]]
    usual = {*known()["text"], *known()["label"], "id", "score"}
    if any(cell.lower() in usual for cell in first):
        return True
    odd = any(not cell or len(cell) > 40 or re.fullmatch(r"[-+\d.,]+", cell) for cell in first)
    return (
        len(rows) > 1
        and len(first) > 1
        and not odd
        and len(set(first)) == len(first)
        and not any(re.search(r"[.!?\u3002\uff01\uff1f]$", cell) for cell in first)
    )


def _names(cells: Sequence[str]) -> list[str]:
    """Names of columns, each one once."""
    names: list[str] = []
    for place, cell in enumerate(cells):
        name = _line(cell)[:60] or str(place + 1)
        while name in names:
            name += "+"
        names.append(name)
    return names


def _json(name: str, text: str) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """JSON lines, or one JSON list: of texts, or of objects whose keys are the columns."""
    told: dict[str, Any] = {}
    try:
        if text.lstrip()[:1] == "[":
            entries: list[Any] = list(json.loads(text))
        else:
            entries, broken = [], 0
            for line in re.split(r"[\r\n]+", text):  # splitlines() would cut at U+2028 within a string
                if not line.strip():
                    continue
                try:
                    entries.append(json.loads(line))
                except ValueError:
                    broken += 1
            if broken:
                told["broken"] = broken
    except (ValueError, RecursionError, TypeError) as error:
        raise BadInput("rows_json", name=_brief(name)) from error
    if not entries:
        raise BadInput("rows_json", name=_brief(name))
    if all(isinstance(each, str) for each in entries):
        return [""], [[each] for each in entries if each.strip()], told
    objects = [each for each in entries if isinstance(each, dict)]
    if not objects:
        raise BadInput("rows_json", name=_brief(name))
    if len(objects) < len(entries):
        told["broken"] = told.get("broken", 0) + len(entries) - len(objects)
    keys = list(dict.fromkeys(str(key) for each in objects[:1000] for key in each))[:COLUMNS]
    names = _names(keys)
    return names, [[_said(each.get(key)) for key in keys] for each in objects], told


def _said(value: Any) -> str:
    """A value of JSON as a cell."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _line(text: str) -> str:
    """A cell as one line; half a surrogate pair, which JSON can spell, has no bytes."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join(whole.replace("\0", "").split())


def _brief(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "…"
