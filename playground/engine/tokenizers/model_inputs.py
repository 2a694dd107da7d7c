"""Texts → what a network is given: ids cut at its length, and what was counted before the cut.

The work of a library's tokenizer alone, apart from the network: of a stranger's tokenizer it is done in a
process of its own (`playground.engine.tokenizers.sandbox_requests`), of every other one in this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.pieces import packed, unpacked
from playground.engine.tokenizers.sandboxed import ConfinedAdapter
from playground.engine.tokenizers.truncation import cutting
from playground.models.cache import Loaded
from playground.models.sandbox.tokenizer import ConfinedTokenizer


@dataclass(frozen=True, eq=False)
class Rows:
    """Some texts as ids.

    Args:
        ids: of each text, cut.
        tokens: of each text, before the cut, [n].
        unknown: of these, how many stand for what the vocabulary lacks, [n].
        begin: id that may stand for an empty text (its first special token); None where there is none.
    """

    ids: list[list[int]]
    tokens: NDArray[np.int32]
    unknown: NDArray[np.int32]
    begin: int | None


@dataclass(frozen=True)
class Fed:
    """One text as the library's tokenizer gives it when asked for everything.

    Args:
        features: what ``**tokens`` unpacks to (``input_ids``, ``attention_mask`` …), each [n].
        pieces: as the vocabulary spells them, [n].
        spans: start and end in code points by the library, [n].
        special: put around the text, [n].
        longer: the text has more tokens than these.
    """

    features: dict[str, list[int]]
    pieces: list[str]
    spans: list[tuple[int, int]]
    special: list[bool]
    longer: bool


def rows(loaded: Loaded, texts: Sequence[str], limit: int) -> Rows:
    """Texts as ids, none longer than ``limit`` tokens, with the special tokens around them.

    Raises:
        TookTooLong, DoesNotFit: from a tokenizer in a process of its own.
    """
    confined = _confined(loaded)
    if confined is None:
        with cutting(loaded) as tokenizer:
            return made_rows(tokenizer, texts, limit)
    answer, columns = _ask(confined, "rows", texts, limit)
    return Rows(
        unpacked(columns["ids"], columns["lengths"]), columns["tokens"], columns["unknown"], answer["begin"]
    )


def fed(loaded: Loaded, texts: Sequence[str], limit: int) -> list[Fed]:
    """Each text with all that the library's tokenizer tells of it, cut at ``limit`` tokens.

    Raises:
        As `rows`.
    """
    confined = _confined(loaded)
    if confined is None:
        with cutting(loaded) as tokenizer:
            return made_fed(tokenizer, texts, limit)
    answer, _ = _ask(confined, "fed", texts, limit)
    return [
        Fed(**{**each, "spans": [(start, end) for start, end in each["spans"]]}) for each in answer["fed"]
    ]


def _ask(confined: ConfinedAdapter, what: str, texts: Sequence[str], limit: int) -> Any:
    """The other process's answer of this name for these texts, and its columns."""
    given = {"texts": list(texts), "limit": limit}
    return confined.ask(what, given, characters=sum(map(len, texts)))


def _confined(loaded: Loaded) -> ConfinedAdapter | None:
    """The adapter in another process; None where the tokenizer is in this one."""
    if not isinstance(loaded.tokenizer, ConfinedTokenizer):
        return None  # and no adapter is made: what only cuts needs none
    found = adapter(loaded)
    assert isinstance(found, ConfinedAdapter)
    return found


def made_rows(tokenizer: Any, texts: Sequence[str], limit: int) -> Rows:
    """`rows`, by a transformers tokenizer that nobody else uses meanwhile (`cutting`)."""
    given = list(texts)
    extra = tokenizer.num_special_tokens_to_add(pair=False)
    bare = tokenizer(given, add_special_tokens=False, truncation=False, return_attention_mask=False,
                     return_token_type_ids=False, verbose=False)["input_ids"]  # fmt: skip
    counts = np.array([len(each) + extra for each in bare], np.int32)
    nobody = tokenizer.unk_token_id
    unknown = np.zeros(len(given), np.int32)
    if nobody is not None:
        unknown[:] = [each.count(nobody) for each in bare]
    room = max(1, limit - extra)
    if extra:
        around = tokenizer("")["input_ids"]  # what stands before a text, and what behind it
        if len(around) == extra == 2:
            ids = [[around[0], *each[:room], around[1]] for each in bare]
        else:
            ids = tokenizer(given, truncation=True, max_length=limit, return_attention_mask=False,
                            return_token_type_ids=False)["input_ids"]  # fmt: skip
    else:
        ids = [each[:room] for each in bare]
    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    return Rows(ids, counts, unknown, begin)


def made_fed(tokenizer: Any, texts: Sequence[str], limit: int) -> list[Fed]:
    """`fed`, by a transformers tokenizer that nobody else uses meanwhile (`cutting`)."""
    found = []
    for text in texts:
        cut = tokenizer(
            text, truncation=True, max_length=limit, return_offsets_mapping=True,
            return_special_tokens_mask=True, return_overflowing_tokens=False,
        )  # fmt: skip
        ids = cut["input_ids"]
        spans = [(int(start), int(end)) for start, end in cut.pop("offset_mapping")]
        special = [bool(flag) for flag in cut.pop("special_tokens_mask")]
        pieces = list(tokenizer.convert_ids_to_tokens(ids))
        longer = len(ids) == limit < len(tokenizer(text)["input_ids"])
        found.append(Fed({name: list(cut[name]) for name in cut}, pieces, spans, special, longer))
    return found


def columns_of(made: Rows) -> dict[str, NDArray[np.int32]]:
    """Rows as columns, for the way from one process to another; ``begin`` goes beside them."""
    ids, lengths = packed(made.ids)
    return {"ids": ids, "lengths": lengths, "tokens": made.tokens, "unknown": made.unknown}
