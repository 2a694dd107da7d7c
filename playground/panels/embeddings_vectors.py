"""The Token vectors view of the Embeddings tab: a place kept free."""

from __future__ import annotations

import gradio as gr

from playground.panels import Context


def build(context: Context, app: gr.Blocks) -> None:
    """The view, inside its sub-tab."""
