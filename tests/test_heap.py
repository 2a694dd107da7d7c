"""What was freed goes back: long answers leave holes in the heap, which the C library keeps."""

from __future__ import annotations

import subprocess
import sys

import pytest

from playground import heap

HOLES = """
import threading, psutil
from playground import heap
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


@pytest.mark.skipif(heap.trimming() is None, reason="this C library gives nothing back when asked")
def test_holes_go_back() -> None:
    told = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True).stdout
    before, after = map(int, told.split())
    assert before > 300 * 2**20 and after < before - 200 * 2**20


def test_elsewhere_there_is_nothing_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap.sys, "platform", "darwin")
    assert heap.trimming() is None
    heap.keep_trimming()  # and nothing happens
