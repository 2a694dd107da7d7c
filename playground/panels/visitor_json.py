"""Long answers to programs, written as JSON before Gradio has them.

Gradio walks through every answer on its event loop, key by key, looking for files: of 400,000 tokens for two
seconds, in which nobody else is answered. What is JSON already it passes on. It is written here in pieces,
between which other threads run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import Any, ParamSpec

import orjson

from playground.panels.visitor import guard

P = ParamSpec("P")
PIECE = 2_000  # entries that are written at once
FEW = 100  # entries that are looked into one by one


def as_json(fn: Callable[P, Any]) -> Callable[P, Any]:
    """A guarded function for ``gr.api``, whose answer is JSON when Gradio gets it; not for generators."""
    guarded = guard(fn)

    @functools.wraps(fn)
    def answering(*given: P.args, **named: P.kwargs) -> Any:
        return written(guarded(*given, **named))

    return answering


def written(value: Any) -> orjson.Fragment:
    """An answer as JSON: dictionaries, lists, and iterators in place of lists."""
    return orjson.Fragment(_bytes(value))


def _bytes(value: Any) -> bytes:
    if isinstance(value, orjson.Fragment | str) or not isinstance(value, Iterable):
        return orjson.dumps(value)
    if isinstance(value, dict):
        return b"{" + b",".join(orjson.dumps(key) + b":" + _bytes(each) for key, each in value.items()) + b"}"
    if isinstance(value, Sized) and len(value) <= FEW:
        return b"[" + b",".join(_bytes(each) for each in value) + b"]"
    return b"[" + b",".join(_pieces(iter(value))) + b"]"


def _pieces(entries: Iterator[Any]) -> Iterator[bytes]:
    while piece := list(islice(entries, PIECE)):
        yield orjson.dumps(piece)[1:-1]
