"""Which replay fits which tokenizer: BPE's merges, WordPiece's longest matches, or none."""

from __future__ import annotations

from collections.abc import Sequence

from playground.errors import BadInput
from playground.subjects.longest_match import WordPieceReplay, wordpiece_replay
from playground.subjects.merges import MergeTable, Replay, huggingface_words
from playground.subjects.readers import HuggingFaceReader, Reader, SentencePieceReader, TekkenReader

WORDS = 12  # of a longer text, the first so many are replayed


def replays(reader: Reader, text: str) -> Sequence[Replay | WordPieceReplay]:
    """How the tokens of the first words of a text came to be.

    Raises:
        BadInput: ``no_replay`` (algorithm), the tokenizer neither merges nor matches;
            ``word_too_long`` (limit).
    """
    if isinstance(reader, HuggingFaceReader) and reader.algorithm == "WordPiece":
        words = huggingface_words(reader.backend, text)
        return [wordpiece_replay(reader.backend, word) for word in words[:WORDS]]
    table = reader.memo.get("merges")
    if table is None:
        table = reader.memo["merges"] = _table(reader)
    return [table.replay(word) for word in table.words(text)[:WORDS]]


def _table(reader: Reader) -> MergeTable:
    if isinstance(reader, SentencePieceReader):
        return MergeTable.from_sentencepiece(reader.tokenizer)
    if isinstance(reader, TekkenReader):
        # Tekkenizer keeps these to itself, but its file is nothing else.
        model = reader.tokenizer._model
        return MergeTable.from_ranks(
            model._mergeable_ranks, model._pat_str, shift=reader.tokenizer.num_special_tokens
        )
    if isinstance(reader, HuggingFaceReader) and "BPE" in reader.algorithm:
        return MergeTable.from_huggingface(reader.backend)
    raise BadInput("no_replay", algorithm=reader.algorithm)
