"""The one cache: its bounds, its order, its accounts, and many at once."""

from __future__ import annotations

import threading

import pytest

from playground.system.lru import Kept


def held(shelf: Kept[object], keys: str) -> str:
    """Which of these are kept; asked from the oldest on, so that their order stays."""
    return "".join(key for key in keys if shelf.get(key) is not None)


def test_it_stays_within_its_bytes():
    shelf: Kept[object] = Kept(100)
    shelf.put("a", 1, 60)
    shelf.put("b", 2, 40)
    assert shelf.get("a") == 1
    shelf.put("c", 3, 30)  # b was used least recently
    assert shelf.get("b") is None and shelf.get("a") == 1 and shelf.get("c") == 3
    shelf.put("d", 4, 101)
    assert shelf.get("d") is None and shelf.size == 90
    shelf.put("a", 5, 10)
    assert shelf.get("a") == 5 and shelf.size == 40 and len(shelf) == 2


def test_what_is_put_anew_is_the_newest():
    shelf: Kept[object] = Kept(3)
    for key in "abc":
        shelf.put(key, key)
    shelf.put("a", "again")
    shelf.put("d", "d")
    assert held(shelf, "bcad") == "cad" and shelf.get("a") == "again" and shelf.size == len(shelf) == 3


def test_what_is_too_large_takes_the_place_of_none_but_its_own():
    shelf: Kept[object] = Kept(10)
    shelf.put("a", 1, 5)
    shelf.put("b", 2, 5)
    shelf.put("a", 3, 11)
    assert held(shelf, "ab") == "b" and shelf.size == 5


@pytest.mark.parametrize("least", [1, 2])
def test_so_many_stay_however_large(least):
    """A row of logits larger than all room must still be there for the sliders."""
    shelf: Kept[object] = Kept(10, least=least)
    for key in "abc":
        shelf.put(key, key, 50)
    assert held(shelf, "abc") == "abc"[-least:] and shelf.size == 50 * least
    shelf.put("d", "d", 1)
    shelf.put("e", "e", 1)
    assert held(shelf, "abcde") == "de" and shelf.size == 2


def test_many_threads_keep_the_accounts():
    shelf: Kept[object] = Kept(1000)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for each in range(2000):
                key = (each * 7 + number) % 40
                shelf.put(key, each, 1 + each % 90)
                shelf.get((key + 3) % 40)
                assert shelf.size <= 1000 + 90
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert shelf.size == sum(size for _, size in shelf._held.values()) <= 1000
