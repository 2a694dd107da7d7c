"""A map as a small picture of its own, seen until plotly.js has come: the same points, sampled, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.ui.html import escape

MOST = 1500  # points of a picture: enough for its shape, and 15 kB
SIDE = 1000  # half of its height and width


def still(
    places: NDArray[np.int16],
    colour: NDArray[np.int64],
    lines: Sequence[tuple[int, int, bool]],
    chosen: int,
    labels: Sequence[str],
    clusters: Sequence[Sequence[Any]],
    edge: int,
    eye: Sequence[float],
    named: Sequence[int] = (),
) -> str:
    """Points, the chosen one with its lines, and names; light or dark as the page is.

    Args:
        places: n × 2 or 3.
        colour: the number of each one's colour; the last is grey.
        lines: from, to, and whether it is dashed.
        clusters: colour, name and place of each name.
        eye: from where three dimensions are seen.
        named: points that are called by their labels.
    """
    spots = flat(places, edge, eye)
    every = -(-len(spots) // MOST) or 1
    size = 7 if len(spots) <= 3000 else 4
    drawn = ""
    for group in sorted(set(colour[::every].tolist()), reverse=True):
        some = spots[::every][colour[::every] == group]
        tone = "--map-0" if group >= 12 else f"--map-{group + 1}"
        marks = "".join(f"M{x} {y}h0" for x, y in some)
        drawn += f'<path class="p" style="stroke:var({tone});stroke-width:{size}px" d="{marks}"/>'
    for start, end, torn in lines:
        (x, y), (to_x, to_y) = spots[start], spots[end]
        drawn += f'<path class="l{" torn" if torn else ""}" d="M{x} {y}L{to_x} {to_y}"/>'
    for number, name, *place in clusters:
        ((x, y),) = flat(np.array([place]), edge, eye)
        drawn += f'<text class="c" style="--c:var(--map-{number})" x="{x}" y="{y}">{escape(name)}</text>'
    for row in [*named, *([chosen] if chosen >= 0 else [])]:
        x, y = spots[row]
        name = labels[row] if len(labels[row]) <= 60 else labels[row][:59] + "…"
        anchor = "start" if x < -SIDE / 3 else "end" if x > SIDE / 3 else "middle"
        drawn += f'<path class="at" d="M{x} {y}h0"/>'
        drawn += f'<text x="{x}" y="{y - 35}" text-anchor="{anchor}">{escape(name)}</text>'
    box = f"{-SIDE} {-SIDE} {2 * SIDE} {2 * SIDE}"
    return f'<svg class="pg-map-still" viewBox="{box}" preserveAspectRatio="xMidYMid meet">{drawn}</svg>'


def flat(places: NDArray[np.int16], edge: int, eye: Sequence[float]) -> NDArray[np.int64]:
    """Where points stand in the picture, y downwards; three dimensions as they are seen from ``eye``."""
    spots = places.astype(np.float64) / edge
    if places.shape[1] == 3:
        away = np.array(eye)
        far = float(np.linalg.norm(away))
        ahead = away / far
        right = np.cross([0, 0, 1], ahead)
        right /= np.linalg.norm(right)
        deep = spots / 2 @ ahead
        # As plotly looks: an angle of 45°, on a cube with edges of 1.
        spots = (spots / 2 @ np.stack([right, np.cross(ahead, right)], 1)) / (far - deep)[:, None] * 2.414
    return np.rint(spots * [SIDE, -SIDE]).astype(np.int64)
