"""Whether threads that wait spin or sleep: by who else computes, and never against the owner's word."""

from __future__ import annotations

import glob
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from playground.system import waiting

SPIN, SLEEP = {"GOMP_SPINCOUNT": waiting.SPINS}, {"OMP_WAIT_POLICY": "PASSIVE"}


@pytest.mark.parametrize(
    ("load", "many", "expected"),
    [(0.0, False, SPIN), (0.0, True, SLEEP), (1.5, False, SLEEP), (None, False, SLEEP)],
)
def test_one_person_on_an_idle_machine_spins(
    monkeypatch: pytest.MonkeyPatch, load: float | None, many: bool, expected: dict[str, str]
) -> None:
    monkeypatch.setattr(waiting, "load", lambda: load)
    assert waiting.chosen({}, many=many) == expected
    for name in waiting.CHOSEN:  # the owner may know better
        assert waiting.chosen({name: "x"}, many=many) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is Linux's")
def test_the_load_is_a_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert waiting.load() == 0.75
    monkeypatch.setattr(sys, "platform", "darwin")
    assert waiting.load() is None


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is Linux's")
@pytest.mark.parametrize("said", [SPIN, SLEEP])
def test_the_library_of_torch_hears_it(said: dict[str, str]) -> None:
    spec = importlib.util.find_spec("torch")
    assert spec and spec.origin
    folders = Path(spec.origin).parent / "lib", Path(spec.origin).parents[1] / "torch.libs"
    found = [file for folder in folders for file in glob.glob(f"{folder}/libgomp*")]
    if not found:
        pytest.skip("this build of torch brings another OpenMP")
    environment = {name: value for name, value in os.environ.items() if name not in waiting.CHOSEN}
    run = subprocess.run(
        [sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", found[0]],
        env=environment | said | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (name, value) = next(iter(said.items()))
    assert f"{name} = '{value}'" in run.stderr
