"""The Models drawer, opened from the header: its controls, and which of them ask for what.

What is asked is answered in `actions`. The drawer belongs to no view: its controls are kept and stand in no
link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from playground.rooms.models import api
from playground.rooms.models.actions import ROLES, Answers
from playground.ui.context import Context
from playground.ui.controls import control
from playground.ui.precision_menu import following, precision
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import tr


def streams(context: Context) -> dict[str, Callable[[Any], Iterator[Any]]]:
    """What the header asks (`assets/shell/model_pill.js`), for `playground.shell.streams`."""
    return {"models/state": Answers(context).state}


def build(context: Context) -> None:
    """The drawer, which the model's name in the header opens; its endpoint."""
    api.build(context)
    # Strangers must not take from each other what is loaded.
    owner = context.settings.visitors_own
    with gr.Accordion(tr("models.title"), open=False, elem_id="pg-models"):
        place("pg-models-held")
        with gr.Row(elem_classes="pg-end"):
            gr.Button(tr("models.refresh"), size="sm", min_width=120, scale=0, elem_id="pg-models-refresh")
            control("models.idle", gr.Dropdown(
                [], value=None, label=tr("models.unload_which"), min_width=160, visible=owner
            ), private=True)  # fmt: skip
            unload = gr.Button(tr("models.unload"), size="sm", min_width=120, scale=0, visible=owner)
            unload.elem_id = "pg-models-unload"
        _trial()
        place("pg-models-result", min_height=24)
        with gr.Accordion(tr("models.offered"), open=False):
            place("pg-models-offered")
    _wire(Answers(context))


def _trial() -> None:
    """Any model, as what it is to be tried, and how precisely."""
    with gr.Row(elem_classes="pg-actions"):
        control("models.name", gr.Dropdown(
            ["all-MiniLM-L6-v2"], value="all-MiniLM-L6-v2", allow_custom_value=True, label=tr("models.which"),
            info=tr("models.which_info"), scale=3, min_width=200, elem_id="pg-models-name",
        ), private=True)  # fmt: skip
        control("models.role", gr.Dropdown(
            [(tr("models.auto"), ""), *((tr(f"models.role_{each}"), each) for each in ROLES)],
            value="", label=tr("models.as_what"), scale=2, min_width=140, elem_id="pg-models-role",
        ), private=True)  # fmt: skip
        precision("models.precision", private=True, scale=2, min_width=180, elem_id="pg-models-precision")
    with gr.Row(elem_classes="pg-actions"):
        gr.Button(tr("models.load"), variant="primary", min_width=120, elem_id="pg-models-load")
        gr.Button(tr("models.stop"), min_width=60, elem_id="pg-models-stop")


def _wire(answers: Answers) -> None:
    """What is asked. Opening and closing the drawer is a click on its own button."""
    name, role, menu = "models.name", "models.role", "models.precision"
    looks = ["#pg-models", "#pg-models-refresh"]
    actions(
        "models",
        Action("look", answers.look, on=looks, places=["pg-models-held"]),
        Action("unload", answers.unload, ["models.idle"], ["#pg-models-unload"], ["pg-models-held"]),
        following(answers.context, menu, name, [], also=["#pg-models"]),
        Action(
            "load",
            answers.load,
            [name, role, menu],
            ["#pg-models-load"],
            ["pg-models-result"],
            stopped="models.stopped",
        ),
        stop="pg-models-stop",
    )
