"""The song data sets of the catalogue: the embedded one, the models folder's, the book's own download."""

from __future__ import annotations

from pathlib import Path

from playground.models import catalog, loaders
from playground.models.cache import Key, Loaded, Progress
from playground.models.catalog import SONGS, ModelCard, RoomRows

BOOK_DATA, BOOK_SONGS = "yes_complete", ("train.txt", "song_hash.txt")  # as the book downloads it
BOOK_FOLDER = f"songs/{BOOK_DATA}"  # in the cache folder
EMBEDDED = (ModelCard("sample", "embedded", "assets:songs/catalogue.tsv", SONGS, licence="Apache-2.0"),)


def register() -> None:
    """Offer song data sets, and load them."""
    catalog.register(
        RoomRows(
            "songs",
            EMBEDDED,
            recognizes=lambda path: bool(song_files(path)),
            whole=BOOK_DATA,
            parts=BOOK_SONGS,
            downloaded=BOOK_FOLDER,
        )
    )
    loaders.register("songs", SongLoader())


def song_files(path: Path) -> list[Path]:
    """The files of a song data set: a CSV; the book's pair, or Million Playlist slices."""
    if path.is_file():
        return [path] if path.suffix == ".csv" else []
    pair = [path / name for name in BOOK_SONGS]
    return pair if all(file.is_file() for file in pair) else sorted(path.glob("mpd.slice*.json"))


class SongLoader:
    """`playground.models.loaders.RoomLoader` for the role ``songs``."""

    def estimate(self, card: ModelCard, files: loaders.TransformersLoader) -> int:
        from playground.rooms.songs import loading

        return loading.estimate(card)

    def load(
        self, card: ModelCard, key: Key, files: loaders.TransformersLoader, progress: Progress
    ) -> Loaded:
        from playground.rooms.songs import loading

        return loading.load(card, key, files.cache_dir, progress)

    def is_here(self, card: ModelCard, cache_dir: Path) -> bool:
        return True
