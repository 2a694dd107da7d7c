"""What the page asks of the Sentences view, from its opening on: from checked values to lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playground import text
from playground.errors import PlaygroundError
from playground.rooms.embeddings.sentences import example, shipped, view
from playground.rooms.embeddings.sentences.files import Table
from playground.rooms.embeddings.sentences.request import Request
from playground.rooms.embeddings.sentences.service import SentencesService
from playground.rooms.embeddings.sentences.work import model_or_default
from playground.ui.files import offered
from playground.ui.html import note
from playground.ui.runs import Given, Line, Progress, data, filling, html, progress, sets
from playground.ui.visitor import language

PAIRS = ("movies", "dog", "bank", "not", "emoji")
QUERIES = example.QUERIES
FILES = ("npy", "csv", "html")


class Answers:
    """One function an action of the page."""

    def __init__(self, do: SentencesService) -> None:
        self.do = do

    def opening(self, given: Given) -> Iterator[Line]:
        """The menus; and what was chosen before, if it is no longer there."""
        choices = self.do.work.choices()
        yield sets({"sentences.model": {"choices": choices}, "sentences.other": {"choices": choices}})
        if given["source"] == "own" and not given["own"].strip():
            yield sets({"sentences.source": "themes"})
        if given["source"] != "file":
            return
        try:
            table = self.do.table(given["file"])
        except PlaygroundError:  # others' files have taken its place
            yield sets({"sentences.source": "themes", "sentences.file": ""})
            return
        yield sets(pickers(table, given["column"], given["label"]))
        yield from self.retell(given)

    def map(self, given: Given) -> Iterator[Line]:
        """The map; at the page's opening the shipped one."""
        asked = Request.of(given)
        if given.by == "open" and asked.plain:
            yield html("sen-map", shipped.first(language()))
            return
        steps = self.do.drawing(asked.source, asked.model, asked.wish, asked.by, asked.count, asked.added)
        yield from filling("sen-map", steps)

    def rows(self, given: Given) -> Iterator[Line]:
        """The rows as a table."""
        asked = Request.of(given)
        yield from filling("sen-rows", self.do.listed(asked.source, asked.model))

    def lies(self, given: Given) -> Iterator[Line]:
        """Where the shipped map is wrong."""
        yield html("sen-lies", shipped.lies(language()))

    def search(self, given: Given) -> Iterator[Line]:
        """The rows nearest to what is typed: as a list, and to be marked on the map."""
        asked, lang = Request.of(given), language()
        query = given["query"].strip()
        if not query:
            yield data("sen-hits", {"query": "", "hits": []})
            if not asked.themes:
                yield html("sen-found", note(text.say("sentences.search_first", lang)))
                return
            query = text.say(f"sentences.query_{QUERIES[0]}", lang)  # what is shipped, as an example
        for step in self.do.search(query, asked.source, asked.model):
            if isinstance(step, Progress):
                yield progress(step, "sen-hits")
                continue
            yield html("sen-found", view.found(step.query, step.rows, step.hits, step.unseen, lang))
            if given["query"].strip():
                yield data("sen-hits", view.marked(step.query, step.rows, step.hits, step.unseen, lang))

    def put(self, given: Given) -> Iterator[Line]:
        """What is typed becomes a point of the map."""
        line = " ".join(given["query"].split())
        lines = given["added"].splitlines()
        if line and line not in lines:
            yield sets({"sentences.added": "\n".join([*lines, line])})

    def query(self, given: Given) -> Iterator[Line]:
        """A question that is offered."""
        number = given.by.rpartition("-")[2]
        if number in map(str, QUERIES):
            yield sets({"sentences.query": text.say(f"sentences.query_{number}", language())})

    def pairs(self, given: Given) -> Iterator[Line]:
        """Sentences that are offered to be compared."""
        name = given.by.rpartition("-")[2]
        if name in PAIRS:
            yield sets({"sentences.lines": text.say(f"sentences.example_{name}", language())})

    def matrix(self, given: Given) -> Iterator[Line]:
        """All pairs of a few lines; the first time, of lines of ours."""
        if given.by == "open" and not given["lines"].strip():
            yield sets({"sentences.lines": text.say(f"sentences.example_{PAIRS[0]}", language())})
            return
        steps = self.do.matrix(given["lines"], model_or_default(given["model"]))
        yield from filling("sen-matrix", steps)

    def two(self, given: Given) -> Iterator[Line]:
        """The same rows under two models."""
        asked = Request.of(given)
        models = [asked.model, model_or_default(given["other"])]
        if given.by == "open" and asked.plain and models[1] == example.OTHER:
            yield html("sen-two", shipped.two(language()))
            return
        yield from filling("sen-two", self.do.two(asked.source, models, asked.wish, asked.by, asked.count))

    def files(self, given: Given) -> Iterator[Line]:
        """Files of what is chosen now."""
        asked = Request.of(given)
        yield html("sen-files", text.say("sentences.save_info", language()))
        for step in self.do.saving(asked.source, asked.model, asked.wish, asked.by, asked.count, asked.added):
            if isinstance(step, Progress):
                yield progress(step, "sen-files")
                continue
            for kind, path in zip(FILES, step, strict=True):
                yield sets({f"sentences.save_{kind}": {"value": offered(Path(path)), "interactive": True}})

    def retell(self, given: Given) -> Iterator[Line]:
        """What an uploaded file lost, seen from the column that is the text."""
        if given["file"]:
            told = self.do.table(given["file"]).telling(given["column"] or "")
            yield html("sen-told", view.file_told(told, language()))

    def receive(self, path: str | None) -> Iterator[Line]:
        """A visitor's file: its columns, and what of it could not be read."""
        name, table = self.do.upload(path)
        first, second = table.guess()
        yield html("sen-told", view.file_told(table.telling(first), language()))
        yield sets({**pickers(table, first, second), "sentences.source": "file", "sentences.file": name})


def pickers(table: Table, text_column: str | None, label: str | None) -> dict[str, Any]:
    """Both menus of columns, and the row that they stand in."""
    every = [(each or "–", each) for each in table.columns]
    none = (text.say("sentences.no_label", language()), "")
    return {
        "sentences.column": {"choices": every, "value": text_column or ""},
        "sentences.label": {"choices": [none, *every], "value": label or ""},
        "sentences.picking": {"visible": len(every) > 1},
    }
