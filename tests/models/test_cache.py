"""The cache keeps what it promises: one load, eviction by bytes, never of what is in use."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from playground.errors import CannotLoad, DoesNotFit
from playground.models.cache import Loaded, ModelCache, Stage
from playground.models.catalog import ModelCard
from playground.system import cancellation
from tests.waiting import until


def card(name: str) -> ModelCard:
    return ModelCard(name, "embedded", name)


def released(loader: FakeLoader, condition: Callable[[], object]) -> None:
    """Let the load go on once the condition holds; also where it never does, so that the test ends."""
    try:
        until(condition)
    finally:
        loader.gate.set()


class FakeLoader:
    """Sizes by name: "a:30" takes 30 bytes. Counts its loads."""

    def __init__(self, *, blind: bool = False) -> None:
        self.loads: list[str] = []
        self.freed: list[str] = []
        self.blind = blind  # cannot tell the size before loading, as for the Hub
        self.gate = threading.Event()
        self.gate.set()
        self.failures: dict[str, Exception] = {}

    def estimate(self, card, key):
        return 0 if self.blind else int(card.name.partition(":")[2])

    def load(self, card, key, progress):
        self.loads.append(card.name)
        progress(Stage(card.name, "read", 1, 2))
        assert self.gate.wait(20)
        if failure := self.failures.pop(card.name, None):
            raise failure
        return Loaded(card, object(), bytes=int(card.name.partition(":")[2]))

    def free(self, loaded):
        self.freed.append(loaded.card.name)


def test_fifty_ask_and_one_load_serves_them():
    loader = FakeLoader()
    loader.gate.clear()
    cache = ModelCache(100, loader)
    seen, told = [], []

    def ask() -> None:
        with cache.lease(card("a:30"), progress=told.append) as loaded:
            seen.append(id(loaded))

    with ThreadPoolExecutor(50) as pool:
        asking = [pool.submit(ask) for _ in range(50)]
        released(loader, lambda: cache.status() and cache.status()[0].leases == 50 and len(told) >= 50)
        for each in asking:
            each.result(20)
    assert loader.loads == ["a:30"]
    assert len(set(seen)) == 1
    assert Stage("a:30", "read", 1, 2) in told, "those who wait see the progress of the one load"
    assert cache.status()[0].leases == 0


def test_everything_that_changes_the_answer_is_in_the_key():
    loader = FakeLoader()
    cache = ModelCache(1000, loader)
    for change in ({}, {"device": "cuda"}, {"dtype": "bfloat16"}, {"quantization": "nf4"}):
        for _ in range(2):
            with cache.lease(card("a:1"), **change):
                pass
    with cache.lease(ModelCard("a:1", "embedded", "a:1", revision="other")):
        pass
    assert len(loader.loads) == 5


def test_an_older_model_leased_again_is_the_newest():
    cache = ModelCache(200, FakeLoader())
    for name in ("a:40", "b:40", "c:40"):
        with cache.lease(card(name)):
            pass
    for name in ("a:40", "b:40"):
        with cache.lease(card(name)):
            rows = cache.status()
            assert rows[0].name == name, "from the moment it is leased, not when it is given back"
            assert rows[0].idle_seconds <= rows[1].idle_seconds <= rows[2].idle_seconds
    assert [row.name for row in cache.status()] == ["b:40", "a:40", "c:40"]


def test_least_recently_used_goes_first():
    loader = FakeLoader()
    cache = ModelCache(100, loader)
    for name in ("a:40", "b:40", "a:40", "c:40"):
        with cache.lease(card(name)):
            pass
    assert {row.name for row in cache.status()} == {"a:40", "c:40"}
    assert cache.used_bytes() == 80


def test_a_lease_is_never_evicted_and_memory_is_waited_for():
    cache = ModelCache(100, FakeLoader(), patience=0.2)
    with cache.lease(card("a:60")):
        with pytest.raises(DoesNotFit) as caught, cache.lease(card("b:60")):
            pass
        assert caught.value.key == "errors.memory_in_use"
        assert [row.name for row in cache.status()] == ["a:60"]
    with cache.lease(card("b:60")):
        assert cache.used_bytes() == 60


def test_who_waits_gets_the_memory_when_it_comes_free():
    cache = ModelCache(100, FakeLoader(), patience=20)
    with ThreadPoolExecutor(1) as pool:
        with cache.lease(card("a:60")):
            waiting = pool.submit(lambda: cache.lease(card("b:60")).__enter__())
            time.sleep(0.1)
            assert not waiting.done()
        assert waiting.result(20).card.name == "b:60"


@pytest.mark.parametrize("blind", [False, True])
def test_what_can_never_fit_is_refused_at_once_and_evicts_nobody(blind):
    cache = ModelCache(100, FakeLoader(blind=blind), patience=20)
    with cache.lease(card("a:60")):
        pass
    began = time.monotonic()
    with pytest.raises(DoesNotFit) as caught, cache.lease(card("b:101")):
        pass
    assert time.monotonic() - began < 10
    assert caught.value.key == "errors.too_large"
    assert [row.name for row in cache.status()] == ["a:60"]


def test_two_that_wait_for_room_do_not_block_each_other():
    loader = FakeLoader(blind=True)
    loader.gate.clear()
    cache = ModelCache(100, loader, patience=20)

    def ask(name: str) -> str:
        with cache.lease(card(name)) as loaded:
            return loaded.card.name

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(ask, name) for name in ("a:60", "b:60")]
        released(loader, lambda: len(loader.loads) == 2)
        assert {each.result(20) for each in both} == {"a:60", "b:60"}


def test_a_failure_is_told_to_all_and_remembered_by_none():
    loader = FakeLoader()
    loader.gate.clear()
    loader.failures["a:10"] = CannotLoad("broken_tokenizer", name="a")
    cache = ModelCache(100, loader)

    def ask() -> None:
        with cache.lease(card("a:10")):
            pass

    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(ask) for _ in range(5)]
        released(loader, lambda: cache.status() and cache.status()[0].leases == 5)
        for each in asking:
            with pytest.raises(CannotLoad):
                each.result(20)
    assert cache.status() == [] and cache.used_bytes() == 0
    ask()
    assert loader.loads == ["a:10", "a:10"]


def test_an_error_inside_the_block_gives_the_lease_back():
    cache = ModelCache(100, FakeLoader())
    with pytest.raises(ZeroDivisionError), cache.lease(card("a:10")):
        raise ZeroDivisionError
    assert cache.status()[0].leases == 0


def test_unload_spares_what_is_in_use():
    cache = ModelCache(100, FakeLoader())
    with cache.lease(card("a:10")):
        assert cache.unload("a:10") == 0
    assert cache.unload("a:10") == 10
    assert cache.status() == []


class Schedule(RuleBasedStateMachine):
    """Hundreds of lease and release steps in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = ModelCache(100, FakeLoader(), patience=0.0)
        self.open: list[tuple[object, Loaded]] = []

    @rule(name=st.sampled_from(["a:10", "b:25", "c:40", "d:60", "e:100", "f:101"]))
    def lease(self, name: str) -> None:
        context = self.cache.lease(card(name))
        held = sum({id(loaded): loaded.bytes for _, loaded in self.open}.values())
        mine = any(loaded.card.name == name for _, loaded in self.open)
        need = 0 if mine else int(name.partition(":")[2])
        try:
            loaded = context.__enter__()
        except DoesNotFit:
            assert held + need > 100, "refused although there was room"
        else:
            assert held + need <= 100
            self.open.append((context, loaded))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 99))
    def release(self, which: int) -> None:
        context, _ = self.open.pop(which % len(self.open))
        context.__exit__(None, None, None)  # type: ignore[attr-defined]

    @rule(name=st.sampled_from(["a:10", "b:25", "c:40", "d:60"]))
    def unload(self, name: str) -> None:
        self.cache.unload(name)

    @invariant()
    def what_is_leased_is_there_and_the_budget_holds(self) -> None:
        rows = {row.name: row for row in self.cache.status()}
        for _, loaded in self.open:
            assert rows[loaded.card.name].leases > 0
        assert sum(row.leases for row in rows.values()) == len(self.open)
        assert self.cache.used_bytes() == sum(row.bytes for row in rows.values()) <= 100


TestSchedule = Schedule.TestCase
TestSchedule.settings = hypothesis_settings(max_examples=60, stateful_step_count=50, deadline=None)


def test_a_refused_load_leaves_no_weights_behind():
    class Large(FakeLoader):
        """Larger than it said."""

        def load(self, card, key, progress):
            loaded = Loaded(card, object(), Weights(), bytes=1000)
            self.made = weakref.ref(loaded.model)
            return loaded

    class Weights:
        pass

    loader = Large(blind=True)
    cache = ModelCache(100, loader)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(DoesNotFit), cache.lease(card("a:10")):
            pass
        # The thread that loaded may still be ending.
        until(lambda: loader.made() is None, "weights live on in a traceback")
        assert loader.freed == ["a:10"]
    finally:
        gc.enable()


def test_each_who_waits_gets_an_error_of_their_own():
    loader = FakeLoader()
    loader.gate.clear()
    loader.failures["a:10"] = CannotLoad("broken_tokenizer", name="a")
    cache, caught = ModelCache(100, loader), []

    def ask() -> None:
        try:
            with cache.lease(card("a:10")):
                pass
        except CannotLoad as error:
            caught.append(error)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    released(loader, lambda: cache.status() and cache.status()[0].leases == 5)
    for thread in threads:
        thread.join(20)
    assert len({id(error) for error in caught}) == 5
    assert {(error.key, error.values["name"]) for error in caught} == {("errors.broken_tokenizer", "a")}


def test_who_waits_for_a_load_leaves_it_when_told_to_stop():
    """A program's call is no generator that could be closed: it asks whether anybody still waits."""
    loader = FakeLoader()
    loader.gate.clear()
    cache, left = ModelCache(100, loader), threading.Event()
    threading.Timer(0.3, left.set).start()
    with pytest.raises(cancellation.Abandoned), cancellation.when(left.is_set), cache.lease(card("a:10")):
        pass
    loader.gate.set()
    until(lambda: not any(row.leases for row in cache.status()))
