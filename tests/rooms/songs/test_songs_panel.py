"""What the Songs room answers to picks and presses, and what it leaves undone."""

from __future__ import annotations

import dataclasses
from typing import Any

import gradio as gr
import pytest

from playground import text
from playground.errors import BadInput, HubUnreachable, UnknownModel
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.rooms.songs import example, panel
from playground.rooms.songs import loading as loader
from playground.rooms.songs.actions import Answers
from playground.rooms.songs.request import CONTROLS, UNTOUCHED, Picks, parameters, parameters_of
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import BOOK, TUNED
from playground.settings import Settings
from playground.ui import runs
from playground.ui.context import Context
from playground.ui.controls import page_of
from tests.rooms.songs.asking import asked, changes, given, shown

LIKED = [song["id"] for song in example.shipped(text.DEFAULT)["liked"]]
VIEWS = ("vector", "walk", "map", "you")
UNASKED = ("train", "measure", "fetch", "paste", "song")  # what is slow, and what needs to be said first


@pytest.fixture
def do(tmp_path) -> SongsService:
    settings = Settings(models_dir=tmp_path / "models", cache_dir=tmp_path, offline=True)
    catalog = Catalog(settings.models_dir, tmp_path / "uploads", offline=True)
    return SongsService(Context(settings, catalog, ModelCache(2**31, TransformersLoader(offline=True))))


def test_the_example_stands_without_anything_loaded(do):
    """The page asks for it once it is there; that must cost nothing."""
    made = shown(do, "recommend", "open")
    assert all(row["title"] in made for row in example.shipped(text.DEFAULT)["rows"][:1])
    assert "song-picks" in shown(do, "picked", "open") and "pg-figure chart" in shown(do, "measure", "open")
    made = shown(do, "map", "open")
    assert 'data-of="sample  umap"' in made and "Hey Jude" in made and ">rock<" in made.split("<details")[0]
    assert "mean of the places" in shown(do, "you", "open") and "Made up" in shown(do, "source", "open")
    (marks,) = [line["data"] for line in asked(do, "you", "open") if "data" in line]
    assert marks["of"] == "sample  umap" and len(marks["you"]) == 2 and len(marks["ten"]) == 10
    assert marks["liked"] == LIKED and marks["walk"][0] == LIKED[0] and marks["walk"][-1] == LIKED[1]
    assert shown(do, "hits", "open") == "" and [*changes(do, "opening", "open")] == ["songs.dataset"]
    assert do.context.models.status() == []


def test_the_first_pick_trains_nothing(do, monkeypatch):
    monkeypatch.setattr(loader, "train", lambda *_: pytest.fail("trained, though its vectors are shipped"))
    assert shown(do, "recommend", liked=LIKED[:1]).count('class="song-why"') == 10
    for view in VIEWS:
        page = shown(do, view, liked=LIKED)
        assert "pg-warning" not in page and len(page) > (100 if view == "you" else 500)


def test_who_presses_train_sees_a_training(do, monkeypatch):
    """Also with the parameters of what is shipped; the other answers ask for it from then on."""
    trained = []
    monkeypatch.setattr(loader, "train", lambda *given: trained.append(given[1]) or loader.shipped())
    *_, losses, last = asked(do, "train", "#songs-train")
    assert trained == [TUNED] and "bit by bit" in losses["html"] and losses["place"] == "songs-trained"
    key = last["set"]["songs.trained"]
    assert parameters_of(key) == TUNED
    assert shown(do, "recommend", trained=key).count('class="song-why"') == 10 and len(trained) == 1


def test_the_example_is_picked_in_every_language_and_nothing_of_it_elsewhere(do):
    with do.library("sample") as (_, library):
        for lang in text.LANGUAGES:
            liked, disliked = Picks.of(given()).rows(library, lang)
            songs = example.shipped(lang)["liked"]
            assert [library.songs[row].id for row in liked] == [song["id"] for song in songs] and not disliked
        assert Picks.of(given(dataset="other")).rows(library, "en") == ([], [])
        # Whatever a link says: what this data set does not have is left out.
        picks = Picks.of(given(liked=["nowhere", LIKED[0], 5], disliked=["<b>", LIKED[1]]))
        assert picks.rows(library, "en") == (
            [library.rows[id] for id in (LIKED[0], "5") if id in library.rows], [library.rows[LIKED[1]]]
        )  # fmt: skip


def test_with_nothing_liked_every_view_says_what_to_do(do):
    for action in ("recommend", "vector", "walk", "you"):
        assert "song" in shown(do, action, liked=[]) and "<button" not in shown(do, action, liked=[])
    assert "pg-map" in shown(do, "map", liked=[])
    assert text.say("songs.none_picked", "en") in shown(do, "picked", liked=[])


def test_a_song_that_is_looked_at(do):
    assert [*asked(do, "song")] == []  # none is
    liked, other = shown(do, "song", seen=LIKED[0]), shown(do, "song", seen="19")
    assert 'data-act="drop" aria-pressed="true"' in liked and "Why this one" not in liked
    assert "Why this one" in other and "Angie" in other and other.count("<li>") == 8
    assert "Why this one" not in shown(do, "song", seen="19", liked=[])
    assert 'data-act="drop"' in shown(do, "song", seen="19", disliked=["19"])
    with pytest.raises(BadInput, match="songs_id_unknown"):
        list(asked(do, "song", seen="nowhere"))


def test_you_move_at_every_pick(do):
    def you(**picks: Any) -> dict[str, Any]:
        (marks,) = [line["data"] for line in asked(do, "you", **picks) if "data" in line]
        return marks

    one, two = you(liked=LIKED[:1]), you(liked=LIKED)
    away = you(liked=LIKED, disliked=["19"])
    assert one["you"] != two["you"] and away["disliked"] == ["19"] and "19" not in away["ten"]
    assert one["walk"] == [] and len(two["walk"]) == 8 and len(you(liked=LIKED, steps=2)["walk"]) == 4
    assert you(liked=[])["you"] is None and you(liked=[])["ten"] == []
    by_pca = you(liked=LIKED, method="pca")
    assert by_pca["of"].endswith("pca") and by_pca["you"] != two["you"] and by_pca["ten"] == two["ten"]


def test_a_playlist_of_the_data_and_one_of_ones_own(do):
    some = changes(do, "some")
    assert some["songs.liked"] and some["songs.disliked"] == []
    assert changes(do, "clear") == {"songs.liked": [], "songs.disliked": [], "songs.seen": ""}
    pasted = "Beatles - Hey Jude\n\nno such song anywhere zzzz\n"
    assert changes(do, "paste", paste=pasted)["songs.liked"] == LIKED[:1]
    told = shown(do, "paste", paste=pasted)
    assert "1 of 2" in told and "pg-warning" in told and "zzzz" in told
    assert changes(do, "paste", paste="zzzz qqqq xxxx") == {}  # what was picked stays
    for pasted in (" \n", "a\n" * 401):
        with pytest.raises(BadInput):
            list(asked(do, "paste", paste=pasted))


def test_a_data_set_that_is_gone_gives_way_to_the_embedded_one(do):
    back = changes(do, "opening", "open", dataset="songs-" + "0" * 32, liked=["1"])
    assert back["songs.dataset"]["value"] == "sample" and back["songs.liked"] == UNTOUCHED
    for action in ("recommend", "picked", "source", "about", "measure", "train", *VIEWS):
        with pytest.raises(UnknownModel):
            list(asked(do, action, dataset="songs-" + "0" * 32, liked=["1"]))
    with pytest.raises(BadInput, match="songs_dataset_empty"):
        list(asked(do, "about", dataset=None))
    with pytest.raises(HubUnreachable, match="songs_offline"):
        list(asked(do, "fetch"))


def test_files_of_ones_own_are_chosen_and_nothing_is_picked_in_them(do, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("A - x, B - y, C - z\nB - y, A - x\n" * 3)
    (line,) = Answers(do).receive([str(file)])
    menu = line["set"]["songs.dataset"]
    assert menu["value"].startswith("songs-") and line["set"]["songs.liked"] == []
    assert "3 songs in 6 playlists" in shown(do, "about", dataset=menu["value"])
    told = shown(do, "source", dataset=menu["value"])
    assert "as you uploaded them" in told and menu["value"] not in told
    with do.library(menu["value"]) as (_, library):
        id = library.songs[0].id
    lines = [*asked(do, "recommend", dataset=menu["value"], liked=[id])]
    assert lines[-1]["html"].count('class="song-why"') == 2
    with pytest.raises(BadInput):
        list(Answers(do).receive([]))


@pytest.mark.parametrize(
    "wrong", [{"sg": "x"}, {"sg": 5}, {"window": 1000}, {"alpha": 0}, {"epochs": 10**400}, {"centre": 2}]
)
def test_controls_that_gensim_cannot_work_with_are_a_sentence(wrong: dict[str, Any]):
    with pytest.raises(BadInput):
        parameters({**given(), **wrong})


def test_controls_are_parameters():
    assert parameters(given()) == TUNED
    assert parameters(given(**{name: getattr(BOOK, name) for name in CONTROLS})) == BOOK
    assert parameters(given(window=None, centre=False)) == dataclasses.replace(TUNED, centre=0)
    for key in ("x", "window=5,nothing=1", "window=ten", "window=1000"):
        with pytest.raises(BadInput):
            parameters_of(key)


def test_every_action_is_given_what_it_reads(do):
    """As the page posts it: no control more, none less."""
    with gr.Blocks() as page, gr.Tabs(), gr.Tab("songs"):
        panel.build(do.context)
    held = page_of(page)
    for name, action in held.actions.items():
        if not name.startswith("songs/") or name.endswith(UNASKED):
            continue
        answer = runs.find(page, name)
        assert answer is not None
        lines = list(answer({id: held.controls[id].default for id in action.needs}, "open"))
        assert lines and not any("error" in line for line in lines), name
    presets = held.controls["songs.preset"].presets
    assert presets["book"]["songs.negative"] == 50 and presets["tuned"]["songs.centre"] is True
    assert all(id in held.controls for values in presets.values() for id in values)
