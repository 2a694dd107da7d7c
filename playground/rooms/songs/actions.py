"""What the Songs panel does when something is chosen, typed or pressed: from plain values to HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from playground import text as words
from playground.engine.vectors.projection import Projection, project
from playground.errors import BadInput, HubUnreachable, UnknownModel
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.songs import example, formats, search, view, view_map
from playground.rooms.songs.catalogue import BOOK_DATA, BOOK_FOLDER, song_files
from playground.rooms.songs.evaluation import METHODS, Measured, evaluate, split
from playground.rooms.songs.library import Library
from playground.rooms.songs.loading import data_card, download, keep, trained_card
from playground.rooms.songs.recommend import MOST, Recommender, plain, shown
from playground.rooms.songs.training import PRESETS, TUNED, Parameters
from playground.system import untrusted_json
from playground.ui import loading as loading_view
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.visitor import language, stages

FOUND = 8
EXAMPLE = "sample"  # the data set of the shipped example
SHIPPED = (EXAMPLE, TUNED, "umap")  # the map that comes with the app
LONGEST_PASTE = 400  # lines of a pasted playlist


class SongsActions:
    """The panel's functions."""

    def __init__(self, context: Context) -> None:
        self.context = context

    # -- data sets and what is trained on them --

    def card(self, dataset: str) -> ModelCard:
        """The card of a data set.

        Raises:
            UnknownModel: no data set has this name.
        """
        if not isinstance(dataset, str) or not dataset.strip():
            raise BadInput("songs_dataset_empty")
        known = {card.name: card for card in self.context.catalog.offered("songs")}
        found = known.get(dataset.strip())
        if found is None and dataset.strip().startswith(("songs-", BOOK_DATA)):
            with suppress(BadInput):
                found = self.context.catalog.find(dataset)
        if found is None or "songs" not in found.roles:
            raise UnknownModel("songs_not_here", name=dataset[:60])
        return found

    def choices(self) -> list[tuple[str, str]]:
        """The data sets of the menu, the visitor's own among them."""
        return [(card.name, card.name) for card in self.context.catalog.offered("songs")]

    @contextmanager
    def library(self, dataset: str) -> Iterator[tuple[Loaded, Library]]:
        """A data set, leased."""
        with self.context.models.lease(data_card(self.card(dataset)), "songs") as loaded:
            yield loaded, loaded.model

    @contextmanager
    def trained(self, dataset: str) -> Iterator[tuple[Loaded, Recommender]]:
        """What the tuned training made of a data set, leased; trained first if need be."""
        with self.context.models.lease(trained_card(self.card(dataset)), "songs") as loaded:
            yield loaded, loaded.model

    def find(self, query: str, dataset: str, count: int = FOUND) -> list[dict[str, Any]]:
        """Songs by title or artist, as JSON."""
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise BadInput("songs_count", most=MOST)
        if not isinstance(query, str):
            raise BadInput("not_text", kind=type(query).__name__)
        with self.library(dataset) as (loaded, library):
            rows = search.search(self.index(loaded, library), query, count)
            return [plain(library.songs[row]) for row in rows]

    @staticmethod
    def index(loaded: Loaded, library: Library) -> search.Index:
        """The search index, made once and kept with the data set."""
        if "songs.index" not in loaded.memo:
            loaded.memo["songs.index"] = search.index(library)
        ready: search.Index = loaded.memo["songs.index"]
        return ready

    # -- the page --

    def hits(self, query: str, dataset: str) -> str:
        """The list under the search box."""
        if not (query or "").strip():
            return ""
        return view.hits(self.find(query, dataset), query, language())

    def picks(self, state: str, library: Library) -> tuple[list[int], list[int]]:
        """The rows of what is liked and disliked; ids that this data set does not have are left out.

        Before anything was picked (not even taken out) it is the shipped example, which is on the page then.
        """
        if not state and library.name == EXAMPLE:
            return [library.rows[song["id"]] for song in example.shipped(language())["liked"]], []
        try:
            told = untrusted_json.parse(state or "{}", untrusted_json.LONGEST)
            lists = [[str(id) for id in told.get(kind, [])] for kind in ("liked", "disliked")]
        except (ValueError, AttributeError, TypeError):
            lists = [[], []]
        liked, disliked = ([library.rows[id] for id in ids if id in library.rows] for ids in lists)
        return liked, disliked

    def picked(self, state: str, dataset: str) -> str:
        """What is liked and disliked, to be taken out again."""
        if not state and dataset == EXAMPLE:
            return opening(language())[1]
        with self.library(dataset) as (_, library):
            liked, disliked = self.picks(state, library)
            songs = [[plain(library.songs[row]) for row in rows] for rows in (liked, disliked)]
            return view.picked(songs[0], songs[1], language())

    def _training(self, dataset: str, parameters: Parameters | None) -> Generator[str | Loaded]:
        """Progress as HTML, and at last what was loaded or trained, leased until the iterator is closed."""
        card = trained_card(self.card(dataset), parameters)
        with closing(self.context.models.leasing(card, "songs")) as steps:
            yield from stages(steps, language())

    def recommend(self, state: str, dataset: str, key: str) -> Iterator[str]:
        """Ten songs for what is picked; the training's progress before it."""
        lang, parameters = language(), parameters_of(key)
        if not state and parameters is None and dataset == EXAMPLE:
            yield opening(lang)[2]  # nothing is picked yet: the example stands, and nothing is loaded for it
            return
        with closing(self._training(dataset, parameters)) as steps:
            for step in steps:
                if not isinstance(step, Loaded):
                    yield step
                    continue
                ready: Recommender = step.model
                liked, disliked = self.picks(state, ready.library)
                if not liked:
                    yield note(words.say("songs.like_first", lang))
                    return
                yield view.recommended(shown(ready, liked, disliked), lang)
                return

    def train(self, dataset: str, *values: Any) -> Iterator[tuple[str, str]]:
        """Train with the sliders' parameters: (progress or losses, key of what is trained; "" before)."""
        parameters = from_sliders(*values)
        with closing(self._training(dataset, parameters)) as steps:
            for step in steps:
                if not isinstance(step, Loaded):
                    yield step, ""
                    continue
                made = step.model.trained
                told = view.losses(made.losses, made.seconds, parameters.workers, language())
                yield told, parameters.key
                return

    def following(
        self, fn: Callable[..., str], mine: str, where: str, state: str, dataset: str, key: str, *more: Any
    ) -> Iterator[Any]:
        """A result of a sub-tab, and before it the training's progress; nothing while another one is open."""
        if where != mine:
            yield gr.skip()
            return
        with closing(self._training(dataset, parameters_of(key))) as steps:
            for step in steps:
                if not isinstance(step, Loaded):
                    yield step
                    continue
                yield fn(step, state, *more)
                return

    def walk(self, loaded: Loaded, state: str, steps: float) -> str:
        """From the first liked song to the last."""
        ready: Recommender = loaded.model
        liked, _ = self.picks(state, ready.library)
        if len(liked) < 2:
            return note(words.say("songs.walk_two", language()))
        path = ready.walk(liked[0], liked[-1], int(steps))
        songs = [plain(ready.library.songs[row]) | {"cosine": cosine} for row, cosine in path]
        return view.walked(songs, language())

    def vector(self, loaded: Loaded, state: str) -> str:
        """The numbers of the last liked song, of its neighbour, and of a song far away."""
        ready: Recommender = loaded.model
        liked, _ = self.picks(state, ready.library)
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

    def map(self, loaded: Loaded, state: str, method: str, by: str) -> str:
        """All songs on a map; the last liked one's neighbours at the ends of lines."""
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
        liked, _ = self.picks(state, library)
        marked = [places[row] for row in liked if row in places]
        near = [places[each.row] for each in ready.recommend([int(rows[marked[-1]])])] if marked else []
        names, groups = grouped(library, by, lang)
        labels = [f"{library.songs[row].title} · {library.songs[row].artist}" for row in rows]
        ids = [library.songs[row].id for row in rows]
        notes = [words.say(f"songs.map_{made.method}", lang)]
        notes += [words.say(f"songs.map_note_{made.note}", lang)] if made.note else []
        return view_map.chart(made.points, labels, groups[rows], names, ids, marked, near, notes, lang)

    def measure(self, dataset: str, key: str) -> Iterator[str]:
        """All methods on held-out playlists, one after the other."""
        lang, parameters = language(), parameters_of(key)
        own = parameters is not None and parameters not in PRESETS.values()
        methods = [*METHODS] + (["own"] if own else [])
        mine = f"own {parameters.key}" if parameters is not None else ""
        with self.library(dataset) as (loaded, library):
            kept: dict[str, Measured] = loaded.memo.setdefault("songs.measured", {})
            queries = len(split(library).hidden)
            for method in methods:
                name = mine if method == "own" else method
                if name not in kept:
                    rows = [kept[m] for m in methods if m in kept]
                    now = words.say("songs.measuring", lang, method=words.say(f"songs.method_{method}", lang))
                    yield (view.measures(rows, queries, lang) if rows else "") + note(now)
                    kept[name] = next(evaluate(library, [method], own=parameters))
            rows = [kept[mine if m == "own" else m] for m in methods]
            yield view.measures(rows, queries, lang)

    # -- playlists and data of the visitor's own --

    def paste(self, pasted: str, dataset: str) -> tuple[str, str]:
        """A playlist, a song a line, as picks; and a sentence about what was not found."""
        lines = [line.strip() for line in (pasted or "").splitlines() if line.strip()]
        if not lines:
            raise BadInput("songs_paste_empty")
        if len(lines) > LONGEST_PASTE:
            raise BadInput("songs_too_many", most=LONGEST_PASTE)
        liked, missing = [], []
        with self.library(dataset) as (loaded, library):
            ready = self.index(loaded, library)
            for line in lines:
                found = search.search(ready, line.replace(" - ", " "), 1)
                if found:
                    liked.append(library.songs[found[0]].id)
                else:
                    missing.append(line[:60])
        told = words.say("songs.pasted", language(), found=len(liked), lines=len(lines))
        told += " " + words.say("songs.missing", language(), songs="; ".join(missing[:10])) if missing else ""
        state = json.dumps({"liked": list(dict.fromkeys(liked)), "disliked": []})
        return state if liked else "", note(told, "warning" if missing else "note")

    def some_playlist(self, dataset: str) -> str:
        """The first two thirds of a playlist of the data, as picks: its end is to be guessed."""
        with self.library(dataset) as (_, library):
            number = int(np.random.default_rng().integers(library.playlists))
            rows = library.playlist(number)
            rows = rows[: max(1, min(30, len(rows) * 2 // 3))]
            ids = list(dict.fromkeys(library.songs[row].id for row in rows))
            return json.dumps({"liked": ids, "disliked": []})

    def about(self, dataset: str) -> str:
        """What a data set holds."""
        with self.library(dataset) as (_, library):
            return view.about(library, language())

    def upload(self, paths: Sequence[str] | None) -> str:
        """Keep a visitor's files; the name under which they can be chosen."""
        if not paths:
            raise BadInput("songs_file_empty", name="–")
        uploads = self.context.catalog.uploads
        uploads.check([Path(path).stat().st_size for path in paths])
        files = [(Path(path).name, Path(path).read_bytes()) for path in paths]
        formats.read(", ".join(name for name, _ in files), files)  # refused before anything is kept
        return keep(files, uploads)

    def fetch(self) -> Iterator[str]:
        """Download the book's data set, telling how far it is."""
        if self.context.settings.offline:
            raise HubUnreachable("songs_offline")
        folder = self.context.catalog.cache_dir / BOOK_FOLDER
        if not song_files(folder):
            with closing(download(folder)) as steps:  # who stops or goes leaves nothing half
                for step in steps:
                    yield loading_view.progress(step, 0, 0, language())
        yield ""


def grouped(library: Library, by: str, lang: str) -> tuple[list[str], Any]:
    """Names of groups, and each song's group: by genre, era or artist."""
    if by == "era":
        decades = np.where(library.years > 0, library.years // 10 * 10, 0)
        known = sorted({int(each) for each in decades})
        names = [words.say("songs.era", lang, decade=each) if each else "" for each in known]
        return names, np.searchsorted(known, decades)
    named, numbers = library.artists if by == "artist" else library.genres
    return [view.genre_name(each, lang) if by == "genre" else each for each in named], numbers


def parameters_of(key: str) -> Parameters | None:
    """The parameters that the page holds as a key; None, for the tuned ones, before anything was trained."""
    try:
        return Parameters.from_key(key).checked() if key else None
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput("songs_parameters") from error


def from_sliders(
    size: float,
    window: float,
    negative: float,
    least: float,
    epochs: float,
    exponent: float,
    alpha: float,
    algorithm: int,
    workers: float,
    centre: bool,
) -> Parameters:
    """The sliders' values as parameters."""
    return Parameters(
        int(size), int(window), int(negative), int(least), int(epochs), int(algorithm), float(exponent),
        float(alpha), workers=int(workers), centre=int(centre),
    ).checked()  # fmt: skip


def opening(lang: str) -> tuple[str, str, str]:
    """The shipped example: what is liked, what is recommended, and what was measured."""
    shipped = example.shipped(lang)
    picks = view.picked(shipped["liked"], [], lang)
    state = json.dumps({"liked": [song["id"] for song in shipped["liked"]], "disliked": []})
    return state, picks, view.recommended(shipped, lang)


def opening_measures(lang: str) -> str:
    """The shipped measures of the embedded data set."""
    rows, queries = example.measured()
    return view.measures(rows, queries, lang) + note(words.say("songs.measured_before", lang))
