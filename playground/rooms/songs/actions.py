"""What answers in the Songs room when something is chosen, typed or pressed: checked values to lines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from playground import text as words
from playground.errors import BadInput, HubUnreachable, PlaygroundError
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.songs import example, mapping, search, view, view_map, view_song
from playground.rooms.songs.catalogue import BOOK_DATA, BOOK_FOLDER, song_files
from playground.rooms.songs.evaluation import METHODS, Measured, evaluate, split
from playground.rooms.songs.library import Library
from playground.rooms.songs.loading import data_card, download, trained_card
from playground.rooms.songs.recommend import Recommender, plain, reasons, shown
from playground.rooms.songs.request import SAMPLE, UNTOUCHED, Picks, parameters, parameters_of
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import PRESETS
from playground.system import cancellation
from playground.ui.html import note, number
from playground.ui.runs import Given, Line, Progress, html, progress, sets
from playground.ui.visitor import language, stages

NOTHING: dict[str, Any] = {"songs.liked": [], "songs.disliked": [], "songs.seen": ""}
NEAR = 8  # songs nearest to one that is looked at
LONGEST_PASTE = 400  # lines of a pasted playlist


class Answers:
    """One function an action of the page."""

    def __init__(self, do: SongsService) -> None:
        self.do = do

    # -- what is leased for an answer, telling how far it is --

    def _leasing(self, card: ModelCard) -> Generator[Progress | Loaded]:
        with closing(self.do.context.models.leasing(card, "songs")) as steps:
            for step in stages(steps, language()):
                yield step if isinstance(step, Loaded) else Progress(step)

    def _answering(self, place: str, card: ModelCard, answer: Callable[[Loaded], str]) -> Iterator[Line]:
        """A place's content, made of what a card stands for while that is leased."""
        with closing(self._leasing(card)) as steps:
            for step in steps:
                if isinstance(step, Loaded):
                    yield html(place, answer(step))
                    return
                yield progress(step, place)

    def _training(self, given: Given) -> ModelCard:
        return trained_card(self.do.card(given["dataset"]), parameters_of(given["trained"]))

    def _trained(self, place: str, given: Given, answer: Callable[[Loaded, Picks], str]) -> Iterator[Line]:
        """The same of a training, which is made first if need be."""
        return self._answering(place, self._training(given), lambda loaded: answer(loaded, Picks.of(given)))

    # -- finding and picking --

    def opening(self, given: Given) -> Iterator[Line]:
        """The menu of data sets; and the embedded one, if the chosen one is no longer there."""
        try:
            self.do.card(given["dataset"])
        except PlaygroundError:  # another server has begun meanwhile
            yield sets(self._chosen(SAMPLE) | {"songs.liked": UNTOUCHED})
            return
        yield sets({"songs.dataset": {"choices": self.do.choices()}})

    def _chosen(self, dataset: str) -> dict[str, Any]:
        """Another data set, in which nothing is picked: ids are a data set's own."""
        menu = {"choices": self.do.choices(), "value": dataset}
        return {"songs.dataset": menu, **NOTHING}

    def hits(self, given: Given) -> Iterator[Line]:
        """The list under the search box."""
        query = given["search"]
        found = self.do.find(query, given["dataset"]) if query.strip() else []
        yield html("songs-hits", view.hits(found, query, language()))

    def picked(self, given: Given) -> Iterator[Line]:
        """What is liked and disliked, to be taken out again."""
        picks, lang = Picks.of(given), language()
        if picks.untouched:
            yield html("songs-shown", view.picked(example.shipped(lang)["liked"], [], lang))
            return

        def answer(loaded: Loaded) -> str:
            library: Library = loaded.model
            songs = [[plain(library.songs[row]) for row in rows] for rows in picks.rows(library, lang)]
            return view.picked(songs[0], songs[1], lang)

        yield from self._answering("songs-shown", data_card(self.do.card(picks.dataset)), answer)

    def clear(self, given: Given) -> Iterator[Line]:
        """Nothing is picked any more."""
        yield sets(NOTHING)

    def some(self, given: Given) -> Iterator[Line]:
        """The first two thirds of a playlist of the data, as picks: its end is to be guessed."""
        with self.do.library(given["dataset"]) as (_, library):
            rows = library.playlist(int(np.random.default_rng().integers(library.playlists)))
            rows = rows[: max(1, min(30, len(rows) * 2 // 3))]
            ids = list(dict.fromkeys(library.songs[row].id for row in rows))
        yield sets(NOTHING | {"songs.liked": ids})

    def paste(self, given: Given) -> Iterator[Line]:
        """A playlist, a song a line, as picks; and a sentence about what was not found."""
        lines = [line.strip() for line in given["paste"].splitlines() if line.strip()]
        if not lines:
            raise BadInput("songs_paste_empty")
        if len(lines) > LONGEST_PASTE:
            raise BadInput("songs_too_many", most=LONGEST_PASTE)
        liked, missing = [], []
        with self.do.library(given["dataset"]) as (loaded, library):
            ready = self.do.index(loaded, library)
            for line in lines:
                cancellation.check()
                found = search.search(ready, line.replace(" - ", " "), 1)
                if found:
                    liked.append(library.songs[found[0]].id)
                else:
                    missing.append(line[:60])
        told = words.say("songs.pasted", language(), found=len(liked), lines=len(lines))
        told += " " + words.say("songs.missing", language(), songs="; ".join(missing[:10])) if missing else ""
        yield html("songs-pasted", note(told, "warning" if missing else "note"))
        if liked:
            yield sets(NOTHING | {"songs.liked": list(dict.fromkeys(liked))})

    # -- what is recommended --

    def recommend(self, given: Given) -> Iterator[Line]:
        """Ten songs for what is picked; the training's progress before it."""
        if Picks.of(given).untouched and not given["trained"]:
            lang = language()
            yield html("songs-ten", view.recommended(example.shipped(lang), lang))  # nothing is loaded for it
            return
        yield from self._trained("songs-ten", given, self._ten)

    @staticmethod
    def _ten(loaded: Loaded, picks: Picks) -> str:
        lang = language()
        ready: Recommender = loaded.model
        liked, disliked = picks.rows(ready.library, lang)
        if not liked:
            return note(words.say("songs.like_first", lang))
        return view.recommended(shown(ready, liked, disliked), lang)

    def walk(self, given: Given) -> Iterator[Line]:
        """From the first liked song to the last."""

        def answer(loaded: Loaded, picks: Picks) -> str:
            ready: Recommender = loaded.model
            liked, _ = picks.rows(ready.library, language())
            if len(liked) < 2:
                return note(words.say("songs.walk_two", language()))
            path = ready.walk(liked[0], liked[-1], int(given["steps"] or 0))
            songs = [plain(ready.library.songs[row]) | {"cosine": cosine} for row, cosine in path]
            return view.walked(songs, language())

        yield from self._trained("songs-walk", given, answer)

    def vector(self, given: Given) -> Iterator[Line]:
        """The numbers of the last liked song, of its neighbour, and of a song far away."""
        yield from self._trained("songs-vector", given, self._numbers)

    @staticmethod
    def _numbers(loaded: Loaded, picks: Picks) -> str:
        ready: Recommender = loaded.model
        liked, _ = picks.rows(ready.library, language())
        if not liked or not ready.known[liked[-1]]:
            return note(words.say("songs.like_first", language()))
        first = liked[-1]
        near = ready.recommend([first], count=1)[0].row
        scores = np.where(ready.known, ready.whole @ ready.whole[first], np.inf)
        rows = [
            plain(ready.library.songs[row])
            | {"numbers": ready.whole[row].tolist(), "role": role, "cosine": float(scores[row])}
            for row, role in ((first, "own"), (near, "near"), (int(scores.argmin()), "far"))
        ]
        return view.vectors(rows, language())

    # -- the map, and what is looked at --

    def map(self, given: Given) -> Iterator[Line]:
        """All songs on a map; what is picked is marked on it by what `you` answers."""
        method, by, lang = given["method"] or "umap", given["by"] or "genre", language()
        picks, of = Picks.of(given), _map_of(given)
        first = [song["id"] for song in example.shipped(lang)["liked"]] if picks.untouched else picks.liked
        if given["dataset"] == SAMPLE and not given["trained"] and method == "umap":
            songs = example.songs()  # nothing is loaded for it
            made = view_map.chart(mapping.shipped(), songs, range(len(songs)), by, first, of, lang)
            yield html("songs-map", made)
            return

        def answer(loaded: Loaded) -> str:
            ready: Recommender = loaded.model
            rows = np.flatnonzero(ready.known).tolist()
            made = mapping.projected(loaded, method)
            return view_map.chart(made, ready.library, rows, by, first, of, lang)

        yield from self._answering("songs-map", self._training(given), answer)

    def you(self, given: Given) -> Iterator[Line]:
        """Where you are on the map for what is picked, the ten around you, and the walk."""
        picks, method, lang = Picks.of(given), given["method"] or "umap", language()
        steps = int(given["steps"] or 0)
        if picks.untouched and not given["trained"] and (method, steps) == ("umap", example.STEPS):
            yield from _marked(example.shipped(lang)["marks"], given, lang)
            return
        with closing(self._leasing(self._training(given))) as leased:
            for step in leased:
                if isinstance(step, Loaded):
                    liked, disliked = picks.rows(step.model.library, lang)
                    found = mapping.marks(step, liked, disliked, method, steps)
                    yield from _marked(mapping.plain_marks(found, step.model), given, lang)
                    return
                yield progress(step, "songs-here")

    def song(self, given: Given) -> Iterator[Line]:
        """The song that was clicked, for the inspector; nothing while none is."""
        if not given["seen"]:
            return

        def answer(loaded: Loaded, picks: Picks) -> str:
            ready: Recommender = loaded.model
            library, lang = ready.library, language()
            row = library.row(given["seen"])
            liked, disliked = picks.rows(library, lang)
            song = plain(library.songs[row]) | {"playlists": len(library.holding(row)), "near": []}
            song["kind"] = "liked" if row in liked else "disliked" if row in disliked else ""
            mean = ready.mean(liked, disliked) if liked else None
            if ready.known[row]:
                song["near"] = [
                    plain(library.songs[each.row]) | {"cosine": each.score}
                    for each in ready.recommend([row], count=NEAR)
                ]
                if mean is not None and not song["kind"]:
                    (why,) = reasons(ready, liked, [(row, float(ready.whole[row] @ mean))])
                    song |= why
            return view_song.looked_at(song, lang)

        yield from self._trained("songs-seen", given, answer)

    # -- how good it is --

    def measure(self, given: Given) -> Iterator[Line]:
        """All methods on held-out playlists, one by one; at the view's opening the shipped measures."""
        lang = language()
        if given.by == "open":
            measured, asked = example.measured()
            told = view.measures(measured, asked, lang) + note(words.say("songs.measured_before", lang))
            yield html("songs-measures", told)
            return
        own = parameters_of(given["trained"])
        methods = [*METHODS] + (["own"] if own is not None and own not in PRESETS.values() else [])
        mine = f"own {own.key}" if own is not None else ""
        with self.do.library(given["dataset"]) as (loaded, library):
            kept: dict[str, Measured] = loaded.memo.setdefault("songs.measured", {})
            queries = len(split(library).hidden)
            for method in methods:
                name = mine if method == "own" else method
                if name not in kept:
                    rows = [kept[m] for m in methods if m in kept]
                    if rows:
                        yield html("songs-measures", view.measures(rows, queries, lang))
                    now = words.say("songs.measuring", lang, method=words.say(f"songs.method_{method}", lang))
                    yield progress(note(now))
                    kept[name] = next(evaluate(library, [method], own=own))
            rows = [kept[mine if m == "own" else m] for m in methods]
            yield html("songs-measures", view.measures(rows, queries, lang))

    # -- training, and data of the visitor's own --

    def train(self, given: Given) -> Iterator[Line]:
        """Train as the controls say: the losses, and a key by which the other answers ask for it."""
        asked = parameters(given)

        def answer(loaded: Loaded) -> str:
            made = loaded.model.trained
            return view.losses(made.losses, made.seconds, asked.workers, language())

        card = trained_card(self.do.card(given["dataset"]), asked)
        yield from self._answering("songs-trained", card, answer)
        yield sets({"songs.trained": asked.key})

    def source(self, given: Given) -> Iterator[Line]:
        """Which of the data are made up, and which are real."""
        yield html("songs-source", self._source(self.do.card(given["dataset"]), language()))

    @staticmethod
    def _source(card: ModelCard, lang: str) -> str:
        if card.source == "embedded":
            return embedded_source(lang)
        kind = "book" if card.name == BOOK_DATA else "upload" if card.source == "upload" else "folder"
        return view.source(kind, {"name": card.name}, lang)

    def about(self, given: Given) -> Iterator[Line]:
        """What a data set holds."""
        card = data_card(self.do.card(given["dataset"]))
        yield from self._answering("songs-about", card, lambda loaded: view.about(loaded.model, language()))

    def fetch(self, given: Given) -> Iterator[Line]:
        """Download the book's data set, telling how far it is; only what arrived whole is chosen."""
        if self.do.context.settings.offline:
            raise HubUnreachable("songs_offline")
        folder = self.do.context.catalog.cache_dir / BOOK_FOLDER
        if not song_files(folder):
            with closing(download(folder)) as steps:  # who stops or goes leaves nothing half
                for step in stages(steps, language()):
                    yield progress(str(step))
        yield sets(self._chosen(self.do.card(BOOK_DATA).name))

    def receive(self, paths: Sequence[str] | None) -> Iterator[Line]:
        """Keep a visitor's files and choose them."""
        yield sets(self._chosen(self.do.upload(paths)))


def embedded_source(lang: str) -> str:
    """What is said of the data set that the room opens with."""
    facts = example.shipped(lang)["facts"]
    return view.source("sample", {name: number(facts[name]) for name in ("playlists", "songs")}, lang)


def _map_of(given: Given) -> str:
    return f"{given['dataset']} {given['trained']} {given['method'] or 'umap'}"


def _marked(marks: Mapping[str, Any], given: Given, lang: str) -> Iterator[Line]:
    """The same in words below the map, and for the page's script, which draws it."""
    yield html("songs-here", view_map.here(marks, lang))
    yield {"place": "songs-you", "data": view_map.marked(marks, _map_of(given))}
