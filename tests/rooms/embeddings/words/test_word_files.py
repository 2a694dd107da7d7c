"""Files of word vectors that lie, break off or are something else; and gensim's list, from a stand-in."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from playground.errors import CannotLoad, HubUnreachable, NotAllowed
from playground.models.cache import ModelCache
from playground.models.catalog import WORDS, Catalog, ModelCard
from playground.models.hub import aside, download
from playground.models.loaders import TransformersLoader
from playground.rooms.embeddings.words import downloads
from playground.rooms.embeddings.words import loading as words
from playground.settings import Settings
from playground.ui.context import Context

GLOVE = "glove-twitter-25"


def cache(folder, **how) -> ModelCache:
    return ModelCache(2**30, TransformersLoader(cache_dir=folder / "cache", **how))


def refused(tmp_path, name: str, content: bytes) -> CannotLoad:
    (tmp_path / name).write_bytes(content)
    card = ModelCard(name, "folder", str(tmp_path / name), WORDS)
    with pytest.raises(CannotLoad) as caught, cache(tmp_path, offline=True).lease(card, "words"):
        pass
    return caught.value


BINARY = b"".join(word + b" " + np.zeros(3, "<f4").tobytes() + b"\n" for word in (b"one", b"two"))


def binary(rows: int, width: int, told: str, ends: bytes = b"") -> bytes:
    """Words with random vectors in word2vec's binary form, under a first line that may lie."""
    numbers = np.random.default_rng(rows).normal(size=(rows, width)).astype("<f4")
    words = [f"word{number}".encode() for number in range(rows)]
    return told.encode() + b"\n" + b"".join(
        word + b" " + row.tobytes() + ends for word, row in zip(words, numbers, strict=True)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("narrow.bin", binary(11, 8, "11 7"), "words_counts"),
        ("narrow-ends.bin", binary(11, 8, "11 7", b"\n"), "words_counts"),
        ("broad.bin", binary(11, 8, "11 9"), "words_counts"),
        ("fewer.bin", binary(11, 8, "9 8"), "words_counts"),
        ("more.bin", binary(11, 8, "12 8"), "words_counts"),
        ("cut.bin", binary(11, 8, "11 8")[:-1], "words_counts"),
        ("zeros.bin", b"2 3\n" + (b"\1\2 " + bytes(12)) * 2, "words_counts"),
        ("huge.txt", b"999999999 300\nking 1 2 3\n", "words_counts"),  # 1.2 TB, if believed
        ("huge.bin", b"999999999 300\n" + BINARY, "words_counts"),
        ("wide.bin", b"2 99999999\n" + BINARY, "words_counts"),
        ("few.bin", b"2 3\n" + BINARY + b"\0" * 5000, "words_counts"),
        ("none.txt", b"0 0\n", "words_counts"),
        ("astronomic.txt", b"9" * 500 + b" 3\na 1 2 3\n", "broken_words"),
        ("few.txt", b"1 3\nking 1 2 3\nqueen 1 2 3\n", "words_lines"),
        ("many.txt", b"3 3\nking 1 2 3\nqueen 1 2 3 \n", "words_lines"),
        ("ragged.txt", b"2 3\nking 1 2 3\nqueen 1 2\n", "words_line"),
        ("ragged-glove.txt", b"king 1 2 3\nqueen 1 2\n", "words_line"),
        ("latin.txt", "2 2\nKäse 1 2\nBrot 1 2\n".encode("latin-1"), "words_encoding"),
        ("utf16.txt", "2 2\na 1 2\nb 1 2\n".encode("utf-16"), None),
        ("nan.txt", b"2 2\na 1 nan\nb 1 2\n", "words_numbers"),
        ("inf.bin", b"1 2\na " + np.array([np.inf, 1], "<f4").tobytes() + b"\n", "words_numbers"),
        ("line.txt", b"x" * 2**19, "broken_words"),
        ("empty.bin", b"", "broken_words"),
        ("noise.bin", bytes(range(256)) * 40, "broken_words"),
        ("page.vec", b"<html><script>alert(1)</script></html>\n" * 9, None),
    ],
)  # fmt: skip
def test_broken_files_say_what_is_wrong(tmp_path, name, content, key):
    error = refused(tmp_path, name, content)
    if key:
        assert error.key == f"errors.{key}"


def test_lines_beyond_the_count_are_all_counted(tmp_path):
    error = refused(tmp_path, "eleven.txt", b"5 3\n" + b"".join(b"w%d 1 2 3\n" % n for n in range(11)))
    assert error.key == "errors.words_lines" and error.values["words"] == 5 and error.values["lines"] == 11


@pytest.mark.parametrize("ends", [b"", b"\n"])
@pytest.mark.parametrize("odd", [0, 2, 3])
def test_a_binary_file_is_read_as_gensim_reads_it_and_may_hold_a_few_odd_words(
    tmp_path, monkeypatch, ends, odd
):
    from gensim.models import KeyedVectors

    monkeypatch.setattr(words, "READ", 1000)  # words and numbers on both sides of what is read at once
    content = binary(2000, 8, "2000 8", ends)
    for number in range(odd):
        content = content.replace(b"word%d " % (500 + number), b"w\xff\xfe%d " % number)
    content = content.replace(b"word1 ", b"word0 ")  # twice
    if odd > 2:
        assert refused(tmp_path, "odd.bin", content).key == "errors.words_counts"
        return
    (tmp_path / "mine.bin").write_bytes(content)
    (card,) = Catalog(tmp_path, tmp_path).folders()
    theirs = KeyedVectors.load_word2vec_format(tmp_path / "mine.bin", binary=True, unicode_errors="replace")
    with cache(tmp_path).lease(card, "words") as loaded:
        assert loaded.model.index_to_key == theirs.index_to_key[:1999]
        assert np.array_equal(loaded.model.vectors, theirs.vectors[:1999])
        assert np.array_equal(loaded.model["word0"], theirs["word0"])


def test_what_a_first_line_claims_is_not_allocated(tmp_path):
    """The claim is checked against the file's size before anything is made of it."""
    import tracemalloc

    tracemalloc.start()
    refused(tmp_path, "huge.txt", b"400000 300\nking 1 2 3\n")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50e6  # 480 MB, if it were believed


def test_words_that_stand_twice_count_once(tmp_path):
    (tmp_path / "twice.txt").write_text("3 2\na 1 0\na 0 1\nb 0 1\n")
    (card,) = Catalog(tmp_path, tmp_path).folders()
    with cache(tmp_path).lease(card, "words") as loaded:
        assert loaded.model.index_to_key == ["a", "b"] and len(loaded.model.vectors) == 2
        assert loaded.model["a"].tolist() == [1, 0]


# ---- gensim's list ----


class List(BaseHTTPRequestHandler):
    """list.json and one packed file, as gensim's address gives them."""

    body = gzip.compress(b"3 2\nking 1 0\nqueen 0.9 0.1\ncheese 0 1\n")
    checksum = hashlib.md5(body, usedforsecurity=False).hexdigest()
    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/list.json":
            body = json.dumps({"models": {GLOVE: {"checksum": self.checksum}}}).encode()
        elif self.path == f"/{GLOVE}/{GLOVE}.gz":
            body = self.body
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def gensim_list(monkeypatch):
    import gensim.downloader

    server = ThreadingHTTPServer(("127.0.0.1", 0), List)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(gensim.downloader, "DATA_LIST_URL", f"{address}/list.json")
    monkeypatch.setattr(gensim.downloader, "DOWNLOAD_BASE_URL", address)
    monkeypatch.setattr(List, "asked", [])
    yield List
    server.shutdown()
    server.server_close()


def test_gensims_vectors_are_fetched_once_and_its_code_never(gensim_list, tmp_path):
    card = Catalog(tmp_path, tmp_path).find(GLOVE)
    stages = []
    for _ in range(2):  # the second time from the disk
        with cache(tmp_path).lease(card, "words", progress=stages.append) as loaded:
            assert loaded.model.most_similar("king", topn=1)[0][0] == "queen"
    assert gensim_list.asked == ["/list.json", f"/{GLOVE}/{GLOVE}.gz"]  # and no __init__.py
    assert downloads.place(tmp_path / "cache", GLOVE).is_file()


def test_a_damaged_download_is_thrown_away(gensim_list, tmp_path, monkeypatch):
    monkeypatch.setattr(gensim_list, "checksum", "0" * 32)
    card = Catalog(tmp_path, tmp_path).find(GLOVE)
    with pytest.raises(CannotLoad) as caught, cache(tmp_path).lease(card, "words"):
        pass
    assert caught.value.key == "errors.download_damaged"
    assert list((tmp_path / "cache" / "words").iterdir()) == []


def test_two_fetch_the_same_vectors_at_once_and_one_stops(gensim_list, tmp_path, monkeypatch):
    """Two servers on one cache folder: each writes a file of its own."""
    monkeypatch.setattr(aside, "TICK", 0.0)  # told of every piece
    card = Catalog(tmp_path, tmp_path).find(GLOVE)
    seen = []

    class Enough(Exception):
        pass

    def stop(stage) -> None:
        raise Enough

    def within(stage) -> None:
        """While the first is half way, another fetches all of it, and a third stops."""
        if not seen:
            seen.append(stage.done)
            with pytest.raises(Enough):
                downloads.fetch(card, tmp_path, False, stop)
            whole = downloads.fetch(card, tmp_path, False, lambda stage: None)
            assert whole.read_bytes() == List.body
            whole.unlink()

    path = downloads.fetch(card, tmp_path, False, within)
    assert len(seen) == 1 and path.read_bytes() == List.body
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "key"),
    [(errno.ENOSPC, "cache_full"), (errno.EDQUOT, "cache_full"), (errno.EROFS, "cache_read_only"),
     (errno.EACCES, "cache_read_only")],
)  # fmt: skip
def test_a_disk_is_not_mistaken_for_the_network(gensim_list, tmp_path, monkeypatch, number, key):
    card = Catalog(tmp_path, tmp_path).find(GLOVE)

    def refused(self, piece) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(download.Partial, "add", refused)
    with pytest.raises(CannotLoad) as caught, cache(tmp_path).lease(card, "words"):
        pass
    assert caught.value.key == f"errors.{key}"
    assert list((tmp_path / "cache" / "words").iterdir()) == []


def test_no_answer_offline_and_public(no_packages, gensim_list, tmp_path, monkeypatch):
    import gensim.downloader

    card = Catalog(tmp_path, tmp_path).find(GLOVE)
    with pytest.raises(HubUnreachable) as caught, cache(tmp_path, offline=True).lease(card, "words"):
        pass
    assert caught.value.key == "errors.offline" and gensim_list.asked == []
    monkeypatch.setattr(gensim.downloader, "DATA_LIST_URL", "http://127.0.0.1:9/list.json")
    with pytest.raises(HubUnreachable) as caught, cache(tmp_path).lease(card, "words"):
        pass
    assert caught.value.key == "errors.words_unreachable"
    settings = Settings(models_dir=tmp_path, cache_dir=tmp_path / "cache", public=True)
    context = Context(settings, Catalog(tmp_path, tmp_path), cache(tmp_path))
    with pytest.raises(NotAllowed):
        next(context.leasing(card, "words"))
    offered = {card.name for card in Catalog(tmp_path, tmp_path, offline=True).offered("words")}
    assert offered == {"minilm-words"}
