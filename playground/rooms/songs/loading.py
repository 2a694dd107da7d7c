"""Song data sets and what is trained on them, for the model cache.

A data set's card has revision ``main``; the same card with `Parameters.key` for its revision is Word2Vec
trained with these parameters on it (see `trained_card`), so the cache's key holds everything that changes
the vectors; ``shipped`` is the tuned training of the embedded songs, which comes with the app. What was
trained once is kept in the cache folder. The one download is the book's own address.
"""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from playground import ASSETS
from playground.engine.tables.charset import one_line
from playground.errors import CannotLoad, HubUnreachable
from playground.models import hub
from playground.models.cache import Key, Loaded, Progress, Stage
from playground.models.catalog import ModelCard
from playground.models.hub.aside import following
from playground.models.hub.download import Damaged, Failed
from playground.models.hub.download import fetch as download_file
from playground.models.loaders.places import explain_errors, place
from playground.models.uploads import Uploads
from playground.rooms.songs import formats, sessions
from playground.rooms.songs.catalogue import BOOK_DATA, BOOK_SONGS, song_files
from playground.rooms.songs.library import Library
from playground.rooms.songs.recommend import Recommender, recommender
from playground.rooms.songs.training import TUNED, Parameters, Trained, train
from playground.system import disk

log = logging.getLogger(__name__)
ADDRESS = "https://storage.googleapis.com/maps-premium/dataset/yes_complete/"  # as the book gives it
KEPT = 200  # trained files in the cache folder; the oldest go
LARGEST = 200_000_000  # bytes of one file of yes_complete, whose train.txt has some ten million
PACKED = ".zip"  # files of a visitor
PLAIN, SHIPPED = "main", "shipped"
MADE = ASSETS / "songs" / "sample.npz"  # sessions and vectors of the embedded songs
# Data sets that somebody still holds: a training does not read them again.
_held: WeakValueDictionary[str, Library] = WeakValueDictionary()


def trained_card(card: ModelCard, parameters: Parameters | None = None) -> ModelCard:
    """The card of a training on a data set.

    Args:
        parameters: None for the tuned ones; of the embedded songs, those vectors come with the app.
    """
    if parameters is None and card.source == "embedded":
        return replace(card, revision=SHIPPED)
    return replace(card, revision=f"{(parameters or TUNED).checked().key};{_stamp(card)}")


def data_card(card: ModelCard) -> ModelCard:
    """The card of a data set as its files are now: a changed file is another data set."""
    return replace(card, revision=f"{PLAIN};{_stamp(card)}")


def _stamp(card: ModelCard) -> str:
    if card.source == "embedded" or card.where.endswith(PACKED):
        return ""  # what an upload's name stands for never changes
    facts = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in song_files(Path(card.where))
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def estimate(card: ModelCard) -> int:
    """Bytes, from the size of the files: songs and playlists take about three times of them."""
    path = place(card)
    assert path is not None
    if path.suffix == PACKED:
        with explain_errors(card, "songs_unreadable"), zipfile.ZipFile(path) as archive:
            return 3 * sum(each.file_size for each in archive.infolist())
    files = [path] if card.source == "embedded" else song_files(path)
    return 3 * sum(file.stat().st_size for file in files)


def load(card: ModelCard, key: Key, cache_dir: Path | None, progress: Progress) -> Loaded:
    """A data set (its `Library`), or a training on it (a `Recommender`).

    The bytes of a training hold those of its data set, which it keeps alive.

    Raises:
        BadInput: files in none of the known forms. CannotLoad: files that cannot be read.
    """
    progress(Stage(card.name, "parse"))
    library = _library(card)
    parameters = key.revision.split(";")[0]
    if parameters == PLAIN:
        return Loaded(card, None, library, "cpu", library.bytes)
    with explain_errors(card, "songs_training"):
        made = shipped() if parameters == SHIPPED else None
        if made is None or len(made.vectors) != len(library):
            told_by = TUNED if made else Parameters.from_key(parameters)
            # What is made of a visitor's own is gone with it: nothing of it outlives the server.
            kept_in = None if card.source == "upload" else cache_dir
            made = _trained(card, library, told_by, kept_in, progress)
        ready: Recommender = recommender(library, made)
    return Loaded(card, None, ready, "cpu", library.bytes + made.bytes)


def shipped() -> Trained:
    """What the tuned training makes of the embedded songs, as it comes with the app."""
    with np.load(MADE, allow_pickle=False) as kept:
        vectors = kept["vectors"].astype(np.float32)
        return Trained(TUNED, vectors, tuple(kept["losses"].tolist()), float(kept["seconds"]))


def ship(library: Library, made: Trained) -> None:
    """Write what `shipped` reads, and the sessions."""
    np.savez_compressed(
        MADE, items=library.items.astype(np.uint16), lengths=np.diff(library.offsets).astype(np.uint8),
        vectors=made.vectors.astype(np.float16), losses=np.round(made.losses, 4),
        seconds=np.round(made.seconds, 1),
    )  # fmt: skip


def _library(card: ModelCard) -> Library:
    name = f"{card.where};{_stamp(card)}"
    found = _held.get(name)
    if found is None:
        path = place(card)
        assert path is not None
        found = _sample(path) if card.source == "embedded" else _read(card, path)
        _held[name] = found
    return found


def _read(card: ModelCard, path: Path) -> Library:
    try:
        if path.suffix == PACKED:
            disk.used(path)
            files = unpacked(path)
        else:
            files = [(file.name, file.read_bytes()) for file in song_files(path)]
    except (OSError, zipfile.BadZipFile) as error:
        raise CannotLoad("songs_unreadable", name=card.name) from error
    return formats.read(card.name, files)


def keep(files: Sequence[tuple[str, bytes]], uploads: Uploads) -> str:
    """Keep a visitor's files, in one. The name under which the catalogue finds them.

    Raises:
        BadInput: more than a visitor may keep. CannotLoad: no room on the disk.

    Their own names stay with them (which is the hash, what a playlist is called) and may hold anything:
    nothing is unpacked to disk.
    """
    content = hashlib.sha256()
    for name, body in files:
        content.update(f"{len(body)} {name}\n".encode("utf-8", "replace"))
        content.update(body)

    def packed(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for place, (name, body) in enumerate(files):
                archive.writestr(f"{place:03}/{one_line(name)[-200:]}", body)

    return uploads.keep("songs", content.digest(), packed)


def unpacked(path: Path) -> list[tuple[str, bytes]]:
    """What `keep` was given."""
    with zipfile.ZipFile(path) as archive:
        return [(each.filename.partition("/")[2], archive.read(each)) for each in archive.infolist()]


def _sample(path: Path) -> Library:
    """The catalogue with its sessions, as `sessions` generates them and the app ships them."""
    songs = sessions.read_catalogue(path.read_text(encoding="utf-8"))
    with np.load(MADE, allow_pickle=False) as kept:
        lengths = kept["lengths"].astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return Library("sample", tuple(songs), kept["items"].astype(np.int32), offsets)


def _trained(
    card: ModelCard, library: Library, parameters: Parameters, cache_dir: Path | None, progress: Progress
) -> Trained:
    content = hashlib.sha256(library.items.tobytes() + library.offsets.tobytes())
    name = "trained-" + hashlib.sha256(f"{parameters.key};{content.hexdigest()}".encode()).hexdigest()[:16]
    kept = _recall(cache_dir, name)
    if kept is not None and kept["vectors"].shape == (len(library), parameters.vector_size):
        return Trained(parameters, kept["vectors"], tuple(kept["losses"].tolist()), float(kept["seconds"]))

    def report(done: int, total: int, loss: float) -> None:
        progress(Stage(card.name, "train", done, total, loss))

    made = train(library, parameters, report)
    _keep(cache_dir, name, vectors=made.vectors, losses=np.array(made.losses), seconds=np.array(made.seconds))
    return made


def _recall(cache_dir: Path | None, name: str) -> Any:
    """What was kept; None for nothing, or for a file that broke."""
    if cache_dir is None:
        return None
    path = cache_dir / "songs" / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {key: kept[key] for key in kept.files}
    except FileNotFoundError:
        return None
    except Exception as error:  # a torn file raises anything; it is made anew
        log.info("cannot read %s: %r", path, error)
        return None


def _keep(cache_dir: Path | None, name: str, **arrays: Any) -> None:
    """Nobody reads half a file; a full disk keeps nothing."""
    if cache_dir is None:
        return
    folder = cache_dir / "songs"
    try:
        with disk.arriving(folder / f"{name}.npz") as aside, aside.open("wb") as file:
            np.savez(file, **arrays)
        disk.trim(folder, "trained-*.npz", KEPT)
    except OSError as error:  # whoever waits has what was trained; the next one trains again
        log.warning("cannot keep %s: %r", name, error)


def download(folder: Path, address: str = ADDRESS) -> Generator[Stage]:
    """Fetch the book's yes_complete into a folder, telling how far it is; all of it or nothing.

    Who leaves early (closes the iterator) leaves nothing behind; two who fetch at once do not meet.

    Raises:
        HubUnreachable: the address does not answer, or not with what it should. CannotLoad: damaged on its
            way; no room on the disk, or none that may be written.
    """
    with disk.explain_errors(folder.name):
        if folder.exists() and not song_files(folder):
            disk.delete(folder)  # of a version that wrote its files there one by one
        with disk.arriving(folder, folder=True) as aside:
            for name in BOOK_SONGS:
                yield from _fetched(address, name, aside / name)


def _fetched(address: str, name: str, path: Path) -> Iterator[Stage]:
    def work(progress: hub.Progress) -> None:
        download_file(address + name, path, name=name, most=LARGEST, progress=progress)

    try:
        with closing(following(work)) as steps:
            for done, total in steps:
                yield Stage(name, "download", done, total)
    except Damaged as error:
        raise CannotLoad("download_damaged", name=BOOK_DATA, file=name) from error
    except Failed as error:
        log.info("cannot fetch %s: %r", name, error)
        raise HubUnreachable("songs_unreachable", file=name) from error
