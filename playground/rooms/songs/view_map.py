"""Songs on a map: what a song's colour and name are; the map itself is `playground.ui.point_map`'s."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from playground.ui import point_map

GROUPS = point_map.GROUPS


def chart(
    points: NDArray[np.float32] | Sequence[Sequence[float]],
    labels: Sequence[str],
    groups: Sequence[int],
    names: Sequence[str],
    ids: Sequence[str],
    marked: Sequence[int],
    near: Sequence[int],
    notes: Sequence[str],
    lang: str,
) -> str:
    """A map on which a click likes a song.

    Args:
        points: [n, 2], from -1 to 1.
        labels: what each point is called.
        groups: the group of each point, a place in ``names``; the largest groups get colours.
        ids: what a click likes.
        marked: points drawn large, whose groups have a colour in any case.
        near: points that lines lead to from the last marked one.
        notes: sentences below.
    """
    return point_map.chart(
        points, labels, groups, names, lang, ids=ids, marked=marked, ends=near, notes=notes
    )
