"""The result as HTML."""

from __future__ import annotations

from playground import text
from playground.ui.html import escape, number
from tests.rooms.perplexity.perplexity import Surprise


def result(found: Surprise, lang: str) -> str:
    """One sentence with the two numbers."""
    shown = "–" if found.perplexity is None else number(found.perplexity, 1)
    return f"<p><b>{escape(shown)}</b> {escape(text.say('perplexity.of', lang, count=found.tokens))}</p>"
