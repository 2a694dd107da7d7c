"""The one cache: its bounds, its order, its accounts, and many at once."""

from __future__ import annotations

import threading

import pytest

from playground.system.lru import LRU


def held(cache: LRU[object], keys: str) -> str:
    """Which of these are kept; asked from the oldest on, so that their order stays."""
    return "".join(key for key in keys if cache.get(key) is not None)


def test_it_stays_within_its_bytes():
    cache: LRU[object] = LRU(100)
    cache.put("a", 1, 60)
    cache.put("b", 2, 40)
    assert cache.get("a") == 1
    cache.put("c", 3, 30)  # b was used least recently
    assert cache.get("b") is None and cache.get("a") == 1 and cache.get("c") == 3
    cache.put("d", 4, 101)
    assert cache.get("d") is None and cache.size == 90
    cache.put("a", 5, 10)
    assert cache.get("a") == 5 and cache.size == 40 and len(cache) == 2


def test_what_is_put_anew_is_the_newest():
    cache: LRU[object] = LRU(3)
    for key in "abc":
        cache.put(key, key)
    cache.put("a", "again")
    cache.put("d", "d")
    assert held(cache, "bcad") == "cad" and cache.get("a") == "again" and cache.size == len(cache) == 3


def test_what_is_too_large_takes_the_place_of_none_but_its_own():
    cache: LRU[object] = LRU(10)
    cache.put("a", 1, 5)
    cache.put("b", 2, 5)
    cache.put("a", 3, 11)
    assert held(cache, "ab") == "b" and cache.size == 5


@pytest.mark.parametrize("least", [1, 2])
def test_so_many_stay_however_large(least):
    """A row of logits larger than all room must still be there for the sliders."""
    cache: LRU[object] = LRU(10, least=least)
    for key in "abc":
        cache.put(key, key, 50)
    assert held(cache, "abc") == "abc"[-least:] and cache.size == 50 * least
    cache.put("d", "d", 1)
    cache.put("e", "e", 1)
    assert held(cache, "abcde") == "de" and cache.size == 2


def test_many_threads_keep_the_accounts():
    cache: LRU[object] = LRU(1000)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for each in range(2000):
                key = (each * 7 + number) % 40
                cache.put(key, each, 1 + each % 90)
                cache.get((key + 3) % 40)
                assert cache.size <= 1000 + 90
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert cache.size == sum(size for _, size in cache._held.values()) <= 1000
