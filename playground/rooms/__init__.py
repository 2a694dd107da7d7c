"""The rooms, one folder each, in the order of their tabs. A room imports no other room.

A room is a package with ``panel.py``: ``KEY`` (its name in ``assets/text`` and in addresses) and
``build(context)``, called inside its tab. Beside it stand what was asked (``request.py``), what answers
(``actions.py``), what page and programs share (``service.py``), the endpoints for programs (``api.py``),
results as HTML or figures (``view*.py``), the worked example (``example.py``), and its own subject, under the
names of the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType


def register() -> None:
    """Add what only a room can load to the catalogue and the loaders; once is enough."""
    from playground.rooms.embeddings.words import catalogue as words
    from playground.rooms.songs import catalogue as songs

    words.register()
    songs.register()


def all_rooms() -> Sequence[ModuleType]:
    """The panels of the rooms, in the order of their tabs."""
    from playground.rooms.architecture import panel as architecture
    from playground.rooms.chat import panel as chat
    from playground.rooms.decoding import panel as decoding
    from playground.rooms.embeddings import panel as embeddings
    from playground.rooms.home import panel as home
    from playground.rooms.next_token import panel as next_token
    from playground.rooms.songs import panel as songs
    from playground.rooms.tokens import panel as tokens

    return (home, tokens, chat, next_token, decoding, embeddings, architecture, songs)
