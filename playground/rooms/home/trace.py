"""What happens to one sentence in a language model, token by token, as plain values that a page draws.

ids → rows of the embedding matrix → in each layer what the last token looks at, and what the model would say
if it ended there (logit lens) → logits → probabilities → the likeliest token is appended, and again
(Hands-On Large Language Models, ch. 1 to 3).
"""

from __future__ import annotations

import base64
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from playground.engine.generation import interpret, logits, probabilities
from playground.engine.generation.generate import Waiting, stop_ids
from playground.engine.generation.interpret import Attention, Lens
from playground.engine.generation.logits import Candidate
from playground.engine.generation.prompts import prompt_ids
from playground.engine.in_turn import in_line
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput
from playground.models.cache import Loaded
from playground.system import cancellation

STEPS = 5  # tokens that are appended at most
TOKENS = 20  # that a sentence may have: each is a row of the figure
LAYERS = 8  # that are shown, evenly spread, the last among them
VALUES = 24  # numbers of a vector that are shown
SPELLED = 3  # of these, as numbers
LIKELIEST = 6  # tokens that could come next
ENDS = (".", "!", "?", "。", "！", "？")  # of a sentence

Plain = dict[str, Any]


@dataclass(frozen=True)
class Traced:
    """How far it is: ``plain`` holds all until now, of ``step`` tokens that were appended.

    ``plain``: model, text, tokens [[id, text, special]] (those that are appended follow), given (how many of
    them are the sentence's), hidden_size, vocabulary, all_layers, layers (numbers of those that are shown,
    from 1), vectors (of each token base 64 of int8, the largest number 127), spelled (of each token its first
    numbers), steps. A step: attention (of each layer shown base 64 of uint8, 255 is all of it: what the last
    token gives to each token, the mean of all heads), lens [[text, probability]] of each layer shown, top
    [[text, logit, probability]], end (whether the model ends its text here).
    """

    step: int
    plain: Plain


def trace(loaded: Loaded, text: str, limit: int) -> Generator[Waiting | Traced]:
    """The sentence, and then token by token what the model makes of it: always the likeliest is appended.

    It ends with a sentence, with the model's own end of text, or after `STEPS` tokens.

    Raises:
        BadInput: as `prompt_ids`, `interpret.lens` and `interpret.attention`; ``home_too_long`` (tokens,
            most).
    """
    ids, _ = prompt_ids(loaded, text, limit)
    if len(ids) > TOKENS:
        raise BadInput("home_too_long", tokens=len(ids), most=TOKENS)
    ids, stops = logits.check(loaded, ids), stop_ids(loaded)
    weight = loaded.model.get_input_embeddings().weight
    plain: Plain = {
        "model": loaded.card.name, "text": text, "given": len(ids),
        "hidden_size": int(weight.shape[1]), "tokens": [], "vectors": [], "spelled": [], "steps": [],
    }  # fmt: skip
    for step in range(1, STEPS + 1):
        seen: tuple[Lens, Attention] | None = None
        for state in in_line(loaded, partial(_look, loaded, ids), len(ids)):
            if isinstance(state, Waiting):
                yield state
            else:
                seen = state
        cancellation.check()
        assert seen is not None
        lens, attention = seen
        made, chosen, ended = _step(loaded, ids, lens, attention, stops)
        plain |= {"vocabulary": int(lens.logits.shape[1]), "all_layers": len(lens.logits) - 1}
        plain["layers"] = [layer + 1 for layer in _shown(attention)]
        plain["steps"] = [*plain["steps"], made]
        if not ended:
            ids = [*ids, chosen.id]
        plain |= _tokens(loaded, ids, weight)
        yield Traced(step, dict(plain))
        if ended or chosen.text.rstrip().endswith(ENDS):
            return


def _look(loaded: Loaded, ids: Sequence[int]) -> tuple[Lens, Attention]:
    return interpret.lens(loaded, ids), interpret.attention(loaded, ids)


def _shown(attention: Attention) -> list[int]:
    """Which layers are drawn, from 0: hybrids have attention in some only."""
    places = np.linspace(0, len(attention.layers) - 1, min(LAYERS, len(attention.layers)))
    return [attention.layers[int(place)] for place in np.unique(np.ceil(places))]


def _step(
    loaded: Loaded, ids: Sequence[int], lens: Lens, attention: Attention, stops: frozenset[int]
) -> tuple[Plain, Candidate, bool]:
    """What is drawn of one pass, the token that is chosen, and whether it ends the text."""
    import torch

    known, shown = adapter(loaded), _shown(attention)
    rows = torch.from_numpy(lens.logits[-1])
    best = probabilities.top(rows, LIKELIEST)
    likely = np.exp(rows.double().log_softmax(-1).numpy())
    layers = [int(lens.ids[layer + 1, -1]) for layer in shown]
    texts = logits.candidates(known, ids, [*best, *layers])
    top, said = texts[: len(best)], texts[len(best) :]
    weights = [attention.weights[attention.layers.index(layer), :, -1].mean(0) for layer in shown]
    plain = {
        "attention": [_bytes(np.rint(255 * np.clip(each, 0, 1)).astype(np.uint8)) for each in weights],
        "lens": [
            [_said(each), _short(lens.probabilities[layer + 1, -1])]
            for each, layer in zip(said, shown, strict=True)
        ],
        "top": [
            [_said(each), round(float(rows[each.id]), 2), _short(likely[each.id])] for each in top
        ],
        "end": best[0] in stops,
    }  # fmt: skip
    return plain, top[0], best[0] in stops


def _tokens(loaded: Loaded, ids: Sequence[int], weight: Any) -> Plain:
    """All tokens, and the beginnings of their rows in the embedding matrix."""
    import torch

    index = torch.tensor(list(ids), device=weight.device)
    rows = weight.detach()[index].float().cpu().numpy()[:, :VALUES]
    most = float(np.quantile(np.abs(rows), 0.98)) or 1.0  # a few are far larger than all others
    shown = np.rint(127 * np.clip(rows / most, -1, 1)).astype(np.int8)
    return {
        "tokens": [[each.id, _said(each), each.kind == "special"] for each in logits.spelled(loaded, ids)],
        "vectors": [_bytes(row) for row in shown],
        "spelled": [[round(float(value), 2) + 0.0 for value in row[:SPELLED]] for row in rows],
    }


def _said(each: Candidate) -> str:
    return each.text or each.piece


def _short(share: float) -> float:
    return float(f"{float(share):.3g}")


def _bytes(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
