"""Files of ours in the cache folder: each is whole or not there, and the oldest go.

Several visitors, and several servers on one folder, write, read and delete at once: whatever another has
just deleted or written is no error.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)
ARRIVING = "arriving-"  # begins the name of what is not whole yet
ABANDONED = 24 * 3600.0  # seconds after which nobody can still be writing it


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, at once and whole.

    Raises:
        OSError: no disk, or no room; nothing is left of it then.
    """
    with arriving(path) as aside:
        aside.write_bytes(content)


@contextmanager
def arriving(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A place of one's own beside ``path``, for a file or a folder, which becomes ``path`` at the end.

    What is left early (an error, a visitor who stops or goes) is deleted, and ``path`` stays as it was. Of
    two folders that arrive at once the first stays.

    Raises:
        OSError: it cannot be moved to its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    # Not tempfile's, which nobody else may read: several accounts may share a cache folder.
    aside = path.with_name(ARRIVING + secrets.token_hex(8))
    if folder:
        aside.mkdir()
    try:
        yield aside
        try:
            os.replace(aside, path)
        except OSError:
            if not (folder and path.is_dir()):
                raise
    finally:
        delete(aside)


def sweep(folder: Path) -> None:
    """Delete what a killed process has left in a folder."""
    for each in folder.glob(f"{ARRIVING}*"):
        if time.time() - changed(each) > ABANDONED:
            log.info("deleting %s, which never arrived", each)
            delete(each)


def trim(folder: Path, pattern: str, most: int) -> None:
    """Delete the oldest of a folder's files (or folders) of a pattern, until ``most`` are left."""
    for old in sorted(folder.glob(pattern), key=changed)[:-most]:
        delete(old)


def delete(path: Path) -> None:
    """Delete a file or a folder; what another deletes at the same time, or may not be deleted, is left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def used(path: Path) -> None:
    """What is in use is not the oldest."""
    with suppress(OSError):
        os.utime(path)


def changed(path: Path) -> float:
    """When it was changed last, in seconds; 0 if it has just been deleted."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
