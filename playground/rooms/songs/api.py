"""The Songs panel for programs: ``/find_songs`` and ``/recommend``; README promises them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import BadInput
from playground.rooms.songs.service import SongsService
from playground.ui.visitor import guard

# A queue of its own: who waits for a training keeps nobody from tokens.
SONGS: dict[str, Any] = {"concurrency_id": "songs", "concurrency_limit": 4}


def build(do: SongsService) -> None:
    """Register the endpoints on the page being built."""

    def find_songs(query: str, dataset: str, count: int) -> list[dict[str, Any]]:
        """Find songs by title or artist, in Chinese or Latin, with typos forgiven.

        Args:
            query: any part of a title or an artist's name.
            dataset: "sample" (embedded), "yes_complete", or the name of a data set in the models folder.
            count: how many at most, 1 to 100.

        Returns:
            One object a song, best first: id, title, artist.
        """
        found = do.find(query, dataset, count)
        return [{key: song[key] for key in ("id", "title", "artist")} for song in found]

    def recommend(
        liked: list[str], disliked: list[str], dataset: str, count: int = 10
    ) -> list[dict[str, Any]]:
        """Recommend songs that are played with those one likes (tuned Word2Vec); never one of those given.

        Args:
            liked: ids as /find_songs gives them, at least one.
            disliked: ids to stay away from; may be empty.
            dataset: as for /find_songs.
            count: how many, 1 to 100.

        Returns:
            One object a song, best first: id, title, artist, score (cosine, -1 to 1).
        """
        for given in (liked, disliked):
            if not isinstance(given, list):
                raise BadInput("songs_ids_list")
        with do.trained(dataset) as (_, ready):
            row = ready.library.row
            best = ready.recommend([row(id) for id in liked], [row(id) for id in disliked], count)
            songs = ready.library.songs
            return [
                {
                    "id": songs[each.row].id, "title": songs[each.row].title,
                    "artist": songs[each.row].artist, "score": round(each.score, 6),
                }
                for each in best
            ]  # fmt: skip

    for endpoint in (find_songs, recommend):
        gr.api(guard(endpoint), api_name=endpoint.__name__, **SONGS)
