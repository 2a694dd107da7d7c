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
from playground.subjects import (
    encoding,
    lanes,
    neighbours,
    song_search,
    song_sessions,
    steps,
    strategies,
    tokens,
)
from playground.subjects import next_token as next_tokens
from playground.subjects import sentences as rows
from playground.subjects.beams import Beams
from playground.subjects.projection import project
from playground.subjects.prompts import prompt_ids
from playground.subjects.readers import Reader, reader
from playground.subjects.sampling import Settings
from playground.subjects.song_evaluation import METHODS, Measured, evaluate, split
from playground.subjects.song_recommend import plain, shown
from playground.subjects.song_training import TUNED, Trained, train
from playground.subjects.songs import Library
from playground.views import languages, next_token_data, point_map

FOLDER = text.ASSETS / "examples"
# The tokenizers that the Tokens panel opens with.
SHOWN = ("all-MiniLM-L6-v2", "mistral-v1", "mistral-v3", "tekken", "byt5", "canine")
CLEAR = 0.3  # nats: a third likelier; less is no story
# What the Decoding panel opens with; its widgets stand so.
DECODED = lanes.Plan(
    Settings(24, temperature=0.8, top_k=40, top_p=0.9, min_p=0.05, repetition_penalty=1.1, seed=3),
    Beams(4),
)
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
    from playground.loaders import presets, sizes, skeletons

    config = sizes.cleaned(presets.presets()[ARCHITECTURE].config)
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


LOOK = {"model": "tutor", "prompt": "The capital of France is"}
LOOKED = 15  # tokens shown


def next_token() -> dict[str, Any]:
    """The Next token panel's example, as shipped: what the page is told about `LOOK`."""
    told: dict[str, Any] = json.loads((FOLDER / "next_token.json").read_text(encoding="utf-8"))
    return told


def computed_next_token(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    card = next(card for card in EMBEDDED if card.name == LOOK["model"])
    with cache.lease(card, "causal") as loaded:
        ids, _ = prompt_ids(loaded, LOOK["prompt"], len(LOOK["prompt"]))
        states = next_tokens.look(loaded, ids, listen=True)
        row = next(state for state in states if isinstance(state, next_tokens.Row))
        settings = Settings(temperature=1.0).checked()
        told = next_token_data.look(loaded, row, settings, LOOKED) | next_token_data.prompt(loaded, row)
    return told | {"row": "", "model": LOOK["model"], "prompt": LOOK["prompt"]}


@functools.cache
def _learned() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((text.ASSETS / "tutor" / "learning.json").read_text(encoding="utf-8"))
    return found


def learning(prompt: object = None, *, chat: object = False) -> dict[str, Any]:
    """What the tutor said at moments of its training, after one of the prompts that were kept.

    Args:
        prompt: its number, or its text; what is not among them takes the worked example's.
        chat: a text is a message to the tutor, not the beginning of a text.

    Returns:
        prompts: [kind, text] of all of them; prompt; moments: step, tokens (read in training so far), loss,
        answers: [text, probability] best first, sample: how it went on ("" where that was not kept).
    """
    kept = _learned()
    prompts = kept["prompts"]
    known = [(each["kind"], each["text"]) for each in prompts]
    if isinstance(prompt, str):
        wanted = ("chat" if chat is True else "text", prompt)
        prompt = known.index(wanted) if wanted in known else None
    if type(prompt) is not int or not 0 <= prompt < len(prompts):
        example = ("text", LOOK["prompt"])
        prompt = known.index(example) if example in known else 0
    moments = [
        {
            "step": shot["step"], "tokens": shot["tokens"], "loss": shot["loss"],
            "answers": [[kept["texts"][str(id)], p] for id, p in shot["answers"][prompt]],
            "sample": shot["samples"][prompt],
        }
        for shot in kept["snapshots"]
    ]  # fmt: skip
    return {
        "prompts": [[each["kind"], each["text"]] for each in prompts],
        "prompt": prompt,
        "moments": moments,
    }


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

    with cache.lease(trained_card(SAMPLE), "songs") as loaded:
        points = (project(loaded.model.trained.vectors).points * 1000).round().astype(int)
    return {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}


def computed_sample() -> tuple[Library, Trained]:
    """The embedded songs' sessions and the tuned training on them, made now."""
    catalogue = (text.ASSETS / "songs" / "catalogue.tsv").read_text(encoding="utf-8")
    library = song_sessions.generate(song_sessions.read_catalogue(catalogue))
    return library, train(library, TUNED)


def computed_songs(lang: str, cache: ModelCache) -> dict[str, Any]:
    """The Songs panel's example, computed now."""
    from playground.loaders.songs import trained_card

    with cache.lease(trained_card(SAMPLE), "songs") as loaded:
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


def sentences() -> tuple[NDArray[np.float32], point_map.Near]:
    """The map that the Sentences view opens with, as shipped: points, and the true neighbours of each."""
    told = json.loads((FOLDER / "sentences.json").read_text(encoding="utf-8"))
    points = np.array(told["points"], np.float32) / np.float32(10_000)
    cosines = np.array(told["cosines"], np.float32) / np.float32(10_000)
    return points, point_map.Near(np.array(told["near"], np.int32), cosines, np.array(told["kept"], np.bool_))


def computed_sentences(cache: ModelCache) -> dict[str, Any]:
    """The same, computed now."""
    card = next(card for card in EMBEDDED if "encoder" in card.roles)
    with cache.lease(card, "encoder") as loaded:
        vectors = encoding.encode(loaded, rows.sample("themes").texts).vectors
    points = (project(vectors).points * 10_000).round().astype(int)
    places, _ = neighbours.nearest(neighbours.unit(vectors), 11)
    near = point_map.true_neighbours(vectors, places, (points / 10_000).astype(np.float32))
    cosines = (near.cosines * 10_000).round().astype(int)
    return {
        "points": points.tolist(), "near": near.places.tolist(), "cosines": cosines.tolist(),
        "kept": near.kept.astype(int).tolist(),
    }  # fmt: skip


def decoding(lang: str) -> lanes.Comparison:
    """The Decoding panel's example in one language, as shipped."""
    return lanes.from_plain(json.loads((FOLDER / f"decoding.{lang}.json").read_text(encoding="utf-8")))


def computed_decoding(lang: str, cache: ModelCache, prompts: Sequence[str] = ()) -> lanes.Comparison:
    """The same, computed now: of some prompts one where greedy truly misses a likelier sequence.

    The first one where both come to an end of their own, and clearly; if there is none, the clearest.

    Args:
        prompts: without them, those of ``decoding.cases``.

    Raises:
        LookupError: no prompt of the list shows it; put others there.
    """
    tutor = next(card for card in EMBEDDED if card.name == "tutor")
    found: list[lanes.Comparison] = []
    with cache.lease(tutor, "causal") as loaded:
        for prompt in prompts or text.say("decoding.cases", lang).split("\n"):
            ids, _ = prompt_ids(loaded, prompt, len(prompt))
            *_, made = strategies.compare(loaded, ids, DECODED, text=prompt)
            if isinstance(made, lanes.Comparison) and lanes.missed(made):
                gain = made.lane("beam").total - made.lane("greedy").total
                if made.lane("beam").ended and gain > CLEAR:
                    return made
                found.append(made)
    if not found:
        raise LookupError(lang)
    return max(found, key=lambda each: each.lane("beam").total - each.lane("greedy").total)


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
    from playground import examples_vectors
    from playground.loaders import TransformersLoader
    from playground.loaders import songs as songs_files

    _write("tokens.languages", computed_languages())
    _write("architecture", computed_architecture())
    cache = ModelCache(2**31, TransformersLoader(offline=True))
    songs_files.ship(*computed_sample())
    _write("songs.measured", computed_measures(cache))
    _write("songs.map", computed_map(cache))
    np.savez_compressed(FOLDER / "token_vectors.npz", **examples_vectors.computed_token_vectors(cache))
    _write("words", examples_vectors.computed_words(cache))
    _write("sentences", computed_sentences(cache))
    _write("next_token", computed_next_token(cache))
    for lang in text.LANGUAGES:
        _write(f"tokens.{lang}", computed(lang))
        _write(f"songs.{lang}", computed_songs(lang, cache))
        _write(f"decoding.{lang}", rounded(lanes.to_plain(computed_decoding(lang, cache))))


def rounded(content: Any) -> Any:
    """The same with numbers of six digits: a page shows three."""
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    return [rounded(each) for each in content] if isinstance(content, list | tuple) else content


def _write(name: str, content: Any) -> None:
    whole = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(whole + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
