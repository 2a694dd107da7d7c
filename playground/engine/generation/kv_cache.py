"""The KV cache of one text: what a model has read is not read again.

A causal model's keys and values of a token depend on the tokens before it alone (Hands-On Large Language
Models, ch. 3, "Speeding Up Generation by Caching Keys and Values"), so those of a common beginning serve
every text that begins so: the next turn of a chat, the same prompt once more, a branch at some token.

    with a cache that can be cut   `CroppableKVCache`: Llama, GPT-2, Qwen, Phi, Gemma, Mistral …
    with whatever else             `PreparedKVCache`: the model prepares its own inputs, as in ``generate``
                                   (Mamba, hybrids, GPT-1 without any cache); nothing is used again
"""

from __future__ import annotations

import functools
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from playground.engine.generation import compat
from playground.engine.interruptible import interruptible

GROWTH = 256  # tokens that a cache makes room for at least when it is full
CHUNK = 512  # tokens of a prompt that are read at once; between two chunks one can stop
SEQUENCE_DEPENDENT = {"dynamic", "longrope"}  # rotations that change when a text passes the trained length


class KVCache(ABC):
    """One model reading one text. Not for two threads at once.

    Attributes:
        fed: the ids read so far.
        lasting: worth keeping for another text.
        on_logits: called with the logits of every position of each pass, [n, vocabulary], in inference mode;
            None: only those of the last one are computed where the model can do so.
    """

    lasting = True
    on_logits: Callable[[Any], None] | None = None

    def __init__(self, model: Any) -> None:
        self.fed: list[int] = []
        self._model = weakref.ref(model)

    @property
    def model(self) -> Any:
        """The model, or None when it was unloaded."""
        return self._model()

    @abstractmethod
    def begin(self, ids: Sequence[int]) -> tuple[int, Any]:
        """Keep of what was read what ``ids`` begins with.

        Returns:
            how many of the ids need not be read, and the logits [vocabulary] after them if those are known,
            else None (then at least one id is left to read).
        """

    @abstractmethod
    def feed(self, ids: list[int], tokens: Any = None) -> Any:
        """Read on.

        Args:
            ids: the next ids.
            tokens: the same as a tensor [1, n], if there is one.

        Returns:
            logits after the last of them, [vocabulary].
        """

    @abstractmethod
    def chunk(self, total: int) -> int:
        """How many tokens of a prompt of so many to read at once."""

    def mark(self, logits: Any) -> None:  # noqa: B027
        """Remember the logits of the prompt's end: the same prompt again then gives the very same reply."""

    def forget(self) -> None:
        """Free everything."""
        self.fed = []

    def _heard(self, every: Any) -> Any:
        """The logits of the last position, after whoever listens heard all of them."""
        if self.on_logits is not None:
            self.on_logits(every)
        return every[-1]

    @property
    def bytes(self) -> int:
        """Of keys and values held."""
        return 0


class CroppableKVCache(KVCache):
    """With a key-value cache that can be cut at any token (sliding windows: until they slide)."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        config = model.config.get_text_config(decoder=True)
        self._last_only = compat.last_logits_only(model)
        self._rereads = type(model).__name__.startswith(
            "Phi"
        )  # long-rope models of this family, at the switch
        self._switch = _switch(config)
        self._cache: Any = None
        self._mark: tuple[int, Any] | None = None

    def begin(self, ids: Sequence[int]) -> tuple[int, Any]:
        common = _common(self.fed, ids)
        if self._mark is not None and common == len(ids) == self._mark[0] and self._cut(common):
            return common, self._mark[1]
        self._mark = None
        common = min(common, len(ids) - 1)
        if self._switch is not None and max(len(ids), len(self.fed)) > self._switch:
            common = 0
        if not common or not self._cut(common):
            self.forget()
        return len(self.fed), None

    def feed(self, ids: list[int], tokens: Any = None) -> Any:
        import torch

        model = self.model
        switch = self._switch
        if switch is not None and self._rereads and 0 < len(self.fed) <= switch < len(self.fed) + len(ids):
            ids, tokens = self.fed + ids, None  # the rotations change: everything again
            self.forget()
        if tokens is None:
            tokens = torch.tensor([ids], device=model.device)
        with torch.inference_mode():  # around the pass alone: a generator must not leave it on in its caller
            if self._cache is None:
                self._cache = _new_cache(model)
            extra = self._last_only if len(ids) > 1 and self.on_logits is None else {}
            try:
                with _passing(model, len(ids)):
                    every = model(
                        input_ids=tokens, **compat.with_cache(model, self._cache), **extra, return_dict=True
                    ).logits[0]
                logits = self._heard(every)
            except BaseException:
                self.forget()  # some layers have read these tokens, others not
                raise
        self.fed += ids
        return logits

    @property
    def steady(self) -> bool:
        """Its rotations never change with the length of the text."""
        return self._switch is None

    def chunk(self, total: int) -> int:
        return total if self._switch is not None and total > self._switch else CHUNK

    def mark(self, logits: Any) -> None:
        self._mark = (len(self.fed), logits.clone())

    def forget(self) -> None:
        super().forget()
        self._cache = self._mark = None

    @property
    def bytes(self) -> int:
        layers = [] if self._cache is None else self._cache.layers
        held = [t for layer in layers for t in (layer.keys, layer.values) if t is not None]
        return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in held}.values())

    def _cut(self, n: int) -> bool:
        """Keep the first n tokens; False where a window has slid on and lost what was before."""
        import torch

        drop = len(self.fed) - n
        if drop and self._cache is not None:
            if any(
                layer.is_sliding and layer.get_seq_length() >= layer.sliding_window
                for layer in self._cache.layers
            ):
                return False
            with torch.inference_mode():
                self._cache.crop(-drop)
        self.fed = self.fed[:n]
        return True


class PreparedKVCache(KVCache):
    """As ``generate`` does it: the model prepares the inputs of each pass itself."""

    lasting = False

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._ids: Any = None
        self._state: dict[str, Any] = {}

    def begin(self, ids: Sequence[int]) -> tuple[int, Any]:
        self.forget()
        return 0, None

    def feed(self, ids: list[int], tokens: Any = None) -> Any:
        import torch

        model, first = self.model, self._ids is None
        if tokens is None:
            tokens = torch.tensor([ids], device=model.device)
        with torch.inference_mode():
            if first:
                self._ids = tokens
                self._state = {"use_cache": True, "attention_mask": torch.ones_like(tokens)}
                if compat.supports_dynamic_cache(model) and compat.cache_name(model):
                    self._state |= compat.with_cache(model, compat.new_cache(model))
            else:
                self._ids = torch.cat([self._ids, tokens], -1)
            inputs = model.prepare_inputs_for_generation(
                self._ids,
                next_sequence_length=None if first else len(ids),
                is_first_iteration=first,
                **self._state,
            )
            with _passing(model, len(ids)):
                made = model(**inputs, return_dict=True)
            self._state = model._update_model_kwargs_for_generation(
                made, self._state, is_encoder_decoder=False
            )
            logits = self._heard(made.logits[0])
        self.fed += ids
        return logits

    def chunk(self, total: int) -> int:
        return total

    def forget(self) -> None:
        super().forget()
        self._ids, self._state = None, {}


def _passing(model: Any, count: int) -> AbstractContextManager[None]:
    """A pass over so many tokens: of a prompt it takes long, and can be left; one token is over soon."""
    return interruptible(model) if count > 1 else nullcontext()


def kv_cache_for(model: Any) -> KVCache:
    """New passes of a causal model, of the kind that it supports."""
    kind = _kinds.get(model)  # found out once: it takes as long as a small model's pass of some tokens
    if kind is None:
        compat.check_cache(model)
        kind = _kinds[model] = _kind(model)
    return kind(model)


_kinds: weakref.WeakKeyDictionary[Any, type[KVCache]] = weakref.WeakKeyDictionary()


def _kind(model: Any) -> type[KVCache]:
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    long_rope_only = type(model).__name__ in {"Phi3ForCausalLM", "PhimoeForCausalLM"}
    if (
        compat.cache_name(model)
        and compat.supports_dynamic_cache(model)
        and (long_rope_only or not compat.prepares_its_inputs(model))
    ):
        layers = compat.new_cache(model).layers
        if all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
            return CroppableKVCache
    return PreparedKVCache


def _common(some: Sequence[int], others: Sequence[int]) -> int:
    """Length of the longest common beginning."""
    n = min(len(some), len(others))
    return next((i for i in range(n) if some[i] != others[i]), n)


def _switch(config: Any) -> int | None:
    """The length at which a model's rotations change with the length of the text; None: they never do."""
    rope = getattr(config, "rope_parameters", None) or {}
    each = [rope, *(value for value in rope.values() if isinstance(value, dict))]
    if not any(one.get("rope_type") in SEQUENCE_DEPENDENT for one in each):
        return None
    named = [one.get("original_max_position_embeddings") for one in each]
    named += [getattr(config, "original_max_position_embeddings", None), config.max_position_embeddings]
    return int(next(length for length in named if length))


def _new_cache(model: Any) -> Any:
    """transformers' cache, but with layers that grow in place.

    Its own copy all keys and values for every token (``torch.cat``); these have room for the next ones and
    are copied only when that is used up.
    """
    from transformers.cache_utils import DynamicLayer

    cache = compat.new_cache(model)
    cache.layers = [_growing()() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


@functools.cache
def _growing() -> Any:
    from transformers.cache_utils import DynamicLayer

    class GrowingLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values [1, heads, n, size] as views of larger buffers."""

        is_initialized: bool

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.dtype, self.device = key_states.dtype, key_states.device
                self._buffers = [_room(states, states.shape[-2]) for states in (key_states, value_states)]
                self._used = 0
                self.is_initialized = True
            begin, count = self._used, key_states.shape[-2]
            end = self._used = begin + count
            if end > self._buffers[0].shape[-2]:
                self._buffers = [_room(buffer, end + end // 2, begin) for buffer in self._buffers]
            keys, values = self._buffers
            keys.narrow(-2, begin, count).copy_(key_states)
            values.narrow(-2, begin, count).copy_(value_states)
            self.keys, self.values = keys.narrow(-2, 0, end), values.narrow(-2, 0, end)
            return self.keys, self.values

        def crop(self, tokens_to_remove: int) -> None:
            if self.is_initialized:
                self._used -= abs(tokens_to_remove)
                self.keys, self.values = (buffer.narrow(-2, 0, self._used) for buffer in self._buffers)

    return GrowingLayer


def _room(like: Any, length: int, used: int = 0) -> Any:
    """A buffer [1, heads, length and some more, size] that begins with the first ``used`` of another."""
    made = like.new_empty((*like.shape[:-2], length + GROWTH, like.shape[-1]))
    made[..., :used, :] = like[..., :used, :]
    return made
