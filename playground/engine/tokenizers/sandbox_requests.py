"""What is asked of a stranger's tokenizer, answered in the process that holds it.

Each request is one function, from the message's plain values to a message and columns. They use the readers
and replays of everybody else, so that the answers are the same; and they refuse to make much out of little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from playground.engine.tokenizers import model_inputs, replays
from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.sandboxed import KINDS
from playground.engine.tokenizers.truncation import cutting
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.models.sandbox import wire

GROWTH = 64  # characters or tokens for each byte of a text, which no tokenizer that was trained comes near
SPARE = 10_000  # beside that, for special tokens

Answer = tuple[wire.Message, dict[str, np.ndarray]]


def describe(it: Adapter) -> wire.Message:
    """What is told when the files were opened."""
    return {
        "algorithm": it.algorithm,
        "size": it.size,
        "last": it.last,
        "keeps_bytes": it.keeps_bytes,
        "spelling": asdict(it.spelling),
        "parts": {name: [step["type"] for step in steps] for name, steps in it.parts.items()},
        "own": {**asdict(it.own), "silent": list(it.own.silent)},
        "specials": it.specials(),
    }


def _vocabulary(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    it = adapter(loaded)
    ids = list(it.vocabulary())
    found = [it.piece(id) for id in ids]
    spelled, spelled_lengths = wire.text_column([each.piece.encode("utf-8", "replace") for each in found])
    raw, raw_lengths = wire.text_column([each.bytes for each in found])
    return {}, {
        "ids": np.array(ids, np.int32),
        "kinds": np.array([KINDS.index(each.kind) for each in found], np.uint8),
        "pieces": spelled,
        "piece_lengths": spelled_lengths,
        "bytes": raw,
        "byte_lengths": raw_lengths,
    }


def _encode(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    text = asked["text"]
    made = adapter(loaded).encode(text, asked["special"])
    _check(loaded, len(made.ids), len(text.encode()))
    return {}, {
        "ids": made.ids.astype(np.int32),
        "starts": made.starts.astype(np.int32),
        "ends": made.ends.astype(np.int32),
        "added": made.added.astype(np.uint8),
    }


def _decode(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    ids = columns["ids"].tolist()
    text = adapter(loaded).decode(ids)
    return {"text": text}, {}


def _normalized(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    text = adapter(loaded).normalized(asked["text"])
    _check(loaded, len(text), len(asked["text"].encode()))
    return {"text": text}, {}


def _replays(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    return {
        "replays": [replays.to_plain(each) for each in replays.replays(adapter(loaded), asked["text"])]
    }, {}


def _rows(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    with cutting(loaded) as tokenizer:
        made = model_inputs.made_rows(tokenizer, asked["texts"], asked["limit"])
    return {"begin": made.begin}, dict(model_inputs.columns_of(made))


def _fed(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    with cutting(loaded) as tokenizer:
        made = model_inputs.made_fed(tokenizer, asked["texts"], asked["limit"])
    return {"fed": [vars(each) for each in made]}, {}


def _check(loaded: Loaded, made: int, given: int) -> None:
    if made > GROWTH * given + SPARE:
        raise BadInput("tokenizer_multiplies", name=loaded.card.name, made=made)


REQUESTS: dict[str, Callable[[Loaded, Any, wire.Columns], Answer]] = {
    "vocabulary": _vocabulary,
    "encode": _encode,
    "decode": _decode,
    "normalized": _normalized,
    "replays": _replays,
    "rows": _rows,
    "fed": _fed,
}


def answer(loaded: Loaded, asked: wire.Message, columns: wire.Columns) -> Answer:
    """The answer to a request.

    Raises:
        PlaygroundError: a refusal. Whatever else a library raises.
    """
    return REQUESTS[asked["what"]](loaded, asked, columns)
