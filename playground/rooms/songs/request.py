"""What is asked of the Songs room: what is picked, and how to train; from checked values of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from playground.errors import BadInput
from playground.rooms.songs import example
from playground.rooms.songs.library import Library
from playground.rooms.songs.training import TUNED, Parameters

SAMPLE = "sample"  # the data set of the shipped example
UNTOUCHED = ["example"]  # what stands for the ids of the example, which is another one in every language
CONTROLS = (
    "vector_size", "window", "negative", "min_count", "epochs", "ns_exponent", "alpha", "sg", "workers",
    "centre",
)  # fmt: skip


@dataclass(frozen=True)
class Picks:
    """Ids that are liked and disliked."""

    liked: Sequence[str]
    disliked: Sequence[str]
    dataset: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Picks:
        """From checked values."""
        liked, disliked = (list(dict.fromkeys(map(str, given[kind]))) for kind in ("liked", "disliked"))
        return cls(liked, disliked, given["dataset"] or "")

    @property
    def untouched(self) -> bool:
        """Nothing was picked yet, nor taken out: the shipped example stands."""
        return self.dataset == SAMPLE and [*self.liked] == UNTOUCHED and not self.disliked

    def rows(self, library: Library, lang: str) -> tuple[list[int], list[int]]:
        """The rows of a library that are liked and disliked; ids that it does not have are left out."""
        liked = self.liked
        if self.untouched:
            liked = [song["id"] for song in example.shipped(lang)["liked"]]
        known = library.rows
        return [known[id] for id in liked if id in known], [known[id] for id in self.disliked if id in known]


def parameters(given: Mapping[str, Any]) -> Parameters:
    """How to train, as the controls say; what is empty is as tuned.

    Raises:
        BadInput: a number that gensim cannot work with.
    """
    tuned = asdict(TUNED)
    try:
        told = {
            name: tuned[name] if given[name] is None else type(tuned[name])(given[name]) for name in CONTROLS
        }
    except (ValueError, OverflowError) as error:
        raise BadInput("songs_parameters") from error
    return Parameters(**told).checked()


def parameters_of(key: str) -> Parameters | None:
    """The parameters that the page holds as a key; None, for the tuned ones, before anything was trained."""
    try:
        return Parameters.from_key(key).checked() if key else None
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput("songs_parameters") from error
