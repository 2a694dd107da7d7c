"""The house has floors, and knowledge goes downward only (shared nowhere else: see README, "Files")."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import COMPUTED, Import, of_file, of_source

ROOT = Path(__file__).resolve().parent.parent
# Lowest first; a file may import its own floor and those before it.
FLOORS = [
    {
        "settings",
        "foreign_json",
        "heap",
        "catalog",
        "disk",
        "errors",
        "text",
        "internals",
        "uploads",
        "stopping",
        "disconnects",
    },
    {"devices"},
    {"hub", "models", "weights"},
    {"subjects"},
    {"loaders"},
    {"views"},
    {"examples", "examples_vectors"},
    {"panels", "warm"},
    {
        "access",
        "answers",
        "login",
        "policy",
        "scripts",
        "limits",
        "sessions",
        "web",
        "streaming",
        "carry",
        "relays",
        "shell",
    },
    {"app"},
    {"tutor"},  # makes the embedded model, by hand: nobody knows it, and it may import what it trains with
]
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}
FILES = sorted((ROOT / "playground").rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT / "playground").parts[0].removesuffix(".py")


def imports(path: Path) -> list[Import]:
    return of_file(path, ROOT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_downward_only(path):
    check_floors(path, imports(path))


def check_floors(path: Path, found: list[Import]) -> None:
    """Raise AssertionError for an import of a higher floor, or of another panel."""
    here = room(path)
    if here == "__init__":
        return
    for name in (each.name for each in found):
        if name.startswith("playground."):
            there = name.split(".")[1]
            assert FLOOR[there] <= FLOOR[here], f"{here} must not know {there}"
            if here == "panels" and there == "panels":  # a panel knows its own files, not another panel
                mine, other = path.stem.split("_")[0], name.split(".")[2].split("_")[0]
                assert path.stem == "__init__" or other in {mine, "Context", "visitor"}, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_has_one_home_stays_there(path):
    here, source = room(path), path.read_text(encoding="utf-8")
    for name, at_top in ((each.name, each.at_top) for each in imports(path)):
        package = name.split(".")[0]
        pages = {
            "panels",
            "carry",
            "relays",
            "limits",
            "sessions",
            "shell",
            "streaming",
            "web",
            "access",
            "answers",
        }
        assert package != "gradio" or here in pages, "gradio"
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


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("subjects/chat.py", "from .. import panels"),
        ("subjects/chat.py", "from ..loaders.places import config_of"),
        ("subjects/chat.py", 'def f():\n    importlib.import_module("playground.views.chat")'),
        ("loaders/songs.py", '__import__("playground.panels.songs")'),
        ("hub/files.py", 'import_module("..subjects", __package__)'),
        ("views/chat.py", 'import_module(f"playground.panels.{name}")'),
        ("panels/chat.py", "from . import songs_actions"),
        ("panels/chat.py", "from .tokens import build"),
        ("models.py", "from . import subjects"),
    ],
)
def test_a_way_upstairs_is_noticed_however_it_is_written(file: str, source: str) -> None:
    path = ROOT / "playground" / file
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    with pytest.raises(AssertionError):
        check_floors(path, of_source(source, package))
    check_floors(path, of_source("from playground import errors\nimport json", package))


def test_names_are_put_together_in_one_place_only() -> None:
    computed = [path for path in FILES if any(each.name == COMPUTED for each in imports(path))]
    assert [str(path.relative_to(ROOT)) for path in computed] == ["playground/loaders/places.py"]


def test_modules_are_short():
    assert not [(path.name, n) for path in FILES if (n := len(path.read_text().splitlines())) > 400]
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40
