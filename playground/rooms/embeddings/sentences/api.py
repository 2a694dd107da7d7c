"""Sentence vectors for programs: ``/embed``, ``/similarity`` and ``/project``; README promises them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.engine.vectors.encode import check
from playground.engine.vectors.neighbours import similarity as cosines
from playground.errors import BadInput
from playground.rooms.embeddings.sentences.service import SentencesService
from playground.rooms.embeddings.sentences.work import Wish
from playground.ui.visitor import guard

# A queue of its own: who waits for a map keeps nobody from tokens.
SENTENCES: dict[str, Any] = {"concurrency_id": "sentences", "concurrency_limit": 4}
TEXTS = 5_000  # of one call: an answer's numbers are JSON
PAIRED = 1_000


def build(do: SentencesService) -> None:
    """Register the endpoints on the page being built."""
    longest = do.context.settings.text_limit

    def embed(texts: list[str], model: str) -> dict[str, Any]:
        """Turn texts into vectors: a sentence model's, or the mean of a language model's last hidden states.

        Args:
            texts: 1 to 5,000 texts.
            model: an embedded name ("all-MiniLM-L6-v2", "tutor"), a folder of the models folder, or a Hub id.

        Returns:
            model, dimension, vectors: one list of numbers a text, as the model gives them.
        """
        found = do.embed(check(texts, TEXTS, longest), model)
        return {
            "model": model.strip(), "dimension": int(found.vectors.shape[1]),
            "vectors": found.vectors.tolist(),
        }  # fmt: skip

    def similarity(texts: list[str], model: str) -> dict[str, Any]:
        """Cosine similarity of all pairs of texts.

        Args:
            texts: 1 to 1,000 texts.
            model: as for /embed.

        Returns:
            matrix: a row a text, from -1 to 1.
        """
        found = do.embed(check(texts, PAIRED, longest), model)
        return {"matrix": cosines(found.vectors).tolist()}

    def project(
        texts: list[str], model: str, method: str = "umap", dimensions: int = 2, seed: int = 0,
        neighbours: int = 15,
    ) -> dict[str, Any]:  # fmt: skip
        """Put texts on a map by meaning; the same texts and seed give the same map.

        Args:
            texts: 1 to 5,000 texts.
            model: as for /embed.
            method: "umap", "pca" or "tsne".
            dimensions: 2 or 3.
            seed: of what is drawn by chance.
            neighbours: how many near ones are held together, 2 to 200.

        Returns:
            points: from -1 to 1; method: what made them in the end; note: "" or why it is another ("few":
            too few texts, "same": all are alike, "landmarks": some were laid out, the others placed between).
        """
        given = check(texts, TEXTS, longest)
        for name, value in (("dimensions", dimensions), ("seed", seed), ("neighbours", neighbours)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise BadInput("setting_malformed", name=name, value=str(value)[:40])
        wish = Wish(method, dimensions, neighbours, seed=seed).checked()
        found = do.embed(given, model)
        made = do.work.projection(do.work.key(given, model), found.vectors, wish)
        return {"points": made.points.tolist(), "method": made.method, "note": made.note}

    gr.api(guard(embed), api_name="embed", **SENTENCES)
    gr.api(guard(similarity), api_name="similarity", **SENTENCES)
    gr.api(guard(project), api_name="project", **SENTENCES)
