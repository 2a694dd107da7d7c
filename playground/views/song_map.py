"""Points on a map, drawn by the page itself (assets/map.js) in the page's colours: 75,000 stay fluid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.views.html import escape, island, note

GRAIN = 10_000  # steps from one side to the other: finer than any screen
GROUPS = 12  # colours that can be told apart; the rest is grey


def chart(
    points: NDArray[np.float32] | Sequence[Sequence[float]],
    labels: Sequence[str],
    groups: Sequence[int],
    names: Sequence[str],
    ids: Sequence[str],
    marked: Sequence[int],
    near: Sequence[int],
    notes: Sequence[str],
    lang: str,
) -> str:
    """A map to drag and zoom; a point under the pointer says its label, and a click likes it.

    Args:
        points: n × 2, from -1 to 1.
        labels: what each point is called.
        groups: the group of each point, a place in ``names``; the largest groups get colours.
        ids: what a click likes.
        marked: points drawn large, whose groups have a colour in any case.
        near: points that lines lead to from the last marked one.
        notes: sentences below.
    """
    numbers = np.asarray(groups, np.int64)
    sizes = np.bincount(numbers, minlength=len(names))
    # Groups of marked songs first: who likes rock looks for it.
    mine = dict.fromkeys(int(numbers[place]) for place in reversed(marked))
    ranked = dict.fromkeys([*mine, *np.argsort(-sizes, kind="stable").tolist()])
    order = [group for group in ranked if names[group] and sizes[group]][:GROUPS]
    colour = np.full(len(names), GROUPS)
    colour[order] = np.arange(len(order))
    grid = np.rint((np.asarray(points, np.float64) + 1) / 2 * GRAIN).astype(int)
    data = {
        "x": grid[:, 0].tolist(), "y": grid[:, 1].tolist(), "g": colour[numbers].tolist(), "t": list(labels),
        "id": list(ids), "m": list(map(int, marked)), "n": list(map(int, near)), "grain": GRAIN,
    }  # fmt: skip
    legend = "".join(
        f'<li><i style="background:var(--map-{place + 1})"></i>{escape(names[group])}</li>'
        for place, group in enumerate(order)
    )
    if len(order) < len([size for size in sizes if size]):
        legend += (
            f'<li><i style="background:var(--map-0)"></i>{escape(text.say("songs.map_rest", lang))}</li>'
        )
    below = "".join(note(each) for each in notes)
    label = escape(text.say("songs.map_label", lang, count=f"{len(labels):,}"))
    tools = "".join(
        f'<button type="button" data-map="{act}" title="{told}" aria-label="{told}">{sign}</button>'
        for act, sign in (("in", "+"), ("out", "−"), ("all", "⤢"))
        for told in [escape(text.say(f"songs.map_{act}", lang))]
    )
    return (
        f'<div class="pg-map">{island(data)}<canvas tabindex="0" role="img" aria-label="{label}"></canvas>'
        f'<div class="pg-map-tools">{tools}</div>'
        '<p class="pg-map-told" aria-live="polite">&nbsp;</p></div>'
        f'<ul class="pg-map-legend">{legend}</ul>{below}'
    )
