"""The language models that a visitor meets first, a click apart, each with a line on what it is good for.

SmolLM2 writes English as people know it; the tutor is small enough to look into, knows Chinese, and its whole
training is here. Which of them rooms open with, `Context.first_model` says.
"""

from __future__ import annotations

from playground import text
from playground.models import packages
from playground.models.catalog import SMOLLM2, ModelCard
from playground.ui.context import Context
from playground.ui.html import escape, size

TUTOR = "tutor"


def label(card: ModelCard, lang: str) -> str:
    """A model's name as menus show it; with what fetching it costs, of a package that is not here yet."""
    if card.source != "package" or card.where:
        return card.name
    return text.say("models.fetch", lang, name=card.name, size=fetched_size(card))


def fetched_size(card: ModelCard) -> str:
    """How much is fetched of a package that is not here, in two digits: ``93 MB``."""
    return size(float(f"{packages.PACKAGES[card.package].bytes:.2g}"))


def pair(context: Context, control: str, lang: str) -> str:
    """Both as buttons that choose them in a menu of models, as HTML.

    Args:
        control: the id of that menu.
    """
    here = context.smollm2()
    offered = [context.catalog.find(here)] if here else context.offered("causal")
    cards = [card for card in offered if card.name in (here, SMOLLM2.name)] + [context.catalog.find(TUTOR)]
    rows = "".join(
        f'<li><button type="button" data-model-of="{escape(control)}" data-model="{escape(card.name)}">'
        f"{escape(label(card, lang))}</button> <span>{escape(_about(card, lang))}</span></li>"
        for card in cards
    )
    return f'<ul class="pg-first-models">{rows}</ul>'


def _about(card: ModelCard, lang: str) -> str:
    kind = "tutor" if card.name == TUTOR else "smollm2" if card.source == "package" else "smollm2_hub"
    return text.say(f"models.first_{kind}", lang)
