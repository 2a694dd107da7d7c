"""Points on a map, drawn by the page itself (assets/map.js) in its colours: 75,000 stay fluid.

Numbers travel as base64 of small integers: 16 bits a coordinate are finer than any screen, and a map of
50,000 points takes 340 kB in place of megabytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.engine.vectors.neighbours import kept, measurable, unit
from playground.ui.html import escape, island, note

GROUPS = 12  # colours that can be told apart; the rest is grey
LABEL = 240  # characters of a label that a map carries


@dataclass(frozen=True, eq=False)
class Near:
    """True neighbours of each point in the original space.

    Args:
        places: [n, k], without the point itself.
        cosines: [n, k].
        kept: n × m, whether each of the first m is among the m nearest on the map, too; m is smaller than k
            where the map could not but keep all of them (see `measurable`), and 0 where nothing is measured.
    """

    places: NDArray[np.int32]
    cosines: NDArray[np.float32]
    kept: NDArray[np.bool_]

    @property
    def measured(self) -> NDArray[np.int32]:
        """The neighbours that `kept` speaks of: n × m."""
        return self.places[:, : self.kept.shape[1]]


def true_neighbours(
    vectors: NDArray[np.float32], places: NDArray[np.int32], points: NDArray[np.float32], most: int = 10
) -> Near:
    """For a map to show: true neighbours of each row, their cosines, and which are near on the map.

    Args:
        places: `nearest` of the vectors, each row itself first.
    """
    count = max(0, min(most, len(vectors) - 1, places.shape[1] - 1))
    near = np.ascontiguousarray(places[:, 1 : count + 1])
    whole = unit(vectors)
    cosines = np.zeros((len(whole), count), np.float32)
    for column in range(count):
        cosines[:, column] = (whole * whole[near[:, column]]).sum(1)
    return Near(near, np.clip(cosines, -1, 1), kept(points, near[:, : measurable(len(whole), most)]))


def packed(numbers: Any, kind: str) -> str:
    """Numbers as base64, little-endian: ``<u2``, ``<i2``, ``<i4`` or ``|u1``."""
    return base64.b64encode(np.ascontiguousarray(numbers, np.dtype(kind)).tobytes()).decode("ascii")


def coloured(
    groups: Sequence[int] | NDArray[Any],
    names: Sequence[str],
    first: Sequence[int] = (),
    last: int | None = None,
) -> tuple[NDArray[np.int64], list[int]]:
    """The colour of each point, and the groups that have one of their own.

    Those of the points in ``first`` come before the others, of which the largest do; the group ``last`` gets
    the last colour in any case.
    """
    numbers = np.asarray(groups, np.int64)
    sizes = np.bincount(numbers, minlength=len(names))
    mine = [int(numbers[place]) for place in reversed(first)]
    ranked = dict.fromkeys([*mine, *np.argsort(-sizes, kind="stable").tolist()])
    order = [group for group in ranked if names[group] and sizes[group] and group != last]
    order = order[:GROUPS] if last is None else [*order[: GROUPS - 1], last]
    colour = np.full(max(1, len(names)), GROUPS)
    colour[order] = np.arange(len(order))
    return colour[numbers], order


def chart(
    points: NDArray[np.float32] | Sequence[Sequence[float]],
    labels: Sequence[str],
    groups: Sequence[int] | NDArray[Any],
    names: Sequence[str],
    lang: str,
    *,
    near: Near | None = None,
    ids: Sequence[str] = (),
    marked: Sequence[int] = (),
    ends: Sequence[int] = (),
    notes: Sequence[str] = (),
    title: str = "",
    added: bool = False,
) -> str:
    """A map to drag, zoom and search; a point under the pointer says its label.

    Args:
        points: [n, 2 or 3], from -1 to 1.
        labels: what each point is called.
        groups: the group of each point, a place in ``names``; the largest groups get colours.
        near: a click selects a point, and lines lead to these; without it a click likes ``ids``.
        marked: points drawn large; of liked songs, their groups have a colour in any case.
        ends: points that lines lead to from the last marked one.
        notes: sentences below.
        added: the last point's group are points that were added: they have a colour however few they are.
    """
    places = np.asarray(points, np.float64)
    places = places.reshape(len(labels), -1)
    numbers = np.asarray(groups, np.int64)
    # Groups of liked songs first: who likes rock looks for it.
    last = int(numbers[-1]) if added else None
    colour, order = coloured(numbers, names, () if near is not None else marked, last)
    others = len(order) < len(np.unique(numbers))
    data: dict[str, Any] = {
        "d": places.shape[1], "xyz": packed(np.rint((places.clip(-1, 1) + 1) / 2 * 65535), "<u2"),
        "g": packed(colour, "|u1"), "t": [each[:LABEL] for each in labels], "m": list(map(int, marked)),
        "n": list(map(int, ends)), "legend": [[names[g], place] for place, g in enumerate(order)],
    }  # fmt: skip

    def say(key: str) -> str:
        return text.say(f"map.{key}", lang)

    if others:
        data["legend"].append([say("rest"), GROUPS])
    top = side = ""
    if near is None:
        data["id"] = list(ids)
    else:
        data |= {
            "k": near.places.shape[1], "near": packed(near.places, "<i4"), "of": list(names),
            "gi": numbers.tolist(), "cos": packed(np.rint(near.cosines * 10_000), "<i2"),
            "kept": packed(near.kept, "|u1"), "measured": near.kept.shape[1],
            "say": {key: say(key) for key in ("hint", "trust", "neighbours", "unmeasured", "found")},
        }  # fmt: skip
        buttons = "".join(
            f'<button type="button" data-map="{name}">{escape(say(name))}</button>' for name in ("png", "svg")
        )
        find = escape(say("find"))
        top = (
            f'<div class="pg-map-top"><input type="search" class="pg-map-find" placeholder="{find}" '
            f'aria-label="{find}">{buttons}</div>'
        )
        side = '<aside class="pg-map-side" aria-live="polite"></aside>'
    tag = "button" if near is not None else "span"
    legend = "".join(
        f'<li><{tag}{_pressable(near, place)}><i style="background:var(--map-{place + 1})"></i>'
        f"{escape(names[group])}</{tag}></li>"
        for place, group in enumerate(order)
    )
    if others:
        legend += f'<li><i style="background:var(--map-0)"></i>{escape(say("rest"))}</li>'
    told = "".join(note(each) for each in notes)
    island_ = island(data)
    key = hashlib.sha256(island_.encode("utf-8", "replace")).hexdigest()[:16]
    tools = "".join(
        f'<button type="button" data-map="{act}" title="{told}" aria-label="{told}">{sign}</button>'
        for act, sign in (("in", "+"), ("out", "−"), ("all", "⤢"))
        for told in [escape(say(act))]
    )
    label = escape(text.say("map.label", lang, count=f"{len(labels):,}"))
    heading = f"<h5>{escape(title)}</h5>" if title else ""
    kind = "" if near is None else " sided"
    return (
        f'<div class="pg-map{kind}">{island_}{heading}{top}<div class="pg-map-body">'
        f'<div class="pg-map-canvas"><canvas data-key="{key}" tabindex="0" role="img" aria-label="{label}">'
        f'</canvas><div class="pg-map-tools">{tools}</div>'
        f'<p class="pg-map-told" aria-live="polite">&nbsp;</p></div>{side}</div>'
        f'<ul class="pg-map-legend">{legend}</ul></div>{told}'
    )


def _pressable(near: Near | None, place: int) -> str:
    return "" if near is None else f' type="button" data-group="{place}" aria-pressed="false"'


def standalone(chart_html: str, title: str, assets: Mapping[str, str], lang: str) -> str:
    """A page of its own that shows the map anywhere, offline: HTML with the script and the colours in it.

    Args:
        chart_html: as `chart` makes it: all text in it is escaped, or data that the script writes as text.
        assets: the contents of ``map.js``, ``map.css`` and ``colours.css``.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width"><style>'
        f"{assets['colours.css']}\n{assets['map.css']}\n"
        "body{margin:1rem;font:16px/1.5 system-ui,sans-serif;"
        "background:var(--pg-paper);color:var(--pg-ink)}"
        "canvas{height:80vh!important}</style><script>"
        "if(matchMedia('(prefers-color-scheme: dark)').matches)"
        "document.documentElement.classList.add('dark');"
        f"{assets['map.js']}</script></head><body><h1>{escape(title)}</h1>{chart_html}</body></html>\n"
    )
