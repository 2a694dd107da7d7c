"""The benches: one table of all, a failure shown as one; and that each runs to its end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.rows import FILE, Row, figure, read, row

FINE = """
from tests.bench.rows import row
row("half of it", 1, 2, "ms", "the other", most=0.6)
row("too much", 3, 2, "ms", "the other", most=1.2)
"""
DIES = """
from tests.bench.rows import row
row("before it dies", 6, 3, "s", "the other")
raise RuntimeError("seven are too many")
"""


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of benches in place of the real one."""
    for name, source in {"fine": FINE, "dies": DIES, "silent": ""}.items():
        lines = f"import sys\nsys.path.insert(0, {str(bench.ROOT)!r})\n{source}"
        (tmp_path / f"bench_{name}.py").write_text(lines, encoding="utf-8")
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench, "NAMES", ["dies", "fine", "silent"])
    return tmp_path


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["bench", *arguments])
    return bench.main(), capsys.readouterr().out


@pytest.mark.usefixtures("made_up")
def test_one_table_and_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(monkeypatch, capsys)
    table = [re.split(r"\s*\|\s*", line.strip("| ")) for line in told.splitlines() if line[:1] == "|"]
    assert code == 1
    assert [line[0] for line in table] == ["bench", table[1][0], "dies", "dies", "fine", "fine", "silent"]
    assert table[4] == ["fine", "half of it", "1 ms", "2 ms", "the other", "0.5", "≤ 0.6", "holds"]
    assert table[5][5:] == ["1.5", "≤ 1.2", "MISSED"]
    assert table[2][1:6] == ["before it dies", "6 s", "3 s", "the other", "2"]
    assert table[3][1] == table[6][1] == "FAILED"
    assert "RuntimeError: seven are too many" in told and "silent failed" in told


@pytest.mark.usefixtures("made_up")
def test_some_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(monkeypatch, capsys, "fine")
    assert code == 0 and "dies" not in told
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, capsys, "nothing")
    assert ended.value.code == 2 and "no such bench: nothing" in capsys.readouterr().err


def test_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / "rows"))
    row("a", 10, 4, "ms", "b", least=3)
    row("c", 1, 0, "", "d")
    assert read(tmp_path / "rows") == [Row("a", 10, 4, "ms", "b", least=3), Row("c", 1, 0, "", "d")]
    assert "ratio 2.5 (wanted: ≥ 3: MISSED)" in capsys.readouterr().out
    assert [figure(value) for value in (0.01234, 1.5, 12.34, 1234567.8)] == [
        "0.0123",
        "1.5",
        "12.3",
        "1,234,568",
    ]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", bench.NAMES)
def test_each_runs_to_its_end(name: str) -> None:
    rows, why = bench.run(name, quick=True)
    assert rows and not why, why
