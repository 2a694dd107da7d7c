"""Whatever the Sentences view computes ends when who asked for it leaves: layouts, encodings, files.

The counter is `stopping.check` itself, which all of them call between two steps: it is counted in the thread
that computes, and must stop growing within half a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from playground.engine.shared_work import SharedWork
from playground.engine.vectors import projection
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.rooms.embeddings.sentences import panel
from playground.settings import Settings
from playground.shell import streams
from playground.system import cancellation
from playground.ui.context import Context
from playground.ui.controls import page_of
from tests.app import SLOWER
from tests.ui.test_runs import Asker

SOON = 0.5 * SLOWER  # seconds
MANY = 9_000  # rows: any of the steps takes many times as long


@pytest.fixture(scope="module")
def url(models: ModelCache, catalog: Catalog) -> Iterator[str]:
    with gr.Blocks() as page, gr.Tabs():
        for name in ("tokens", "sentences"):
            with gr.Tab(name, id=name):
                if name == "sentences":
                    panel.build(Context(Settings(), catalog, models))
    page.launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False, app_kwargs={"routes": streams.routes({})}
    )
    SERVED.append(page)
    yield page.local_url
    page.close()


SERVED: list[gr.Blocks] = []


def posted(name: str, **changed: Any) -> dict[str, Any]:
    """What the page would send for an action, with some controls changed."""
    held = page_of(SERVED[0])
    values = {id: held.controls[id].default for id in held.actions[f"sentences/{name}"].needs}
    return values | {f"sentences.{each}": value for each, value in changed.items()}


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """When somebody was asked whether to go on, and in which function."""
    import sys

    seen: list[tuple[float, str]] = []
    plain = cancellation.check

    def counted() -> None:
        seen.append((time.monotonic(), sys._getframe(1).f_code.co_name))
        plain()

    monkeypatch.setattr(cancellation, "check", counted)
    return seen


def grows(checks: list[tuple[float, str]], name: str, least: int) -> None:
    deadline = time.monotonic() + 120 * SLOWER
    while sum(each == name for _, each in checks) < least:
        assert time.monotonic() < deadline, {each for _, each in checks}
        time.sleep(0.02)


def lines(count: int) -> str:
    return "\n".join(f"row {n} tells of {n * 7 % 97} rivers and {n * 13 % 89} stones" for n in range(count))


@pytest.mark.parametrize(
    ("what", "where", "count", "changed"),
    [
        ("embedding", "_chunks", MANY, {}),
        ("umap", "asking", MANY, {"method": "umap"}),
        ("tsne", "entered", 1_500, {"method": "tsne"}),
        ("k-means", "entered", MANY, {"method": "pca", "by": "kmeans", "clusters": 20}),
    ],
)
def test_a_map_that_nobody_waits_for_ends(
    url: str, checks: list[tuple[float, str]], monkeypatch: pytest.MonkeyPatch, what: str, where: str,
    count: int, changed: dict[str, Any],
) -> None:  # fmt: skip
    if what != "embedding":  # vectors of chance: only the layout is of interest
        import numpy as np

        from playground.engine.vectors.encode import Encoded

        def at_once(self: Any, texts: Any, model: str, key: str = "") -> Iterator[Any]:
            width = 32 if what in ("umap", "tsne") else 384
            drawn = np.random.default_rng(len(texts)).normal(size=(len(texts), width)).astype(np.float32)
            none = np.zeros(len(texts), np.int32)
            yield Encoded(drawn, none, none, 256)

        monkeypatch.setattr("playground.rooms.embeddings.sentences.work.Work.encoding", at_once)
        if what == "umap":
            projection.warm()
            checks.clear()  # those were its own
    asker = Asker(url, "sentences/map", posted("map", source="own", own=lines(count), **changed))
    asker.line()
    grows(checks, where, 3)
    left = time.monotonic()
    asker.leave()
    time.sleep(3)
    took = max(at for at, name in checks if name == where) - left
    assert took < SOON, took
    assert max(at for at, _ in checks) - left < SOON  # nor does anything else go on


def test_a_newer_wish_of_another_page_does_not_end_it(url: str, checks: list[tuple[float, str]]) -> None:
    """Two ask for the same encoding: one leaves, the other's goes on to its end."""
    asked = posted("rows", source="own", own=lines(600))
    one, two = Asker(url, "sentences/rows", asked), Asker(url, "sentences/rows", asked)
    one.line()
    one.leave()
    line = next(each for each in iter(two.line, None) if "html" in each)
    assert "tokens" in line["html"]
    two.leave()


def test_shared_work_waits_and_ends_with_the_last_who_waits() -> None:
    ended, gate = threading.Event(), threading.Event()

    def work(answer: int) -> int:
        try:
            while not gate.is_set():
                cancellation.check()
                time.sleep(0.01)
        finally:
            ended.set()
        return answer

    shared, left = SharedWork(), [threading.Event(), threading.Event()]
    made: list[Any] = [None, None]

    def wait(place: int) -> None:
        try:
            with cancellation.when(left[place].is_set):
                made[place] = shared.wait("a", work, 7)
        except cancellation.Abandoned:
            made[place] = "left"

    threads = [threading.Thread(target=wait, args=(place,)) for place in (0, 1)]
    for each in threads:
        each.start()
    time.sleep(0.2)
    left[0].set()
    threads[0].join(10)
    assert made == ["left", None] and not ended.is_set()
    gate.set()
    threads[1].join(10)
    assert made == ["left", 7] and ended.is_set() and len(shared) == 0
    gate.clear()
    ended.clear()
    again = threading.Thread(target=wait, args=(1,))
    again.start()
    time.sleep(0.2)
    left[1].set()
    assert ended.wait(SOON)
    again.join(10)
    with pytest.raises(ValueError):
        shared.wait("b", int, "no number")
    assert shared.wait("c", int, "5") == 5
