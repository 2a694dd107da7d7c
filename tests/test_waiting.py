"""Tests wait with an end: what hangs must fail."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from tests.waiting import until

HERE = Path(__file__).resolve().parent


def test_what_never_comes_fails_in_time():
    with pytest.raises(AssertionError, match="in vain: the moon"):
        until(lambda: False, "the moon", seconds=0.05)
    tries = iter([0, 0, 1])
    until(lambda: next(tries))


def _polls(node: ast.While) -> bool:
    """A loop that does nothing but pass the time: its end is somebody else's."""
    return all(
        isinstance(each, ast.Pass)
        or (isinstance(each, ast.Expr) and "sleep" in ast.unparse(each) and "def " not in ast.unparse(each))
        for each in node.body
    )


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.py")), ids=lambda path: str(path.relative_to(HERE)))
def test_no_loop_polls_without_a_deadline(path: Path):
    loops = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.While)
    ]
    found = [node.lineno for node in loops if _polls(node) and "monotonic" not in ast.unparse(node.test)]
    assert not found, f"use tests.waiting.until in lines {found}"


def test_a_test_that_hangs_is_ended():
    """By pytest-timeout, which `tests/requirements.txt` brings."""
    ini = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert 60 <= ini["timeout"] <= 900
    assert "pytest-timeout" in (HERE / "requirements.txt").read_text()
