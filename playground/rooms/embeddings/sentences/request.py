"""What is asked of the Sentences view, from checked values of its page."""

from __future__ import annotations

from dataclasses import dataclass

from playground.rooms.embeddings.sentences.service import Source
from playground.rooms.embeddings.sentences.work import MODEL, Wish, model_or_default
from playground.ui.runs import Given


@dataclass(frozen=True)
class Request:
    """The controls as what the view computes with."""

    source: Source
    model: str
    wish: Wish
    by: str
    count: int
    added: str

    @classmethod
    def of(cls, given: Given) -> Request:
        """From checked values; what an action does not need stands as it is built."""
        source = tuple(given.get(name) or "" for name in ("source", "own", "file", "column", "label"))
        return cls(
            source, model_or_default(given.get("model")), wish(given), given.get("by") or "given",  # type: ignore[arg-type]
            int(given.get("clusters") or 0), given.get("added") or "",
        )  # fmt: skip

    @property
    def themes(self) -> bool:
        """The sentences that the page is built with, under the model that it is built with."""
        return (self.source[0], self.model) == ("themes", MODEL)

    @property
    def plain(self) -> bool:
        """What the page is built with, whose map is shipped."""
        rest = (self.wish, self.by, self.count, self.added.strip())
        return self.themes and rest == (Wish(), "given", 0, "")


def wish(given: Given) -> Wish:
    """The controls of the map as one value; an empty number is as it is built."""
    plain = Wish()
    return Wish(
        given.get("method") or plain.method, int(given.get("dimensions") or plain.dimensions),
        int(given.get("neighbours") or plain.neighbours),
        plain.min_dist if given.get("min_dist") is None else float(given["min_dist"]),
        given.get("metric") or plain.metric, int(given.get("seed") or 0),
    )  # fmt: skip
