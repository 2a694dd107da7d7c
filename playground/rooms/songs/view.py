"""Songs to HTML: what was found and liked, recommendations with their evidence, walks, vectors, measures."""

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


def _button(song: Plain, act: str, sign: str, label: str) -> str:
    told = f"{label}: {song['title']}"
    return (
        f'<button type="button" class="song-act {act}" data-song="{escape(song["id"])}" data-act="{act}" '
        f'title="{escape(told)}" aria-label="{escape(told)}">{sign}</button>'
    )


def _acts(song: Plain, lang: str) -> str:
    like, dislike = text.say("songs.like", lang), text.say("songs.dislike", lang)
    return _button(song, "liked", "♥", like) + _button(song, "disliked", "✕", dislike)


def hits(found: Sequence[Plain], query: str, lang: str) -> str:
    """What a search found, each to be liked or disliked."""
    if not query.strip():
        return ""
    if not found:
        return note(text.say("songs.nothing_found", lang))
    rows = "".join(f"<li>{name(song, lang)}<span>{_acts(song, lang)}</span></li>" for song in found)
    return f'<ul class="song-hits">{rows}</ul>'


def picked(liked: Sequence[Plain], disliked: Sequence[Plain], lang: str) -> str:
    """What is liked and disliked so far, each to be taken out again."""
    if not liked and not disliked:
        return note(text.say("songs.none_picked", lang))
    drop = text.say("songs.drop", lang)
    shown = ""
    for kind, songs in (("liked", liked), ("disliked", disliked)):
        if songs:
            some = "".join(
                f'<li class="{kind}">{name(song, lang, facts=False)}{_button(song, "drop", "×", drop)}</li>'
                for song in songs[:60]
            )
            rest = f"<li>+{len(songs) - 60}</li>" if len(songs) > 60 else ""
            shown += (
                f'<h5>{escape(text.say(f"songs.{kind}", lang))}</h5><ul class="song-picks">{some}{rest}</ul>'
            )
    return shown


def recommended(shown: Mapping[str, Any], lang: str) -> str:
    """Ten songs with score, evidence and reasons; similar artists; and what popularity would say.

    Args:
        shown: ``rows``: songs with ``score``, ``together``, ``about`` (genre, share, decade) and ``by``:
            liked songs with cosine and playlists in common; ``artists``: (name, cosine); ``popular``: songs;
            ``generated``: whether a program made the playlists up; ``facts``: playlists, songs, method,
            seconds.
    """
    say = partial(text.say, lang=lang)
    if not shown["rows"]:
        return note(say("songs.nothing_to_recommend"))
    items, told = [], escape(say("songs.score_info"))
    for place, row in enumerate(shown["rows"], 1):
        why = "".join(
            f"<tr><td>{name(song, lang, facts=False)}</td><td>{number(song['cosine'], 3)}</td>"
            f"<td>{number(song['together'])}</td></tr>"
            for song in row["by"]
        )
        head = "".join(
            f"<th>{escape(say(f'songs.{key}'))}</th>" for key in ("liked_song", "cosine", "in_common")
        )
        items.append(
            f'<li><span class="place">{place}</span><div>{name(row, lang)}<p class="song-why">'
            f"{escape(evidence(row, lang))}</p><details><summary>{escape(say('songs.why'))}</summary>"
            f'<table class="pg-table narrow"><thead><tr>{head}</tr></thead><tbody>{why}</tbody></table>'
            f"{note(say('songs.why_note', title=row['title']))}</details></div>"
            f'<span class="score" title="{told}">{number(min(row["score"], 1), 3)}</span>'
            f"<span>{_acts(row, lang)}</span></li>"
        )
    artists = "".join(
        f'<li><b dir="auto">{escape(who)}</b> <small>{number(score, 3)}</small></li>'
        for who, score in shown["artists"]
    )
    popular = "".join(f"<li>{name(song, lang)}</li>" for song in shown["popular"])
    if artists:
        artists = f"<h5>{escape(say('songs.similar_artists'))}</h5><ul class='pg-chips'>{artists}</ul>"
    most = "songs.popular_generated" if shown["generated"] else "songs.popular"
    return (
        f'<div class="song-two"><section><h4>{escape(say("songs.ten"))}</h4>'
        f'<ol class="song-ten">{"".join(items)}</ol>'
        f"{artists}</section><section class='song-popular'><h4>{escape(say(most))}</h4>"
        f"{note(say(f'{most}_note'))}<ol>{popular}</ol></section></div>{_facts(shown['facts'], lang)}"
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
        rows.append(f"<li{kind}>{step}{name(song, lang)}</li>")
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
            f"<section><p>{name(row, lang)}</p><p class='song-why'>{escape(about)}</p>"
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
