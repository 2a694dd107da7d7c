"""What nobody waits for any more never starts, or ends where it stands; what is waited for is the same."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from playground.engine.shared_work import SharedWork
from playground.engine.vectors import neighbours, projection
from playground.engine.vectors.projection import project
from playground.system import cancellation
from playground.system.cancellation import Abandoned
from tests.waiting import until

DRAW = np.random.default_rng(3)
FEW, MANY = DRAW.normal(size=(40, 8)), DRAW.normal(size=(1500, 32))


class After:
    """Says from its so-manieth question on that nobody waits; counts them."""

    def __init__(self, count: int) -> None:
        self.count, self.asked = count, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.count


def drained(steps: Any) -> Any:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_a_layout_ends_at_the_next_epoch(method: str):
    """No private name of a library is leant on in vain: both ask at every epoch, and end when told so."""
    whole = After(10**9)
    with cancellation.when(whole):
        made = project(FEW, method)
    assert whole.asked > 200, "it asks at every epoch"
    assert np.array_equal(made.points, project(FEW, method).points), "asking changes no number"
    part = After(100)
    with pytest.raises(Abandoned), cancellation.when(part):
        project(FEW, method)
    assert 100 < part.asked <= 104
    assert np.array_equal(made.points, project(FEW, method).points), "nothing is left locked or half done"


def test_exact_neighbours_and_placing_end_between_two_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neighbours, "BLOCK", 100)
    monkeypatch.setattr(projection, "BLOCK", 100)
    few, many = neighbours.unit(FEW), neighbours.unit(np.tile(FEW, (20, 1)))
    for work in (lambda: neighbours.nearest(many, 3), lambda: projection.between(many, few, few[:, :2])):
        part = After(3)
        with pytest.raises(Abandoned), cancellation.when(part):
            work()
        assert part.asked == 4


def test_what_waits_for_its_turn_never_begins():
    lock, begun = threading.Lock(), []
    left = threading.Event()

    def wait() -> None:
        with cancellation.when(left.is_set), pytest.raises(Abandoned), cancellation.turn(lock):
            begun.append(1)

    with lock:
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.15)
        assert thread.is_alive()
        left.set()
        thread.join(10)
        assert not thread.is_alive()
    assert not begun and not lock.locked()


def test_each_thread_is_told_its_own():
    with pytest.raises(Abandoned), cancellation.when(lambda: True):
        with cancellation.when(lambda: False):
            cancellation.check()
            other = threading.Thread(target=cancellation.check)
            other.start()
            other.join()
        cancellation.check()
    cancellation.check()


@pytest.mark.parametrize(("method", "rows"), [("umap", 1500), ("tsne", 400)])
def test_the_wanted_map_waits_for_none_that_was_left(method: str, rows: int):
    """Abandoned layouts ran one after the other, to their ends, before the one that somebody waited for."""
    project(FEW, method)  # imports and compiles
    began = time.monotonic()
    project(MANY[:rows], method, seed=99)
    alone = time.monotonic() - began
    shared = SharedWork()
    for seed in range(6):
        steps = shared.running(("map", seed), lambda seed: project(MANY[:rows], method, seed=seed), seed)
        next(steps)
        steps.close()
    began = time.monotonic()
    made = drained(shared.running("wanted", project, MANY[:rows], method))
    took = time.monotonic() - began
    assert made.method == method
    assert took < 4 * alone + 1, f"six that nobody waits for were in the way: {took:.1f} s, alone {alone:.1f}"


# ---- work that is shared ----


def test_it_is_done_once_for_all_who_ask_meanwhile():
    shared, gate, times = SharedWork(), threading.Event(), []

    def work(answer: int) -> list[int]:
        times.append(answer)
        assert gate.wait(30)
        return [answer]

    asking = [shared.running("a", work, 7) for _ in range(5)]
    assert [next(each) for each in asking] == [None] * 5
    other = shared.running("b", work, 8)
    next(other)
    gate.set()
    made = [drained(each) for each in asking]
    assert made == [[7]] * 5 and all(each is made[0] for each in made)
    assert drained(other) == [8] and times == [7, 8] and len(shared) == 0


def test_it_ends_when_the_last_one_leaves_and_not_before():
    shared, ended = SharedWork(), []

    def work() -> None:
        try:
            while True:
                cancellation.check()
                time.sleep(0.01)
        except Abandoned:
            ended.append(1)
            raise

    first, second = shared.running("a", work), shared.running("a", work)
    next(first), next(second)
    first.close()
    time.sleep(0.1)
    assert not ended and len(shared) == 1
    second.close()
    until(lambda: ended)
    assert len(shared) == 0
    again = shared.running("a", lambda: 7)  # who comes then begins anew
    assert drained(again) == 7


def test_a_failure_is_everybodys_own_and_not_remembered():
    shared, gate = SharedWork(), threading.Event()

    def work() -> None:
        assert gate.wait(30)
        raise ValueError("no")

    asking = [shared.running("a", work) for _ in range(3)]
    for each in asking:
        next(each)
    gate.set()
    caught = []
    for each in asking:
        with pytest.raises(ValueError, match="no") as told:
            drained(each)
        caught.append(told.value)
    assert len({id(each) for each in caught}) == 3
    assert drained(shared.running("a", lambda: 7)) == 7
