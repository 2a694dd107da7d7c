"""What a menu of precisions offers for a model, and why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from playground import text
from playground.ui.html import number, size

if TYPE_CHECKING:
    from playground.models.loaders.offers import Formats


def choices(found: Formats | None, lang: str) -> list[tuple[str, str]]:
    """Labels and values.

    Args:
        found: the model's formats; None where they are not known, or it is no language model.
    """
    others = [(offer.dtype, offer.dtype) for offer in found.offers] if found else []
    return [(text.say("models.precision_full", lang), ""), *others, ("int8", "int8"), ("NF4", "nf4")]


def explanation(found: Formats | None, device: str, lang: str) -> str:
    """How the model is stored and computed, what another format would save, and what 8 and 4 bits mean.

    Args:
        device: the kind that it would run on.
    """
    say = partial(text.say, lang=lang)
    general = say("models.precision_info")
    if found is None:
        return general
    kind = say(f"devices.{device}")
    cast = {("float16", "float32"): "cast"}.get((found.stored, found.computed), "chosen")
    key = "stored" if found.stored == found.computed else cast
    if found.packed:
        key = "unpacked_fp32" if found.computed == "float32" else "unpacked"
    lines = [say(f"models.format_{key}", stored=found.stored, computed=found.computed, device=kind)]
    for offer in found.offers:
        saved = abs(offer.saved)
        lines.append(
            say(
                f"models.offer_{offer.dtype}", bytes=number(saved), size=size(saved), device=kind,
                native=feature(offer.native),
            )
        )  # fmt: skip
    return " ".join([*lines, general])


def feature(native: str) -> str:
    """What multiplies a format natively, as a person writes it: AVX512-BF16."""
    return native.upper().replace("_", "-") if native.islower() else native
