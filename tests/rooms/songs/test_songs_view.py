"""What the Songs views make: the shipped example, sentences of evidence, and no HTML of a visitor's."""

from __future__ import annotations

import html as html_
import re

import numpy as np
import pytest

from playground import ASSETS, text
from playground.engine.vectors.projection import Projection
from playground.models.cache import ModelCache
from playground.models.loaders import TransformersLoader
from playground.rooms.songs import example, mapping, view, view_map, view_song
from playground.rooms.songs.actions import embedded_source
from playground.rooms.songs.library import Song, assemble
from tests.figures import traces

EVIL = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture(scope="module")
def cache() -> ModelCache:
    return ModelCache(2**31, TransformersLoader(offline=True))


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_shipped_example_is_what_is_computed(lang, cache):
    shipped, now = example.shipped(lang), example.computed(lang, cache)
    you, was = now["marks"].pop("you"), shipped["marks"].pop("you")
    assert was == pytest.approx(you, abs=1e-3) and shipped["marks"] == now["marks"]
    assert shipped["liked"] == now["liked"] and shipped["popular"] == now["popular"]
    assert shipped["generated"] is now["generated"] is True
    assert shipped["facts"] == now["facts"] and len(shipped["rows"]) == 10
    for was, row in zip(shipped["rows"], now["rows"], strict=True):
        assert (was["id"], was["together"], was["about"]) == (row["id"], row["together"], row["about"])
        assert was["score"] == pytest.approx(row["score"], abs=1e-4)


def test_the_shipped_map_has_a_place_for_every_song(cache):
    points = mapping.shipped().points
    assert points.shape[1] == 2 and np.abs(points).max() == pytest.approx(1, abs=0.01)
    catalogue = (ASSETS / "songs" / "catalogue.tsv").read_text(encoding="utf-8")
    assert len(points) == len(catalogue.splitlines()) - 1


def test_the_shipped_map_is_the_computed_one(cache):
    """On every processor: its vectors are shipped, and what the layout hangs on is taken in float64."""
    made = example.computed_map(cache)
    computed = np.stack([made["x"], made["y"]], 1) / 1000
    assert np.abs(computed - mapping.shipped().points).max() < 0.002


def test_shipped_measures_keep_the_promise():
    rows = {row["method"]: row for row in example.measured()[0]}
    assert list(rows) == ["popularity", "cooccurrence", "svd", "book", "tuned"]
    assert rows["tuned"]["hit"] >= 2.5 * rows["popularity"]["hit"] and rows["tuned"]["genre"] >= 0.9


def row(**more: object) -> dict[str, object]:
    song = {"id": "1", "title": "t", "artist": "a", "year": 1991, "genre": "rock"}
    return song | {"score": 0.5, "together": 37, "about": ["rock", 0.8, 1990], "by": []} | more


def test_evidence_in_words():
    assert view.evidence(row(), "en") == "together in 37 playlists, mostly rock, 1990s"
    assert view.evidence(row(about=["rock", 0.3, 0]), "en") == "together in 37 playlists, often rock"
    assert view.evidence(row(about=["", 0, 0]), "en") == "together in 37 playlists"
    assert "never" in view.evidence(row(together=0), "en")
    assert "37" in view.evidence(row(), "zh-TW") and "1990 年代" in view.evidence(row(), "zh-TW")


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_titles_are_never_html(lang):
    song = {"id": EVIL, "title": EVIL, "artist": EVIL, "year": 0, "genre": EVIL}
    whole = {
        "rows": [row(**song, about=[EVIL, 1, 0], by=[song | {"cosine": 1.0, "together": 1}])],
        "artists": [(EVIL, 1.0)], "popular": [song], "generated": False,
        "facts": {"songs": 1, "playlists": 1, "seconds": 0.0, "parameters": EVIL},
    }  # fmt: skip
    library = assemble("n", [Song("a", EVIL), Song("b", EVIL)], [["a", "b"], []], {}, [EVIL, ""])
    made = [
        view.hits([song], "x", lang), view.picked([song], [song], lang), view.recommended(whole, lang),
        view.walked([song | {"cosine": 1.0}] * 2, lang),
        view.vectors([song | {"numbers": [0.1, -0.1], "role": "own", "cosine": 1.0}], lang),
        view.about(library, lang),
        view_map.chart(Projection(np.zeros((2, 2)), "pca"), library, [0, 1], "artist", ["a"], EVIL, lang),
        view_map.here({"you": [0, 0], "nearest": [EVIL, 1.0], "method": "pca"}, lang),
        view_song.looked_at(
            row(**song, about=[EVIL, 1, 0], by=[song | {"cosine": 1.0, "together": 1}])
            | {"kind": "", "playlists": 3, "near": [song | {"cosine": 0.5}]},
            lang,
        ),
        view.source("folder", {"name": EVIL}, lang),
    ]  # fmt: skip
    for html in made:
        assert "<img" not in html and not re.search(r"\sonerror=[^&]*alert\(1\)>", html)


def test_the_map_colours_the_largest_groups():
    artists = [""] * 5 + [f"group {number}" for number in range(1, 20) for _ in range(number)]
    songs = [Song(str(place), f"title {place}", artist) for place, artist in enumerate(artists)]
    library = assemble("n", songs, [[song.id for song in songs]])
    made = Projection(np.zeros((len(songs), 2), np.float32), "umap")
    rows = range(len(songs))
    html = view_map.chart(made, library, rows, "artist", [], "of this", "en")
    rest, first, *_ = drawn = traces(html)
    assert len(songs) - 1 in first["customdata"] and 0 in rest["customdata"]
    assert sum(len(each["x"]) for each in drawn) == len(songs)
    assert html.count("<li>") == len(drawn) == view_map.GROUPS + 1
    legend = html.split("<details")[0]
    assert "group 19<" in legend and "group 1<" not in legend and 'data-of="of this"' in html
    # A liked song's group has a colour, however small; an id that the map does not have changes nothing.
    small = artists.index("group 1")
    html = view_map.chart(made, library, rows, "artist", ["nowhere", str(small)], "", "en")
    _, first, second, *_ = traces(html)
    assert small in first["customdata"] and len(songs) - 1 in second["customdata"] and "group 1<" in html


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_first_sentences_say_what_is_made_up(lang):
    say = {key: html_.escape(text.say(f"songs.{key}", lang)) for key in ("made", "real", "source_other")}
    sample = embedded_source(lang)
    assert f">{say['made']}</b>" in sample and f">{say['real']}</b>" in sample
    assert "20,000" in sample and "5,052" in sample and say["source_other"] in sample
    for kind in ("book", "folder", "upload"):
        told = view.source(kind, {"name": "mine"}, lang)
        assert f">{say['real']}</b>" in told and f">{say['made']}</b>" not in told and "<button" not in told


def test_cards_say_what_is_pressed_and_take_it_back():
    song = {"id": "7", "title": "t", "artist": "a", "year": 1991, "genre": "rock"}
    plain = view.acts(song, "en")
    assert plain.count('aria-pressed="false"') == 2 and 'data-act="liked"' in plain
    liked = view.picked([song], [], "en")
    assert 'data-act="drop" aria-pressed="true"' in liked and "Take out: t" in liked
    assert 'data-act="disliked" aria-pressed="false"' in liked
    ten = view.recommended(example.shipped("en"), "en")
    assert ten.count('class="song-card"') == ten.count('data-act="liked"') == ten.count("song-score") == 10
    assert ten.count('data-act="open"') == 20  # its name, and "why"
    assert 'style="--s:98.7%"' in ten and "0.987" in ten


def test_the_inspector_says_why_and_what_is_near():
    song = row(kind="", playlists=37, near=[row(id="2", title="near one", cosine=0.5)])
    song["by"] = [row(id="3", title="liked one", cosine=0.25)]
    made = view_song.looked_at(song, "en")
    assert "In 37 playlists" in made and "together in 37 playlists" in made and "liked one" in made
    assert 'data-song="2" data-act="open"' in made and "0.250" in made and "0.500" in made
    liked = view_song.looked_at({key: song[key] for key in song if key != "by"} | {"kind": "liked"}, "en")
    assert 'data-act="drop" aria-pressed="true"' in liked and "together" not in liked
    rare = view_song.looked_at(song | {"near": []}, "en")
    assert text.say("songs.without_vector", "en") in rare


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_a_list_of_hits_says_when_its_playlists_are_generated(lang):
    shipped = example.shipped(lang)
    say = {key: html_.escape(text.say(f"songs.{key}", lang)) for key in (
        "popular", "popular_note", "popular_generated", "popular_generated_note")}  # fmt: skip
    made, own = view.recommended(shipped, lang), view.recommended(shipped | {"generated": False}, lang)
    assert f"<summary>{say['popular_generated']}</summary>" in made and say["popular_generated_note"] in made
    assert f"<summary>{say['popular']}</summary>" in own and say["popular_note"] in own
    assert say["popular_generated_note"] not in own
    for told in (say["popular_generated"], say["popular_generated_note"]):
        assert any(word in told for word in ("generated", "made these playlists up", "產生", "生成"))


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_what_was_understood_of_files_is_told(lang):
    told = {
        "broken": 3,
        "podcasts": 1,
        "skips": 12,
        "sessions": 7,
        "bytes": 2,
        "encoding": "Big5",
        "empty": 0,
    }
    songs = [Song("a", "A"), Song("b", "B")]
    library = assemble("n", songs, [["a", "b"]] * 8, told, [f"list {n}" for n in range(8)])
    html = view.about(library, lang)
    assert "{" not in html and "Big5" in html and "12" in html
    assert "list 0 · list 1" in html and "list 5 · …" in html and "list 6" not in html
    nameless = view.about(assemble("n", songs, [["a", "b"]] * 2, {}, ["", ""]), lang)
    assert nameless.count("<p") == 1 and text.say("songs.data_names", lang, names="") not in nameless
    twice = assemble("n", songs, [["a", "b"]] * 3, {}, ["p", "", "p"])
    assert html_.escape(text.say("songs.data_names", lang, names="p")) in view.about(twice, lang)


def test_nothing_found_and_nothing_liked_are_sentences():
    assert view.hits([], "", "en") == ""
    assert text.say("songs.nothing_found", "en") in view.hits([], "zzz", "en")
    assert text.say("songs.none_picked", "en") in view.picked([], [], "en")
