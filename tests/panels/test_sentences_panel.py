"""The Sentences view without a browser: the shipped map is the computed one, nothing twice, no HTML."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from playground import examples
from playground.catalog import Catalog
from playground.errors import BadInput
from playground.models import ModelCache
from playground.panels import Context, embeddings_sentences_actions
from playground.panels.embeddings_sentences_actions import Made, SentencesActions
from playground.panels.embeddings_sentences_work import MODEL, Wish
from playground.settings import Settings
from playground.subjects.neighbours import unit
from playground.subjects.sentences import Rows, sample
from playground.views import sentences as view

EVIL = "<img src=x onerror=alert(1)>\"'&"
THEMES = ("themes", "", "", "", "")


@pytest.fixture(scope="module")
def do(models: ModelCache, tmp_path_factory: pytest.TempPathFactory) -> SentencesActions:
    folder = tmp_path_factory.mktemp("sentences")
    settings = dataclasses.replace(Settings(), cache_dir=folder, models_dir=folder / "models", offline=True)
    return SentencesActions(
        Context(settings, Catalog(folder / "models", folder / "uploads", offline=True), models)
    )


def own(*lines: str) -> tuple[str, str, str, str, str]:
    return "own", "\n".join(lines), "", "", ""


def test_the_shipped_map_is_the_computed_one(do: SentencesActions, models: ModelCache) -> None:
    points, near = examples.sentences()
    made = examples.computed_sentences(models)
    assert made["near"] == near.places.tolist()
    assert np.abs(np.array(made["cosines"]) / 10_000 - near.cosines).max() < 2e-4
    # Which points are near each other on the map; the last bits of coordinates are the machine's.
    assert np.mean(np.array(made["kept"]) == near.kept) > 0.95
    assert 'data-key="' in do.opening("en") and "drawn" not in do.opening("zh-TW")
    live = do.made(THEMES, MODEL, Wish())
    assert np.array_equal(live.projection.points, points)  # what is on the page does not change its places


def test_neighbours_shown_are_brute_force(do: SentencesActions) -> None:
    made = do.made(("questions", "", "", "", ""), MODEL, Wish("pca"))
    whole = unit(made.encoded.vectors).astype(np.float64)
    cosines = whole @ whole.T
    np.fill_diagonal(cosines, -2)
    assert np.array_equal(made.near.places, np.argsort(-cosines, axis=1)[:, :10])
    assert made.near.cosines == pytest.approx(np.sort(cosines, axis=1)[:, ::-1][:, :10], abs=1e-5)


def test_pca_comes_first_and_the_second_look_is_kept(do: SentencesActions) -> None:
    source = own(*(f"{word} {n}" for word in ("cake", "rocket", "rain") for n in range(10)))
    first = [step for step in do.making(source, MODEL, Wish()) if isinstance(step, Made)]
    assert [step.projection.method for step in first] == ["pca", "umap"]
    assert first[0].projection.note == "first"
    again = list(do.making(source, MODEL, Wish()))
    assert len(again) == 1 and again[0].projection.points is first[1].projection.points  # type: ignore[union-attr]
    other = do.made(source, MODEL, Wish(seed=1))
    assert not np.array_equal(other.projection.points, first[1].projection.points)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_few_rows_are_drawn_and_told(do: SentencesActions, count: int, method: str) -> None:
    *_, html = do.drawing(
        own(*[f"row {n}" for n in range(count)]), MODEL, Wish(method), "kmeans", 0, "one more"
    )
    assert "pg-map" in html and ("one and the same" in html) == (count == 1)


@pytest.mark.parametrize("lines", [("alone",), ("alike", "alike", "alike")])
def test_two_models_with_one_line_or_equal_ones(do: SentencesActions, lines: tuple[str, ...]) -> None:
    *_, html = do.two(own(*lines), [MODEL, MODEL], Wish(), "given", 0)
    assert html.count('class="pg-map sided"') == 2 and "one and the same" in html


def test_nothing_is_a_sentence(do: SentencesActions) -> None:
    for source in (own(), own("  ", ""), ("file", "", "", "", ""), ("file", "", "../../etc", "", "")):
        with pytest.raises(BadInput):
            do.made(source, MODEL, Wish())
    with pytest.raises(BadInput):
        list(do.matrix("\n".join("abc" * 11), MODEL))


def test_html_and_formulas_stay_text(do: SentencesActions, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    rows = [f'"{EVIL.replace(chr(34), chr(34) * 2)} {n}",{EVIL[:28]}{n % 2}' for n in range(6)] + ['"=1+1",b']
    file.write_text("text,label\n" + "\n".join(rows))
    name, table = do.upload(str(file))
    assert len(table.rows) == 7
    source = ("file", "", name, "text", "label")
    made = [
        *do.drawing(source, MODEL, Wish(), "given", 0, EVIL), *do.search(EVIL, source, MODEL),
        *do.matrix(f"{EVIL}\nb", MODEL), *do.listed(source, MODEL),
        *do.two(source, [MODEL, "tutor"], Wish("pca"), "given", 0),
    ]  # fmt: skip
    paths = do.downloads(source, MODEL, Wish(), "given", 0, "")
    made.append(Path(paths[2]).read_text())
    for html in made:
        assert "<img" not in html and not re.search(r"\sonerror=[^&]*alert\(1\)>", html)
    assert "\r\n'=1+1," in Path(paths[1]).read_bytes().decode("utf-8-sig")
    assert np.array_equal(np.load(paths[0]), do.embed([row[0] for row in table.rows], MODEL).vectors)


def test_labels_may_be_many_and_long(do: SentencesActions) -> None:
    labels = tuple(f"{number:05} " + "x" * 5_000 for number in range(20_000))
    began = time.monotonic()
    groups, names = do.groups(Rows(labels, labels), "given", None, None, 0)
    assert time.monotonic() - began < 2
    assert groups.tolist() == list(range(20_000)) and {len(each) for each in names} == {60}


@pytest.mark.parametrize("wish", [Wish(neighbours=1), Wish(neighbours=201), Wish("pca", neighbours=10**9),
                                  Wish(dimensions=4), Wish(seed=-1)])  # fmt: skip
def test_numbers_are_checked_before_anything_is_computed(do: SentencesActions, wish: Wish) -> None:
    with pytest.raises(BadInput, match="setting_outside"):
        next(do.making(own("a", "b"), "no such model", wish))


def test_other_texts_have_another_key(do: SentencesActions) -> None:
    several = (["a\0b", "c"], ["a", "b\0c"], ["a\ud800"], ["a?"], ["a", ""], ["", "a"])
    assert len({do.work.key(texts, MODEL) for texts in several}) == len(several)


def test_a_file_in_use_is_not_the_oldest(
    do: SentencesActions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings_sentences_actions, "UPLOADS_KEPT", 2)
    uploads = do.context.settings.cache_dir / "uploads"

    def sent(number: int) -> str:
        (tmp_path / "a.txt").write_text(f"row {number}")
        return do.upload(str(tmp_path / "a.txt"))[0]

    first, second = sent(1), sent(2)
    for name in (first, second):
        os.utime(uploads / f"rows-{name}.json", (1, 1))
    assert do.table(first).rows == (("row 1",),)
    sent(3)
    assert do.table(first).rows and not list(uploads.glob("partial-*"))
    with pytest.raises(BadInput):
        do.table(second)
    assert embeddings_sentences_actions._changed(uploads / "rows-gone.json") == 0


def test_files_to_download_are_nobody_elses_and_do_not_stay(
    do: SentencesActions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # Gradio refuses to serve files of elsewhere
    source = own("a", "b", "c", "d", "e", "f")
    first, second = (do.downloads(source, MODEL, Wish("pca"), "given", 0, added) for added in ("one", "two"))
    assert not {*first} & {*second} and all(tmp_path in Path(each).parents for each in (*first, *second))
    assert ">one" not in Path(second[2]).read_text() and '"one"' not in Path(second[2]).read_text()
    os.utime(Path(first[0]).parent, (0, 0))
    do.downloads(source, MODEL, Wish("pca"), "given", 0, "")
    assert not Path(first[0]).exists() and Path(second[0]).exists()


def test_themes_part_and_search_finds_by_meaning(do: SentencesActions) -> None:
    made = do.made(THEMES, MODEL, Wish())
    labels = np.array(sample("themes").labels)
    assert (labels[made.near.places] == labels[:, None]).mean() > 0.75
    *_, html = do.search("an illness that infects machines", THEMES, MODEL)
    assert html.index("The virus spread") < html.index("The keyboard is missing")


def test_what_a_file_lost_is_told_of_the_column_that_is_the_text(
    do: SentencesActions, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes('text,label\nnaïve,a\n"open,b\n,c\n'.encode() + b"caf\xff,\n")
    name, table = do.upload(str(file))
    assert table.told == {"quotes": 1, "bytes": 1}
    for column, empty in (("text", "1"), ("label", "1")):
        told = view.file_told(do.table(name).telling(column), "en")
        assert f"Rows without a text in this column: {empty}" in told and "not UTF-8" in told
        assert "quotation mark" in told
        assert len(do.rows("file", "", name, column, "").texts) == len(table.rows) - int(empty)
    for lang in ("en", "zh-TW", "zh-CN"):
        assert "{" not in view.file_told(
            {"joined": 3, "ragged": 2, "bytes": 1, "empty": 9, "quotes": 4}, lang
        )
