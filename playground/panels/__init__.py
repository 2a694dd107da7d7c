"""The tabs. A new panel is one file here and one name in `PANELS`.

A panel is a module with ``KEY`` (its room in ``assets/text``) and ``build(context, app)``, called inside
its tab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from playground.catalog import Catalog
from playground.models import ModelCache
from playground.settings import Settings


@dataclass(frozen=True)
class Context:
    """What every panel is given."""

    settings: Settings
    catalog: Catalog
    models: ModelCache


def all_panels() -> Sequence[ModuleType]:
    """The panels in the order of their tabs."""
    from playground.panels import tokens

    return (tokens,)
