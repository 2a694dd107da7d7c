"""The numbers that make an architecture, from its configuration and its modules: what is not told is 0.

A configuration may give each layer numbers of its own (Gemma 4: wider heads in the layers that see
everything), so what a layer keeps is asked layer by layer. Nothing is guessed: a feed-forward size is one
that a weight of the model has.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)
# Kinds of layers that transformers' cache knows: with keys and values of all tokens, or of the last ones.
KEEPING = ("full_attention", "hybrid", "indexed_attention")
WINDOWED = ("sliding_attention", "chunked_attention", "hybrid_sliding", "reference_sliding_attention")
STATES = ("linear_attention", "conv", "dummy")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads")
INNER = (
    "intermediate_size",
    "n_inner",
    "d_ff",
    "ffn_dim",
    "hidden_dim",
    "ffn_hidden_size",
    "decoder_ffn_dim",
)


@dataclass(frozen=True)
class CacheLayers:
    """Layers one after the other that keep alike.

    Args:
        layers: how many.
        kind: as transformers' cache calls them.
        window: tokens that a sliding window sees, or 0.
        heads, key, value: heads whose keys and values are kept, and the sizes of both; of multi-head latent
            attention one head, whose key is the latent.
        extra: numbers a token beside them (an indexer's keys).
    """

    layers: int
    kind: str
    window: int = 0
    heads: int = 0
    key: int = 0
    value: int = 0
    extra: int = 0

    @property
    def numbers(self) -> int:
        """Numbers that one layer keeps for one token."""
        return 0 if self.kind in STATES else self.heads * (self.key + self.value) + self.extra


@dataclass(frozen=True)
class Shape:
    """The numbers that make an architecture. 0 and "" mean that it has no such thing.

    Args:
        head_dim, value_dim: of a head's queries and keys, and of its values; most layers' where they differ.
        experts, experts_used: of a mixture; 0 used of some means that it is not told.
        latent: numbers a token and layer that multi-head latent attention keeps in place of keys and values.
        writes: whether it continues text.
        cache: what its layers keep of each token while it writes.
        cache_known: False where transformers does not tell it.
    """

    hidden: int = 0
    layers: int = 0
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    feed_forward: int = 0
    vocabulary: int = 0
    context: int = 0
    experts: int = 0
    experts_used: int = 0
    latent: int = 0
    activation: str = ""
    writes: bool = False
    encoder_decoder: bool = False
    parallel: bool = False
    cache: tuple[CacheLayers, ...] = ()
    cache_known: bool = True


def value_of(settings: Any, *names: str) -> Any:
    """The first of these fields that a configuration has; of one that differs per layer, the most common."""
    for name in names:
        try:
            found = getattr(settings, name, None)
        except RuntimeError:  # "a per-layer attribute", says transformers
            found = Counter(getattr(layer, name, None) for layer in settings.per_layer_config).most_common(1)[
                0
            ][0]
        if found is not None:
            return found
    return None


def number_of(settings: Any, *names: str, layer: int | None = None) -> int:
    """As `value_of`, as a whole number: 0 where there is none; of a list the layer's, or the largest."""
    value = value_of(settings, *names)
    if isinstance(value, list | tuple) and value:
        if layer is not None and layer < len(value):
            value = value[layer]
        else:
            value = max((v for v in value if isinstance(v, int | float)), default=0)
    return int(value) if isinstance(value, int | float) else 0


def text_of(settings: Any) -> Any:
    """The part of a configuration that is about text, the decoder's where there are two."""
    return settings.get_text_config(decoder=True)


def shape_of(model: Any, settings: Any) -> Shape:
    """What a model's configuration and modules tell; experts and feed-forward size are told by others.

    Args:
        model: a module, best on the meta device.
        settings: its configuration object.
    """
    text = text_of(settings)
    layers = number_of(text, "num_hidden_layers", "n_layer", "num_layers", "n_layers")
    both = bool(settings.is_encoder_decoder)
    writes = continues(model, settings)
    if both or writes:  # of a family of encoders and decoders, the decoder's
        layers = number_of(text, "num_decoder_layers", "decoder_layers") or layers
    cache, known = _cache(model, text, layers) if writes or both else ((), True)
    heads = number_of(text, *HEADS)
    kv_heads, key, value = _heads(text)
    seen = [run for run in cache if run.numbers]
    latent = 0
    if seen:
        usual = max(seen, key=lambda run: run.layers)
        latent = usual.key if number_of(text, "kv_lora_rank") and not usual.value else 0
        if not latent:
            kv_heads, key, value = usual.heads, usual.key, usual.value
    if number_of(text, "kv_lora_rank"):
        nope, rope = number_of(text, "qk_nope_head_dim"), number_of(text, "qk_rope_head_dim")
        key, value = nope + rope or key, number_of(text, "v_head_dim") or value
    return Shape(
        hidden=number_of(text, "hidden_size", "d_model", "dim", "n_embd"), layers=layers, heads=heads,
        kv_heads=kv_heads, head_dim=key, value_dim=value, vocabulary=number_of(text, "vocab_size"),
        context=number_of(text, "max_position_embeddings", "n_positions", "seq_length", "max_seq_len"),
        latent=latent,
        activation=str(value_of(text, "hidden_activation", "hidden_act", "activation_function",
                                "dense_act_fn", "activation") or ""),
        writes=writes, encoder_decoder=both,
        parallel=bool(value_of(text, "parallel_attn", "use_parallel_residual") or text.model_type == "gptj"),
        cache=cache, cache_known=known,
    )  # fmt: skip


def continues(model: Any, settings: Any) -> bool:
    """Whether a model continues text: it generates, or it is the body of one that does.

    What encodes is told from its configuration: transformers knows a masked language model of it, and it is
    not set up as a decoder.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    if model.can_generate():
        return True
    text = text_of(settings)
    body = model.get_output_embeddings() is None and model.base_model is model
    encodes = type(text) in MODEL_FOR_MASKED_LM_MAPPING and not getattr(text, "is_decoder", False)
    return bool(body and type(text) in MODEL_FOR_CAUSAL_LM_MAPPING and not encodes)


def _heads(text: Any, layer: int | None = None) -> tuple[int, int, int]:
    """Heads with keys and values of their own, and the sizes of these, as a configuration has them."""
    heads = number_of(text, *HEADS, layer=layer)
    hidden = number_of(text, "hidden_size", "d_model", "dim", "n_embd")
    key = number_of(text, "head_dim", "d_kv", "dim_head", layer=layer) or (hidden // heads if heads else 0)
    kv_heads = number_of(text, *KV_HEADS, layer=layer) or heads
    if getattr(text, "multi_query", False) and not getattr(text, "new_decoder_architecture", False):
        kv_heads = 1
    return kv_heads, key, key


def _cache(model: Any, text: Any, layers: int) -> tuple[tuple[CacheLayers, ...], bool]:
    """Runs of layers by what they keep, as transformers' own cache holds it; and whether that is known."""
    from transformers.cache_utils import get_layer_types_and_kwargs

    from playground.engine.generation import compat

    if model.can_generate() and not compat.supports_dynamic_cache(model):
        return (), False  # RWKV, xLSTM, XLNet: a memory of their own
    if compat.cache_name(model) is None:
        return (), not (model.can_generate() and compat.ought_to_cache(model))  # GPT-1 has none at all
    try:
        kinds, options = get_layer_types_and_kwargs(text)
        configs = list(text.per_layer_config)
    except Exception as error:  # an architecture whose configuration does not tell
        log.info("no layers of a cache in %s: %r", type(text).__name__, error)
        return (), False
    if len(kinds) != layers and len(set(kinds)) == 1:  # the encoder's number, where the decoder has its own
        kinds, options, configs = kinds[:1] * layers, options[:1] * layers, configs[:1] * layers
    if set(kinds) - {*KEEPING, *WINDOWED, *STATES}:
        return (), False
    stack = _attentions(model, len(kinds))
    runs: list[CacheLayers] = []
    for i, (kind, option) in enumerate(zip(kinds, options, strict=True)):
        window = int(option.get("sliding_window") or 0)
        run = _run(kind, window, configs[i], stack[i] if stack else None, i)
        if runs and _alike(runs[-1]) == _alike(run):
            runs[-1] = CacheLayers(runs[-1].layers + 1, *_alike(run))
        else:
            runs.append(run)
    return tuple(runs), True


def _alike(run: CacheLayers) -> tuple[str, int, int, int, int, int]:
    return run.kind, run.window, run.heads, run.key, run.value, run.extra


def _run(kind: str, window: int, config: Any, attention: Any, layer: int) -> CacheLayers:
    if kind in STATES:
        return CacheLayers(1, kind)
    # DeepSeek V3.2's indexer keeps keys of its own; a layer may use another's.
    indexes = kind == "indexed_attention" and bool(_indexers(attention))
    extra = number_of(config, "index_head_dim") if indexes else 0
    latent = number_of(config, "kv_lora_rank")
    if latent:
        return CacheLayers(1, kind, window, 1, latent + number_of(config, "qk_rope_head_dim"), 0, extra)
    heads, key, value = _of_weights(attention, _heads(config, layer))
    return CacheLayers(1, kind, window, heads, key, value, extra)


def _attentions(model: Any, layers: int) -> list[Any]:
    """The self-attention of each layer of the stack that writes, None where it has none; [] if not found."""
    from torch.nn import ModuleList

    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    for part in (decoder, model):
        for module in part.modules() if part is not None else ():
            if isinstance(module, ModuleList) and len(module) == layers:
                found = [_attention(layer) for layer in module]
                if any(each is not None for each in found):
                    return found
    return []


def _attention(layer: Any) -> Any:
    for name, module in layer.named_modules():
        if any(word in name.lower() for word in ("cross", "encoder_attn", "encdec")):
            continue
        apart = hasattr(module, "k_proj") and hasattr(module, "v_proj")
        if apart or hasattr(module, "kv_b_proj") or type(vars(module).get("num_key_value_heads")) is int:
            return module
    return None


def _indexers(attention: Any) -> list[Any]:
    named = attention.named_modules() if attention is not None else ()
    return [module for name, module in named if name.split(".")[-1] == "indexer"]


def _of_weights(attention: Any, told: tuple[int, int, int]) -> tuple[int, int, int]:
    """Heads and sizes as the projections of a layer have them, where they are apart."""
    heads, key, value = told
    if attention is None:
        return told
    own = vars(attention).get("num_key_value_heads")
    own = own if type(own) is int and own > 0 else heads
    rows = [
        weight.shape[0]
        for name in ("k_proj", "v_proj")
        if (weight := getattr(getattr(attention, name, None), "weight", None)) is not None
        and weight.dim() == 2
    ]
    if len(rows) != 2:
        return own, key, value
    wide, deep = rows
    if (wide, deep) == (heads * key, heads * value):
        return told
    count = next((n for n in (own, heads, wide // key if key else 0) if n and wide % n == deep % n == 0), 1)
    return count, wide // count, deep // count


def feed_forward(settings: Any, widths: Sequence[tuple[int, int]]) -> int:
    """The feed-forward size that a configuration names, if some weight has it; else the most common one.

    Args:
        widths: (size, layers) as the model's own feed-forward weights have them.
    """
    counted: Counter[int] = Counter()
    for size, layers in widths:
        counted[size] += layers
    told = number_of(text_of(settings), *INNER)
    if told in counted or not counted:
        return told if told in counted else 0
    return counted.most_common(1)[0][0]
