"""Files of ours on the disk: each is whole or not there, the oldest go, and nobody leaves halves behind.

Several visitors, and several servers on one folder, write, read and delete at once: whatever another has
just deleted or written is no error. What is not whole yet bears the name of the process that writes it, so
that the next start knows what a killed one has left.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from playground.errors import CannotLoad

log = logging.getLogger(__name__)
ARRIVING = "arriving-"  # begins the name of what is not whole yet
# The names that earlier versions gave to what was not whole; in the cache folder nothing else is called so.
OLDER = (
    "partial-*", "*.tmp", "*.tmp.npz", "tmp*", "songs/partial-*", "songs/*.tmp", "songs/*.tmp.npz",
    "words/partial-*", "words/*.tmp", "quantized/tmp*", "quantized/part-*",
)  # fmt: skip
TEMPORARY, OLDER_TEMPORARY = "llm-playground-files-", "llm-playground-rows-"
ABANDONED = 3600.0  # seconds without a change after which nobody of another machine is still writing it
FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def explain_errors(name: str) -> Iterator[None]:
    """A disk that is full, or on which nothing may be written, becomes a sentence for the visitor.

    Args:
        name: of what was to be written, as the visitor knows it.

    Raises:
        CannotLoad: ``cache_full`` or ``cache_read_only``. Any other error stays what it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise CannotLoad("cache_full", name=name) from error
        if error.errno in CLOSED:
            raise CannotLoad("cache_read_only", name=name) from error
        raise


def write(path: Path, content: bytes, *, private: bool = False) -> None:
    """Put a file in its place, at once and whole.

    Raises:
        OSError: no disk, or no room; nothing is left of it then.
    """
    with arriving(path, private=private) as aside:
        aside.write_bytes(content)


@contextmanager
def arriving(path: Path, *, folder: bool = False, private: bool = False) -> Iterator[Path]:
    """A place of one's own beside ``path``, for a file or a folder, which becomes ``path`` at the end.

    What is left early (an error, a visitor who stops or goes) is deleted, and ``path`` stays as it was. Of
    two folders that arrive at once the first stays.

    Args:
        private: nobody but this server's account may read the file.

    Raises:
        OSError: it cannot be moved to its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    # Not tempfile's, which nobody else may read: several accounts may share a cache folder.
    aside = path.with_name(ARRIVING + mark())
    if folder:
        aside.mkdir()
    try:
        yield aside
        if private:
            aside.chmod(0o600)
        try:
            os.replace(aside, path)
        except OSError:
            if not (folder and path.is_dir()):
                raise
    finally:
        delete(aside)


def mark() -> str:
    """What tells the process that owns a file or folder: ``<machine>-<process>-<at random>``."""
    return f"{machine()}-{os.getpid()}-{secrets.token_hex(8)}"


@functools.cache
def machine() -> str:
    """This machine's name, without what parts the words of a `mark`."""
    return re.sub(r"\W", "", platform.node())


def owned(path: Path, prefix: str) -> bool:
    """Whether the process still lives that a file or folder belongs to.

    Args:
        prefix: what stands before the `mark` in its name.

    Of another machine's process, and where the name has no mark, the last change tells.
    """
    there, _, process = path.name.removeprefix(prefix).rpartition("-")[0].rpartition("-")
    since = changed(path)
    if there != machine() or not process.isdigit():
        return not older(path, ABANDONED)
    try:
        # A process that began later has got the number of one that is gone: in a container always the same.
        return bool(psutil.Process(int(process)).create_time() <= since)
    except psutil.Error:
        return False


def _newest(folder: Path) -> float:
    """When anything in a folder was changed last; 0 for a file, or where there is nothing."""
    try:
        return max((changed(each) for each in folder.rglob("*")), default=0.0)
    except OSError:  # deleted in this moment
        return 0.0


def sweep(folder: Path, prefix: str = ARRIVING) -> None:
    """Delete what killed processes have left in a folder.

    Args:
        prefix: what stands before the `mark` in the names.
    """
    for each in folder.glob(f"{prefix}*"):
        if not owned(each, prefix):
            log.info("deleting %s, which a killed process has left", each)
            delete(each)


def temporary() -> Path:
    """This process's own folder in the system's temporary one, which nobody else may read; not yet made."""
    return Path(tempfile.gettempdir()) / f"{TEMPORARY}{_own_mark()}"


@functools.cache
def _own_mark() -> str:
    return mark()


def sweep_all(cache_dir: Path) -> None:
    """Delete what killed processes, also of earlier versions, have left in the cache folder, and in the
    system's temporary one.
    """
    for prefix in (TEMPORARY, OLDER_TEMPORARY):
        sweep(Path(tempfile.gettempdir()), prefix)
    for folder in (cache_dir, *(each for each in listed(cache_dir) if each.is_dir())):
        sweep(folder)
    for pattern in OLDER:  # no version of today writes to these, so that nobody is waited for
        for each in cache_dir.glob(pattern):
            log.info("deleting %s, which was never finished", each)
            delete(each)


def listed(folder: Path) -> list[Path]:
    """What is in a folder; nothing where there is none, or none that may be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:  # not there yet, or nobody's to read
        return []


def keep_private(folder: Path) -> None:
    """Let nobody but this account read a folder: folders 0700, files 0600; what is another account's stays.

    Links are left alone, for what they point at is not of this folder.
    """
    for each in (folder, *folder.rglob("*")):
        with suppress(OSError):
            if not each.is_symlink():
                each.chmod(0o700 if each.is_dir() else 0o600)


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


def older(path: Path, seconds: float) -> bool:
    """Whether a file, or anything in a folder, was changed last longer ago than this."""
    return time.time() - max(changed(path), _newest(path)) > seconds


def changed(path: Path) -> float:
    """When it was changed last, in seconds; 0 if it has just been deleted."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
