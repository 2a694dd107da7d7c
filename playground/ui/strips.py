"""Vectors as strips of colour, similarities as shaded tables.

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

WIDEST = 1024  # numbers of a strip; more than pixels show


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
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
