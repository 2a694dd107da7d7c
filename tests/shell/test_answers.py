"""Gradio's search for files passes by what endpoints take and give, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio import processing_utils
from gradio.components.api_component import Api

from playground.shell import answers
from tests.loops import finished

ANSWER = [{"id": n, "piece": "x", "text": "x", "start": n, "end": n + 1} for n in range(50_000)]


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What Gradio's own search is given."""
    seen: list[Any] = []

    async def search(data: Any, block: Any, *given: Any, **named: Any) -> Any:
        seen.append(data)
        return data

    monkeypatch.setattr(processing_utils, "async_move_files_to_cache", search)
    answers.install()
    yield seen


def passed(data: Any, block: Any) -> Any:
    return finished(processing_utils.async_move_files_to_cache(data, block, postprocess=True))


def test_answers_pass_by_and_files_do_not(searched: list[Any]) -> None:
    endpoint = Api(None, {})
    assert passed(ANSWER, endpoint) is ANSWER and searched == []
    file = {"path": "/tmp/x", "meta": {"_type": "gradio.FileData"}}
    passed(file, endpoint)
    passed(ANSWER, gr.JSON())
    assert searched == [file, ANSWER]


def test_it_is_put_there_once(searched: list[Any]) -> None:
    before = processing_utils.async_move_files_to_cache
    answers.install()
    assert processing_utils.async_move_files_to_cache is before


def test_it_saves_the_walk() -> None:
    """By ratio, in one run."""
    answers.install()
    times = []
    for block in (Api(None, {}), gr.JSON()):
        began = time.perf_counter()
        passed(ANSWER, block)
        times.append(time.perf_counter() - began)
    assert times[0] < times[1] / 10
