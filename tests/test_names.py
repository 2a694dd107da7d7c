"""What docstrings, comments and documents name is there: `single backticks` are for the project's own names.

Names of other libraries stand in ``double`` ones, which nobody looks up here.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ENDPOINTS_LISTED = (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8")
FILES = [*sorted((ROOT / "playground").rglob("*.py")), ROOT / "app.py"]
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
NAME = re.compile(r"([A-Za-z_]\w*\.)*[A-Za-z_]\w*(\(\))?")
ENDPOINTS = set(re.findall(r"^\| `(/[a-z_]+)` \|", ENDPOINTS_LISTED, re.MULTILINE))


def names_in(tree: ast.AST) -> set[str]:
    """Everything that a source calls by a name: what it defines, reads, takes and imports; keys."""
    found: set[str | None] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found |= {*name.split("."), other}
            case ast.Constant(value=str(word)) if word.isidentifier():
                found.add(word)
    return {name for name in found if name}


def quoted_in(source: str) -> Iterator[str]:
    """What stands in single backticks in its docstrings and comments."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [
        ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, documented)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    texts += [token.string for token in tokens if token.type == tokenize.COMMENT]
    for each in texts:
        yield from QUOTED.findall(each)


@cache
def known() -> frozenset[str]:
    """Names of all sources together, and of their files and folders."""
    places = {part for path in FILES for part in path.relative_to(ROOT).with_suffix("").parts}
    return frozenset(places.union(*(names_in(ast.parse(path.read_text(encoding="utf-8"))) for path in FILES)))


def is_there(name: str, at: Path) -> bool:
    """Whether a name, a path, an endpoint or a command is the project's; of anything else: True."""
    if name.startswith("playground.") and NAME.fullmatch(name):
        return dotted(name.removesuffix("()"))
    if NAME.fullmatch(name):
        return set(name.removesuffix("()").split(".")) <= known() or (ROOT / name).exists()
    if re.fullmatch(r"/[a-z_]+", name):
        return name in ENDPOINTS
    if module := re.match(r"python -m (\S+)", name):
        return dotted(module[1])
    if re.fullmatch(r"[\w.*-]+(/[\w.*-]*)+", name):
        return any(any(folder.glob(name.rstrip("/"))) for folder in (ROOT, at.parent))
    return True


def dotted(name: str) -> bool:
    """Whether a dotted name leads to a module, or to something in one."""
    first, *rest = name.split(".")
    place = ROOT / first
    while rest and ((place / rest[0]).is_dir() or (place / f"{rest[0]}.py").is_file()):
        place /= rest.pop(0)
    module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return module.is_file() and set(rest) <= names_in(ast.parse(module.read_text(encoding="utf-8")))


def test_what_a_source_names_is_there() -> None:
    quoted = ((path, quoted_in(path.read_text(encoding="utf-8"))) for path in FILES)
    missing = {str(path): [name for name in names if not is_there(name, path)] for path, names in quoted}
    assert {path: names for path, names in missing.items() if names} == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_documents_name_is_there(document: Path) -> None:
    told = re.sub(r"```diff\n.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    dotted_names = re.findall(r"\bplayground(?:\.\w+)+", told.replace("playground.school.edu", ""))
    assert [name for name in dotted_names if not dotted(name)] == []
    paths = re.findall(r"`((?:playground|assets|tests)/[^`\s<]+)`", told)
    assert [name for name in paths if not is_there(name, document)] == []


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("all_rooms", True), ("PANELS", False), ("ModelCache.leasing", True), ("ModelCache.lend", False),
        ("playground.engine.generation.sampling", True), ("playground.engine.samplings", False),
        ("playground.engine.vectors.projection.project", True),
        ("playground.engine.vectors.projection.draw", False),
        ("playground.rooms.all_rooms", True), ("playground.rooms.PANELS", False),
        ("compose()", True), ("compose_all_of_it()", False),
        ("/tokenize", True), ("/tokenise", False), ("python -m playground.rooms.examples", True),
        ("python -m playground.example", False), ("assets/songs/songs.js", True), ("assets/songs.js", False),
        ("a = b; c = d", True),
    ],
)  # fmt: skip
def test_the_look_up_itself(name: str, there: bool) -> None:
    assert is_there(name, ROOT / "playground" / "panels" / "chat.py") == there


def test_the_reader_of_texts_itself() -> None:
    source = '"""Of `one`, ``two``."""\n\ndef f():\n    """`three()`"""\n    return "`four`"  # and `five`\n'
    assert list(quoted_in(source)) == ["one", "three()", "five"]


def undescribed(source: str) -> Iterator[tuple[str, set[str]]]:
    """Functions and classes, and what their docstrings describe under ``Args`` that they do not take."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        listed = re.search(r"^Args:\n((?: .*\n?|\n(?= ))*)", ast.get_docstring(node) or "", re.MULTILINE)
        if listed is None:
            continue
        heads = re.findall(r"^    (\w+(?:, \w+)*): ", listed[1], re.MULTILINE)
        named = {name for head in heads for name in head.split(", ")}
        yield node.name, named - taken_by(node)


def taken_by(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
    """A function's arguments; a class's fields and those of its ``__init__``."""
    if not isinstance(node, ast.ClassDef):
        return {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    found = {str(getattr(each.target, "id", "")) for each in node.body if isinstance(each, ast.AnnAssign)}
    made = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return found.union(*map(taken_by, made))


def test_arguments_are_described_by_their_names() -> None:
    found = ((path, *each) for path in FILES for each in undescribed(path.read_text(encoding="utf-8")))
    assert [(str(path), name, missing) for path, name, missing in found if missing] == []


def test_the_reader_of_arguments_itself() -> None:
    told = "Args:\n        one, three: it.\n            two: of it.\n\n    Returns:\n        four: it.\n    "
    of_function = f'def f(one, *, two):\n    """B.\n\n    {told}"""\n'
    assert dict(undescribed(of_function)) == {"f": {"three"}}
    of_class = f'class A:\n    """B.\n\n    {told}"""\n    one: int\n    def __init__(self, three): ...\n'
    assert dict(undescribed(of_class)) == {"A": set()}
    assert dict(undescribed(of_class.replace("three):", "two):"))) == {"A": {"three"}}
