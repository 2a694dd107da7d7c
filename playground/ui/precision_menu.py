"""Menus of language models, and of precisions: as stored, other formats where they pay, 8 bits, NF4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.models import devices
from playground.ui import precision as view
from playground.ui.context import Context
from playground.ui.controls import control
from playground.ui.first_models import label
from playground.ui.runs import Action, Given, Line, sets
from playground.ui.visitor import language, tr


def offer(context: Context, *ids: str) -> Line:
    """What these menus of language models offer by now, and what they stand on where nobody chose."""
    lang = language()
    choices = [(label(card, lang), card.name) for card in context.offered("causal")]
    return sets({id: {"choices": choices, "default": context.first_model(lang)} for id in ids})


def precision(id: str, *, private: bool = False, **more: Any) -> gr.Radio:
    """The menu, as a control of the store; `following` is the action that it needs."""
    return control(id, gr.Radio(
        [(tr("models.precision_full"), ""), ("int8", "int8"), ("NF4", "nf4")], value="",
        label=tr("models.precision_choice"), info=tr("models.precision_info"), **more,
    ), private=private, varies=True)  # fmt: skip


def following(
    context: Context, id: str, model: str, views: Sequence[str], name: str = "precision",
    also: Sequence[str] = (),
) -> Action:  # fmt: skip
    """What that menu offers follows the model that is chosen.

    Args:
        id, model: of the controls.
        views: in which the menu is seen.
        also: what else asks for it, such as the button of a drawer that is in no view.
    """

    def follow(given: Given) -> Iterator[Line]:
        found, told = offered(context, given[model] or "", language())
        change: dict[str, Any] = {"choices": found, "info": told}
        if given[id] not in {value for _, value in found}:
            change["value"] = ""
        yield sets({id: change})

    return Action(name, follow, [model, id], [model, *also], views=views, opens=bool(views))


def offered(context: Context, name: str, lang: str) -> tuple[list[tuple[str, str]], str]:
    """What can be chosen for a model, and what is said of it.

    Args:
        name: of the menu of models, or typed; what is none has the usual choices.
    """
    from playground.models.loaders import offers

    wish, found = context.settings, None
    device = devices.choose(wish.device, wish.dtype)
    with suppress(PlaygroundError):  # whoever loads it is told
        card = context.catalog.find(name)
        context.allowed(card, "causal")
        if "causal" in card.roles:
            found = offers.look(card, device.kind, offline=wish.offline, anonymous=wish.public)
    if device.dtype and found is not None:  # the owner has chosen, and what is not chosen here stays so
        found = offers.Formats(found.stored, device.dtype, ())
    return view.choices(found, lang), view.explanation(found, device.kind, lang)
