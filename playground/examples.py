"""The worked examples that panels open on, computed once and shipped: ``python -m playground.examples``.

A page paints them before any library is loaded. A test holds that they are what is computed live.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.catalog import EMBEDDED, TOKENIZERS
from playground.models import ModelCache
from playground.subjects import architecture as plans
from playground.subjects import encoding, neighbours, song_search, steps, tokens
from playground.subjects import sentences as rows
from playground.subjects import token_vectors as passes
from playground.subjects import words as word_vectors
from playground.subjects.projection import project
from playground.subjects.readers import Reader, reader
from playground.subjects.song_evaluation import METHODS, Measured, evaluate, split
from playground.subjects.song_recommend import plain, shown
from playground.subjects.song_training import TUNED
from playground.views import languages, point_map

FOLDER = text.ASSETS / "examples"
# The tokenizers that the Tokens panel opens with.
SHOWN = ("all-MiniLM-L6-v2", "mistral-v1", "mistral-v3", "tekken", "byt5", "canine")
SENSES: dict[str, str] = json.loads((FOLDER / "senses.json").read_text(encoding="utf-8"))
"""A word → sentences in which it means two things, the two parted by a blank line."""
TOKEN_VECTORS = ("Hello world", SENSES["bank"], "bank")  # a sentence, sentences, and the word in them
SAMPLE = next(card for card in EMBEDDED if "songs" in card.roles)


def tokenized(lang: str) -> list[tokens.Tokenized]:
    """The Tokens panel's example in one language, as shipped."""
    plain = json.loads((FOLDER / f"tokens.{lang}.json").read_text(encoding="utf-8"))
    return [tokens.from_plain(each) for each in plain]


def languages_chart(lang: str) -> str:
    """The Tokens panel's chart over languages, of the tokenizers shown at first."""
    shipped = json.loads((FOLDER / "tokens.languages.json").read_text(encoding="utf-8"))
    return languages.chart(languages_samples(), shipped, lang)


def architecture() -> plans.Architecture:
    """The Architecture panel's example: the plan of TinyLlama."""
    return plans.from_plain(_shipped_architecture()["plan"])


def architecture_tokens(lang: str) -> tuple[int, str]:
    """How many tokens its sentence has in one language, and whose tokenizer says so."""
    count, name = _shipped_architecture()["tokens"][lang]
    return count, name


def _shipped_architecture() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "architecture.json").read_text(encoding="utf-8"))
    return found


def languages_samples() -> list[tuple[str, str]]:
    """The sentence that the chart counts, by language."""
    return list(json.loads((FOLDER / "languages.json").read_text(encoding="utf-8")).items())


def computed(lang: str) -> list[dict[str, Any]]:
    """The same, computed now."""
    example = text.say("tokens.example_text", lang)
    with _opened() as readers:
        return [tokens.to_plain(tokens.tokenize(r, name, example)) for name, r in readers.items()]


def computed_languages() -> dict[str, list[tuple[int, int]]]:
    """Tokenizer → tokens of each sentence of the chart, computed now."""
    sentences = [sentence for _, sentence in languages_samples()]
    with _opened() as readers:
        return {name: steps.lengths(sentences, r) for name, r in readers.items()}


ARCHITECTURE = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
COUNTED_BY = "mistral-v1"  # the tokenizer nearest to TinyLlama's that comes with the app


def computed_architecture() -> dict[str, Any]:
    """The plan of TinyLlama and the tokens of the example's sentences, computed now."""
    from playground.loaders import presets, skeletons

    config = skeletons.cleaned(presets.presets()[ARCHITECTURE].config)
    model = skeletons.build(config)
    plan = plans.read(ARCHITECTURE, model, model.config, config)
    with _opened() as readers:
        counts = {
            lang: len(
                readers[COUNTED_BY].encode(text.say("architecture.example_sentence", lang), special=True).ids
            )
            for lang in text.LANGUAGES
        }
    told = {lang: (count, COUNTED_BY) for lang, count in counts.items()}
    return {"plan": plans.to_plain(plan), "tokens": told}


def songs(lang: str) -> dict[str, Any]:
    """The Songs panel's example in one language, as shipped: recommendations, and what was ``liked``."""
    told: dict[str, Any] = json.loads((FOLDER / f"songs.{lang}.json").read_text(encoding="utf-8"))
    return told


def songs_measured() -> tuple[list[dict[str, Any]], int]:
    """All methods on the embedded songs, as shipped, and how many questions they were asked."""
    told = json.loads((FOLDER / "songs.measured.json").read_text(encoding="utf-8"))
    return told["rows"], told["queries"]


def songs_map() -> list[list[float]]:
    """Where UMAP puts the embedded songs, as shipped: x and y of each, from -1 to 1."""
    told = json.loads((FOLDER / "songs.map.json").read_text(encoding="utf-8"))
    return [[x / 1000, y / 1000] for x, y in zip(told["x"], told["y"], strict=True)]


def computed_map(cache: ModelCache) -> dict[str, list[int]]:
    """The same, computed now, in thousandths."""
    from playground.loaders.songs import trained_card

    with cache.lease(trained_card(SAMPLE, TUNED), "songs") as loaded:
        points = (project(loaded.model.trained.vectors).points * 1000).round().astype(int)
    return {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}


def computed_songs(lang: str, cache: ModelCache) -> dict[str, Any]:
    """The Songs panel's example, computed now."""
    from playground.loaders.songs import trained_card

    with cache.lease(trained_card(SAMPLE, TUNED), "songs") as loaded:
        library = loaded.model.library
        ready = song_search.index(library)
        liked = [
            song_search.search(ready, each, 1)[0] for each in text.say("songs.example", lang).split("\n")
        ]
        told = shown(loaded.model, liked, [])
        return told | {"liked": [plain(library.songs[row]) for row in liked]}


def computed_measures(cache: ModelCache) -> dict[str, Any]:
    """All methods on the embedded songs, measured now."""
    from playground.loaders.songs import data_card

    with cache.lease(data_card(SAMPLE), "songs") as loaded:
        rows: list[Measured] = list(evaluate(loaded.model, METHODS))
        return {"rows": [vars(row) for row in rows], "queries": len(split(loaded.model).hidden)}


def token_vectors(texts: Sequence[str]) -> passes.Passed | None:
    """The shipped pass of all-MiniLM-L6-v2 over an example of the Token vectors view; None: it is none."""
    wanted = {("Hello world",): 0, tuple(passes.lines(SENSES["bank"])[0]): 1}.get(tuple(texts))
    return None if wanted is None else _shipped_token_vectors()[wanted]


KINDS = ("static", "layers", "pooler", "encoded")


@functools.cache
def _shipped_token_vectors() -> list[passes.Passed]:
    with np.load(FOLDER / "token_vectors.npz", allow_pickle=False) as kept:
        told = json.loads(str(kept["told"]))
        whole = {name: kept[name].astype(np.float32) for name in kept.files if name != "told"}
    made = []
    for number, lines in enumerate(told):
        some = []
        for place, row in enumerate(lines):
            some.append(
                passes.TokenVectors(
                    row["text"],
                    tuple(row["tokens"]),
                    tuple(row["ids"]),
                    tuple((start, end) for start, end in row["spans"]),
                    tuple(row["special"]),
                    {name: tuple(values) for name, values in row["fed"].items()},
                    *(whole[f"{number}.{place}.{kind}"] for kind in KINDS),
                )
            )
        made.append(passes.Passed("all-MiniLM-L6-v2", tuple(some), (0,) * len(some), "mean"))
    return made


def computed_token_vectors(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now, as arrays: whole for one sentence, in half precision for the others."""
    card = next(card for card in EMBEDDED if "encoder" in card.roles)
    arrays, told = {}, []
    with cache.lease(card, "encoder", dtype="float32") as loaded:
        for number, box in enumerate(TOKEN_VECTORS[:2]):
            passed = passes.run(loaded, passes.lines(box)[0])
            kept = np.float16 if number else np.float32
            for place, one in enumerate(passed.texts):
                for kind in KINDS:
                    arrays[f"{number}.{place}.{kind}"] = getattr(one, kind).astype(kept)
            names = ("text", "tokens", "ids", "spans", "special", "fed")
            told.append([{name: getattr(one, name) for name in names} for one in passed.texts])
    return {"told": np.array(json.dumps(told)), **arrays}


def words() -> dict[str, Any]:
    """The Words view's example as shipped: king + woman − man, the inputs left out and left in."""
    told: dict[str, Any] = json.loads((FOLDER / "words.json").read_text(encoding="utf-8"))
    return told


def computed_words(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    card = next(card for card in EMBEDDED if "words" in card.roles)
    plus, minus = ["king", "woman"], ["man"]
    with cache.lease(card, "words") as loaded:
        answers = {
            name: [vars(each) for each in word_vectors.similar(loaded, plus, minus, 10, include=include)]
            for name, include in (("excluded", False), ("included", True))
        }
    return {"plus": plus, "minus": minus, **answers}


def sentences() -> tuple[NDArray[np.float32], point_map.Near]:
    """The map that the Sentences view opens with, as shipped: points, and the true neighbours of each."""
    told = json.loads((FOLDER / "sentences.json").read_text(encoding="utf-8"))
    points = np.array(told["points"], np.float32) / np.float32(10_000)
    cosines = np.array(told["cosines"], np.float32) / np.float32(10_000)
    return points, point_map.Near(np.array(told["near"], np.int32), cosines, np.array(told["kept"], np.bool_))


def computed_sentences(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    card = next(card for card in EMBEDDED if "encoder" in card.roles)
    with cache.lease(card, "encoder", device="cpu", dtype="float32") as loaded:
        vectors = encoding.encode(loaded, rows.sample("themes").texts).vectors
    points = (project(vectors).points * 10_000).round().astype(int)
    places, _ = neighbours.nearest(neighbours.unit(vectors), 11)
    near = point_map.true_neighbours(vectors, places, (points / 10_000).astype(np.float32))
    cosines = (near.cosines * 10_000).round().astype(int)
    return {
        "points": points.tolist(), "near": near.places.tolist(), "cosines": cosines.tolist(),
        "kept": near.kept.astype(int).tolist(),
    }  # fmt: skip


@contextmanager
def _opened() -> Iterator[dict[str, Reader]]:
    from playground.loaders import TransformersLoader

    cache = ModelCache(2**31, TransformersLoader(offline=True))
    with ExitStack() as stack:
        yield {
            card.name: reader(stack.enter_context(cache.lease(card)))
            for card in TOKENIZERS
            if card.name in SHOWN
        }


def main() -> None:
    """Write every example anew."""
    from playground.loaders import TransformersLoader

    _write("tokens.languages", computed_languages())
    _write("architecture", computed_architecture())
    cache = ModelCache(2**31, TransformersLoader(offline=True))
    _write("songs.measured", computed_measures(cache))
    _write("songs.map", computed_map(cache))
    np.savez_compressed(FOLDER / "token_vectors.npz", **computed_token_vectors(cache))
    _write("words", computed_words(cache))
    _write("sentences", computed_sentences(cache))
    for lang in text.LANGUAGES:
        _write(f"tokens.{lang}", computed(lang))
        _write(f"songs.{lang}", computed_songs(lang, cache))


def _write(name: str, content: Any) -> None:
    whole = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(whole + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
