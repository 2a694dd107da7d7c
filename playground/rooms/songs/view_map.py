"""Songs on a map: their colours and names, and where you are; the map is `playground.ui.point_map`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from playground import text
from playground.engine.vectors.projection import Projection
from playground.rooms.songs.library import Library
from playground.rooms.songs.mapping import label
from playground.rooms.songs.view import genre_name
from playground.ui import point_map
from playground.ui.html import escape, note, number

GROUPS = point_map.GROUPS


def chart(
    made: Projection, library: Library, rows: Sequence[int], by: str, first: Sequence[str], of: str, lang: str
) -> str:
    """A map of songs; a click on one opens it.

    Args:
        rows: the songs of the map's points.
        by: what colours them, ``genre``, ``era`` or ``artist``; the largest groups have colours.
        first: ids of songs whose groups have a colour in any case: who likes rock looks for it.
        of: what it is a map of; `marked` of the same belongs on it.
    """
    songs = [library.songs[row] for row in rows]
    ids = [song.id for song in songs]
    places = {id: place for place, id in enumerate(ids)}
    names, groups = grouped(library, by, lang)
    notes = [text.say(f"songs.map_{made.method}", lang)]
    notes += [text.say(f"songs.map_note_{made.note}", lang)] if made.note else []
    drawn = point_map.chart(
        made.points, [label(song) for song in songs], groups[np.asarray(rows, int)], names, lang, ids=ids,
        first=[places[id] for id in first if id in places], notes=notes,
    )  # fmt: skip
    say = {name: escape(text.say(f"songs.{name}", lang)) for name in ("around", "key_you", "key_ten")}
    return (
        f'<div class="song-map" data-of="{escape(of)}">'
        f'<p class="song-key"><span><i class="you"></i>{say["key_you"]}</span>'
        f'<span><i class="ten"></i>{say["key_ten"]}</span>'
        f'<button type="button" class="song-around" aria-pressed="false">{say["around"]}</button></p>'
        f"{drawn}</div>"
    )


def grouped(library: Library, by: str, lang: str) -> tuple[list[str], Any]:
    """Names of groups, and each song's group: by genre, era or artist."""
    if by == "era":
        decades = np.where(library.years > 0, library.years // 10 * 10, 0)
        known = sorted({int(each) for each in decades})
        names = [text.say("songs.era", lang, decade=each) if each else "" for each in known]
        return names, np.searchsorted(known, decades)
    named, numbers = library.artists if by == "artist" else library.genres
    return [genre_name(each, lang) if by == "genre" else each for each in named], numbers


def marked(marks: Mapping[str, Any], of: str) -> dict[str, Any]:
    """What the page's script marks on the map ``of`` something: places as the map's own numbers."""
    you = marks["you"] and [round(each * point_map.FULL) for each in marks["you"]]
    return {**{kind: marks[kind] for kind in ("liked", "disliked", "ten", "walk")}, "you": you, "of": of}


def here(marks: Mapping[str, Any], lang: str) -> str:
    """Where you are, in words, and how that place was found."""
    if not marks["you"]:
        return note(text.say("songs.like_first", lang))
    song, cosine = marks["nearest"]
    near = text.say("songs.you_near", lang, song=song, cosine=number(min(cosine, 1), 3))
    return note(near) + note(text.say(f"songs.you_{marks['method']}", lang))
