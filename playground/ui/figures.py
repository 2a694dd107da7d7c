"""Figures of plotly: made here, drawn by the page (assets/shell/figures.js), readable without either.

A figure crosses to the page as HTML: plotly's own JSON in an element that is not shown, a still picture of
the same data that is seen until plotly.js is there (and where it never comes), a legend of buttons, tools,
and a table for who does not see pictures. Colours are those of ``assets/shell/colours.css`` by their names:
the page puts light or dark in their place when it draws.

    https://plotly.com/python/reference/
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground import text
from playground.ui import plotly_file
from playground.ui.html import escape, note, table

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang TC', 'PingFang SC', "
    "'Microsoft JhengHei', 'Microsoft YaHei', 'Noto Sans CJK TC', 'Noto Sans CJK SC', sans-serif"
)
WIDE = 3  # columns of a table beyond which a row becomes lines where there is little room
COLOURS = 12  # that can be told apart, in colours.css as --map-1 to --map-12; --map-0 is grey
CLEAR = "rgba(0,0,0,0)"
_AXIS = {
    "showgrid": False, "zeroline": False, "showline": False, "ticks": "", "automargin": False,
    "gridcolor": "var(--pg-line)", "tickfont": {"color": "var(--pg-muted)", "size": 12},
}  # fmt: skip
TEMPLATE: dict[str, Any] = {
    "layout": {
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 13, "color": "var(--pg-ink)"},
        "colorway": [f"var(--map-{number})" for number in range(1, COLOURS + 1)],
        "margin": {"l": 52, "r": 16, "t": 26, "b": 44},
        "xaxis": _AXIS,
        "yaxis": {**_AXIS, "showgrid": True},
        "showlegend": False,  # the page's own is of buttons, in the page's text; pictures get plotly's
        "legend": {"orientation": "h", "x": 0, "y": 0, "yanchor": "top", "bgcolor": CLEAR},
        "hoverlabel": {
            "bgcolor": "var(--pg-card)", "bordercolor": "var(--pg-line)", "align": "left",
            "font": {"color": "var(--pg-ink)", "family": FONT},
        },
        "dragmode": False,
    }
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# Sixteen by sixteen, drawn with one line: what a tool does, in the page's colour.
_SIGNS = {
    "pan": "M8 1v14M1 8h14M6 3l2-2 2 2M6 13l2 2 2-2M3 6L1 8l2 2M13 6l2 2-2 2",
    "box": "M2 2h3M7 2h2M11 2h3v3M14 7v2M14 11v3h-3M9 14H7M5 14H2v-3M2 9V7M2 5V2",
    "lasso": "M8 2c4 0 6 2 6 4s-2 4-6 4-6-2-6-4 2-4 6-4M4.5 9.5c-1 1 0 2 1 2s1 2-1 3",
    "in": "M8 3v10M3 8h10",
    "out": "M3 8h10",
    "all": "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
    "png": "M1 4h4l1-2h4l1 2h4v9H1zM8 6a2.5 2.5 0 1 0 .01 0",
    "svg": "M3 13C3 6 13 10 13 3M2 13.5h2M12 2.5h2M1 1.5h6M9 14.5h6",
}
MAP_TOOLS = ("pan", "box", "lasso", "in", "out", "all", "png", "svg")
CHART_TOOLS = ("png", "svg")


@dataclass(frozen=True)
class Entry:
    """One row of a legend: a name, a colour of ``colours.css``, and the traces that it switches."""

    name: str
    colour: str
    traces: tuple[int, ...]
    dashed: bool = False


def plain(told: object) -> str:
    """Text for a label of plotly's, which reads a little HTML in it: here it stays text, on one line."""
    return html.escape(_CONTROL.sub(" ", str(told)), quote=False)


def warm() -> None:
    """Make one: the first figure of a process imports plotly's own checks, some 0.4 s."""
    figure([{"type": "scattergl", "x": [0], "y": [0]}], {})


def figure(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> Any:
    """plotly's own figure of this, with the one template; what plotly does not know is refused.

    Raises:
        ValueError: an attribute or a value that plotly has not.
    """
    import plotly.graph_objects as go

    return go.Figure(list(data), {"template": TEMPLATE, **layout})


def framed(
    made: Any,
    *,
    kind: str,
    also: str = "",
    still: str,
    label: str,
    lang: str,
    height: str,
    legend: Sequence[Entry] = (),
    tools: Sequence[str] = CHART_TOOLS,
    more: Mapping[str, Any] | None = None,
    title: str = "",
    before: str = "",
    below: str = "",
    rows: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None,
    rows_told: str = "",
) -> str:
    """A figure as HTML.

    Args:
        made: of `figure`.
        kind: what the page's script adds to it: ``chart`` (nothing) or ``map``.
        also: more classes.
        still: its picture until it is drawn, as HTML.
        label: what it shows, in one sentence.
        height: of the drawing, as CSS.
        more: what the page's script has to know besides.
        before: HTML between title and drawing, left of the tools.
        below: HTML between legend and table.
        rows: the same as a table: heads (text) and rows (HTML).
        rows_told: a sentence below the table.
    """
    more_ = json.dumps(more or {}, ensure_ascii=False, separators=(",", ":"))
    island = f'{{"figure":{made.to_json(engine="json")},"more":{more_}}}'
    key = hashlib.sha256(island.encode("utf-8", "replace")).hexdigest()[:16]
    heading = f"<h5>{escape(title)}</h5>" if title else ""
    listed = ""
    if rows is not None:
        listed = (
            f'<details class="pg-figure-rows"><summary>{escape(text.say("map.table", lang))}</summary>'
            + table(map(escape, rows[0]), rows[1], "narrow", named=len(rows[0]) > WIDE)
            + (note(rows_told) if rows_told else "")
            + "</details>"
        )
    return (
        f'<figure class="pg-figure {also or kind}" data-figure="{kind}" data-key="{key}" '
        f'data-plotly="{plotly_file.address()}">'
        f'<pre hidden class="pg-data">{html.escape(island, quote=False)}</pre>{heading}'
        f'<div class="pg-figure-top">{before}{_tools(tools, lang)}</div>'
        f'<div class="pg-figure-body"><div class="pg-figure-frame" style="--h:{height}" tabindex="0" '
        f'role="group" aria-label="{escape(label)}"><div class="pg-figure-still" aria-hidden="true">{still}'
        f"</div></div></div>{_legend(legend, lang)}{below}{listed}</figure>"
    )


def _tools(names: Sequence[str], lang: str) -> str:
    """Buttons in place of plotly's bar: a keyboard reaches them, and they speak the visitor's language."""
    made = ""
    for name in names:
        told = escape(text.say(f"map.{name}", lang))
        pressed = f' aria-pressed="{"true" if name == "pan" else "false"}"' if name in MAP_TOOLS[:3] else ""
        made += (
            f'<button type="button" data-tool="{name}" title="{told}" aria-label="{told}"{pressed}>'
            f'<svg viewBox="0 0 16 16" aria-hidden="true"><path d="{_SIGNS[name]}"/></svg></button>'
        )
    label = escape(text.say("map.tools", lang))
    return f'<div class="pg-figure-tools" role="toolbar" aria-label="{label}">{made}</div>'


def _legend(entries: Sequence[Entry], lang: str) -> str:
    if not entries:
        return ""
    told = escape(text.say("map.legend", lang))
    made = "".join(
        f'<li><button type="button" data-traces="{",".join(map(str, each.traces))}" aria-pressed="true" '
        f'title="{told}"><i class="{"dashed" if each.dashed else ""}" style="--c:var({each.colour})"></i>'
        f'<span dir="auto">{escape(each.name)}</span></button></li>'
        for each in entries
    )
    return f'<ul class="pg-figure-legend">{made}</ul>'


def standalone(figure_html: str, title: str, assets: Mapping[str, str], lang: str) -> str:
    """A page of its own that shows a figure anywhere, offline: HTML with plotly.js and the colours in it.

    Args:
        figure_html: as `framed` makes it: all text in it is escaped, or data that the script writes as text.
        assets: the contents of ``colours.css`` and of the style sheets and scripts of figures, by name.
    """
    # plotly.js draws points by functions that it makes: 'unsafe-eval'.
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "img-src data: blob:"
    )
    plotly = plotly_file.path().read_text(encoding="utf-8")
    scripts = "\n".join(each for name, each in assets.items() if name.endswith(".js"))
    styles = "\n".join(each for name, each in assets.items() if name.endswith(".css"))
    # No script may hold what ends a script.
    inside = re.sub("(?i)</(?=script)", r"<\\/", f"{plotly}\n{scripts}")
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width"><style>{styles}\n'
        "body{margin:1rem;font:16px/1.5 system-ui,sans-serif;"
        "background:var(--pg-paper);color:var(--pg-ink)}</style><script>"
        "if(matchMedia('(prefers-color-scheme: dark)').matches)"
        "document.documentElement.classList.add('dark');</script>"
        f"<script>{inside}</script></head>"
        f"<body><h1>{escape(title)}</h1>{figure_html}</body></html>\n"
    )
