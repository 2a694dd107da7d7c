"""Which other number formats than its own are worth offering for a language model, and what each saves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.models import devices, hub, weights
from playground.models.catalog import ModelCard
from playground.models.loaders import causal, formats, skeletons
from playground.models.loaders.places import explain_errors, place

LARGE = 10**8  # bytes that bfloat16 must save before it is offered in place of float32: 50 million numbers


@dataclass(frozen=True)
class Offer:
    """Another format.

    Args:
        dtype: what the model would be computed in.
        saved: bytes of its weights less than in its own; below 0 where it takes more.
        native: what multiplies bfloat16 natively here (`devices.native`); "" where nothing does.
    """

    dtype: str
    saved: int
    native: str


@dataclass(frozen=True)
class Formats:
    """What a language model's numbers are.

    Args:
        stored: as its checkpoint says.
        computed: as it is computed here where nobody chooses.
        offers: others that are worth it: bfloat16 for a large model in float32 where it is multiplied
            natively, float32 for one in bfloat16 where it is not.
        packed: the file is quantized, and says of no format that it be computed in it.
    """

    stored: str
    computed: str
    offers: tuple[Offer, ...]
    packed: bool = False


def folder(card: ModelCard) -> Path | None:
    """Where a card's config.json lies on this disk; None where it is not here. Asks nobody."""
    path = hub.folder(card.where, card.revision) if card.source == "hub" else place(card)
    return path if path is not None and (path / "config.json").is_file() else None


def stored(card: ModelCard) -> str:
    """What a language model that is here says; "" where it is not, or only its weights could tell.

    Raises:
        CannotLoad: an architecture that transformers does not know, or a broken config.
    """
    path = folder(card)
    if path is None:
        return ""
    with explain_errors(card, "broken_weights"):
        return formats.stored(*causal.planned(card, path), path)


def usual(card: ModelCard, device: str) -> str:
    """What a language model is computed in where nobody chooses; "" where that shows when it is loaded.

    Raises:
        CannotLoad: as `stored`.
    """
    packed = formats.packed(card, device)
    return packed.dtype if packed is not None else devices.computed(stored(card), device)


def look(card: ModelCard, device: str, *, offline: bool, anonymous: bool) -> Formats | None:
    """The formats of a language model: from its config, and kilobytes of its weights where that is silent.

    Args:
        device: the kind that it would run on.
        offline, anonymous: as `hub.config`; of a model on the Hub its config.json is fetched.

    Returns:
        None where neither config nor weights tell.

    Raises:
        CannotLoad: and its kin: there is no such config, it is broken, the Hub does not give it.
    """
    packed = formats.packed(card, device)
    if packed is not None:
        return Formats(packed.stored, packed.dtype, (), packed=True)
    how: dict[str, Any] = {"offline": offline, "anonymous": anonymous}
    if card.source == "hub" and folder(card) is None:
        skeletons.config_of(card, **how)
    path = folder(card)
    if path is None:
        return None
    says = stored(card)
    if not says:
        types = (formats.FLOATS.get(kind, "") for kind, _ in skeletons.tensors_of(card, **how).values())
        says = next(filter(None, types), "")
    if not says:
        return None
    computed, native = devices.computed(says, device), devices.native("bfloat16", device)
    other = {"float32": "bfloat16", "bfloat16": "float32"}.get(computed, "")
    if not other or (other == "bfloat16") != bool(native):
        return Formats(says, computed, ())
    mine, its = (weights.predicted(causal.skeleton(card, path, dtype), dtype) for dtype in (computed, other))
    if other == "bfloat16" and mine - its < LARGE:
        return Formats(says, computed, ())
    return Formats(says, computed, (Offer(other, mine - its, native),))
