"""README tells the truth: files, settings, endpoints, commands."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from pathlib import Path

from playground import settings, text
from playground.models.catalog import EMBEDDED

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The table under a heading: first cell → the others."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line[:1] == "|"
    ]
    return {row[0].strip("`"): row[1:] for row in cells[2:]}


def test_file_map_is_the_tree():
    """One line a file; a name with * stands for files of one kind."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    tree = {name for name in listed if (ROOT / name).is_file()}
    mapped: set[str] = set()
    for name, cells in rows("Files").items():
        found = {str(path.relative_to(ROOT)) for path in ROOT.glob(name)} & tree
        assert found, f"{name} is in the map, but not in the tree"
        assert len(cells[0]) > 10
        assert "*" in name or len(found) == 1
        mapped |= found
    assert tree - mapped == set(), "in the tree, but not in the map"


def test_settings_table():
    table = rows("Settings")
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


def test_the_screenshot_is_a_picture():
    picture = ROOT / re.search(r"!\[[^\]]+\]\((\S+)\)", README)[1]  # type: ignore[index]
    assert picture.read_bytes().startswith(b"\x89PNG")
