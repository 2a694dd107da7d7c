"""Inside a forward pass: what each layer would say (logit lens), and which token looks at which.

Logit lens: nostalgebraist 2020; the final norm and the head are applied to each layer's hidden state, as if
the layers after it did not exist. Attention: Hands-On Large Language Models, ch. 3; Vaswani et al. 2017.

Both need the model in a way that others who use it do not want (attention spelled out, a part left out). So
they use a twin: the same tensors, in modules and with a config of its own. It takes no memory to speak of.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.engine.generation.logits import check
from playground.engine.hooks import hooks
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded
from playground.system.lru import LRU

SHOWN = 48  # positions, the last ones
MOST_WEIGHTS = 2**26  # attention weights of one pass: 256 MiB in float32
KEPT = 2  # passes whose attention is kept on the model


@dataclass(frozen=True, eq=False)
class Lens:
    """What each layer would say.

    Args:
        start: the first position shown.
        ids: [layers + 1, positions], the likeliest token; row 0 of the embeddings, the last the model's.
        probabilities: of them.
        chosen: [layers + 1, positions], the probability of the token that the last row finds likeliest.
        logits: of the last position, [layers + 1, vocabulary], float32: the last row is the model's.
        norm: the module that every layer's state went through, by its path; "" where the model has none.
    """

    start: int
    ids: np.ndarray
    probabilities: np.ndarray
    chosen: np.ndarray
    logits: np.ndarray
    norm: str


@dataclass(frozen=True, eq=False)
class Attention:
    """Which token looks at which.

    Args:
        start: the first position shown; what a token gives to positions before it is missing from its row.
        layers: which layers have attention (in hybrids not all).
        weights: [layers, heads, positions, positions], float16; a row is of the token that looks, and sums
            to 1 over all positions.
    """

    start: int
    layers: tuple[int, ...]
    weights: np.ndarray


def twin(loaded: Loaded) -> Any:
    """The model once more, sharing every tensor; made once a load."""
    found = loaded.memo.get("twin")
    if found is None:
        model = loaded.model
        shared: dict[int, Any] = {id(t): t for t in (*model.parameters(), *model.buffers())}
        for module in model.modules():
            state = getattr(module, "state", None)  # bitsandbytes keeps tensors there
            if state is not None:
                shared[id(state)] = state
        found = loaded.memo["twin"] = copy.deepcopy(model, shared)
    return found


def lens(loaded: Loaded, ids: Sequence[int]) -> Lens:
    """One pass, then the head once for each layer, over the last `SHOWN` positions.

    Raises:
        BadInput: as `next_token.check`; ``lens_not_there`` (name).
        PlaygroundError: ``logits_not_finite`` (name).
    """
    import torch

    ids = check(loaded, ids)
    model, name = twin(loaded), loaded.card.name
    tokens = torch.tensor([ids], device=loaded.model.device)
    with torch.inference_mode():
        with _watched(model) as seen:
            made = model(input_ids=tokens, output_hidden_states=True, use_cache=False, return_dict=True)
        states = getattr(made, "hidden_states", None)
        if not states or seen.base is None:
            raise BadInput("lens_not_there", name=name)
        start = max(0, len(ids) - SHOWN)
        norm_path, norm = seen.norm
        rows: list[tuple[np.ndarray, ...]] = []
        final: Any = None
        # The last one first, since the others tell of its token. Of each only what is shown is kept: all
        # logits of all layers would be gigabytes where the vocabulary is large.
        for state in reversed(states):
            normed = norm(state) if norm is not None else state
            if final is None:
                normed = seen.given  # as the head got it: normed already
            logits = _head(model, *seen.base, normed[:, start:], tokens[:, start:])
            if not bool(torch.isfinite(logits.max())):
                raise PlaygroundError("logits_not_finite", name=name)
            likely = torch.softmax(logits, -1)
            best = likely.max(-1)
            if final is None:
                final = best.indices[:, None]
            chosen = likely.gather(1, final)[:, 0]
            said = best.indices, best.values, chosen, logits[-1].clone()  # not a view, which keeps them all
            rows.append(tuple(each.cpu().numpy() for each in said))
    likeliest, probabilities, of_final, last = (np.stack(each[::-1]) for each in zip(*rows, strict=True))
    return Lens(start, likeliest, probabilities, of_final, last, norm_path)


@dataclass
class _Seen:
    given: Any = None  # what the head got, [1, n, hidden]
    base: tuple[Any, Any] | None = None  # the model without its head, and what it gave
    norm: tuple[str, Any] = ("", None)


@contextmanager
def _watched(model: Any) -> Iterator[_Seen]:
    """A pass in which it is found which module's output went to the head: the final norm, by any name."""
    seen = _Seen()
    outputs: dict[tuple[int, ...], tuple[str, Any]] = {}

    def mark(tensor: Any) -> tuple[int, ...]:
        return (tensor.data_ptr(), *tensor.shape)

    def norm_hook(path: str) -> Any:
        def hook(module: Any, given: Any, made: Any) -> None:
            if hasattr(made, "data_ptr"):
                outputs[mark(made)] = (path, module)

        return hook

    def head_hook(module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        seen.given = given[0]
        seen.norm = outputs.get(mark(given[0]), ("", None))
        return (given[0][:, -1:], *given[1:])  # nobody reads this pass's logits

    def base_hook(module: Any, given: Any, made: Any) -> None:
        if seen.given is None and hasattr(made, "last_hidden_state"):
            seen.base = module, made  # the outermost comes last

    with hooks() as ours:
        for path, module in model.named_modules():
            if "norm" in type(module).__name__.lower():
                ours.after(module, norm_hook(path))
            elif module is not model and next(module.children(), None) is not None:
                ours.after(module, base_hook)
        ours.before(model.get_output_embeddings(), head_hook)
        yield seen


def _head(model: Any, base: Any, made: Any, states: Any, tokens: Any) -> Any:
    """Hidden states [1, n, hidden] → logits [n, vocabulary] in float32, as the model itself makes them.

    With whatever it does besides the matrix (soft caps, scales): its own ``forward`` runs, on a base that
    answers with these states. Of the twin alone, so nobody else meets that base.
    """
    answer = type(made)(last_hidden_state=states)
    base.forward = lambda *args, **kwargs: answer
    try:
        return model(input_ids=tokens, use_cache=False, return_dict=True).logits[0].float()
    finally:
        del base.forward


def attention(loaded: Loaded, ids: Sequence[int]) -> Attention:
    """One pass with attention spelled out ("eager"), of which the last `SHOWN` positions are kept.

    Raises:
        BadInput: as `next_token.check`; ``attention_not_there`` (name); ``attention_too_long`` (tokens,
            most).
    """
    import torch

    ids = check(loaded, ids)
    kept: LRU[Attention] = loaded.memo.setdefault("attention", LRU(KEPT))
    found = kept.get(tuple(ids))
    if found is not None:
        return found
    name, config = loaded.card.name, loaded.model.config.get_text_config(decoder=True)
    layers = int(getattr(config, "num_hidden_layers", 1) or 1)
    heads = int(getattr(config, "num_attention_heads", 1) or 1)
    most = int((MOST_WEIGHTS / (layers * heads)) ** 0.5)
    if len(ids) > most:
        raise BadInput("attention_too_long", tokens=len(ids), most=most)
    model = twin(loaded)
    try:
        model.set_attn_implementation("eager")
        with torch.inference_mode():
            tokens = torch.tensor([ids], device=loaded.model.device)
            made = model(input_ids=tokens, output_attentions=True, use_cache=False, return_dict=True)
    except (ValueError, TypeError, NotImplementedError) as error:  # it knows no attention, or only flash
        raise BadInput("attention_not_there", name=name) from error
    given = [(n, each) for n, each in enumerate(getattr(made, "attentions", None) or ()) if each is not None]
    given = [(n, each) for n, each in given if each.dim() == 4 and each.shape[-1] == len(ids)]
    if not given:
        raise BadInput("attention_not_there", name=name)
    start = max(0, len(ids) - SHOWN)
    weights = np.stack([each[0, :, start:, start:].half().cpu().numpy() for _, each in given])
    found = Attention(start, tuple(n for n, _ in given), weights)
    kept.put(tuple(ids), found)
    return found
