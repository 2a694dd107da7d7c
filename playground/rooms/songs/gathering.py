"""What files of playlists are read into: songs, each once, and playlists by whatever tells them apart."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from playground import ASSETS
from playground.engine.tables.charset import one_line
from playground.rooms.songs.library import Library, Song, assemble
from playground.system import cancellation

TITLE_LIMIT = 300  # characters of a title or artist that are kept


class Gathering:
    """Songs and playlists of one or several files."""

    def __init__(self) -> None:
        self.songs: dict[str, Song] = {}
        self.told: Counter[str] = Counter()
        self.encoding = ""
        self._ids: dict[tuple[str, str], str] = {}
        self._numbers: set[str] = set()  # ids that are ours
        self._last = 0
        self._playlists: dict[Hashable, list[str]] = {}
        self._names: dict[Hashable, str] = {}

    def song(self, title: str, artist: str = "", id: str = "") -> str:
        """The id of a song: its own, or a number, the same for the same title and artist."""
        if id and not (id in self._numbers and self.songs[id].title != title):
            if id not in self.songs:
                self.songs[id] = Song(id, short(title), short(artist))
            return id
        known = self._ids.get((artist, title))
        if known is None:
            clean = short(artist), short(title)
            known = self._ids.get(clean) or self._number()
            self._ids[artist, title] = self._ids[clean] = known
            self.songs.setdefault(known, Song(known, clean[1], clean[0]))
        return known

    def _number(self) -> str:
        """A number that no song has; another file's may be numbers themselves."""
        self._last += 1
        while str(self._last) in self.songs:
            self._last += 1
        self._numbers.add(str(self._last))
        return str(self._last)

    def add(self, playlist: Hashable, songs: Iterable[str], name: str = "") -> None:
        """Songs, by their ids, at the end of a playlist.

        Args:
            playlist: whatever tells it from the others.
            name: as people call it; "" where it has none.
        """
        cancellation.check()
        self._playlists.setdefault(playlist, []).extend(songs)
        if name:
            self._names.setdefault(playlist, short(name))

    def library(self, name: str) -> Library:
        """All of it as a library.

        Raises:
            BadInput: no playlist of two songs in it.
        """
        told: dict[str, Any] = dict(self.told)
        if self.encoding:
            told["encoding"] = self.encoding
        names = [self._names.get(each, "") for each in self._playlists]
        return assemble(name, self.songs.values(), self._playlists.values(), told, names)


def short(text: str) -> str:
    """A title as a page can show it: one line, not endless."""
    return one_line(text)[:TITLE_LIMIT]


@functools.cache
def known() -> Mapping[str, tuple[str, ...]]:
    """Usual names of columns, likeliest first, by kind: track, artist, playlist, user, other."""
    found = json.loads((ASSETS / "songs" / "columns.json").read_text(encoding="utf-8"))
    return {kind: tuple(names) for kind, names in found.items()}


def columns(cells: Iterable[str]) -> dict[str, int]:
    """Which cells name a column of a kind (see `known`), by place: ``Artist Name(s)`` is an artist."""
    cleaned = [re.sub(r"[\W_]+", "_", each.casefold()).strip("_") for each in cells]
    return {
        kind: cleaned.index(found)
        for kind, names in known().items()
        if (found := next((each for each in names if each in cleaned), None)) is not None
    }
