"""Song data sets and trainings through the model cache: one load, kept on disk, counted, evicted."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from playground.errors import BadInput, CannotLoad, HubUnreachable, UnknownModel
from playground.models.cache import Loaded, ModelCache, Stage
from playground.models.catalog import Catalog
from playground.models.hub import aside, client
from playground.models.hub import download as fetching
from playground.models.loaders import TransformersLoader
from playground.rooms.songs import example, loading
from playground.rooms.songs.catalogue import BOOK_FOLDER
from playground.rooms.songs.loading import data_card, download, trained_card
from playground.rooms.songs.training import BOOK, TUNED
from tests.models.loaders.test_loaders import full_after
from tests.rooms.songs.test_songs import HASH, TRAIN
from tests.waiting import until

QUICK = replace(TUNED, epochs=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    (models / "mine").mkdir(parents=True)
    for where in (models, models / "mine"):
        (where / "train.txt").write_text(TRAIN)
        (where / "song_hash.txt").write_text(HASH)
    (models / "spotify.csv").write_text("artist,track,playlist\na,x,p\nb,y,p\na,x,q\nc,z,q\n")
    return tmp_path


def cache_of(folder: Path, budget: int = 2**30) -> ModelCache:
    return ModelCache(budget, TransformersLoader(offline=True, cache_dir=folder / "cache"))


def test_files_in_the_models_folder_are_offered_and_read(folder):
    catalog = Catalog(folder / "models", folder / "uploads", offline=True)
    offered = {card.name: card for card in catalog.offered("songs")}
    assert set(offered) == {"sample", "yes_complete", "mine", "spotify.csv"}
    assert not [card for card in catalog.offered("words") if card.source == "folder"]
    cache = cache_of(folder)
    for name, count in (("yes_complete", 3), ("mine", 3), ("spotify.csv", 3)):
        with cache.lease(data_card(catalog.find(name)), "songs") as loaded:
            assert len(loaded.model) == count and loaded.model.playlists == 2
    with pytest.raises(UnknownModel):
        catalog.find("songs-" + "0123456789abcdef" * 2)
    with pytest.raises(BadInput), cache.lease(catalog.find("sample"), "words"):
        pass


def test_a_changed_file_is_another_data_set(folder):
    catalog, cache = Catalog(folder / "models", folder / "uploads", offline=True), cache_of(folder)
    with cache.lease(data_card(catalog.find("mine")), "songs") as loaded:
        assert loaded.model.playlists == 2
    (folder / "models" / "mine" / "train.txt").write_text(TRAIN + "0 2 \n")
    with cache.lease(data_card(catalog.find("mine")), "songs") as loaded:
        assert loaded.model.playlists == 3


def test_a_training_tells_its_epochs_is_counted_and_kept_on_disk(folder):
    card = Catalog(folder / "models", folder / "uploads", offline=True).find("sample")
    cache = cache_of(folder)
    stages: list[Stage] = []
    with closing(cache.leasing(trained_card(card, QUICK), "songs")) as steps:
        for step in steps:
            if isinstance(step, Loaded):
                vectors, size = step.model.trained.vectors, step.bytes
                break
            stages.append(step)
    assert size >= vectors.nbytes and cache.used_bytes() == size
    assert {stage.step for stage in stages} <= {"plan", "parse", "train"}

    again = cache_of(folder)
    with again.lease(trained_card(card, QUICK), "songs") as loaded:
        assert np.array_equal(loaded.model.trained.vectors, vectors)
        assert loaded.model.trained.losses
    for path in (folder / "cache" / "songs").glob("trained-*.npz"):
        path.write_bytes(b"torn")  # made anew
    with cache_of(folder).lease(trained_card(card, QUICK), "songs") as loaded:
        assert np.array_equal(loaded.model.trained.vectors, vectors)


def test_what_is_shipped_is_there_at_once_and_is_what_is_made(folder, monkeypatch):
    """The sessions to the bit; the vectors up to float16 and to what another processor rounds otherwise."""
    made_now, made = example.computed_sample()
    card = Catalog(folder / "models", folder / "uploads", offline=True).find("sample")
    cache = cache_of(folder)
    with monkeypatch.context() as patched:
        patched.setattr(loading, "train", lambda *_: pytest.fail("trained, though its vectors are shipped"))
        with cache.lease(trained_card(card), "songs") as loaded:
            shipped, library = loaded.model.trained, loaded.model.library
    assert np.array_equal(library.items, made_now.items) and np.array_equal(library.offsets, made_now.offsets)
    assert library.songs == made_now.songs
    assert shipped.parameters == TUNED and len(shipped.losses) == TUNED.epochs and shipped.seconds > 0
    lengths = np.linalg.norm(made.vectors, axis=1) * np.linalg.norm(shipped.vectors, axis=1)
    assert ((made.vectors * shipped.vectors).sum(1) / lengths).mean() > 0.99
    assert shipped.losses == pytest.approx(made.losses, rel=0.02)
    mine = Catalog(folder / "models", folder / "uploads", offline=True).find("mine")
    with cache.lease(trained_card(mine), "songs") as loaded:  # of other data nothing is shipped
        assert len(loaded.model.trained.vectors) == 3 and loaded.model.trained.parameters == TUNED


def test_other_parameters_are_another_model_and_the_oldest_goes(folder):
    card = Catalog(folder / "models", folder / "uploads", offline=True).find("mine")
    one, two = trained_card(card, QUICK), trained_card(card, replace(BOOK, epochs=1))
    cache = cache_of(folder)
    with cache.lease(one, "songs") as loaded:
        size = loaded.bytes
    with cache.lease(two, "songs"):
        assert len(cache.status()) == 2
    tight = cache_of(folder, int(size * 1.5))
    for each in (one, two):
        with tight.lease(each, "songs"):
            assert len(tight.status()) == 1


class Address(BaseHTTPRequestHandler):
    """The book's address, as a stand-in on loopback: a piece every now and then, and ranges."""

    files = {"train.txt": TRAIN.encode(), "song_hash.txt": HASH.encode()}
    pause = 0.0  # seconds before each piece
    checksums: dict[str, str] = {}  # as Google's storage tells them
    breaks = 0  # so many answers break off half way

    def do_GET(self) -> None:
        body = self.files.get(self.path.strip("/"))
        if body is None:
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if told := self.checksums.get(self.path.strip("/")):
            self.send_header("x-goog-hash", f"crc32c=AAAAAA==,md5={told}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = len(body)
        if self.breaks:
            type(self).breaks -= 1
            end = start + (len(body) - start) // 2
        for place in range(start, end, 5):
            time.sleep(self.pause)
            try:
                self.wfile.write(body[place : min(end, place + 5)])
                self.wfile.flush()
            except OSError:  # who asked has left
                return
        if end < len(body):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(fetching, "PAUSE", 0.02)
    monkeypatch.setattr(aside, "TICK", 0.01)
    monkeypatch.setattr(client, "SECONDS", 2)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Address)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_the_download_is_whole_or_nothing(tmp_path, address, monkeypatch):
    catalog = Catalog(tmp_path / "models", tmp_path)
    assert "yes_complete" not in {card.name for card in catalog.offered("songs")}
    with pytest.raises(UnknownModel):
        catalog.find("yes_complete")
    stages = list(download(catalog.cache_dir / BOOK_FOLDER, address))
    assert catalog.find("yes_complete") in catalog.offered("songs")
    assert stages[-1].done == stages[-1].total == len(HASH.encode())
    with cache_of(tmp_path).lease(data_card(catalog.find("yes_complete")), "songs") as loaded:
        assert loaded.model.playlists == 2

    monkeypatch.setattr(Address, "files", {"train.txt": TRAIN.encode()})
    with pytest.raises(HubUnreachable):
        list(download(tmp_path / "songs" / "other", address))
    assert [path.name for path in (tmp_path / "songs").iterdir()] == ["yes_complete"]
    with pytest.raises(HubUnreachable):
        list(download(tmp_path / "songs" / "third", "http://127.0.0.1:9/"))


def test_who_leaves_a_download_leaves_no_data_set(tmp_path, address, monkeypatch):
    monkeypatch.setattr(Address, "pause", 0.03)
    catalog = Catalog(tmp_path / "models", tmp_path)
    folder = catalog.cache_dir / BOOK_FOLDER
    for begun in ("train.txt", "song_hash.txt"):  # who leaves within the first file, and within the second
        going = download(folder, address)
        until(lambda: (stage := next(going)).name == begun and stage.done)  # noqa: B023
        assert not folder.exists() and len(list(folder.parent.iterdir())) == 1
        going.close()
        assert list(folder.parent.iterdir()) == []
        with pytest.raises(UnknownModel):
            catalog.find("yes_complete")


def test_two_downloads_at_once_do_not_meet(tmp_path, address, monkeypatch):
    monkeypatch.setattr(Address, "pause", 0.02)
    folder = tmp_path / "songs" / "yes_complete"
    one, two = download(folder, address), download(folder, address)
    for going in (one, two):
        until(lambda: next(going).done)  # noqa: B023
    one.close()  # and the other does not mind
    three = download(folder, address)
    for _ in zip(two, three, strict=False):
        pass
    for going in (two, three):
        assert list(going) is not None
    assert sorted(path.name for path in folder.iterdir()) == ["song_hash.txt", "train.txt"]
    assert [path.name for path in folder.parent.iterdir()] == ["yes_complete"]
    assert (folder / "train.txt").read_bytes() == TRAIN.encode()


@pytest.mark.parametrize("left", ["train.txt.part", "train.txt", "000.part"])
def test_what_a_broken_download_left_is_no_data_set_and_in_nobodys_way(tmp_path, address, left):
    """Versions before this one wrote into the folder itself."""
    catalog = Catalog(tmp_path / "models", tmp_path)
    folder = catalog.cache_dir / BOOK_FOLDER
    folder.mkdir(parents=True)
    (folder / left).write_text("0 1\n0 1\n0 1\n")
    with pytest.raises(UnknownModel):
        catalog.find("yes_complete")
    assert list(download(folder, address))
    with cache_of(tmp_path).lease(data_card(catalog.find("yes_complete")), "songs") as loaded:
        assert loaded.model.playlists == 2


def test_a_download_that_ends_early_is_told(tmp_path, address, monkeypatch):
    monkeypatch.setattr(Address, "breaks", 10**6)
    with pytest.raises(HubUnreachable) as caught:
        list(download(tmp_path / "songs" / "yes_complete", address))
    assert caught.value.values == {"file": "train.txt"} and list((tmp_path / "songs").iterdir()) == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke(tmp_path, address, monkeypatch):
    monkeypatch.setattr(Address, "breaks", 2)
    folder = tmp_path / "songs" / "yes_complete"
    list(download(folder, address))
    assert (folder / "train.txt").read_bytes() == TRAIN.encode()
    assert (folder / "song_hash.txt").read_bytes() == HASH.encode()


@pytest.mark.parametrize("file", ["train.txt", "song_hash.txt"])
def test_what_is_not_what_was_announced_is_thrown_away(tmp_path, address, monkeypatch, file):
    """Two megabytes of zeros have a size, too: the address tells the checksum, and it is believed."""
    told = base64.b64encode(hashlib.md5(Address.files[file]).digest()).decode()
    monkeypatch.setattr(Address, "checksums", {file: told})
    list(download(tmp_path / "good" / "yes_complete", address))
    monkeypatch.setattr(Address, "files", {**Address.files, file: bytes(len(Address.files[file]))})
    with pytest.raises(CannotLoad) as caught:
        list(download(tmp_path / "songs" / "yes_complete", address))
    assert caught.value.key == "errors.download_damaged" and caught.value.values["file"] == file
    assert list((tmp_path / "songs").iterdir()) == []


def test_a_file_larger_than_any_is_not_fetched(tmp_path, address, monkeypatch):
    monkeypatch.setattr(loading, "LARGEST", len(TRAIN) - 1)
    with pytest.raises(CannotLoad):
        list(download(tmp_path / "songs" / "yes_complete", address))
    assert list((tmp_path / "songs").iterdir()) == []


def test_a_disk_without_room_is_told_as_what_it_is(tmp_path, address, monkeypatch):
    monkeypatch.setattr(fetching, "SPARE", 2**62)
    with pytest.raises(CannotLoad) as caught:
        list(download(tmp_path / "songs" / "yes_complete", address))
    assert caught.value.key == "errors.disk_full" and list((tmp_path / "songs").iterdir()) == []


def test_a_training_that_cannot_be_kept_costs_nothing_but_the_next_ones_time(folder, caplog):
    with full_after(folder / "cache", 8 << 10):
        card = Catalog(folder / "models", folder, offline=True).find("sample")
        with cache_of(folder).lease(trained_card(card, QUICK), "songs") as loaded:
            assert len(loaded.model.trained.vectors)
        assert "No space left" in caplog.text
        assert [path for path in (folder / "cache").rglob("*") if path.is_file()] == []


def test_what_is_made_of_an_upload_is_kept_nowhere(folder):
    catalog = Catalog(folder / "models", folder / "cache", offline=True)
    name = loading.keep([("a.csv", (folder / "models" / "spotify.csv").read_bytes())], catalog.uploads)
    with cache_of(folder).lease(trained_card(catalog.find(name), QUICK), "songs") as loaded:
        assert loaded.model.trained.losses
    assert not list((folder / "cache").rglob("*.npz"))
