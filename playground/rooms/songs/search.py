"""Find a song by title or artist, in Chinese or Latin, with typos: exact pieces first, then shared trigrams.

Everything is folded first: case, accents and width go, Traditional becomes Simplified, marks become blanks.
All songs stand in one long text, so that a piece is found by one scan; only what the scan misses costs more.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playground import ASSETS
from playground.rooms.songs.library import Library
from playground.system import cancellation

MARKS = re.compile(r"[^\w]+|_+")
MOST = 3_000  # rows that are ranked
FUZZY = 60  # rows whose spelling is compared letter by letter
LONGEST = 100  # characters of a query


@functools.cache
def _table() -> dict[int, str]:
    """Traditional to Simplified, one character for one (OpenCC's table)."""
    path = ASSETS / "songs" / "simplified.txt"
    traditional, simplified = path.read_text(encoding="utf-8").split("\n")[:2]
    # Letters that no accent is part of, as they are typed without.
    plain = dict(zip("ıøłđðæœßþ", ("i", "o", "l", "d", "d", "ae", "oe", "ss", "th"), strict=True))
    return str.maketrans(dict(zip(traditional, simplified, strict=True)) | plain)


def fold(text: str) -> str:
    """A spelling that others share: ``Beyoncé`` → ``beyonce``, ``愛`` → ``爱``, ``AC/DC`` → ``ac dc``."""
    if text.isascii():
        return MARKS.sub(" ", text.lower()).strip()
    apart = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(c for c in apart if not (unicodedata.combining(c) and ord(c) < 0x3000))
    whole = unicodedata.normalize("NFC", kept)  # Hangul and kana fall apart too, and are put together
    return MARKS.sub(" ", whole.translate(_table())).strip()


@dataclass(frozen=True, eq=False)
class Index:
    """A library made ready for searching: see `index`."""

    library: Library
    fields: tuple[tuple[str, ...], ...]  # of each row: title, artist, other spellings; folded
    text: str  # all rows, a line each
    starts: NDArray[np.int64]  # [songs], where each row begins in the text
    tight: str  # the same without blanks: "qilixiang" finds "qi li xiang"
    tight_starts: NDArray[np.int64]
    grams: NDArray[np.int64]  # [trigrams], their codes, sorted
    owners: NDArray[np.int32]  # [trigrams], their rows
    sizes: NDArray[np.int32]  # [songs], trigrams of each row


def index(library: Library) -> Index:
    """Make a library ready: a second for 75,000 songs."""
    fields = tuple(
        (fold(song.title), fold(song.artist), *(fold(each) for each in song.also.split(";") if each))
        for song in cancellation.asking(library.songs)
    )
    spaced = [" ".join(row) for row in fields]
    tight = ["".join(row).replace(" ", "") for row in fields]
    grams, owners = _grams(spaced)
    order = np.argsort(grams, kind="stable")
    sizes = np.bincount(owners, minlength=len(library)).astype(np.int32)
    return Index(
        library, fields, "\n".join(spaced), _starts(spaced), "\n".join(tight), _starts(tight),
        grams[order], owners[order], sizes,
    )  # fmt: skip


def _starts(rows: list[str]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([len(row) + 1 for row in rows])])[:-1].astype(np.int64)


def _grams(rows: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Codes of all trigrams of all rows, blanks at both ends, and whose they are."""
    padded = [f"  {row} \0" for row in rows]
    points = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.int64)
    owners = np.repeat(np.arange(len(rows), dtype=np.int32), [len(row) for row in padded])
    codes = (points[:-2] << 42) ^ (points[1:-1] << 21) ^ points[2:]
    whole = (points[:-2] > 0) & (points[1:-1] > 0) & (points[2:] > 0)
    return codes[whole], owners[:-2][whole]


def search(ready: Index, query: str, count: int = 8) -> list[int]:
    """The rows that fit a query best, best first; none for an empty query.

    Whole titles come first, then beginnings, then pieces; then what is spelled alike; of equals the song that
    is in more playlists.
    """
    asked = fold(query[:LONGEST])
    if not asked:
        return []
    pieces = asked.split()
    rows = _holding(ready.text, ready.starts, max(pieces, key=len))
    if len(pieces) > 1:
        rows = [
            row for row in rows if all(any(piece in part for part in ready.fields[row]) for piece in pieces)
        ]
    if not rows and len(asked.replace(" ", "")) > 1:
        rows = _holding(ready.tight, ready.tight_starts, asked.replace(" ", ""))
    counts = ready.library.counts
    ranked = sorted(rows, key=lambda row: (-_fit(ready.fields[row], asked, pieces), -counts[row]))[:count]
    if len(ranked) < count:
        ranked += [row for row in _alike(ready, asked) if row not in set(rows)][: count - len(ranked)]
    return ranked


def _holding(text: str, starts: NDArray[np.int64], piece: str) -> list[int]:
    """Rows of a text that hold a piece, in order."""
    found: list[int] = []
    at = text.find(piece)
    while at >= 0 and len(found) < MOST:
        row = int(np.searchsorted(starts, at, "right")) - 1
        found.append(row)
        at = text.find(piece, int(starts[row + 1])) if row + 1 < len(starts) else -1
    return found


def _fit(fields: tuple[str, ...], asked: str, pieces: list[str]) -> float:
    """How well a row fits: 6 a whole title, 5 a whole artist, 4 and 3 a beginning, 2 a word, 1 a piece."""
    best = 0.0
    for number, part in enumerate(fields):
        if part == asked:
            best = max(best, 5 if number == 1 else 6)
        elif part.startswith(asked):
            best = max(best, 3 if number == 1 else 4)
        elif f" {asked}" in part:
            best = max(best, 2)
    if len(pieces) > 1 and not best:  # "jay chou qilixiang": a whole title among the words
        best = max(1.0, *(4.5 if len(part) > 2 and part in asked else 1.0 for part in fields))
    return best or 1.0


def _alike(ready: Index, asked: str) -> list[int]:
    """Rows that share trigrams with what was typed, those nearest in spelling first."""
    wanted, _ = _grams([asked])
    lefts = np.searchsorted(ready.grams, wanted, "left")
    rights = np.searchsorted(ready.grams, wanted, "right")
    slices = [ready.owners[left:right] for left, right in zip(lefts, rights, strict=True)]
    shared = np.bincount(np.concatenate(slices), minlength=len(ready.sizes)).astype(np.float32)
    likeness = shared / np.sqrt(np.maximum(ready.sizes, 1))
    some = np.argsort(-likeness, kind="stable")[:FUZZY]
    scored = []
    for row in some[likeness[some] > 0]:
        fields = ready.fields[row]
        whole = (*fields, f"{fields[0]} {fields[1]}", f"{fields[1]} {fields[0]}")
        near = max(
            difflib.SequenceMatcher(None, asked, part, autojunk=False).ratio() for part in whole if part
        )
        if near >= 0.6:
            scored.append((-near, -int(ready.library.counts[row]), int(row)))
    return [row for _, _, row in sorted(scored)]
