"""A first use of any model, seconds long: does it load, and does it do what its kind does?"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from playground.engine.generation.generate import Waiting
from playground.engine.in_turn import finished, in_line
from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.truncation import cutting
from playground.engine.vectors.encode import at_once
from playground.models.cache import Loaded
from playground.models.catalog import Role
from playground.models.sandbox.tokenizer import ConfinedTokenizer

NEW_TOKENS = 24
NEIGHBOURS = 5


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Args:
        given: what went in: a prompt, a first sentence, a word; the class of a skeleton.
        answers: what came out, with a number each: a continuation with its length in tokens, the other
            sentences with their cosine similarity, words with theirs, tokens with their ids, the modules'
            classes with how many there are, songs with the playlists they share.
        seconds: of work, the loading not counted.
    """

    role: Role
    given: str
    answers: tuple[tuple[str, float], ...]
    seconds: float


Answers = tuple[str, tuple[tuple[str, float], ...]]


def trial(loaded: Loaded, role: Role, prompt: str, sentences: Sequence[str], word: str) -> Trial:
    """`trying` to its end."""
    return finished(trying(loaded, role, prompt, sentences, word))


def trying(
    loaded: Loaded, role: Role, prompt: str, sentences: Sequence[str], word: str
) -> Generator[Waiting | Trial, None, None]:
    """Use a model once for what it was loaded as, when its turn has come.

    Args:
        loaded: as the cache's lease gives it, loaded in this role.
        prompt: what a language model continues and a tokenizer cuts.
        sentences: what an encoder compares, the first with each of the others.
        word: whose neighbours word vectors give; the commonest if they do not know it.

    Raises:
        DoesNotFit: ``reading_out_of_memory`` (name, tokens).
    """
    return in_line(loaded, lambda: _tried(loaded, role, prompt, sentences, word), NEW_TOKENS)


def _tried(loaded: Loaded, role: Role, prompt: str, sentences: Sequence[str], word: str) -> Trial:
    began = time.perf_counter()
    if role == "causal":
        given, answers = _write(loaded, prompt)
    elif role == "encoder":
        given, answers = _compare(loaded, sentences)
    elif role == "words":
        given, answers = _neighbours(loaded, word)
    elif role == "songs":
        given, answers = _together(loaded)
    elif role == "skeleton":
        given, answers = _count(loaded)
    else:
        given, answers = _cut(loaded, prompt)
    return Trial(role, given, answers, time.perf_counter() - began)


def _write(loaded: Loaded, prompt: str) -> Answers:
    import torch

    known = adapter(loaded)
    given = torch.tensor([known.encode(prompt).ids.tolist()], device=loaded.device)
    with torch.inference_mode():
        ids = loaded.model.generate(
            input_ids=given, attention_mask=torch.ones_like(given), max_new_tokens=NEW_TOKENS, do_sample=False
        )[0]
    new = ids[given.shape[1] :].tolist()
    silent = frozenset(known.own.silent)
    return prompt, ((known.decode([id for id in new if id not in silent]), len(new)),)


def _compare(loaded: Loaded, sentences: Sequence[str]) -> Answers:
    if isinstance(loaded.tokenizer, ConfinedTokenizer):
        vectors = at_once(loaded, sentences)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    else:
        with cutting(loaded):  # it pads
            vectors = loaded.model.encode(list(sentences), normalize_embeddings=True, show_progress_bar=False)
    first, *others = vectors
    return sentences[0], tuple(
        (sentence, float(first @ other)) for sentence, other in zip(sentences[1:], others, strict=True)
    )


def _neighbours(loaded: Loaded, word: str) -> Answers:
    known = loaded.model
    asked = word if word in known else known.index_to_key[0]
    near = known.most_similar(asked, topn=min(NEIGHBOURS, len(known) - 1))
    return asked, tuple((other, float(score)) for other, score in near)


def _cut(loaded: Loaded, prompt: str) -> Answers:
    cut = adapter(loaded).encode(prompt, special=False)
    tokens = zip(cut.ids.tolist(), cut.starts.tolist(), cut.ends.tolist(), strict=True)
    return prompt, tuple((prompt[start:end], id) for id, start, end in tokens)


def _count(loaded: Loaded) -> Answers:
    counts: dict[str, int] = {}
    for module in loaded.model.modules():
        kind = type(module).__name__
        counts[kind] = counts.get(kind, 0) + 1
    return type(loaded.model).__name__, tuple(counts.items())


def _together(loaded: Loaded) -> Answers:
    """The commonest song, and those that most often stand in a playlist with it."""
    library = loaded.model
    first = int(library.counts.argmax())
    beside = np.concatenate([library.playlist(number) for number in library.holding(first)])
    counts = np.bincount(beside[beside != first], minlength=len(library))
    best = np.argsort(-counts, kind="stable")[:NEIGHBOURS]
    return library.songs[first].title, tuple((library.songs[row].title, int(counts[row])) for row in best)
