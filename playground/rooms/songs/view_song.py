"""One song, looked at closely in the inspector: what it is, why it is recommended, and its nearest songs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from playground import text
from playground.rooms.songs.view import acts, evidence, genre_name, name, opener, score
from playground.ui.html import escape, note, number


def looked_at(song: Mapping[str, Any], lang: str) -> str:
    """A song in the inspector.

    Args:
        song: as JSON, with ``kind`` (``liked``, ``disliked`` or ""), ``playlists`` that hold it, ``near``:
            songs with their ``cosine``; and, where something is liked and this is not picked, what
            `view.recommended` is told of a row (``score``, ``together``, ``about``, ``by``).
    """
    say = partial(text.say, lang=lang)
    year = str(int(song["year"])) if song["year"] else ""
    told = [song["artist"], year, genre_name(song["genre"], lang) if song["genre"] else ""]
    facts = " · ".join(f"<span dir='auto'>{escape(each)}</span>" for each in told if each)
    held = escape(say("songs.in_playlists", count=number(song["playlists"])))
    title = escape(song["title"])
    made = f'<p class="song-title" dir="auto">{title}</p><p class="song-facts">{facts}</p>'
    made += f'<p class="pg-note">{held}</p>'
    made += f'<p class="song-acts large">{acts(song, lang, song["kind"], worded=True)}</p>'
    if "by" in song:
        made += _why(song, lang)
    if not song["near"]:
        return made + note(say("songs.without_vector"))
    rows = "".join(
        f"<li>{opener(each, lang)}{score(each['cosine'], lang, 'cosine')}</li>" for each in song["near"]
    )
    return f'{made}<h3>{escape(say("songs.near"))}</h3><ol class="song-near">{rows}</ol>'


def _why(song: Mapping[str, Any], lang: str) -> str:
    """Its score, what the playlists say, and what each liked song has to do with it."""
    say = partial(text.say, lang=lang)
    rows = "".join(
        f"<tr><td>{name(each, lang, facts=False)}</td><td>{number(each['cosine'], 3)}</td>"
        f"<td>{number(each['together'])}</td></tr>"
        for each in song["by"]
    )
    head = "".join(f"<th>{escape(say(f'songs.{key}'))}</th>" for key in ("liked_song", "cosine", "in_common"))
    return (
        f"<h3>{escape(say('songs.why'))}</h3>{score(song['score'], lang)}"
        f"{note(evidence(song, lang))}"
        f'<table class="pg-table narrow song-by"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"{note(say('songs.why_note', title=song['title']))}"
    )
