"""The house has floors, and knowledge goes downward only (shared nowhere else: see README, "Files")."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Lowest first; a file may import its own floor and those before it.
FLOORS = [
    {"settings", "catalog", "errors", "text"},
    {"devices"},
    {"hub", "models", "weights"},
    {"subjects"},
    {"loaders"},
    {"views"},
    {"examples", "examples_vectors"},
    {"panels", "warm"},
    {"web", "streaming", "carry", "relays", "shell"},
    {"app"},
    {"tutor"},  # makes the embedded model, by hand: nobody knows it, and it may import what it trains with
]
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}
FILES = sorted((ROOT / "playground").rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT / "playground").parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Imported modules, dotted, and whether at the top of the file (not inside a function)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(f"{node.module}.{alias.name}", id(node) in top) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_downward_only(path):
    here = room(path)
    if here == "__init__":
        return
    for name, _ in imports(path):
        if name.startswith("playground."):
            there = name.split(".")[1]
            assert FLOOR[there] <= FLOOR[here], f"{here} must not know {there}"
            if here == "panels" and there == "panels":  # a panel knows its own files, not another panel
                mine, other = path.stem.split("_")[0], name.split(".")[2].split("_")[0]
                assert path.stem == "__init__" or other in {mine, "Context", "visitor"}, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_has_one_home_stays_there(path):
    here, source = room(path), path.read_text(encoding="utf-8")
    for name, at_top in imports(path):
        package = name.split(".")[0]
        assert package != "gradio" or here in {"panels", "carry", "relays", "shell", "streaming", "web"}, (
            "gradio"
        )
        assert package != "torch" or here in {"tutor", "devices", "weights", "subjects", "loaders"}, "torch"
        heavy = {"torch", "transformers", "tokenizers", "sentencepiece", "tiktoken", "mistral_common",
                 "sentence_transformers", "gensim", "umap", "bitsandbytes", "plotly"}  # fmt: skip
        assert here == "tutor" or not (at_top and package in heavy), (
            f"{name} is imported before the page is up"
        )
    if here != "settings":
        assert "os.environ" not in source and "getenv" not in source, "the environment is settings.py's"
    if here not in ("loaders", "tutor"):
        assert "from_pretrained(" not in source, "loading is loaders.py's"


def test_modules_are_short():
    assert not [(path.name, n) for path in FILES if (n := len(path.read_text().splitlines())) > 400]
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40
