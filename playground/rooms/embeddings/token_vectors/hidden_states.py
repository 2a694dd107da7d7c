"""What a model makes of each token: vectors of every layer from one pass, and what can be seen in them.

Hands-On Large Language Models, ch. 2, "Creating Contextualized Word Embeddings": ``model(**tokens)[0]`` is
``[batch, tokens, hidden size]``. Mean pooling is Reimers and Gurevych 2019 (Sentence-BERT), section 3.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.generation.generate import Waiting
from playground.engine.generation.hooks import hooks
from playground.engine.in_turn import explain_out_of_memory, finished, in_line
from playground.engine.tokenizers import model_inputs
from playground.engine.tokenizers.truncation import cutting
from playground.engine.vectors.encode import at_once
from playground.errors import BadInput, CannotLoad
from playground.models.cache import Loaded
from playground.models.sandbox.tokenizer import ConfinedTokenizer
from playground.system import cancellation

LINES = 16  # texts at once
LONGEST = 256  # tokens of one text; the rest is cut, and said to be
NUMBERS = 2**24  # of all layers together: 64 MB
STATIC = -1  # the "layer" below all layers: rows of the input matrix, the same in every sentence
EQUAL = 1e-5  # similarities that differ by less differ by rounding
Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """One text after its pass.

    Args:
        tokens: their spelling in the vocabulary; ids; spans: the code points of the text that each covers;
            special: what the tokenizer put around the text.
        fed: what ``**tokens`` unpacks to, by the names of the model's arguments.
        static: rows of the input matrix, [tokens, width of that matrix].
        layers: hidden states, [layers + 1, tokens, width]; the first are embeddings with their positions.
        pooler: output [1] of a model that has a pooler, [width].
        encoded: what ``SentenceTransformer.encode`` gives; None where no such thing is, or it reads more.
        cut: the text was longer than what is read here.
        early: the model itself reads more of it, and so does ``encode``.
    """

    text: str
    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    special: tuple[bool, ...]
    fed: dict[str, tuple[int, ...]]
    static: Matrix
    layers: Matrix
    pooler: Matrix | None = None
    encoded: Matrix | None = None
    cut: bool = False
    early: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """As ``model(**tokens)[0].shape``: batch, tokens, hidden size."""
        return (1, *self.layers.shape[1:])

    def at(self, layer: int) -> Matrix:
        """Vectors of one layer, [tokens, width]; `STATIC` for the input matrix."""
        return self.static if layer == STATIC else self.layers[min(layer, len(self.layers) - 1)]


@dataclass(frozen=True, eq=False)
class Passed:
    """Several texts after one pass, with the groups that a blank line between them makes.

    Args:
        pooling: how the model makes a sentence's vector by its own account (``mean``, ``cls`` …; "": it
            makes none).
    """

    model: str
    texts: tuple[TokenVectors, ...]
    groups: tuple[int, ...]
    pooling: str = ""

    @property
    def layers(self) -> int:
        """Of the model, the embeddings not counted."""
        return len(self.texts[0].layers) - 1

    @property
    def bytes(self) -> int:
        """That the numbers take."""
        return sum(each.layers.nbytes + each.static.nbytes for each in self.texts)


@dataclass(frozen=True)
class Occurrence:
    """A word at one place: which text, where in it, and the tokens that cover it."""

    text: int
    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Pooling:
    """Mean pooling, step by step: token vectors × mask → sum → ÷ count → ÷ length.

    Args:
        difference: the largest of any number to ``encode``; None where the model has no such thing.
    """

    mask: tuple[int, ...]
    total: Matrix
    mean: Matrix
    length: float
    unit: Matrix
    difference: float | None


def lines(box: str) -> tuple[list[str], list[int]]:
    """The lines of a box, blank ones left out, and the group of each: a blank line begins another.

    Raises:
        BadInput: no text, or too many lines.
    """
    texts: list[str] = []
    groups: list[int] = []
    group, parted = 0, False
    for line in box.splitlines():
        if not line.strip():
            parted = bool(texts)
            continue
        group += parted
        parted = False
        texts.append(line.strip())
        groups.append(group)
    if not texts:
        raise BadInput("sentence_empty")
    if len(texts) > LINES:
        raise BadInput("vectors_lines", most=LINES)
    return texts, groups


def run(loaded: Loaded, texts: Sequence[str], groups: Sequence[int] = ()) -> Passed:
    """`running` to its end."""
    return finished(running(loaded, texts, groups))


def running(
    loaded: Loaded, texts: Sequence[str], groups: Sequence[int] = ()
) -> Generator[Waiting | Passed, None, None]:
    """One forward pass over all texts when it is our turn, with the hidden states of every layer.

    Args:
        loaded: leased as ``encoder`` (a ``SentenceTransformer``) or ``causal``.

    Raises:
        BadInput: a text without tokens, or more numbers than can be kept.
        CannotLoad: a model without layers of tokens, or whose tokenizer tells no places.
        DoesNotFit: ``reading_out_of_memory`` (name, tokens).
    """
    return in_line(loaded, lambda: _pass(loaded, texts, groups), LONGEST * len(texts))


def _pass(loaded: Loaded, texts: Sequence[str], groups: Sequence[int]) -> Passed:
    import torch

    sentence = hasattr(loaded.model, "encode")
    model = _base(loaded, sentence)
    tokenizer = loaded.tokenizer
    apart = isinstance(tokenizer, ConfinedTokenizer)  # in a process of its own, which opens no other kind
    if not apart and not getattr(tokenizer, "is_fast", False):
        raise CannotLoad("python_tokenizer", name=loaded.card.name, kind=type(tokenizer).__name__)
    window = _window(loaded, model, sentence)
    limit = min(LONGEST, window)
    cut = model_inputs.fed(loaded, texts, limit)
    if not all(each.pieces for each in cut):
        raise BadInput("vectors_no_tokens", name=loaded.card.name)
    config = model.config
    size = sum(len(each.pieces) for each in cut) * (_layers(config) + 1) * _width(config)
    if size > NUMBERS:
        raise BadInput("vectors_too_much", most=NUMBERS, numbers=size)
    names = [name for name in cut[0].features if name in inspect.signature(model.forward).parameters]
    longest = max(len(each.pieces) for each in cut)
    pad = {"input_ids": 0 if apart else tokenizer.pad_token_id or 0}  # behind the mask, any will do
    batch = {
        name: torch.tensor(
            [each.features[name] + [pad.get(name, 0)] * (longest - len(each.pieces)) for each in cut]
        )
        for name in names
    }
    with explain_out_of_memory(loaded, longest * len(cut)), torch.inference_mode(), _asking(model):
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        out = model(**batch, output_hidden_states=True, return_dict=True)
        states = [
            state for state in out.hidden_states if state.shape == out.last_hidden_state.shape
        ]  # where some layers see fewer tokens than others
        states[-1] = out.last_hidden_state
        layers = torch.stack(states).float().cpu().numpy()
        static = model.get_input_embeddings()(batch["input_ids"]).float().cpu().numpy()
        pooler = getattr(out, "pooler_output", None)
        pooler = None if pooler is None else pooler.float().cpu().numpy()
    encoded = None
    if sentence and apart:
        encoded = at_once(loaded, texts)
    elif sentence:
        with cutting(loaded), _asking(model):
            encoded = loaded.model.encode(list(texts), show_progress_bar=False)
    made = []
    for row, (text, each) in enumerate(zip(texts, cut, strict=True)):
        count, early = len(each.pieces), each.longer and limit < window
        made.append(
            TokenVectors(
                text,
                tuple(each.pieces),
                tuple(each.features["input_ids"]),
                tuple(each.spans),
                tuple(each.special),
                {name: tuple(each.features[name]) for name in names},
                np.ascontiguousarray(static[row, :count]),
                np.ascontiguousarray(layers[:, row, :count]),
                None if pooler is None else pooler[row],
                None if encoded is None or early else np.asarray(encoded[row], np.float32),
                each.longer,
                early,
            )
        )
    return Passed(loaded.card.name, tuple(made), tuple(groups) or (0,) * len(made), _pooling(loaded.model))


@contextmanager
def _asking(model: Any) -> Iterator[None]:
    """Before each of its modules computes, whether anybody still waits for it: a pass can take long."""
    with hooks() as hear:
        for module in model.modules():
            hear.before(module, lambda module, given: cancellation.check())
        yield


def _base(loaded: Loaded, sentence: bool) -> Any:
    """The network below the pooling of a sentence model, or below the head of a language model."""
    model = getattr(loaded.model[0], "auto_model", None) if sentence else loaded.model.base_model
    if model is None or not hasattr(model, "get_input_embeddings"):
        raise CannotLoad("vectors_no_layers", name=loaded.card.name)
    return model


def _window(loaded: Loaded, model: Any, sentence: bool) -> int:
    config = model.config
    known = getattr(loaded.model, "max_seq_length", None) if sentence else None
    return int(known or getattr(config, "max_position_embeddings", 0) or LONGEST)


def _layers(config: Any) -> int:
    return int(getattr(config, "num_hidden_layers", 0) or getattr(config, "n_layer", 12))


def _width(config: Any) -> int:
    return int(getattr(config, "hidden_size", 0) or getattr(config, "n_embd", 768))


def _pooling(model: Any) -> str:
    if not hasattr(model, "encode"):
        return ""
    for module in model:
        mode = getattr(module, "pooling_mode", None)
        if mode:
            return str(mode if isinstance(mode, str) else "+".join(mode))
    return ""


def pooled(one: TokenVectors) -> Pooling:
    """The sentence's vector from the last layer: the mean of its tokens, at length 1."""
    vectors = one.layers[-1]
    mask = one.fed.get("attention_mask", (1,) * len(vectors))
    total = (vectors * np.asarray(mask, np.float32)[:, None]).sum(0)
    mean = total / np.float32(max(1, sum(mask)))
    length = float(np.linalg.norm(mean))
    unit = mean / np.float32(length or 1)
    difference = None
    if one.encoded is not None and one.encoded.shape == unit.shape:
        # A model that does not normalise gives the mean itself.
        ours = unit if abs(float(np.linalg.norm(one.encoded)) - 1) < 1e-3 else mean
        difference = float(np.abs(ours - one.encoded).max())
    elif one.encoded is not None:
        difference = float("inf")  # another width: something stands behind the pooling
    return Pooling(tuple(mask), total, mean, length, unit, difference)


def occurrences(passed: Passed, word: str) -> list[Occurrence]:
    """Where a word stands in the texts, letter case aside; whole words only where blanks part words.

    What was cut off a long text is not found.
    """
    word = word.strip()
    if not word:
        return []
    whole = re.escape(word)
    if _latin(word[0]):
        whole = r"(?<![^\W_])" + whole
    if _latin(word[-1]):
        whole += r"(?![^\W_])"
    found = []
    for row, one in enumerate(passed.texts):
        for match in re.finditer(whole, one.text, re.IGNORECASE):
            tokens = tuple(
                place
                for place, (start, end) in enumerate(one.spans)
                # Some tokenizers count the blank before a word as part of its token.
                if not one.special[place] and end > match.start() and start < match.end() and start < end
            )
            if tokens:
                found.append(Occurrence(row, match.start(), match.end(), tokens))
    return found


def _latin(character: str) -> bool:
    """Of a script that parts words by blanks."""
    return character.isalnum() and not "\u2e80" <= character <= "\uffdc"


def common_words(texts: Sequence[str]) -> list[str]:
    """Words that stand in several of the texts, those in most texts first, then the longer."""
    counts: dict[str, int] = {}
    for text in texts:
        for word in dict.fromkeys(re.findall(r"[^\W\d_]{2,}", text.lower())):
            counts[word] = counts.get(word, 0) + 1
    shared = [word for word, count in counts.items() if count > 1]
    return sorted(shared, key=lambda word: (-counts[word], -len(word), word))


def vectors_at(passed: Passed, found: Sequence[Occurrence], layer: int) -> Matrix:
    """A vector for each occurrence at one layer: the mean over its tokens."""
    return np.stack([passed.texts[each.text].at(layer)[list(each.tokens)].mean(0) for each in found])


def cosines(vectors: Matrix) -> Matrix:
    """All pairs' cosine similarities, [n, n], exactly 1 on the diagonal."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    matrix = np.clip(unit @ unit.T, -1, 1)
    np.fill_diagonal(matrix, 1)
    return np.asarray(matrix, np.float32)


@dataclass(frozen=True)
class Separation:
    """How a layer tells the senses of a word apart: the least alike pair within one, the most alike across.

    They part where every pair within a group is more alike than any pair across.
    """

    layer: int
    within: float
    across: float

    @property
    def parted(self) -> bool:
        """Whether the layer separates them."""
        return self.within > self.across + EQUAL


def separations(passed: Passed, found: Sequence[Occurrence]) -> list[Separation]:
    """Of every layer, the input matrix first; empty unless there are two groups and a pair within one."""
    groups = np.array([passed.groups[each.text] for each in found])
    same = groups[:, None] == groups[None, :]
    pair = ~np.eye(len(groups), dtype=bool)
    if not len(groups) or not (same & pair).any() or same.all():
        return []
    told = []
    for layer in range(STATIC, passed.layers + 1):
        matrix = cosines(vectors_at(passed, found, layer))
        told.append(Separation(layer, float(matrix[same & pair].min()), float(matrix[~same].max())))
    return told


def means(passed: Passed, found: Sequence[Occurrence]) -> list[float]:
    """The mean similarity of all pairs of occurrences at every layer, the input matrix first."""
    pair = ~np.eye(len(found), dtype=bool)
    return [
        float(cosines(vectors_at(passed, found, layer))[pair].mean()) if len(found) > 1 else 1.0
        for layer in range(STATIC, passed.layers + 1)
    ]
