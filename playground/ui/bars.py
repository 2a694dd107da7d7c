"""A few bars under each other, as HTML: a name, a bar, and the number itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.ui.html import escape


@dataclass(frozen=True)
class Bar:
    """One bar; ``told`` is its number in words."""

    name: str
    value: float
    told: str


def bars(title: str, each: Sequence[Bar], most: float = 0.0) -> str:
    """A small chart; nothing where there is no bar.

    Args:
        most: the value of a full bar; else the largest one.
    """
    if not each:
        return ""
    full = most or max(bar.value for bar in each) or 1.0
    rows = "".join(
        f'<li><span>{escape(bar.name)}</span><i><b style="width:{100 * bar.value / full:.1f}%"></b></i>'
        f"<em>{escape(bar.told)}</em></li>"
        for bar in each
    )
    return f'<figure class="br"><figcaption>{escape(title)}</figcaption><ul>{rows}</ul></figure>'
