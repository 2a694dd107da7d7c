"""Line charts as SVG of our own: small, in the page's colours, readable on a phone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.ui.html import escape

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 14, 30


@dataclass(frozen=True)
class Line:
    """One line: its points from left to right, its name, and its colour's number in ``colours.css``."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    dashed: bool = False


def chart(
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    told: str,
    *,
    zero: bool = True,
    log_x: bool = False,
    number: Callable[[float], str] = lambda value: f"{value:g}",
) -> str:
    """Lines over one pair of axes, with a legend beneath.

    Args:
        told: what the chart shows, for who hears the page.
        zero: the vertical axis begins (or ends) at 0.
        log_x: each doubling takes the same room.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    ticks = scale(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    bend = (lambda x: math.log2(x)) if log_x else (lambda x: x)
    first, last = bend(min(xs)), bend(max(xs))

    def across(x: float) -> float:
        share = (bend(x) - first) / (last - first) if last > first else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        share = (y - low) / (high - low) if high > low else 0.5
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>'
        f'<text class="e" x="{LEFT - 6}" y="{up(y) + 4:.1f}">{escape(number(y))}</text>'
        for y in ticks
    )
    marks = sorted(set(xs))
    if len(marks) > 9:
        marks = [x for x in scale(min(xs), max(xs)) if min(xs) <= x <= max(xs)]
    below = "".join(
        f'<text class="c" x="{across(x):.1f}" y="{HEIGHT - 8}">{escape(f"{x:g}")}</text>' for x in marks
    )
    drawn = "".join(_line(line, across, up, number) for line in lines)
    legend = "".join(
        f'<li><i class="ln-{line.colour}{" dashed" if line.dashed else ""}"></i>{escape(line.name)}</li>'
        for line in lines
    )
    return (
        f'<figure class="ln"><p class="ln-y">{escape(y_label)}</p>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(told)}">'
        f"{grid}{below}{drawn}</svg>"
        f'<p class="ln-x">{escape(x_label)}</p><ul class="ln-legend">{legend}</ul></figure>'
    )


def _line(
    line: Line, across: Callable[[float], float], up: Callable[[float], float], number: Callable[[float], str]
) -> str:
    places = [(across(x), up(y)) for x, y in line.points]
    path = " ".join(f"{'L' if order else 'M'}{x:.1f} {y:.1f}" for order, (x, y) in enumerate(places))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{escape(line.name)}: {escape(number(value))}'
        "</title></circle>"
        for (x, y), (_, value) in zip(places, line.points, strict=True)
    )
    kind = f"ln-{line.colour}{' dashed' if line.dashed else ''}"
    return f'<g class="{kind}"><path d="{path}"/>{"" if line.dashed else dots}</g>'


def digits(low: float, high: float) -> int:
    """How many decimals tell the marks of `scale` apart, one at least."""
    marks = scale(low, high)
    return max(1, -math.floor(math.log10(marks[1] - marks[0]) + 1e-6)) if len(marks) > 1 else 1


def scale(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover a range."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    step = 10 ** math.floor(math.log10((high - low) / about))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (m * step) <= about)
    first = math.floor(low / step + 1e-9)
    found = [round((first + place) * step, 10) for place in range(about + 3)]
    end = next((place for place, value in enumerate(found) if value >= high - 1e-9 * step), len(found) - 1)
    return found[: end + 1]
