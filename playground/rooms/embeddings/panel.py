"""The Embeddings tab: three views of what numbers make of text, each a module and a sub-tab of its own.

It opens on the map of sentences, which needs no explanation; token vectors and words go into the depth.
"""

from __future__ import annotations

import gradio as gr

from playground.rooms.embeddings.sentences import panel as embeddings_sentences
from playground.rooms.embeddings.token_vectors import panel as embeddings_vectors
from playground.rooms.embeddings.words import panel as embeddings_words
from playground.ui.context import Context
from playground.ui.controls import view
from playground.ui.visitor import tr

KEY = "embeddings"


def build(context: Context) -> None:
    """The panel, inside its tab."""
    with gr.Tabs(selected="sentences", elem_id="emb-tabs", overflow_behavior="wrap"):
        with gr.Tab(tr("embeddings.tab_sentences"), id="sentences", elem_id="emb-sentences"):
            embeddings_sentences.build(context)
        with gr.Tab(tr("embeddings.tab_vectors"), id="vectors", elem_id="emb-vectors") as tab:
            view("token_vectors", "", tab)
            embeddings_vectors.build(context)
        with gr.Tab(tr("embeddings.tab_words"), id="words", elem_id="emb-words") as tab:
            view("words", "", tab)
            embeddings_words.build(context)
