"""How a word became its tokens, one step at a time: BPE's merges.

Byte-pair encoding (Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units")
begins with the characters or bytes of a word and joins, again and again, the neighbours whose pair was
learned first. The libraries answer only with the end; a `MergeTable` replays the way, id for id.

Which pair goes first differs: `tokenizers` asks for the place in the list of merges, tiktoken for the
rank of the joined bytes, SentencePiece for the score of the joined piece. Of equal ones the leftmost.

The book: chapter 2, "Tokens and Token Embeddings".
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import regex  # type: ignore[import-untyped]

from playground.engine.tokenizers import spelling
from playground.engine.tokenizers.pieces import BYTE_ALPHABET
from playground.engine.tokenizers.spelling import Spelling
from playground.engine.tokenizers.surrogates import check
from playground.errors import BadInput

LONGEST_WORD = 200  # symbols: more steps than that nobody looks at
PRINTABLE = {byte: character for character, byte in BYTE_ALPHABET.items()}


@dataclass(frozen=True)
class Candidate:
    """A pair of neighbours that could be merged."""

    left: str
    right: str
    rank: int  # the lowest wins


@dataclass(frozen=True)
class Merge:
    """One step: the best pair, joined wherever it stands (leftmost first)."""

    left: str
    right: str
    rank: int  # place in the merge list; tiktoken: rank of the bytes; SentencePiece: by score
    symbols: tuple[str, ...]  # after the merge
    raw: tuple[bytes, ...]  # the bytes of the text behind each symbol
    at: tuple[int, ...]  # where in the symbols BEFORE the merge each left half stood
    candidates: tuple[Candidate, ...]  # what was possible, from left to right; the chosen one too


@dataclass(frozen=True)
class Replay:
    """One word, from its characters or bytes to its tokens.

    `pieces` are the last symbols, except in SentencePiece, which only then spells what it does not
    know in bytes (or as one unknown piece).
    """

    start: tuple[str, ...]
    start_raw: tuple[bytes, ...]
    steps: tuple[Merge, ...]
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    raw: tuple[bytes, ...]
    # The tokenizer looks the whole word up before it merges, and found it (tiktoken, Llama 3's
    # `ignore_merges`). Steps are there if merging would have led to the same token, else none.
    whole: bool = False


class _Symbol(NamedTuple):
    piece: str
    raw: bytes
    frozen: bool = False  # user-defined pieces of SentencePiece merge with nobody


class _Pair(NamedTuple):  # ordered: the lowest rank, of equal ones the leftmost
    rank: int
    place: int
    joined: str


class MergeTable(ABC):
    """The merges of one tokenizer: build it once, replay any word."""

    @staticmethod
    def from_huggingface(tokenizer: Any) -> MergeTable:
        """From a ``tokenizers.Tokenizer``; special tokens in a text count as plain text.

        Raises:
            BadInput: ``not_bpe`` (algorithm), its model is WordPiece, Unigram or WordLevel.
        """
        return _HuggingFace(tokenizer)

    @staticmethod
    def from_ranks(ranks: Mapping[bytes, int], pattern: str, shift: int = 0) -> MergeTable:
        """From what makes a tiktoken ``Encoding``: ``_mergeable_ranks`` and ``_pat_str``.

        Args:
            ranks: bytes of each token → its rank, all 256 single bytes among them.
            pattern: the regular expression that cuts a text into words. Letters that only the
                newest Unicode knows are letters for Python's ``regex``, not yet for tiktoken.
            shift: id of rank 0 (Tekken has its special tokens first).
        """
        return _Ranks(ranks, pattern, shift)

    @staticmethod
    def from_sentencepiece(processor: Any) -> MergeTable:
        """From a ``SentencePieceProcessor`` of type BPE, its vocabulary not restricted.

        Raises:
            BadInput: ``not_bpe`` (algorithm), it is of type Unigram, Word or Char.
        """
        return _SentencePiece(processor)

    @abstractmethod
    def words(self, text: str) -> tuple[str, ...]:
        """A text as the words that `replay` takes, cut by the tokenizer's own rule.

        Byte-level words of `tokenizers` come in GPT-2's alphabet ("Ġworld"); SentencePiece merges
        across spaces, so its whole text is one word ("▁hello▁world").

        Raises:
            BadInput: ``lone_surrogate`` (code, position).
        """

    @abstractmethod
    def _start(self, word: str) -> list[_Symbol]: ...

    @abstractmethod
    def _join(self, left: _Symbol, right: _Symbol) -> tuple[int, str] | None:
        """Rank and spelling of the pair as one symbol, None where it is no merge."""

    @abstractmethod
    def _finish(self, symbols: list[_Symbol]) -> list[tuple[int, _Symbol]]: ...

    def _whole(self, symbols: list[_Symbol], word: str) -> _Symbol | None:
        return None

    def replay(self, word: str) -> Replay:
        """All steps of one word, as `words` gives it.

        Raises:
            BadInput: ``word_too_long`` (limit), ``lone_surrogate`` (code, position).
        """
        check(word)
        start = self._start(word)
        if len(start) > LONGEST_WORD:
            raise BadInput("word_too_long", limit=LONGEST_WORD)
        symbols, steps = list(start), []
        while pairs := self._pairs(symbols):
            steps.append(self._step(symbols, pairs))
        known = self._whole(start, word)
        if known and symbols != [known]:
            start, steps, symbols = [known], [], [known]
        final = self._finish(symbols)
        return Replay(
            tuple(symbol.piece for symbol in start),
            tuple(symbol.raw for symbol in start),
            tuple(steps),
            tuple(id for id, _ in final),
            tuple(symbol.piece for _, symbol in final),
            tuple(symbol.raw for _, symbol in final),
            known is not None,
        )

    def replay_text(self, text: str) -> tuple[Replay, ...]:
        """Every word of a text; the errors of `words` and `replay`."""
        return tuple(self.replay(word) for word in self.words(text))

    def _pairs(self, symbols: list[_Symbol]) -> list[_Pair]:
        found = []
        for place in range(len(symbols) - 1):
            if joined := self._join(symbols[place], symbols[place + 1]):
                found.append(_Pair(joined[0], place, joined[1]))
        return found

    def _step(self, symbols: list[_Symbol], pairs: list[_Pair]) -> Merge:
        """Joins the best pair in ``symbols``, and again while the same pair stays the best.

        One by one and not all at once: where ranks are equal (SentencePiece's runs of spaces), or a
        merge opens a better one, the next place of the same pair has to wait, as in the libraries.
        """

        def names(pair: _Pair) -> tuple[str, str]:
            return symbols[pair.place].piece, symbols[pair.place + 1].piece

        candidates = tuple(dict.fromkeys(Candidate(*names(pair), pair.rank) for pair in pairs))
        best = min(pairs)
        chosen, rank, at = names(best), best.rank, list[int]()
        while pairs and names(best := min(pairs)) == chosen:
            at.append(best.place + len(at))
            raw = symbols[best.place].raw + symbols[best.place + 1].raw
            symbols[best.place : best.place + 2] = [_Symbol(best.joined, raw)]
            pairs = self._pairs(symbols)
        pieces, raws = tuple(s.piece for s in symbols), tuple(s.raw for s in symbols)
        return Merge(*chosen, rank, pieces, raws, tuple(at), candidates)


class _HuggingFace(MergeTable):
    """The BPE model of `tokenizers` (its ``models/bpe/model.rs``)."""

    def __init__(self, tokenizer: Any) -> None:
        described = json.loads(tokenizer.to_str())
        model = described["model"]
        if model["type"] != "BPE":
            raise BadInput("not_bpe", algorithm=model["type"])
        self.tokenizer, self.model, self.vocabulary = tokenizer, model, model["vocab"]
        self.prefix = model["continuing_subword_prefix"] or ""
        self.suffix = model["end_of_word_suffix"] or ""
        cut = len(self.prefix)  # of "##b" in "a" + "##b" → "ab"
        self.merges = {
            (left, right): (rank, left + right[cut:]) for rank, (left, right) in enumerate(model["merges"])
        }
        names = ("normalizer", "pre_tokenizer", "decoder")
        habits = spelling.of(model, {name: list(spelling.flat(described[name] or {})) for name in names})
        # A word comes without marks: those are put to its symbols here.
        self.character = Spelling(alphabet=habits.alphabet, blank=habits.blank)

    def words(self, text: str) -> tuple[str, ...]:
        return huggingface_words(self.tokenizer, text)

    def _start(self, word: str) -> list[_Symbol]:
        symbols: list[_Symbol] = []
        unknown: _Symbol | None = None  # held back, as unknown neighbours may fuse
        token = self.model["unk_token"]
        for index, character in enumerate(word):
            piece = (self.prefix if index else "") + character
            piece += self.suffix if index == len(word) - 1 else ""
            raw = self.character.bytes(character)
            if piece in self.vocabulary:
                symbols += [unknown] if unknown else []
                unknown = None
                symbols.append(_Symbol(piece, raw))
            elif self.model["byte_fallback"] and (spelled := self._bytes(piece)):
                symbols += spelled
            elif token is not None:
                if unknown and self.model["fuse_unk"]:
                    unknown = _Symbol(token, unknown.raw + raw)
                else:
                    symbols += [unknown] if unknown else []
                    unknown = _Symbol(token, raw)
            # Without an unknown token the library drops the character, and so do we.
        return symbols + ([unknown] if unknown else [])

    def _bytes(self, piece: str) -> list[_Symbol]:
        spelled = [_Symbol(f"<0x{byte:02X}>", bytes([byte])) for byte in piece.encode()]
        return spelled if all(symbol.piece in self.vocabulary for symbol in spelled) else []

    def _join(self, left: _Symbol, right: _Symbol) -> tuple[int, str] | None:
        return self.merges.get((left.piece, right.piece))

    def _whole(self, symbols: list[_Symbol], word: str) -> _Symbol | None:
        if self.model["ignore_merges"] and word in self.vocabulary:
            return _Symbol(word, b"".join(map(self.character.bytes, word)))
        return None

    def _finish(self, symbols: list[_Symbol]) -> list[tuple[int, _Symbol]]:
        return [(self.vocabulary[symbol.piece], symbol) for symbol in symbols]


class _Ranks(MergeTable):
    """tiktoken: a pair may merge if its bytes are a token; that of the lowest rank goes first."""

    def __init__(self, ranks: Mapping[bytes, int], pattern: str, shift: int) -> None:
        self.ranks, self.shift = ranks, shift
        self.pattern = regex.compile(pattern)

    def words(self, text: str) -> tuple[str, ...]:
        return tuple(match.group() for match in self.pattern.finditer(check(text)))

    def _start(self, word: str) -> list[_Symbol]:
        return [_Symbol(PRINTABLE[byte], bytes([byte])) for byte in word.encode()]

    def _join(self, left: _Symbol, right: _Symbol) -> tuple[int, str] | None:
        rank = self.ranks.get(left.raw + right.raw)
        return None if rank is None else (rank, left.piece + right.piece)

    def _whole(self, symbols: list[_Symbol], word: str) -> _Symbol | None:
        raw = word.encode()
        return _Symbol("".join(s.piece for s in symbols), raw) if raw in self.ranks else None

    def _finish(self, symbols: list[_Symbol]) -> list[tuple[int, _Symbol]]:
        return [(self.ranks[symbol.raw] + self.shift, symbol) for symbol in symbols]


class _SentencePiece(MergeTable):
    """SentencePiece (Kudo & Richardson 2018; its ``bpe_model.cc``)."""

    def __init__(self, processor: Any) -> None:
        # The processor hides the model's type and which pieces are user-defined: its file tells them.
        from sentencepiece.sentencepiece_model_pb2 import ModelProto, TrainerSpec

        model, Kind = ModelProto.FromString(processor.serialized_model_proto()), ModelProto.SentencePiece
        if model.trainer_spec.model_type != TrainerSpec.BPE:
            name = TrainerSpec.ModelType.Name(model.trainer_spec.model_type)
            raise BadInput("not_bpe", algorithm=name.capitalize())
        self.processor = processor
        self.mergeable: dict[str, int] = {}
        self.reserved: dict[str, int] = {}
        scores: dict[str, float] = {}
        for id, entry in enumerate(model.pieces):
            if entry.type in (Kind.NORMAL, Kind.USER_DEFINED, Kind.UNUSED):
                self.mergeable[entry.piece] = id
                scores[entry.piece] = entry.score
            else:
                self.reserved[entry.piece] = id
        self.byte_fallback = any(entry.type == Kind.BYTE for entry in model.pieces)
        frozen = [entry.piece for entry in model.pieces if entry.type == Kind.USER_DEFINED]
        place = {score: rank for rank, score in enumerate(sorted(set(scores.values()), reverse=True))}
        self.ranks = {piece: place[score] for piece, score in scores.items()}
        self.frozen = sorted(frozen, key=len, reverse=True)

    def words(self, text: str) -> tuple[str, ...]:
        normalized = self.processor.normalize(check(text))
        return (normalized,) if normalized else ()

    def _start(self, word: str) -> list[_Symbol]:
        symbols, at = [], 0
        while at < len(word):
            whole = next((piece for piece in self.frozen if word.startswith(piece, at)), None)
            piece = whole or word[at]
            symbols.append(_Symbol(piece, piece.replace("▁", " ").encode(), whole is not None))
            at += len(piece)
        return symbols

    def _join(self, left: _Symbol, right: _Symbol) -> tuple[int, str] | None:
        joined = left.piece + right.piece
        rank = self.ranks.get(joined)
        return None if rank is None or left.frozen or right.frozen else (rank, joined)

    def _finish(self, symbols: list[_Symbol]) -> list[tuple[int, _Symbol]]:
        final: list[tuple[int, _Symbol]] = []
        unknown = self.processor.unk_id()
        for symbol in symbols:
            id = self.reserved.get(symbol.piece, self.mergeable.get(symbol.piece, unknown))
            if id != unknown:
                final.append((id, symbol))
            elif self.byte_fallback:
                for byte in symbol.piece.encode():
                    spelled = _Symbol(f"<0x{byte:02X}>", bytes([byte]))
                    final.append((self.reserved[spelled.piece], spelled))
            elif final and final[-1][0] == unknown:  # unknown neighbours are one token
                before = final.pop()[1]
                final.append((id, _Symbol(before.piece + symbol.piece, before.raw + symbol.raw)))
            else:
                final.append((id, symbol))
        return final


def huggingface_words(tokenizer: Any, text: str) -> tuple[str, ...]:
    """A text as the words of a ``tokenizers.Tokenizer``: normalised, then cut.

    Raises:
        BadInput: ``lone_surrogate`` (code, position).
    """
    check(text)
    if tokenizer.normalizer:
        text = tokenizer.normalizer.normalize_str(text)
    if not tokenizer.pre_tokenizer:
        return (text,) if text else ()
    return tuple(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text))
