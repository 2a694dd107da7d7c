"""Maps of points as figures: groups to switch, true neighbours, names; 75,000 stay fluid.

Coordinates travel as 16-bit numbers, finer than any screen, and everything that is long as base64: plotly.js
reads both.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.engine.vectors.neighbours import kept, measurable, nearest, unit
from playground.ui import figures, map_stills
from playground.ui.html import escape, note, number

GROUPS = figures.COLOURS  # the rest is grey
LABEL = 240  # characters of a label that a map carries
FULL = 32767  # the places' outermost number
EDGE = round(1.07 * FULL)  # where the map ends
PLAIN = 1000  # points that are drawn as SVG; more are drawn by WebGL, whose start costs a second
IN_SPACE = 2000  # points in three dimensions: more would not turn smoothly
LISTED = 60  # rows of the table
CLUSTER = 28  # characters of a group's name on the map
SAID = ("hint", "found", "selected", "selected_more", "clear", "copy", "copied", "point", "rest")
EYE = (1.35, 1.35, 0.85)  # from where three dimensions are seen first


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


def neighbourhood(vectors: NDArray[np.float32], points: NDArray[np.float32], most: int = 10) -> Near:
    """`true_neighbours` of a few vectors, by cosine."""
    places, _ = nearest(unit(vectors), min(len(vectors), most + 1))
    return true_neighbours(vectors, places, points, most)


def packed(numbers: Any, kind: str) -> dict[str, str]:
    """Numbers as plotly writes them: base64, little-endian, with their kind (``i2``, ``i4``, ``u1``)."""
    raw = np.ascontiguousarray(numbers, np.dtype(kind).newbyteorder("<")).tobytes()
    return {"dtype": kind, "bdata": base64.b64encode(raw).decode("ascii")}


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
    first: Sequence[int] = (),
    notes: Sequence[str] = (),
    title: str = "",
    added: bool = False,
    titles: Sequence[str] = (),
    named: Sequence[int] | None = None,
    find: bool = True,
) -> str:
    """A map to drag, zoom, search and select on; a point under the pointer says its label.

    Args:
        points: [n, 2 or 3], from -1 to 1.
        labels: what each point is called.
        groups: the group of each point, a place in ``names``; the largest groups get colours.
        near: a click selects a point, and lines lead to these; without it a click tells the page's script
            which of ``ids`` it was (``playground:point``).
        marked: points drawn large.
        first: points whose groups have a colour in any case; none: without neighbours, those of ``marked``.
        notes: sentences below.
        added: the last point's group are points that were added: they have a colour however few they are.
        titles: what a point under the pointer says, where that is more than its label.
        named: points whose labels stand on the map as far as there is room, first ones first; ``marked`` ones
            are bold. Without ``near`` a click does nothing then.
        find: whether it has a box of its own that finds words in its points.
    """

    def say(key: str, **values: object) -> str:
        return text.say(f"map.{key}", lang, **values)

    places = np.rint(np.asarray(points, np.float64).reshape(len(labels), -1).clip(-1, 1) * FULL)
    places = places.astype(np.int16)
    numbers = np.asarray(groups, np.int64)
    last = int(numbers[-1]) if added else None
    colour, order = coloured(numbers, names, first or (marked if near is None else ()), last)
    chosen = int(marked[-1]) if len(marked) and near is not None and named is None else -1
    lines = _lines(chosen, near)
    traces, shown = _traces(places, colour, [names[g] for g in order], say("rest"), [*marked, *_ends(lines)])
    legend = [
        figures.Entry(each["name_"], each["colour_"], (place,))
        for place, each in enumerate(traces)
        if each["name_"]
    ]
    legend = [*(e for e in legend if e.colour != "--map-0"), *(e for e in legend if e.colour == "--map-0")]
    without = None if last is None else len(order) - 1
    clusters = _clusters(places, colour, [names[g] for g in order], without) if named is None else []
    told = [each[:LABEL] for each in labels]
    more: dict[str, Any] = {
        "labels": told, "d": places.shape[1], "edge": EDGE, "marked": list(map(int, marked)),
        "clusters": clusters,
        "say": {key: say(key) for key in SAID},
    }  # fmt: skip
    before = ""
    more |= {"titles": [each[:LABEL] for each in titles]} if titles else {}
    more |= {"named": list(map(int, named))} if named is not None else {}
    if near is None:
        more |= {"id": list(ids)}
    else:
        more |= {
            "k": near.places.shape[1], "near": packed(near.places, "i4"), "of": list(names),
            "groups": packed(numbers, "i4"), "kept": packed(near.kept, "u1"), "measured": near.kept.shape[1],
            "cosines": packed(np.rint(near.cosines * 10_000), "i2"),
        }  # fmt: skip
        more["say"] |= {
            key: say(key) for key in ("trust", "trust_most", "trust_all", "neighbours", "unmeasured")
        }
        words = escape(say("find"))
        if find:
            before = f'<input type="search" class="pg-map-find" placeholder="{words}" aria-label="{words}">'
    said = [say("sampled", shown=number(shown), count=number(len(labels)))] if shown < len(labels) else []
    made = figures.figure(
        [{name: each for name, each in trace.items() if not name.endswith("_")} for trace in traces],
        _layout(places, lines, chosen),
    )
    below = '<p class="pg-map-told" aria-live="polite">&nbsp;</p><div class="pg-map-selected"></div>'
    return figures.framed(
        made,
        kind="map",
        also="pg-map",
        still=map_stills.still(
            places, colour, lines, chosen, told, clusters, EDGE, EYE, marked if named is not None else ()
        ),
        label=say("label", count=number(len(labels))),
        lang=lang,
        height="var(--map-height)",
        legend=legend,
        tools=figures.MAP_TOOLS[3 if places.shape[1] == 3 else 0 :],
        more=more,
        title=title,
        before=before,
        below=below,
        rows=_rows(titles or told, numbers, names, near, lang),
        rows_told=say("rows_more", count=number(len(told) - LISTED)) if len(told) > LISTED else "",
    ) + "".join(note(each) for each in [*said, *notes])


def filling(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places that fill the map from its middle to its edge: few words would else huddle."""
    spread = float(np.abs(points).max(initial=0))
    return (points * (0.94 / spread) if spread > 0 else points).astype(np.float32)


def _lines(chosen: int, near: Near | None) -> list[tuple[int, int, bool]]:
    """Lines from the chosen point: from, to, and whether the map tore the two apart."""
    if chosen < 0 or near is None:
        return []
    measured = near.kept.shape[1]
    shown = near.places[chosen, : measured or near.places.shape[1]]
    return [
        (chosen, int(end), rank < measured and not near.kept[chosen, rank]) for rank, end in enumerate(shown)
    ]


def _ends(lines: Sequence[tuple[int, int, bool]]) -> list[int]:
    return [end for _, end, _ in lines]


def _traces(
    places: NDArray[np.int16], colour: NDArray[np.int64], names: Sequence[str], rest: str, musts: list[int]
) -> tuple[list[dict[str, Any]], int]:
    """A trace a group, grey ones first and below; how many of the points they show.

    What ends with ``_`` is for the legend and not plotly's. Points that three dimensions have no room for lie
    in a last trace that is not drawn: lines may lead to them.
    """
    count, space = len(places), places.shape[1] == 3
    shown = np.ones(count, np.bool_)
    if space and count > IN_SPACE:
        shown[:] = False
        # The same points each time: a map that is drawn anew does not twinkle.
        shown[np.random.default_rng(0).permutation(count)[:IN_SPACE]] = True
        shown[musts] = True
    size = 3.5 if space else 7 if count <= 3000 else 4 if count <= 20_000 else 2.5
    kind = "scatter3d" if space else "scatter" if count <= PLAIN else "scattergl"
    order = [GROUPS, *range(len(names))]
    traces = []
    for group in order:
        rows = np.flatnonzero((colour == group) & shown)
        if len(rows):
            name, tone = (rest, "--map-0") if group == GROUPS else (names[group], f"--map-{group + 1}")
            alone = group == GROUPS and not names
            traces.append(_trace(kind, places, rows) | {
                "name": figures.plain(name), "name_": "" if alone else name, "colour_": tone,
                "marker": {"size": size, "color": f"var({tone})", "opacity": 0.8, "line": {"width": 0}},
            })  # fmt: skip
    if not shown.all():
        hidden = _trace(kind, places, np.flatnonzero(~shown))
        traces.append(hidden | {"visible": False, "name_": "", "colour_": ""})
    return traces, int(shown.sum())


def _trace(kind: str, places: NDArray[np.int16], rows: NDArray[np.int64]) -> dict[str, Any]:
    axes = dict(zip("xyz", places[rows].T, strict=False))
    small = np.uint16 if len(places) <= 65_536 else np.int32
    # Which point it is, said with each: what a click or a selection gives back.
    return {"type": kind, "mode": "markers", "hoverinfo": "none", "customdata": rows.astype(small)} | {
        axis: np.ascontiguousarray(each) for axis, each in axes.items()
    }


def _layout(places: NDArray[np.int16], lines: Sequence[tuple[int, int, bool]], chosen: int) -> dict[str, Any]:
    """Axes that are not seen, equal in both directions; lines from the chosen point and a ring around it."""
    nothing = {"l": 0, "r": 0, "t": 0, "b": 0}
    layout: dict[str, Any] = {"margin": nothing, "hovermode": "closest", "uirevision": "kept"}
    axis = {"visible": False, "range": [-EDGE, EDGE]}
    if places.shape[1] == 3:
        eye = dict(zip("xyz", EYE, strict=True))
        scene = {f"{name}axis": axis for name in "xyz"} | {"aspectmode": "cube", "camera": {"eye": eye}}
        return layout | {"scene": scene, "dragmode": "orbit"}
    at = places.tolist()
    shapes = []
    for start, end, torn in lines:
        (x0, y0), (x1, y1) = at[start], at[end]
        line = {"color": "var(--pg-accent)", "width": 1.4, "dash": "dash" if torn else "solid"}
        shapes.append({"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line})
    if chosen >= 0:
        x, y = at[chosen]
        shapes.append({
            "type": "circle", "xsizemode": "pixel", "ysizemode": "pixel", "xanchor": x, "yanchor": y,
            "x0": -7, "x1": 7, "y0": -7, "y1": 7, "fillcolor": "var(--pg-accent)",
            "line": {"color": "var(--pg-card)", "width": 1.5},
        })  # fmt: skip
    axes = {"xaxis": axis, "yaxis": axis | {"scaleanchor": "x"}}
    return layout | axes | {"shapes": shapes, "dragmode": "pan", "hoverdistance": 12}


def _clusters(
    places: NDArray[np.int16], colour: NDArray[np.int64], names: Sequence[str], without: int | None
) -> list[list[Any]]:
    """Names on the map: colour, name, and the middle of each group, which most of its points are around."""
    made: list[list[Any]] = []
    for group, name in enumerate(names):
        rows = np.flatnonzero(colour == group)
        if len(names) < 2 or group == without or len(rows) < 3:
            continue
        short = name if len(name) <= CLUSTER else name[: CLUSTER - 1] + "…"
        made.append([group + 1, short, *np.median(places[rows], axis=0).astype(int).tolist()])
    return made


def _rows(
    labels: Sequence[str], groups: NDArray[np.int64], names: Sequence[str], near: Near | None, lang: str
) -> tuple[list[str], list[list[str]]]:
    """The first points as a table: what, of which group, and its nearest."""
    heads = ["row_point", "row_group"]
    if near is not None and near.places.shape[1]:
        heads += ["row_nearest", "row_cosine"]
    rows = []
    for place, label in enumerate(labels[:LISTED]):
        cells = [f"<bdi>{escape(label)}</bdi>", escape(names[groups[place]])]
        if len(heads) > 2 and near is not None:
            cells += [f"<bdi>{escape(labels[near.places[place, 0]])}</bdi>", f"{near.cosines[place, 0]:.3f}"]
        rows.append(cells)
    return [text.say(f"map.{head}", lang) for head in heads], rows


def standalone(chart_html: str, title: str, assets: Mapping[str, str], lang: str) -> str:
    """A page of its own that shows the map anywhere, offline."""
    return figures.standalone(chart_html, title, assets, lang)
