"""The Token vectors view for programs: ``/token_vectors``; README promises it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.rooms.embeddings.token_vectors.actions import VectorsActions
from playground.ui.visitor import guard

VECTORS: dict[str, Any] = {"concurrency_id": "vectors", "concurrency_limit": 4}


def build(do: VectorsActions) -> None:
    """Register the endpoint on the page being built."""

    def token_vectors(texts: list[str], model: str) -> list[dict[str, Any]]:
        """Give the vector that a model makes of each token: its last hidden state.

        Args:
            texts: up to 32 texts; each is cut at 256 tokens, or where the model's window ends.
            model: a sentence model, an encoder or a causal language model: its name as the menu shows it, a
                Hub id, or a folder of the models folder.

        Returns:
            One object a text: tokens (their spelling in the vocabulary), shape ([1, tokens, hidden size], as
            of model(**tokens)[0]), vectors (one a token, in their order).
        """
        return do.plain(texts, model)

    gr.api(guard(token_vectors), api_name="token_vectors", **VECTORS)
