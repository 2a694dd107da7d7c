"""Parquet files that visitors bring: every kind of cell as text, and what is broken or too large is told."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pandas
import pytest
from fastparquet import write

from playground.engine.tables import parquet
from playground.errors import BadInput, NotAllowed
from playground.rooms.embeddings.sentences import files
from playground.rooms.embeddings.sentences.service import SentencesService

FRAME = pandas.DataFrame(
    {
        "id": [1, 2, 3],
        "text": pandas.Series(["Best movie ever!", None, "=1+1, 數"], dtype=object),
        "score": [0.5, float("nan"), 2.0],
        "when": [datetime.datetime(2026, 1, 2), None, datetime.datetime(2026, 1, 3)],
        "yes": [True, False, True],
    }
)


@pytest.fixture
def content(tmp_path):
    def made(frame=FRAME, **how):
        write(str(tmp_path / "rows.parquet"), frame, **how)
        return (tmp_path / "rows.parquet").read_bytes()

    return made


@pytest.mark.parametrize("compression", [None, "SNAPPY", "GZIP", "ZSTD"])
def test_cells_become_texts(content, compression):
    found = parquet.read("rows.parquet", content(compression=compression), 10, 10)
    assert found.names == ["id", "text", "score", "when", "yes"] and found.over == 0
    assert found.rows[0] == ["1", "Best movie ever!", "0.5", "2026-01-02 00:00:00", "True"]
    assert found.rows[1] == ["2", "", "", "", "False"]
    assert found.rows[2][1] == "=1+1, 數"


def test_rows_and_columns_are_limited(content):
    many = pandas.DataFrame({f"c{number}": range(100) for number in range(5)})
    found = parquet.read("rows.parquet", content(many, row_group_offsets=30), 40, 2)
    assert (found.names, len(found.rows), found.over) == (["c0", "c1"], 40, 60)
    assert found.rows[39] == ["39", "39"]


def test_what_is_broken_or_too_large_gets_a_sentence(content, monkeypatch):
    whole = content()
    for broken in (
        b"PAR1PAR1",
        whole[: len(whole) // 2] + whole[-8:],
        whole[:40] + b"\xff" * 40 + whole[80:],
    ):
        with pytest.raises(BadInput) as told:
            parquet.read("rows.parquet", broken, 10, 10)
        assert told.value.key == "errors.parquet_broken"
    monkeypatch.setattr(parquet, "UNPACKED", 10)
    with pytest.raises(BadInput) as told:
        parquet.read("rows.parquet", whole, 10, 10)
    assert told.value.key == "errors.parquet_large"


def test_sentences_take_one_whatever_it_is_called(content):
    table = files.read("rows.bin", content())
    assert table.columns[:2] == ("id", "text") and table.guess()[0] == "text"
    assert table.column("text") == ["Best movie ever!", "", "=1+1, 數"]
    with pytest.raises(BadInput) as told:
        files.read("rows.parquet", content(FRAME[:0]))
    assert told.value.key == "errors.rows_file_empty"


def test_a_public_server_opens_none(content, tmp_path):
    content()
    context = SimpleNamespace(settings=SimpleNamespace(public=True))
    with pytest.raises(NotAllowed) as told:
        SentencesService(context).upload(str(tmp_path / "rows.parquet"))  # type: ignore[arg-type]
    assert told.value.key == "errors.parquet_public"
