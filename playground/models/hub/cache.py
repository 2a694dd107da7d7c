"""The Hub's cache on this disk, as huggingface_hub lays it out and other programs read it.

models--org--name/
    blobs/<etag>               a file's bytes; <etag>.incomplete while they arrive
    snapshots/<commit>/<name>  links to them
    refs/<branch>              the commit that a branch is at
    trees/<commit>.json        all files that a commit has, here or not
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad
from playground.models.hub.files import safe
from playground.system import disk, untrusted_json

SPARE = 2**26  # bytes of disk that a download must leave free
COMMIT = re.compile(r"[0-9a-f]{40}")
OLDER = ".[0-9a-f]" + "[0-9a-f]" * 7 + ".tmp"
LONGEST_TREE = 2**25  # bytes of the list of a commit's files
TREE_FORMAT = 1  # of huggingface_hub's trees/*.json; it ignores what has another number


@dataclass(frozen=True)
class File:
    """A file of a repository; what is not known is None or empty.

    Args:
        oid: git's hash of it; of a large file only of a pointer to it.
        sha256: a large file's hash.
    """

    name: str
    size: int | None = None
    oid: str = ""
    sha256: str = ""

    @property
    def etag(self) -> str:
        """What the Hub calls its content, and the cache its blob."""
        return self.sha256 or self.oid


@dataclass(frozen=True)
class Listing:
    """All files of a commit, and where they are or will be on this disk.

    Args:
        live: the Hub said so just now.
        certain: these are all files that the commit has, not only those found here.
        parameters: numbers by type (``{"BF16": 1000}``), if the Hub knows.
    """

    repository: str
    commit: str
    files: tuple[File, ...]
    live: bool = False
    certain: bool = True
    parameters: Mapping[str, int] = field(default_factory=dict)

    @property
    def snapshot(self) -> Path:
        """The folder with the files under their names."""
        return storage(self.repository) / "snapshots" / self.commit

    def here(self, name: str) -> bool:
        """Whether the whole file is here."""
        return (self.snapshot / name).is_file()

    def blob(self, etag: str) -> Path:
        """Where a file's bytes lie."""
        return storage(self.repository) / "blobs" / etag

    def partial(self, etag: str) -> Path:
        """Where they gather meanwhile. A name that older versions of huggingface_hub resume, too."""
        return storage(self.repository) / "blobs" / f"{etag}.incomplete"

    def begun(self, file: File) -> int:
        """Bytes of a file that are here already, under its name, another commit's, or as a part."""
        size = file.size or 0
        if self.here(file.name) or (file.etag and self.blob(file.etag).is_file()):
            return size
        partial = self.partial(file.etag)
        return min(partial.stat().st_size, size) if file.etag and partial.is_file() else 0


def storage(repository: str) -> Path:
    """The folder of a repository."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / "--".join(["models", *repository.split("/")])


def kept(repository: str, revision: str) -> Listing | None:
    """What a branch had when it was fetched last; asks nobody."""
    folder, commit = storage(repository), revision
    if not COMMIT.fullmatch(revision):
        ref = folder / "refs" / revision
        commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
    snapshot = folder / "snapshots" / commit
    if not COMMIT.fullmatch(commit) or not snapshot.is_dir():
        return None
    if (tree := _tree(folder, commit)) is not None:
        return Listing(repository, commit, tree)
    found = (path for path in sorted(snapshot.rglob("*")) if path.is_file())
    files = [File(path.relative_to(snapshot).as_posix(), path.stat().st_size) for path in found]
    return Listing(repository, commit, tuple(files), certain=False)


def _tree(folder: Path, commit: str) -> tuple[File, ...] | None:
    path = folder / "trees" / f"{commit}.json"
    try:
        tree = untrusted_json.read(path, LONGEST_TREE)
        if tree["format_version"] != TREE_FORMAT:
            return None
        return tuple(
            File(name, entry["size"], entry["blob_id"], entry.get("lfs_sha256") or "")
            for name, entry in tree["files"].items()
            if safe(name)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # another program's, half written or of another form: the files themselves tell


def note_tree(listing: Listing) -> None:
    """Notes all files of a commit, so that "is it all here" can be answered when the Hub is not."""
    path = storage(listing.repository) / "trees" / f"{listing.commit}.json"
    if path.exists() or not all(file.oid and file.size is not None for file in listing.files):
        return
    files: dict[str, Any] = {}
    for file in listing.files:
        files[file.name] = {"size": file.size, "blob_id": file.oid}
        if file.sha256:
            files[file.name] |= {"lfs_sha256": file.sha256, "lfs_size": file.size}
    disk.write(path, json.dumps({"format_version": TREE_FORMAT, "files": files}).encode())


def note_branch(listing: Listing, revision: str) -> None:
    """Notes which commit a branch is at; to be called once all that was wanted is here.

    By this note alone files are found when the Hub is not. So it stays at an older commit as long as
    that has files here which the newer one lacks: looking at a tokenizer must not lose a model.
    """
    if COMMIT.fullmatch(revision):
        return
    old = kept(listing.repository, revision)
    if old and old.commit == listing.commit:
        return
    useful = re.compile(r".*\.(json|safetensors|bin|model|txt|jinja)")
    names = [file.name for file in listing.files if useful.fullmatch(file.name)]
    if not old or all(listing.here(name) for name in names if old.here(name)):
        disk.write(storage(listing.repository) / "refs" / revision, listing.commit.encode())


@contextmanager
def lock(listing: Listing, etag: str, patience: float) -> Iterator[None]:
    """huggingface_hub's own lock of a file, so that other programs keep off as well.

    Raises:
        TimeoutError: somebody else has it.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import WeakFileLock

    name = storage(listing.repository).name
    path = Path(constants.HF_HUB_CACHE) / ".locks" / name / f"{etag}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(path, timeout=patience):
        yield


def link(listing: Listing, name: str, etag: str, *, new: bool = False) -> None:
    """Puts a file that is here under its name; where a system has no links, by moving or copying it."""
    from huggingface_hub.file_download import _create_symlink

    target = listing.snapshot / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        _create_symlink(str(listing.blob(etag)), str(target), new_blob=new)


def adopt(listing: Listing) -> None:
    """Links what an earlier commit brought already: most commits change a README alone."""
    for file in listing.files:
        if file.etag and not listing.here(file.name) and listing.blob(file.etag).is_file():
            # Who holds the lock of a whole file links it too; without the link it is fetched when wanted.
            with suppress(TimeoutError), lock(listing, file.etag, 1.0):
                link(listing, file.name, file.etag)


def sweep() -> None:
    """Delete what killed processes have left beside the notes of branches and commits.

    What is left of a file's bytes stays: the next download goes on from there.
    """
    from huggingface_hub import constants

    for folder in Path(constants.HF_HUB_CACHE).glob("models--*/*"):
        if folder.name in ("refs", "trees"):
            disk.sweep(folder)
            for each in folder.glob(f"*{OLDER}"):  # as an earlier version named them
                disk.delete(each)


def check_disk(repository: str, need: int) -> None:
    """Raises CannotLoad where ``need`` bytes would leave less than `SPARE`.

    huggingface_hub only warns; a disk filled to the brim harms more than this download.
    """
    if free_bytes() < need + SPARE:
        raise disk_full(repository, need)


def disk_full(repository: str, need: int) -> CannotLoad:
    """The error for a disk without room for so many bytes more."""
    return CannotLoad("disk_full", name=repository, need=need, free=free_bytes())


def free_bytes() -> int:
    """Free bytes where the cache is, or will be."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
