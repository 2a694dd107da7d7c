"""Figures against known values: what plotly draws, what is seen before it, and what stays text."""

from __future__ import annotations

import hashlib
import math
import re
from html import unescape
from typing import Any

import numpy as np
import pytest

from playground import text
from playground.rooms.embeddings.sentences import example
from playground.rooms.embeddings.sentences.samples import sample
from playground.rooms.tokens import view_languages
from playground.ui import charts, figures, map_stills, plotly_file, point_map
from playground.ui.charts import Line, Series
from playground.ui.point_map import EDGE, FULL, Near
from tests.figures import numbers, told, traces

EVIL = "<img src=x onerror='window.canary=1'><b>$x^2$</b> %{x} &lt; \u202e</pre></script>"


def near(count: int, k: int = 3) -> Near:
    """Each point's neighbours are those after it; the second one is torn away on the map."""
    places = (np.arange(count)[:, None] + np.arange(1, k + 1)) % count
    kept = np.ones((count, k), np.bool_)
    kept[:, 1] = False
    return Near(places.astype(np.int32), np.full((count, k), 0.5, np.float32), kept)


def a_map(count: int = 40, dimensions: int = 2, **more: Any) -> tuple[str, np.ndarray, np.ndarray]:
    points = np.random.default_rng(1).uniform(-1, 1, (count, dimensions)).astype(np.float32)
    groups = np.arange(count) % 4
    labels = [f"sentence {n}" for n in range(count)]
    html = point_map.chart(
        points, labels, groups, ["a", "b", "c", ""], "en", **{"near": near(count), "marked": [7]} | more
    )
    return html, points, groups


def test_points_stand_in_the_traces_of_their_groups() -> None:
    html, points, groups = a_map()
    made = traces(html)
    assert [each["name"] for each in made] == ["others", "a", "b", "c"]
    tones = ["var(--map-0)", "var(--map-1)", "var(--map-2)", "var(--map-3)"]
    assert [each["marker"]["color"] for each in made] == tones
    for each, group in zip(made, (3, 0, 1, 2), strict=True):
        rows = each["customdata"]
        assert rows.tolist() == np.flatnonzero(groups == group).tolist()
        there = np.stack([each["x"], each["y"]], 1) / FULL
        assert np.abs(there - points[rows]).max() <= 0.5 / FULL + 1e-7
    # The legend has every trace once, the grey one last.
    assert re.findall(r'data-traces="(\d+)"', html) == ["1", "2", "3", "0"]


def test_lines_lead_to_true_neighbours_and_torn_ones_are_dashed() -> None:
    html, points, _ = a_map()
    *lines, ring = told(html)["figure"]["layout"]["shapes"]
    assert [each["line"]["dash"] for each in lines] == ["solid", "dash", "solid"]
    for each, end in zip(lines, (8, 9, 10), strict=True):
        assert np.allclose([each["x0"], each["y0"]], points[7] * FULL, atol=1)
        assert np.allclose([each["x1"], each["y1"]], points[end] * FULL, atol=1)
    assert np.allclose([ring["xanchor"], ring["yanchor"]], points[7] * FULL, atol=1)
    assert ring["type"] == "circle" and ring["xsizemode"] == ring["ysizemode"] == "pixel"
    more = told(html)["more"]
    assert numbers(more["near"]).reshape(-1, 3)[7].tolist() == [8, 9, 10] and more["measured"] == 3
    assert numbers(more["cosines"])[0] == 5000 and numbers(more["kept"])[:3].tolist() == [1, 0, 1]


def test_groups_have_their_names_at_their_middle() -> None:
    html, points, groups = a_map()
    clusters = told(html)["more"]["clusters"]
    assert [each[:2] for each in clusters] == [[1, "a"], [2, "b"], [3, "c"]]
    for _, name, *place in clusters:
        middle = np.median(points[groups == "abc".index(name)], axis=0)
        assert np.allclose(place, middle * FULL, atol=2)


def test_the_still_picture_is_of_the_same_data() -> None:
    html, points, groups = a_map()
    still = html.split('class="pg-figure-still"')[1].split("</svg>")[0]
    for group, tone in ((3, 0), (0, 1), (1, 2), (2, 3)):
        path = re.search(rf'stroke:var\(--map-{tone}\)[^"]*" d="([^"]*)"', still)
        assert path
        marks = np.array(re.findall(r"M(-?\d+) (-?\d+)h0", path[1]), int)
        want = points[groups == group] * FULL / EDGE * [map_stills.SIDE, -map_stills.SIDE]
        assert np.abs(marks - want).max() <= 1
    assert still.count('class="l"') == 2 and still.count('class="l torn"') == 1
    assert ">sentence 7</text>" in still and still.count('class="c"') == 3


def test_in_space_two_thousand_points_are_drawn_and_it_is_said() -> None:
    html, *_ = a_map(5000, 3, marked=[4999])
    made = traces(html)
    drawn = [each for each in made if each.get("visible", True)]
    count = sum(len(each["x"]) for each in drawn)
    assert all(each["type"] == "scatter3d" for each in made)
    assert point_map.IN_SPACE <= count <= point_map.IN_SPACE + 4  # and whatever lines lead to
    assert {4999, 0, 1, 2} <= {place for each in drawn for place in each["customdata"].tolist()}
    assert f"{count:,} of the 5,000 points" in html
    # Lines can lead to the others all the same.
    assert sum(len(each["x"]) for each in made) == 5000
    assert a_map(5000, 3)[0] == a_map(5000, 3)[0]
    small, *_ = a_map(1500, 3)
    assert sum(len(each["z"]) for each in traces(small)) == 1500 and "In 3-D" not in small
    assert map_stills.flat(np.array([[0, 0, 0]]), EDGE, point_map.EYE).tolist() == [[0, 0]]


@pytest.mark.parametrize(("count", "kind"), [(300, "scatter"), (5000, "scattergl"), (50_000, "scattergl")])
def test_a_map_takes_little_room(count: int, kind: str) -> None:
    html, *_ = a_map(count, near=near(count, 10))
    made = traces(html)
    assert {each["type"] for each in made} == {kind} and sum(len(each["x"]) for each in made) == count
    # A label, two coordinates of 16 bits, which point it is, ten neighbours with their cosines.
    assert len(html) < 60_000 + count * 130
    still = html.split('class="pg-figure-still"')[1].split("</svg>")[0]
    assert still.count("h0") <= map_stills.MOST + 1 and len(still) < 30_000


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_shipped_map_is_plotlys(lang: str) -> None:
    points, known = example.shipped()
    texts, labels = sample("themes").texts, sample("themes").labels
    names = list(dict.fromkeys(labels))
    html = point_map.chart(points, texts, [names.index(each) for each in labels], names, lang, near=known)
    import plotly.graph_objects as go

    go.Figure(told(html)["figure"])  # refused if plotly does not know it
    assert len(html) < 90_000
    for key in ("tools", "legend", "table"):
        assert text.say(f"map.{key}", lang) in unescape(html)


def test_text_stays_text_in_the_page_and_in_plotlys_labels() -> None:
    where = [[0, 0], [1, 1], [0.5, 0.5]]
    made = [
        point_map.chart(
            where, [EVIL] * 3, [0, 1, 1], [EVIL, "b"], "en", near=near(3, 2), marked=[0], title=EVIL
        ),
        point_map.chart(where, [EVIL] * 3, [0, 1, 1], [EVIL, "b"], "en", ids=[EVIL] * 3, marked=[0]),
        charts.lines([Line(EVIL, [(1, 2), (2, 3)]), Line("b", [(1, 1)])], EVIL, EVIL, EVIL, "en", title=EVIL),
        charts.bars([EVIL, "b"], [Series(EVIL, [1, 2], [EVIL, "2"])], EVIL, "en", title=EVIL),
        view_languages.chart([("english", EVIL)], {EVIL: [(3, 1)]}, "en"),
    ]
    for html in made:
        assert "<img" not in html and "<b>$x" not in html and "</script" not in html
        assert html.count("</pre>") == html.count("<pre") == 1

        def labels(value: Any) -> list[str]:
            if isinstance(value, dict):
                return [each for name, v in value.items() if name != "bdata" for each in labels(v)]
            if isinstance(value, list):
                return [each for v in value for each in labels(v)]
            return [value] if isinstance(value, str) else []

        shown = labels(told(html)["figure"])
        assert not [each for each in shown if "<" in each.replace("<extra>", "").replace("</extra>", "")]


def test_what_plotly_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        figures.figure([{"type": "scatter", "nonsense": 1}], {})


def test_lines_are_drawn_where_they_are_said() -> None:
    html = charts.lines(
        [Line("a", [(1, -2), (4, -1)], "--map-2"), Line("b", [(2, 0.0)], dashed=True)],
        "x", "y", "told", "en", log_x=True, number=lambda y: f"{y:.1f}".replace("-", "−"),
    )  # fmt: skip
    a, b = traces(html)
    assert a["x"].tolist() == [1, 4] and a["y"].tolist() == [-2, -1] and a["text"] == ["−2.0", "−1.0"]
    assert [each["line"]["dash"] for each in (a, b)] == ["solid", "dash"]
    assert a["line"]["color"] == "var(--map-2)" and (a["name"], b["name"]) == ("a", "b")
    layout = told(html)["figure"]["layout"]
    assert layout["xaxis"]["type"] == "log" and layout["xaxis"]["ticktext"] == ["1", "2", "4"]
    low, high = layout["xaxis"]["range"]
    still = html.split('class="pg-figure-still"')[1].split('class="pg-figure-legend"')[0]
    places = re.findall(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', still)
    want = [100 * (math.log10(x) - low) / (high - low) for x in (1, 4)]
    assert [float(places[0][0]), float(places[0][2])] == pytest.approx(want, abs=0.01)
    assert [float(places[0][1]), float(places[0][3])] == pytest.approx([100, 50], abs=0.01)
    assert ">−2.0</span>" in still and "<td>−1.0</td>" in html
    assert charts.lines([Line("a", [])], "x", "y", "t", "en") == ""


def test_bars_are_as_long_as_their_numbers() -> None:
    html = charts.bars(
        ["one", "two"],
        [Series("a", [1, 4], ["1", "4"]), Series("b", [2, None], ["2", "–"], "--map-1", [True, False])],
        "told", "en",
    )  # fmt: skip
    a, b = traces(html)
    assert a["x"].tolist() == [1, 4] and b["x"].tolist() == [2] and b["marker"]["pattern"]["shape"] == ["/"]
    assert told(html)["figure"]["layout"]["xaxis"]["range"] == [0, 4]
    assert re.findall(r"width:([\d.]+)%", html) == ["25.00", "100.00", "50.00"]
    assert "<td>–</td>" in html and charts.bars([], [], "t", "en") == ""
    assert charts.bars(["a"], [Series("", [0.0], ["0"])], "t", "en")


def test_all_colours_are_known() -> None:
    known = (text.ASSETS / "shell" / "colours.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\((--[\w-]+)\)", str(figures.TEMPLATE)))
    assert used and all(f"{name}:" in known for name in used)


def test_plotlys_script_is_the_wheels_and_has_its_hash_in_its_name() -> None:
    from playground.shell.middleware import HASHED

    content = plotly_file.path().read_bytes()
    assert content[:200].count(b"plotly.js v4.") == 1
    assert plotly_file.address().endswith(f"plotly-{hashlib.sha256(content).hexdigest()[:8]}.js")
    assert HASHED.search(f"/{plotly_file.address()}")
