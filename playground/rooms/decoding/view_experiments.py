"""What an experiment measured, as a chart and a sentence that the numbers themselves choose."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from playground import text as words
from playground.rooms.decoding.experiments import BatchTimes, CacheTimes, Machine, Progress
from playground.rooms.decoding.no_grad import MODES, GradModes
from playground.rooms.decoding.precision import Measured
from playground.rooms.decoding.repeats import Kind, Repeats
from playground.rooms.decoding.view import TONES
from playground.ui.charts import Line, Series, bars, lines
from playground.ui.html import bar, escape, note, number, percent, sentences, size, table, visible

FLAT = 1.6  # a time that grows by less over the whole range is called flat: machines have other work
STEEP = 2.0
Say = Callable[..., str]


def progress(state: Progress, name: str, lang: str) -> str:
    """A bar, and what is measured now."""
    say = partial(words.say, lang=lang)
    told = say(f"decoding_lab.now_{name}", what=_what(state.what, lang))
    return note(told) + bar(told, 100 * state.share)


def _what(what: str, lang: str) -> str:
    known = f"decoding_lab.what_{what}"
    return words.say(known, lang) if known in words.catalogue(lang) else what


def _framed(name: str, told: str, picture: str, machine: Machine | None, repeated: int, lang: str) -> str:
    say, where = partial(words.say, lang=lang), ""
    if machine:
        where = say(
            "decoding_lab.machine", device=say(f"devices.{machine.device}"), dtype=machine.dtype,
            threads=machine.threads,
        )  # fmt: skip
    times = say("decoding_lab.rounds", count=repeated) if repeated else ""
    title = escape(say(f"decoding_lab.name_{name}"))  # another experiment may be chosen meanwhile
    found = f'<p class="dec-found">{escape(told)}</p>' if told else ""
    return (
        f'<section class="dec-lab"><h4>{title}</h4>{found}{picture}'
        f'<p class="pg-note dec-machine">{escape(sentences(where, times))}</p></section>'
    )


def ms(value: float) -> str:
    """Milliseconds with as many digits as mean something."""
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"


def cache(found: CacheTimes, lang: str) -> str:
    """Time of one more token against the length of the text."""
    say = partial(words.say, lang=lang)
    grown, other = (line[-1] / line[0] for line in (found.cached, found.plain))
    values: dict[str, Any] = {
        "first": found.lengths[0], "last": found.lengths[-1], "cached": ms(found.cached[-1]),
        "plain": ms(found.plain[-1]), "times": times(found.plain[-1] / found.cached[-1]),
        "grown": times(grown), "other": times(other),
    }  # fmt: skip
    if len(found.lengths) < 2:
        key = "cache_short"
    elif found.plain[-1] < found.cached[-1]:
        key = "cache_slower"
    elif other < STEEP:
        key = "cache_both_flat"
    elif grown < FLAT:
        key = "cache_flat"
    elif grown < other:
        key = "cache_rises_less"
    else:
        key = "cache_odd"
    series = [
        Line(say("decoding_lab.line_cached"), list(zip(found.lengths, found.cached, strict=True)), TONES[2]),
        Line(say("decoding_lab.line_plain"), list(zip(found.lengths, found.plain, strict=True)), TONES[3]),
    ]
    picture = lines(
        series, say("decoding_lab.axis_length"), say("decoding_lab.axis_ms"), say("decoding_lab.cache_chart"),
        lang, log_x=True, number=lambda y: number(y) if y >= 100 else f"{y:.3g}", listed=False,
    )  # fmt: skip
    rows = [
        [number(n), ms(a), ms(b), f"{times(b / a)} ×"]
        for n, a, b in zip(found.lengths, found.cached, found.plain, strict=True)
    ]
    head = [
        escape(say(f"decoding_lab.{key}"))
        for key in ("axis_length", "line_cached", "line_plain", "column_ratio")
    ]
    told = say(f"decoding_lab.{key}", **values)
    return _framed("cache", told, picture + table(head, rows, "narrow"), found.machine, found.rounds, lang)


def batch(found: BatchTimes, lang: str) -> str:
    """Throughput against the number of texts at once."""
    say = partial(words.say, lang=lang)
    rate, sizes = found.throughput, found.sizes
    best = max(range(len(sizes)), key=rate.__getitem__)
    gain, wait = rate[best] / rate[0], found.step[best] / found.step[0]
    values: dict[str, Any] = {
        "best": sizes[best], "gain": times(gain), "wait": times(wait), "one": number(rate[0]),
        "many": number(rate[best]), "first": ms(found.step[0]), "step": ms(found.step[best]),
    }  # fmt: skip
    key = "batch_short" if len(sizes) < 2 else "batch_gain" if gain >= 1.5 else "batch_none"
    series = [
        Line(say("decoding_lab.line_measured"), list(zip(sizes, rate, strict=True)), TONES[2]),
        Line(say("decoding_lab.line_ideal"), [(n, n * rate[0]) for n in sizes], TONES[1], True),
    ]
    picture = lines(
        series, say("decoding_lab.axis_batch"), say("decoding_lab.axis_rate"),
        say("decoding_lab.batch_chart"), lang, log_x=True, number=number, listed=False,
    )  # fmt: skip
    rows = [
        [number(n), ms(step), number(all_), number(all_ / n, 1)]
        for n, step, all_ in zip(sizes, found.step, rate, strict=True)
    ]
    head = [
        escape(say(f"decoding_lab.{key}"))
        for key in ("axis_batch", "column_step", "axis_rate", "column_each")
    ]
    told = say(f"decoding_lab.{key}", **values)
    return _framed("batch", told, picture + table(head, rows, "narrow"), found.machine, found.rounds, lang)


def grads(found: GradModes, lang: str) -> str:
    """Three modes: the same text, other times, other memory."""
    say = partial(words.say, lang=lang)
    same = len({tuple(ids) for ids in found.ids.values()}) == 1
    plain, best = found.step["plain"], found.step["inference_mode"]
    count = len(found.held["plain"])
    values: dict[str, Any] = {
        "held": size(found.held["plain"][-1]), "count": count, "plain": ms(plain), "best": ms(best),
        "times": times(plain / best), "each": size(_growth(found.held["plain"])),
    }  # fmt: skip
    text = say("decoding_lab.grads_same" if same else "decoding_lab.grads_other", **values)
    held = say("decoding_lab.grads_held" if found.held["plain"][-1] else "decoding_lab.grads_none", **values)
    key = "grads_faster" if plain > 1.1 * best else "grads_slower" if best > 1.1 * plain else "grads_level"
    told = sentences(text, held, say(f"decoding_lab.{key}", **values))
    series = [
        Line(
            mode,
            [(place + 1.0, held / 1e6) for place, held in enumerate(found.held[mode])],
            TONES[colour],
            dashed,
        )
        for mode, colour, dashed in zip(MODES, (3, 1, 2), (False, True, False), strict=True)
    ]
    picture = lines(
        series, say("decoding_lab.axis_tokens"), say("decoding_lab.axis_mb"), say("decoding_lab.grads_chart"),
        lang, number=lambda y: f"{y:.3g}",
    )  # fmt: skip
    rows = [
        [f"<code>{mode}</code>", ms(found.step[mode]), size(found.held[mode][-1]),
         escape(say("decoding_lab.yes" if found.ids[mode] == found.ids["plain"] else "decoding_lab.no"))]
        for mode in MODES
    ]  # fmt: skip
    head = [
        escape(say(f"decoding_lab.{key}"))
        for key in ("column_mode", "column_step", "column_held", "column_same")
    ]
    return _framed("grads", told, picture + table(head, rows, "narrow"), found.machine, found.rounds, lang)


def _growth(held: Sequence[int]) -> float:
    return (held[-1] - held[0]) / (len(held) - 1) if len(held) > 1 else held[0]


def repeats(found: Repeats, lang: str) -> str:
    """Which runs wrote the same; of those that were made so far."""
    say = partial(words.say, lang=lang)
    kinds: tuple[Kind, ...] = ("greedy", "seed", "other")
    counts = {kind: sum(run.kind == kind for run in found.runs) for kind in kinds}
    told = [
        say(f"decoding_lab.repeats_{kind}_{'same' if found.same(kind) else 'differ'}")
        for kind in kinds[:2]
        if counts[kind] > 1
    ]
    if counts["other"]:
        told.append(
            say("decoding_lab.repeats_other", different=found.different("other"), count=counts["other"])
        )
    if found.moved is not None:
        batch_key = "none" if not found.moved else "same" if found.same_best else "other"
        told.append(say(f"decoding_lab.repeats_batch_{batch_key}", moved=f"{found.moved:.1e}"))
    body, names, shares, told_shares = [], [], [], []
    for kind in kinds:
        for place, run in enumerate(run for run in found.runs if run.kind == kind):
            leaves = found.equal(run)
            chips = "".join(
                f'<i class="dec-t{" dif" if at == leaves else ""}">{visible(shown)}</i>'
                for at, shown in enumerate(run.texts)
            )
            name = say(f"decoding_lab.run_{kind}", place=place + 1, seed=run.seed)
            body.append([escape(name), f'<span class="dec-text">{chips}</span>'])
            names.append(name)
            shares.append(leaves / len(run.ids))
            told_shares.append(f"{leaves} / {len(run.ids)}")
    head = [escape(say(f"decoding_lab.{key}")) for key in ("column_run", "column_text")]
    legend = note(say("decoding_lab.repeats_legend"))
    title = say("decoding_lab.repeats_chart")
    picture = bars(names, [Series("", shares, told_shares)], title, lang, most=1.0, title=title, listed=False)
    shown = picture + table(head, body, "dec-runs") + legend
    return _framed("repeats", sentences(*told), shown, found.machine, 0, lang)


def precisions(
    rows: Sequence[Measured], machine: Machine | None, rounds: int, sentence: Say, lang: str
) -> str:
    """Size, speed and the distance of the distributions, a row a precision.

    Args:
        machine: None where none of them ran.
        sentence: says why a precision cannot be had: (key, values) → text.
    """
    say = partial(words.say, lang=lang)
    cells = []
    charts: dict[str, list[tuple[str, float, str]]] = {"size": [], "step": [], "kl": []}
    for row in rows:
        name = say(f"decoding_lab.what_{row.name}")
        if row.refused:
            why = f'<span class="dec-refused">{escape(sentence(*row.refused))}</span>'
            cells.append([escape(name), why, "", "", ""])
            continue
        moved = "–" if row.moved is None else f"{row.moved.mean:.2g}"
        agree = "–" if row.moved is None else percent(row.moved.agree)
        pace = ms(row.step) if row.step else "–"
        cells.append([escape(name), size(row.bytes), pace, moved, agree])
        charts["size"].append((name, row.bytes, size(row.bytes)))
        if row.step:
            charts["step"].append((name, row.step, pace))
        if row.moved:
            charts["kl"].append((name, row.moved.mean, moved))
    columns = ("column_precision", "column_size", "column_step", "column_kl", "column_agree")
    head = [escape(say(f"decoding_lab.{key}")) for key in columns]
    told = _precision_told([row for row in rows if row.moved], say) if rounds else ""
    drawn = "".join(_bars(say(f"decoding_lab.column_{key}"), each, lang) for key, each in charts.items())
    picture = f'<div class="dec-bars">{drawn}</div>{table(head, cells, "dec-precision")}'
    return _framed("precision", told, picture, machine, rounds, lang)


def _bars(title: str, each: Sequence[tuple[str, float, str]], lang: str) -> str:
    """Names with their values, and what these are in words."""
    names, values, told = zip(*each, strict=True) if each else ((), (), ())
    return bars(names, [Series("", values, told)], title, lang, title=title, listed=False)


def _precision_told(rows: list[Measured], say: Say) -> str:
    if len(rows) < 2:
        return say("decoding_lab.precision_few")
    full, small = rows[0], min(rows, key=lambda row: row.bytes)
    far = max(rows[1:], key=lambda row: row.moved.mean if row.moved else 0)
    fast = min(rows, key=lambda row: row.step or math.inf)
    assert far.moved
    saved = say(
        "decoding_lab.precision_size", small=say(f"decoding_lab.what_{small.name}"),
        share=percent(small.bytes / full.bytes),
    )  # fmt: skip
    distance = say(
        "decoding_lab.precision_far" if far.moved.mean > 1e-3 else "decoding_lab.precision_near",
        far=say(f"decoding_lab.what_{far.name}"), kl=f"{far.moved.mean:.2g}", agree=percent(far.moved.agree),
        positions=far.moved.positions,
    )  # fmt: skip
    key = "precision_fastest" if fast is not full else "precision_full_fastest"
    values = {"fast": say(f"decoding_lab.what_{fast.name}"), "step": ms(fast.step), "full": ms(full.step)}
    return sentences(saved, distance, say(f"decoding_lab.{key}", **values))
