"""Rows of sentences: samples, clusters and their names."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import ASSETS
from playground.engine.vectors.neighbours import unit
from playground.errors import BadInput
from playground.system import cancellation

FOLDER = ASSETS / "embeddings" / "sentences"
SAMPLES = ("themes", "themes_both", "questions")
CLUSTERINGS = ("kmeans", "hdbscan")
WORD = re.compile(r"[^\W\d_]{2,}")
HAN = re.compile(r"[\u3400-\u9fff]+")


@dataclass(frozen=True)
class Rows:
    """Sentences and their labels.

    Args:
        texts: one a row.
        labels: one a row, or none at all.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()


@functools.cache
def sample(name: str) -> Rows:
    """Rows that come with the app, written for it: ``themes`` (eight themes in English), ``themes_both``
    (with Chinese), ``questions`` (by what they ask for).

    Raises:
        BadInput: no such sample.
    """
    if name not in SAMPLES:
        raise BadInput("sample_unknown", name=str(name)[:40], known=", ".join(SAMPLES))
    file = "questions" if name == "questions" else "themes"
    lines = (FOLDER / f"{file}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    if name == "themes":
        rows = [row for row in rows if row[1] == "en"]
    return Rows(tuple(row[2] for row in rows), tuple(row[0] for row in rows))


def cluster(
    vectors: NDArray[np.float32], points: NDArray[np.float32], how: str, count: int = 0, seed: int = 0
) -> NDArray[np.int64]:
    """The cluster of each row, numbered from 0 by size; -1 for a row in none (HDBSCAN).

    k-means (Lloyd) parts the vectors themselves. HDBSCAN (Campello et al. 2013) looks for dense places; in
    hundreds of dimensions everything is sparse, so it looks on the map.

    Args:
        vectors: [n, width]; points: [n, 2 or 3], the map.
        count: of clusters for k-means; 0: by the data's size.

    Raises:
        BadInput: no such way.
    """
    if how not in CLUSTERINGS:
        raise BadInput("clustering_unknown", name=str(how)[:40], known=", ".join(CLUSTERINGS))
    whole = unit(vectors)
    apart = len(np.unique(whole[:2000], axis=0))
    if apart < 3:
        return np.zeros(len(whole), np.int64)
    if how == "kmeans":
        from sklearn.cluster import KMeans

        wanted = count or max(2, min(8, round(math.sqrt(len(whole) / 2))))
        means = KMeans(min(wanted, apart), n_init=4, random_state=seed)
        # Each step of Lloyd's asks numpy, in Python, whether it changed anything.
        with cancellation.at_calls_of("numpy._core.numeric"):
            made = means.fit_predict(whole)
    else:
        from sklearn.cluster import HDBSCAN

        least = max(3, min(50, len(whole) // 40))
        if len(whole) < 2 * least:
            return np.zeros(len(whole), np.int64)
        made = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(np.asarray(points, np.float64))
    sizes = Counter(int(each) for each in made if each >= 0)
    rank = {
        old: new for new, (old, _) in enumerate(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    }
    return np.array([rank.get(int(each), -1) for each in made], np.int64)


def words_of(text: str) -> set[str]:
    """Words to name a cluster by: of letters, without the commonest; of Chinese, two characters at a time."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    found = {
        each for each in WORD.findall(text.lower()) if not HAN.search(each) and each not in ENGLISH_STOP_WORDS
    }
    for run in HAN.findall(text):
        found |= {run[place : place + 2] for place in range(len(run) - 1)} or {run}
    return found


def named(texts: Sequence[str], clusters: NDArray[Any], count: int = 3) -> list[str]:
    """A name for each cluster: the words that are frequent in it and rare elsewhere (class-based TF-IDF, as
    BERTopic, Grootendorst 2022); "" for one whose rows share no words.
    """
    held = [words_of(each) for each in texts]
    everywhere = Counter(word for words in held for word in words)
    names = []
    for number in range(int(clusters.max(initial=-1)) + 1):
        rows = np.flatnonzero(clusters == number)
        inside = Counter(word for row in rows for word in held[row])
        least = 2 if len(rows) > 4 else 1
        weights = {
            word: seen / len(rows) * math.log(1 + len(texts) / everywhere[word])
            for word, seen in inside.items()
            if seen >= least
        }
        scored = sorted(weights, key=lambda word: (-weights[word], word))
        names.append(" · ".join(scored[:count]))
    taken: Counter[str] = Counter()
    for place, name in enumerate(names):  # two clusters of the same words are told apart by number
        taken[name] += 1
        if name and taken[name] > 1:
            names[place] = f"{name} ({taken[name]})"
    return names
