"""The beam search as a tree of texts: a line for every way that was followed; the one that won comes first.

Boxes in columns, a step each, would be ten times as wide as a phone. Lines of text wrap: where ways part, the
best goes on below at the same indent, and the others are a step further in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from playground import text as words
from playground.engine.generation.beam_search import BeamStep, Candidate, Found
from playground.rooms.decoding.comparison import Comparison
from playground.rooms.decoding.view import nats
from playground.ui.html import escape, island, legible, note, sentences, table, visible

LONGEST = 200  # characters of the prompt that are repeated
DEEPEST = 6  # indents that are drawn


@dataclass
class _Node:
    """A candidate that was kept or finished; where it stands, and what went on from it."""

    step: int
    order: int
    candidate: Candidate
    won: bool
    kids: list[_Node] = field(default_factory=list)

    @property
    def best(self) -> tuple[bool, int, float]:
        """By which the ways from one place are ordered: the one that won, then how far it went."""
        last = max((kid.best for kid in self.kids), default=(False, self.step, self.candidate.total))
        return (self.won or last[0], *last[1:])


def tree(comparison: Comparison, lang: str) -> str:
    """The lines, a legend, and the finished sequences with their scores."""
    say = partial(words.say, lang=lang)
    found = comparison.tree
    lines: list[str] = []
    for node in sorted(_grown(found), key=lambda each: each.best, reverse=True):
        _line(node, 0 if node.won else 1, lines, len(found.steps), lang)
    prompt = legible(comparison.text[-LONGEST:])
    drawing = (
        f'<div class="dec-tree" role="group" tabindex="0" aria-label="{escape(say("decoding.tree_told"))}">'
        f"{_data(found, lang)}"
        f'<p class="dec-root"><small>{escape(say("decoding.tree_prompt"))}</small> '
        f'<b dir="auto">{escape(prompt)}</b></p>{"".join(lines)}</div>'
    )
    legend = "".join(
        f'<li><i class="{kind}"></i>{escape(say(f"decoding.tree_{kind}"))}</li>'
        for kind in ("won", "kept", "finished", "dropped")
    )
    looked = max(len(step.candidates) for step in found.steps)
    told = say("decoding.tree_note", beams=found.beams.num_beams, candidates=looked)
    told = sentences(told, say("decoding.tree_point"))
    return f'{drawing}<ul class="dec-key">{legend}</ul>{note(told)}{_sequences(found, lang)}'


def _grown(found: Found) -> list[_Node]:
    """The first tokens that were kept, each with all that followed."""
    won = _won(found)
    first: list[_Node] = []
    beams: list[_Node | None] = [None]  # the prompt
    for step in found.steps:
        nodes: dict[int, _Node] = {}
        for order, each in enumerate(step.candidates):
            if each.fate == "dropped" or each.parent >= len(beams):
                continue
            nodes[order] = made = _Node(step.index, order, each, (step.index, order) in won)
            parent = beams[each.parent]
            (parent.kids if parent else first).append(made)
        beams = [nodes.get(order) for order in step.kept]
    return first


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


def _line(node: _Node, depth: int, lines: list[str], steps: int, lang: str) -> None:
    """A way to where others part from it, then those, then what goes on from it."""
    way = [node]
    while len(way[-1].kids) == 1:
        way.append(way[-1].kids[0])
    last = way[-1]
    on = sorted(last.kids, key=lambda each: each.best, reverse=True)
    given_up = not on and last.candidate.fate != "finished" and last.step < steps - 1
    say, told = partial(words.say, lang=lang), ""
    if last.candidate.fate == "finished":
        told = say("decoding.tree_end")
    elif given_up:
        told = say("decoding.tree_lost", step=last.step + 2)
    kind = "won" if way[0].won else "dropped" if given_up else ""
    chips = "".join(map(_chip, way))
    end = f"<small>{escape(nats(last.candidate.total))}{' · ' if told else ''}{escape(told)}</small>"
    lines.append(
        f'<p class="dec-way {kind}" style="--depth:{min(depth, DEEPEST)}">'
        f'<span dir="auto">{chips}</span>{end}</p>'
    )
    for other in on[1:]:
        _line(other, depth + 1, lines, steps, lang)
    if on:
        _line(on[0], depth, lines, steps, lang)


def _chip(node: _Node) -> str:
    each = node.candidate
    inside = visible(each.text) if each.text else escape(each.label)
    kind = f"dec-t{'' if each.text else ' sp'}{' finished' if each.fate == 'finished' else ''}"
    return (
        f'<i class="{kind}" style="--p:{each.probability:.3f}" data-step="{node.step}" '
        f'data-order="{node.order}">{inside}</i>'
    )


def _data(found: Found, lang: str) -> str:
    """All candidates of each step, and the words around them, for the page's script."""
    keys = ("step", "step_told", "kept", "finished", "dropped", "prompt", "probability")
    said = {key: words.say(f"decoding.js_{key}", lang) for key in keys}
    steps, beams = [], [""]
    for step in found.steps:
        steps.append([_told(step, order, beams) for order in range(len(step.candidates))])
        beams = [beams[min(step.candidates[order].parent, len(beams) - 1)] + _text(step.candidates[order])
                 for order in step.kept]  # fmt: skip
    return island({"words": said, "steps": steps})


def _told(step: BeamStep, order: int, beams: list[str]) -> list[str | float]:
    each = step.candidates[order]
    before = beams[each.parent] if each.parent < len(beams) else ""
    return [before[-24:], _text(each), each.probability, nats(each.total), each.fate]


def _text(each: Candidate) -> str:
    return each.text or each.label


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
