"""Answers to programs are the same JSON, written before Gradio walks through them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import gradio as gr
import numpy as np
import orjson
import pytest
from gradio import processing_utils
from gradio.components.api_component import Api

from playground.panels.visitor_json import FEW, PIECE, as_json, written

ANSWERS = [
    {}, [], "", None, 1.5, True, "é\n\"<b>", {"a": [1, 2, {"b": []}], "c": {"d": None}},
    [{"n": n} for n in range(FEW + 1)], list(range(2 * PIECE + 3)), [[1.0, 2.0]] * (PIECE + 1),
    {"tokens": [{"id": n, "text": "詞元"} for n in range(PIECE)], "count": PIECE},
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_it_is_the_same_json(answer: object) -> None:
    assert json.loads(orjson.dumps(written(answer))) == answer
    assert json.loads(orjson.dumps({"data": [written(answer)]})) == {"data": [answer]}


def test_what_comes_one_after_the_other_is_a_list() -> None:
    def some(count: int) -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(count))

    for count in (0, 1, PIECE, PIECE + 1):
        told = json.loads(orjson.dumps(written({"all": some(count), "after": 1})))
        assert told == {"all": [{"n": n} for n in range(count)], "after": 1}


def test_what_is_no_json_is_an_error() -> None:
    for wrong in ([object()], {"a": {1, 2}.__class__}, [np.zeros(2)] * (FEW + 1)):
        with pytest.raises(TypeError):
            written(wrong)


def test_gradio_does_not_walk_through_it() -> None:
    """On its event loop, while nobody else is answered: by ratio, in one run."""
    answer = [{"id": n, "piece": "x", "text": "x", "start": n, "end": n + 1} for n in range(50_000)]

    def walk(value: object) -> float:
        began = time.perf_counter()
        asyncio.run(processing_utils.async_move_files_to_cache(value, Api(None, {}), postprocess=True))
        return time.perf_counter() - began

    assert walk(written(answer)) < walk(answer) / 10


def test_errors_and_the_signature_stay_the_functions_own() -> None:
    def asked(count: int, wrong: bool = False) -> list[int]:
        """What it does."""
        if wrong:
            raise KeyError("secret")
        return [count]

    made = as_json(asked)
    assert made.__doc__ == "What it does." and made.__annotations__ == asked.__annotations__
    assert orjson.dumps(made(3)) == b"[3]"
    with pytest.raises(gr.Error) as caught:
        made(3, True)
    assert "secret" not in str(caught.value)


def test_others_run_while_it_is_written() -> None:
    longest, ended = [0.0], threading.Event()

    def tick() -> None:
        last = time.perf_counter()
        while not ended.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            longest[0], last = max(longest[0], now - last), now

    answer = [{"id": n, "piece": "x" * 20, "text": "x" * 20} for n in range(400_000)]
    began = time.perf_counter()
    orjson.dumps(answer)
    at_once = time.perf_counter() - began
    thread = threading.Thread(target=tick)
    thread.start()
    written(answer)
    ended.set()
    thread.join()
    assert longest[0] < at_once / 2 + 0.05
