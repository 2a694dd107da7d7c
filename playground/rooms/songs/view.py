"""Songs to HTML: cards of what was found, liked and recommended; walks, vectors, measures, data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from playground import text
from playground.rooms.songs.evaluation import Measured
from playground.rooms.songs.library import Library
from playground.ui.charts import Line, Series, bars, lines
from playground.ui.html import escape, note, number, table

NAMES = 6  # of playlists that are shown
SHOWN = 60  # songs of a long playlist that is picked
Plain = Mapping[str, Any]
"""A song as JSON: id, title, artist, year, genre."""


def genre_name(genre: str, lang: str) -> str:
    """A genre of ours in the visitor's language; any other as the data say it."""
    key = "songs.genre_" + "".join(c if c.isalnum() else "_" for c in genre)
    return text.say(key, lang) if key in text.catalogue(lang) else genre


def name(song: Plain, lang: str, *, facts: bool = True) -> str:
    """Title, artist, year and genre."""
    told = [escape(song["artist"])] if song["artist"] else []
    if facts and song["year"]:
        told.append(str(int(song["year"])))
    if facts and song["genre"]:
        told.append(escape(genre_name(song["genre"], lang)))
    title, rest = escape(song["title"]), " · ".join(told)
    return f'<span class="song"><b dir="auto">{title}</b> <small dir="auto">{rest}</small></span>'


def opener(song: Plain, lang: str, *, facts: bool = True) -> str:
    """A song's name as a button that opens it in the inspector."""
    return (
        f'<button type="button" class="song-open" data-song="{escape(song["id"])}" data-act="open">'
        f"{name(song, lang, facts=facts)}</button>"
    )


def score(cosine: float, lang: str, told_by: str = "score_info") -> str:
    """A cosine as a number and as a small bar, which is full at 1."""
    share = min(max(cosine, 0), 1)
    told = escape(text.say(f"songs.{told_by}", lang))
    return (
        f'<span class="song-score" title="{told}"><i style="--s:{share:.1%}"></i>'
        f"{number(min(cosine, 1), 3)}</span>"
    )


def acts(song: Plain, lang: str, kind: str = "", *, worded: bool = False) -> str:
    """♥ and ✕ of a song; pressed is what was pressed, and pressing it again takes it back.

    Args:
        kind: ``liked``, ``disliked`` or "".
        worded: whether they say in words what they do.
    """
    made = ""
    for act, sign, key in (("liked", "♥", "like"), ("disliked", "✕", "dislike")):
        pressed = kind == act
        word = text.say(f"songs.{'drop' if pressed and not worded else key}", lang)
        told = escape(f"{word}: {song['title']}")
        shown = f"{sign} {escape(word)}" if worded else sign
        made += (
            f'<button type="button" class="song-act {act}" data-song="{escape(song["id"])}" '
            f'data-act="{"drop" if pressed else act}" aria-pressed="{str(pressed).lower()}" '
            f'aria-label="{told}">{shown}</button>'
        )
    return made


def _closer(song: Plain, key: str, lang: str) -> str:
    """Opens the same as the song's name, and says what for."""
    word = text.say(f"songs.{key}", lang)
    told = escape(f"{word} {song['title']}")
    return (
        f'<button type="button" class="song-why-go" data-song="{escape(song["id"])}" data-act="open" '
        f'aria-label="{told}">{escape(word)}</button>'
    )


def source(kind: str, about: Mapping[str, str], lang: str) -> str:
    """Which of the data are made up and which are real, in the first sentences of the room.

    Args:
        kind: ``sample``, ``book``, ``folder`` or ``upload``.
        about: the numbers, or the name, that the sentence says.
    """

    def told(mark: str, key: str) -> str:
        badge = f'<b class="song-{mark}">{escape(text.say(f"songs.{mark}", lang))}</b>'
        return f"<span>{badge} {escape(text.say(f'songs.source_{key}', lang, **about))}</span>"

    if kind != "sample":
        return f'<p class="song-source">{told("real", kind)}</p>'
    other = escape(text.say("songs.source_other", lang))
    return (
        f'<p class="song-source">{told("made", "made")}{told("real", "real")}'
        f'<button type="button" class="song-other">{other}</button></p>'
    )


def hits(found: Sequence[Plain], query: str, lang: str) -> str:
    """What a search found, each to be liked or disliked."""
    if not query.strip():
        return ""
    if not found:
        return note(text.say("songs.nothing_found", lang))
    rows = "".join(
        f'<li>{opener(song, lang)}<span class="song-acts">{acts(song, lang)}</span></li>' for song in found
    )
    return f'<ul class="song-hits">{rows}</ul>'


def picked(liked: Sequence[Plain], disliked: Sequence[Plain], lang: str) -> str:
    """What is liked and disliked so far, each to be taken out again."""
    if not liked and not disliked:
        return note(text.say("songs.none_picked", lang))
    shown = ""
    for kind, songs in (("liked", liked), ("disliked", disliked)):
        if songs:
            some = "".join(
                f'<li class="song-card {kind}">{opener(song, lang)}<span class="song-acts">'
                f"{acts(song, lang, kind)}{_closer(song, 'details', lang)}</span></li>"
                for song in songs[:SHOWN]
            )
            rest = f"<li>+{len(songs) - SHOWN}</li>" if len(songs) > SHOWN else ""
            shown += (
                f'<h3>{escape(text.say(f"songs.{kind}", lang))}</h3><ul class="song-picks">{some}{rest}</ul>'
            )
    return shown


def recommended(shown: Mapping[str, Any], lang: str) -> str:
    """Ten songs as cards with score and evidence; similar artists; and what popularity would say.

    Args:
        shown: ``rows``: songs with ``score``, ``together``, ``about`` (genre, share, decade) and ``by``:
            liked songs with cosine and playlists in common; ``artists``: (name, cosine); ``popular``: songs;
            ``generated``: whether a program made the playlists up; ``facts``: playlists, songs, method,
            seconds.
    """
    say = partial(text.say, lang=lang)
    if not shown["rows"]:
        return note(say("songs.nothing_to_recommend"))
    items = "".join(
        f'<li class="song-card"><span class="place">{place}</span>{opener(row, lang)}'
        f'<span class="song-acts">{acts(row, lang)}{_closer(row, "why_short", lang)}</span>'
        f'<span class="song-row">{score(row["score"], lang)}'
        f'<span class="song-why">{escape(evidence(row, lang))}</span></span></li>'
        for place, row in enumerate(shown["rows"], 1)
    )
    artists = "".join(
        f'<li><b dir="auto">{escape(who)}</b> <small>{number(cosine, 3)}</small></li>'
        for who, cosine in shown["artists"]
    )
    popular = "".join(f"<li>{name(song, lang)}</li>" for song in shown["popular"])
    if artists:
        artists = f"<h3>{escape(say('songs.similar_artists'))}</h3><ul class='pg-chips'>{artists}</ul>"
    most = "songs.popular_generated" if shown["generated"] else "songs.popular"
    return (
        f'<h3>{escape(say("songs.ten"))}</h3><ol class="song-ten">{items}</ol>{artists}'
        f'<details class="song-popular"><summary>{escape(say(most))}</summary>'
        f"{note(say(f'{most}_note'))}<ol>{popular}</ol></details>{_facts(shown['facts'], lang)}"
    )


def _facts(facts: Mapping[str, Any], lang: str) -> str:
    return note(
        text.say(
            "songs.facts", lang, songs=number(facts["songs"]), playlists=number(facts["playlists"]),
            parameters=facts["parameters"], seconds=number(facts["seconds"], 1),
        )
    )  # fmt: skip


def evidence(row: Mapping[str, Any], lang: str) -> str:
    """ "Together in 37 playlists, mostly rock, 1990s"."""
    genre, share, decade = row["about"]
    if not row["together"]:
        return text.say("songs.never_together", lang)
    told = text.say("songs.together", lang, count=number(row["together"]))
    if genre:
        word = "mostly" if share >= 0.5 else "often"
        told += text.say(f"songs.{word}", lang, genre=genre_name(genre, lang))
    if decade:
        told += text.say("songs.decade", lang, decade=decade)
    return told


def walked(steps: Sequence[Mapping[str, Any]], lang: str) -> str:
    """A walk from one song to another, with the cosine of each step."""
    rows = []
    for place, song in enumerate(steps):
        step = "" if not place else f'<span class="score">{number(song["cosine"], 2)}</span>'
        kind = ' class="end"' if place in (0, len(steps) - 1) else ""
        rows.append(f"<li{kind}>{step}{opener(song, lang)}</li>")
    return f'<ol class="song-walk">{"".join(rows)}</ol>' + note(text.say("songs.walk_note", lang))


def vectors(rows: Sequence[Mapping[str, Any]], lang: str) -> str:
    """Songs as their numbers: a strip of bars each, up for positive and down for negative.

    Args:
        rows: songs with ``numbers`` and ``cosine`` (to the first, which has none).
    """
    say = partial(text.say, lang=lang)
    most = max((abs(value) for row in rows for value in row["numbers"]), default=1) or 1
    strips = []
    for place, row in enumerate(rows):
        bars = "".join(
            f'<i class="{"up" if value >= 0 else "down"}" style="--h:{abs(value) / most:.3f}" '
            f'title="{index}: {value:+.3f}"></i>'
            for index, value in enumerate(row["numbers"], 1)
        )
        about = say(f"songs.vector_{row['role']}")
        if place:
            about += " " + say("songs.vector_cosine", cosine=number(row["cosine"], 3))
        strips.append(
            f"<section>{opener(row, lang)}<p class='song-why'>{escape(about)}</p>"
            f'<div class="song-strip">{bars}</div></section>'
        )
    first = " ".join(f"{value:+.3f}" for value in rows[0]["numbers"])
    listed = f'<pre class="pg-code" tabindex="0"><code>[{escape(first)}]</code></pre>'
    count = len(rows[0]["numbers"])
    told = note(say("songs.vector_note", count=count))
    return f'<div class="song-vectors">{"".join(strips)}</div>{listed}{told}'


def measures(rows: Sequence[Measured | Mapping[str, Any]], queries: int, lang: str) -> str:
    """Methods side by side: bars of hit@10, and all numbers as a table; popularity first, as the measure."""
    say = partial(text.say, lang=lang)
    plain_rows = [vars(row) if isinstance(row, Measured) else row for row in rows]
    base = next((row["hit"] for row in plain_rows if row["method"] == "popularity"), 0)
    names = [say(f"songs.method_{row['method']}") for row in plain_rows]
    cells = [
        [
            escape(label), number(row["hit"], 3), f"{row['hit'] / base:.1f}×" if base else "–",
            number(row["ndcg"], 3), f"{row['coverage']:.1%}",
            f"{row['genre']:.1%}" if row["genre"] >= 0 else "–", number(row["seconds"], 1),
        ]
        for label, row in zip(names, plain_rows, strict=True)
    ]  # fmt: skip
    keys = ("method", "hit", "times", "ndcg", "coverage", "same_genre", "seconds")
    head = [escape(say(f"songs.column_{key}")) for key in keys]
    title = say("songs.hit_chart")
    hits = Series(
        "", [row["hit"] for row in plain_rows], [f"{number(100 * row['hit'], 1)}%" for row in plain_rows]
    )
    chart = bars(names, [hits], title, lang, title=title, listed=False)
    return (
        chart
        + table(head, cells, "song-measures", named=True)
        + note(say("songs.measure_note", queries=number(queries)))
    )


def losses(told: Iterable[float], seconds: float, workers: int, lang: str) -> str:
    """The loss of each epoch as a line, and whether another run would give the same."""
    points = [(float(epoch), value) for epoch, value in enumerate(told, 1)]
    loss, epoch = text.say("songs.loss", lang), text.say("songs.loss_epoch", lang)
    key = "songs.reproducible" if workers == 1 else "songs.not_reproducible"
    told_by = note(text.say("songs.trained", lang, seconds=number(seconds, 1)) + " " + text.say(key, lang))
    return told_by + lines(
        [Line(loss, points)], epoch, loss, text.say("songs.loss_told", lang), lang,
        number=lambda value: f"{value:,.4g}",
    )  # fmt: skip


def about(library: Library, lang: str) -> str:
    """What a data set holds, where it comes from, and what was skipped in its files."""
    facts = text.say(
        "songs.data_facts", lang, songs=number(len(library)), playlists=number(library.playlists)
    )
    some = list(dict.fromkeys(filter(None, library.names)))
    if some:
        more = ["…"] if len(some) > NAMES else []
        facts += " " + text.say("songs.data_names", lang, names=" · ".join([*some[:NAMES], *more]))
    told = note(facts)
    if library.name == "sample":
        told += note(text.say("songs.data_sample", lang))
    skipped = [
        text.say(f"songs.told_{kind}", lang, count=value if isinstance(value, str) else number(value))
        for kind, value in library.told.items()
        if value
    ]
    return told + (note(" ".join(skipped)) if skipped else "")
