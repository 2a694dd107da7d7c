"""Files of ours in the cache folder: whole or not there, and the oldest go, whoever else is at it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from playground.errors import CannotLoad
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.models.uploads import Limits
from playground.rooms.embeddings.sentences import service as sentences
from playground.rooms.songs import service as songs
from playground.rooms.songs.loading import data_card, keep
from playground.rooms.tokens import service as tokens
from playground.settings import Settings
from playground.system import disk
from playground.ui.context import Context


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def aged(path: Path, seconds: float) -> Path:
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_what_is_left_early_leaves_what_was_there(tmp_path):
    path = tmp_path / "sub" / "file"
    disk.write(path, b"old")
    with pytest.raises(RuntimeError), disk.arriving(path) as aside:
        aside.write_bytes(b"half")
        assert path.read_bytes() == b"old" and aside.parent == path.parent
        raise RuntimeError
    assert names(path.parent) == ["file"] and path.read_bytes() == b"old"
    with pytest.raises(FileNotFoundError), disk.arriving(path):  # nothing was written
        pass
    assert path.read_bytes() == b"old"


def test_of_two_folders_that_arrive_the_first_stays(tmp_path):
    path = tmp_path / "data"
    with disk.arriving(path, folder=True) as one, disk.arriving(path, folder=True) as two:
        assert one != two
        (one / "a").write_text("one")
        (two / "a").write_text("two")
    assert names(tmp_path) == ["data"] and (path / "a").read_text() == "two"
    path.joinpath("a").unlink()
    path.rmdir()
    path.write_text("a file is in the way")
    with pytest.raises(OSError), disk.arriving(path, folder=True) as aside:
        (aside / "a").write_text("x")
    assert names(tmp_path) == ["data"]


def test_what_a_killed_process_left_is_swept(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    elsewhere, here = "elsewhere-1-", f"{disk.machine()}-"
    for name, age in ((f"{elsewhere}old", disk.ABANDONED + 60), (f"{elsewhere}new", disk.ABANDONED - 60),
                      (f"{here}{gone.pid}-a", 0), (f"{here}{os.getpid()}-b", 0)):  # fmt: skip
        folder = tmp_path / f"{disk.ARRIVING}{name}"
        folder.mkdir()
        aged((folder / "train.txt"), age) if (folder / "train.txt").write_text("x") else None
        aged(folder, age)
    (tmp_path / "mine").write_text("x")
    aged(tmp_path / "mine", 10 * disk.ABANDONED)
    disk.write(tmp_path / "another", b"")
    mine = f"{disk.ARRIVING}{here}{os.getpid()}-b"
    assert {*names(tmp_path)} == {"another", f"{disk.ARRIVING}{elsewhere}new", mine, "mine"}


def test_the_oldest_go_files_and_folders(tmp_path):
    for age, name in enumerate(("d", "c", "b", "a")):
        (tmp_path / f"x-{name}").mkdir() if age % 2 else (tmp_path / f"x-{name}").write_text("x")
        aged(tmp_path / f"x-{name}", 100 * age)
    (tmp_path / "y-old").write_text("x")
    disk.trim(tmp_path, "x-*", 2)
    assert names(tmp_path) == ["x-c", "x-d", "y-old"]
    disk.used(aged(tmp_path / "x-d", 1000))
    disk.trim(tmp_path, "x-*", 1)
    assert names(tmp_path) == ["x-d", "y-old"]
    for nothing in (tmp_path / "none", tmp_path / "x-none"):
        disk.delete(nothing)
        disk.used(nothing)
        assert disk.changed(nothing) == 0.0


def at_once(count: int, work) -> None:
    """The same in several threads; the first error of any of them."""
    failed: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            for each in range(10):
                work(number, each)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failed:
        raise failed[0]


@pytest.fixture
def context(tmp_path) -> Context:
    settings = Settings(models_dir=tmp_path / "models", cache_dir=tmp_path, offline=True)
    catalog = Catalog(settings.models_dir, tmp_path, offline=True)
    return Context(settings, catalog, ModelCache(2**31, TransformersLoader(offline=True)))


def test_visitors_upload_and_evict_at_once(context, tmp_path, monkeypatch):
    """Every upload keeps one and evicts another, while that one is being evicted already."""
    uploads = context.catalog.uploads
    monkeypatch.setattr(uploads, "limits", Limits(count=5))
    uploads.names.whose(lambda: str(threading.get_ident() % 2))
    sent = tmp_path / "sent"
    sent.mkdir()
    songs_, tokens_ = songs.SongsService(context), tokens.TokensService(context)
    sentences_ = sentences.SentencesService(context)

    def upload(number: int, each: int) -> None:
        file = sent / f"{number}-{each}.csv"
        file.write_text(f"artist,track,playlist\nAnn,A{number},p\nBob,B{each},p\n")
        songs_.upload([str(file)])
        tokens_.keep(json.dumps({"number": [number, each]}))
        sentences_.upload(str(file))

    at_once(6, upload)
    assert len(names(uploads.folder)) in (5, 10)  # of one visitor or of two; nothing half
    assert all(
        re.fullmatch(r"(songs|upload|rows)-[0-9a-f]{32}\.(zip|json)", each) for each in names(uploads.folder)
    )


def test_one_upload_from_many_is_read_whole_at_every_moment(context, tmp_path):
    files = [
        ("a b.csv", b"artist,track\nAnn,A\nBob,B\n"),
        ("../c/\udcff.csv", b"artist,track\nAnn,A\nCy,C\n"),
    ]
    uploads = context.catalog.uploads
    uploads.names.whose(lambda: "somebody")
    name = keep(files, uploads)

    def again(number: int, each: int) -> None:
        if number % 2:
            assert keep(files, uploads) == name
            return
        cache = ModelCache(2**30, TransformersLoader(offline=True, cache_dir=tmp_path))
        with cache.lease(data_card(context.catalog.find(name)), "songs") as loaded:
            assert loaded.model.playlists == 2 and loaded.model.names[0] == "a b"

    at_once(4, again)
    assert names(uploads.folder) == [f"{name}.zip"] and not (tmp_path / "c").exists()
    uploads.limits = Limits(count=1)
    other = keep([files[0]], uploads)  # the first one goes
    assert names(uploads.folder) == [f"{other}.zip"]
    card = data_card(context.catalog.find(other))
    (uploads.folder / f"{other}.zip").unlink()
    with pytest.raises(CannotLoad) as caught, context.models.lease(card, "songs"):
        pass
    assert caught.value.key == "errors.songs_unreadable"
