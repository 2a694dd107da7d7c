"""What is in the cache and what could be, and what a first use gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from playground import text
from playground.models.cache import Status
from playground.rooms.models.trial import Trial
from playground.ui import loading
from playground.ui.html import escape, note, number, table, visible

PRECISIONS = {"int8": "int8", "nf4": "NF4"}
# What is said of models that came as packages: whose they are, and what was done to them.
ABOUT = {"SmolLM2-135M-Instruct": "models.first_smollm2", "glove-wiki-gigaword-50": "words.about_glove"}


def held(
    rows: Sequence[Status], memories: Sequence[tuple[str, int, int]], lang: str, others: Sequence[int] = ()
) -> str:
    """What is loaded or loading, a line each.

    Args:
        memories: device, bytes taken and bytes that may be, one for each kind of memory in use.
        others: bytes of each that other visitors typed or brought: of those only the sum is told.
    """
    say = partial(text.say, lang=lang)
    totals = "".join(
        note(
            say("models.total", used=number(used), budget=number(budget), device=say(f"devices.{device}")),
        )
        for device, used, budget in memories
    )
    if others:
        totals += note(say("models.others", count=number(len(others)), bytes=number(sum(others))))
    if not rows:
        return totals + note(say("models.nothing_loaded"))
    lines = []
    for row in rows:
        use = say("models.idle", seconds=number(row.idle_seconds))
        if row.leases:
            use = say("models.in_use", count=row.leases)
        if row.state == "loading":
            use = loading.brief(row.stage, lang)
        lines.append(
            [
                escape(row.name), escape(say(f"models.role_{row.role}")), escape(precision(row, lang)),
                escape(row.device), number(row.bytes), escape(use),
            ]
        )  # fmt: skip
    head = [escape(say(f"models.{key}")) for key in ("name", "role", "precision", "device", "bytes", "use")]
    return totals + table(head, lines, "models")


def precision(row: Status, lang: str) -> str:
    """The number format: of a quantized model also that of the rest, of another one what it is stored in."""
    if row.quantization:
        return text.say("models.format_rest", lang, main=PRECISIONS[row.quantization], rest=row.dtype)
    if row.stored and row.stored != row.dtype:
        return text.say("models.format_other", lang, dtype=row.dtype, stored=row.stored)
    return row.dtype or "—"


def offered(
    rows: Sequence[Mapping[str, Any]], broken: Mapping[str, str], lang: str,
    absent: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """What can be loaded here, by where it comes from.

    Args:
        rows: as ``/models`` answers.
        broken: of folders that cannot be read, by name: why, as a key of ``errors``.
        absent: of packages that can be fetched from the index, by name: how large they are.
    """
    say = partial(text.say, lang=lang)
    lines = [
        [
            _named(row["name"], lang),
            escape(" · ".join(say(f"models.role_{role}") for role in row["roles"])),
            escape(say(f"models.source_{row['source']}")),
            _state(row, broken.get(row["name"], ""), (absent or {}).get(row["name"], ""), lang),
        ]
        for row in rows
    ]  # fmt: skip
    head = [escape(say(f"models.{key}")) for key in ("name", "roles", "source", "state")]
    return table(head, lines, "models")


def _named(name: str, lang: str) -> str:
    """A name; of what is a copy by others, what it is."""
    about = f"<br><small>{escape(text.say(ABOUT[name], lang))}</small>" if name in ABOUT else ""
    return escape(name) + about


def _state(row: Mapping[str, Any], broken: str, absent: str, lang: str) -> str:
    if broken:
        return escape(text.say(f"errors.{broken}", lang, name=row["name"], file="config.json"))
    if absent:
        return escape(text.say("models.state_fetch", lang, size=absent))
    return escape(text.say(f"models.state_{row['state']}", lang))


def tried(found: Trial, row: Status, seconds: float, lang: str) -> str:
    """A model loaded and used once.

    Args:
        row: of the model in the cache.
        seconds: that it took to be had (0 when it was there already).
    """
    say = partial(text.say, lang=lang)
    what = row.name + (f", {precision(row, lang)}" if row.dtype else "")
    facts = say(
        "models.tried", what=what, device=row.device, bytes=number(row.bytes),
        loading=number(seconds, 2), seconds=number(found.seconds, 2),
    )  # fmt: skip
    given = f"<b>{visible(found.given)}</b>"
    if found.role == "causal":
        (continued, count), *_ = found.answers
        shown = f"<p>{given}{visible(continued)}</p>" + note(say("models.tried_causal", count=int(count)))
    elif found.role in ("tokenizer", "skeleton", "songs"):
        chips = "".join(f"<li>{visible(each)} <small>{int(n):,}</small></li>" for each, n in found.answers)
        shown = f'<p>{given}</p><ul class="pg-chips">{chips}</ul>' + note(say(f"models.tried_{found.role}"))
    else:
        lines = [[visible(each), number(score, 3)] for each, score in found.answers]
        head = [given, escape(say("models.cosine"))]
        shown = table(head, lines, "narrow") + note(say(f"models.tried_{found.role}"))
    return f'<section class="pg-tried">{note(facts)}{shown}</section>'
