"""Runs of the Sentences view end when their page wants something else, and only then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from playground.rooms.embeddings.sentences.runs import PAGES, Mark, Runs, Under, aside

from playground.engine.shared_work import SharedWork
from playground.system import cancellation

THREE = ["one", "two", "three"]


def run(runs: Runs, told: str, what: str = "whole", page: str = "a") -> Iterator[str]:
    return runs.only(page, told, what, iter(THREE), lambda: "stopped")  # type: ignore[arg-type]


def test_a_run_goes_to_its_end_though_its_own_event_comes_late():
    runs = Runs()
    steps = run(runs, "1:rows:map")
    assert next(steps) == "one"
    runs.newer("a", "2:rows:map")  # the other message of the same event
    runs.newer("b", "9:other:other")  # another page
    runs.newer("a", "1:old:old")  # overtaken on its way
    assert list(steps) == THREE[1:]


@pytest.mark.parametrize(
    ("what", "newer", "left"),
    [("whole", "2:rows:other", []), ("rows", "2:rows:other", THREE[1:]), ("rows", "2:other:map", []),
     ("nothing", "2:other:other", THREE[1:])],
)  # fmt: skip
def test_what_ends_a_run(what: str, newer: str, left: list[str]):
    runs = Runs()
    steps = run(runs, "1:rows:map", what)
    next(steps)
    runs.newer("a", newer)
    assert list(steps) == left


def test_stop_has_the_last_word_and_what_is_asked_later_runs():
    runs = Runs()
    steps = run(runs, "1:rows:map")
    next(steps)
    runs.stop("a", "2::")
    (last,) = steps
    assert isinstance(last, Under) and last == "stopped"
    assert list(run(runs, "3:rows:map")) == THREE
    assert list(run(runs, "1:rows:map", page="b")) == THREE


def test_the_work_is_closed_with_the_run():
    closed = []

    def work() -> Iterator[str]:
        try:
            yield from THREE
        finally:
            closed.append(True)

    runs = Runs()
    steps = runs.only("a", "1:rows:map", "whole", work(), lambda: "stopped")
    next(steps)
    runs.newer("a", "2:rows:other")
    assert not list(steps) and closed == [True]


@pytest.mark.parametrize("told", ["", None, 5, "x:y:z", "1:2", "٣:a:b", "9" * 40 + ":a:b", {"a": 1}, ":::::"])
def test_whatever_a_page_sends(told: object):
    assert Mark.of(told).number == 0
    assert list(Runs().only("a", told, "whole", iter(THREE), lambda: "stopped")) == THREE


def test_pages_are_forgotten():
    runs = Runs()
    for number in range(PAGES + 5):
        runs.newer(f"page {number}", "1:a:b")
    assert len(runs._newest) == PAGES


def test_aside_says_that_it_goes_on_and_ends_what_was_left():
    ended = threading.Event()

    def work(answer: int) -> int:
        try:
            while True:
                cancellation.check()
                time.sleep(0.01)
        finally:
            ended.set()
        return answer

    shared = SharedWork()
    steps = aside(shared, "a", work, 7)
    assert next(steps) == "" and isinstance(next(steps), Under)
    assert not ended.is_set()
    steps.close()
    assert ended.wait(10)

    def whole() -> Iterator[Under]:
        assert (yield from aside(shared, "a", lambda: 7)) == 7
        with pytest.raises(ValueError):
            yield from aside(shared, "b", int, "no number")

    list(whole())
    assert len(shared) == 0
