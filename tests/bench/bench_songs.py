"""How fast are songs at yes_complete's size? ``python tests/bench/bench_songs.py`` prints ratios of one run.

A library is made up with its numbers: 75,262 songs, 11,100 playlists, 1.47 million transitions, tastes (each
playlist prefers three of 300 groups of songs) and a long tail.

1. Training: the tuned preset (one worker) against the book's call in raw gensim (four workers), and hit@10.
2. A recommendation against the raw ``most_similar``.
3. Search, against a scan of all names for the words as they stand.
4. The map of all songs: PCA, against numpy's singular values.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground.engine.vectors.projection import project  # noqa: E402
from playground.rooms.songs import evaluation, search  # noqa: E402
from playground.rooms.songs.library import Library, Song  # noqa: E402
from playground.rooms.songs.recommend import recommender  # noqa: E402
from playground.rooms.songs.training import TUNED, train  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402

SONGS, PLAYLISTS, TRANSITIONS, GROUPS = 75_262, 11_100, 1_470_000, 300
SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ra",
    "tu",
    "ne",
    "so",
    "vi",
    "del",
    "mar",
    "san",
    "be",
    "ri",
    "to",
    "qi",
    "mo",
)


def made_up(seed: int = 0) -> Library:
    draw = np.random.default_rng(seed)
    lengths = 2 + draw.exponential(1, PLAYLISTS)
    lengths = np.maximum(2, (lengths / lengths.sum() * (TRANSITIONS + PLAYLISTS)).astype(int))
    group = draw.integers(0, GROUPS, SONGS)
    popularity = draw.permutation(1 / np.arange(1, SONGS + 1) ** 0.85)
    members = [np.flatnonzero(group == number) for number in range(GROUPS)]
    sums = [np.cumsum(popularity[rows]) / popularity[rows].sum() for rows in members]
    everywhere = np.cumsum(popularity) / popularity.sum()
    parts = []
    for length in lengths:
        homes, kind = draw.integers(0, GROUPS, 3), draw.choice(4, length, p=[0.5, 0.2, 0.1, 0.2])
        chance, rows = draw.random(length), np.empty(length, np.int64)
        for number in range(3):
            at = kind == number
            place = np.searchsorted(sums[homes[number]], chance[at])
            rows[at] = members[homes[number]][np.minimum(place, len(members[homes[number]]) - 1)]
        rows[kind == 3] = np.minimum(np.searchsorted(everywhere, chance[kind == 3]), SONGS - 1)
        parts.append(rows.astype(np.int32))
    words = draw.choice(SYLLABLES, (SONGS, 7))
    songs = tuple(
        Song(str(row), "".join(word[:2]) + " " + "".join(word[2:4]), "".join(word[4:]))
        for row, word in enumerate(words)
    )
    return Library("made up", songs, np.concatenate(parts), np.concatenate([[0], np.cumsum(lengths)]))


def best(run: Callable[[], object], times_run: int = 20) -> float:
    times = []
    for _ in range(rounds(times_run)):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    from gensim.models import Word2Vec

    library = made_up()
    print(f"{len(library):,} songs, {library.playlists:,} playlists, {len(library.items):,} places")
    asked = evaluation.split(library)
    sentences = [
        [str(row) for row in asked.train.playlist(number)] for number in range(asked.train.playlists)
    ]

    began = time.perf_counter()
    made = train(asked.train, TUNED)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    raw = Word2Vec(sentences, vector_size=32, window=20, negative=50, min_count=1, workers=4)
    book = time.perf_counter() - began
    vectors = np.zeros_like(made.vectors)
    vectors[[int(name) for name in raw.wv.index_to_key]] = raw.wv.vectors
    found = {
        "popularity": evaluation.measure("", evaluation.fitted("popularity", asked.train), asked),
        "book": evaluation.measure("", evaluation.by_vectors(vectors), asked),
        "tuned": evaluation.measure("", evaluation.by_vectors(made.vectors), asked),
    }
    row("training, tuned, one worker", ours, book, "s", "the book's call, four workers", most=1 / 3)
    for name, each in found.items():
        print(f"   {name:10} hit@10 {each.hit:.3f}  nDCG@10 {each.ndcg:.3f}  coverage {each.coverage:.3f}")
    row("hit@10 of tuned", found["tuned"].hit, found["book"].hit, "", "the book's")
    row("hit@10 of tuned", found["tuned"].hit, found["popularity"].hit, "", "what everybody plays")

    ready = recommender(library, made)
    raw.wv.most_similar("5")
    bare = best(lambda: raw.wv.most_similar(["5", "17", "900"], topn=10))
    plain = best(lambda: ready.recommend([5, 17, 900]))
    library.holders  # noqa: B018  made once
    liked = [5, 17, 900]
    whole = best(lambda: ready.evidence(liked, [each.row for each in ready.recommend(liked)]))
    row("ten songs for three", plain * 1e3, bare * 1e3, "ms", "gensim's most_similar", most=2)
    row("with evidence for each", whole * 1e3, bare * 1e3, "ms", "gensim's most_similar")

    index = search.index(library)
    names = [f"{song.artist} {song.title}".lower() for song in library.songs]
    some = library.songs[123]
    for query in (
        "k",
        "kalo",
        some.title,
        f"{some.artist} {some.title}",
        some.title.replace("a", "e", 1) + "x",
    ):
        took = best(lambda query=query: search.search(index, query), 10)
        scan = best(lambda query=query: [n for n, name in enumerate(names) if query.lower() in name], 10)
        row(f"search for {query!r}", took * 1e3, scan * 1e3, "ms", "a scan of all names")

    centred = made.vectors - made.vectors.mean(0)
    raw_map = best(lambda: np.linalg.svd(centred, full_matrices=False), 3)
    own_map = best(lambda: project(made.vectors, "pca"), 3)
    row("PCA of all songs", own_map * 1e3, raw_map * 1e3, "ms", "numpy's svd")


if __name__ == "__main__":
    main()
