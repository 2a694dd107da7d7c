"""Home: its frame, and what is asked when a sentence is typed over. All of it is drawn by the page's script
(`assets/home/home.js`), from the worked example that the page carries.
"""

from __future__ import annotations

from functools import partial

import gradio as gr

from playground import text
from playground.rooms.home import example
from playground.rooms.home.actions import PLACE, Answers
from playground.ui.context import Context
from playground.ui.controls import stored
from playground.ui.html import escape, island
from playground.ui.runs import Action, actions
from playground.ui.visitor import in_every_language

KEY = "home"
# Of each station of the strip, by its number: views that take the sentence along, and what is said of each.
DOORS = (
    ("1", "tokens"), ("2", "token_vectors"), ("3", "architecture/flow"), ("3b", "next_token"),
    ("4", "next_token"), ("5", "decoding"), ("5b", "chat"),
)  # fmt: skip
# The way through: a view each, in this order.
PATH = ("tokens", "token_vectors", "next_token", "decoding", "chat")
# Chapters of Hands-On Large Language Models → views, each with the key of its name.
BOOK = {
    1: (("chat", "chat.tab"),),
    2: (
        ("tokens", "tokens.tab"), ("token_vectors", "embeddings.tab_vectors"),
        ("words", "embeddings.tab_words"), ("songs", "songs.tab"),
    ),
    3: (
        ("next_token", "next_token.tab"), ("decoding", "decoding.tab"),
        ("architecture", "architecture.tab"),
    ),
    12: (
        ("architecture/what_if", "architecture.tab_what_if"),
        ("architecture/memory", "architecture.tab_memory"),
    ),
}  # fmt: skip


def build(context: Context) -> None:
    """The room, inside its tab."""
    sentence, model = stored("home.text", private=False), stored("home.model", private=False)
    for name in ("carried", "carried_model", "taken"):  # what all rooms share, see assets/shell/sentence.js
        stored(f"home.{name}", [])
    offered = dict.fromkeys(filter(None, (example.MODEL, context.smollm2())))
    framed = in_every_language("home.frame_html", partial(_frame, list(offered)))
    gr.HTML(framed, padding=False, elem_id="home-frame")
    needs = [sentence, model]
    actions(
        KEY,
        Action("run", Answers(context).run, needs, needs, [PLACE], [KEY], wait=0, built=True),
        stop="home-stop",
    )


def _frame(models: list[str], lang: str) -> str:
    """What the page's script draws from, and the place that a run fills."""
    room = f"{KEY}."
    words = {
        key.removeprefix(room): said for key, said in text.catalogue(lang).items() if key.startswith(room)
    }
    book = [
        [chapter, [[view, text.say(key, lang)] for view, key in views]] for chapter, views in BOOK.items()
    ]
    data = {
        "words": words, "example": example.shipped(lang), "models": models, "doors": DOORS, "path": PATH,
        "book": book,
    }  # fmt: skip
    return (
        f'<div class="hm" data-lang="{lang}">{island(data)}<div class="hm-top"></div>'
        f'<button type="button" class="hm-stop" id="home-stop">{escape(words["stop"])}</button>'
        f'<div class="pg-place" data-place="{PLACE}"><div class="hm-strip"></div></div>'
        f'<div class="hm-rest"></div></div>'
    )
