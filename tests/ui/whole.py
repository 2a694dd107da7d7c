"""The whole page as `app.py` builds it, to ask it what is registered."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import gradio as gr

from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.settings import Settings
from playground.shell.page import build_app
from playground.ui.context import Context


@functools.cache
def whole_page() -> gr.Blocks:
    """Built once, offline, with no folder of models."""
    folder = Path(tempfile.mkdtemp())
    catalog = Catalog(folder / "models", folder / "uploads", offline=True)
    loader = TransformersLoader(offline=True)
    return build_app(Context(Settings(), catalog, ModelCache(2**20, loader)))
