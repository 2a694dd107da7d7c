"""What is loaded, what is here and what is a download away, in sentences; and what a first use gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from playground import text
from playground.models.cache import Status
from playground.rooms.models.about import PARAMETERS, TOLD
from playground.rooms.models.trial import Trial
from playground.ui import loading
from playground.ui.html import escape, note, number, size, table, visible

PRECISIONS = {"int8": "int8", "nf4": "NF4"}
GROUPS = {"ready": "models.group_here", "download": "models.group_away"}


def held(
    rows: Sequence[Status], memories: Sequence[tuple[str, int, int]], lang: str, others: Sequence[int] = (),
    *, owner: bool = True,
) -> str:  # fmt: skip
    """What is loaded or loading, one each, and how full the memory is.

    Args:
        memories: device, bytes taken and bytes that may be, one for each kind of memory in use.
        others: bytes of each that other visitors typed or brought: of those only the sum is told.
        owner: whether whoever looks may unload.
    """
    say = partial(text.say, lang=lang)
    totals = "".join(_memory(*each, lang) for each in memories)
    if others:
        totals += note(say("models.others", count=number(len(others)), bytes=size(sum(others))))
    title = f"<h4>{escape(say('models.group_loaded'))} <small>{len(rows)}</small></h4>"
    if not rows:
        return totals + title + note(say("models.nothing_loaded"))
    first = {row.name: row for row in reversed(rows)}  # what a model is good for is said once
    items = "".join(_loaded(row, lang, owner, about=first[row.name] is row) for row in rows)
    return f'{totals}{title}<ul class="mod-list">{items}</ul>'


def _memory(device: str, used: int, budget: int, lang: str) -> str:
    told = text.say(
        "models.total", lang, used=size(used), budget=size(budget), device=text.say(f"devices.{device}", lang)
    )
    share = min(used / budget, 1.0) if budget else 0.0
    return (
        f'<p class="mod-memory" title="{number(used)} / {number(budget)}">{escape(told)}'
        f'<i><i style="width:{share:.1%}"></i></i></p>'
    )


def _loaded(row: Status, lang: str, owner: bool, *, about: bool) -> str:
    say = partial(text.say, lang=lang)
    idle = row.state == "loaded" and not row.leases
    use = say("models.idle", seconds=number(row.idle_seconds))
    if row.leases:
        use = say("models.in_use", count=row.leases)
    if row.state == "loading":
        use = loading.brief(row.stage, lang)
    facts = [say("models.takes", bytes=size(row.bytes))] if row.state == "loaded" else []
    facts += [say(f"models.role_{row.role}"), precision(row, lang) if row.dtype else "", row.device, use]
    act = _button("unload", row.name, say("models.unload"), lang) if idle and owner else ""
    state = row.state if not row.leases else "used"
    title = f"{number(row.bytes)} {say('models.unit')}"
    return _item(row.name, state, _about(row.name, lang) if about else "", facts, act, title)


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
    """What can be loaded: what is here, then what is a download away.

    Args:
        rows: as ``/models`` answers.
        broken: of folders that cannot be read, by name: why, as a key of ``errors``.
        absent: of packages that can be fetched from the index, by name: how large they are.
    """
    shown = ""
    for state, key in GROUPS.items():
        mine = [row for row in rows if row["state"] == state]
        if not mine:
            continue
        items = "".join(
            _offer(row, broken.get(row["name"], ""), (absent or {}).get(row["name"], ""), lang)
            for row in mine
        )
        head = f"{escape(text.say(key, lang))} <small>{len(mine)}</small>"
        opened = " open" if state == "ready" else ""
        shown += (
            f'<details class="mod-group"{opened}><summary><h4>{head}</h4></summary>'
            f'<ul class="mod-list">{items}</ul></details>'
        )
    return shown


def _offer(row: Mapping[str, Any], broken: str, absent: str, lang: str) -> str:
    say = partial(text.say, lang=lang)
    name = row["name"]
    if broken:
        told = say(f"errors.{broken}", name=name, file="config.json")
        return _item(name, "broken", told, [say(f"models.source_{row['source']}")], "")
    facts = []
    if name in PARAMETERS:
        count = PARAMETERS[name]
        facts.append(say("models.costs", parameters=_rounded(count, lang), bytes=size(2 * count)))
    if absent:
        facts.append(say("models.state_fetch", size=absent))
    elif row["state"] == "download":
        facts.append(say("models.state_download"))
    facts.append(say(f"models.source_{row['source']}"))
    act = say("models.fetch_try" if row["state"] == "download" else "models.try")
    return _item(name, row["state"], _about(name, lang, row["roles"]), facts, _button("try", name, act, lang))


def _about(name: str, lang: str, roles: Sequence[str] = ()) -> str:
    """What a model is good for; of one that nobody described, what it can be used as."""
    if name in TOLD:
        return text.say(TOLD[name], lang)
    if not roles:
        return ""
    return text.say(
        "models.can_be", lang, roles=", ".join(text.say(f"models.role_{role}", lang) for role in roles)
    )


def _item(name: str, state: str, about: str, facts: Sequence[str], act: str, title: str = "") -> str:
    told = f"<p>{escape(about)}</p>" if about else ""
    line = " · ".join(filter(None, facts))
    return (
        f'<li class="mod" data-name="{escape(name)}" data-state="{state}"><i class="mod-dot"></i>'
        f'<div><b>{escape(name)}</b>{told}<small title="{escape(title)}">{escape(line)}</small></div>'
        f"{act}</li>"
    )


def _button(what: str, name: str, label: str, lang: str) -> str:
    said = f"{label}: {name}"
    return (
        f'<button type="button" data-models="{what}" data-name="{escape(name)}" aria-label="{escape(said)}">'
        f"{escape(label)}</button>"
    )


def _rounded(count: int, lang: str) -> str:
    """A number of parameters as people say it: 1.1 billion, 11 億."""
    steps = (
        ((10**9, "billion"), (10**6, "million")) if lang == "en" else ((10**8, "billion"), (10**4, "million"))
    )
    for unit, key in steps:
        if count >= unit:
            return f"{float(f'{count / unit:.3g}'):,g} {text.say(f'models.{key}', lang)}"
    return number(count)


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
