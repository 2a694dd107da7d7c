"""A vocabulary to look things up in, and the facts of a tokenizer."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import CharactersAdapter
from playground.engine.tokenizers.pieces import Kind
from playground.system import cancellation

SHOWN = 50
STEP = 4096  # entries, or hits, between two questions whether anybody still waits


@dataclass(frozen=True)
class Found:
    """One entry that a search found."""

    id: int
    piece: str
    text: str  # what it stands for; "" where that is a part of a character
    bytes: bytes
    kind: Kind


@dataclass(frozen=True)
class Facts:
    """What a tokenizer is, as its files say it."""

    kind: str  # class, as the library that runs it names it
    named: str | None  # class, as its tokenizer_config.json names it; None where it names none
    algorithm: str
    size: int
    longest_input: int | None  # model_max_length; None: no limit told
    specials: list[tuple[str, str, int]]  # role, spelling, id
    parts: dict[str, list[str]]  # normalizer, pre_tokenizer, post_processor, decoder → types
    padding_side: str | None
    truncation_side: str | None


def search(adapter: Adapter, query: str, limit: int = SHOWN) -> tuple[list[Found], int]:
    """Entries whose id is the query, or whose spelling or text holds it (capitals do not matter).

    Returns:
        the best ``limit`` (exact ones first, then the shortest) and how many there are in all.
    """
    ids: list[int] = []
    number = query.strip()
    if number.isascii() and number.isdigit() and len(number) < 10 and adapter.piece(int(number)).piece:
        ids.append(int(number))
    if isinstance(adapter, CharactersAdapter):  # all of Unicode: nothing to scan
        ids += [ord(character) for character in query]
        total = len(set(ids))
    else:
        hits = _index(adapter).find(query)
        total = len(set(ids) | set(hits))
        ids += hits[: limit + 1]
    return [_found(adapter, id) for id in dict.fromkeys(ids)][:limit], total


def _found(adapter: Adapter, id: int) -> Found:
    entry = adapter.piece(id)
    try:
        text = entry.bytes.decode()
    except UnicodeDecodeError:
        text = ""
    return Found(id, entry.piece, text, entry.bytes, entry.kind)


class _Index:
    """All spellings and texts in one string: a search is one pass of ``re`` over it."""

    def __init__(self, adapter: Adapter) -> None:
        lines: list[str] = []
        self.starts: list[int] = []
        self.ids: list[int] = []
        self.lengths: list[int] = []  # of what an entry stands for; marks like ## do not count
        at = 0
        for place, id in enumerate(adapter.vocabulary()):
            if place % STEP == 0:
                cancellation.check()
            entry = adapter.piece(id)
            text = entry.bytes.decode("utf-8", "ignore")
            line = (
                f"\0{entry.piece}\0{text}\0".casefold() if text != entry.piece else f"\0{text}\0".casefold()
            )
            self.starts.append(at)
            self.ids.append(id)
            self.lengths.append(len(text) or len(entry.piece))
            lines.append(line)
            at += len(line)
        self.text = "".join(lines)

    def find(self, query: str) -> list[int]:
        query = query.casefold()
        if not query or "\0" in query:
            return []
        best: dict[int, tuple[int, int]] = {}
        for count, match in enumerate(re.finditer(re.escape(query), self.text)):
            if count % STEP == 0:
                cancellation.check()
            line = bisect.bisect_right(self.starts, match.start()) - 1
            exact = self.text[match.start() - 1] == self.text[match.end()] == "\0"
            rank = (not exact, self.lengths[line])
            best[line] = min(best.get(line, rank), rank)
        return [self.ids[line] for line in sorted(best, key=lambda line: (best[line], line))]


def _index(adapter: Adapter) -> _Index:
    found = adapter.memo.get("index")
    if found is None:
        found = adapter.memo["index"] = _Index(adapter)
    return found


def prepare(adapter: Adapter) -> None:
    """Build the index now (half a second for 131,072 entries), so that no search waits for it."""
    if not isinstance(adapter, CharactersAdapter):
        _index(adapter)


def facts(adapter: Adapter) -> Facts:
    """The facts, read from the tokenizer itself, and from the file that names its class.

    Both names are told: transformers 5 makes one class of what older files call LlamaTokenizer and
    LlamaTokenizerFast, and runs many under no name but TokenizersBackend.
    """
    own = adapter.own
    return Facts(
        own.kind,
        own.named,
        adapter.algorithm,
        adapter.size,
        own.longest,
        [(role, adapter.piece(id).piece, id) for role, id in adapter.specials().items()],
        {name: [step["type"] for step in steps] for name, steps in adapter.parts.items()},
        own.padding_side,
        own.truncation_side,
    )
