"""Two plans side by side: what differs in their configs, and what it comes to; and real forward passes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from playground import text
from playground.rooms.architecture import memory
from playground.rooms.architecture.dataflow import flops
from playground.rooms.architecture.fields import field
from playground.rooms.architecture.forward import Held, Watched
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.view_memory import NAMES
from playground.rooms.architecture.view_words import FIELDS, value_of
from playground.rooms.architecture.what_if import differences
from playground.ui.html import escape, note, number, size, table, visible


def side_by_side(old: Architecture, new: Architecture, context: int, batch: int, lang: str) -> str:
    """Config differences first, then counts, memory and arithmetic, each with the difference."""
    say = partial(text.say, lang=lang)
    differ = differences(old.config, new.config)
    known = frozenset(k.removeprefix(FIELDS) for k in text.catalogue(lang) if k.startswith(FIELDS))
    rows = [
        [f"<code>{visible(name)}</code>", _value(old, name, a), _value(new, name, b),
         f"<small>{escape(text.say(FIELDS + field(name, known), lang))}</small>"]
        for name, a, b in differ
    ]  # fmt: skip
    names = [escape(old.name), escape(new.name)]
    head = [escape(say("architecture.field")), *names, escape(say("architecture.meaning"))]
    told = (
        table(head, rows, "arc-diff arc-config", named=True)
        if rows
        else note(say("architecture.same_config"))
    )
    title = f"<h5>{escape(say('architecture.config_differences'))}</h5>"
    return title + told + counts(old, new, context, batch, lang, names)


def _value(plan: Architecture, name: str, value: object) -> str:
    return f"<code>{visible(value_of(value, 60)) if name in plan.config else '–'}</code>"


def counts(
    old: Architecture, new: Architecture, context: int, batch: int, lang: str, names: Sequence[str] = ()
) -> str:
    """Old and new numbers, and by how much they differ."""
    say = partial(text.say, lang=lang)
    used = say("architecture.active")  # told only where it is not all of them
    bytes_old, bytes_new = memory.in_bytes(old), memory.in_bytes(new)
    lines: list[tuple[str, int | None, int | None, bool]] = [
        (say("architecture.parameters"), old.parameters, new.parameters, False),
        (used, old.active, new.active, False),
        (say("architecture.tied"), old.tied, new.tied, False),
        (say("architecture.layers"), old.shape.layers, new.shape.layers, False),
    ]
    lines += [
        (NAMES[precision], bytes_old[precision], bytes_new[precision], True)
        for precision in memory.PRECISIONS
        if precision in bytes_old and precision in bytes_new
    ]
    lines += [
        (say("architecture.cache_token"), memory.cache_per_token(old), memory.cache_per_token(new), True),
        (say("architecture.cache_all", context=number(context), batch=number(batch)),
         memory.cache_bytes(old, context, batch), memory.cache_bytes(new, context, batch), True),
        (say("architecture.flops_token"), flops(old, context), flops(new, context), False),
    ]  # fmt: skip
    rows = [
        [escape(name), _told(a, is_bytes), _told(b, is_bytes), difference(a, b)]
        for name, a, b, is_bytes in lines
        if (a != 0 or b != 0) and not (name == used and a == old.parameters and b == new.parameters)
    ]
    names = names or [escape(say("architecture.before")), escape(say("architecture.after"))]
    head = [escape(say("architecture.what")), *names, escape(say("architecture.difference"))]
    return f"<h5>{escape(say('architecture.comes_to'))}</h5>{table(head, rows, 'arc-diff', named=True)}"


def _told(value: int | None, is_bytes: bool) -> str:
    if value is None:
        return "?"
    return f"<b>{number(value)}</b>" + (f"<br><small>{size(value)}</small>" if is_bytes else "")


def difference(old: int | None, new: int | None) -> str:
    """By how much a number grew or fell, as a number and a share; nothing where one is unknown."""
    if old is None or new is None:
        return "–"
    change = new - old
    if not change:
        return '<span class="arc-same">=</span>'
    kind = "more" if change > 0 else "less"
    share = f"<br><small>{change / old:+.1%}</small>" if old else ""
    return f'<span class="arc-{kind}">{change:+,}{share}</span>'


def watched(rows: Sequence[Watched], tokens: Sequence[str], seconds: float, lang: str) -> str:
    """A real forward pass: shape, mean and spread after each part; the spread as a bar."""
    say = partial(text.say, lang=lang)
    most = max((row.spread for row in rows), default=0) or 1
    lines = []
    for row in rows:
        bar = f'<span class="arc-bar"><i style="width:{100 * row.spread / most:.1f}%"></i></span>'
        name = f"<b><code>{escape(row.path)}</code></b>" if row.layer else f"<code>{escape(row.path)}</code>"
        lines.append(
            [f'{name}<br><small class="arc-kind">{escape(row.kind)}</small>',
             f"<code>{list(row.shape)}</code>", f"{row.mean:+.4f}", f"{row.spread:.4f}{bar}",
             escape(row.dtype)]
        )  # fmt: skip
    head = [escape(say(f"architecture.{key}")) for key in ("part", "shape_out", "mean", "spread", "dtype")]
    chips = " ".join(
        f'<i class="t {"abcd"[i % 4]}">{visible(each)}</i>' for i, each in enumerate(tokens[:64])
    )
    given = f'<p class="tok-text">{chips}</p>' if tokens else ""
    told = note(say("architecture.watched", count=number(len(tokens)), seconds=number(seconds, 2)))
    return given + told + table(head, lines, "arc-memory", named=True)


def holds(rows: Sequence[Held], lang: str) -> str:
    """The parts of a loaded model: number format, place and bytes of each."""
    say = partial(text.say, lang=lang)
    lines = [
        [f"<code>{escape(row.name)}</code>", escape(row.kind), number(row.parameters),
         escape(", ".join(row.dtypes)), escape(", ".join(row.devices)), number(row.bytes)]
        for row in rows
    ]  # fmt: skip
    keys = ("part", "class", "parameters", "dtype", "device_at", "bytes")
    return table([escape(say(f"architecture.{key}")) for key in keys], lines, "arc-diff", named=True)
