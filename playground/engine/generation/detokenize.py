"""Tokens → text, one by one: only whole characters, and never one that is taken back.

A token may be a part of a character (3 bytes of 你, 4 of an emoji), so decoding token by token writes �,
and decoding everything again for each token takes quadratic time. Here a tokenizer that keeps bytes gives
them, and a character is written when its last byte has come: constant work per token. Others (WordPiece,
Unigram without bytes) have decoders that look at neighbours: they decode a short window twice, with and
without the new token, and write the difference, as text-generation-inference and vLLM do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from playground.engine.tokenizers.adapter import Adapter

CONTEXT = 16  # tokens before a continued text that its decoding looks at
LONGEST_WAIT = 64  # tokens that a window may wait for the rest of a character


class TextStream:
    """The text of a growing list of ids, special tokens left out.

    Args:
        adapter: of the tokenizer.
        before: ids of a text that this one goes on with ("Once upon" + " a time"); without them the first
            token begins a text, where many tokenizers leave out a blank.
    """

    def __init__(self, adapter: Adapter, before: Sequence[int] = ()) -> None:
        self._adapter = adapter
        self.text = ""
        self.held = b""  # the bytes of a character begun
        self._held_raw = False  # of <0xE4> tokens: of these each lost byte is a � of its own
        self._bytewise = adapter.keeps_bytes and not adapter.own.cleans
        self._silent = frozenset(adapter.own.silent)  # <unk> too, as the library
        self._ids: list[int] = []
        self._from = 0  # the window's beginning
        self._shown = 0  # ids whose text is out
        self._context = bool(before)
        self._begun = self._context
        if before:
            for id in before[-CONTEXT:]:
                self.push(id)
            self.text = ""

    def push(self, id: int) -> str:
        """One token more; what can be written now, "" while a character is not complete."""
        piece = self._adapter.piece(id)
        if piece.kind == "special" or id in self._silent:
            return ""
        self._ids.append(id)
        if not self._bytewise:
            return self._windowed()
        raw = piece.bytes
        if not self._begun:
            self._begun = True
            if raw[:1] == b" " and raw.decode("utf-8", "ignore") == " " + self._adapter.decode([id]):
                raw = raw[1:]
        if not self.held:
            try:
                new = raw.decode()
                self.text += new
                return new
            except UnicodeDecodeError:
                pass
        return self._bytes(raw, piece.kind == "byte")

    def fork(self) -> TextStream:
        """Another one at the same place, to go on with another token."""
        other = copy.copy(self)
        other._ids = list(self._ids)
        return other

    def finish(self) -> str:
        """The end has come; what is still to be written: a � for a character that was never completed.

        Afterwards `text` is what the library's own decoder says of all ids (of a text that goes on with
        another one, what was streamed).
        """
        new = ""
        if self._bytewise and self.held:
            new = "�" * (len(self.held) if self._held_raw else 1)
            self.held = b""
        elif not self._bytewise:
            new = self._windowed(last=True)
        self.text += new if self._bytewise else ""
        if not self._context:
            self.text = self._adapter.decode(self._ids) if self._ids else ""
        return new

    def _bytes(self, raw: bytes, byte: bool) -> str:
        """Decode what is held and what came; hold the beginning of a character."""
        new = ""
        if self.held and self._held_raw and not byte:  # a run of <0x..> ends where another token begins
            new, self.held = "�" * len(self.held), b""
        data, self.held, self._held_raw = self.held + raw, b"", byte
        while data:
            try:
                new += data.decode()
                break
            except UnicodeDecodeError as error:
                new += data[: error.start].decode()
                if error.end == len(data) and error.reason == "unexpected end of data":
                    self.held = data[error.start :]
                    break
                new += "�" * (error.end - error.start if byte else 1)
                data = data[error.end :]
        self.text += new
        return new

    def _windowed(self, last: bool = False) -> str:
        before = self._adapter.decode(self._ids[self._from : self._shown]) if self._shown else ""
        now = self._adapter.decode(self._ids[self._from :]) if self._ids else ""
        waits = now.endswith("�") and len(self._ids) - self._shown < LONGEST_WAIT
        if (waits and not last) or len(now) <= len(before):
            return ""
        new = now[len(before) :]
        self._from, self._shown = self._shown, len(self._ids)
        self.text += new
        return new


def label(adapter: Adapter, id: int, new: str) -> str:
    """What stands for a token that wrote nothing (yet): a special token's name, the bytes of a part."""
    if new:
        return ""
    piece = adapter.piece(id)
    return piece.piece if piece.kind == "special" or not piece.bytes else piece.bytes.hex(" ").upper()


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have stood there.

    ``text`` is what it would have written after what came before: "" where it ends inside a character
    (``raw`` has its bytes), with the whole character where it completes one.
    """

    id: int
    piece: str
    text: str
    raw: bytes
    special: bool
    probability: float
    chance: float


def alternatives(
    adapter: Adapter,
    ids: Sequence[int],
    probabilities: Sequence[float],
    chances: Sequence[float],
    held: bytes = b"",
) -> list[Alternative]:
    """The alternatives of one step, spelled out; made when somebody looks, not while decoding.

    Args:
        ids, probabilities, chances: columns of one length, of a `sampling.Choice`.
        held: the bytes of a character begun before this step.
    """
    found = []
    for id, probability, chance in zip(ids, probabilities, chances, strict=True):
        piece = adapter.piece(id)
        special = piece.kind == "special"
        text = piece.piece if special else whole(held + piece.bytes)
        found.append(Alternative(id, piece.piece, text, piece.bytes, special, probability, chance))
    return found


def whole(raw: bytes) -> str:
    """Bytes → text, without a character that only begins here; what is no UTF-8 becomes �."""
    for cut in range(min(4, len(raw) + 1)):
        try:
            return raw[: len(raw) - cut].decode()
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")
