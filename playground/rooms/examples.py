"""Makes every worked example anew: ``python -m playground.rooms.examples``.

Rooms open on them before any library is loaded. A test holds that they are what is computed live.
"""

from __future__ import annotations

from playground.models.cache import ModelCache
from playground.rooms import register


def main() -> None:
    """Write the examples of all rooms."""
    from playground.models.loaders import TransformersLoader
    from playground.rooms.architecture import example as architecture
    from playground.rooms.decoding import example as decoding
    from playground.rooms.embeddings.sentences import example as sentences
    from playground.rooms.embeddings.token_vectors import example as token_vectors
    from playground.rooms.embeddings.words import example as words
    from playground.rooms.home import example as home
    from playground.rooms.next_token import example as next_token
    from playground.rooms.songs import example as songs
    from playground.rooms.tokens import example as tokens

    register()
    cache = ModelCache(2**31, TransformersLoader(offline=True))
    for room in (home, tokens, next_token, decoding, sentences, token_vectors, words, architecture, songs):
        room.make(cache)


if __name__ == "__main__":
    main()
