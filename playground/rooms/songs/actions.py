"""What answers in the Songs room when something is chosen, typed or pressed: checked values to lines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from playground import text as words
from playground.engine.vectors.projection import Projection, project
from playground.errors import BadInput, HubUnreachable, PlaygroundError
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.songs import example, search, view, view_map
from playground.rooms.songs.catalogue import BOOK_DATA, BOOK_FOLDER, song_files
from playground.rooms.songs.evaluation import METHODS, Measured, evaluate, split
from playground.rooms.songs.library import Library
from playground.rooms.songs.loading import data_card, download, trained_card
from playground.rooms.songs.recommend import Recommender, plain, shown
from playground.rooms.songs.request import SAMPLE, UNTOUCHED, Picks, parameters, parameters_of
from playground.rooms.songs.service import SongsService
from playground.rooms.songs.training import PRESETS, TUNED
from playground.system import cancellation
from playground.ui.html import note
from playground.ui.runs import Given, Line, Progress, html, progress, sets
from playground.ui.visitor import language, stages

SHIPPED = (SAMPLE, TUNED, "umap")  # the map that comes with the app
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

    def _trained(self, place: str, given: Given, answer: Callable[[Loaded, Picks], str]) -> Iterator[Line]:
        """The same of a training, which is made first if need be."""
        card = trained_card(self.do.card(given["dataset"]), parameters_of(given["trained"]))
        return self._answering(place, card, lambda loaded: answer(loaded, Picks.of(given)))

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
        return {"songs.dataset": menu, "songs.liked": [], "songs.disliked": []}

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
        yield sets({"songs.liked": [], "songs.disliked": []})

    def some(self, given: Given) -> Iterator[Line]:
        """The first two thirds of a playlist of the data, as picks: its end is to be guessed."""
        with self.do.library(given["dataset"]) as (_, library):
            number = int(np.random.default_rng().integers(library.playlists))
            rows = library.playlist(number)
            rows = rows[: max(1, min(30, len(rows) * 2 // 3))]
            ids = list(dict.fromkeys(library.songs[row].id for row in rows))
        yield sets({"songs.liked": ids, "songs.disliked": []})

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
            yield sets({"songs.liked": list(dict.fromkeys(liked)), "songs.disliked": []})

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

    def map(self, given: Given) -> Iterator[Line]:
        """All songs on a map; the last liked one's neighbours at the ends of lines."""
        method, by = given["method"] or "umap", given["by"] or "genre"
        yield from self._trained(
            "songs-map", given, lambda loaded, picks: self._mapped(loaded, picks, method, by)
        )

    @staticmethod
    def _mapped(loaded: Loaded, picks: Picks, method: str, by: str) -> str:
        lang = language()
        ready: Recommender = loaded.model
        library, name = ready.library, f"map.{method}"
        if name not in loaded.memo and (loaded.card.name, ready.trained.parameters, method) == SHIPPED:
            loaded.memo[name] = Projection(np.array(example.song_map(), np.float32), "umap")
        if name not in loaded.memo:
            loaded.memo[name] = project(ready.trained.vectors[ready.known], method)
        made = loaded.memo[name]
        rows = np.flatnonzero(ready.known)
        places = {int(row): place for place, row in enumerate(rows)}
        liked, _ = picks.rows(library, lang)
        marked = [places[row] for row in liked if row in places]
        near = [places[each.row] for each in ready.recommend([int(rows[marked[-1]])])] if marked else []
        names, groups = grouped(library, by, lang)
        labels = [f"{library.songs[row].title} · {library.songs[row].artist}" for row in rows]
        ids = [library.songs[row].id for row in rows]
        notes = [words.say(f"songs.map_{made.method}", lang)]
        notes += [words.say(f"songs.map_note_{made.note}", lang)] if made.note else []
        return view_map.chart(made.points, labels, groups[rows], names, ids, marked, near, notes, lang)

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


def grouped(library: Library, by: str, lang: str) -> tuple[list[str], Any]:
    """Names of groups, and each song's group: by genre, era or artist."""
    if by == "era":
        decades = np.where(library.years > 0, library.years // 10 * 10, 0)
        known = sorted({int(each) for each in decades})
        names = [words.say("songs.era", lang, decade=each) if each else "" for each in known]
        return names, np.searchsorted(known, decades)
    named, numbers = library.artists if by == "artist" else library.genres
    return [view.genre_name(each, lang) if by == "genre" else each for each in named], numbers
