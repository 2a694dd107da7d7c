"""What is in the cache and what could be, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from playground import text
from playground.views.html import escape, note, number, table


def table_of(
    rows: Sequence[Mapping[str, Any]], idle: Mapping[str, float], used: int, budget: int, lang: str
) -> str:
    """The drawer's table.

    Args:
        rows: as ``/models`` answers.
        idle: name → seconds since it was last used, of what is loaded.
        used: bytes of everything loaded.
        budget: bytes that everything together may take.
    """
    say = partial(text.say, lang=lang)
    lines = []
    for row in rows:
        use = ""
        if row["state"] == "loaded":
            use = say("models.in_use", count=row["leases"]) if row["leases"] else ""
            use = use or say("models.idle", seconds=number(idle.get(row["name"], 0)))
        where = " · ".join(filter(None, (row["device"], row["dtype"])))
        size = number(row["bytes"]) if row["bytes"] else "—"
        cells = [row["name"], say(f"models.source_{row['source']}"), say(f"models.state_{row['state']}")]
        lines.append([escape(cell) for cell in (*cells, size, where, use)])
    head = [escape(say(f"models.{key}")) for key in ("name", "source", "state", "bytes", "device", "use")]
    share = note(say("models.total", used=number(used), budget=number(budget)))
    return share + table(head, lines, "models")
