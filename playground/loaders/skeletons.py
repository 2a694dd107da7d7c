"""A model's skeleton from nothing but its config: on torch's meta device, bounded, and without its code.

A config may come from anybody, so it is read as one reads a stranger's letter: what could make Python
allocate, fetch or run something is refused or taken out first; then the skeleton is built under a limit
of modules and of seconds, whatever the config says.
"""

from __future__ import annotations

import functools
import json
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playground import hub
from playground.catalog import CAUSAL_CLASS, ModelCard
from playground.errors import BadInput, CannotLoad, PlaygroundError
from playground.loaders.places import imported, place

log = logging.getLogger(__name__)

LONGEST = 2**20  # characters of a config.json; the longest known has 60 KB
LONGEST_HEADER = 25 * 2**20  # bytes of a safetensors header
LAYERS = 1024  # the deepest model that was ever published has a few hundred
EXPERTS = 4096
LABELS = 20_000  # transformers makes a Python object of each
LARGEST = 2**24  # any other size: 16 million; the largest vocabularies have one
ENTRIES = 100_000  # in all lists and objects together
DEPTH = 12
MODULES = 20_000  # of 3-5 KB in Python: 80 MB
SECONDS = 8.0  # the largest model takes a tenth of one
# Sizes: whole numbers from 1 on, where a config names them.
SIZES = re.compile(
    r"(num_(hidden_|decoder_|encoder_)?layers|n_layers?|num_(attention_|key_value_|kv_)?heads|n_heads?|"
    r"(moe_)?intermediate_size|hidden_size|vocab_size|head_dim|n_embd|n_positions|max_position_embeddings|"
    r"d_model|d_ff|d_kv|dim|hidden_dim|ffn_dim|num_(local_|routed_)?experts|n_routed_experts|"
    r"num_experts_per_tok|kv_lora_rank|(qk_nope|qk_rope|v)_head_dim|encoder_layers|decoder_layers)"
)
DEEP = re.compile(r"(num_.*layers|n_layers?|encoder_layers|decoder_layers|num_blocks|depth)")
MANY = re.compile(r"(num_|n_)(\w+_)?experts")
# Not sizes, and rightly large.
FREE = re.compile(r"(theta|base|seed|factor|_id|_ids|scale|eps|length)")
# What a config may say about how code is found or run, not about the model's shape.
DROPPED = re.compile(
    r"(_.*|auto_map|attn_implementation|experts_implementation|quantization_config|compression_config|"
    r"device_map|use_pretrained_backbone|trust_remote_code|transformers_version|torchscript|gradient_check.*)"
)
_counting = threading.local()


class _TooMuch(BaseException):
    """More modules, or more time, than any model needs. No Exception: libraries must not swallow it."""


def parse(text: object) -> dict[str, Any]:
    """A config from what a visitor pasted or uploaded.

    Raises:
        BadInput: nothing, too long, not JSON, not an object.
    """
    if isinstance(text, Mapping):
        return dict(text)
    if not isinstance(text, str | bytes) or not text.strip():
        raise BadInput("config_empty")
    if len(text) > LONGEST:
        raise BadInput("config_too_long", length=len(text), limit=LONGEST)
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise BadInput("config_too_large") from error
    except ValueError as error:
        where = getattr(error, "lineno", 0)
        raise BadInput("config_not_json", line=where) from error
    if not isinstance(found, dict):
        raise BadInput("config_no_object", kind=type(found).__name__)
    return found


def config_of(card: ModelCard, *, offline: bool, anonymous: bool) -> dict[str, Any]:
    """The config.json of a model that is here or on the Hub, of which no other file is fetched.

    Raises:
        CannotLoad: and its kin: there is none, it is broken, the Hub does not give it.
    """
    if card.source == "hub":
        return hub.config(card.where, card.revision, offline=offline, anonymous=anonymous)
    path = place(card)
    file = path / "config.json" if path is not None else None
    if file is None or not file.is_file():
        raise BadInput("no_skeleton", name=card.name)
    if file.stat().st_size > LONGEST:
        raise BadInput("config_too_long", length=file.stat().st_size, limit=LONGEST)
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadInput) as error:
        raise CannotLoad("broken_config", name=card.name) from error


def tensors_of(card: ModelCard, *, offline: bool, anonymous: bool) -> hub.Tensors:
    """A model's tensors, name → (type, shape), from the first kilobytes of its files; {} if it has none.

    Raises:
        CannotLoad: and its kin, as `hub.header`.
    """
    if card.source == "hub":
        return hub.header(card.where, card.revision, offline=offline, anonymous=anonymous)
    found: hub.Tensors = {}
    path = place(card)
    for file in sorted(path.glob("*.safetensors")) if path is not None else ():
        with file.open("rb") as stream, _broken(card):
            length = int.from_bytes(stream.read(8), "little")
            if length > LONGEST_HEADER:
                raise ValueError(length)
            rows = json.loads(stream.read(length))
            rows.pop("__metadata__", None)
            found |= {name: (str(row["dtype"]), tuple(map(int, row["shape"]))) for name, row in rows.items()}
    return found


@contextmanager
def _broken(card: ModelCard) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise CannotLoad("broken_weights", name=card.name) from error


def cleaned(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without what tells nothing about the model's shape, each size checked.

    Raises:
        BadInput: a size that is none, or larger than any model's; too many entries.
    """
    counted = [0]

    def clean(value: Any, name: str, depth: int) -> Any:
        counted[0] += 1
        if depth > DEPTH or counted[0] > ENTRIES:
            raise BadInput("config_too_large")
        if isinstance(value, Mapping):
            kept = ((str(key), each) for key, each in value.items() if not DROPPED.fullmatch(str(key)))
            return {key: clean(each, key, depth + 1) for key, each in kept}
        if isinstance(value, list | tuple):
            return [clean(each, name, depth + 1) for each in value]
        _check(name, value)
        return value

    found: dict[str, Any] = clean(config, "", 0)
    return found


def _check(name: str, value: Any) -> None:
    if SIZES.fullmatch(name) and value is not None and (type(value) is not int or value < 1):
        raise BadInput("config_size", field=name, value=_short(value))
    if type(value) is not int or FREE.search(name):
        return
    limit = LAYERS if DEEP.fullmatch(name) else EXPERTS if MANY.fullmatch(name) else LARGEST
    limit = LABELS if name == "num_labels" else limit
    if abs(value) > limit:
        raise BadInput("config_size_large", field=name, value=_short(value), limit=limit)


def known(config: Mapping[str, Any]) -> bool:
    """Whether the transformers library here can build this kind of model without a repository's code."""
    kind = config.get("model_type")
    return isinstance(kind, str) and kind in imported("transformers", "CONFIG_MAPPING")


def settled(config: Mapping[str, Any], name: str = "config.json") -> Any:
    """transformers' own configuration object: what is missing has the architecture's defaults.

    Raises:
        BadInput: no model_type, sizes that are none, values that the architecture refuses.
        CannotLoad: an architecture that only code of its own knows.
    """
    clean = cleaned(config)
    kind = clean.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise BadInput("config_no_type")
    if not known(clean):
        raise CannotLoad("unknown_architecture", name=name, kind=_short(kind))
    if clean.get("backbone") or clean.get("use_timm_backbone") or kind.startswith("timm"):
        raise CannotLoad("own_code", name=name)  # it would fetch another model's weights
    clean.pop("norm", None)  # a what-if of ours: see `_renorm`
    with _refusals(name):
        return imported("transformers", "CONFIG_MAPPING")[kind].from_dict(clean)


def build(config: Mapping[str, Any], name: str = "config.json") -> Any:
    """The model without weights. Its float16 stands for "whatever number format the model is loaded in".

    Raises:
        As `settled`; BadInput: more modules than any model has.
    """
    with _refusals(name):
        settings = settled(config, name)
        kind = _class(settings, config)
        settings._attn_implementation = "eager"
        with weightless(), _bounded():
            model = kind(of_text(settings, kind))
            _renorm(model, settings, config)
        _untie(model, config)
        return model


def real(config: Mapping[str, Any], name: str = "config.json") -> Any:
    """The model with random weights in float32, on the CPU. The caller has checked that it is small.

    Raises:
        As `build`.
    """
    with _refusals(name):
        settings = settled(config, name)
        with _bounded():
            kind = _class(settings, config)
            model = kind(of_text(settings, kind))
            _renorm(model, settings, config)
        # Whatever another thread made torch's default format meanwhile.
        return model.float().eval().requires_grad_(False)


def _class(settings: Any, config: Mapping[str, Any]) -> Any:
    """The class that the config names; of an encoder that guesses masked words, the encoder itself."""
    named = [each for each in config.get("architectures") or () if isinstance(each, str)]
    encoder = any(each.endswith(("ForMaskedLM", "ForPreTraining")) for each in named)
    if named and not encoder and re.fullmatch(r"[A-Z]\w{2,80}", named[0]):
        found = _named(named[0])
        if found is not None and isinstance(settings, getattr(found, "config_class", None) or ()):
            return found
    causal = imported("transformers", "MODEL_FOR_CAUSAL_LM_MAPPING")
    masked = imported("transformers", "MODEL_FOR_MASKED_LM_MAPPING")
    writes = any(CAUSAL_CLASS.search(each) for each in named) if named else type(settings) not in masked
    if type(settings) in causal and writes and not encoder:
        return causal[type(settings)]
    seq2seq = imported("transformers", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING")
    if type(settings) in seq2seq and not encoder:
        return seq2seq[type(settings)]
    plain = imported("transformers", "MODEL_MAPPING")
    if type(settings) not in plain:
        raise CannotLoad("unknown_architecture", name="config.json", kind=str(settings.model_type))
    return plain[type(settings)]


def of_text(settings: Any, kind: Any) -> Any:
    """The part of a config that a class of language models reads, where the whole is of text and pictures."""
    inner = getattr(settings, "sub_configs", {}).get("text_config")
    return settings.get_text_config() if inner is not None and kind.config_class is inner else settings


def _named(name: str) -> Any:
    """A model class of transformers by name, or None."""
    base = imported("transformers", "PreTrainedModel")
    try:
        found = imported("transformers", name)
    except (AttributeError, ImportError):
        return None
    return found if isinstance(found, type) and issubclass(found, base) else None


def _untie(model: Any, config: Mapping[str, Any]) -> None:
    """Give the head weights of its own where the config says so and transformers ties it all the same.

    It does so for T5 1.1 and Flan-T5, whose files hold two different matrices.
    """
    if config.get("tie_word_embeddings") is not False:
        return
    head, table = model.get_output_embeddings(), model.get_input_embeddings()
    if head is not None and table is not None and head.weight is table.weight:
        import torch

        head.weight = torch.nn.Parameter(torch.empty_like(table.weight), requires_grad=False)


def _renorm(model: Any, settings: Any, config: Mapping[str, Any]) -> None:
    """Put the other kind of norm in every norm's place, where a what-if asks for it."""
    import torch

    wish = {"layernorm": torch.nn.LayerNorm, "rmsnorm": torch.nn.RMSNorm}.get(str(config.get("norm")))
    if wish is None:
        return
    shape = (settings.get_text_config(decoder=True).hidden_size,)
    for module in list(model.modules()):
        for name, norm in list(module.named_children()):
            weight = getattr(norm, "weight", None)
            if "Norm" in type(norm).__name__ and weight is not None and tuple(weight.shape) == shape:
                setattr(module, name, wish(shape[0]))


@functools.cache
def _mode() -> Any:
    """The class of `weightless`, made when torch is there."""
    import torch
    from torch.overrides import TorchFunctionMode
    from torch.utils._device import _device_constructors

    makers = _device_constructors()
    plain = {torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn}
    fills = {getattr(torch.Tensor, name) for name in ("uniform_", "normal_", "fill_", "zero_")}
    meta = torch.device("meta")

    class Weightless(TorchFunctionMode):  # type: ignore[misc]
        def __init__(self, follows: Any) -> None:
            self.follows = follows

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func in fills:
                return args[0]  # there is nothing to fill
            if func not in makers:
                return func(*args, **kwargs)
            if kwargs.get("device") is None:
                kwargs["device"] = meta
            if kwargs.get("dtype") is not None:
                return func(*args, **kwargs)
            if func in plain:
                kwargs["dtype"] = self.follows
                return func(*args, **kwargs)
            made = func(*args, **kwargs)
            return made.to(self.follows) if made.is_floating_point() else made

    return Weightless


def weightless(dtype: str = "float16") -> Any:
    """Inside, this thread's tensors are on the meta device, and ``dtype`` where no format is asked for.

    torch's default format is the whole process's: setting it, as transformers does, would change what other
    threads compute meanwhile. And on the meta device there is nothing to fill with random numbers.
    """
    import torch

    return _mode()(getattr(torch, dtype))


@contextmanager
def _bounded() -> Iterator[None]:
    """Counts the modules that this thread makes, and ends it where no model ends."""
    from torch.nn.modules.module import register_module_module_registration_hook

    _counting.left, _counting.deadline = MODULES, time.monotonic() + SECONDS
    me = threading.get_ident()

    def count(module: Any, name: str, child: Any) -> None:
        if threading.get_ident() != me:
            return  # another thread's model: the hook is the whole process's
        _counting.left -= 1
        if _counting.left < 0 or time.monotonic() > _counting.deadline:
            raise _TooMuch

    hook = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Whatever transformers raises on a config becomes a sentence with its reason."""
    try:
        yield
    except PlaygroundError:
        raise
    except _TooMuch:
        raise BadInput("config_too_many_modules", limit=MODULES) from None
    except RecursionError as error:
        raise BadInput("config_too_large") from error
    except Exception as error:
        log.info("cannot build %s: %r", name, error)
        raise BadInput("config_refused", name=name, reason=_reason(error)) from error


def _reason(error: Exception) -> str:
    """The most telling line of a library's message, shortened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _short(lines[-1] if lines else type(error).__name__, 200)


def _short(value: object, limit: int = 60) -> str:
    shown = repr(value) if not isinstance(value, str) else value
    return shown if len(shown) <= limit else shown[:limit] + "…"
