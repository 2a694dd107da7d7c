"""The Models drawer at the foot of the page: its controls, and which of them ask for what.

What is asked is answered in `actions`. The drawer belongs to no view: its controls are kept and stand in no
link.
"""

from __future__ import annotations

import gradio as gr

from playground.rooms.models import api
from playground.rooms.models.actions import ROLES, Answers
from playground.ui.context import Context
from playground.ui.controls import control, stored
from playground.ui.precision_menu import following, precision
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import tr


def build(context: Context) -> None:
    """The drawer, where the page ends; its endpoint."""
    api.build(context)
    with gr.Accordion(tr("models.title"), open=False, elem_id="pg-models"):
        stored("models.idle")  # what is to be unloaded: a button beside each that is loaded says it
        place("pg-models-held")
        place("pg-models-result", min_height=24)
        gr.Button(tr("models.stop"), size="sm", elem_id="pg-models-stop")  # seen while something loads
        place("pg-models-offered")
        with gr.Accordion(tr("models.other"), open=False, elem_id="pg-models-other"):
            _trial()
        gr.Button(tr("models.refresh"), size="sm", elem_id="pg-models-refresh")
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
    gr.Button(tr("models.load"), variant="primary", min_width=120, elem_id="pg-models-load")


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
