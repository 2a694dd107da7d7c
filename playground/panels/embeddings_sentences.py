"""The Sentences view of the Embeddings tab: widgets and wiring."""

from __future__ import annotations

import gradio as gr

from playground.panels import Context
from playground.panels.visitor import tr


def build(context: Context, app: gr.Blocks) -> None:
    """The view, inside its sub-tab."""
    gr.HTML(tr("sentences.lead"), elem_classes="pg-lead", padding=False)
