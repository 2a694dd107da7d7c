"""All threads of the app ask one heap of the C library, and what was freed in it goes back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from playground.system import heap

ROOT = Path(__file__).resolve().parents[2]
needs_glibc = pytest.mark.skipif(heap.library() is None, reason="another C library")
# The C library tells how many heaps there are, after eight threads have asked at the same time.
THREADS = """
import ctypes, sys, threading
from pathlib import Path
{begin}
import numpy
def work():
    here.wait()
    for _ in range(200):
        numpy.zeros(3000).sum()
    here.wait()
here = threading.Barrier(8)
threads = [threading.Thread(target=work) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
c = ctypes.CDLL(None)
c.fopen.restype = ctypes.c_void_p
told = c.fopen(sys.argv[1].encode(), b"w")
c.malloc_info(0, ctypes.c_void_p(told))
c.fclose(ctypes.c_void_p(told))
print(Path(sys.argv[1]).read_text().count("<heap nr="))
"""


HOLES = """
import threading, psutil
from playground.system import heap
heap.share()
kept, gone = [], []
for _ in range(3000):
    gone.append(bytearray(100_000)); kept.append(bytearray(2_000))
gone.clear()
before = psutil.Process().memory_info().rss
heap.EVERY = 0.05
heap.keep_trimming()
threading.Event().wait(2)
print(before, psutil.Process().memory_info().rss)
"""


def heaps(begin: str, place: Path, **environment: str) -> int:
    plain = {name: told for name, told in os.environ.items() if name not in heap.CHOSEN}
    script = THREADS.format(begin=begin)
    done = subprocess.run(
        [sys.executable, "-c", script, place / "told.xml"],
        cwd=ROOT,
        env={**plain, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1])


@needs_glibc
def test_threads_share_one(tmp_path: Path) -> None:
    assert heaps("", tmp_path) > 1
    assert heaps("from playground.system import heap; heap.share()", tmp_path) == 1


@needs_glibc
def test_the_app_says_so_in_time(tmp_path: Path) -> None:
    """Whatever it imports first may begin threads, after which nobody is heard."""
    assert heaps("sys.argv[1:], was = [], sys.argv[1:]; import app; sys.argv[1:] = was", tmp_path) == 1


@needs_glibc
@pytest.mark.parametrize(
    ("name", "told"), [("MALLOC_ARENA_MAX", "4"), ("GLIBC_TUNABLES", "glibc.malloc.arena_max=4")]
)
def test_an_owner_has_chosen(tmp_path: Path, name: str, told: str) -> None:
    begin = "from playground import settings as s; s.quiet(s.Settings())"
    assert heaps(begin, tmp_path, **{name: told}) > 1
    assert heaps(begin, tmp_path) == 1


@needs_glibc
def test_holes_go_back() -> None:
    told = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    before, after = map(int, told.split())
    assert before > 300 * 2**20 and after < before - 200 * 2**20


def test_elsewhere_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap.sys, "platform", "darwin")
    assert heap.library() is None
    assert not heap.share()
    heap.keep_trimming()  # and nothing happens
