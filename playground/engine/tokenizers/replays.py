"""Which replay fits which tokenizer: BPE's merges, WordPiece's longest matches, or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from playground.engine.tokenizers.bpe import Candidate, Merge, MergeTable, Replay, huggingface_words
from playground.engine.tokenizers.libraries import (
    Adapter,
    HuggingFaceAdapter,
    SentencePieceAdapter,
    TekkenAdapter,
)
from playground.engine.tokenizers.sandboxed import ConfinedAdapter
from playground.engine.tokenizers.wordpiece import LongestMatch, WordPieceReplay, wordpiece_replay
from playground.errors import BadInput

WORDS = 12  # of a longer text, the first so many are replayed


def replays(adapter: Adapter, text: str) -> Sequence[Replay | WordPieceReplay]:
    """How the tokens of the first words of a text came to be.

    Raises:
        BadInput: ``no_replay`` (algorithm), the tokenizer neither merges nor matches;
            ``word_too_long`` (limit).
        TookTooLong, DoesNotFit: from a tokenizer in a process of its own.
    """
    if isinstance(adapter, ConfinedAdapter):
        answer, _ = adapter.ask("replays", {"text": text}, characters=len(text))
        return [from_plain(each) for each in answer["replays"]]
    if isinstance(adapter, HuggingFaceAdapter) and adapter.algorithm == "WordPiece":
        words = huggingface_words(adapter.backend, text)
        return [wordpiece_replay(adapter.backend, word) for word in words[:WORDS]]
    table = _kept(adapter)
    return [table.replay(word) for word in table.words(text)[:WORDS]]


def of_piece(adapter: Adapter, id: int) -> Replay | None:
    """How an entry of a vocabulary was merged; None where it was not, or where nobody can tell.

    Of a tokenizer in a process of its own nobody asks: its words are not those of its vocabulary.
    """
    piece = adapter.piece(id)
    if isinstance(adapter, ConfinedAdapter) or piece.kind != "text":
        return None
    with suppress(BadInput, UnicodeDecodeError):
        table = _kept(adapter)
        found = table.replay(piece.bytes.decode() if isinstance(adapter, TekkenAdapter) else piece.piece)
        return found if found.ids == (id,) and found.steps else None
    return None


def _kept(adapter: Adapter) -> MergeTable:
    table: MergeTable | None = adapter.memo.get("merges")
    if table is None:
        table = adapter.memo["merges"] = _table(adapter)
    return table


def _table(adapter: Adapter) -> MergeTable:
    if isinstance(adapter, SentencePieceAdapter):
        return MergeTable.from_sentencepiece(adapter.tokenizer)
    if isinstance(adapter, TekkenAdapter):
        # Tekkenizer keeps these to itself, but its file is nothing else.
        model = adapter.tokenizer._model
        return MergeTable.from_ranks(
            model._mergeable_ranks, model._pat_str, shift=adapter.tokenizer.num_special_tokens
        )
    if isinstance(adapter, HuggingFaceAdapter) and "BPE" in adapter.algorithm:
        return MergeTable.from_huggingface(adapter.backend)
    raise BadInput("no_replay", algorithm=adapter.algorithm)


def to_plain(replay: Replay | WordPieceReplay) -> dict[str, Any]:
    """As JSON can hold it; `from_plain` makes it whole again."""
    plain: dict[str, Any] = _hex(asdict(replay))
    return plain


def _hex(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _hex(each) for name, each in value.items()}
    return [_hex(each) for each in value] if isinstance(value, list | tuple) else value


def from_plain(plain: dict[str, Any]) -> Replay | WordPieceReplay:
    """What `to_plain` wrote down."""
    ids, names = tuple(map(int, plain["ids"])), tuple(map(str, plain["pieces"]))
    if "start" not in plain:
        tried = (LongestMatch(tuple(each["tried"]), each["accepted"]) for each in plain["steps"])
        return WordPieceReplay(tuple(tried), ids, names)
    steps = (
        Merge(
            each["left"],
            each["right"],
            each["rank"],
            tuple(each["symbols"]),
            _raw(each["raw"]),
            tuple(each["at"]),
            tuple(Candidate(**candidate) for candidate in each["candidates"]),
        )
        for each in plain["steps"]
    )
    start, start_raw = tuple(plain["start"]), _raw(plain["start_raw"])
    return Replay(start, start_raw, tuple(steps), ids, names, _raw(plain["raw"]), bool(plain["whole"]))


def _raw(values: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(map(bytes.fromhex, values))
