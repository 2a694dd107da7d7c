"""The notebook's steps, and a padded batch, as tables a learner can read along with the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from playground import text as words
from playground.engine.tokenizers.tokenize import Token
from playground.rooms.tokens.steps import Batch, Steps
from playground.rooms.tokens.view import chips
from playground.ui.html import escape, hexadecimal, note, number, table, visible

DECODED = 4_000  # characters shown of a decoded text


def walk(steps: Steps, lang: str) -> str:
    """Text → pieces → ids → input → decoded, one numbered step under the other."""
    say = partial(words.say, lang=lang)
    t = steps.tokenized
    shown, total = len(steps.ids), t.count
    end = len(t.text) if shown == total else int(t.encoded.ends[shown - 1])
    more, ellipsis = "", ""
    if shown < total:
        more = note(say("tokens.steps_shortened", shown=number(shown), total=number(total)))
        ellipsis = ", …"

    def listed(values: Iterable[object]) -> str:
        return f"[{', '.join(map(str, values))}{ellipsis}]"

    pieces = listed(repr(token.piece) for token in steps.one_by_one)
    fed = f'{{"input_ids": {listed(steps.ids)},\n "attention_mask": {listed(steps.attention_mask)}}}'
    coloured = f'<div class="tok-text" dir="auto">{chips(t, 0, shown, 0, end)}</div>'
    whole = f'<div class="tok-text plain" dir="auto">{visible(steps.whole[:DECODED])}</div>'
    parts = [
        (say("tokens.step_pieces"), coloured + _code(pieces)),
        (say("tokens.step_ids"), _code(listed(steps.ids))),
        (say("tokens.step_input"), _code(fed)),
        (say("tokens.step_tensor", n=number(total)), _code(f"{steps.tensor}\n{steps.shape}", "pg-code wide")),
        (say("tokens.step_decode_one"), _one_by_one(steps, say)),
        (say("tokens.step_decode_all"), whole),
    ]
    return (
        more
        + '<ol class="tok-steps">'
        + "".join(f"<li><h5>{escape(title)}</h5>{body}</li>" for title, body in parts)
        + "</ol>"
    )


def _one_by_one(steps: Steps, say: Callable[..., str]) -> str:
    rows = []
    for token in steps.one_by_one:
        hexes = f'<span class="hex">{hexadecimal(token.bytes)}</span>'
        rows.append([number(token.id), f"<code>{escape(token.piece)}</code>", hexes, _alone(token, say)])
    head = [escape(say(f"tokens.detail_{key}")) for key in ("id", "piece", "bytes", "text")]
    return table(head, rows, "narrow")


def _alone(token: Token, say: Callable[..., str]) -> str:
    """A token's own text; without one, a blank of the tokenizer's, or a part of a character (never a �)."""
    if token.text:
        return visible(token.text)
    try:
        return visible(token.bytes.decode())
    except UnicodeDecodeError:
        return f"<em>{escape(say('tokens.part_of_character'))}</em>"


def _code(code: str, kind: str = "pg-code") -> str:
    return f'<pre class="{kind}" tabindex="0"><code>{escape(code)}</code></pre>'


def batch(result: Batch, lang: str) -> str:
    """The rectangle of ids, padding in grey, and the attention mask beside it."""
    say = partial(words.say, lang=lang)
    if not result.ids or not result.ids[0]:
        return note(say("tokens.batch_empty"))
    rows, columns = len(result.ids), len(result.ids[0])
    shown = min(columns, 60)
    cut = slice(0, shown) if result.side == "right" else slice(columns - shown, columns)

    def grid(values: list[list[str]], kind: str) -> str:
        lines = "".join(
            "<tr>"
            + "".join(
                f'<td class="{"on" if on else "off"}">{value}</td>'
                for value, on in zip(line[cut], mask[cut], strict=True)
            )
            + "</tr>"
            for line, mask in zip(values, result.mask, strict=True)
        )
        return f'<div class="pg-scroll" tabindex="0"><table class="tok-grid {kind}">{lines}</table></div>'

    pieces = [[escape(piece) for piece in row] for row in result.pieces]
    ids = [[str(id) for id in row] for row in result.ids]
    mask = [[str(value) for value in row] for row in result.mask]
    padding = sum(row.count(0) for row in result.mask)
    sentences = [
        note(say("tokens.batch_shape", rows=rows, columns=number(columns), padding=number(padding),
                 share=number(100 * padding / (rows * columns)))),
    ]  # fmt: skip
    if result.borrowed:
        sentences.append(note(say("tokens.batch_borrowed", pad=result.pad), "warning"))
    return (
        "".join(sentences)
        + f"<h5>{escape(say('tokens.batch_pieces'))}</h5>{grid(pieces, 'pieces')}"
        + f"<h5>input_ids</h5>{grid(ids, 'ids')}<h5>attention_mask</h5>{grid(mask, 'mask')}"
    )
