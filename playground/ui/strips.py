"""Vectors as strips of colour, similarities as shaded tables, words at their places on a map.

A strip is two masks of one row of pixels, one for the positive numbers and one for the negative: the page
colours them, so both themes come from one picture, and 384 numbers cost a kilobyte.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from playground.ui.html import escape

WIDEST = 1024  # numbers of a strip; more than pixels show
GROUPS = 12  # colours of a map
SPREAD = 0.46  # of a map, as a share, from its middle to the outermost point
FRAME = (296, 440)  # pixels of a map of words on a small screen
WIDE = (760, 440)  # on a large one
BESIDE = ("right", "left", "over", "under", "ne", "nw", "se", "sw")  # where a name stands by its point
Box = tuple[float, float, float, float]


def strip(values: NDArray[np.float32], most: float) -> str:
    """Numbers as colour: strong for large ones, one colour up and another down; ``most`` is the strongest."""
    shown = np.nan_to_num(values[:WIDEST] / (most or 1))
    masks = "".join(
        f'<i class="{kind}" style="--m:url(data:image/png;base64,{_png(np.clip(sign * shown, 0, 1))})"></i>'
        for kind, sign in (("up", 1), ("down", -1))
    )
    return f'<span class="vec-strip">{masks}</span>'


def strongest(values: NDArray[np.float32]) -> float:
    """What to draw at full strength: most numbers are far smaller than the largest few."""
    return float(np.quantile(np.abs(values), 0.98)) if values.size else 1.0


def _png(shares: NDArray[np.float32]) -> str:
    """One row of pixels, black, as opaque as the shares say (PNG, grey with alpha), in base 64."""
    alpha = np.rint(255 * np.sqrt(shares)).astype(np.uint8)  # the root: small numbers still show
    row = np.zeros(2 * len(alpha), np.uint8)
    row[1::2] = alpha
    head = struct.pack(">IIBBBBB", len(alpha), 1, 8, 4, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" + row.tobytes(), 9)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def similarities(
    matrix: NDArray[np.float32], names: Sequence[str], *, marked: int = -1, groups: Sequence[int] = ()
) -> str:
    """All pairs as a table, shaded from the least alike pair to the most.

    Args:
        names: of the rows, HTML already.
        marked: a row that stands out.
        groups: of the rows; a line parts them.
    """
    pairs = matrix[~np.eye(len(matrix), dtype=bool)]
    low, high = (float(pairs.min()), float(pairs.max())) if pairs.size else (0.0, 1.0)
    spread = (high - low) or 1.0
    head = "".join(f"<th>{place}</th>" for place in range(1, len(names) + 1))
    body = ""
    for i, name in enumerate(names):
        parted = bool(groups) and i > 0 and groups[i] != groups[i - 1]
        kind = " ".join(filter(None, ("marked" * (i == marked), "parted" * parted)))
        cells = ""
        for j, value in enumerate(matrix[i]):
            share = 0.0 if i == j else (float(value) - low) / spread
            edge = ' class="parted"' if groups and j > 0 and groups[j] != groups[j - 1] else ""
            own = ' class="own"' if i == j else edge
            cells += f'<td{own} style="--v:{share:.3f}">{float(value):.3f}</td>'
        body += f'<tr class="{kind}"><th><b>{i + 1}</b> {name}</th>{cells}</tr>'
    return (
        '<div class="pg-scroll" tabindex="0"><table class="vec-matrix">'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def places(
    points: NDArray[np.float32],
    labels: Sequence[str],
    groups: Sequence[int],
    titles: Sequence[str],
    loud: Sequence[bool],
    told: str,
) -> str:
    """Words at their places, as text: it stays readable at any width, and can be pointed at and copied.

    Args:
        points: [n, 2], from -1 to 1.
        groups: of each, for its colour; below 0: none.
        titles: what each says under the pointer.
        loud: which are set in bold.
        told: what the map shows, for those who do not see it.
    """
    spots: list[str] = []
    spread = np.abs(points).max(0) if len(points) else np.ones(2)
    wide = points / np.where(spread > 0, spread, 1)  # both directions fill the frame; distances are its own
    sides = _sides(wide, labels, loud)
    crowded = _crowded(wide, labels, loud, sides, WIDE)
    tight = _crowded(wide, labels, loud, sides, FRAME) - crowded
    for (x, y), label, group, title, strong in zip(wide, labels, groups, titles, loud, strict=True):
        colour = f"--map-{group % GROUPS + 1}" if group >= 0 else "--map-0"
        place = len(spots)
        side = sides[place] + " crowded" * (place in crowded) + " tight" * (place in tight)
        spots.append(
            f'<li class="{"loud " if strong else ""}{side}" title="{escape(title)}" '
            f'style="left:{50 + 100 * SPREAD * x:.2f}%;top:{50 - 100 * SPREAD * y:.2f}%;--c:var({colour})">'
            + (f'<span dir="auto">{escape(label)}</span></li>' if side else "</li>")
        )
    return f'<ul class="vec-map" aria-label="{escape(told)}">{"".join(spots)}</ul>'


def _box(point: NDArray[np.float32], label: str, side: str, frame: tuple[int, int]) -> Box:
    """Where a name stands, in pixels of a frame: left, top, right, bottom."""
    x, y = (0.5 + SPREAD * float(point[0])) * frame[0], (0.5 - SPREAD * float(point[1])) * frame[1]
    long = sum(14 if ord(character) > 0x2E80 else 8 for character in label) + 6
    left, top = {
        "right": (x + 5, y - 10), "left": (x - long - 5, y - 10), "over": (x - long / 2, y - 26),
        "under": (x - long / 2, y + 6), "ne": (x + 3, y - 22), "nw": (x - long - 3, y - 22),
        "se": (x + 3, y + 2), "sw": (x - long - 3, y + 2),
    }[side]  # fmt: skip
    return left, top, left + long, top + 20


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _ranked(loud: Sequence[bool]) -> list[int]:
    """Bold names choose first."""
    return sorted(range(len(loud)), key=lambda place: not loud[place])


def _sides(points: NDArray[np.float32], labels: Sequence[str], loud: Sequence[bool]) -> list[str]:
    """At which side of its point each label hides no other, as far as there is one; bold ones choose first.

    In pixels of a small frame: labels do not grow with it. Equal labels at one place are written once ("").
    """
    taken: list[Box] = []
    found = ["right"] * len(labels)
    written: set[tuple[str, int, int]] = set()
    for place in _ranked(loud):
        x, y = points[place]
        spot = (labels[place], round(100 * float(x)), round(100 * float(y)))
        if spot in written:
            found[place] = ""
            continue
        written.add(spot)
        least: tuple[int, str, Box] | None = None
        for side in BESIDE:
            box = _box(points[place], labels[place], side, FRAME)
            outside = 2 * (box[0] < 0 or box[2] > FRAME[0] or box[1] < 0 or box[3] > FRAME[1])
            hits = outside + sum(_meet(box, other) for other in taken)
            if least is None or hits < least[0]:
                least = (hits, side, box)
        assert least is not None
        found[place] = least[1]
        taken.append(least[2])
    return found


def _crowded(
    points: NDArray[np.float32], labels: Sequence[str], loud: Sequence[bool], sides: Sequence[str],
    frame: tuple[int, int],
) -> set[int]:  # fmt: skip
    """Names that would hide others in a frame: they show when their point is pointed at. Bold ones stay."""
    taken: list[Box] = []
    found: set[int] = set()
    for place in _ranked(loud):
        if not sides[place]:
            continue
        box = _box(points[place], labels[place], sides[place], frame)
        if not loud[place] and any(_meet(box, other) for other in taken):
            found.add(place)
        else:
            taken.append(box)
    return found
