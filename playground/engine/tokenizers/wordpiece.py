"""How WordPiece cuts a word: the longest piece of the vocabulary first, from the left, and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.engine.tokenizers.surrogates import check
from playground.errors import BadInput

LONGEST_WORD = 200  # characters: more steps than that nobody looks at


@dataclass(frozen=True)
class LongestMatch:
    """One step of WordPiece: the prefixes of the rest that were tried, longest first."""

    tried: tuple[str, ...]
    accepted: str | None  # the last tried; None if none is in the vocabulary


@dataclass(frozen=True)
class WordPieceReplay:
    """One word under WordPiece; it is unknown as a whole if any rest of it is."""

    steps: tuple[LongestMatch, ...]
    ids: tuple[int, ...]
    pieces: tuple[str, ...]


def wordpiece_replay(tokenizer: Any, word: str) -> WordPieceReplay:
    """Greedy longest match first (Devlin et al. 2018, BERT's ``tokenization.py``).

    Args:
        tokenizer: a ``tokenizers.Tokenizer`` whose model is WordPiece.
        word: one of `playground.engine.tokenizers.bpe.huggingface_words`.

    Raises:
        BadInput: ``not_wordpiece`` (algorithm), ``word_too_long`` (limit), ``lone_surrogate``
            (code, position).
    """
    model = tokenizer.model
    if type(model).__name__ != "WordPiece":
        raise BadInput("not_wordpiece", algorithm=type(model).__name__)
    if len(check(word)) > LONGEST_WORD:
        raise BadInput("word_too_long", limit=LONGEST_WORD)
    steps: list[LongestMatch] = []
    at = 0
    # A word over the tokenizer's own limit is unknown at once, and nothing is tried.
    while at < len(word) <= model.max_input_chars_per_word:
        prefix = model.continuing_subword_prefix if at else ""
        tried: list[str] = []
        for end in range(len(word), at, -1):
            tried.append(prefix + word[at:end])
            if model.token_to_id(tried[-1]) is not None:
                steps.append(LongestMatch(tuple(tried), tried[-1]))
                break
        else:
            steps.append(LongestMatch(tuple(tried), None))
            break
        at = end
    pieces = [step.accepted for step in steps if step.accepted is not None]
    if len(pieces) < len(steps) or (word and not steps):
        pieces = [model.unk_token]
    return WordPieceReplay(tuple(steps), tuple(model.token_to_id(piece) for piece in pieces), tuple(pieces))
