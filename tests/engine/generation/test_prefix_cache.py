"""What conversations have read is kept within bounds, counts in the cache, and goes when nobody goes on."""

from __future__ import annotations

import gc
import threading
import weakref
from contextlib import contextmanager
from typing import Any

import pytest

from playground.engine.generation import prefix_cache as it
from playground.engine.generation.generate import reply
from playground.engine.generation.prefix_cache import CachedPrefix, PrefixCache, prefix_cache
from playground.engine.generation.sampling import Settings
from playground.errors import DoesNotFit
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import CAUSAL, ModelCard
from tests.tiny_tokenizers import loaded_of, model_of
from tests.waiting import until

FEW = Settings(max_new_tokens=2, temperature=0.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def tiny() -> Loaded:
    return loaded_of(model_of("llama"))


def read(loaded: Loaded, prefix: CachedPrefix, length: int) -> int:
    """A reply after so many tokens; what was used again of what was read before."""
    *_, done = reply(loaded, [3 + n % 300 for n in range(length)], FEW, prefix=prefix)
    return done.reused  # type: ignore[union-attr]


def test_a_short_conversation_is_gone_on_with(tiny: Loaded):
    kept = PrefixCache()
    assert read(tiny, kept.prefix("a"), 20) == 0
    assert read(tiny, kept.prefix("a"), 30) == 20
    assert kept.bytes == kept.prefix("a").bytes > 0 and len(kept) == 1


@pytest.mark.parametrize("length", [100, 150, 250])
def test_the_last_one_has_bounds_as_well(tiny: Loaded, length: int):
    """However large it was, the newest trace always stayed."""
    most = PrefixCache()
    read(tiny, most.prefix("a"), 20)
    kept = PrefixCache(most_bytes=most.bytes)
    read(tiny, kept.prefix("a"), 20)
    assert kept.bytes == most.bytes
    kept = PrefixCache(most_bytes=most.bytes - 1)
    read(tiny, kept.prefix("a"), length)
    assert kept.bytes == 0 and len(kept) == 0


def test_the_least_recently_used_go_first(tiny: Loaded):
    one = PrefixCache()
    read(tiny, one.prefix("a"), 20)
    kept = PrefixCache(most_bytes=2 * one.bytes)
    for name in ("a", "b", "a", "c"):
        read(tiny, kept.prefix(name), 20)
    assert sorted(kept._traces) == ["a", "c"] and kept.bytes == 2 * one.bytes
    for n in range(it.MOST + 5):
        kept.prefix(f"empty {n}")
    assert len(kept) == it.MOST


def test_what_a_reply_is_using_stays_and_counts(tiny: Loaded):
    kept = PrefixCache(most_bytes=0)
    prefix = kept.prefix("a")
    states = reply(tiny, list(range(3, 60)), Settings(max_new_tokens=5), prefix=prefix)
    for _ in range(4):
        next(states)
    assert prefix.in_use and kept.bytes > 0
    kept.prefix("b")
    assert kept.free() == 0 and kept.bytes > 0, "its memory is not free, whoever says so"
    states.close()
    assert kept.bytes == 0 and not prefix.in_use


def test_who_does_not_go_on_for_a_while_is_read_anew(tiny: Loaded):
    clock = Clock()
    kept = PrefixCache(clock=clock)
    read(tiny, kept.prefix("a"), 20)
    clock.now += it.IDLE - 1
    read(tiny, kept.prefix("b"), 20)
    kept.sweep()
    assert sorted(kept._traces) == ["a", "b"]
    clock.now += 2
    kept.sweep()
    assert sorted(kept._traces) == ["b"]
    clock.now += it.IDLE
    kept.sweep()
    assert len(kept) == kept.bytes == 0


def test_nobody_needs_to_come_for_that(tiny: Loaded, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []

    class Soon(threading.Timer):
        def __init__(self, interval: float, function: Any, given: Any = ()) -> None:
            waited.append(interval)
            super().__init__(0.05, function, given)

    monkeypatch.setattr(it.threading, "Timer", Soon)
    clock = Clock()
    kept = PrefixCache(clock=clock)
    read(tiny, kept.prefix("a"), 20)
    assert it.IDLE <= waited[0] <= it.IDLE + 2
    clock.now += it.IDLE + 1
    until(lambda: kept.bytes == 0 and len(kept) == 0)


def test_its_timer_keeps_no_model_alive():
    loaded = loaded_of(model_of("llama"))
    read(loaded, prefix_cache(loaded).prefix("a"), 20)
    gone = weakref.ref(loaded.held["shelf"])
    loaded.held.clear()
    del loaded
    gc.collect()
    assert gone() is None


def test_a_large_model_may_keep_more(tiny: Loaded):
    large = Loaded(tiny.card, None, None, bytes=16 * 2**30)
    assert prefix_cache(large)._most == 4 * 2**30 and prefix_cache(large) is prefix_cache(large)
    assert prefix_cache(Loaded(tiny.card, None, None, bytes=2**20))._most == it.MOST_BYTES


# ---- in the cache ----


class Loader:
    """Tiny models of a size that their name says."""

    def estimate(self, card: Any, key: Any) -> int:
        return int(card.name.partition(":")[2])

    def load(self, card: Any, key: Any, progress: Any) -> Loaded:
        loaded = loaded_of(model_of("llama"), name=card.name)
        loaded.bytes = self.estimate(card, key)
        return loaded

    def free(self, loaded: Loaded) -> None:
        pass


def card(name: str) -> ModelCard:
    return ModelCard(name, "embedded", name, CAUSAL)


@contextmanager
def spoken(cache: ModelCache, name: str) -> Any:
    """A conversation with a model of the cache, and how much it keeps."""
    with cache.lease(card(name), "causal") as loaded:
        read(loaded, prefix_cache(loaded).prefix("a"), 100)
        assert prefix_cache(loaded).bytes > 10_000
        yield loaded


def test_it_counts_in_the_bytes_of_the_cache():
    cache = ModelCache(10**6, Loader())
    with spoken(cache, "a:1000") as loaded:
        assert cache.used_bytes() == cache.used_bytes("cpu") == 1000 + prefix_cache(loaded).bytes
        prefix_cache(loaded).free()
        assert cache.used_bytes() == 1000
    assert cache.status()[0].bytes == 1000, "a model's row tells of its weights"


@pytest.mark.parametrize("held", [False, True])
def test_conversations_make_room_before_any_model_goes(held: bool):
    cache = ModelCache(100_000, Loader(), patience=0.2)
    with spoken(cache, "a:60000") as loaded:
        kept = prefix_cache(loaded).bytes
        if held:  # also of a model in use
            with cache.lease(card(f"b:{40_000 - kept // 2}"), "causal"):
                assert prefix_cache(loaded).bytes == 0
    if not held:
        with cache.lease(card(f"b:{40_000 - kept // 2}"), "causal"):
            assert loaded.model is not None
    assert {row.name.partition(":")[0] for row in cache.status()} == {"a", "b"}


def test_a_running_reply_is_not_given_away():
    cache = ModelCache(100_000, Loader(), patience=0.2)
    with cache.lease(card("a:60000"), "causal") as loaded:
        prefix = prefix_cache(loaded).prefix("a")
        states = reply(loaded, list(range(3, 103)), Settings(max_new_tokens=5), prefix=prefix)
        for _ in range(4):
            next(states)
        with pytest.raises(DoesNotFit) as caught, cache.lease(card("b:39999"), "causal"):
            pass
        assert caught.value.key == "errors.memory_in_use"
        states.close()
        with cache.lease(card("b:39999"), "causal"):
            assert prefix_cache(loaded).bytes == 0


def test_they_go_with_their_model():
    cache = ModelCache(10**6, Loader())
    with spoken(cache, "a:1000") as loaded:
        kept = prefix_cache(loaded)
    assert cache.unload("a:1000") == 1000 and cache.used_bytes() == 0
    assert kept.bytes == 0 and not loaded.held
