"""The reader of imports itself, on made-up sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import COMPUTED, Import, of_file, of_source

HERE = "playground.engine"


def names(source: str, package: str = HERE) -> list[str]:
    return [each.name for each in of_source(source, package)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import playground.rooms", ["playground.rooms"]),
        ("import torch as t, playground.rooms.chat as c", ["torch", "playground.rooms.chat"]),
        ("from playground import rooms, text", ["playground.rooms", "playground.text"]),
        ("from playground.rooms import chat", ["playground.rooms.chat"]),
        # relative
        ("from . import chat", ["playground.engine.chat"]),
        ("from .chat import render", ["playground.engine.chat.render"]),
        ("from .. import rooms", ["playground.rooms"]),
        ("from ..rooms import chat", ["playground.rooms.chat"]),
        ("from ..rooms.chat import build as b", ["playground.rooms.chat.build"]),
        # by a function
        ('import importlib\nimportlib.import_module("playground.rooms")',
         ["importlib", "playground.rooms"]),
        ('from importlib import import_module\nimport_module("playground.rooms.chat")',
         ["importlib.import_module", "playground.rooms.chat"]),
        ('from importlib import import_module as load\nload("playground.rooms")',
         ["importlib.import_module", "playground.rooms"]),
        ('import importlib as il\nil.import_module(name="playground.rooms")',
         ["importlib", "playground.rooms"]),
        ('import_module("..rooms", __package__)', ["playground.rooms"]),
        ('import_module(".chat", package="playground.rooms")', ["playground.rooms.chat"]),
        ('import_module("..ui", "playground.rooms")', ["playground.ui"]),
        ('__import__("playground.rooms")', ["playground.rooms"]),
        ('__import__("playground.rooms", globals(), locals(), ["chat"])', ["playground.rooms"]),
        ('builtins.__import__("torch")', ["torch"]),
        ('imported("transformers", "AutoTokenizer")()', ["transformers"]),
        # what only a run would tell, and what can be told of it
        ("import_module(name)", [COMPUTED]),
        ('import_module("play" + "ground.rooms")', [COMPUTED]),
        ('import_module(f"playground.rooms.{tab}")', ["playground.rooms."]),
        ('import_module(f"{where}.rooms")', [COMPUTED]),
        ('import_module(f"playground.{where}")', [COMPUTED]),
        ("__import__(name)", [COMPUTED]),
        # what is no import
        ('importlib.util.find_spec("playground.rooms")', []),
        ('"import playground.rooms"  # from . import rooms', []),
        ("loaded.imported()", []),
    ],
)  # fmt: skip
def test_every_way_of_writing_it(source: str, found: list[str]) -> None:
    assert names(source) == found


@pytest.mark.parametrize(
    ("source", "at_top"),
    [
        ("import torch", True),
        ("try:\n    import torch\nexcept ImportError:\n    pass", True),
        ("class A:\n    import torch", True),
        ("with suppress(ImportError):\n    from torch import nn", True),
        ('torch = __import__("torch")', True),
        ("def f():\n    import torch", False),
        ("async def f():\n    from torch import nn", False),
        ('f = lambda: __import__("torch")', False),
        ("class A:\n    def f(self):\n        import torch", False),
        ("if TYPE_CHECKING:\n    import torch", False),
        ("if typing.TYPE_CHECKING:\n    import torch", False),
        ("if not there:\n    import torch", True),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import torch", True),
    ],
)
def test_what_happens_when_a_file_is_imported(source: str, at_top: bool) -> None:
    (found,) = of_source(source)
    assert found.at_top == at_top and found.name.startswith("torch")


def test_a_files_package_is_its_folder(tmp_path: Path) -> None:
    """ "from . import x" of an __init__.py means its own folder, of a module the folder it lies in."""
    folder = tmp_path / "playground" / "rooms"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "chat.py"):
        (folder / name).write_text("from . import drawer\nfrom .. import ui\n", encoding="utf-8")
        assert of_file(folder / name, tmp_path) == [
            Import("playground.rooms.drawer", True), Import("playground.ui", True)
        ]  # fmt: skip
