"""A device in one line: where, which number format, why, how much memory."""

from __future__ import annotations

from playground import text
from playground.models.devices import Device
from playground.ui.html import escape, number


def line(device: Device, budget: int, lang: str) -> str:
    """The footer's line.

    Args:
        budget: bytes that all models together may take.
    """
    kind = text.say(f"devices.{device.kind}", lang)
    reason = text.say(f"devices.{device.reason}", lang, device=kind)
    if device.missing:
        reason += "; " + text.say("devices.missing", lang, kind=text.say(f"devices.{device.missing}", lang))
    if device.detail:
        kind += f" {device.detail}"
    dtype = device.dtype or text.say("devices.as_stored", lang)
    told = text.say("devices.line", lang, kind=kind, dtype=dtype, reason=reason)
    memory = text.say("devices.memory", lang, gib=number(budget / 2**30, 1))
    return f'<p class="pg-device"><span>{escape(told)}</span> <span>{escape(memory)}</span></p>'
