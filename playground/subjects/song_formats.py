"""Files of playlists, to the byte: the book's pair of files, CSV, the Million Playlist JSON, and plain lines.

What a single line or row gets wrong is counted and skipped; what makes a whole file unusable is a sentence.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playground.errors import BadInput
from playground.subjects.songs import Library, Song, assemble

COLUMNS = {
    "artist": ("artist", "artistname", "artist_name", "artists", "artist_names"),
    "track": ("track", "trackname", "track_name", "title", "song", "song_name", "name"),
    "playlist": ("playlist", "playlistname", "playlist_name", "playlist_id", "pid"),
    "user": ("user", "user_id", "userid", "username"),
}
SEPARATORS = ("\t", " | ", ";", ",")
FIELD = 10_000_000  # characters of one CSV field: an unclosed quote swallows the rest of a file
NUMBERS = re.compile(r"\s*\d+(\s+\d+)*\s*")
TITLE_LIMIT = 300  # characters of a title or artist that are kept


def read(name: str, files: Sequence[tuple[str, bytes]]) -> Library:
    """A library from one or several files, whose form is told from what is in them.

    Args:
        name: of the data set, for its sentences.
        files: (file name, content). Two files of which one maps ids to songs are the book's pair; several
            JSON slices or CSV files are one library.

    Raises:
        BadInput: none of the forms, or no playlist of two songs in it.
    """
    files = [(label, content) for label, content in files if content.strip()]
    if not files:
        raise BadInput("songs_file_empty", name=name)
    texts = [decoded(label, content) for label, content in files]
    if len(texts) == 2:
        hashes = [index for index, (label, _) in enumerate(files) if "hash" in label.lower()]
        if len(hashes) == 1:
            return book(name, texts[1 - hashes[0]], texts[hashes[0]])
    if all(text.lstrip()[:1] in "{[" for text in texts):
        return million(name, [(label, text) for (label, _), text in zip(files, texts, strict=True)])
    if all(_dialect(text) for text in texts):
        return table(name, texts)
    return lines(name, "\n".join(texts))


def decoded(label: str, content: bytes) -> str:
    """UTF-8, with or without a mark of byte order; UTF-16 with one.

    Raises:
        BadInput: another encoding, or no text at all.
    """
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if marked else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput("songs_encoding", name=label, position=error.start) from error
    if "\0" in text:
        raise BadInput("songs_not_text", name=label)
    return text


def book(name: str, playlists: str, hashes: str) -> Library:
    """Shuo Chen's yes_complete, as the book reads it.

    ``train.txt``: two lines of metadata, then a playlist a line, ids parted and ended by blanks.
    ``song_hash.txt``: id, title and artist a line, parted by tabs; the id carries a blank at its end.
    """
    told = {"empty": 0, "broken": 0}

    def songs() -> Iterator[Song]:
        for line in hashes.split("\n"):
            parts = line.rstrip().split("\t")
            if parts == [""]:
                continue
            id = parts[0].strip()
            if len(parts) < 2 or not id:
                told["broken"] += 1
                continue
            artist = parts[2] if len(parts) > 2 else ""
            yield Song(id, _short(parts[1]) or id, _short(artist))

    known = list(songs())
    if not known:
        raise BadInput("songs_hash", name=name)
    rows = playlists.split("\n")[2:]
    while rows and not rows[-1].strip():
        rows.pop()  # the file's end is no playlist
    return assemble(name, known, (row.split() for row in rows), told)


def table(name: str, texts: Sequence[str]) -> Library:
    """CSV in the manner of Spotify exports: a row a song, with columns for artist, track, playlist, user.

    Columns are found by name, in any order; a playlist is what user and playlist are alike in.
    """
    playlists: dict[tuple[str, str], list[str]] = {}
    songs: dict[tuple[str, str], Song] = {}
    broken = 0
    csv.field_size_limit(FIELD)
    for text in texts:
        dialect = _dialect(text)
        assert dialect
        delimiter, at = dialect
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        next(rows)
        most = max(at.values())
        try:
            for row in rows:
                if not row:
                    continue
                if len(row) <= most or not row[at["track"]].strip():
                    broken += 1
                    continue
                artist = _short(row[at["artist"]]) if "artist" in at else ""
                title = _short(row[at["track"]])
                song = songs.setdefault((artist, title), Song(str(len(songs) + 1), title, artist))
                user, playlist = (row[at[key]].strip() if key in at else "" for key in ("user", "playlist"))
                playlists.setdefault((user, playlist), []).append(song.id)
        except csv.Error as error:
            raise BadInput("songs_csv", name=name, line=rows.line_num) from error
    return assemble(name, songs.values(), playlists.values(), {"broken": broken})


def _dialect(text: str) -> tuple[str, Mapping[str, int]] | None:
    """The delimiter and the columns of a CSV with a first line of names; None for what is none."""
    first = text.lstrip("\r\n").split("\n", 1)[0].strip()
    for delimiter in (",", ";", "\t"):
        names = next(csv.reader([first[:10_000]], delimiter=delimiter, skipinitialspace=True), [])
        cleaned = [re.sub(r"[^a-z]+", "_", each.lower()).strip("_") for each in names]
        at = {
            key: cleaned.index(found)
            for key, known in COLUMNS.items()
            if (found := next((each for each in known if each in cleaned), None))
        }
        if "track" in at and ("playlist" in at or "user" in at):
            return delimiter, at
    return None


def million(name: str, files: Sequence[tuple[str, str]]) -> Library:
    """Slices of Spotify's Million Playlist Dataset: ``{"playlists": [{"tracks": [{"track_uri", …}]}]}``."""
    songs: dict[str, Song] = {}
    playlists: list[list[str]] = []
    broken = 0
    for label, text in files:
        try:
            whole: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadInput("songs_json", name=label) from error
        listed = whole.get("playlists") if isinstance(whole, dict) else whole
        if not isinstance(listed, list):
            raise BadInput("songs_json", name=label)
        for entry in listed:
            tracks = entry.get("tracks") if isinstance(entry, dict) else None
            if not isinstance(tracks, list):
                broken += 1
                continue
            playlist = []
            for track in tracks:
                song = _track(track)
                if song is None:
                    broken += 1
                    continue
                songs.setdefault(song.id, song)
                playlist.append(song.id)
            playlists.append(playlist)
    return assemble(name, songs.values(), playlists, {"broken": broken})


def _track(track: object) -> Song | None:
    if not isinstance(track, dict):
        return None
    title, artist = track.get("track_name"), track.get("artist_name")
    id = track.get("track_uri") or f"{artist} – {title}"
    if not isinstance(title, str) or not isinstance(id, str) or not title.strip():
        return None
    return Song(id, _short(title), _short(artist) if isinstance(artist, str) else "")


def lines(name: str, text: str) -> Library:
    """A playlist a line; songs parted by tabs, ``|``, ``;`` or commas, or numbers parted by blanks.

    ``Artist - Title`` is taken apart.

    Raises:
        BadInput: no line holds two songs, so the separator is another.
    """
    rows = text.splitlines()
    filled = [row for row in rows if row.strip()]
    if filled and all(NUMBERS.fullmatch(row) for row in filled[:1000]):
        parted = [row.split() for row in rows]
        songs = {id: Song(id, id) for row in parted for id in row}
        return assemble(name, songs.values(), parted)
    separator = next((each for each in SEPARATORS if any(each in row for row in filled)), None)
    if separator is None:
        raise BadInput("songs_separator", name=name)
    found: dict[str, Song] = {}
    playlists = []
    for row in rows:
        playlist = []
        for part in row.split(separator):
            artist, dash, title = part.strip().partition(" - ")
            if not dash:
                artist, title = "", artist
            if title.strip():
                key = f"{artist.strip()}\n{title.strip()}"
                song = found.setdefault(key, Song(str(len(found) + 1), _short(title), _short(artist)))
                playlist.append(song.id)
        playlists.append(playlist)
    return assemble(name, found.values(), playlists)


def _short(text: str) -> str:
    """A title as a page can show it: one line, not endless."""
    return " ".join(text.split())[:TITLE_LIMIT]
