"""A song library: songs, and playlists in which they were played together (a playlist is a sentence).

Songs are rows, numbered from 0; playlists hold row numbers, all in one array (CSR). What a file got wrong is
counted in ``told`` and never stops the rest from being used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import BadInput
from playground.system import cancellation

UNKNOWN_YEAR = 0
STRING = 70  # bytes that a short string takes in Python, and its place in a tuple


@dataclass(frozen=True)
class Song:
    """One song as people see it. Year 0 and an empty genre or country mean that they are not known."""

    id: str
    title: str
    artist: str = ""
    year: int = UNKNOWN_YEAR
    genre: str = ""
    country: str = ""
    also: str = ""  # other spellings of title and artist, for the search alone


@dataclass(frozen=True, eq=False)
class Library:
    """Songs and playlists of one data set.

    Args:
        songs: row → song.
        items: row numbers of all playlists, one after the other, int32 [places].
        offsets: where each playlist begins in ``items``, and its end, int64 [playlists + 1].
        told: what reading told: counts of what was skipped (``empty``, ``single``, ``unknown``,
            ``duplicate``, ``broken``, ``podcasts``, ``skips``) or lost (``bytes``), ``sessions`` into which a
            history was parted, and the ``encoding`` that was guessed.
        names: of the playlists, in their order; none where files do not tell any.
    """

    name: str
    songs: tuple[Song, ...]
    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    told: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.items.flags.writeable = False  # shared by all who read it
        self.offsets.flags.writeable = False

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def playlists(self) -> int:
        """How many playlists there are."""
        return len(self.offsets) - 1

    def playlist(self, number: int) -> NDArray[np.int32]:
        """The rows of one playlist, in the order they were played."""
        return self.items[self.offsets[number] : self.offsets[number + 1]]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Id → row."""
        return {song.id: row for row, song in enumerate(self.songs)}

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """In how many places of playlists each song stands, [songs]."""
        return np.bincount(self.items, minlength=len(self.songs))

    @cached_property
    def years(self) -> NDArray[np.int32]:
        """Year of each song, 0 where unknown, [songs]."""
        return np.array([song.year for song in self.songs], np.int32)

    @cached_property
    def genres(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """The genres' names (the first is "", unknown), and each song's as a number among them, [songs]."""
        return _numbered([song.genre for song in self.songs])

    @cached_property
    def artists(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """The artists' names (the first is "", unknown), and each song's as a number among them, [songs]."""
        return _numbered([song.artist for song in self.songs])

    @cached_property
    def holders(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Song → playlists that hold it: offsets [songs + 1], playlist numbers; a playlist counts once."""
        lists = np.repeat(np.arange(self.playlists, dtype=np.int64), np.diff(self.offsets))
        pairs = np.unique(self.items.astype(np.int64) * self.playlists + lists)
        songs, numbers = np.divmod(pairs, self.playlists)
        ends = np.cumsum(np.bincount(songs, minlength=len(self.songs)))
        return np.concatenate([[0], ends]), numbers.astype(np.int32)

    def holding(self, row: int) -> NDArray[np.int32]:
        """The playlists that hold a song."""
        offsets, numbers = self.holders
        return numbers[offsets[row] : offsets[row + 1]]

    def row(self, id: object) -> int:
        """The row of an id.

        Raises:
            BadInput: no song has this id.
        """
        found = self.rows.get(str(id).strip())
        if found is None:
            raise BadInput("songs_id_unknown", id=str(id)[:40], name=self.name)
        return found

    @property
    def bytes(self) -> int:
        """Roughly what it takes in memory: arrays to the byte, strings by their usual size."""
        arrays = self.items.nbytes * 3 + self.offsets.nbytes  # with the playlists of each song
        names = STRING * len(self.names)
        return arrays + names + len(self.songs) * (4 * STRING + 900)  # with what the search keeps of each


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    known = {"": 0}
    numbers = np.array([known.setdefault(name, len(known)) for name in names], np.int32)
    return tuple(known), numbers


def assemble(
    name: str,
    songs: Iterable[Song],
    playlists: Iterable[Sequence[str]],
    told: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
) -> Library:
    """A library from songs and playlists of ids.

    Playlists of fewer than two songs are left out, as the book does: they put nothing beside anything. An id
    that no song has becomes a song named by its id. Of songs with one id the first counts.

    Args:
        names: of the playlists, as many; or none.

    Raises:
        BadInput: no playlist with two songs is left.
    """
    counted = {"empty": 0, "single": 0, "unknown": 0, "duplicate": 0, "broken": 0, **(told or {})}
    kept: dict[str, Song] = {}
    for song in songs:
        if song.id in kept:
            counted["duplicate"] += 1
        else:
            kept[song.id] = song
    rows = {id: row for row, id in enumerate(kept)}
    parts, lengths, called = [], [], []
    for place, playlist in enumerate(cancellation.asking(playlists)):
        if len(playlist) < 2:
            counted["single" if playlist else "empty"] += 1
            continue
        try:
            parts.append(np.fromiter(map(rows.__getitem__, playlist), np.int32, len(playlist)))
        except KeyError:
            for id in playlist:
                if id not in rows:
                    rows[id] = len(rows)
                    kept[id] = Song(id, id)
                    counted["unknown"] += 1
            parts.append(np.array([rows[id] for id in playlist], np.int32))
        lengths.append(len(playlist))
        called.append(names[place] if names else "")
    if not parts:
        raise BadInput("songs_no_playlists", name=name)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    known = tuple(called) if any(called) else ()
    return Library(name, tuple(kept.values()), np.concatenate(parts), offsets, counted, known)


def part(library: Library, numbers: NDArray[Any]) -> Library:
    """The same songs with some of the playlists only."""
    lengths = np.diff(library.offsets)[numbers]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.concatenate([library.playlist(number) for number in numbers])
    return Library(library.name, library.songs, items, offsets)
