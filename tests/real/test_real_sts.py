"""Similarity as people judge it: STS-B dev, which is not ours to ship."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from playground.engine.vectors.encode import encode
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog

pytestmark = pytest.mark.real


def test_stsb_dev_spearman(shared: Path, models: ModelCache, catalog: Catalog) -> None:
    from scipy.stats import spearmanr

    path = shared / "data" / "sentences" / "sts-dev.csv"
    if not path.is_file():
        pytest.skip("no STS-B here")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) >= 7]
    assert len(rows) == 1_500
    with models.lease(catalog.find("all-MiniLM-L6-v2"), "encoder", device="cpu", dtype="float32") as loaded:
        one, other = (encode(loaded, [row[place] for row in rows]).vectors for place in (5, 6))
    found = spearmanr((one * other).sum(1), np.array([float(row[4]) for row in rows])).statistic
    assert found >= 0.85
