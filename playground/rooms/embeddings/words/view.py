"""Words to HTML: neighbours with and without the words given, all pairs, places on a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.rooms.embeddings.words.analogies import Compared
from playground.ui import point_map
from playground.ui.html import escape, island, note, number
from playground.ui.strips import similarities, strip, strongest

Answers = Sequence[Mapping[str, Any]]
"""Rows of word, score and given."""


def near(plus: Sequence[str], minus: Sequence[str], excluded: Answers, included: Answers, lang: str) -> str:
    """The sum that was asked, and its nearest words twice: without the words given, and with them."""
    say = partial(text.say, lang=lang)
    asked = " + ".join(f"<b dir='auto'>{escape(word)}</b>" for word in plus)
    asked += "".join(f" − <b dir='auto'>{escape(word)}</b>" for word in minus)
    best = f" ≈ <b dir='auto'>{escape(excluded[0]['word'])}</b>" if excluded else ""
    first = included[0] if included else None
    told = ""
    if first and first["given"]:
        told = note(say("words.included_first", word=first["word"], score=f"{first['score']:.3f}"))
    elif first:
        told = note(say("words.included_other"))
    keys = ("own", "add", "subtract", "cosine", "given")
    words = island({key: say(f"words.inspect_{key}") for key in keys})
    return (
        f'{words}<p class="wrd-said">{asked}{best}</p><div class="vec-two">'
        f"<section><h5>{escape(say('words.excluded'))}</h5>{_bars(excluded, lang)}</section>"
        f"<section><h5>{escape(say('words.included'))}</h5>{_bars(included, lang)}</section></div>{told}"
    )


def _bars(rows: Answers, lang: str) -> str:
    if not rows:
        return note(text.say("words.nothing", lang))
    items = "".join(
        f'<li class="{"given" if row["given"] else ""}"><button type="button" dir="auto" '
        f'data-word="{escape(row["word"])}">{escape(row["word"])}</button>'
        f'<i style="width:{100 * max(0.0, row["score"]):.1f}%"></i><small>{row["score"]:.3f}</small></li>'
        for row in rows
    )
    return f'<ol class="wrd-near">{items}</ol>'


def compared(result: Compared, lang: str) -> str:
    """Two words' cosine, or the odd one out of several; all pairs; their numbers."""
    say = partial(text.say, lang=lang)
    if result.odd < 0:
        one, other = result.words[:2]
        cosine = f"{result.matrix[0, 1]:.3f}"
        head = (
            f'<p class="wrd-said">{escape(say("words.similarity", one=one, other=other, cosine=cosine))}</p>'
        )
    else:
        pairs = zip(result.words, result.centred, strict=True)
        cosines = ", ".join(
            f"{word} {cosine:.3f}" for word, cosine in sorted(pairs, key=lambda each: each[1])
        )
        head = (
            f'<p class="wrd-said">{escape(say("words.odd", word=result.words[result.odd]))}</p>'
            f"{note(say('words.odd_why', cosines=cosines))}"
        )
    names = [f"<span dir='auto'>{escape(word)}</span>" for word in result.words]
    most = strongest(result.vectors)
    rows = ""
    for word, values in zip(result.words, result.vectors, strict=True):
        listed = " ".join(f"{value:+.3f}" for value in values[:5]) + " …"
        rows += f"<li><b>{escape(word)}</b>{strip(values, most)}<small>{escape(listed)}</small></li>"
    return (
        f"{head}<h5>{escape(say('words.matrix'))}</h5>{similarities(result.matrix, names, marked=result.odd)}"
        f'<h5>{escape(say("words.strips"))}</h5><ul class="vec-rows">{rows}</ul>'
    )


def mapped(
    points: NDArray[np.float32],
    words: Sequence[str],
    groups: Sequence[int],
    notes: Sequence[str],
    near: point_map.Near,
    lang: str,
) -> str:
    """Words at their places; those asked for in bold.

    Args:
        groups: whose neighbour each is; the words that were asked for come first and stand for themselves.
        near: each word's true neighbours among all.
    """
    asked = len(set(groups))
    told = text.say("words.map_told", lang, count=number(len(words)))
    titles = [word if i < asked else f"{word} · {words[groups[i]]}" for i, word in enumerate(words)]
    return point_map.chart(
        point_map.filling(points), words, groups, words[:asked], lang, marked=range(asked), notes=notes,
        titles=titles, named=range(len(words)), title=told, near=near, find=False,
    )  # fmt: skip


def about(source: str, count: int, width: int, lang: str) -> str:
    """What a source holds; of the embedded one and the book's, what it really is."""
    told = note(text.say("words.facts", lang, source=source, count=number(count), width=number(width)))
    known = {"minilm-words": "about_minilm", "glove-wiki-gigaword-50": "about_glove"}.get(source)
    return told + (note(text.say(f"words.{known}", lang)) if known else "")
