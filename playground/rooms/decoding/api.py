"""The Decoding panel for programs: `/generate`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.rooms.decoding import request
from playground.rooms.decoding.actions import generate as made
from playground.ui.context import Context
from playground.ui.visitor import guard


def build(context: Context) -> None:
    """Register it."""

    def generate(
        prompt: str,
        model: str = "tutor",
        strategy: str = "greedy",
        max_new_tokens: int = 32,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        num_beams: int = 4,
        length_penalty: float = 1.0,
    ) -> dict[str, Any]:
        """Go on with a text, greedily, by sampling or by beam search, as transformers' generate does.

        Args:
            prompt: the text, not empty; the tokenizer's own beginning (BOS) is put in front, nothing else.
            model: an embedded name, a folder of the models folder, or a Hub id.
            strategy: "greedy", "sample" or "beam".
            max_new_tokens: the text is cut after so many.
            temperature: of sampling; 0 always takes the likeliest token.
            top_k: draw among so many of the likeliest; 0 for all.
            top_p: draw among the likeliest that together reach this share.
            seed: of sampling: the same gives the same text; -1 draws one.
            num_beams: of beam search, 1 to 16.
            length_penalty: of beam search: a sequence is worth its sum of ln p / length ** length_penalty.

        Returns:
            {ids, text, tokens: [{id, text, probability, rank}], sequences: [{ids, text, score}] (finished
            beams, best first; empty for greedy and sample), perplexity, seconds}; probabilities are the
            model's own, before any filter.
        """
        drawn = temperature if strategy == "sample" else 0.0
        settings = request.settings(max_new_tokens, drawn, top_k, top_p, seed=seed)
        search = request.beams(num_beams, length_penalty)
        return made(context, prompt, model, strategy, settings, search)

    # A queue of its own; whose turn it is, the model's line says.
    limit = 120 if context.settings.class_mode else 24
    gr.api(guard(generate), api_name="generate", concurrency_id="decoding", concurrency_limit=limit)
