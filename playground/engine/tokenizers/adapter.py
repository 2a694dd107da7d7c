"""What every panel asks of a tokenizer: the interface `Adapter`, and what it answers, `Encoded`.

An adapter gives columns (NumPy), not a list of token objects: 100,000 tokens are four arrays. The adapters
themselves are in `playground.engine.tokenizers.libraries`.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from playground.engine.tokenizers import pieces
from playground.engine.tokenizers.pieces import Ints, Piece
from playground.engine.tokenizers.spelling import Spelling
from playground.errors import BadInput

NOTHING = Piece("", b"", "unknown")
"""What an id outside the vocabulary is."""


@dataclass(frozen=True)
class Encoded:
    """A text as tokens, in columns of equal length n.

    Neither ``starts`` nor ``ends`` ever go back, and both lie in the text.
    """

    ids: Ints
    starts: Ints  # code points of the original text
    ends: Ints
    added: np.ndarray  # bool: put there by the tokenizer, not by the text ([CLS], <s>)


@dataclass(frozen=True)
class Own:
    """What a tokenizer says of itself, in plain values: they also come from another process.

    Args:
        kind: its class, as the library that runs it names it.
        named: the class that its tokenizer_config.json names; None where it names none.
        longest: its ``model_max_length``; None where it tells no limit.
        chat_template: Jinja source; None where it has none.
        special_tokens: spellings by the names that a template knows them by (``bos_token``).
        silent: ids that the library's own decoder leaves out when asked to skip special tokens.
        cleans: its decoder takes away the blanks before punctuation.
    """

    kind: str
    named: str | None = None
    longest: int | None = None
    padding_side: str | None = None
    truncation_side: str | None = None
    chat_template: str | None = None
    special_tokens: dict[str, str] = field(default_factory=dict)
    silent: tuple[int, ...] = ()
    cleans: bool = False


class Adapter(ABC):
    """What every panel asks of a tokenizer."""

    algorithm: str  # the field's name for how it cuts
    size: int  # entries of the vocabulary
    keeps_bytes: bool  # its decoder joins the bytes of its tokens, and they are the (normalised) text
    spelling: Spelling = Spelling()
    parts: dict[str, list[dict[str, Any]]]  # of a tokenizer.json: normalizer, pre_tokenizer … → its steps

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.memo: dict[str, Any] = {}  # what other subjects derive from it once
        self.parts = {}
        self._pieces: dict[int, Piece] = {}

    @abstractmethod
    def encode(self, text: str, special: bool = True) -> Encoded:
        """Text → tokens, with the special tokens that the model expects, or without.

        Raises:
            BadInput: ``text_refused``, the library cannot read this text.
        """

    @abstractmethod
    def decode(self, ids: list[int]) -> str:
        """Ids → text, as the library itself says it."""

    @abstractmethod
    def _piece(self, id: int) -> Piece: ...

    @abstractmethod
    def specials(self) -> dict[str, int]:
        """The named special tokens: ``{"bos": 1, …}``."""

    @cached_property
    def own(self) -> Own:
        """What the tokenizer says of itself."""
        return own(self.tokenizer)

    def piece(self, id: int) -> Piece:
        """The vocabulary's entry of an id; an id outside it is `NOTHING`."""
        known = self._pieces.get(id)
        if known is None:
            known = self._piece(id) if 0 <= id <= self.last else NOTHING
            self._pieces[id] = known
        return known

    @property
    def last(self) -> int:
        """The highest id; -1 of an empty vocabulary."""
        return self.size - 1

    def vocabulary(self) -> Iterable[int]:
        """All ids that have an entry, in order."""
        return range(self.size)

    def normalized(self, text: str) -> str:
        """The text as the tokenizer changes it before it cuts."""
        return text

    def encode_prompt(self, prompt: str, markup: list[tuple[int, int]]) -> Encoded:
        """A rendered chat template → tokens; nothing is added, since the template wrote it all.

        Args:
            prompt: the rendered template.
            markup: the spans that the template wrote. Mistral's libraries read control tokens only
                there, so that a message that says "</s>" ends nothing; a tokenizer.json reads them anywhere.
        """
        return self.encode(prompt, special=False)

    def _encode_runs(self, prompt: str, markup: list[tuple[int, int]], strip: str) -> Encoded:
        """Control tokens inside the markup by name, everything between them as plain text.

        ``strip`` is the dummy blank that the template writes and the tokenizer would add again.
        """
        names = {self.piece(id).piece: id for id in self._control_ids()}
        pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)")
        inside = [
            (begin + match.start(), begin + match.end(), names[match[0]])
            for begin, end in markup
            for match in pattern.finditer(prompt[begin:end])
        ]
        columns: list[tuple[list[int], list[int], list[int]]] = []
        at = 0
        for begin, end, id in [*inside, (len(prompt), len(prompt), -1)]:
            run = prompt[at:begin]
            if run:
                blank = len(strip) if strip and run.startswith(strip) else 0
                part = self.encode(run[blank:], special=False)
                starts = (part.starts + at + blank).tolist()
                if starts:
                    starts[0] = at
                columns.append((part.ids.tolist(), starts, (part.ends + at + blank).tolist()))
            if id >= 0:
                columns.append(([id], [begin], [end]))
            at = end
        ids, starts, ends = ([value for column in columns for value in column[i]] for i in range(3))
        return Encoded(
            np.array(ids, np.int32),
            np.array(starts, np.int32),
            np.array(ends, np.int32),
            np.zeros(len(ids), bool),
        )

    def _control_ids(self) -> Iterable[int]:
        return self.specials().values()

    def _join(self, text: str, ids: Ints) -> tuple[Ints, Ints] | None:
        """Spans by bytes, exact; None where the tokens' bytes are not the text's.

        A blank that the tokenizer puts in front belongs to no character of the text. Where the vocabulary
        cannot tell a ▁ of the text from a space, both count as ▁, which changes no place of a code point.
        """
        if not len(ids):
            return (ids, ids) if not text else None
        kinds = pieces.distinct(ids)
        written = [self._written(id) for id in kinds]
        table = dict(zip(kinds, written, strict=True))
        joined, raw = b"".join(map(table.__getitem__, ids.tolist())), self._raw(text)
        dummy = (self.spelling.blank or " ").encode()
        skip = len(dummy) if joined != raw and joined.startswith(dummy) else 0
        if joined[skip:] != raw:
            return None
        length_of = np.zeros(kinds[-1] + 1, np.int32)
        length_of[kinds] = list(map(len, written))
        return pieces.spans(raw.decode(), length_of[ids], skip)

    def _raw(self, text: str) -> bytes:
        """A text as `_written` would say it."""
        return (text.replace(" ", self.spelling.blank) if self.spelling.blank else text).encode()

    def _written(self, id: int) -> bytes:
        """The bytes of a token, with ▁ for a space where the vocabulary writes one so."""
        entry = self.piece(id)
        if not self.spelling.literal:
            return entry.bytes
        if entry.kind in ("special", "unknown"):
            return self._raw(entry.bytes.decode())
        return self.spelling.written(entry.piece)

    def _framed(
        self, ids: Ints, spans: tuple[Ints, Ints], n: int, before: list[int], after: list[int]
    ) -> Encoded:
        """Put special tokens around, with empty spans at the text's edges."""
        head, tail = np.array(before, np.int32), np.array(after, np.int32)
        starts, ends = spans
        return Encoded(
            np.concatenate([head, ids, tail]),
            np.concatenate([head * 0, starts, tail * 0 + n]),
            np.concatenate([head * 0, ends, tail * 0 + n]),
            np.concatenate([head == head, ids != ids, tail == tail]),
        )


def own(tokenizer: Any) -> Own:
    """What a library's tokenizer says of itself; each library knows some of it only."""
    longest = getattr(tokenizer, "model_max_length", None)
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, dict):  # several, by name
        template = template.get("default")
    special = getattr(tokenizer, "special_tokens_map", {})
    return Own(
        type(tokenizer).__name__,
        _named(tokenizer),
        # transformers writes "none" as 1e30; a file may say anything.
        longest if isinstance(longest, int) and 0 < longest < 10**12 else None,
        getattr(tokenizer, "padding_side", None),
        getattr(tokenizer, "truncation_side", None),
        template if isinstance(template, str) else None,
        {name: str(token) for name, token in special.items() if isinstance(token, str)},
        tuple(getattr(tokenizer, "all_special_ids", ())),
        bool(getattr(tokenizer, "clean_up_tokenization_spaces", False)),
    )


def _named(tokenizer: Any) -> str | None:
    folder = getattr(tokenizer, "name_or_path", "")
    file = Path(folder) / "tokenizer_config.json"
    if not folder or not file.is_file():
        return None
    name = json.loads(file.read_text(encoding="utf-8")).get("tokenizer_class")
    return name if isinstance(name, str) else None


@contextmanager
def refusals() -> Iterator[None]:
    """What a library says no to, as a sentence.

    A tokenizer of a visitor's own may lack the unknown token that a text needs, or hold a regular
    expression that gives up; Rust then panics, and its panic is no ``Exception``.

    Raises:
        BadInput: ``text_refused`` (reason).
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if isinstance(error, MemoryError):
            raise
        raise BadInput("text_refused", reason=str(error)[:200]) from error
