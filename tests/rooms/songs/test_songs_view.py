"""What the Songs views make: the shipped example, sentences of evidence, and no HTML of a visitor's."""

from __future__ import annotations

import html as html_
import re

import numpy as np
import pytest

from playground import ASSETS, text
from playground.models.cache import ModelCache
from playground.models.loaders import TransformersLoader
from playground.rooms.songs import example, view, view_map
from playground.rooms.songs.library import Song, assemble
from tests.figures import traces

EVIL = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture(scope="module")
def cache() -> ModelCache:
    return ModelCache(2**31, TransformersLoader(offline=True))


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_shipped_example_is_what_is_computed(lang, cache):
    shipped, now = example.shipped(lang), example.computed(lang, cache)
    assert shipped["liked"] == now["liked"] and shipped["popular"] == now["popular"]
    assert shipped["generated"] is now["generated"] is True
    assert shipped["facts"] == now["facts"] and len(shipped["rows"]) == 10
    for was, row in zip(shipped["rows"], now["rows"], strict=True):
        assert (was["id"], was["together"], was["about"]) == (row["id"], row["together"], row["about"])
        assert was["score"] == pytest.approx(row["score"], abs=1e-4)


def test_the_shipped_map_has_a_place_for_every_song(cache):
    points = np.array(example.song_map())
    assert points.shape[1] == 2 and np.abs(points).max() == pytest.approx(1, abs=0.01)
    catalogue = (ASSETS / "songs" / "catalogue.tsv").read_text(encoding="utf-8")
    assert len(points) == len(catalogue.splitlines()) - 1


def test_the_shipped_map_is_the_computed_one(cache):
    """On every processor: its vectors are shipped, and what the layout hangs on is taken in float64."""
    made = example.computed_map(cache)
    computed = np.stack([made["x"], made["y"]], 1) / 1000
    assert np.abs(computed - np.array(example.song_map())).max() < 0.002


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
        view_map.chart([[0, 0]], [EVIL], [0], [EVIL], [EVIL], [0], [], [], lang),
    ]  # fmt: skip
    for html in made:
        assert "<img" not in html and not re.search(r"\sonerror=[^&]*alert\(1\)>", html)


def test_the_map_colours_the_largest_groups():
    groups = [0] * 5 + [number for number in range(1, 20) for _ in range(number)]
    names = ["", *(f"group {number}" for number in range(1, 20))]
    points = np.zeros((len(groups), 2))
    html = view_map.chart(points, ["t"] * len(groups), groups, names, ["i"] * len(groups), [0], [1], [], "en")
    rest, first, *_ = made = traces(html)
    assert len(groups) - 1 in first["customdata"] and 0 in rest["customdata"]
    assert sum(len(each["x"]) for each in made) == len(groups)
    assert html.count("<li>") == len(made) == view_map.GROUPS + 1
    legend = html.split("<details")[0]
    assert "group 19<" in legend and "group 1<" not in legend
    # A liked song's group has a colour, however small.
    small = groups.index(1)
    html = view_map.chart(
        points, ["t"] * len(groups), groups, names, ["i"] * len(groups), [small], [], [], "en"
    )
    _, first, second, *_ = traces(html)
    assert small in first["customdata"] and len(groups) - 1 in second["customdata"] and "group 1<" in html


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_a_list_of_hits_says_when_its_playlists_are_generated(lang):
    shipped = example.shipped(lang)
    say = {key: html_.escape(text.say(f"songs.{key}", lang)) for key in (
        "popular", "popular_note", "popular_generated", "popular_generated_note")}  # fmt: skip
    made, own = view.recommended(shipped, lang), view.recommended(shipped | {"generated": False}, lang)
    assert f"<h4>{say['popular_generated']}</h4>" in made and say["popular_generated_note"] in made
    assert f"<h4>{say['popular']}</h4>" in own and say["popular_note"] in own
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
