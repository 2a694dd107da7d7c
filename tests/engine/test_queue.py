"""The line: first come, first served, and nobody holds it up."""

from __future__ import annotations

import threading
import time

import pytest

from playground.engine import queue
from playground.engine.queue import Line
from playground.system import cancellation
from tests.waiting import until


def test_first_come_first_served():
    line = Line()
    first, second, third = line.join(), line.join(), line.join()
    assert [ticket.wait(0) for ticket in (third, second, first)] == [2, 1, 0]
    second.leave()
    second.leave()
    assert third.wait(0) == 1
    first.leave()
    assert third.wait(0) == 0
    assert len(line) == 1


def test_who_waits_wakes_when_the_turn_comes():
    line = Line()
    first, second = line.join(), line.join()
    assert first.wait(0) == 0
    threading.Timer(0.1, first.leave).start()
    began = time.monotonic()
    assert second.wait(60) == 0
    assert time.monotonic() - began < 30  # woken, not by the end of its patience


def test_waiting_takes_no_longer_than_asked():
    line = Line()
    line.join().wait(0)
    second = line.join()
    began = time.monotonic()
    assert second.wait(0.1) == 1
    assert 0.09 < time.monotonic() - began < 30


def test_a_resting_holder_is_passed_and_comes_next(monkeypatch):
    monkeypatch.setattr(queue, "PATIENCE", 0.05)
    line = Line()
    first, second, third = line.join(), line.join(), line.join()
    assert first.wait(0) == 0
    assert second.wait(0.2) == 1  # at work, however long
    first.rest()
    assert first.wait(0) == 0  # back in time
    first.rest()
    assert second.wait(1) == 0
    assert first.wait(0) == 1 and third.wait(0) == 2  # next, not last
    second.leave()
    assert third.wait(0) == 1 and first.wait(0) == 0
    first.leave()
    assert third.wait(0) == 0
    third.leave()
    assert first.wait(0) == 0  # alone again
    first.leave()
    assert len(line) == 0


def test_many_at_once_one_at_a_time():
    line, inside, order = Line(), [0], []

    def work(name: int) -> None:
        ticket = line.join()
        try:
            until(lambda: not ticket.wait(0.01))
            inside[0] += 1
            assert inside[0] == 1
            order.append(name)
            time.sleep(0.001)
            inside[0] -= 1
        finally:
            ticket.leave()

    threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(order) == list(range(20)) and inside == [0] and len(line) == 0


def test_leaving_inside_the_lines_own_lock_does_not_hang():
    """A garbage collection may end an abandoned generator anywhere."""
    line = Line()
    first, second = line.join(), line.join()
    with line._changed:
        first.leave()
    assert second.wait(0) == 0


def test_work_that_nobody_waits_for_gives_up_its_turn() -> None:
    one, two = Line(), threading.Event()
    first, second = one.join(), one.join()
    assert first.wait(0) == 0
    with cancellation.when(two.is_set):
        assert second.wait(0) == 1
        two.set()
        for ticket in (first, second):
            with pytest.raises(cancellation.Abandoned):
                ticket.wait(0)
            ticket.leave()
    assert len(one) == 0


def test_as_many_as_can_be_decoded_together_are_at_work():
    line = Line(together=2)
    first, second, third, fourth = (line.join() for _ in range(4))
    assert [each.wait(0) for each in (first, second, third, fourth)] == [0, 0, 1, 2]
    second.leave()
    assert third.wait(0) == 0 and fourth.wait(0) == 1
    first.leave()
    assert fourth.wait(0) == 0


def test_only_what_fits_into_the_room_is_at_work_and_the_first_always_is():
    line = Line(together=8, room=100)
    large = line.join(500)
    assert large.wait(0) == 0
    small = line.join(40)
    assert small.wait(0) == 1
    large.leave()
    other, third = line.join(60), line.join(1)
    assert [each.wait(0) for each in (small, other, third)] == [0, 0, 1]
    small.leave()
    assert third.wait(0) == 0


def test_of_many_the_one_that_rests_is_passed(monkeypatch):
    monkeypatch.setattr(queue, "PATIENCE", 0.05)
    line = Line(together=2)
    first, second, third = (line.join() for _ in range(3))
    assert first.wait(0) == second.wait(0) == 0
    second.rest()
    assert third.wait(1) == 0  # past the one that rests
    assert second.wait(0) == 1  # which comes next
    first.leave()
    assert second.wait(0) == 0
