"""Gradio writes type stubs beside its own sources, for editors, each time it is imported: not here.

It parses the source of each of its components for that, which is two fifths of the time that its import takes
(5.6 → 3.4 s of a core, measured).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MODULE = "gradio.component_meta"


class _WithoutStubs(MetaPathFinder):
    """Finds one module as Python would, and takes the writing of stubs out of it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == MODULE else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def leave_out() -> None:
    """From now on; before gradio is imported."""
    if not any(isinstance(each, _WithoutStubs) for each in sys.meta_path):
        sys.meta_path.insert(0, _WithoutStubs())
