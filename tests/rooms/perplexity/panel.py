"""The tab: two controls, and what they ask for."""

from __future__ import annotations

import gradio as gr

from playground.ui.context import Context
from playground.ui.controls import control
from playground.ui.runs import Action, actions, place
from playground.ui.visitor import tr
from tests.rooms.perplexity import api
from tests.rooms.perplexity.actions import Answers

KEY = "perplexity"


def build(context: Context) -> None:
    """The panel, inside its tab, and its endpoint."""
    models = [(card.name, card.name) for card in context.catalog.offered("causal")]
    control("perplexity.text", gr.Textbox(tr("perplexity.example"), label=tr("perplexity.text")))
    control("perplexity.model", gr.Dropdown(models, value="tutor", label=tr("perplexity.model")))
    place("perplexity-result")
    asked = ["perplexity.text", "perplexity.model"]
    actions(KEY, Action("measure", Answers(context).measure, asked, asked, ["perplexity-result"], [KEY]))
    api.build(context)
