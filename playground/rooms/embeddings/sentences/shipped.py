"""What the Sentences views open with, made of what is shipped: no model is loaded and nothing is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.engine.vectors.neighbours import alike, shared
from playground.rooms.embeddings.sentences import example, samples, view
from playground.rooms.embeddings.sentences.work import MODEL
from playground.ui import point_map
from playground.ui.point_map import Near


def themes(lang: str) -> tuple[NDArray[np.int64], list[str]]:
    """The theme of each sentence, a place in the themes' names."""
    labels = samples.sample("themes").labels
    known = list(dict.fromkeys(labels))
    names = [text.say(f"sentences.theme_{each}", lang) for each in known]
    return np.array([known.index(each) for each in labels]), names


def first(lang: str) -> str:
    """The map, with a sentence whose neighbours are where they belong."""
    keys = ("note_umap", "note_first")
    return _chart(
        example.shipped(), example.FIRST, [text.say(f"sentences.{key}", lang) for key in keys], lang
    )


def lies(lang: str) -> str:
    """The same map, with a sentence that it tears from its neighbours, and what is wrong in numbers."""
    points, near = example.shipped()
    chart = _chart((points, near), example.TORN, [], lang)
    groups, names = themes(lang)
    return view.lies(
        example.lies(), samples.sample("themes").texts, [names[n] for n in groups], chart, near, lang
    )


def two(lang: str) -> str:
    """The sentences under two models, side by side."""
    models, made = [MODEL, example.OTHER], [example.shipped(), example.other()]
    groups, _ = themes(lang)
    near = [each.measured for _, each in made]
    told = view.agreement(
        models, near[0].shape[1], shared(*near), [alike(each, groups) for each in near], lang
    )
    notes = [text.say("sentences.note_umap", lang)]
    maps = "".join(
        f"<div>{_chart(each, example.FIRST, notes, lang, title=model)}</div>"
        for each, model in zip(made, models, strict=True)
    )
    return f'{told}<div class="pg-maps">{maps}</div>'


def _chart(
    made: tuple[NDArray[np.float32], Near], chosen: str, notes: list[str], lang: str, **how: Any
) -> str:
    points, near = made
    texts = samples.sample("themes").texts
    groups, names = themes(lang)
    return point_map.chart(
        points, texts, groups, names, lang, near=near, marked=[texts.index(chosen)], notes=notes,
        find="title" in how, **how,
    )  # fmt: skip
