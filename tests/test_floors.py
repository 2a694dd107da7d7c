"""The house has floors, and knowledge goes downward only; `docs/architecture.md` draws it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import COMPUTED, Import, of_file, of_source

ROOT = Path(__file__).resolve().parent.parent
# Lowest first; a file may import its own floor and those before it.
FLOORS = [
    {"__init__", "settings", "errors", "text", "system"},
    {"models"},
    {"engine"},
    {"ui"},
    {"rooms"},
    {"shell"},
]
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}
FILES = sorted((ROOT / "playground").rglob("*.py"))
HEAVY = {"torch", "transformers", "tokenizers", "sentencepiece", "tiktoken", "mistral_common",
         "sentence_transformers", "gensim", "umap", "bitsandbytes", "plotly"}  # fmt: skip
CONTROLS = ("panel", "api")  # of a room: what alone makes controls and endpoints
NO_TORCH = (*CONTROLS, "actions", "request")


def floor_of(path: Path) -> tuple[str, ...]:
    """Where a file stands: ``("rooms", "songs", "view")``."""
    return path.relative_to(ROOT / "playground").with_suffix("").parts


def room_of(parts: tuple[str, ...]) -> str:
    """The room that a file or module is in; "" outside of rooms, and for what puts rooms together."""
    inside = parts[1:3] if parts[1:2] == ("embeddings",) else parts[1:2]
    within = len(parts) > len(inside) + 1
    return "/".join(inside) if parts[0] == "rooms" and within else ""


def check(path: Path, found: list[Import], source: str = "") -> None:
    """Raise AssertionError for a way upstairs, or for what has its home elsewhere."""
    here, name = floor_of(path), path.stem
    if here[0] == "tutor":  # makes the embedded model, by hand: nobody knows it
        return
    for each in found:
        parts = tuple(each.name.split("."))
        if parts[0] == "playground" and len(parts) > 1 and parts[1] in FLOOR | {"tutor": 9}:
            assert FLOOR.get(parts[1], 9) <= FLOOR[here[0]], f"{here} must not know {each.name}"
            mine, other = room_of(here), room_of(parts[1:])
            assert not mine or not other or mine == other, f"{mine} must not know {other}"
        if parts[0] == "gradio":
            assert here[0] in ("ui", "shell") or (here[0] == "rooms" and name in CONTROLS), "gradio"
        if parts[0] == "torch":
            assert here[0] in ("models", "engine", "rooms"), "torch"
            assert not (here[0] == "rooms" and (name in NO_TORCH or name.startswith("view"))), "torch"
        assert not (each.at_top and parts[0] in HEAVY), f"{each.name} is imported before the page is up"
    assert here[0] == "settings" or not ("os.environ" in source or "getenv" in source), "the environment"
    assert here[:2] == ("models", "loaders") or "from_pretrained(" not in source, "loading is the loaders'"


def test_downward_only():
    for path in FILES:
        try:
            check(path, of_file(path, ROOT), path.read_text(encoding="utf-8"))
        except AssertionError as error:
            raise AssertionError(f"{path.relative_to(ROOT)}: {error}") from error


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("engine/generation/sampling.py", "from ... import rooms"),
        ("engine/generation/sampling.py", "from playground.ui.html import note"),
        ("engine/queue.py", 'def f():\n    importlib.import_module("playground.rooms.chat.view")'),
        ("models/cache.py", '__import__("playground.engine.queue")'),
        ("models/hub/files.py", 'import_module("...engine", __package__)'),
        ("ui/html.py", 'import_module(f"playground.rooms.{name}")'),
        ("rooms/chat/panel.py", "from ..songs import actions"),
        ("rooms/chat/panel.py", "from playground.rooms.tokens.panel import build"),
        ("rooms/embeddings/words/panel.py", "from ..sentences.panel import build"),
        ("rooms/chat/panel.py", "from playground.shell import page"),
        ("system/disk.py", "from playground import models"),
        ("rooms/chat/view.py", "def f():\n    import gradio"),
        ("rooms/songs/actions.py", "import gradio as gr"),
        ("rooms/chat/service.py", "import gradio as gr"),
        ("rooms/chat/request.py", "def f():\n    import torch"),
        ("engine/queue.py", "def f():\n    import gradio"),
        ("rooms/chat/view.py", "def f():\n    import torch"),
        ("ui/html.py", "def f():\n    import torch"),
        ("engine/queue.py", "import torch"),
        ("engine/queue.py", "def f():\n    from playground.tutor import train"),
    ],
)
def test_a_way_upstairs_is_noticed_however_it_is_written(file: str, source: str) -> None:
    path = ROOT / "playground" / file
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    with pytest.raises(AssertionError):
        check(path, of_source(source, package))
    check(path, of_source("from playground import errors\nimport json", package))


@pytest.mark.parametrize("source", ["os.environ['A']", "os.getenv('A')", "AutoModel.from_pretrained('a')"])
def test_what_has_one_home_stays_there(source: str) -> None:
    with pytest.raises(AssertionError):
        check(ROOT / "playground" / "engine" / "queue.py", [], source)


def test_names_are_put_together_in_one_place_only() -> None:
    computed = [path for path in FILES if any(each.name == COMPUTED for each in of_file(path, ROOT))]
    assert [str(path.relative_to(ROOT)) for path in computed] == ["playground/models/loaders/places.py"]


def test_modules_are_short():
    assert not [(path.name, n) for path in FILES if (n := len(path.read_text().splitlines())) > 400]
    assert len((ROOT / "app.py").read_text().splitlines()) <= 40
