"""Playlists in JSON: Million Playlist slices, and what Spotify sends to those who ask for their own data.

- ``{"playlists": [{"name", "tracks": [{"track_uri", "track_name", "artist_name"}]}]}``: a slice;
- ``{"playlists": [{"name", "items": [{"track": {"trackName", "artistName"}}]}]}``: ``Playlist1.json``;
- ``[{"endTime", "trackName", "artistName", "msPlayed"}]`` and, longer,
  ``[{"ts", "master_metadata_track_name", "ms_played"}]``: a listening history, parted into sessions;
- ``{"tracks": [{"artist", "track"}]}``: ``YourLibrary.json``, or an export of one playlist; a list of such
  songs alone, grouped by their playlist if they tell it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from playground.engine.tables.charset import brief
from playground.errors import BadInput
from playground.rooms.songs.gathering import Gathering, columns

PAUSE = 30 * 60.0  # seconds without music that end a session, as is usual for visits to a web page
PLAYED = 30_000  # milliseconds that make a play: Spotify itself counts no shorter ones
WHEN = ("endTime", "ts")
LASTED = ("msPlayed", "ms_played")


def read(into: Gathering, number: int, label: str, text: str) -> None:
    """Read one file.

    Args:
        number: of the file: it tells its playlists from another file's.

    Raises:
        BadInput: not JSON, or in none of the forms.
    """
    try:
        whole: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("songs_json", name=brief(label)) from error
    listed = whole.get("playlists") if isinstance(whole, dict) else whole
    if isinstance(listed, list) and any(_tracks(each) is not None for each in listed):
        _playlists(into, number, listed)
        return
    songs = _tracks(whole) if isinstance(whole, dict) else whole
    if not isinstance(songs, list) or not any(_song(each) for each in songs):
        raise BadInput("songs_json", name=brief(label))
    if any(isinstance(each, dict) and any(key in each for key in WHEN) for each in songs):
        _sessions(into, number, songs)
        return
    stem = label.rpartition(".")[0] or label
    for each in songs:
        own = _playlist(each)
        into.add(("", own) if own else (number, ""), _listed(into, [each]), own or stem)


def _playlists(into: Gathering, number: int, listed: Sequence[Any]) -> None:
    for place, entry in enumerate(listed):
        tracks = _tracks(entry)
        if tracks is None:
            into.told["broken"] += 1
        else:
            name = entry.get("name")
            into.add((number, place), _listed(into, tracks), name if isinstance(name, str) else "")


def _tracks(entry: Any) -> list[Any] | None:
    """The list of songs of a playlist."""
    if not isinstance(entry, dict):
        return None
    found = next((entry[key] for key in ("tracks", "items", "songs") if key in entry), None)
    if isinstance(found, dict):  # Spotify's web API wraps once more
        found = found.get("items")
    return found if isinstance(found, list) else None


def _listed(into: Gathering, tracks: Sequence[Any]) -> list[str]:
    """The ids of a list of songs; what is none is counted."""
    ids = []
    for each in tracks:
        song = _song(each)
        if song is None:
            into.told["podcasts" if _episode(each) else "broken"] += 1
        else:
            ids.append(into.song(*song))
    return ids


def _song(entry: Any) -> tuple[str, str, str] | None:
    """Title, artist and, of a slice of the Million Playlist Dataset, id; None for what is no song."""
    if isinstance(entry, dict) and isinstance(entry.get("track"), dict):
        entry = entry["track"]
    if not isinstance(entry, dict):
        return None
    keys = list(entry)
    at = columns(_apart(str(key)) for key in keys)
    title = entry[keys[at["track"]]] if "track" in at else None
    if not isinstance(title, str) or not title.strip():
        return None
    artist = entry[keys[at["artist"]]] if "artist" in at else ""
    if isinstance(artist, list):  # the web API's list of objects, or names
        named = [each.get("name") if isinstance(each, dict) else each for each in artist]
        artist = ", ".join(each for each in named if isinstance(each, str))
    uri = entry.get("track_uri") if "track_name" in entry else None
    return title, artist if isinstance(artist, str) else "", uri if isinstance(uri, str) else ""


def _apart(key: str) -> str:
    """``trackName`` as the columns of tables are spelled."""
    return "".join(f"_{each}" if each.isupper() else each for each in key)


def _episode(entry: Any) -> bool:
    return isinstance(entry, dict) and any(
        entry.get(key) for key in ("episode", "episode_name", "audiobook", "audiobook_title")
    )


def _playlist(entry: Any) -> str:
    """The playlist that a song names itself; "" without one."""
    if not isinstance(entry, dict):
        return ""
    keys = list(entry)
    at = columns(_apart(str(key)) for key in keys)
    found = entry[keys[at["playlist"]]] if "playlist" in at else ""
    return str(found) if isinstance(found, str | int) else ""


def _sessions(into: Gathering, number: int, plays: Sequence[Any]) -> None:
    """A listening history as sessions: what was played without a long pause is a playlist."""
    heard = []
    for each in plays:
        when, lasted = _moment(each)
        song = _song(each)
        if when is None or song is None:
            into.told["podcasts" if _episode(each) else "broken"] += 1
        elif lasted is not None and lasted < PLAYED:
            into.told["skips"] += 1
        else:
            heard.append((when, (lasted or 0) / 1000, song))
    before, session = 0.0, 0
    for when, seconds, song in sorted(heard, key=lambda each: each[0]):
        if when - seconds - before > PAUSE:
            session += 1
        into.add((number, session), [into.song(*song)])
        before = when
    into.told["sessions"] += session


def _moment(entry: Any) -> tuple[float | None, float | None]:
    """When a play ended (seconds since 1970), and how long it lasted (milliseconds); None: not told."""
    if not isinstance(entry, dict):
        return None, None
    when = next((entry[key] for key in WHEN if key in entry), None)
    lasted = next((entry[key] for key in LASTED if isinstance(entry.get(key), int | float)), None)
    try:
        found = datetime.fromisoformat(str(when))
    except ValueError:
        return None, lasted
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp(), lasted
