"""The beam search as a drawing: a column a step; what was kept, finished and dropped; the way that won."""

from __future__ import annotations

from functools import partial

from playground import text as words
from playground.engine.generation.beam_search import BeamStep, Candidate, Found
from playground.rooms.decoding.comparison import Comparison
from playground.rooms.decoding.view import nats
from playground.ui.html import escape, legible, note, percent, sentences, table, visible

COLUMN, ROW, BOX, TALL = 148, 34, 116, 28  # pixels
HEAD = 26
LETTERS = 12  # of a token that a box shows


def tree(comparison: Comparison, lang: str) -> str:
    """The drawing in its own scrolling box, a legend, and the finished sequences with their scores."""
    say = partial(words.say, lang=lang)
    found, prompt = comparison.tree, comparison.text
    rows = [_rows(step, found.beams.num_beams) for step in found.steps]
    height = HEAD + ROW * max(len(each) for each in rows) + 6
    width = COLUMN * (len(rows) + 1) + 8
    won = _won(found)
    places = [{order: place for place, order in enumerate(each)} for each in rows]
    edges, boxes = [], [_root(prompt, rows, say("decoding.tree_prompt"))]
    for step, shown in zip(found.steps, rows, strict=True):
        x = COLUMN * (step.index + 1)
        boxes.append(f'<text class="c s" x="{x + BOX / 2:.0f}" y="16">{step.index + 1}</text>')
        for order in shown:
            each, y = step.candidates[order], HEAD + ROW * places[step.index][order]
            best = (step.index, order) in won
            edges.append(_edge(found, step.index, each, places, x, y, best, len(rows[0])))
            boxes.append(_box(each, x, y, best, say(f"decoding.fate_{each.fate}"), say))
    drawing = (
        f'<div class="dec-tree pg-scroll" tabindex="0"><svg class="dec-svg" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(say("decoding.tree_told"))}">'
        f"{''.join(edges)}{''.join(boxes)}</svg></div>"
    )
    legend = "".join(
        f'<li><i class="{kind}"></i>{escape(say(f"decoding.tree_{kind}"))}</li>'
        for kind in ("won", "kept", "finished", "dropped")
    )
    looked = max(len(step.candidates) for step in found.steps)
    drawn = max(len(each) for each in rows)
    told = say("decoding.tree_note", beams=found.beams.num_beams, candidates=looked)
    told = sentences(told, say("decoding.tree_drawn") if drawn < looked else "", say("decoding.tree_point"))
    return f'{note(told)}<ul class="dec-key">{legend}</ul>{drawing}{_sequences(found, lang)}'


def _rows(step: BeamStep, width: int) -> list[int]:
    """Which candidates to draw: all that mattered, and as many dropped ones as there are beams."""
    dropped = [order for order, each in enumerate(step.candidates) if each.fate == "dropped"][:width]
    return sorted({*dropped, *(o for o, each in enumerate(step.candidates) if each.fate != "dropped")})


def _won(found: Found) -> set[tuple[int, int]]:
    """Step and candidate of every token of the best sequence."""
    if not found.sequences:
        return set()
    ids = found.sequences[0].ids
    beams: dict[int, list[int]] = {0: []}  # place among the kept → ids so far
    ways: list[dict[int, tuple[int, ...]]] = []
    for step in found.steps:
        ways.append(
            {
                order: (*beams[each.parent], each.id)
                for order, each in enumerate(step.candidates)
                if each.parent in beams
            }
        )
        beams = {place: list(ways[-1][order]) for place, order in enumerate(step.kept)}
    return {
        (step, order)
        for step, known in enumerate(ways[: len(ids)])
        for order, way in known.items()
        if list(way) == ids[: step + 1]
    }


def _root(prompt: str, rows: list[list[int]], name: str) -> str:
    y = HEAD + ROW * (len(rows[0]) - 1) / 2
    told = escape(legible(prompt[-400:]))
    shown = escape(_cut(prompt.strip().split("\n")[-1][-LETTERS:] or name))
    return (
        f'<g class="root"><rect x="4" y="{y:.1f}" width="{BOX}" height="{TALL}" rx="5"/>'
        f'<text class="m" x="12" y="{y + 18:.1f}">{shown}</text><title>{told}</title></g>'
    )


def _edge(
    found: Found, index: int, each: Candidate, places: list[dict[int, int]], x: int, y: float, best: bool,
    roots: int,
) -> str:  # fmt: skip
    if index:
        order = found.steps[index - 1].kept[each.parent]
        start, left = HEAD + ROW * places[index - 1][order] + TALL / 2, x - COLUMN + BOX
    else:
        start, left = HEAD + ROW * (roots - 1) / 2 + TALL / 2, 4 + BOX
    middle, end = (left + x) / 2, y + TALL / 2
    kind = "won" if best else each.fate
    path = f"M{left} {start:.1f} C{middle:.0f} {start:.1f} {middle:.0f} {end:.1f} {x} {end:.1f}"
    return f'<path class="edge {kind}" d="{path}"/>'


def _box(each: Candidate, x: int, y: float, best: bool, fate: str, say: partial[str]) -> str:
    shown = escape(_cut(each.text or each.label))
    told = say(
        "decoding.tree_title", token=legible(each.text or each.label), p=percent(each.probability),
        total=nats(each.total, 3), fate=fate,
    )  # fmt: skip
    kind = f"{each.fate}{' won' if best else ''}"
    flag = "■" if each.fate == "finished" else ""
    return (
        f'<g class="{kind}"><title>{escape(told)}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{TALL}" rx="5"/>'
        f'<text class="m" x="{x + 6}" y="{y + 18}">{shown}</text>'
        f'<text class="e" x="{x + BOX - 5}" y="{y + 18}">{flag}{nats(each.total)}</text></g>'
    )


def _cut(token: str) -> str:
    """Short enough for a box: wide characters count twice; blanks can be seen."""
    shown, room = "", LETTERS - 4
    for letter in token.replace(" ", "␣").replace("\n", "↵").replace("\t", "→"):
        room -= 2 if ord(letter) > 0x2E80 else 1
        if room < 0:
            return shown + "…"
        shown += letter if letter.isprintable() else "·"
    return shown


def _sequences(found: Found, lang: str) -> str:
    say = partial(words.say, lang=lang)
    penalty = f"{found.beams.length_penalty:g}"
    lines = []
    for place, way in enumerate(found.sequences):
        why = "string" if way.by_string else "eos" if way.ended else "length"
        end = say(f"decoding.stop_{why}")
        score = f"{nats(way.total, 3)} / {len(way.ids)}<sup>{penalty}</sup> = <b>{nats(way.score, 4)}</b>"
        lines.append([str(place + 1), f"<span dir='auto'>{visible(way.text)}</span>", score, escape(end)])
    head = ["", *(escape(say(f"decoding.seq_{key}")) for key in ("text", "score", "end"))]
    return f"<h5>{escape(say('decoding.sequences'))}</h5>{table(head, lines, 'narrow dec-seq')}"
