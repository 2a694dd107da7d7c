"""BPE's merges and WordPiece's matches, step by step; and what a tokenizer of one's own has learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle

from playground import text as words
from playground.engine.tokenizers.bpe import Replay
from playground.engine.tokenizers.wordpiece import WordPieceReplay
from playground.rooms.tokens.training import Trained
from playground.rooms.tokens.view import COLOURS
from playground.ui.html import escape, island, note, number, table, visible

Say = Callable[..., str]
TREE = ("play", "pause", "back", "on", "step", "step_label", "start")  # words of the tree's script
LEARNED = 400  # pieces shown of what was learned
LONGEST = 60  # characters shown of one: a text without spaces gives pieces of thousands


def replay(found: Sequence[Replay | WordPieceReplay], lang: str) -> str:
    """Every word in a box of its own."""
    say: Say = partial(words.say, lang=lang)
    law = note(say("tokens.merges_law")) if any(isinstance(each, Replay) for each in found) else ""
    boxes = (_merged(each, say) if isinstance(each, Replay) else _matched(each, say) for each in found)
    return law + "".join(f'<section class="mrg-word">{box}</section>' for box in boxes)


def _symbols(symbols: Sequence[str], new: frozenset[int] = frozenset()) -> str:
    colours = cycle(COLOURS)
    chips = "".join(
        f'<i class="t {next(colours)}{" new" if place in new else ""}">{escape(symbol)}</i>'
        for place, symbol in enumerate(symbols)
    )
    return f'<span class="mrg">{chips}</span>'


def _merged(found: Replay, say: Say) -> str:
    rows = []
    for order, step in enumerate(found.steps, start=1):
        # Each left half merged before it moves a place to the left.
        new = frozenset(place - earlier for earlier, place in enumerate(step.at))
        rule = f"<code>{escape(step.left)}</code> + <code>{escape(step.right)}</code>"
        possible = str(len(step.candidates))
        rows.append([str(order), possible, rule, number(step.rank), _symbols(step.symbols, new)])
    head = [escape(say(f"tokens.merges_{key}")) for key in ("step", "candidates", "rule", "rank", "symbols")]
    listed = table(head, rows, "merges", named=True) if rows else ""
    folded = f"<details><summary>{escape(say('tokens.merges_table'))}</summary>{listed}</details>"
    whole = "" if rows else note(say("tokens.merges_whole"))
    return whole + tree(found, say) + (folded if rows else "") + _end(found.pieces, found.ids, say)


def tree(found: Replay, say: Say) -> str:
    """The merges as data for the page's script (assets/tokens/merges.js), which grows the tree of them."""
    words = {key: say(f"tokens.tree_{key}") for key in TREE}
    steps = [
        {"left": step.left, "right": step.right, "rank": step.rank, "at": step.at, "symbols": step.symbols,
         "candidates": len(step.candidates)}
        for step in found.steps
    ]  # fmt: skip
    data = island({"start": found.start, "steps": steps, "words": words})
    return f'<div class="mrg-tree">{data}</div>'


def token(found: Replay | None, lang: str) -> str:
    """How an entry of a vocabulary was learned: the merges that lead to it."""
    say: Say = partial(words.say, lang=lang)
    if found is None:
        return ""
    last = found.steps[-1]
    told = say("tokens.token_merged", left=last.left, right=last.right, rank=number(last.rank))
    return f"<h3>{escape(say('tokens.token_grown'))}</h3><p>{escape(told)}</p>{tree(found, say)}"


def _matched(found: WordPieceReplay, say: Say) -> str:
    lines = []
    for step in found.steps:
        tried = step.tried[:-1] if step.accepted is not None else step.tried
        shown = " ".join(f"<del>{escape(piece)}</del>" for piece in tried[:12]) + (
            " …" if len(tried) > 12 else ""
        )
        taken = f'<i class="t a">{escape(step.accepted)}</i>' if step.accepted is not None else ""
        lines.append(f"<li>{shown} {taken}</li>")
    title = f"<p>{escape(say('tokens.pieces_tried'))}</p>"
    none = "" if found.steps and found.steps[-1].accepted else note(say("tokens.pieces_none"))
    return f'{title}<ol class="mrg-tried">{"".join(lines)}</ol>{none}{_end(found.pieces, found.ids, say)}'


def _end(pieces: Sequence[str], ids: Sequence[int], say: Say) -> str:
    numbers = ", ".join(map(str, ids))
    return f"<p>{escape(say('tokens.merges_done'))} <code>[{numbers}]</code></p>{_symbols(pieces)}"


def trained(result: Trained, name: str, lang: str) -> str:
    """What was learned, in its order."""
    say: Say = partial(words.say, lang=lang)
    told = say(
        "tokens.trained",
        count=number(len(result.learned)),
        characters=number(result.characters),
        seconds=number(result.seconds, 1),
        vocabulary=number(result.vocabulary),
        name=name,
    )
    pieces = "".join(
        f'<i class="t {c}">{visible(piece[:LONGEST])}</i>'
        for piece, c in zip(result.learned[:LEARNED], cycle(COLOURS))
    )
    return (
        f'{note(told)}<h5>{escape(say("tokens.trained_order"))}</h5><div class="mrg mrg-cloud">{pieces}</div>'
    )
