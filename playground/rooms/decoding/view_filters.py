"""The filters in transformers' order: what each leaves of the distribution, token by token."""

from __future__ import annotations

from functools import partial

from playground import text as words
from playground.engine.generation.filters import Stage
from playground.rooms.decoding.comparison import Comparison
from playground.rooms.decoding.view import chip
from playground.ui.html import escape, note, number, percent, visible


def walk(comparison: Comparison, lang: str) -> str:
    """For every token of the visitor's continuation, a table of stages; the first one is open."""
    say = partial(words.say, lang=lang)
    yours = comparison.continuation("yours")
    parts = next((each.index for each in comparison.partings if each.continuation == "yours"), 0)
    rows = []
    for place, ((shown, stages), token) in enumerate(zip(comparison.walk, yours.tokens, strict=True)):
        names = {id: text for id, text, *_ in token.others} | {token.id: token.text or token.label}
        told = say("decoding.walk_row", p=percent(token.probability), chance=percent(token.chance))
        head = f'<span class="n">{place + 1}</span>{chip(token)}<small>{escape(told)}</small>'
        opened = " open" if place == min(parts, len(yours.tokens) - 1) else ""
        rows.append(
            f'<details name="dec-walk"{opened}><summary>{head}</summary>'
            f"{_table(shown, names, stages, token.id, say)}</details>"
        )
    return f'{note(say("decoding.walk_note"))}<div class="dec-walk">{"".join(rows)}</div>'


def _table(
    shown: list[int], names: dict[int, str], stages: list[Stage], chosen: int, say: partial[str]
) -> str:
    head = "".join(
        f'<th class="{"on" if id == chosen else ""}"><code>{visible(names.get(id, str(id)))}</code></th>'
        for id in shown
    )
    body, before = [], [1.0] * len(shown)
    for stage in stages:
        cells = []
        for place, p in enumerate(stage.shown):
            removed_by = p == 0 and before[place] > 0
            told = (
                f'<s class="gone">{escape(say("decoding.walk_gone"))}</s>'
                if removed_by
                else percent(p)
                if p
                else "–"
            )
            cells.append(f'<td style="--p:{p:.3f}"><span>{told}</span></td>')
        before = stage.shown
        name = escape(say(f"decoding.filter_{stage.name}"))
        value = f" {stage.value:g}" if stage.processor else ""
        code = f"<code>{stage.processor}</code>" if stage.processor else ""
        off = "" if stage.active else f" <em>{escape(say('decoding.walk_neutral'))}</em>"
        body.append(
            f'<tr class="{"" if stage.active else "off"}"><th>{name}{value}{off}{code}</th>'
            f"<td>{number(stage.left)}</td><td>{number(stage.entropy, 2)}</td>{''.join(cells)}</tr>"
        )
    top = "".join(f"<th>{escape(say(f'decoding.walk_{key}'))}</th>" for key in ("stage", "left", "entropy"))
    return (
        f'<div class="pg-scroll" tabindex="0"><table class="pg-table dec-stages"><thead><tr>{top}{head}</tr>'
        f"</thead><tbody>{''.join(body)}</tbody></table></div>"
    )
