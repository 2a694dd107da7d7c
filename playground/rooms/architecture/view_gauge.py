"""The memory gauge that stands above every view: what the model takes, and whether three machines hold it."""

from __future__ import annotations

from functools import partial

from playground import text
from playground.rooms.architecture import memory
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.view_memory import NAMES
from playground.ui.html import escape, size

SHOWN = ("here", "t4", "phone")
PREFERRED = ("bfloat16", "int8", "nf4_double_quant")  # a model is asked for in these, the truest first


def gauge(
    plan: Architecture, base: Architecture, context: int, batch: int, here: int, lang: str,
    *, refused: bool = False,
) -> str:  # fmt: skip
    """Bytes of weights and cache in bfloat16, and for each machine the truest precision that fits it.

    Args:
        base: the plan before numbers of it were changed; the same where none was.
        here: bytes that models may take on this server.
        refused: what was changed cannot be, so the plan is as it was.
    """
    say = partial(text.say, lang=lang)
    weights = memory.in_bytes(plan)["bfloat16"]
    cache = memory.cache_bytes(plan, context, batch)
    told = escape(say("architecture.gauge_weights", bytes=size(weights)))
    if cache:
        more = say("architecture.gauge_cache", bytes=size(cache), context=f"{context * batch:,}")
        told += f'<span class="arc-cache">{escape(more)}</span>'
    changed = ""
    if refused or base is not plan:
        told_ = escape(say("architecture.gauge_refused"))
        if not refused:
            share = f"{plan.parameters / max(base.parameters, 1) - 1:+.1%}"
            told_ = (
                f"<b>{escape(say('architecture.gauge_changed'))}</b> "
                f"<span>{base.parameters:,} → {plan.parameters:,} <em>{share}</em></span>"
            )
        back = f'<button type="button" data-arc="reset">{escape(say("architecture.reset"))}</button>'
        changed = f'<p class="arc-changed">{told_} {back}</p>'
    need = memory.needed(plan, context, batch)
    rows = "".join(_machine(name, need, here, lang) for name in SHOWN)
    label, opens = escape(say("architecture.gauge")), escape(say("architecture.gauge_opens"))
    return (
        f'<section class="arc-gauge" aria-label="{label}">{changed}'
        f'<p class="arc-bytes">{told} <button type="button" data-arc="memory">{opens}</button></p>'
        f"<ul>{rows}</ul></section>"
    )


def _machine(name: str, need: dict[str, int], here: int, lang: str) -> str:
    say = partial(text.say, lang=lang)
    room = here if name == "here" else memory.usable(name, memory.DEVICES[name])
    fits = next((each for each in PREFERRED if each in need and need[each] <= room), "")
    key = "fits" if fits == "bfloat16" else "smaller" if fits else "large"
    shown = need[fits] if fits else min(need.values())
    share = shown / room if room else float("inf")
    verdict = say(f"architecture.gauge_{key}", precision=NAMES.get(fits, ""), share=_filled(share))
    wide = min(share, 1.0)
    return (
        f'<li class="{key}"><span>{escape(say(f"architecture.gauge_{name}"))}</span> <b>{escape(verdict)}</b>'
        f'<i><i style="width:{wide:.1%}"></i></i></li>'
    )


def _filled(share: float) -> str:
    return f"{share:.0%}" if share < 10 else f"{share:,.0f}×"
