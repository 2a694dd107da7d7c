"""What the Songs room does for its page and for programs: data sets, trainings, search, uploads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playground.errors import BadInput, UnknownModel
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.rooms.songs import formats, search
from playground.rooms.songs.catalogue import BOOK_DATA
from playground.rooms.songs.library import Library
from playground.rooms.songs.loading import data_card, keep, trained_card
from playground.rooms.songs.recommend import MOST, Recommender, plain
from playground.ui.context import Context

FOUND = 8


class SongsService:
    """Data sets, what is trained on them, searched and uploaded: for the page and for programs."""

    def __init__(self, context: Context) -> None:
        self.context = context

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

    def upload(self, paths: Sequence[str] | None) -> str:
        """Keep a visitor's files; the name under which they can be chosen."""
        if not paths:
            raise BadInput("songs_file_empty", name="–")
        uploads = self.context.catalog.uploads
        uploads.check([Path(path).stat().st_size for path in paths])
        files = [(Path(path).name, Path(path).read_bytes()) for path in paths]
        formats.read(", ".join(name for name, _ in files), files)  # refused before anything is kept
        return keep(files, uploads)
