"""What the Sentences view does when something is chosen, typed or pressed: from plain values to HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from playground import text as words
from playground.engine.tables import parquet
from playground.engine.vectors.encode import Encoded
from playground.engine.vectors.neighbours import FEWEST, alike, best, measurable, shared, similarity, unit
from playground.engine.vectors.projection import Projection
from playground.errors import BadInput, NotAllowed
from playground.rooms.embeddings.sentences import example, files, samples, view
from playground.rooms.embeddings.sentences.export import Made, Shown, facts, facts_of, written
from playground.rooms.embeddings.sentences.files import MOST, Table
from playground.rooms.embeddings.sentences.samples import Rows
from playground.rooms.embeddings.sentences.work import MODEL, Wish, Work
from playground.ui import point_map
from playground.ui.context import Context
from playground.ui.html import note
from playground.ui.point_map import Near
from playground.ui.runs import Progress
from playground.ui.visitor import language

MATRIX = 30  # sentences of a similarity matrix
ADDED = 50  # sentences put onto a finished map
LISTED = 200  # rows of the table
NAME = 60  # characters of a label in the legend
Source = tuple[str, str, str, str, str]  # sample or "own" or "file", own lines, file, its columns


@dataclass(frozen=True)
class Found:
    """What a search found.

    Args:
        hits: row and cosine of each, best first.
        unseen: what the model did not see of the query, as HTML.
    """

    query: str
    rows: Rows
    hits: tuple[tuple[int, float], ...]
    unseen: str = ""


class SentencesService:
    """The view's functions."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.work = Work(context)

    # -- rows --

    def rows(self, sample: str, own: str, file: str, column: str, label: str) -> Rows:
        """What is chosen: a sample, the visitor's lines, or a column of their file.

        Raises:
            BadInput: nothing in it, or a file that is no longer here.
        """
        if sample in samples.SAMPLES:
            return samples.sample(sample)
        if sample == "file":
            table = self.table(file)
            texts = table.column(column)
            labels = table.column(label) if label and label in table.columns else []
            full = [place for place, each in enumerate(texts) if each]
            if not full:
                raise BadInput("rows_empty")
            return Rows(tuple(texts[p] for p in full), tuple(labels[p] for p in full) if labels else ())
        lines = [line.strip() for line in (own or "").splitlines() if line.strip()]
        whole = sum(map(len, lines))
        if whole > self.context.settings.text_limit:
            raise BadInput("text_too_long", length=whole, limit=self.context.settings.text_limit)
        if len(lines) > MOST:
            raise BadInput("texts_too_many", count=len(lines), most=MOST)
        if not lines:
            raise BadInput("rows_empty")
        return Rows(tuple(lines))

    def table(self, file: str) -> Table:
        """An uploaded file, by the name that the page holds."""
        path = self.context.catalog.uploads.find(file if file.startswith("rows-") else "")
        if path is None:
            raise BadInput("rows_gone")
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:  # deleted in this moment
            raise BadInput("rows_gone") from error
        return Table(tuple(whole["columns"]), tuple(map(tuple, whole["rows"])), whole["told"])

    def upload(self, path: str | None) -> tuple[str, Table]:
        """Read a visitor's file and keep what is in it; the name under which it is found again."""
        if not path:
            raise BadInput("rows_file_empty", name="–")
        content = Path(path).read_bytes()
        if self.context.settings.public and parquet.is_parquet(content):
            raise NotAllowed("parquet_public")  # its reader is no match for what a stranger may have made
        table = files.read(Path(path).name, content)
        whole = {"columns": table.columns, "rows": table.rows, "told": table.told}
        content = json.dumps(whole, ensure_ascii=False).encode()
        return self.context.catalog.uploads.keep("rows", content), table

    # -- the map --

    def groups(
        self,
        rows: Rows,
        by: str,
        points: Any,
        encoded: Encoded | None,
        count: int,
        seed: int = 0,
        key: str = "",
    ) -> tuple[Any, list[str]]:
        """The group of each row, and the groups' names: its label, or a cluster named by its words."""
        lang = language()
        if by == "given" and rows.labels:
            known = {each: place for place, each in enumerate(dict.fromkeys(rows.labels))}
            ready = words.catalogue(lang)
            names = [ready.get(f"sentences.theme_{each}", each)[:NAME] for each in known]
            return np.array([known[each] for each in rows.labels]), names
        if by in samples.CLUSTERINGS and encoded is not None:
            made, names = self.work.clusters(key, rows.texts, encoded.vectors, points, by, count, seed)
            names = [
                each or words.say("sentences.cluster", lang, number=n + 1) for n, each in enumerate(names)
            ]
            return np.where(made < 0, len(names), made), [*names, ""]
        return np.zeros(len(rows.texts), np.int64), [""]

    def drawing(
        self, source: Source, model: str, wish: Wish, by: str, count: int, added: str
    ) -> Iterator[str]:
        """How far it is, PCA's map, and then the wished one."""
        for step in self.making(source, model, wish):
            if isinstance(step, Progress):
                yield step
                continue
            self.clustering(step, by, count, wish.seed)
            yield self.drawn(step, model, by, count, added, wish.seed)

    def clustering(self, made: Made, by: str, count: int, seed: int) -> None:
        """Clusters are computed once for all who ask, before they are drawn."""
        by = _coloured_by(made.rows, by)
        if by in samples.CLUSTERINGS:
            told = made.key, made.rows.texts, made.encoded.vectors, made.projection.points, by, count, seed
            name = ("clusters", made.key, by, count, seed, id(made.projection.points))
            self.work.under_way.wait(name, self.work.clusters, *told)

    def making(self, source: Source, model: str, wish: Wish) -> Iterator[Progress | Made]:
        """How far it is; a first map, and the wished one."""
        wish.checked()
        rows = self.rows(*source)
        key = self.work.key(rows.texts, model)
        for step in self.work.encoding(rows.texts, model, key):
            if isinstance(step, Progress):
                yield step
                continue
            encoded = step
            for made in self.work.laying_out(key, encoded, wish):
                if isinstance(made, Progress):
                    yield made
                    continue
                name = ("around", key, wish, id(made.points))
                near = self.work.under_way.wait(name, self.near, key, encoded, made, wish)
                yield Made(rows, key, encoded, made, near)
            return

    def near(self, key: str, encoded: Encoded, made: Projection, wish: Wish) -> Near:
        """True neighbours for the map: shipped with the shipped map, else computed."""
        shipped = self.work.shipped(key, wish)
        if shipped is not None and np.array_equal(shipped.points, made.points):
            return example.shipped()[1]
        near = self.work.around(key, encoded, made, wish)
        # Where all lie on one point, all are near: nothing is measured.
        return replace(near, kept=near.kept[:, :0]) if made.note == "same" else near

    def made(self, source: Source, model: str, wish: Wish) -> Made:
        """`making` to its end."""
        *_, last = (step for step in self.making(source, model, wish) if isinstance(step, Made))
        return last

    def shown(self, made: Made, model: str, by: str, count: int, added: str, seed: int) -> Shown:
        """A map with its colours and with what was added to it."""
        points, near, texts = made.projection.points, made.near, made.rows.texts
        by = _coloured_by(made.rows, by)
        groups, names = self.groups(made.rows, by, points, made.encoded, count, seed, made.key)
        lines = [line.strip() for line in (added or "").splitlines() if line.strip()]
        new = lines[:ADDED]
        if not new:
            return Shown(texts, points, near, by, groups, tuple(names))
        read = self.work.encoded(new, model)
        points, near = self.work.added(new, model, made.encoded, points, near)
        groups = np.concatenate([groups, np.full(len(new), len(names))])
        names = [*names, words.say("sentences.group_added", language())]
        left_out = len(lines) - len(new)
        return Shown((*texts, *new), points, near, by, groups, tuple(names), read, left_out)

    def drawn(
        self, made: Made, model: str, by: str, count: int, added: str, seed: int, title: str = ""
    ) -> str:
        """The map as HTML, with what was added to it."""
        return self.charted(made, self.shown(made, model, by, count, added, seed), title, bool(title))

    def charted(self, made: Made, on: Shown, title: str = "", find: bool = True) -> str:
        """What stands on a map as HTML; in the page, the box over the map finds in it."""
        lang, rows = language(), len(made.rows.texts)
        chart = point_map.chart(
            on.points, on.texts, on.groups, on.names, lang, near=on.near, marked=range(rows, len(on.texts)),
            notes=self.notes(made, on.by), title=title, added=on.added is not None, find=find,
        )  # fmt: skip
        told = view.summary(facts(made), lang)
        if on.added is not None:
            told += view.unseen(facts_of(on.added, on.texts[rows:]), "added", lang)
        if on.left_out:
            values = {"limit": ADDED, "count": on.left_out}
            told += note(words.say("sentences.added_limit", lang, **values), "warning")
        return chart + told

    def notes(self, made: Made, by: str) -> list[str]:
        """What a reader of this map should know."""
        lang, projection = language(), made.projection
        if len(made.rows.texts) == 1:
            return [words.say("sentences.note_one", lang)]
        if projection.note == "first":
            return [words.say("sentences.note_waiting", lang)]
        keys = [f"note_{projection.method}", *([f"note_{projection.note}"] if projection.note else [])]
        keys += ["note_hdbscan"] if by == "hdbscan" else []
        told = [words.say(f"sentences.{key}", lang) for key in keys]
        rows, count = made.near.kept.shape
        if count:
            share, chance = f"{float(made.near.kept.mean()):.0%}", f"{count / (rows - 1):.0%}"
            values = {"share": share, "chance": chance, "count": count}
            told.append(words.say("sentences.note_trust", lang, **values))
        elif projection.note != "same":
            told.append(words.say("sentences.note_unmeasured", lang, least=FEWEST))
        return told

    # -- search, similarity, two models, rows --

    def search(self, query: str, source: Source, model: str) -> Iterator[Progress | Found]:
        """The rows nearest to a query by meaning; what is shipped is not computed."""
        rows = self.rows(*source)
        shipped = example.found(query) if (source[0], model) == ("themes", MODEL) else None
        if shipped is not None:
            yield Found(query, rows, tuple(shipped))
            return
        for step in self.work.encoding(rows.texts, model):
            if isinstance(step, Progress):
                yield step
                continue
            read = self.work.encoded([query[:10_000]], model)
            (asked,) = unit(read.vectors)
            unseen = view.unseen(facts_of(read, [query]), "query", language())
            yield Found(query, rows, tuple(best(unit(step.vectors), asked, example.FOUND)), unseen)

    def matrix(self, lines: str, model: str) -> Iterator[str]:
        """Similarity of all pairs of a few lines."""
        texts = [line.strip() for line in (lines or "").splitlines() if line.strip()]
        if not texts:
            raise BadInput("rows_empty")
        if len(texts) > MATRIX:
            raise BadInput("texts_too_many", count=len(texts), most=MATRIX)
        for step in self.work.encoding([each[:10_000] for each in texts], model):
            if isinstance(step, Progress):
                yield step
                continue
            told = view.unseen(facts_of(step, texts), "told", language())
            yield view.matrix(texts, similarity(step.vectors), language()) + told

    def two(self, source: Source, models: Sequence[str], wish: Wish, by: str, count: int) -> Iterator[str]:
        """The same rows under two models, side by side; a point chosen in one is shown in both."""
        lang = language()
        both: list[Made] = []
        for model in models:
            for step in self.making(source, model, wish):
                if isinstance(step, Progress):
                    yield step
                elif step.projection.note != "first":
                    both.append(step)
        one, _ = both
        groups, _ = self.groups(one.rows, "given", one.projection.points, None, 0)
        count = measurable(len(one.rows.texts))  # were it all others, two models could not but agree
        near = [made.near.places[:, :count] for made in both]
        parted = [alike(each, groups) for each in near] if one.rows.labels else []
        told = view.agreement(models, count, shared(*near), parted, lang)
        maps = "".join(
            self.drawn(made, model, by, count, "", wish.seed, title=model)
            for made, model in zip(both, models, strict=True)
        )
        yield f'{told}<div class="pg-maps">{_apart(maps)}</div>'

    def listed(self, source: Source, model: str) -> Iterator[str]:
        """The rows, and what the model did not see of them."""
        rows = self.rows(*source)
        for step in self.work.encoding(rows.texts, model):
            if isinstance(step, Progress):
                yield step
                continue
            lang = language()
            yield view.summary(facts_of(step, rows.texts), lang) + view.rows_table(
                rows.texts, rows.labels, step.tokens, step.unknown, step.limit, LISTED, lang
            )

    # -- downloads --

    def saving(
        self, source: Source, model: str, wish: Wish, by: str, count: int, added: str
    ) -> Iterator[Progress | tuple[str, str, str]]:
        """How far it is, and the paths of vectors as .npy, rows with vectors as .csv, the map as a page."""
        for step in self.making(source, model, wish):
            if isinstance(step, Progress):
                yield step
            elif step.projection.note != "first":
                yield self._written(step, model, wish, by, count, added)

    def downloads(
        self, source: Source, model: str, wish: Wish, by: str, count: int, added: str
    ) -> tuple[str, str, str]:
        """`saving` to its end."""
        *_, paths = self.saving(source, model, wish, by, count, added)
        assert isinstance(paths, tuple)
        return paths

    def _written(
        self, made: Made, model: str, wish: Wish, by: str, count: int, added: str
    ) -> tuple[str, str, str]:
        on = self.shown(made, model, by, count, added, wish.seed)
        title = f"{words.say('sentences.map_title', language())} · {model} · {made.projection.method}"
        return written(made, on, self.charted(made, on), title)

    # -- for programs --

    def embed(self, texts: list[str], model: str) -> Encoded:
        """Vectors of checked texts."""
        return self.work.encoded(texts, model)


def _apart(maps: str) -> str:
    """Each map with its notes in a cell of its own."""
    parts = maps.split("<figure ")[1:]
    return "".join(f"<div><figure {part}</div>" for part in parts)


def _coloured_by(rows: Rows, by: str) -> str:
    """What rows without labels of their own are coloured by."""
    return "kmeans" if by == "given" and not rows.labels else by
