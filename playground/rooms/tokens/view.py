"""Tokens as coloured chips that flow like a text.

A chip is ``<i class="t …">``; the page's script finds the n-th chip of a lane and looks its details up
in the lane's data island, so that a chip carries nothing but its text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playground.engine.tokenizers.tokenize import Tokenized
from playground.system import cancellation
from playground.ui.html import escape, hexadecimal, visible

COLOURS = "abcd"
LONG = 1_500  # chips; from here on a text comes in blocks that are laid out when they come into sight
BLOCK = 250
Say = Callable[..., str]


def chips(
    each: Tokenized,
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
    added = e.added[first:stop].tolist()
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
            out.append(f'<i class="t {style}{extra(piece.kind, empty)}"{fixed}>{inside}</i>')
        else:
            # Tokens may run over the group's first or last character: the group owns them all.
            subs = "".join(
                f'<i class="t{extra(pieces[ids[k]].kind, False)}">'
                f"{hexadecimal(pieces[ids[k]].bytes) or escape(pieces[ids[k]].piece)}</i>"
                for k in range(i, j)
            )
            whole = visible(text[starts[i] : max(ends[i:j])])
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


def extra(kind: str, empty: bool) -> str:
    """What a chip's class says more than its colour; ``empty`` of one that stands for no character."""
    return {"special": " sp", "byte": " by", "unknown": " un"}.get(kind, " em" if empty else "")


def legend(say: Say) -> str:
    """What the looks of chips mean."""
    entries = [
        '<i class="t a">a</i><i class="t b">b</i> ' + escape(say("tokens.legend_token")),
        '<i class="t sp">[SEP]</i> ' + escape(say("tokens.legend_special")),
        '<span class="g c" style="--w:3"><b>👍</b><span><i class="t by"></i><i class="t by"></i>'
        '<i class="t by"></i></span></span> ' + escape(say("tokens.legend_split")),
        '<i class="t un">[UNK]</i> ' + escape(say("tokens.legend_unknown")),
        "<s> </s> " + escape(say("tokens.legend_space")),
    ]
    return "".join(f"<span>{entry}</span>" for entry in entries)
