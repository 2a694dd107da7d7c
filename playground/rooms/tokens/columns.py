"""Where characters stand when several tokenizers are shown beneath each other, as in a table of letters.

Every character has as many columns under every tokenizer, and all of them break their lines at the same
places: at the edges of segments, which are words where the tokenizers let them be whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from playground.engine.tokenizers.tokenize import Tokenized
from playground.ui.html import ABBREVIATED, HIDDEN

SHORT, LONG = 8, 14  # columns: of a word that may end at any common cut, and at which every one is broken
BYTE = 1.35  # columns that the two digits of a byte need in the first row
# Scripts whose letters join or are reordered: a run of them is drawn as a whole.
JOINED = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xFB50, 0xFDFF))


@dataclass(frozen=True)
class Item:
    """A part of a text under one tokenizer: one token, several that share a character, or none."""

    start: int
    end: int
    tokens: tuple[int, ...]  # their places among the tokenizer's


@dataclass(frozen=True)
class Columns:
    """The table's columns for the characters [begin, end) of a text.

    Args:
        widths: of each character; 0 stands on the one before it.
        edges: where segments begin, and at last where the text ends.
        silent: by edge, the columns of tokens there that stand for no character ([CLS], <s>).
    """

    begin: int
    end: int
    widths: list[int]
    edges: list[int]
    silent: dict[int, int]

    def width(self, start: int, end: int) -> int:
        """Columns of some of the characters."""
        return sum(self.widths[start - self.begin : end - self.begin])


def joined(character: str) -> bool:
    """Whether its look hangs on the letters beside it."""
    code = ord(character)
    return code >= JOINED[0][0] and any(low <= code <= high for low, high in JOINED)


def direction(text: str, otherwise: str = "ltr") -> str:
    """``rtl`` where the first letter that has a way runs from the right; ``otherwise`` where none has."""
    for character in text:
        runs = unicodedata.bidirectional(character)
        if runs in ("L", "R", "AL"):
            return "ltr" if runs == "L" else "rtl"
    return otherwise


def items(each: Tokenized, first: int, stop: int, begin: int, end: int) -> Iterator[Item]:
    """The tokens [first, stop) in their order, and what of [begin, end) none of them owns."""
    e = each.encoded
    starts, ends, added = (column[first:stop].tolist() for column in (e.starts, e.ends, e.added))
    at, i, n = begin, 0, len(starts)
    while i < n:
        if starts[i] > at:
            yield Item(at, starts[i], ())
        j, reached = i + 1, ends[i]
        while j < n and starts[j] < ends[j - 1] and not added[j]:
            reached = max(reached, ends[j])
            j += 1
        yield Item(starts[i], reached, tuple(range(first + i, first + j)))
        at = max(at, reached)
        i = j
    if at < end:
        yield Item(at, end, ())


def measure(text: str, rows: Sequence[tuple[Tokenized, Sequence[Item]]], begin: int, end: int) -> Columns:
    """The columns that serve all tokenizers; the first one's bytes get room to be read."""
    cuts = [0] * (end - begin + 2)  # +1 where a token begins to span a place, -1 where it no longer does
    hard = [0] * (end - begin + 2)  # the same of tokens that share a character
    begun: set[int] = set()
    for _, parts in rows:
        for part in parts:
            begun.add(part.start)
            low, high = max(part.start, begin) - begin + 1, min(part.end, end) - begin
            if high > low - 1 and part.tokens:
                for line in (cuts, hard)[: 1 + (len(part.tokens) > 1)]:
                    line[low] += 1
                    line[high] -= 1
    widths = [_width(text[place], place in begun or place == begin) for place in range(begin, end)]
    for part in rows[0][1] if rows else ():
        more = int(BYTE * len(part.tokens) + 0.99) - sum(widths[part.start - begin : part.end - begin])
        if len(part.tokens) > 1 and more > 0 and begin <= part.start < end:
            widths[part.start - begin] += more
    wanted = {part.start for _, parts in rows for part in parts if part.tokens and part.start == part.end}
    edges = _edges(text, widths, cuts, hard, wanted, begin, end)
    silent = dict.fromkeys(edges, 0)
    for each, parts in rows:
        here: dict[int, int] = {}
        for part in parts:
            if part.tokens and part.start == part.end:
                edge = next(edge for edge in edges if edge >= min(max(part.start, begin), end))
                piece = each.pieces[int(each.encoded.ids[part.tokens[0]])].piece
                here[edge] = here.get(edge, 0) + sum(_width(c, True) for c in piece) + 1
        for edge, columns in here.items():
            silent[edge] = max(silent[edge], columns)
    return Columns(begin, end, widths, edges, {edge: columns for edge, columns in silent.items() if columns})


def _width(character: str, begins: bool) -> int:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return 1
    if character in "\n\t":
        return 1
    if HIDDEN.match(character):
        return 2 if code < 0x20 else 1 + (len(ABBREVIATED.get(character, f"{code:04X}")) + 1) // 2
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 1 if begins else 0
    return 2 if unicodedata.east_asian_width(character) in "WF" or code >= 0x1F000 else 1


def _edges(
    text: str, widths: list[int], cuts: list[int], hard: list[int], wanted: set[int], begin: int, end: int
) -> list[int]:
    """Words where nobody's token runs on into the next one; what is long is broken wherever it must."""
    edges, spanning, sharing, columns = [begin], 0, 0, 0
    for place in range(begin + 1, end):
        columns += widths[place - 1 - begin]
        spanning += cuts[place - begin]
        sharing += hard[place - begin]
        if sharing or not widths[place - begin]:
            continue
        before, here = text[place - 1], text[place]
        apart = here == " " != before or before == "\n" or columns >= SHORT
        apart = apart or (widths[place - begin] > 1 or widths[place - 1 - begin] > 1)
        must = place in wanted or before == "\n" or columns >= LONG
        if must or (apart and not spanning):
            edges.append(place)
            columns = 0
    return [*edges, end] if end > begin else [begin]
