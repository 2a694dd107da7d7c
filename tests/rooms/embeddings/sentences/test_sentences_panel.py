"""The Sentences view without a browser: the shipped map is the computed one, nothing twice, no HTML."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from playground.engine.vectors import projection
from playground.engine.vectors.encode import encode
from playground.engine.vectors.neighbours import nearest, unit
from playground.engine.vectors.projection import project
from playground.errors import BadInput
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.uploads import Limits
from playground.rooms.embeddings.sentences import example, shipped, view
from playground.rooms.embeddings.sentences.actions import Answers
from playground.rooms.embeddings.sentences.export import Made
from playground.rooms.embeddings.sentences.samples import Rows, sample
from playground.rooms.embeddings.sentences.service import Found, SentencesService
from playground.rooms.embeddings.sentences.work import MODEL, Wish
from playground.settings import Settings
from playground.ui import files
from playground.ui.context import Context
from playground.ui.point_map import coloured
from playground.ui.runs import Given
from tests import figures

EVIL = "<img src=x onerror=alert(1)>\"'&"
THEMES = ("themes", "", "", "", "")


@pytest.fixture(scope="module")
def do(models: ModelCache, tmp_path_factory: pytest.TempPathFactory) -> SentencesService:
    folder = tmp_path_factory.mktemp("sentences")
    settings = dataclasses.replace(Settings(), cache_dir=folder, models_dir=folder / "models", offline=True)
    return SentencesService(Context(settings, Catalog(folder / "models", folder, offline=True), models))


def own(*lines: str) -> tuple[str, str, str, str, str]:
    return "own", "\n".join(lines), "", "", ""


def test_the_shipped_map_is_the_computed_one(do: SentencesService, models: ModelCache) -> None:
    points, near = example.shipped()
    made = example.computed(models)
    assert made["near"] == near.places.tolist()
    assert np.abs(np.array(made["cosines"]) / 10_000 - near.cosines).max() < 2e-4
    # Which points are near each other on the map.
    assert np.mean(np.array(made["kept"]) == near.kept) > 0.95
    assert np.abs(np.array(made["points"]) / 10_000 - points).max() < 0.01
    assert 'data-key="' in shipped.first("en") and "drawn" not in shipped.first("zh-TW")
    live = do.made(THEMES, MODEL, Wish())
    assert np.array_equal(live.projection.points, points)  # what is on the page does not change its places


def test_what_else_is_shipped_is_what_is_computed(do: SentencesService, models: ModelCache) -> None:
    made, kept = example.worked(models), json.loads(example.WORKED.read_text(encoding="utf-8"))
    texts, labels = sample("themes").texts, np.array(sample("themes").labels)
    assert {*made["found"]} == {*kept["found"]}
    for query, rows in kept["found"].items():
        assert [row for row, _ in rows] == [row for row, _ in made["found"][query]]
        assert np.abs(np.array(rows)[:, 1] - np.array(made["found"][query])[:, 1]).max() <= 5
        (live,) = (each for each in do.search(query, ("own", "\n".join(texts), "", "", ""), MODEL)
                   if isinstance(each, Found))  # fmt: skip
        assert [row for row, _ in live.hits] == [row for row, _ in rows]
    assert made["other"]["near"] == kept["other"]["near"]
    assert np.abs(np.array(made["other"]["points"]) - kept["other"]["points"]).max() < 100
    assert made["lies"]["trustworthiness"] == pytest.approx(kept["lies"]["trustworthiness"], abs=0.01)
    # The first view is a success, the second one is not: by the same measure.
    points, near = example.shipped()
    first, torn = texts.index(example.FIRST), texts.index(example.TORN)
    assert near.kept[first].sum() >= 9 and (labels[near.places[first]] == labels[first]).all()
    assert near.kept[torn].sum() <= 2 and len({*labels[near.places[torn]]}) > 1
    told = example.lies()
    assert {each.row for each in told.torn} == {*near.places[torn][~near.kept[torn]].tolist()}
    assert all(each.space <= 10 < each.place for each in told.torn)
    assert told.false and all(each.place <= 10 < each.space for each in told.false)
    far = np.linalg.norm(points - points[torn], axis=1)
    assert all((far < far[each.row]).sum() == each.place for each in (*told.torn, *told.false))


def test_what_views_open_with_needs_no_model(do: SentencesService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "leasing", None)
    built = {
        "source": "themes", "own": "", "file": "", "column": None, "label": None, "model": MODEL, "query": "",
        "other": example.OTHER, "added": "",
    }  # fmt: skip
    given = Given({f"sentences.{key}": value for key, value in built.items()}, "sentences", "open")
    answers = Answers(do)
    filled = [line for name in ("map", "lies", "search", "two") for line in getattr(answers, name)(given)]
    html = {line["place"]: line["html"] for line in filled if "html" in line}
    assert {*html} == {"sen-map", "sen-lies", "sen-found", "sen-two"}
    assert html["sen-found"].count("<li>") == 12 and html["sen-two"].count("data-figure") == 2
    assert {"place": "sen-hits", "data": {"query": "", "hits": []}} in filled


def test_a_sentence_is_put_onto_the_map_once(do: SentencesService) -> None:
    def added(query: str, before: str) -> list[Any]:
        given = {"sentences.query": query, "sentences.added": before}
        return [line["set"]["sentences.added"] for line in Answers(do).put(Given(given, "sentences", ""))]

    assert added("It rains.", "") == ["It rains."]
    assert added(" It\nrains. ", "Snow.") == ["Snow.\nIt rains."]
    assert added("It rains.", "It rains.") == added("  ", "Snow.") == []


def test_the_shipped_map_does_not_hang_on_the_last_digits(models: ModelCache, catalog: Catalog) -> None:
    """Vectors as a processor of another kind gives them, and as another number of threads does."""
    points, _ = example.shipped()
    with models.lease(catalog.find(MODEL), "encoder") as loaded:
        vectors = encode(loaded, sample("themes").texts).vectors
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(3)
            others = [loaded.model.encode(sample("themes").texts, batch_size=7, show_progress_bar=False)]
        finally:
            torch.set_num_threads(before)
    assert 0 < np.abs(others[0] - vectors).max() < 1e-6  # the library's own way, padding and all
    draw = np.random.default_rng(0)
    others += [vectors * (1 + noise * draw.standard_normal(vectors.shape)) for noise in (1e-7, 1e-6, 1e-6)]
    for other in others:
        assert np.abs(project(other).points - points).max() < 0.01


def test_nothing_of_the_shipped_map_lies_near_an_edge_of_rounding(
    models: ModelCache, catalog: Catalog
) -> None:
    """Vectors of two processors differ by 1e-7, weights of UMAP's graph then by 4e-6: with room to spare."""
    with models.lease(catalog.find(MODEL), "encoder") as loaded:
        vectors = unit(encode(loaded, sample("themes").texts).vectors)
    graph = projection.weighted(vectors, nearest(vectors, 15), "cosine", np.random.RandomState(0))
    start = projection.framed(projection.pca(vectors))
    for values, steps in ((graph.data, projection.WEIGHTS), (start.ravel(), projection.PLACES)):
        from_an_edge = np.abs((values.astype(np.float64) * steps) % 1 - 0.5) / steps
        assert from_an_edge.min() > 1e-5


def test_neighbours_shown_are_brute_force(do: SentencesService) -> None:
    made = do.made(("questions", "", "", "", ""), MODEL, Wish("pca"))
    whole = unit(made.encoded.vectors).astype(np.float64)
    cosines = whole @ whole.T
    np.fill_diagonal(cosines, -2)
    assert np.array_equal(made.near.places, np.argsort(-cosines, axis=1)[:, :10])
    assert made.near.cosines == pytest.approx(np.sort(cosines, axis=1)[:, ::-1][:, :10], abs=1e-5)


def test_pca_comes_first_and_the_second_look_is_kept(do: SentencesService) -> None:
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
def test_few_rows_are_drawn_and_told(do: SentencesService, count: int, method: str) -> None:
    *_, html = do.drawing(
        own(*[f"row {n}" for n in range(count)]), MODEL, Wish(method), "kmeans", 0, "one more"
    )
    assert "pg-map" in html and "one and the same" not in html
    # Where every map would keep all neighbours, nothing is praised, and it is said why.
    assert "%" not in html and ("One row, one point" in html) == (count == 1)
    assert ("too few to measure" in html) == (count > 1)


def told_data(html: str) -> dict[str, Any]:
    """What the first map of a page adds to plotly's figure."""
    data: dict[str, Any] = figures.told(html)["more"]
    return data


@pytest.mark.parametrize(("count", "measured"), [(5, 0), (6, 2), (11, 5), (12, 5), (20, 9), (24, 10)])
def test_trust_is_measured_where_it_can_fail(do: SentencesService, count: int, measured: int) -> None:
    words = ("cake", "rocket", "rain", "violin")
    source = own(*(f"{words[n % 4]} {n}" for n in range(count)))
    *_, html = do.drawing(source, MODEL, Wish("pca"), "kmeans", 0, "snow falls")
    data = told_data(html)
    assert data["measured"] == measured and data["k"] == min(10, count - 1)
    assert len(figures.numbers(data["kept"])) == (count + 1) * measured
    chance = f"by mere chance it would be {measured / (count - 1):.0%}"
    assert ("nearest, " in html) == (chance in html) == bool(measured)
    made = do.made(source, MODEL, Wish("pca"))
    assert made.near.measured.shape == made.near.kept.shape == (count, measured)
    # By hand: the nearest in the model's space that are among as many nearest on the map.
    far = np.linalg.norm(made.projection.points[:, None] - made.projection.points[None], axis=2)
    np.fill_diagonal(far, -1)
    near = np.argsort(far, axis=1, kind="stable")[:, 1 : measured + 1]
    both = [len({*a} & {*b}) for a, b in zip(near.tolist(), made.near.measured.tolist(), strict=True)]
    assert made.near.kept.sum(1).tolist() == both


def test_equal_rows_are_not_praised(do: SentencesService) -> None:
    *_, html = do.drawing(own(*["alike"] * 9), MODEL, Wish(), "given", 0, "")
    assert "one and the same" in html and "%" not in html and told_data(html)["measured"] == 0


def test_two_models_agree_where_they_could_not(do: SentencesService) -> None:
    def told(count: int) -> str:
        *_, html = do.two(
            own(*(f"{n} rows" for n in range(count))), [MODEL, "tutor"], Wish("pca"), "given", 0
        )
        return html

    assert "too few to measure how far the two" in told(5) and "in common" not in told(5)
    assert "Of the 5 nearest rows of each row" in told(11)


def test_what_is_typed_beside_the_rows_is_warned_of(do: SentencesService) -> None:
    *_, found = do.search("😀", THEMES, MODEL)
    assert "What you typed has characters" in found.unseen
    assert len(found.hits) == 12 and "sen-hits" in view.found(*vars(found).values(), "en")
    *_, found = do.search("word " * 400, THEMES, MODEL)
    assert "longer than the 256 tokens" in found.unseen
    *_, found = do.search("supper", THEMES, MODEL)
    assert not found.unseen
    *_, html = do.drawing(THEMES, MODEL, Wish(), "given", 0, "😀🍕\nnoodles")
    assert "Added sentences with characters that this model does not know ([UNK]): 1." in html
    assert figures.traces(html)[-1]["name"] == "added" and len(figures.traces(html)) == 9
    *_, html = do.drawing(THEMES, MODEL, Wish(), "given", 0, "\n".join(f"line {n}" for n in range(60)))
    assert "At most 50 sentences" in html and "left out: 10." in html and html.count("pg-warning") == 1
    assert len(told_data(html)["labels"]) == 272 + 50
    *_, html = do.matrix("\n".join(["word " * 400, "b"]), MODEL)
    assert "longer than the 256 tokens" in html


def test_files_hold_what_the_map_shows(do: SentencesService, tmp_path: Path) -> None:
    added = "=SUM(1;2) noodles\n😀"
    paths = do.downloads(THEMES, MODEL, Wish(), "kmeans", 4, added)
    data = told_data(Path(paths[2]).read_text())
    with Path(paths[1]).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    vectors = np.load(paths[0])
    assert len(rows) == len(vectors) == len(data["labels"]) == 274
    assert [row["text"].removeprefix("'") for row in rows] == data["labels"]
    assert [row["added"] for row in rows] == ["0"] * 272 + ["1"] * 2
    assert [row["label"] for row in rows] == [*sample("themes").labels, "", ""]
    groups = [data["of"][place] for place in figures.numbers(data["groups"])]
    assert [row["group"] for row in rows] == groups and len({*groups}) == 5 and groups[-1] == "added"
    for trace in figures.traces(Path(paths[2]).read_text()):
        assert {groups[place] for place in trace["customdata"]} == {trace["name"]}
    assert rows[-2]["text"] == "'=SUM(1;2) noodles" and rows[-1]["unknown_pieces"] == "1"
    whole = do.embed([*sample("themes").texts, *added.split("\n")], MODEL).vectors
    assert np.abs(vectors - whole).max() < 1e-5  # rounding of other batches
    assert float(rows[-1]["v383"]) == pytest.approx(vectors[-1][383], rel=1e-6)
    kept = figures.numbers(data["kept"]).reshape(274, 10).mean(1)
    assert [float(row["neighbours_kept"]) for row in rows] == pytest.approx(kept)
    long = do.downloads(own("word " * 400, "b"), MODEL, Wish("pca"), "given", 0, "c " * 300)
    with Path(long[1]).open(encoding="utf-8-sig", newline="") as file:
        told = [(row["tokens"], row["cut_tokens"], row["neighbours_kept"]) for row in csv.DictReader(file)]
    assert told == [("402", "146", ""), ("3", "0", ""), ("302", "46", "")]


def test_added_ones_have_a_colour_beside_many_groups() -> None:
    names = [f"group {n}" for n in range(20)] + ["added"]
    colours, order = coloured([*range(20), *range(20), 20], names, last=20)
    assert len(order) == 12 and order[-1] == 20 and colours[-1] == 11
    assert coloured([0, 1, 1], ["a", "b"])[1] == [1, 0]


@pytest.mark.parametrize("lines", [("alone",), ("alike", "alike", "alike")])
def test_two_models_with_one_line_or_equal_ones(do: SentencesService, lines: tuple[str, ...]) -> None:
    *_, html = do.two(own(*lines), [MODEL, MODEL], Wish(), "given", 0)
    told = "one and the same" if len(lines) > 1 else "One row, one point"
    assert html.count('class="pg-figure pg-map"') == 2 and html.count(told) == 2


def test_nothing_is_a_sentence(do: SentencesService) -> None:
    for source in (own(), own("  ", ""), ("file", "", "", "", ""), ("file", "", "../../etc", "", "")):
        with pytest.raises(BadInput):
            do.made(source, MODEL, Wish())
    with pytest.raises(BadInput):
        list(do.matrix("\n".join("abc" * 11), MODEL))


def test_html_and_formulas_stay_text(do: SentencesService, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    rows = [f'"{EVIL.replace(chr(34), chr(34) * 2)} {n}",{EVIL[:28]}{n % 2}' for n in range(6)] + ['"=1+1",b']
    file.write_text("text,label\n" + "\n".join(rows))
    name, table = do.upload(str(file))
    assert len(table.rows) == 7
    source = ("file", "", name, "text", "label")
    made = [
        *do.drawing(source, MODEL, Wish(), "given", 0, EVIL),
        *(view.found(*vars(each).values(), "en") for each in do.search(EVIL, source, MODEL)),
        *do.matrix(f"{EVIL}\nb", MODEL), *do.listed(source, MODEL),
        *do.two(source, [MODEL, "tutor"], Wish("pca"), "given", 0),
    ]  # fmt: skip
    paths = do.downloads(source, MODEL, Wish(), "given", 0, "")
    made.append(Path(paths[2]).read_text())
    for html in made:
        assert "<img" not in html and not re.search(r"\sonerror=[^&]*alert\(1\)>", html)
    assert "\r\n'=1+1," in Path(paths[1]).read_bytes().decode("utf-8-sig")
    assert np.array_equal(np.load(paths[0]), do.embed([row[0] for row in table.rows], MODEL).vectors)


def test_labels_may_be_many_and_long(do: SentencesService) -> None:
    """Ten times the rows take about ten times as long, never a hundred."""
    labels = tuple(f"{number:05} " + "x" * 5_000 for number in range(20_000))

    def seconds(count: int) -> float:
        began = time.process_time()
        do.groups(Rows(labels[:count], labels[:count]), "given", None, None, 0)
        return time.process_time() - began

    assert min(seconds(20_000) for _ in range(2)) < 40 * max(min(seconds(2_000) for _ in range(3)), 1e-3)
    groups, names = do.groups(Rows(labels, labels), "given", None, None, 0)
    assert groups.tolist() == list(range(20_000)) and {len(each) for each in names} == {60}


@pytest.mark.parametrize("wish", [Wish(neighbours=1), Wish(neighbours=201), Wish("pca", neighbours=10**9),
                                  Wish(dimensions=4), Wish(seed=-1)])  # fmt: skip
def test_numbers_are_checked_before_anything_is_computed(do: SentencesService, wish: Wish) -> None:
    with pytest.raises(BadInput, match="setting_outside"):
        next(do.making(own("a", "b"), "no such model", wish))


def test_other_texts_have_another_key(do: SentencesService) -> None:
    several = (["a\0b", "c"], ["a", "b\0c"], ["a\ud800"], ["a?"], ["a", ""], ["", "a"])
    assert len({do.work.key(texts, MODEL) for texts in several}) == len(several)


def test_a_file_in_use_is_not_the_oldest(
    do: SentencesService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = do.context.catalog.uploads
    monkeypatch.setattr(uploads, "limits", Limits(count=2))

    def sent(number: int) -> str:
        (tmp_path / "a.txt").write_text(f"row {number}")
        return do.upload(str(tmp_path / "a.txt"))[0]

    first, second = sent(1), sent(2)
    assert do.table(first).rows == (("row 1",),)
    sent(3)
    assert do.table(first).rows and not list(uploads.folder.glob("arriving-*"))
    with pytest.raises(BadInput):
        do.table(second)


def test_files_to_download_are_nobody_elses_and_do_not_stay(
    do: SentencesService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # Gradio refuses to serve files of elsewhere
    source = own("a", "b", "c", "d", "e", "f")
    first, second = (do.downloads(source, MODEL, Wish("pca"), "given", 0, added) for added in ("one", "two"))
    assert not {*first} & {*second} and all(tmp_path in Path(each).parents for each in (*first, *second))
    assert figures.told(Path(second[2]).read_text())["more"]["labels"][-1] == "two"
    assert "one" not in Path(second[2]).read_text().split("<body>")[1].split()
    for each in (*first, Path(first[0]).parent):
        os.utime(each, (time.time() - files.LIFE - 9,) * 2)
    os.utime(Path(second[0]).parent, (0, 0))  # of which a page still shows the files
    do.downloads(source, MODEL, Wish("pca"), "given", 0, "")
    assert not Path(first[0]).exists() and Path(second[0]).exists()


def test_themes_part_and_search_finds_by_meaning(do: SentencesService) -> None:
    made = do.made(THEMES, MODEL, Wish())
    labels = np.array(sample("themes").labels)
    assert (labels[made.near.places] == labels[:, None]).mean() > 0.75
    *_, found = do.search("a disease that infects machines", THEMES, MODEL)
    texts = [found.rows.texts[row] for row, _ in found.hits]
    assert example.TORN in texts[:3]


def test_what_a_file_lost_is_told_of_the_column_that_is_the_text(
    do: SentencesService, tmp_path: Path
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
