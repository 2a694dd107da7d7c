"""What fits a few liked songs, why, similar artists, a walk from song to song: all from trained vectors.

A recommendation is the book's: cosine to the mean of the liked songs' vectors (disliked ones pull away), as
gensim's ``most_similar`` does it. The evidence beside it is counted in the playlists, not in vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.vectors.neighbours import unit
from playground.errors import BadInput
from playground.rooms.songs.evaluation import highest
from playground.rooms.songs.library import Library, Song
from playground.rooms.songs.training import Trained

MOST = 100  # recommendations at once
MANY = 1_000  # songs that may be liked at once: a long playlist
POPULAR = 10  # songs beside a recommendation
SHARED = 400  # playlists that are looked into to tell what they are about


@dataclass(frozen=True)
class Evidence:
    """What the playlists say about a recommended song and what was liked.

    Args:
        together: playlists that hold it and at least one liked song.
        genre: the commonest genre of the other songs there, and its share; "" where genres are not known.
        decade: likewise, 1990 for the nineties; 0 where years are not known.
        by_liked: (row, cosine, playlists that hold both) of each liked song, nearest first.
    """

    together: int
    genre: str
    genre_share: float
    decade: int
    by_liked: tuple[tuple[int, float, int], ...]


@dataclass(frozen=True)
class Recommendation:
    """A song (its row) with its score, a cosine from -1 to 1."""

    row: int
    score: float


@dataclass(frozen=True, eq=False)
class Recommender:
    """A library with its trained vectors at length 1.

    Args:
        whole: [songs, vector_size]; zeros for songs without a vector.
        known: [songs]: those that have a vector, since they are as frequent as min_count.
    """

    library: Library
    trained: Trained
    whole: NDArray[np.float32]
    known: NDArray[np.bool_]

    def recommend(
        self, liked: Sequence[int], disliked: Sequence[int] = (), count: int = 10
    ) -> list[Recommendation]:
        """The songs nearest to what is liked, best first, none of those given.

        Raises:
            BadInput: nothing liked, too much of it, no vector for any of it, or a count out of range.
        """
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise BadInput("songs_count", most=MOST)
        if not liked:
            raise BadInput("songs_none_liked")
        if len(liked) + len(disliked) > MANY:
            raise BadInput("songs_too_many", most=MANY)
        target = self.mean(liked, disliked)
        if target is None:
            raise BadInput("songs_no_vector")
        scores = self.whole @ target
        scores[[*liked, *disliked]] = -np.inf
        scores[~self.known] = -np.inf
        best = highest(scores, count)
        return [Recommendation(int(row), float(scores[row])) for row in best if np.isfinite(scores[row])]

    def mean(self, liked: Sequence[int], disliked: Sequence[int] = ()) -> NDArray[np.float32] | None:
        """What is liked as one vector of length 1, what is disliked taken off it; None where none is left."""
        up, down = [*dict.fromkeys(liked)], [*dict.fromkeys(disliked)]
        if not self.known[np.array([*up, *down], int)].any():
            return None
        signs = np.array([1.0] * len(up) + [-1.0] * len(down), np.float32)
        target = signs @ self.whole[[*up, *down]]
        length = float(np.linalg.norm(target))
        return target / length if length >= 1e-6 else None

    def evidence(self, liked: Sequence[int], rows: Sequence[int]) -> list[Evidence]:
        """For each recommended row, what the playlists say."""
        library = self.library
        by_song = []
        for song in liked:
            mark = np.zeros(library.playlists, bool)
            mark[library.holding(song)] = True
            by_song.append(mark)
        either = np.logical_or.reduce(by_song)
        found = []
        for row in rows:
            holding = library.holding(row)
            shared = holding[either[holding]]
            near = sorted(
                (
                    (song, float(self.whole[song] @ self.whole[row]), int(mark[holding].sum()))
                    for song, mark in zip(liked, by_song, strict=True)
                ),
                key=lambda each: -each[1],
            )
            genre, share, decade = self._about(shared[:SHARED], row)
            found.append(Evidence(len(shared), genre, share, decade, tuple(near)))
        return found

    def _about(self, playlists: NDArray[np.int32], row: int) -> tuple[str, float, int]:
        """The commonest genre, its share and the commonest decade of the other songs in some playlists."""
        library = self.library
        if not len(playlists):
            return "", 0.0, 0
        others = np.concatenate([library.playlist(number) for number in playlists])
        others = others[others != row]
        names, numbers = library.genres
        genres = np.bincount(numbers[others], minlength=len(names))
        genres[0] = 0
        genre = int(genres.argmax()) if genres.any() else 0
        years = library.years[others]
        decades = np.bincount(years[years > 0] // 10)
        decade = int(decades.argmax()) * 10 if len(decades) else 0
        share = float(genres[genre] / genres.sum()) if genre else 0.0
        return names[genre], share, decade

    def similar_artists(self, liked: Sequence[int], count: int = 8) -> list[tuple[str, float]]:
        """Artists whose songs' mean is nearest to that of the liked songs' artists, themselves left out."""
        names, numbers = self.library.artists
        mine = {int(numbers[song]) for song in liked} - {0}
        if not mine:
            return []
        means = self._artist_means
        target = unit(means[sorted(mine)].mean(0, keepdims=True))[0]
        scores = means @ target
        scores[[0, *mine]] = -np.inf
        best = np.argsort(-scores, kind="stable")[:count]
        return [(names[artist], float(scores[artist])) for artist in best if np.isfinite(scores[artist])]

    @property
    def _artist_means(self) -> NDArray[np.float32]:
        """The mean of each artist's songs at length 1, [artists, vector_size]."""
        names, numbers = self.library.artists
        sums = np.zeros((len(names), self.whole.shape[1]), np.float32)
        np.add.at(sums, numbers, self.whole)
        return unit(sums)

    def walk(self, start: int, end: int, steps: int = 6) -> list[tuple[int, float]]:
        """From one song to another: the songs nearest to points of the arc between their vectors.

        Args:
            steps: songs between the two.

        Returns:
            (row, cosine to the song before it) from start to end, no song twice.

        Raises:
            BadInput: the same song twice, or one without a vector.
        """
        if start == end:
            raise BadInput("songs_walk_same")
        if not (self.known[start] and self.known[end]):
            raise BadInput("songs_no_vector")
        a, b = self.whole[start], self.whole[end]
        angle = float(np.arccos(np.clip(a @ b, -1, 1)))
        taken, path = {start, end}, [start]
        for step in range(1, steps + 1):
            t = step / (steps + 1)
            # Along the arc and not the line, whose middle is the middle of everything.
            point = np.sin((1 - t) * angle) * a + np.sin(t * angle) * b if angle > 1e-6 else a
            scores = self.whole @ point.astype(np.float32)
            scores[~self.known] = -np.inf
            scores[list(taken)] = -np.inf
            row = int(scores.argmax())
            if not np.isfinite(scores[row]):
                break
            taken.add(row)
            path.append(row)
        path.append(end)
        cosines = [1.0, *(float(self.whole[x] @ self.whole[y]) for x, y in pairwise(path))]
        return list(zip(path, cosines, strict=True))


def recommender(library: Library, trained: Trained) -> Recommender:
    """Make trained vectors ready to recommend."""
    return Recommender(library, trained, unit(trained.vectors), np.any(trained.vectors != 0, axis=1))


def plain(song: Song) -> dict[str, Any]:
    """A song as JSON."""
    return {
        "id": song.id, "title": song.title, "artist": song.artist, "year": song.year, "genre": song.genre
    }  # fmt: skip


def reasons(
    ready: Recommender, liked: Sequence[int], scored: Sequence[tuple[int, float]]
) -> list[dict[str, Any]]:
    """Songs (rows with their scores) with what the playlists say about them and what is liked, as JSON."""
    library = ready.library
    evidence = ready.evidence(liked, [row for row, _ in scored])
    return [
        plain(library.songs[row])
        | {
            "score": score, "together": told.together,
            "about": [told.genre, told.genre_share, told.decade],
            "by": [
                plain(library.songs[song]) | {"cosine": cosine, "together": together}
                for song, cosine, together in told.by_liked[:5]
            ],
        }
        for (row, score), told in zip(scored, evidence, strict=True)
    ]  # fmt: skip


def shown(ready: Recommender, liked: Sequence[int], disliked: Sequence[int]) -> dict[str, Any]:
    """Recommendations with all that is told about them, as JSON: see `view.recommended`."""
    library = ready.library
    best = ready.recommend(liked, disliked)
    rows = reasons(ready, liked, [(each.row, each.score) for each in best])
    given = {*liked, *disliked}
    common = [int(row) for row in np.argsort(-library.counts, kind="stable") if int(row) not in given]
    told_by = ready.trained.parameters
    return {
        "rows": rows,
        "artists": ready.similar_artists(liked),
        "popular": [plain(library.songs[row]) for row in common[:POPULAR]],
        "generated": library.name == "sample",
        "facts": {
            "songs": len(library), "playlists": library.playlists, "seconds": ready.trained.seconds,
            "parameters": ", ".join(
                f"{name} {getattr(told_by, name)}" for name in ("vector_size", "window", "negative", "epochs")
            ),
        },
    }  # fmt: skip
