"""Line and bar charts as figures.

All measures are given: a still picture puts its marks where plotly will, so that nothing moves when it comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from playground.ui import figures
from playground.ui.html import escape

HEIGHT = 300  # pixels of a line chart
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 26, 44  # its margins
THICK, PITCH, HEAD, GAP = 12, 16, 21, 10  # pixels of a bar, from bar to bar, of a name above, between groups
ROOM = 76  # pixels at the right of bars, for their numbers


@dataclass(frozen=True)
class Line:
    """One line: its points from left to right, its name, and its colour's number in ``colours.css``."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str = "--pg-accent"
    dashed: bool = False


@dataclass(frozen=True)
class Series:
    """Bars of one colour, one a group: values, and what each says in words; None where there is no bar."""

    name: str
    values: Sequence[float | None]
    told: Sequence[str]
    colour: str = "--pg-accent"
    faint: Sequence[bool] = ()
    """Which are hatched: what they stand for is not whole."""


def lines(
    each: Sequence[Line],
    x_label: str,
    y_label: str,
    told: str,
    lang: str,
    *,
    zero: bool = True,
    log_x: bool = False,
    number: Callable[[float], str] = lambda value: f"{value:g}",
    title: str = "",
    listed: bool = True,
) -> str:
    """Lines over one pair of axes; nothing where there is no point.

    Args:
        told: what the chart shows, in one sentence.
        zero: the vertical axis begins (or ends) at 0.
        log_x: each doubling takes the same room.
        listed: whether a table is to go with it; there may be one beside it already.
    """
    points = [point for line in each for point in line.points]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    ticks = scale(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    marks = sorted(set(xs))
    if len(marks) > 7:
        marks = [x for x in scale(min(xs), max(xs)) if min(xs) <= x <= max(xs)]
    bend = math.log10 if log_x else float
    first, last = bend(min(xs)), bend(max(xs))
    pad = 0.02 * (last - first) or 0.5
    first, last = first - pad, last + pad
    data = [
        {
            "type": "scatter", "mode": "lines" if line.dashed else "lines+markers",
            "name": figures.plain(line.name),
            "x": [x for x, _ in line.points], "y": [y for _, y in line.points],
            "text": [figures.plain(number(y)) for _, y in line.points],
            "hovertemplate": "%{text}", "cliponaxis": False,
            "line": {
                "color": f"var({line.colour})", "width": 2.4, "dash": "dash" if line.dashed else "solid",
            },
            "marker": {"size": 7, "color": f"var({line.colour})"},
        }
        for line in each
    ]  # fmt: skip
    layout = {
        "height": HEIGHT, "hovermode": "x unified",
        "xaxis": {
            "type": "log" if log_x else "linear", "range": [first, last], "fixedrange": True,
            "tickvals": marks, "ticktext": [f"{x:g}" for x in marks],
        },
        "yaxis": {
            "range": [low, high], "fixedrange": True, "tickvals": ticks,
            "ticktext": [figures.plain(number(y)) for y in ticks],
        },
        "annotations": [
            _corner(y_label, x=0, y=1, xanchor="left", yanchor="bottom", xshift=-LEFT + 6, yshift=4),
            _corner(x_label, x=1, y=0, xanchor="right", yanchor="top", yshift=-22),
        ],
    }  # fmt: skip

    def across(x: float) -> float:
        return 100 * (bend(x) - first) / (last - first)

    def up(y: float) -> float:
        return 100 * (y - low) / (high - low)

    drawn = "".join(f'<path class="g" d="M0 {100 - up(y):.2f}H100"/>' for y in ticks)
    for line in each:
        places = [f"{across(x):.2f} {100 - up(y):.2f}" for x, y in line.points]
        dots = "" if line.dashed else f'<path class="d" d="{"".join(f"M{at}h0" for at in places)}"/>'
        kind = ' class="dashed"' if line.dashed else ""
        drawn += f'<g style="--c:var({line.colour})"><path{kind} d="M{"L".join(places)}"/>{dots}</g>'
    words = "".join(f'<span class="y" style="bottom:{up(y):.2f}%">{escape(number(y))}</span>' for y in ticks)
    words += "".join(f'<span class="x" style="left:{across(x):.2f}%">{x:g}</span>' for x in marks)
    words += (
        f'<span style="left:{6 - LEFT}px;bottom:calc(100% + 7px)">{escape(y_label)}</span>'
        f'<span style="right:0;top:calc(100% + 25px)">{escape(x_label)}</span>'
    )
    still = (
        f'<div class="pg-still" style="inset:{TOP}px {RIGHT}px {BOTTOM}px {LEFT}px">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none">{drawn}</svg>{words}</div>'
    )
    return figures.framed(
        figures.figure(data, layout),
        kind="chart", still=still, label=told, lang=lang, height=f"{HEIGHT}px", title=title,
        legend=[
            figures.Entry(line.name, line.colour, (place,), line.dashed) for place, line in enumerate(each)
        ] if len(each) > 1 else (),
        rows=_points(each, x_label, number) if listed else None,
    )  # fmt: skip


def _points(
    each: Sequence[Line], x_label: str, number: Callable[[float], str]
) -> tuple[list[str], list[list[str]]]:
    known = [dict(line.points) for line in each]
    every = sorted({x for line in known for x in line})
    rows = [
        [f"{x:g}", *(escape(number(line[x])) if x in line else "" for line in known)] for x in every[:100]
    ]
    return [x_label, *(line.name for line in each)], rows


def bars(
    groups: Sequence[str],
    series: Sequence[Series],
    told: str,
    lang: str,
    *,
    most: float = 0.0,
    title: str = "",
    rows: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None,
    listed: bool = True,
) -> str:
    """Horizontal bars: a name above each group, in it a bar of each series; nothing where there is no bar.

    Args:
        groups: the names, from top to bottom.
        told: what the chart shows, in one sentence.
        most: the value of a full bar; else the largest one.
        rows: the table that goes with it; else one is made of what the bars say.
        listed: whether a table is to go with it; there may be one beside it already.
    """
    values = [value for one in series for value in one.values if value is not None]
    if not values:
        return ""
    full = most or max(values) or 1.0
    tall = HEAD + PITCH * len(series) + GAP
    height = tall * len(groups)
    data, still, notes = [], "", []
    for place, name in enumerate(groups):
        notes.append(_corner(name, x=0, y=place * tall, yref="y", xanchor="left", yanchor="top", ink=True))
        still += f'<span class="n" style="left:0;top:{place * tall + 4}px">{escape(name)}</span>'
    for order, one in enumerate(series):
        there = [place for place, value in enumerate(one.values) if value is not None]
        middle = [place * tall + HEAD + PITCH * order + THICK / 2 for place in there]
        faint = [bool(one.faint) and one.faint[place] for place in there]
        data.append({
            "type": "bar", "orientation": "h", "name": figures.plain(one.name),
            "x": [one.values[place] for place in there], "y": middle, "width": THICK,
            "text": [figures.plain(one.told[place]) for place in there],
            "textposition": "outside", "cliponaxis": False, "textfont": {"size": 12},
            "constraintext": "none",
            "customdata": [figures.plain(groups[place]) for place in there],
            "hovertemplate": "%{customdata}: %{text}<extra>%{fullData.name}</extra>",
            "marker": {
                "color": f"var({one.colour})", "line": {"width": 0},
                "pattern": {
                    "shape": ["/" if each else "" for each in faint], "bgcolor": figures.CLEAR,
                    "fillmode": "replace", "fgcolor": f"var({one.colour})", "size": 6,
                },
            },
        })  # fmt: skip
        for place, at, hatched in zip(there, middle, faint, strict=True):
            share = 100 * (one.values[place] or 0) / full
            where = f"width:{share:.2f}%;top:{at - THICK / 2:g}px;height:{THICK}px;--c:var({one.colour})"
            still += f'<i class="b{" faint" if hatched else ""}" style="{where}"></i>'
            where = f"left:calc({share:.2f}% + 3px);top:{at - THICK / 2:g}px"
            still += f'<span class="n" style="{where}">{escape(one.told[place])}</span>'
    layout = {
        "height": height, "hovermode": "closest", "barmode": "overlay",
        "margin": {"l": 2, "r": ROOM, "t": 0, "b": 0},
        "xaxis": {"range": [0, full], "visible": False, "fixedrange": True},
        "yaxis": {"range": [height, 0], "visible": False, "fixedrange": True},
        "annotations": notes,
    }  # fmt: skip
    if rows is None:
        named = len(series) > 1
        rows = (
            ["", *(one.name for one in series)] if named else ["", told],
            [
                [escape(name), *(escape(one.told[place]) for one in series)]
                for place, name in enumerate(groups)
            ],
        )
    return figures.framed(
        figures.figure(data, layout),
        kind="chart",
        still=f'<div class="pg-still" style="inset:0 {ROOM}px 0 2px">{still}</div>',
        label=told, lang=lang, height=f"{height}px", title=title,
        legend=[figures.Entry(one.name, one.colour, (place,)) for place, one in enumerate(series)]
        if len(series) > 1 else (),
        rows=rows if listed else None,
    )  # fmt: skip


def _corner(told: str, *, ink: bool = False, **where: Any) -> dict[str, Any]:
    """Words of a chart that belong to no point."""
    colour = "var(--pg-ink)" if ink else "var(--pg-muted)"
    return {
        "text": figures.plain(told), "showarrow": False, "xref": "paper", "yref": "paper", "borderpad": 0,
        "font": {"size": 12, "color": colour}, "align": "left", **where,
    }  # fmt: skip


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
