"""No cell that we write is computed by any spreadsheet, whatever parts its cells there."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.engine.tables import spreadsheets
from playground.engine.tables.spreadsheets import safe

ROOT = Path(__file__).resolve().parents[3]
SEPARATORS = ",;\t|"
FORMULA = re.compile(r'["\s]*[=+\-@−]')
NUMBER = re.compile(r'["\s]*[-+]?[\d.,]+(e[-+]?\d+)?%?["\s]*', re.IGNORECASE)
HOSTILE = (
    "=1+1", "＝1+1", "a;=1+1", "\t=1+1", " =1+1", "@SUM(1)", "＠SUM(1)", "+cmd", "＋cmd",
    "-cmd|' /C calc'!A0", "-1,1+cmd|' /C calc'!A0", "a;-1,1+1", "-1;x", "-1", "+2", " -,1",
    "－1+cmd", "﹣x", "⁼1", "−2+3", "a,=1", "a\t=1", "a|=1", "a\n=1", "a\r\n=1", "a; ＝1",
    'a;"=1+1"', 'b";=1+1',
    "\u200b=1", "\ufeff=1", "\u00a0=1", "\u3000＝1", "\x00=1", "a;\t;=1", ";;;=1", '"=1"', "\r=1",
    "a\u2028=1",
)  # fmt: skip


def computed(cell: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula."""
    seen = "".join(c for c in cell if unicodedata.category(c) not in ("Cc", "Cf", "Mn") or c.isspace())
    seen = unicodedata.normalize("NFKC", seen)
    return bool(FORMULA.match(seen)) and not NUMBER.fullmatch(seen)


def cells(content: str, delimiter: str, quoting: int) -> list[str]:
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    return [cell for row in rows for cell in row]


def written(row: list[object], delimiter: str) -> str:
    file = io.StringIO(newline="")
    spreadsheets.Writer(file, delimiter).writerow(row)
    return file.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_no_locale_computes_a_cell(text: str, delimiter: str) -> None:
    for row in ([text, "b", 1], ["a", text, -2.5], ["a", "b", text]):
        content = written(row, delimiter)
        for read_by in SEPARATORS:
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
                found = cells(content, read_by, quoting)
                assert not [each for each in found if computed(each)], (content, read_by)


@given(st.text(alphabet="=+-@＝＋－＠−,;|\t\n\r \"'ab1.\u200b\u00a0", max_size=12))
def test_no_text_at_all_is_computed(text: str) -> None:
    for line in (written([text, "b"], ","), written(["a", text], ","), written([-1, text, "b"], ",")):
        for read_by in SEPARATORS:
            assert not [each for each in cells(line, read_by, csv.QUOTE_NONE) if computed(each)]


@pytest.mark.parametrize("text", ["", "a", "-5", "+3.2", "-1,000.5", "1e-3", "-40 %", "a - b", "a=b", "x@y.z",
                                  "語言模型", "it's", "1;-2;3", "-.5"])  # fmt: skip
def test_what_nobody_computes_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_numbers_stay_numbers_and_texts_can_be_read_again() -> None:
    assert written(["=1", -2.5, 3, "-4"], ",") == "'=1,-2.5,3,-4\r\n"
    assert safe("a;=1+1") == "a;'=1+1" and safe("＝1+1") == "'＝1+1" and safe("\tx") == "'\tx"


def test_there_is_one_way_of_writing_csv() -> None:
    wrote = re.compile(r"csv\.(writer|DictWriter)\(|\.to_csv\(")
    found = [path.name for path in (ROOT / "playground").rglob("*.py") if wrote.search(path.read_text())]
    assert found == ["spreadsheets.py"]
    assert not [p.name for p in (ROOT / "assets").glob("*.js") if "text/csv" in p.read_text()]
