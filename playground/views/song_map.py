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
        marked: points drawn large; near: points that lines lead to from the last marked one.
        notes: sentences below.
    """
    numbers = np.asarray(groups, np.int64)
    sizes = np.bincount(numbers, minlength=len(names))
    order = [group for group in np.argsort(-sizes, kind="stable") if names[group] and sizes[group]][:GROUPS]
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
    told = "".join(note(each) for each in notes)
    label = escape(text.say("songs.map_label", lang, count=f"{len(labels):,}"))
    return (
        f'<div class="pg-map">{island(data)}<canvas tabindex="0" role="img" aria-label="{label}"></canvas>'
        '<p class="pg-map-told" aria-live="polite">&nbsp;</p></div>'
        f'<ul class="pg-map-legend">{legend}</ul>{told}'
    )
