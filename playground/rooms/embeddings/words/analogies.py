"""Words as vectors: neighbours, arithmetic, the odd one out, and the spelling nearest to an unknown word.

Hands-On Large Language Models, ch. 2, "Word Embeddings Beyond LLMs". Scores are gensim's ``most_similar``:
the cosine to the mean of the positive words' unit vectors minus the negative ones' (Mikolov et al. 2013,
3CosAdd). gensim leaves the words that were given out of its answer; the book's
``most_similar([model["king"]], topn=11)`` leaves them in.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.rooms.embeddings.words.catalogue import LENGTHS
from playground.system import cancellation

MOST = 100  # neighbours at once
GIVEN = 20  # words that can be added and subtracted, or compared
LONGEST = 60  # characters of a word
FAR = 3  # letters that a spelling may differ in
EXAMINED = 400  # spellings that are compared letter by letter
BLOCK = 1 << 16  # words whose similarity is computed at once
LETTERS = 27  # a to z, and one place for all others
Matrix = NDArray[np.float32]
Rows = TypeVar("Rows", bound=Any)
# A million words' letters take seconds and memory: two visitors wait for one count.
_counting = threading.Lock()


@dataclass(frozen=True)
class Scored:
    """A word and its cosine to what was asked; ``given``: it is one of the words asked for."""

    word: str
    score: float
    given: bool = False


@dataclass(frozen=True, eq=False)
class Compared:
    """Words side by side.

    Args:
        words: as the source knows them.
        matrix: all pairs' cosines.
        centred: each word's cosine to the mean of all.
        odd: the place of the one farthest from it; -1 for fewer than three words.
    """

    words: tuple[str, ...]
    vectors: Matrix
    matrix: Matrix
    centred: tuple[float, ...]
    odd: int


def parse(typed: str) -> list[str]:
    """The words of a box, parted by commas, semicolons, lines; by blanks where there is nothing else.

    Raises:
        BadInput: too many of them, or one longer than any word.
    """
    if not isinstance(typed, str):
        raise BadInput("not_text", kind=type(typed).__name__)
    parts = re.split(r"[,;，、；\n\t]+", typed)
    if len([part for part in parts if part.strip()]) == 1:
        parts = typed.split()
    found = [" ".join(part.split()) for part in parts if part.strip()]
    if len(found) > GIVEN:
        raise BadInput("words_too_many", most=GIVEN)
    for word in found:
        if len(word) > LONGEST:
            raise BadInput("words_too_long", most=LONGEST)
    return found


def lookup(loaded: Loaded, word: str) -> str:
    """The spelling under which a source knows a word.

    As typed; else in small letters, capitalised, with ``_`` for blanks (word2vec's phrases).

    Raises:
        BadInput: it knows none of these; with the nearest spellings.
    """
    if not isinstance(word, str):
        raise BadInput("not_text", kind=type(word).__name__)
    word = unicodedata.normalize("NFC", word.strip())
    if not word:
        raise BadInput("words_empty")
    if len(word) > LONGEST:
        raise BadInput("words_too_long", most=LONGEST)
    known = loaded.model.key_to_index
    for one in (word, word.replace(" ", "_"), word.replace(" ", "-")):
        for form in (one, one.lower(), one.capitalize(), one.title(), one.upper()):
            if form in known:
                return form
    near = spellings(loaded, word)
    if near:
        raise BadInput("words_unknown", word=word, source=loaded.card.name, near=", ".join(near))
    raise BadInput("words_unknown_far", word=word, source=loaded.card.name)


def similar(
    loaded: Loaded,
    positive: Sequence[str],
    negative: Sequence[str] = (),
    count: int = 10,
    *,
    include: bool = False,
) -> list[Scored]:
    """The words nearest to a sum of words, best first.

    Args:
        loaded: gensim's ``KeyedVectors``, leased as ``words``.
        include: leave the words that were given among the answers, as the book does.

    Raises:
        BadInput: no words, unknown ones, a count outside 1 to `MOST`, or words that cancel out.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
        raise BadInput("words_count", most=MOST)
    plus, minus = ([lookup(loaded, word) for word in words] for words in (positive, negative))
    if not plus and not minus:
        raise BadInput("words_empty")
    if len(plus) + len(minus) > GIVEN:
        raise BadInput("words_too_many", most=GIVEN)
    known = loaded.model.key_to_index
    rows = [known[word] for word in plus + minus]
    signs = np.array([1.0] * len(plus) + [-1.0] * len(minus), np.float32)
    wanted = (unit(loaded, rows) * signs[:, None]).mean(0)
    length = float(np.linalg.norm(wanted))
    if length < 1e-6:
        raise BadInput("words_cancel")
    scores = _scores(loaded, wanted / np.float32(length))
    if not include:
        scores[rows] = -np.inf
    count = min(count, len(scores) - (0 if include else len(set(rows))))
    if count < 1:
        return []
    best = np.argpartition(-scores, count - 1)[:count]
    best = best[np.lexsort((best, -scores[best]))]
    names, given = loaded.model.index_to_key, set(rows)
    # Rounding puts a word's cosine to itself at 1.0000001.
    return [Scored(names[row], float(np.clip(scores[row], -1, 1)), int(row) in given) for row in best]


def unit(loaded: Loaded, rows: Sequence[int]) -> Matrix:
    """The vectors of some rows at length 1 (a zero vector stays one), [n, width]."""
    some = loaded.model.vectors[list(rows)].astype(np.float32)
    lengths = np.linalg.norm(some, axis=1, keepdims=True)
    return np.asarray(some / np.where(lengths > 0, lengths, 1), np.float32)


def _scores(loaded: Loaded, wanted: Matrix) -> Matrix:
    """The cosine of every word to a unit vector, a block at a time: three million words make no copy."""
    vectors = loaded.model.vectors
    lengths = loaded.memo.get(LENGTHS)
    if lengths is None:
        parts = [np.linalg.norm(some, axis=1) for some in _blocks(vectors)]
        whole = np.concatenate(parts).astype(np.float32)
        lengths = loaded.memo[LENGTHS] = np.where(whole > 0, whole, np.inf)
    cosines = np.concatenate([some @ wanted for some in _blocks(vectors)])
    return np.asarray(cosines / lengths, np.float32)


def _blocks(rows: Rows) -> Iterator[Rows]:
    """Rows, so many at once, as long as anybody waits for what is made of them."""
    for at in range(0, len(rows), BLOCK):
        cancellation.check()
        yield rows[at : at + BLOCK]


def compare(loaded: Loaded, words: Sequence[str]) -> Compared:
    """All pairs of some words, and which of them does not fit (gensim's ``doesnt_match``).

    Raises:
        BadInput: fewer than two, or unknown ones.
    """
    found = list(dict.fromkeys(lookup(loaded, word) for word in words))
    if len(found) < 2:
        raise BadInput("words_two")
    if len(found) > GIVEN:
        raise BadInput("words_too_many", most=GIVEN)
    rows = [loaded.model.key_to_index[word] for word in found]
    whole = unit(loaded, rows)
    matrix = np.clip(whole @ whole.T, -1, 1)
    np.fill_diagonal(matrix, 1)
    centre = whole.mean(0)
    length = float(np.linalg.norm(centre))
    centred = whole @ (centre / np.float32(length or 1))
    odd = int(centred.argmin()) if len(found) > 2 else -1
    vectors = loaded.model.vectors[rows].astype(np.float32)
    return Compared(tuple(found), vectors, matrix, tuple(map(float, centred)), odd)


def around(loaded: Loaded, words: Sequence[str], count: int) -> tuple[list[str], list[int], Matrix]:
    """Some words and their nearest ones, for a map.

    Returns:
        the words, those that were asked for first; whose neighbour each is (a place among them); vectors.
    """
    asked = list(dict.fromkeys(lookup(loaded, word) for word in words))
    if not asked:
        raise BadInput("words_empty")
    names, group = list(asked), list(range(len(asked)))
    if count:
        for place, word in enumerate(asked):
            fresh = [each.word for each in similar(loaded, [word], count=min(MOST, count))]
            fresh = [other for other in fresh if other not in names]
            names += fresh
            group += [place] * len(fresh)
    rows = [loaded.model.key_to_index[word] for word in names]
    return names, group, loaded.model.vectors[rows].astype(np.float32)


def spellings(loaded: Loaded, word: str, count: int = 5) -> list[str]:
    """Known words whose letters are nearest to a word's (fewest changes; frequent words first).

    Only those whose letters, counted, could be near are compared letter by letter.
    """
    words = loaded.model.index_to_key
    with cancellation.turn(_counting):
        if "words.letters" not in loaded.memo:
            loaded.memo["words.letters"] = _letters(words)
    counts = loaded.memo["words.letters"]
    asked = word.lower()
    wanted = _letters([asked])[0].astype(np.int16)
    # A change of one letter moves these counts by two at most.
    apart = np.concatenate([np.abs(some.astype(np.int16) - wanted).sum(1) for some in _blocks(counts)])
    near = np.flatnonzero(apart <= 2 * FAR)
    near = near[np.argsort(apart[near], kind="stable")][:EXAMINED]
    allowed = min(FAR, len(asked) // 2)
    found = sorted(
        (changes, int(row)) for row in near if (changes := _changes(asked, words[row].lower())) <= allowed
    )
    return list(dict.fromkeys(words[row] for _, row in found))[:count]


def _letters(words: Sequence[str]) -> NDArray[np.uint8]:
    """How often each letter stands in each word, [words, LETTERS]; a block at a time, as `_scores`."""
    parts = [_letters_of(some) for some in _blocks(words)]
    return np.concatenate(parts) if parts else np.zeros((0, LETTERS), np.uint8)


def _letters_of(words: Sequence[str]) -> NDArray[np.uint8]:
    joined = "\n".join(word.lower().replace("\n", " ") for word in words)
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    ends = codes == 10
    row = np.cumsum(ends)[~ends]
    letter = codes[~ends].astype(np.int64) - 97
    letter = np.where((letter >= 0) & (letter < LETTERS - 1), letter, LETTERS - 1)
    counts = np.bincount(row * LETTERS + letter, minlength=len(words) * LETTERS)
    return np.minimum(counts, 255).astype(np.uint8).reshape(len(words), LETTERS)


def _changes(one: str, other: str) -> int:
    """Letters to insert, delete, replace or swap to make one word the other (Damerau 1964)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            least = min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                least = min(least, older[j - 2] + 1)
            row.append(least)
    return row[-1]


def analogies(loaded: Loaded, questions: Sequence[tuple[str, str, str]]) -> list[str | None]:
    """The best answer to many "a is to b as c is to …" at once; None where a word is not known.

    The answer is that of ``similar([b, c], [a], 1)``; the question's own words are excluded.
    """
    known, names = loaded.model.key_to_index, loaded.model.index_to_key
    asked = sorted({word for question in questions for word in question if word in known})
    place = {word: number for number, word in enumerate(asked)}
    # The score of b + c − a is the sum of its parts, each needed once.
    vectors = loaded.model.get_normed_vectors()
    scores = np.ascontiguousarray((vectors @ unit(loaded, [known[word] for word in asked]).T).T)
    answers: list[str | None] = []
    for question in questions:
        if not all(word in place for word in question):
            answers.append(None)
            continue
        a, b, c = (place[word] for word in question)
        total = scores[b] + scores[c] - scores[a]
        total[[known[word] for word in question]] = -np.inf
        answers.append(names[int(total.argmax())])
    return answers
