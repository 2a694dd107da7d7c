"""README and docs tell the truth: the house, settings, endpoints, commands."""

from __future__ import annotations

import ast
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from playground import settings, text
from playground.models.catalog import EMBEDDED
from tests.test_floors import FLOORS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOUSE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LONGEST = 12 * 1024  # bytes


def rows(document: str, heading: str) -> dict[str, list[str]]:
    """The table under a heading: first cell → the others."""
    section = document.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line[:1] == "|"
    ]
    return {row[0].strip("`"): row[1:] for row in cells[2:]}


def test_readme_is_read_in_a_few_minutes():
    assert len(README.encode()) <= LONGEST


def test_the_house_is_drawn_as_its_packages_say():
    """One line a package: the beginning of its docstring."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "playground/*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    folders = {str(Path(name).parent) for name in listed if (ROOT / name).is_file()} - {"playground"}
    told = {name.rstrip("/"): cells[0] for name, cells in rows(HOUSE, "Packages").items()}
    assert set(told) == folders
    for name, meaning in told.items():
        docstring = ast.get_docstring(ast.parse((ROOT / name / "__init__.py").read_text(encoding="utf-8")))
        assert docstring and docstring.split("\n\n")[0].replace("\n", " ") == meaning, name


def test_the_floors_are_those_that_a_test_holds():
    line = re.search(r"^`settings`, .*→.*$", HOUSE, re.MULTILINE)
    assert line
    drawn = [set(re.findall(r"`([\w.]+)`", floor)) for floor in line[0].split("→")]
    assert [floor - {"__init__"} for floor in FLOORS] == drawn[:-1] and "app.py" in drawn[-1]


def test_settings_table():
    table = rows(README, "Settings")
    for entry in fields(settings.Settings):
        flag, default, meaning = table.pop(settings.variable(entry))
        assert flag == f"`--{settings.public_name(entry).replace('_', '-')}`"
        assert default.strip("`") == str(entry.default)
        assert meaning == text.say(f"settings.{entry.name}", "en")
    assert not table


def test_commands_are_those_that_ci_runs():
    assert "bash tests/run" in README
    assert "bash tests/run" in (ROOT / ".ci" / "run").read_text()
    for word in ("requirements.txt", "app.py"):
        assert word in README.split("```bash")[1].split("```")[0]


def test_embedded_names_and_front_matter():
    for card in EMBEDDED:
        assert f"`{card.name}`" in README
    front = re.match(r"---\n(.*?)\n---\n", README, re.DOTALL)
    assert front
    assert "sdk: gradio" in front[1] and "app_file: app.py" in front[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path):
    """To files of ours, and pictures are pictures."""
    for mark, target in re.findall(
        r"(!?)\[[^\]]+\]\((?!https?://|#)([^)\s]+)\)", document.read_text("utf-8")
    ):
        found = document.parent / target.split("#")[0]
        assert found.is_file(), target
        assert not mark or found.read_bytes().startswith(b"\x89PNG")
