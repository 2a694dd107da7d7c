"""One text under several tokenizers as rows of letters, column beneath column: the Compare view.

Each tokenizer is a lane of its own in the page, so that it can be read, pointed at and copied alone. The
style sheet lays lanes over each other, line by line, which fits because all of them are as wide everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate

import numpy as np

from playground import text as words
from playground.engine.tokenizers.pieces import distinct
from playground.engine.tokenizers.tokenize import SHOWN, Tokenized
from playground.rooms.tokens.columns import Columns, Item, direction, items, joined, measure
from playground.rooms.tokens.view import COLOURS, Say, extra, legend
from playground.system import cancellation
from playground.ui.html import escape, hexadecimal, island, note, number, visible

PAGE = 20_000  # chips that a browser paints well within half a second
LONG = 1_500  # chips; from here on lanes come in blocks that are laid out when they come into sight
BLOCK = 120  # segments
TOGETHER = 22  # columns that a phone has room for
DETAILS = ("tokenizer", "id", "piece", "text", "bytes", "span", "kind", "others", "none", "hint")


def pages(several: Sequence[Tokenized]) -> int:
    """How many parts the texts are shown in."""
    return max(1, -(-sum(each.count for each in several) // PAGE))


def left_out(each: Tokenized, most: int, side: str) -> np.ndarray:
    """Which tokens a limit of ``most`` leaves out, as ``truncation=True`` does: what is added around stays.

    Args:
        most: 0 for no limit.
        side: ``left`` where the beginning goes.
    """
    own = np.flatnonzero(~each.encoded.added)
    room = max(0, most - each.added)
    out = np.zeros(each.count, bool)
    if most and len(own) > room:
        out[own[: len(own) - room] if side == "left" else own[room:]] = True
    return out


def compare(
    several: Sequence[Tokenized],
    lang: str,
    *,
    page: int = 1,
    most: int = 0,
    names: Mapping[str, str] | None = None,
    sides: Mapping[str, str] | None = None,
) -> str:
    """One text under several tokenizers, the first of them large.

    Args:
        most: tokens after which each is cut; 0: none is.
        names: what tokenizers are called where that is not their name.
        sides: where each is cut, if not on the right.
    """
    say: Say = partial(words.say, lang=lang)
    if not several:
        return note(say("tokens.choose_one"))
    names, sides = names or {}, sides or {}
    text, parts = several[0].text, pages(several)
    page = min(max(page, 1), parts)
    begin, end = (round(len(text) * share / parts) for share in (page - 1, page))
    ranges = [_range(each, begin, end, page == parts) for each in several]
    rows = [
        (each, list(items(each, first, stop, begin, end)))
        for each, (first, stop) in zip(several, ranges, strict=True)
    ]
    columns = measure(text, rows, begin, end)
    long = max(stop - first for first, stop in ranges) > LONG
    highest = max(each.count for each in several)
    lanes = ""
    for place, ((each, parts_of), (first, stop)) in enumerate(zip(rows, ranges, strict=True)):
        gone = left_out(each, most, sides.get(each.tokenizer, ""))
        body = _text(each, parts_of, columns, gone, long)
        data = _data(each, first, stop)
        name = names.get(each.tokenizer, each.tokenizer)
        lanes += _lane(each, name, place, highest, int(gone.sum()), body, data, say)
    labels = {key: say(f"tokens.detail_{key}") for key in DETAILS}
    kinds = {key: say(f"tokens.kind_{key}") for key in ("special", "byte", "unknown")}
    data = island({
        "text": text[begin:end], "at": begin, "labels": labels, "kinds": kinds,
        "names": [each.tokenizer for each in several],
    })  # fmt: skip
    told = say("tokens.part_of", page=page, parts=parts, characters=number(len(text)))
    head = note(told) if parts > 1 else ""
    return (
        f'{head}<div class="tok-lanes" style="--rows:{len(several) - 1}">'
        f"{data}{_title(several[0], names, say)}"
        f'<div class="tok-gutter" aria-hidden="true"></div>{lanes}'
        f'<button type="button" class="tok-add">+ {escape(say("tokens.add"))}</button></div>'
        f'<p class="pg-note tok-hint">{escape(say("tokens.hover_hint"))}</p>'
        f'<div class="tok-legend">{legend(say)}</div>'
    )


def _range(each: Tokenized, begin: int, end: int, last: bool) -> tuple[int, int]:
    starts = each.encoded.starts
    first = int(np.searchsorted(starts, begin)) if begin else 0
    return first, each.count if last else int(np.searchsorted(starts, end))


def _title(each: Tokenized, names: Mapping[str, str], say: Say) -> str:
    """Which tokenizer it is that the text stands in large, and what it made of it."""
    facts = [
        f"{each.algorithm} · {number(each.vocabulary)}",
        say("tokens.per_token", value=number(each.characters_per_token, 2)),
        say("tokens.per_word", value=number(each.tokens_per_word, 2)),
    ]
    if each.added:
        facts.insert(1, say("tokens.of_them_special", count=each.added))
    normalized = ""
    if each.normalized is not None and each.algorithm != "BPE with byte fallback":
        shown = each.normalized + ("…" if len(each.text) > SHOWN else "")
        told = escape(say("tokens.normalized"))
        normalized = f'<p class="tok-normal">{told} <code>{visible(shown)}</code></p>'
    return (
        f'<div class="tok-title"><h3>{escape(names.get(each.tokenizer, each.tokenizer))}</h3>'
        f'<p class="tok-total"><b>{number(each.count)}</b> {escape(say("tokens.tokens"))}</p>'
        f'<p class="tok-facts">{escape(" · ".join(facts))}</p>{normalized}</div>'
    )


def _lane(
    each: Tokenized, name: str, place: int, highest: int, gone: int, body: str, data: str, say: Say
) -> str:
    share = 100 * each.count / highest if highest else 0
    kept = 100 * (each.count - gone) / highest if highest else 0
    stage = escape(say("tokens.on_stage" if place == 0 else "tokens.to_stage", name=name))
    pressed = "false" if place else "true"
    label = escape(say("tokens.lane_label", name=name))
    cut = f" <em>{escape(say('tokens.cut_off', count=number(gone)))}</em>" if gone else ""
    away = escape(say("tokens.take_away", name=name))
    return (
        f'<section class="tok-lane" data-name="{escape(name)}" style="--row:{place}">'
        f'<header><h4><button type="button" class="tok-choose" aria-pressed="{pressed}" title="{stage}">'
        f"<i>{place + 1}</i> {escape(name)}</button></h4>"
        f'<span class="tok-kind">{escape(each.algorithm)} · {number(each.vocabulary)}</span>'
        f'<span class="tok-bar"><i style="width:{share:.1f}%"></i><u style="width:{kept:.1f}%"></u></span>'
        f'<span class="tok-count"><b>{number(each.count)}</b>{cut}</span>'
        f'<button type="button" class="tok-away" aria-label="{away}" title="{away}">×</button></header>'
        f'<div class="tok-text" tabindex="0" role="group" aria-label="{label}">{body}</div>{data}</section>'
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


# -- letters --


def _text(each: Tokenized, parts: Sequence[Item], columns: Columns, gone: np.ndarray, long: bool) -> str:
    """A lane's segments, each as wide as it is under the others."""
    out: list[str] = []
    silent = [part for part in parts if part.tokens and part.start == part.end]
    coloured = accumulate(bool(part.tokens) for part in parts)
    wide = ((part, colour) for part, colour in zip(parts, coloured, strict=True) if part.start < part.end)
    current = next(wide, None)
    edges = columns.edges

    def stands_for_nothing(edge: int) -> str:
        here = ""
        while silent and silent[0].start <= edge:
            here += _silent(each, silent.pop(0), gone)
        return here

    runs = direction(each.text[edges[0] : edges[-1]].partition("\n")[0])
    out.append(f'<div dir="{runs}">')
    for count, edge in enumerate(edges):
        if count % BLOCK == 0:
            cancellation.check()
            if long and count:
                out.append(f'</div></div><div class="tok-block"><div dir="{runs}">')
        if room := columns.silent.get(edge, 0):
            out.append(f'<span class="sg" style="--w:{room}">{stands_for_nothing(edge)}</span>')
        if count + 1 == len(edges):
            break
        after, body = edges[count + 1], ""
        while current is not None and current[0].start < after:
            part, colour = current
            body += _part(each, part, edge, after, columns, COLOURS[colour % 4], gone)
            if part.end > after:
                break
            current = next(wide, None)
        width, last = columns.width(edge, after), columns.silent.get(after, 0)
        ended = each.text[after - 1] == "\n"
        together = after == columns.end and last and not ended and width + last <= TOGETHER
        if together:  # what ends a text takes no line of its own
            body, width = body + stands_for_nothing(after), width + last
        own = direction(each.text[edge:after], runs)
        turned = f' dir="{own}"' if own != runs else ""
        body = body if 'class="g ' in body else inherit(body, width)
        out.append(f'<span class="sg"{turned} style="--w:{width}">{body}</span>')
        if together:
            break
        if ended:
            line, _, _ = each.text[after : columns.end].partition("\n")
            runs = direction(line[:200], runs)
            out.append(f'</div><div dir="{runs}">')
    whole = "".join(out) + "</div>"
    return f'<div class="tok-block">{whole}</div>' if long else whole


def inherit(inside: str, width: float) -> str:
    """Letters that are as wide as what they stand in say no width of their own: half of a Chinese page's."""
    return inside.replace(f'<b style="--w:{width}">', "<b>")


def _silent(each: Tokenized, part: Item, gone: np.ndarray) -> str:
    token = part.tokens[0]
    piece = each.pieces[int(each.encoded.ids[token])]
    over = " over" if gone[token] else ""
    # A special token's letters must not decide which way an Arabic text runs.
    return f'<i class="t{extra(piece.kind, True)}{over}" dir="ltr">{escape(piece.piece)}</i>'


def _part(
    each: Tokenized, part: Item, edge: int, after: int, columns: Columns, colour: str, gone: np.ndarray
) -> str:
    """What of an item stands in a segment."""
    start, end = max(part.start, edge), min(part.end, after)
    inside = "".join(_letters(each.text, start, end, columns))
    if not part.tokens:
        return inside
    kinds = [each.pieces[int(each.encoded.ids[token])].kind for token in part.tokens]
    if len(part.tokens) == 1:
        more = " cont" if start > part.start else ""
        more += " part" if end < part.end else ""
        more += " over" if gone[part.tokens[0]] else ""
        return f'<i class="t {colour}{extra(kinds[0], False)}{more}">{inside}</i>'
    subs = "".join(
        f'<i class="t{extra(kind, False)}{" over" if gone[token] else ""}">{_spelled(each, token)}</i>'
        for token, kind in zip(part.tokens, kinds, strict=True)
    )
    width = columns.width(start, end)
    whole = f"<b>{inherit(inside, width)}</b><span>{subs}</span>"
    return f'<span class="g {colour}" style="--w:{width}">{whole}</span>'


def _spelled(each: Tokenized, token: int) -> str:
    piece = each.pieces[int(each.encoded.ids[token])]
    return hexadecimal(piece.bytes) or escape(piece.piece)


def _letters(text: str, start: int, end: int, columns: Columns) -> Iterator[str]:
    """Letters of one column as they are; all others in boxes of their columns' width."""
    place = start
    while place < end:
        character, width = text[place], columns.width(place, place + 1)
        after = place + 1
        if "!" <= character <= "~" and width == 1:
            while after < end and "!" <= text[after] <= "~" and columns.width(after, after + 1) == 1:
                after += 1
            yield escape(text[place:after])
        elif character == " " and width == 1:
            yield "<s> </s>"
        else:
            while after < end and (
                not columns.width(after, after + 1) or (joined(character) and joined(text[after]))
            ):
                after += 1
            yield f'<b style="--w:{columns.width(place, after)}">{visible(text[place:after])}</b>'
        place = after
