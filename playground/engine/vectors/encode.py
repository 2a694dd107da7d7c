"""Sentences to vectors: what ``SentenceTransformer.encode`` gives, sooner; or a language model's states.

An encoder's token vectors are averaged over the tokens (Reimers and Gurevych 2019). A BERT on a CPU is run
without padding: all tokens of a batch stand in one matrix, and only the attention knows which sentence is
which, so that nothing is computed for blanks. Equal rows are computed once. The model's own number format is
kept, however many rows there are.

What a model cannot see is counted: tokens beyond its length, and characters that it has no piece for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.engine.generation.generate import Waiting
from playground.engine.in_turn import explain_out_of_memory, in_turn
from playground.engine.tokenizers.model_inputs import rows
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.system import cancellation

Vectors = NDArray[np.float32]
PACK = 1_024  # tokens of one matrix: it stays in a core's cache
CHUNK = 256  # sentences of the packed way between two signs of life, and between two turns
BATCH = 32  # sentences of every other way at once
LONGEST = 512  # tokens that are read where a model names no limit, and of a language model


@dataclass(frozen=True, eq=False)
class Encoded:
    """Vectors, and what the model did not see of the rows.

    Args:
        vectors: [n, width], float32, as the model gives them (all-MiniLM-L6-v2's have length 1).
        tokens: tokens of each row, before anything was cut.
        unknown: pieces of each row that the model does not know ([UNK]).
        limit: tokens that the model reads of a row; what follows is cut.
    """

    vectors: Vectors
    tokens: NDArray[np.int32]
    unknown: NDArray[np.int32]
    limit: int


def check(texts: object, most: int, longest: int) -> list[str]:
    """The texts, if they are that.

    Raises:
        BadInput: no list, an empty one, too many, no text, half a character, or more than ``longest`` in all.
    """
    if not isinstance(texts, list | tuple) or not texts:
        raise BadInput("texts_list")
    if len(texts) > most:
        raise BadInput("texts_too_many", count=len(texts), most=most)
    whole = 0
    for each in texts:
        if not isinstance(each, str):
            raise BadInput("not_text", kind=type(each).__name__)
        try:
            each.encode("utf-8")
        except UnicodeEncodeError as error:
            code = f"U+{ord(each[error.start]):04X}"
            raise BadInput("lone_surrogate", position=error.start, code=code) from error
        whole += len(each)
    if whole > longest:
        raise BadInput("text_too_long", length=whole, limit=longest)
    return list(texts)


def encode(loaded: Loaded, texts: Sequence[str], role: str = "encoder") -> Encoded:
    """`encoding` to its end."""
    with closing(encoding(loaded, texts, role)) as steps:
        for step in steps:
            if isinstance(step, Encoded):
                return step
    raise AssertionError("an encoding ends with what it made")


def encoding(
    loaded: Loaded, texts: Sequence[str], role: str = "encoder"
) -> Generator[Waiting | int | Encoded, None, None]:
    """Rows done so far, now and then, and at last the vectors; closing it stops the work.

    Each chunk takes its turn in the model's line (`queue`), and between two of them whoever waits goes first:
    a chat with a language model whose states are read here waits for some sentences, not for all.

    Args:
        loaded: a sentence model (``encoder``), or a language model (``causal``), whose last hidden states
            are averaged over the tokens.
        texts: in any number; an empty one gets the vector of the model's special tokens.

    Raises:
        BadInput: a text that has no tokens for a model that adds none, and so no vector.
        DoesNotFit: ``reading_out_of_memory`` (name, tokens).
    """
    distinct = list(dict.fromkeys(texts))
    limit, ids, tokens, unknown = _tokenized(loaded, distinct, role)
    vectors: Vectors | None = None
    done = 0
    with closing(in_turn(loaded, _chunks(loaded, ids, role), yields=lambda made: True)) as chunks:
        for chunk in chunks:
            if isinstance(chunk, Waiting):
                yield chunk
                continue
            rows, made = chunk
            if vectors is None:
                vectors = np.empty((len(distinct), made.shape[1]), np.float32)
            vectors[rows] = made
            done += len(rows)
            yield done
    assert vectors is not None
    if not np.isfinite(vectors).all():
        raise BadInput("vectors_not_finite", name=loaded.card.name)
    place = {each: row for row, each in enumerate(distinct)}
    at = np.array([place[each] for each in texts])
    yield Encoded(vectors[at], tokens[at], unknown[at], limit)


def _chunks(loaded: Loaded, ids: list[list[int]], role: str) -> Iterator[tuple[list[int], Vectors]]:
    """Some rows and their vectors at each ``next``, those of like length together: no padding."""
    import torch

    run, size = _runner(loaded, role)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    for start in range(0, len(order), size):
        cancellation.check()
        rows = order[start : start + size]
        batch = [ids[row] for row in rows]
        with explain_out_of_memory(loaded, sum(map(len, batch))), torch.inference_mode():
            made = run(batch)
        yield rows, made


def _tokenized(
    loaded: Loaded, texts: list[str], role: str
) -> tuple[int, list[list[int]], NDArray[np.int32], NDArray[np.int32]]:
    """The limit, the ids of each text (cut), and what was counted before the cut."""
    if role == "causal":
        limit = min(LONGEST, int(getattr(loaded.model.config, "max_position_embeddings", 0) or LONGEST))
    else:
        limit = int(getattr(loaded.model, "max_seq_length", None) or LONGEST)
    # Sentence models strip what stands around a text, as `encode` does.
    given = [each.strip() for each in texts] if role == "encoder" else texts
    if role == "encoder" and getattr(loaded.model[0], "do_lower_case", False):
        given = [each.lower() for each in given]
    made = rows(loaded, given, limit)
    ids = made.ids
    if not all(ids):
        if made.begin is None:
            raise BadInput("texts_no_tokens", name=loaded.card.name)
        ids = [each or [made.begin] for each in ids]
    return limit, ids, made.tokens, made.unknown


def at_once(loaded: Loaded, texts: Sequence[str]) -> Vectors:
    """`encode` of a few texts by a sentence model, for who has the model's turn already.

    For models whose tokenizer is in another process: what ``SentenceTransformer.encode`` would give, which
    wants the tokenizer in this one.

    Raises:
        BadInput: a text that has no tokens for a model that adds none.
    """
    import torch

    _, ids, *_ = _tokenized(loaded, list(texts), "encoder")
    with torch.inference_mode():
        return _as_it_is(loaded, ids)


Runner = Callable[[list[list[int]]], Vectors]


def _runner(loaded: Loaded, role: str) -> tuple[Runner, int]:
    """What turns ids of sentences into vectors, this model in its fastest way; and how many at once."""
    if role == "causal":
        return lambda batch: _padded_mean(loaded, batch), BATCH
    packed = _packed(loaded)
    if packed is not None:
        return lambda batch: _by_packs(packed, batch), CHUNK
    return lambda batch: _as_it_is(loaded, batch), BATCH


def _padded(batch: list[list[int]], pad: int) -> tuple[Any, Any]:
    import torch

    width = max(map(len, batch))
    ids = torch.full((len(batch), width), pad, dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for row, each in enumerate(batch):
        ids[row, : len(each)] = torch.tensor(each)
        mask[row, : len(each)] = 1
    return ids, mask


def _padded_mean(loaded: Loaded, batch: list[list[int]]) -> Vectors:
    """The mean of a language model's last hidden states over the tokens of each text."""
    ids, mask = (each.to(loaded.device) for each in _padded(batch, 0))
    body = getattr(loaded.model, loaded.model.base_model_prefix, loaded.model)
    states = body(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    weight = mask[..., None].float()
    means = (states * weight).sum(1) / weight.sum(1)
    return np.asarray(means.cpu().numpy(), np.float32)


def _as_it_is(loaded: Loaded, batch: list[list[int]]) -> Vectors:
    """Through the sentence model's own modules, whatever they are."""
    ids, mask = _padded(batch, loaded.model.tokenizer.pad_token_id or 0)
    features = {"input_ids": ids.to(loaded.device), "attention_mask": mask.to(loaded.device)}
    return np.asarray(loaded.model(features)["sentence_embedding"].float().cpu().numpy(), np.float32)


# ---- a BERT without padding ----


@dataclass(frozen=True)
class _Packed:
    words: Any  # vocabulary × width
    places: Any  # positions × width, with the token type's vector in it
    norm: Any
    layers: list[tuple[Any, ...]]
    heads: int
    unit: bool  # the model ends with a normalisation


def _packed(loaded: Loaded) -> _Packed | None:
    """The weights of a BERT with mean pooling on a CPU, put together once; None for any other model."""
    if "encoding.packed" not in loaded.memo:
        loaded.memo["encoding.packed"] = _pack(loaded)
    ready: _Packed | None = loaded.memo["encoding.packed"]
    return ready


def _pack(loaded: Loaded) -> _Packed | None:
    import torch

    model = loaded.model
    kinds = [type(each).__name__ for each in model]
    if loaded.device != "cpu" or kinds not in (
        ["Transformer", "Pooling"],
        ["Transformer", "Pooling", "Normalize"],
    ):
        return None
    body: Any = getattr(model[0], "auto_model", None) or getattr(model[0], "model", None)
    config: Any = getattr(body, "config", None)
    if type(body).__name__ != "BertModel" or model[1].get_config_dict().get("pooling_mode") not in (
        "mean",
        ["mean"],
    ):
        return None
    plain = config.hidden_act == "gelu" and not config.is_decoder
    absolute = getattr(config, "position_embedding_type", "absolute") in (None, "absolute")
    if not plain or not absolute or next(body.parameters()).dtype != torch.float32:
        return None

    def matrix(*parts: Any) -> tuple[Any, Any]:
        some = [(each.weight, each.bias) for each in parts]
        # One matrix alone stays where it is: no second copy of the model.
        weight, bias = some[0] if len(some) == 1 else map(torch.cat, zip(*some, strict=True))
        return weight.detach(), bias.detach()

    layers = []
    for layer in body.encoder.layer:
        own, out = layer.attention.self, layer.attention.output
        layers.append((
            matrix(own.query, own.key, own.value), matrix(out.dense), out.LayerNorm,
            matrix(layer.intermediate.dense), matrix(layer.output.dense), layer.output.LayerNorm,
        ))  # fmt: skip
    start = body.embeddings
    places = (start.position_embeddings.weight + start.token_type_embeddings.weight[0]).detach()
    return _Packed(start.word_embeddings.weight.detach(), places, start.LayerNorm, layers,
                   config.num_attention_heads, len(kinds) == 3)  # fmt: skip


def _by_packs(packed: _Packed, batch: list[list[int]]) -> Vectors:
    """Sentences in packs of some thousand tokens, sorted by length beforehand."""
    packs: list[list[list[int]]] = [[]]
    held = 0
    for each in batch:
        if held and held + len(each) > PACK:
            packs.append([])
            held = 0
        packs[-1].append(each)
        held += len(each)
    return np.concatenate([_forward(packed, pack) for pack in packs])


def _forward(packed: _Packed, pack: list[list[int]]) -> Vectors:
    import torch
    from torch.nn import functional

    groups = [(length, len(list(same))) for length, same in groupby(len(each) for each in pack)]
    ids = torch.tensor([id for each in pack for id in each])
    places = torch.cat([torch.arange(length).repeat(count) for length, count in groups])
    states = packed.words[ids]
    states += packed.places[places]
    states = packed.norm(states)
    width, heads = states.shape[1], packed.heads

    for inside, out, first, up, down, second in packed.layers:
        three = functional.linear(states, *inside)
        mixed = torch.empty_like(states)
        start = 0
        for length, count in groups:  # sentences of one length attend together, and need no mask
            end = start + length * count
            q, k, v = three[start:end].view(count, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(q, k, v)
            mixed[start:end] = seen.transpose(1, 2).reshape(end - start, width)
            start = end
        states = first(functional.linear(mixed, *out).add_(states))
        # In place: the widest matrix of all is not written a second time, which saves a tenth of everything.
        states = second(
            functional.linear(torch.ops.aten.gelu_(functional.linear(states, *up)), *down).add_(states)
        )
    means, start = [], 0
    for length, count in groups:
        end = start + length * count
        means.append(states[start:end].view(count, length, width).mean(1))
        start = end
    vectors = torch.cat(means)
    if packed.unit:
        vectors = functional.normalize(vectors)
    return np.asarray(vectors.numpy(), np.float32)
