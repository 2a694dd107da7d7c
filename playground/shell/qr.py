"""QR codes of links, for who is shown a page and wants it on their own phone.

The text comes in the body of a POST, which no log holds: the fragment of a link is its visitor's alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playground.errors import BadInput

LONGEST = 300  # characters; longer ones make squares that a phone cannot read off a screen
QUIET = 4  # modules that stay light around it (ISO/IEC 18004)


def answer(given: Any) -> Iterator[dict[str, Any]]:
    """``{"text": …}`` → one ``{"size", "path"}``.

    ``size`` is the width in modules, the quiet zone included; ``path`` is the dark ones as the ``d`` of an
    SVG path in that square.

    Raises:
        BadInput: ``qr_text`` (most): no text, none of it, or too much.
    """
    text = given.get("text") if isinstance(given, dict) else None
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise BadInput("qr_text", most=LONGEST)
    import segno

    # No half pairs: they have no bytes. Error correction M: a thumb on the screen, a lamp in it.
    code = segno.make_qr(text.encode("utf-8", "replace").decode(), error="m")
    yield {"size": len(code.matrix) + 2 * QUIET, "path": _path(code.matrix)}


def _path(matrix: Any) -> str:
    """Runs of dark modules, each a bar of one module's height."""
    bars = []
    for y, row in enumerate(matrix, QUIET):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                bars.append(f"M{x + QUIET} {y}h{end - x}v1h-{end - x}z")
            x = end + 1
    return "".join(bars)
