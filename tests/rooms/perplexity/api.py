"""The room for programs: `/perplexity`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from playground.ui.context import Context
from playground.ui.visitor import guard
from tests.rooms.perplexity.actions import measured


def build(context: Context) -> None:
    """Register it."""

    def perplexity(text: str, model: str = "tutor") -> dict[str, Any]:
        """How surprised a language model is by a text.

        Args:
            text: not empty.
            model: an embedded name, a folder of the models folder, or a Hub id.

        Returns:
            {tokens, perplexity}; null where no token of the text has a probability.
        """
        return asdict(measured(context, text, model))

    gr.api(guard(perplexity), api_name="perplexity", concurrency_id="perplexity", concurrency_limit=24)
