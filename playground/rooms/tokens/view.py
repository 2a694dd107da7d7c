"""Tokens as coloured chips, several tokenizers side by side.

A chip is ``<i class="t …">``; the page's script finds the n-th chip of a lane and looks its details up
in the lane's data island, so that a chip carries nothing but its text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from playground import text as words
from playground.engine.tokenizers.pieces import distinct
from playground.engine.tokenizers.tokenize import SHOWN, Tokenized
from playground.system import cancellation
from playground.ui.html import escape, hexadecimal, island, note, number, visible

COLOURS = "abcd"
PAGE = 20_000  # chips that a browser paints well within half a second
LONG = 1_500  # chips; from here on a lane comes in blocks that are laid out when they come into sight
BLOCK = 250
Say = Callable[..., str]


def pages(several: Sequence[Tokenized]) -> int:
    """How many parts the texts are shown in."""
    return max(1, -(-sum(each.count for each in several) // PAGE))


def compare(
    several: Sequence[Tokenized], agreed: Sequence[np.ndarray], lang: str, *, page: int = 1, live: bool = True
) -> str:
    """One text under several tokenizers, side by side: the Compare view."""
    say: Say = partial(words.say, lang=lang)
    if not several:
        return note(say("tokens.choose_one"))
    text, parts = several[0].text, pages(several)
    page = min(max(page, 1), parts)
    begin, end = (round(len(text) * share / parts) for share in (page - 1, page))
    most = max(each.count for each in several)
    lanes = "".join(
        _lane(each, marks, most, begin, end, page == parts, say)
        for each, marks in zip(several, agreed, strict=True)
    )
    labels = {
        key: say(f"tokens.detail_{key}") for key in ("id", "piece", "text", "bytes", "span", "others", "none")
    }
    kinds = {key: say(f"tokens.kind_{key}") for key in ("special", "byte", "unknown")}
    head = (
        note(say("tokens.part_of", page=page, parts=parts, characters=number(len(text)))) if parts > 1 else ""
    )
    data = island({"text": text[begin:end], "at": begin, "labels": labels, "kinds": kinds})
    return (
        f'{head}<div class="tok-lanes">{data}{lanes}</div>'
        f'<div class="tok-detail" role="status" aria-live="polite">{escape(say("tokens.hover_hint"))}</div>'
        f'<div class="tok-legend">{_legend(say, len(several) > 1)}</div>'
    )


def _lane(each: Tokenized, marks: np.ndarray, most: int, begin: int, end: int, last: bool, say: Say) -> str:
    starts = each.encoded.starts
    first = int(np.searchsorted(starts, begin)) if begin else 0
    stop = each.count if last else int(np.searchsorted(starts, end))
    facts = [
        say("tokens.per_token", value=number(each.characters_per_token, 2)),
        say("tokens.per_word", value=number(each.tokens_per_word, 2)),
    ]
    if each.added:
        facts.insert(0, say("tokens.of_them_special", count=each.added))
    normalized = ""
    if each.normalized is not None and each.algorithm != "BPE with byte fallback":
        shown = each.normalized + ("…" if len(each.text) > SHOWN else "")
        normalized = (
            f'<p class="tok-normal">{escape(say("tokens.normalized"))} <code>{visible(shown)}</code></p>'
        )
    share = 100 * each.count / most if most else 0
    return (
        f'<section class="tok-lane" data-name="{escape(each.tokenizer)}">'
        f"<header><h4>{escape(each.tokenizer)}</h4>"
        f'<span class="tok-kind">{escape(each.algorithm)} · {number(each.vocabulary)}</span>'
        f'<span class="tok-count"><b>{number(each.count)}</b> {escape(say("tokens.tokens"))}</span></header>'
        f'<div class="tok-bar"><span style="width:{share:.1f}%"></span></div>'
        f'<p class="tok-facts">{escape(" · ".join(facts))}</p>'
        f'<div class="tok-text" dir="auto" tabindex="0" role="group" '
        f'aria-label="{escape(say("tokens.lane_label", name=each.tokenizer))}">'
        f"{chips(each, marks, first, stop, begin, end if not last else len(each.text))}</div>{normalized}"
        f"{_data(each, first, stop)}</section>"
    )


def _data(each: Tokenized, first: int, stop: int) -> str:
    e = each.encoded
    ids = e.ids[first:stop]
    pieces = {}
    for id in distinct(ids):
        piece = each.pieces[id]
        pieces[id] = [piece.piece, hexadecimal(piece.bytes), "" if piece.kind == "text" else piece.kind]
    return island(
        {"i": ids.tolist(), "s": e.starts[first:stop].tolist(), "e": e.ends[first:stop].tolist(), "p": pieces}
    )


def chips(
    each: Tokenized,
    marks: np.ndarray,
    first: int,
    stop: int,
    begin: int,
    end: int,
    sources: Sequence[str] = (),
) -> str:
    """The tokens [first, stop) as chips, and the text that no token owns between them.

    Tokens that share a character stand in one group: the character once, under it a sub-chip a token.
    A long text comes in blocks, cut at line ends where there are any: a browser lays out what is in sight.
    """
    e, text, pieces = each.encoded, each.text, each.pieces
    ids, starts, ends = (column[first:stop].tolist() for column in (e.ids, e.starts, e.ends))
    added, agreed = e.added[first:stop].tolist(), marks[first:stop].tolist()
    out: list[str] = []
    at, colour, n, i, opened = begin, 0, len(ids), 0, 0
    long = stop - first > LONG
    while i < n:
        if i % BLOCK == 0:
            cancellation.check()
        if starts[i] > at:
            out.append(visible(text[at : starts[i]]))
        j = i + 1
        while j < n and starts[j] < ends[j - 1] and not added[j]:
            j += 1
        colour = (colour + 1) % 4
        style = COLOURS[colour] + (f" src-{sources[first + i]}" if sources else "")
        if j == i + 1:
            piece = pieces[ids[i]]
            empty = starts[i] == ends[i]
            inside = escape(piece.piece) if empty else visible(text[starts[i] : ends[i]])
            # A special token's letters must not decide which way an Arabic text runs.
            fixed = ' dir="ltr"' if added[i] else ""
            out.append(f'<i class="t {style}{_extra(piece.kind, agreed[i], empty)}"{fixed}>{inside}</i>')
        else:
            # Tokens may run over the group's first or last character: the group owns them all.
            subs = "".join(
                f'<i class="t{_extra(pieces[ids[k]].kind, True, False)}">'
                f"{hexadecimal(pieces[ids[k]].bytes) or escape(pieces[ids[k]].piece)}</i>"
                for k in range(i, j)
            )
            whole = visible(text[starts[i] : max(ends[i:j])])
            style += "" if all(agreed[i:j]) else " no"
            out.append(f'<span class="g {style}"><b>{whole}</b><span>{subs}</span></span>')
        at = max(at, max(ends[i:j]))
        i = j
        if long and i - opened >= BLOCK and (text[at - 1 : at] == "\n" or i - opened >= 2 * BLOCK):
            out.append('</div><div class="tok-block" dir="auto">')
            opened = i
    if at < end:
        out.append(visible(text[at:end]))
    body = "".join(out)
    return f'<div class="tok-block" dir="auto">{body}</div>' if long else body


def _extra(kind: str, agreed: bool, empty: bool) -> str:
    extra = {"special": " sp", "byte": " by", "unknown": " un"}.get(kind, " em" if empty else "")
    return extra if agreed else extra + " no"


def _legend(say: Say, several: bool) -> str:
    entries = [
        '<i class="t a">a</i><i class="t b">b</i> ' + escape(say("tokens.legend_token")),
        '<i class="t sp">[SEP]</i> ' + escape(say("tokens.legend_special")),
        '<span class="g c"><b>👍</b><span><i class="t by">F0</i><i class="t by">9F</i></span></span> '
        + escape(say("tokens.legend_split")),
        '<i class="t un">[UNK]</i> ' + escape(say("tokens.legend_unknown")),
    ]
    if several:
        entries.append('<i class="t d no">ab</i> ' + escape(say("tokens.legend_differs")))
    return "".join(f"<span>{entry}</span>" for entry in entries)
