"""What visitors bring or make, and who may see its name.

A name is a capability: 128 random bits, so that nobody finds it who was not given it, and whoever was given
it may use it. It is listed to those alone who brought it or used it already. A hash of the content would not
do: who has the content would know the name.

All of it lies in a folder of this one server, which nobody but its account may read, and is gone when the
server ends; what a killed one left goes at the next start.
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import logging
import os
import re
import secrets
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playground.errors import BadInput
from playground.system import disk
from playground.system.lru import LRU

log = logging.getLogger(__name__)
Kind = Literal["upload", "songs", "rows"]
SUFFIX: dict[Kind, str] = {"upload": ".json", "songs": ".zip", "rows": ".json"}
NAME = re.compile(r"(upload|songs|rows)-[0-9a-f]{32}")
SERVER = "server-"  # begins the name of one server's folder
LIFE_SIGN = 600.0  # seconds between two marks that a server lives, for those on other machines
TITLE = 60  # characters of what an upload is called
NAMED = 20_000  # names that are remembered to have been used by somebody


@dataclass(frozen=True)
class Limits:
    """How much may be kept.

    Args:
        count: uploads of one visitor; the oldest of the same visitor goes.
        visitor: bytes of one visitor; the oldest of the same visitor goes, what is larger alone is refused.
        total: bytes of all; the oldest goes of the visitor who keeps the most, so that one who fills the disk
            takes nothing from the others.
        files: of one request; more are refused.
        request: bytes of all files of one request; more are refused.
    """

    count: int = 30
    visitor: int = 2**28
    total: int = 2**31
    files: int = 100
    request: int = 2**27


class Names:
    """Which names a visitor has given or been given: those are listed to them, and no others.

    Those that were named longest ago are forgotten, which takes a name out of lists and from nobody.
    """

    def __init__(self) -> None:
        self._visitor: Callable[[], str] = lambda: ""
        self._known: LRU[bool] = LRU(NAMED)

    def whose(self, visitor: Callable[[], str]) -> None:
        """Let this tell who is being answered; "" for nobody that can be told from others."""
        self._visitor = visitor

    @property
    def visitor(self) -> str:
        """Who is being answered."""
        return self._visitor()

    def note(self, name: str) -> None:
        """The visitor of this moment knows this name."""
        if self.visitor:
            self._known.put((self.visitor, name), True)

    def known(self, name: str) -> bool:
        """Whether the visitor of this moment knows this name."""
        return self._known.get((self.visitor, name)) is not None


@dataclass
class _Upload:
    name: str
    kind: Kind
    visitor: str
    digest: str
    path: Path
    size: int
    title: str = ""


@dataclass
class Uploads:
    """The uploads of one server.

    Args:
        root: the folder in which each server has its own; made when the first upload comes.
        names: who knows which.
    """

    root: Path
    names: Names
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._kept: OrderedDict[str, _Upload] = OrderedDict()  # the most recently used last
        self._lock = threading.RLock()
        self._mark = disk.mark()

    @property
    def folder(self) -> Path:
        """This server's own. Where another account has the common one, this account has another beside it."""
        root = self.root
        with suppress(OSError, AttributeError):  # there is none yet; a system without accounts
            if root.stat().st_uid != os.getuid():
                root = root.with_name(f"{root.name}-{os.getuid()}")
        return root / f"{SERVER}{self._mark}"

    def check(self, sizes: list[int]) -> None:
        """Refuse what is too much for one request.

        Args:
            sizes: bytes of its files.

        Raises:
            BadInput: too many files, or too large together.
        """
        if len(sizes) > self.limits.files:
            raise BadInput("upload_files", count=len(sizes), most=self.limits.files)
        if sum(sizes) > self.limits.request:
            raise BadInput("upload_bytes", size=sum(sizes), limit=self.limits.request)

    def keep(
        self, kind: Kind, content: bytes, fill: Callable[[Path], Any] | None = None, title: str = ""
    ) -> str:
        """Keep what a visitor brings; the name by which it is found again.

        The same content from the same visitor stays what it is, by its name.

        Args:
            content: the file, or what tells whether it is the same.
            fill: writes the file, if it is not ``content`` itself.
            title: what its owner calls it: shown in place of the name, which nobody else may learn. One that
                an upload of theirs has already is numbered.

        Raises:
            BadInput: larger than what one visitor may keep. CannotLoad: the disk is full or read-only;
                nothing is left of it then.
        """
        visitor, digest = self.names.visitor, hashlib.sha256(content).hexdigest()
        with self._lock:
            for each in self._kept.values():
                same = (each.kind, each.visitor, each.digest) == (kind, visitor, digest)
                if visitor and same and each.path.is_file():
                    each.title = self._free(title, visitor, each.name) or each.title
                    self._kept.move_to_end(each.name)
                    return each.name
        name = f"{kind}-{secrets.token_hex(16)}"
        path = self.folder / f"{name}{SUFFIX[kind]}"
        with disk.explain_errors(name):
            for folder in (path.parents[1], path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with disk.arriving(path, private=True) as aside:
                (fill or (lambda file: file.write_bytes(content)))(aside)
                size = aside.stat().st_size
                if size > self.limits.visitor:
                    raise BadInput("upload_bytes", size=size, limit=self.limits.visitor)
        with self._lock:
            free = self._free(title, visitor, name)
            self._kept[name] = _Upload(name, kind, visitor, digest, path, size, free)
            self._make_room(visitor, name)
        self.names.note(name)
        return name

    def _free(self, title: str, visitor: str, name: str) -> str:
        title = "".join(each for each in title if each.isprintable()).strip()[:TITLE]
        others = {each.title for each in self._kept.values() if each.visitor == visitor and each.name != name}
        numbered = (f"{title} ({count})" for count in itertools.count(2))
        return title if title not in others else next(each for each in numbered if each not in others)

    def title(self, name: str) -> str:
        """What its owner calls an upload; "" where there is none of this name, or it was given no title."""
        with self._lock:
            found = self._kept.get(name)
        return found.title if found is not None else ""

    def _make_room(self, visitor: str, newest: str) -> None:
        """Let the oldest go until the limits hold; never what has just come."""
        while self._over([each for each in self._kept.values() if each.visitor == visitor]):
            self.discard(next(e.name for e in self._kept.values() if e.visitor == visitor))
        while sum(each.size for each in self._kept.values()) > self.limits.total:
            sizes: dict[str, int] = {}
            for each in self._kept.values():
                sizes[each.visitor] = sizes.get(each.visitor, 0) + each.size
            # Of those who keep equally much the one whose oldest is the oldest: the first in the dictionary.
            for most in sorted(sizes, key=lambda one: -sizes[one]):
                oldest = next(e.name for e in self._kept.values() if e.visitor == most)
                if oldest != newest:
                    self.discard(oldest)
                    break
            else:
                return

    def _over(self, mine: list[_Upload]) -> bool:
        return len(mine) > self.limits.count or sum(each.size for each in mine) > self.limits.visitor

    def find(self, name: str) -> Path | None:
        """The file of a name, which is now the most recently used; None where there is none."""
        with self._lock:
            found = self._kept.get(name)
            if found is None or not found.path.is_file():
                return None
            self._kept.move_to_end(name)
        self.names.note(name)
        return found.path

    def listed(self, kind: Kind) -> list[tuple[str, Path]]:
        """Names and files of those that the visitor of this moment knows, the oldest first."""
        with self._lock:
            kept = [each for each in self._kept.values() if each.kind == kind]
        return [(each.name, each.path) for each in kept if self.names.known(each.name)]

    def discard(self, name: str) -> None:
        """Delete an upload; none of this name is no error."""
        with self._lock:
            found = self._kept.pop(name, None)
        if found is not None:
            disk.delete(found.path)

    # -- from the start to the end of a server --

    def begin(self) -> None:
        """Sweep what others left, keep strangers out of what is there, and see that all is gone at the end.

        To be called once, when a server starts. A folder that cannot be read or written is no reason not to
        start: whoever brings something is told.
        """
        folder = self.folder.parent
        for each in disk.listed(folder):
            if not each.name.startswith(SERVER):
                disk.delete(each)  # of a version that kept uploads beyond its end
        disk.sweep(folder, SERVER)
        if folder.is_dir():
            disk.keep_private(folder)
        ended = threading.Event()
        threading.Thread(target=self._tell_life, args=(ended,), name="uploads", daemon=True).start()
        at_end(self.end, ended.set)

    def end(self) -> None:
        """All of it is gone."""
        with self._lock:
            self._kept.clear()
        disk.delete(self.folder)
        with suppress(OSError):  # another server's are still in it, or it was never made
            self.folder.parent.rmdir()

    def _tell_life(self, ended: threading.Event) -> None:
        while not ended.wait(LIFE_SIGN):
            disk.used(self.folder)


_at_end: list[tuple[int, Callable[[], Any]]] = []  # process, and what it does at its end


def at_end(*work: Callable[[], Any]) -> None:
    """Have this done when the process ends, by itself or by a signal that asks it to; once, and not by forks.

    Python ends at SIGTERM and SIGHUP without a word to atexit. Who has set another handler keeps it.
    """
    if not _at_end:
        atexit.register(_ending)
    _at_end.extend((os.getpid(), each) for each in work)
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may; a server that is no main program is ended by whoever runs it
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _asked)


def _ending() -> None:
    while _at_end:
        process, work = _at_end.pop()
        if process == os.getpid():
            work()


def _asked(number: int, _: Any) -> None:
    _ending()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)  # and now as it would have ended
