"""How a view ends: one question to try, and the door to what comes next."""

from __future__ import annotations

from urllib.parse import quote_plus

import gradio as gr

from playground import text
from playground.ui.html import escape
from playground.ui.visitor import in_every_language


def way_on(question: str, at: str, door: str, to: str, example: str = "") -> None:
    """Both as links of the page: Back comes back from either.

    Args:
        question: the key of its text; the part before its first dot names the room.
        at: the address that asks it, ``sentences/matrix?lines=…``; door: the key of the next view's name.
        to: the next view's address.
        example: the key of a text that stands for {} in ``at``.
    """

    def made(lang: str) -> str:
        address = at.format(quote_plus(text.say(example, lang))) if example else at
        tried, following = text.say("shell.try", lang), text.say("shell.next", lang)
        return (
            f'<div class="pg-way-on"><p><b>{escape(tried)}</b> '
            f'<a href="#{escape(address)}">{escape(text.say(question, lang))}</a></p>'
            f'<a class="pg-next-door" href="#{escape(to)}"><span>{escape(following)}</span> '
            f'<b>{escape(text.say(door, lang))}</b> <i aria-hidden="true">→</i></a></div>'
        )

    gr.HTML(in_every_language(f"{question}_way_on", made), padding=False, elem_classes="pg-way-on-block")
