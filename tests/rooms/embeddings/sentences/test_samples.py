"""Samples, clusters and their names."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from playground.errors import BadInput
from playground.rooms.embeddings.sentences.samples import CLUSTERINGS, cluster, named, sample, words_of


def test_the_samples():
    both, english, asked = sample("themes_both"), sample("themes"), sample("questions")
    assert len(both.texts) == len(set(both.texts)) == 400
    assert len(english.texts) == 272 and set(Counter(english.labels).values()) == {34}
    assert len(set(both.labels)) == 8 and set(Counter(both.labels).values()) == {50}
    assert len(asked.texts) == 36 and all(text.endswith("?") for text in asked.texts)
    with pytest.raises(BadInput):
        sample("nothing")


def test_clusters_are_found_and_numbered_by_size():
    draw = np.random.default_rng(0)
    centres = np.array([[8, 0, 0], [0, 8, 0], [0, 0, 8]])
    truth = np.repeat([0, 1, 2], [40, 30, 20])
    vectors = (centres[truth] + draw.normal(size=(90, 3))).astype(np.float32)
    for how in CLUSTERINGS:
        made = cluster(vectors, vectors[:, :2], how, 3)
        assert Counter(made[made >= 0]).most_common(1)[0][0] == 0
        purity = sum(Counter(truth[made == number]).most_common(1)[0][1] for number in set(made[made >= 0]))
        assert purity > 80
    assert not cluster(np.ones((9, 3), np.float32), np.zeros((9, 2), np.float32), "kmeans").any()
    assert cluster(vectors[:3], vectors[:3, :2], "hdbscan").tolist() == [0, 0, 0]
    with pytest.raises(BadInput):
        cluster(vectors, vectors, "magic")


def test_names_are_the_words_of_a_cluster_in_both_scripts():
    texts = ["The rain falls", "Rain and snow", "More rain today", "股市下跌了", "今天股市上漲", "股市沒有變"]
    names = named(texts, np.array([0, 0, 0, 1, 1, 1]), 1)
    assert names == ["rain", "股市"]
    assert named(["a b", "c d"], np.array([0, 1])) == ["", ""]
    assert words_of("The <b>Café</b> 天") == {"café", "天"}
