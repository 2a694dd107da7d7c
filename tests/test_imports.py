"""The reader of imports itself, on made-up sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import COMPUTED, Import, of_file, of_source

HERE = "playground.subjects"


def names(source: str, package: str = HERE) -> list[str]:
    return [each.name for each in of_source(source, package)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import playground.panels", ["playground.panels"]),
        ("import torch as t, playground.panels.chat as c", ["torch", "playground.panels.chat"]),
        ("from playground import panels, text", ["playground.panels", "playground.text"]),
        ("from playground.panels import chat", ["playground.panels.chat"]),
        # relative
        ("from . import chat", ["playground.subjects.chat"]),
        ("from .chat import render", ["playground.subjects.chat.render"]),
        ("from .. import panels", ["playground.panels"]),
        ("from ..panels import chat", ["playground.panels.chat"]),
        ("from ..panels.chat import build as b", ["playground.panels.chat.build"]),
        # by a function
        ('import importlib\nimportlib.import_module("playground.panels")',
         ["importlib", "playground.panels"]),
        ('from importlib import import_module\nimport_module("playground.panels.chat")',
         ["importlib.import_module", "playground.panels.chat"]),
        ('from importlib import import_module as load\nload("playground.panels")',
         ["importlib.import_module", "playground.panels"]),
        ('import importlib as il\nil.import_module(name="playground.panels")',
         ["importlib", "playground.panels"]),
        ('import_module("..panels", __package__)', ["playground.panels"]),
        ('import_module(".chat", package="playground.panels")', ["playground.panels.chat"]),
        ('import_module("..views", "playground.panels")', ["playground.views"]),
        ('__import__("playground.panels")', ["playground.panels"]),
        ('__import__("playground.panels", globals(), locals(), ["chat"])', ["playground.panels"]),
        ('builtins.__import__("torch")', ["torch"]),
        ('imported("transformers", "AutoTokenizer")()', ["transformers"]),
        # what only a run would tell, and what can be told of it
        ("import_module(name)", [COMPUTED]),
        ('import_module("play" + "ground.panels")', [COMPUTED]),
        ('import_module(f"playground.panels.{tab}")', ["playground.panels."]),
        ('import_module(f"{where}.panels")', [COMPUTED]),
        ('import_module(f"playground.{where}")', [COMPUTED]),
        ("__import__(name)", [COMPUTED]),
        # what is no import
        ('importlib.util.find_spec("playground.panels")', []),
        ('"import playground.panels"  # from . import panels', []),
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
    folder = tmp_path / "playground" / "panels"
    folder.mkdir(parents=True)
    for name in ("__init__.py", "chat.py"):
        (folder / name).write_text("from . import drawer\nfrom .. import views\n", encoding="utf-8")
        assert of_file(folder / name, tmp_path) == [
            Import("playground.panels.drawer", True), Import("playground.views", True)
        ]  # fmt: skip
