"""What each layer would say, as a table of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from playground import text as words
from playground.engine.generation.interpret import Lens
from playground.engine.generation.logits import Candidate
from playground.ui.html import escape, hexadecimal, note, percent, visible


def spelled(each: Candidate) -> str:
    """A token as HTML: its text, or its bytes where that is no whole character."""
    if each.kind in ("special", "padded"):
        return f"<em>{escape(each.piece)}</em>"
    return visible(each.text.replace(" ", "␣")) if each.text else f"<em>{hexadecimal(each.raw) or '∅'}</em>"


def lens(found: Lens, tokens: Sequence[Candidate], texts: Mapping[int, Candidate], lang: str) -> str:
    """The logit lens: layers from the last one down, a column a position.

    Args:
        tokens: the prompt's, those of the columns.
        texts: every token that any layer finds likeliest, by id.
    """
    say = partial(words.say, lang=lang)
    layers, columns = found.ids.shape
    head = "".join(f"<th><code>{spelled(each)}</code></th>" for each in tokens)
    rows = []
    for layer in range(layers - 1, -1, -1):
        key = "embeddings" if layer == 0 else "last_layer" if layer == layers - 1 else "layer"
        cells = []
        for place in range(columns):
            p, own = float(found.probabilities[layer, place]), float(found.chosen[layer, place])
            shown = spelled(texts[int(found.ids[layer, place])])
            settled = " class=same" if found.ids[layer, place] == found.ids[-1, place] else ""
            told = say("next_token.lens_cell", p=percent(p), own=percent(own))
            cells.append(
                f'<td{settled} style="--p:{p:.3f}" title="{escape(told)}">'
                f"<code>{shown}</code><small>{percent(p)}</small></td>"
            )
        name = escape(say(f"next_token.{key}", n=layer) if key == "layer" else say(f"next_token.{key}"))
        rows.append(f"<tr><th>{name}</th>{''.join(cells)}</tr>")
    norm = say("next_token.lens_norm", norm=found.norm) if found.norm else say("next_token.lens_no_norm")
    return (
        f'<div class="pg-scroll nx-lens" tabindex="0"><table><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note(norm)}"
        + (note(say("next_token.last_only", count=columns)) if found.start else "")
    )
