"""Files of playlists, told apart by what is in them: the book's pair, tables, JSON, M3U, plain lines.

What a single line or row gets wrong is counted and skipped. A whole file that is not understood is refused
with what was looked for: nothing is taken for playlists merely because it can be cut at commas.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from playground.engine.tables import delimited
from playground.engine.tables.charset import brief, decoded, lines
from playground.engine.tables.delimited import Row
from playground.errors import BadInput
from playground.rooms.songs import playlist_json
from playground.rooms.songs.gathering import Gathering, columns, short
from playground.rooms.songs.library import Library, Song, assemble
from playground.system import cancellation

SEPARATORS = ("\t", " | ", ";", ",")
TABLES = (".csv", ".tsv")
DASH = " - "
NUMBERS = re.compile(r"\s*\d+(\s+\d+)*\s*")
MOSTLY = 0.9  # of the lines
SHOWN = 8  # names of columns that a refusal repeats


def read(name: str, files: Sequence[tuple[str, bytes]]) -> Library:
    """A library from one or several files, each in a form of its own.

    Args:
        name: of the data set, for its sentences.
        files: (file name, content). Two files of which one maps ids to songs are the book's pair. A file
            without a column of playlists is one playlist, named by the file.

    Raises:
        BadInput: none of the forms, or no playlist of two songs in it.
    """
    files = [(label, content) for label, content in files if content.strip(b"\0 \t\r\n")]
    if not files:
        raise BadInput("songs_file_empty", name=name)
    into = Gathering()
    texts = []
    for label, content in files:
        text, told = decoded(label, content)
        into.encoding = told.get("encoding", into.encoding)
        into.told["bytes"] += told.get("bytes", 0)
        texts.append((label, text))
    if len(texts) == 2:
        hashes = [place for place, (label, _) in enumerate(texts) if "hash" in label.lower()]
        if len(hashes) == 1:
            return book(name, texts[1 - hashes[0]][1], texts[hashes[0]][1])
    for number, (label, text) in enumerate(texts):
        _read(into, number, label, text)
    return into.library(name)


def book(name: str, playlists: str, hashes: str) -> Library:
    """Shuo Chen's yes_complete, as the book reads it.

    ``train.txt``: two lines of metadata, then a playlist a line, ids parted and ended by blanks.
    ``song_hash.txt``: id, title and artist a line, parted by tabs; the id carries a blank at its end.
    """
    told = {"empty": 0, "broken": 0}

    def songs() -> Iterator[Song]:
        for line in cancellation.asking(lines(hashes)):
            parts = line.rstrip().split("\t")
            if parts == [""]:
                continue
            id = parts[0].strip()
            if len(parts) < 2 or not id:
                told["broken"] += 1
                continue
            artist = parts[2] if len(parts) > 2 else ""
            yield Song(id, short(parts[1]) or id, short(artist))

    known = list(songs())
    if not known:
        raise BadInput("songs_hash", name=name)
    rows = lines(playlists)[2:]
    while rows and not rows[-1].strip():
        rows.pop()  # the file's end is no playlist
    return assemble(name, known, (row.split() for row in rows), told)


def _read(into: Gathering, number: int, label: str, text: str) -> None:
    """One file, by the first form that it has.

    Args:
        number: of the file: it tells its playlists from another file's.

    Raises:
        BadInput: none.
    """
    start = text.lstrip()[:8].upper()
    if start.startswith(("{", "[")):
        playlist_json.read(into, number, label, text)
    elif start.startswith(("#EXTM3U", "#EXTINF")) or label.lower().endswith((".m3u", ".m3u8")):
        _m3u(into, number, label, text)
    elif not _table(into, number, label, text):
        _lines(into, number, label, text)


def _table(into: Gathering, number: int, label: str, text: str) -> bool:
    """A row a song, the columns found by their names, in any order; False for what is no such table.

    A playlist is what user and playlist are alike in; without both columns, the whole file.

    Raises:
        BadInput: a table, but without a column of titles.
    """
    parsed = delimited.parse(text)
    rows = parsed.rows(span=1)
    first = next(rows, Row([]))
    names = _trimmed(first.cells)
    at = columns(names)
    table = parsed.named or label.lower().endswith(TABLES)
    if "track" not in at or (len(at) < 2 and not table):
        # Quoted cells, or names of other columns: this is a table whatever it is called.
        quoted = len(names) > 1 and len(delimited.QUOTED.findall(first.raw)) == len(names)
        if table or quoted or len(at) > 1:
            found = ", ".join(brief(short(each)) for each in names[:SHOWN])
            raise BadInput("songs_columns", name=brief(label), found=found)
        return False
    stem = label.rpartition(".")[0] or label
    for row in rows:
        cells = _trimmed(row.cells, len(names))
        if row.stray or len(cells) != len(names) or not cells[at["track"]].strip():
            into.told["broken"] += 1
            continue
        artist = cells[at["artist"]] if "artist" in at else ""
        user, playlist = (cells[at[key]].strip() if key in at else "" for key in ("user", "playlist"))
        own = "user" in at or "playlist" in at
        key = (user, playlist) if own else (number,)
        into.add(key, [into.song(cells[at["track"]], artist)], playlist or user if own else stem)
    return True


def _trimmed(cells: list[str], width: int = 0) -> list[str]:
    """Cells without empty ones at the end, of which a delimiter at the end of the line makes one."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _m3u(into: Gathering, number: int, label: str, text: str) -> None:
    """A playlist of a player: ``#EXTINF:123,Artist - Title`` before a file's path, or the paths alone."""
    songs, title, name = [], "", label.rpartition(".")[0] or label
    for line in map(str.strip, lines(text)):
        kind, _, rest = line.partition(":")
        if kind.upper() == "#EXTINF":
            title = rest.partition(",")[2].strip()
        elif kind.upper() == "#PLAYLIST" and rest.strip():
            name = rest.strip()
        elif line and not line.startswith("#"):
            file = re.split(r"[/\\]", line)[-1]
            songs.append(_song(into, title or file.rpartition(".")[0] or file))
            title = ""
    if not songs:
        raise BadInput("songs_m3u", name=brief(label))
    into.add((number,), songs, name)


def _lines(into: Gathering, number: int, label: str, text: str) -> None:
    """A playlist a line, its songs parted by tabs, ``|``, ``;`` or commas, or numbers parted by blanks; or
    one playlist, a song ``Artist - Title`` a line.

    Raises:
        BadInput: no line holds two songs; lines that are all parted into as many, like a table whose columns
            have no names; sentences.
    """
    rows = [row.strip("\ufeff") for row in lines(text)]
    filled = [row for row in rows if row.strip()]
    while rows and not rows[-1].strip():
        rows.pop()  # the file's end is no playlist
    if all(NUMBERS.fullmatch(row) for row in filled):
        for place, row in enumerate(rows[_metadata(rows) :]):
            into.add((number, place), [into.song(id, id=id) for id in row.split()])
        return
    separator = next((each for each in SEPARATORS if any(each in row for row in filled)), "")
    dashes = sum(row.count(DASH) == 1 for row in filled)
    if len(filled) > 1 and separator in ("", ",", ";") and dashes >= MOSTLY * len(filled):
        name = label.rpartition(".")[0] or label
        into.add((number,), [_song(into, row) for row in filled], name)
        return
    ends = sum(row.rstrip().endswith((".", "!", "?", "。", "！", "？")) for row in filled)
    if not separator or 2 * ends > len(filled):
        raise BadInput("songs_separator", name=brief(label))
    widths = {row.count(separator) + 1 for row in filled}
    if separator != " | " and len(widths) == 1 and len(filled) > 2 and DASH not in text:
        raise BadInput("songs_unnamed", name=brief(label), count=widths.pop())
    for place, row in enumerate(rows):
        parts = (part for part in row.split(separator) if part.strip())
        into.add((number, place), [_song(into, part) for part in parts])


def _metadata(rows: Sequence[str]) -> int:
    """How many lines of numbers are no playlists: the book's train.txt begins with all ids, each once, and
    how often each of them stands in the lines below.
    """
    if len(rows) < 3:
        return 0
    ids, told = rows[0].split(), rows[1].split()
    if len(ids) != len(told) or len(set(ids)) != len(ids):
        return 0
    counts = Counter(chain.from_iterable(row.split() for row in islice(rows, 2, None)))
    right = sum(counts[id] == int(count) for id, count in zip(ids, told, strict=True))
    return 2 if counts.keys() <= {*ids} and 2 * right > len(ids) else 0


def _song(into: Gathering, text: str) -> str:
    """The id of a song that is told as ``Artist - Title``, or as a title alone."""
    artist, dash, title = text.strip().partition(DASH)
    if not dash or not title.strip():
        artist, title = "", text.strip()
    return into.song(title, artist)
