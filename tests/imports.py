"""What a Python source imports, by every way of writing that, without running it.

``import a.b``, ``from .. import b``, ``importlib.import_module("a.b")``, ``__import__("a.b")``, and the same
under another name. A name that is put together at run time cannot be read here: it is told as `COMPUTED`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

COMPUTED = "?"
FUNCTIONS = {
    "import_module",
    "__import__",
    "imported",
}  # the last is `playground.models.loaders.places.imported`


@dataclass(frozen=True)
class Import:
    """One imported module, or name of one.

    Args:
        name: dotted, from the root: ``playground.engine.generation.sampling``; `COMPUTED` where only
            a run would tell.
        at_top: it happens when the file itself is imported.
    """

    name: str
    at_top: bool


def of_file(path: Path, root: Path) -> list[Import]:
    """The imports of a file of a package that lies in ``root``."""
    parts = path.relative_to(root).with_suffix("").parts
    package = parts[:-1]  # of an __init__.py as well: it is the package itself
    return of_source(path.read_text(encoding="utf-8"), ".".join(package))


def of_source(source: str, package: str = "") -> list[Import]:
    """The imports of a source that is a module of ``package``, in the order of its lines."""
    reader = _Reader(package)
    reader.visit(ast.parse(source))
    return reader.found


class _Reader(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package, self.found = package, list[Import]()
        self.functions = set(FUNCTIONS)
        self.depth = 0  # functions around the node

    def add(self, name: str) -> None:
        self.found.append(Import(name, at_top=not self.depth))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self.absolute("." * node.level + (node.module or ""))
        for alias in node.names:
            self.add(f"{base}.{alias.name}")
            if base == "importlib" and alias.name == "import_module":
                self.functions.add(alias.asname or alias.name)

    def visit_Call(self, node: ast.Call) -> None:
        called = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        name = node.args[0] if node.args else given.get("name")
        if called in self.functions and name is not None:
            package = node.args[1] if len(node.args) > 1 else given.get("package")
            self.add(self.called(name, package if called != "__import__" else None))
        self.generic_visit(node)

    def called(self, name: ast.expr, package: ast.expr | None) -> str:
        """The module that a call names; of an f-string, what is certain of it."""
        if isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
            name = name.values[0]
            if not str(name.value).startswith(".") and str(name.value).count(".") < 2:
                return COMPUTED
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            return COMPUTED
        told = package.value if isinstance(package, ast.Constant) and isinstance(package.value, str) else None
        return self.absolute(name.value, told)

    def absolute(self, name: str, package: str | None = None) -> str:
        """``..b`` in the package a.c → ``a.b``."""
        bare = name.lstrip(".")
        level = len(name) - len(bare)
        if not level:
            return name
        whole = (package or self.package).split(".")
        return ".".join([*whole[: len(whole) - level + 1], *([bare] if bare else [])])

    def visit_If(self, node: ast.If) -> None:
        test = getattr(node.test, "attr", None) or getattr(node.test, "id", None)
        self.depth += test == "TYPE_CHECKING"  # read by mypy alone
        for each in node.body:
            self.visit(each)
        self.depth -= test == "TYPE_CHECKING"
        for each in node.orelse:
            self.visit(each)
        self.visit(node.test)

    def inside(self, node: ast.AST) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = inside
