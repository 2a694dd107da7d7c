"""What a figure's HTML tells the page: plotly's JSON, what maps add to it, and the numbers in both."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from typing import Any

import numpy as np


def told(html: str, which: int = 0) -> dict[str, Any]:
    """``{"figure": …, "more": …}`` of one of the figures in a piece of a page."""
    found = re.findall(r'<figure class="pg-figure.*?class="pg-data">(\{.*?)</pre>', html, re.DOTALL)
    data: dict[str, Any] = json.loads(unescape(found[which]))
    return data


def numbers(packed: Any) -> Any:
    """plotly's base64, or a list, as an array."""
    if isinstance(packed, dict):
        return np.frombuffer(base64.b64decode(packed["bdata"]), np.dtype(packed["dtype"]).newbyteorder("<"))
    return np.asarray(packed)


def traces(html: str, which: int = 0) -> list[dict[str, Any]]:
    """Its traces of points or lines, with their numbers as arrays."""
    return [
        each | {name: numbers(each[name]) for name in ("x", "y", "z", "customdata") if name in each}
        for each in told(html, which)["figure"]["data"]
    ]
