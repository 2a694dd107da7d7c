"""Token vectors to HTML: the notebook's walk, one word in many sentences, pooling in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.rooms.embeddings.token_vectors.hidden_states import (
    STATIC,
    Occurrence,
    Passed,
    Separation,
    TokenVectors,
    cosines,
    pooled,
    vectors_at,
)
from playground.ui import point_map
from playground.ui.html import escape, island, note, number, table, visible
from playground.ui.strips import WIDEST, similarities, strip, strongest

DIGITS = 6  # of a pooled vector's difference that a page tells
SHOWN = 5  # numbers of a vector that are written out
TOKENS = 60  # of a sentence that are shown
LISTED = 24  # numbers of a token's vector that the inspector writes out
NEAREST = 8  # tokens of the sentence that it names
PADDED = 3  # rows of padding that are shown
KNOWN = ("input_ids", "token_type_ids", "attention_mask")


def layer_name(layer: int, last: int, lang: str) -> str:
    """``layer 3 of 6``; the input matrix and the embeddings have names."""
    if layer == STATIC:
        return text.say("vectors.layer_static", lang)
    if not layer:
        return text.say("vectors.layer_zero", lang)
    return text.say("vectors.layer_n", lang, layer=layer, last=last)


def walk(passed: Passed, layer: int, lang: str) -> str:
    """Text → what ``**tokens`` unpacks to → the shape → every token's numbers at a layer → output [1]."""
    say = partial(text.say, lang=lang)
    one = passed.texts[0]
    batch, count, width = one.shape
    call = (
        f'tokens = tokenizer({_quoted(one.text)}, return_tensors="pt")\noutput = model(**tokens)\n'
        f"output[0].shape   # torch.Size([{batch}, {count}, {width}])"
    )
    sizes = "".join(
        f"<li><b>{number(size)}</b><span>{escape(say(f'vectors.size_{name}'))}</span></li>"
        for name, size in (("batch", batch), ("tokens", count), ("width", width))
    )
    shape = f'<ul class="vec-shape">{sizes}</ul>'
    steps = [
        (say("vectors.step_call"), _code(call) + _unpacked(one, say)),
        (say("vectors.step_shape"), shape),
        (
            say("vectors.step_numbers", layer=layer_name(layer, passed.layers, lang)),
            _strips(one, layer, say) + note(say("vectors.strip_note")),
        ),
        (say("vectors.step_outputs"), _outputs(passed, say)),
    ]
    warned = note(say("vectors.cut", count=number(count)), "warning") if one.cut else ""
    return warned + _steps(steps)


def _steps(steps: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<li><h5>{escape(title)}</h5>{body}</li>" for title, body in steps)
    return f'<ol class="tok-steps">{items}</ol>'


def _quoted(words: str, most: int = 60) -> str:
    shown = words if len(words) <= most else words[:most] + "…"
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _code(code: str) -> str:
    return f'<pre class="pg-code wide" tabindex="0"><code>{escape(code)}</code></pre>'


def _unpacked(one: TokenVectors, say: partial[str]) -> str:
    """``**tokens``: an argument a line, with its values."""
    rows = []
    for name, values in one.fed.items():
        more = ", …" if len(values) > TOKENS else ""
        shown = ", ".join(map(str, values[:TOKENS])) + more
        about = say(f"vectors.fed_{name if name in KNOWN else 'other'}")
        rows.append([f"<code>{escape(name)}=</code>", f"<code>[[{shown}]]</code>", escape(about)])
    return note(say("vectors.unpack")) + table(("", "", ""), rows, "vec-fed")


def _row(
    label: str, values: NDArray[np.float32], most: float, kind: str = "", place: int | None = None
) -> str:
    """A vector as a strip; one with a place is a button that the inspector opens at."""
    listed = " ".join(f"{value:+.3f}" for value in values[:SHOWN]) + (" …" if len(values) > SHOWN else "")
    name = (
        f"<b>{label}</b>" if place is None else f'<button type="button" data-token="{place}">{label}</button>'
    )
    return f'<li class="{kind}">{name}{strip(values, most)}<small>{escape(listed)}</small></li>'


def _strips(one: TokenVectors, layer: int, say: partial[str]) -> str:
    values = one.at(layer)
    most = strongest(values)
    rows = "".join(
        _row(visible(token), row, most, "special" if special else "", place)
        for place, (token, row, special) in enumerate(
            zip(one.tokens[:TOKENS], values[:TOKENS], one.special[:TOKENS], strict=True)
        )
    )
    told = ""
    if len(values) > TOKENS:
        told += note(say("vectors.tokens_shown", shown=TOKENS, total=number(len(values))))
    if values.shape[1] > WIDEST:
        told += note(say("vectors.numbers_shown", shown=number(WIDEST), total=number(values.shape[1])))
    return f'<ul class="vec-rows vec-tokens">{rows}</ul>{island(_details(one, values, say))}{told}'


def _details(one: TokenVectors, values: NDArray[np.float32], say: partial[str]) -> dict[str, Any]:
    """Of each token that is shown, what the inspector tells of it."""
    near = cosines(values[:TOKENS])
    tokens = []
    for place, row in enumerate(values[:TOKENS]):
        order = [int(n) for n in np.argsort(-near[place], kind="stable") if n != place][:NEAREST]
        start, end = one.spans[place]
        tokens.append({
            "piece": one.tokens[place], "id": one.ids[place], "text": one.text[start:end],
            "length": round(float(np.linalg.norm(row)), 3),
            "numbers": [round(float(value), 4) for value in row[:LISTED]],
            "near": [[n, round(float(near[place, n]), 3)] for n in order],
        })  # fmt: skip
    keys = ("id", "text", "length", "numbers", "near", "hint")
    return {"tokens": tokens, "say": {key: say(f"vectors.inspect_{key}") for key in keys}}


def _outputs(passed: Passed, say: partial[str]) -> str:
    """Output [0] and, where there is one, [1]: what it is and how far from the sentence's vector."""
    one = passed.texts[0]
    told = escape(say("vectors.output_0"))
    first = f"<p><code>output[0]</code> <b>last_hidden_state</b> {_shape(one.shape)}: {told}</p>"
    if one.pooler is None:
        return f'<div class="vec-out">{first}{note(say("vectors.no_pooler"))}</div>'
    shape = _shape((1, len(one.pooler)))
    told = escape(say("vectors.output_1"))
    row = _row("pooler", one.pooler, strongest(one.pooler))
    second = f"<p><code>output[1]</code> <b>pooler_output</b> {shape}: {told}</p>"
    mean = pooled(one).unit
    apart = ""
    if mean.shape == one.pooler.shape:
        cosine = float(cosines(np.stack([mean, one.pooler]))[0, 1])
        apart = note(say("vectors.pooler_cosine", cosine=f"{cosine:+.3f}"))
    return f'<div class="vec-out">{first}{second}<ul class="vec-rows">{row}</ul>{apart}</div>'


def _shape(shape: Sequence[int]) -> str:
    return f"<code>[{', '.join(map(str, shape))}]</code>"


def senses(
    passed: Passed,
    word: str,
    found: Sequence[Occurrence],
    layer: int,
    told: Sequence[Separation],
    means: Sequence[float],
    lang: str,
) -> str:
    """One word's occurrences: a verdict, all pairs at a layer, and the way through the layers."""
    say = partial(text.say, lang=lang)
    matrix = cosines(vectors_at(passed, found, layer))
    names = [_in_place(passed.texts[each.text].text, each) for each in found]
    groups = [passed.groups[each.text] for each in found]
    name = layer_name(layer, passed.layers, lang)
    head = f"<h5>{escape(say('vectors.matrix', word=word, layer=name))}</h5>"
    return (
        _verdict(word, layer, passed.layers, told, lang)
        + f'<div class="vec-two"><section>{head}{similarities(matrix, names, groups=groups)}</section>'
        f"<section>{_over_layers(told, means, layer, lang)}</section></div>"
    )


def _verdict(word: str, layer: int, last: int, told: Sequence[Separation], lang: str) -> str:
    """Whether this layer tells the senses apart, and which layers do: said from what was measured."""
    say = partial(text.say, lang=lang)
    if not told:
        return note(say("vectors.no_groups"))
    here = next((each for each in told if each.layer == layer), told[-1])
    values = {"within": f"{here.within:.3f}", "across": f"{here.across:.3f}", "word": word}
    values["layer"] = layer_name(here.layer, last, lang)
    if here.layer == STATIC:
        sentence = say("vectors.verdict_static", **values)
    else:
        sentence = say(f"vectors.verdict_{'parted' if here.parted else 'mixed'}", **values)
    parted = [str(each.layer) for each in told if each.parted and each.layer > STATIC]
    where = say("vectors.parted_layers", layers=", ".join(parted)) if parted else say("vectors.parted_none")
    kind = "yes" if here.parted else "no"
    return f'<p class="vec-verdict {kind}"><b>{escape(sentence)}</b> {escape(where)}</p>'


def _in_place(words: str, at: Occurrence, around: int = 26) -> str:
    """A piece of the sentence with the word marked."""
    start, end = max(0, at.start - around), min(len(words), at.end + around)
    before = ("…" if start else "") + words[start : at.start]
    after = words[at.end : end] + ("…" if end < len(words) else "")
    marked = f"<mark>{escape(words[at.start : at.end])}</mark>"
    return f"<span dir='auto'>{escape(before)}{marked}{escape(after)}</span>"


def _over_layers(told: Sequence[Separation], means: Sequence[float], layer: int, lang: str) -> str:
    """Similarities from the input matrix to the last layer, as lines."""
    say = partial(text.say, lang=lang)
    lines = {"mean": list(means)}
    if told:
        lines = {"within": [each.within for each in told], "across": [each.across for each in told]}
    low = min(0.9, *(min(values) for values in lines.values()))
    low = float(np.floor(low * 10) / 10)
    count = len(means)
    left, right, top, bottom = 44, 388, 12, 168

    def x(place: int) -> float:
        return left + (right - left) * place / max(1, count - 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (1 - low)

    marks = "".join(
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text class="y" x="{left - 6}" y="{y(value) + 4:.1f}">{value:.1f}</text>'
        for value in map(float, np.arange(low, 1.01, 0.1 if low > 0.3 else 0.2))
    )
    every = max(1, -(-count // 13))
    ticks = "".join(
        f'<text class="x" x="{x(place):.1f}" y="186">{escape(_tick(place))}</text>'
        for place in range(count)
        if place % every == 0 or place == count - 1
    )
    drawn = "".join(
        f'<polyline class="{kind}" points="'
        + " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(values))
        + '"/>'
        + "".join(
            f'<circle class="{kind}" cx="{x(i):.1f}" cy="{y(v):.1f}" r="3.5"><title>{v:.3f}</title></circle>'
            for i, v in enumerate(values)
        )
        for kind, values in lines.items()
    )
    here = f'<line class="here" x1="{x(layer + 1):.1f}" x2="{x(layer + 1):.1f}" y1="{top}" y2="{bottom}"/>'
    legend = "".join(
        f'<li><i class="{kind}"></i>{escape(say(f"vectors.line_{kind}"))}</li>' for kind in lines
    )
    title = escape(say("vectors.over_layers"))
    return (
        f'<h5>{title}</h5><svg class="vec-lines" viewBox="0 0 400 192" role="img" aria-label="{title}">'
        f'{marks}{here}{ticks}{drawn}</svg><ul class="vec-legend">{legend}</ul>'
        + note(say("vectors.axis_note"))
    )


def _tick(place: int) -> str:
    return "in" if not place else str(place - 1)


def token_map(
    passed: Passed,
    points: NDArray[np.float32],
    found: Sequence[Occurrence],
    by: str,
    layer: int,
    notes: Sequence[str],
    near: point_map.Near,
    lang: str,
) -> str:
    """All tokens of all sentences at their places, coloured by sentence or by token.

    Args:
        points: of all tokens but the special ones, in the order of the texts.
        by: ``sentence``, or ``word``: then equal tokens share a colour, and those that stand once are grey.
        near: each token's true neighbours among all.
    """
    say = partial(text.say, lang=lang)
    chosen = {(each.text, place) for each in found for place in each.tokens}
    labels, groups, titles, loud = [], [], [], []
    kinds: dict[str, int] = {}
    for one in passed.texts:
        for token, special in zip(one.tokens, one.special, strict=True):
            if not special:
                kinds[token] = kinds.get(token, 0) + 1
    numbers = {token: place for place, token in enumerate(t for t, count in kinds.items() if count > 1)}
    for row, one in enumerate(passed.texts):
        for place, token in enumerate(one.tokens):
            if one.special[place]:
                continue
            labels.append(token.replace("▁", "").replace("Ġ", "") or token)
            groups.append(row if by == "sentence" else numbers.get(token, -1))
            titles.append(say("vectors.spot", token=token, sentence=row + 1, text=one.text[:80]))
            loud.append((row, place) in chosen)
    told = say("vectors.map_told", count=len(labels), layer=layer_name(layer, passed.layers, lang))
    if by == "sentence":
        names = [f"{row + 1}: {one.text[:60]}" for row, one in enumerate(passed.texts)]
    else:
        names = list(numbers)
    alone = len(names)  # those of no group
    bold = [place for place, strong in enumerate(loud) if strong]
    return point_map.chart(
        point_map.filling(points), labels, [alone if group < 0 else group for group in groups],
        [*names, ""], lang, marked=bold, named=[*bold, *(n for n in range(len(labels)) if not loud[n])],
        titles=titles, title=told, notes=notes, near=near, find=False,
    )  # fmt: skip


def pooling(passed: Passed, lang: str) -> str:
    """Mean pooling as arithmetic, a line a token, down to the vector that ``encode`` gives."""
    say = partial(text.say, lang=lang)
    one = passed.texts[0]
    done = pooled(one)
    vectors = one.layers[-1]
    head = ["", escape(say("vectors.mask")), *(f"<i>x<sub>{i}</sub></i>" for i in range(1, SHOWN + 1)), "…"]
    rows = [
        [f"<code>{visible(token)}</code>", str(mask), *_numbers(row), "…"]
        for token, mask, row in zip(one.tokens[:TOKENS], done.mask[:TOKENS], vectors[:TOKENS], strict=True)
    ]
    if len(one.tokens) > TOKENS:
        rows.append(["…"] * len(head))
    padding = max(len(each.tokens) for each in passed.texts) - len(one.tokens)
    blank = ["<code>[PAD]</code>", "0", *["–"] * (SHOWN + 1)]
    pads = [blank] * min(padding, PADDED) + [["…"] * len(head)] * (padding > PADDED)
    rows += [[f'<span class="vec-pad">{cell}</span>' for cell in pad] for pad in pads]
    count = sum(done.mask)
    lines = [
        ("vectors.pool_sum", "Σ", done.total),
        ("vectors.pool_mean", f"÷ {count}", done.mean),
        ("vectors.pool_unit", f"÷ {done.length:.4f}", done.unit),
    ]
    for key, sign, values in lines:
        rows.append([f"<b>{escape(say(key))}</b>", sign, *_numbers(values), "…"])
    if one.encoded is not None:
        rows.append([f"<b>{escape(say('vectors.pool_encode'))}</b>", "", *_numbers(one.encoded), "…"])
    strips = ""
    if one.encoded is not None and one.encoded.shape == done.unit.shape:
        most = strongest(done.unit)
        strips = (
            f'<ul class="vec-rows">{_row(escape(say("vectors.ours")), done.unit, most)}'
            f"{_row('encode', one.encoded, most)}</ul>"
        )
    return (
        note(say("vectors.pool_lead", count=count, width=number(vectors.shape[1])))
        + _padding(len(one.tokens), padding, len(passed.texts), lang)
        + table(head, rows, "vec-pool")
        + strips
        + _same(passed, done.difference, lang)
    )


def _padding(tokens: int, padding: int, texts: int, lang: str) -> str:
    """What the mask is for: said where rows of padding show it, else how to see it."""
    if padding:
        return note(text.say("vectors.pool_pad", lang, total=tokens + padding, count=padding))
    return note(text.say("vectors.pool_more", lang)) if texts == 1 else ""


def _numbers(values: NDArray[np.float32]) -> list[str]:
    return [f"{value:+.4f}" for value in values[:SHOWN]]


def _same(passed: Passed, difference: float | None, lang: str) -> str:
    """Whether it is what ``encode`` gives: measured, not assumed."""
    if passed.texts[0].early:
        count = len(passed.texts[0].tokens)
        return note(text.say("vectors.pool_early", lang, name=passed.model, count=count))
    if difference is None:
        return note(text.say("vectors.pool_none", lang, name=passed.model))
    if not difference:
        return f'<p class="vec-verdict yes"><b>{escape(text.say("vectors.pool_exact", lang))}</b></p>'
    if difference < 1e-5:
        told = text.say("vectors.pool_equal", lang, difference=f"{difference:.1e}")
        return f'<p class="vec-verdict yes"><b>{escape(told)}</b></p>'
    told = text.say("vectors.pool_other", lang, name=passed.model, pooling=passed.pooling or "?")
    return f'<p class="vec-verdict no"><b>{escape(told)}</b></p>'
