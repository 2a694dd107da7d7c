"""How much memory there is."""

from __future__ import annotations

import psutil
import pytest

from playground import devices


@pytest.mark.parametrize(("limit", "expected"), [("1000", 1000), ("max", None), ("9" * 30, None), ("", None)])
def test_a_containers_limit_counts_where_it_is_less(tmp_path, limit, expected):
    cgroup = tmp_path / "memory.max"
    cgroup.write_text(limit)
    assert devices.total_memory(cgroup) == (expected or psutil.virtual_memory().total)


def test_no_container_no_limit(tmp_path):
    assert devices.total_memory(tmp_path / "missing") == psutil.virtual_memory().total


def test_the_owners_word_wins():
    assert devices.budget(1.5) == 1.5 * 2**30
    assert 0 < devices.budget(0) < psutil.virtual_memory().total
