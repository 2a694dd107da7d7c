"""A model's skeleton from nothing but its config: on torch's meta device, bounded, and without its code.

A config may come from anybody, so it is read as one reads a stranger's letter: what could make Python
allocate, fetch or run something is refused or taken out first; then the skeleton is built under a limit
of modules and of seconds, whatever the config says.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playground import foreign_json, hub
from playground.catalog import CAUSAL_CLASS, ModelCard
from playground.errors import BadInput, CannotLoad, PlaygroundError
from playground.loaders.incomplete import missing_field
from playground.loaders.places import imported, place, told
from playground.loaders.weightless import TooMuch, bounded, weightless

log = logging.getLogger(__name__)

LONGEST = foreign_json.LONGEST  # characters of a config.json
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
PACKAGE = re.compile(r"pip install ([\w.-]+)|requires the (\S+) library")
# What a config may say about how code is found or run, not about the model's shape.
DROPPED = re.compile(
    r"(_.*|auto_map|attn_implementation|experts_implementation|quantization_config|compression_config|"
    r"device_map|use_pretrained_backbone|trust_remote_code|transformers_version|torchscript|gradient_check.*)"
)


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
        found = foreign_json.parse(text)
    except foreign_json.Unreadable as error:
        if error.why == "deep":
            raise BadInput("config_too_large") from error
        raise BadInput("config_not_json", line=getattr(error.__cause__, "lineno", 0)) from error
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
    with told(card, "broken_config"):
        return foreign_json.read_object(file)


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
            rows = foreign_json.parse(stream.read(length), LONGEST_HEADER, file.name)
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
    with refusals(name, kind):
        return imported("transformers", "CONFIG_MAPPING")[kind].from_dict(clean)


def build(config: Mapping[str, Any], name: str = "config.json") -> Any:
    """The model without weights. Its float16 stands for "whatever number format the model is loaded in".

    Raises:
        As `settled`; BadInput: more modules than any model has.
    """
    with refusals(name, str(config.get("model_type"))):
        settings = settled(config, name)
        kind = _class(settings, config, name)
        settings._attn_implementation = "eager"
        with bounded(MODULES, SECONDS), weightless():
            model = kind(of_text(settings, kind))
            _renorm(model, settings, config)
        _untie(model, config)
        return model


def real(config: Mapping[str, Any], name: str = "config.json") -> Any:
    """The model with random weights in float32, on the CPU. The caller has checked that it is small.

    Raises:
        As `build`.
    """
    with refusals(name, str(config.get("model_type"))):
        settings = settled(config, name)
        with bounded(MODULES, SECONDS):
            kind = _class(settings, config, name)
            model = kind(of_text(settings, kind))
            _renorm(model, settings, config)
        # Whatever another thread made torch's default format meanwhile.
        return model.float().eval().requires_grad_(False)


def _class(settings: Any, config: Mapping[str, Any], name: str) -> Any:
    """The class that the config names; where it names none, the one that writes, if there is one."""
    named = [each for each in config.get("architectures") or () if isinstance(each, str)]
    if named and re.fullmatch(r"[A-Z]\w{2,80}", named[0]):
        found = _named(named[0])
        if found is not None and isinstance(settings, getattr(found, "config_class", None) or ()):
            return found
    masked = _mapped("MODEL_FOR_MASKED_LM_MAPPING", settings)
    writes = any(CAUSAL_CLASS.search(each) for each in named) if named else masked is None
    wanted = ["MODEL_FOR_CAUSAL_LM_MAPPING"] if writes else []
    wanted += ["MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING", "MODEL_MAPPING"]
    if not named:
        wanted.insert(-1, "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING")
    for mapping in wanted:
        found = _mapped(mapping, settings)
        if found is not None:
            return found
    raise CannotLoad("config_no_class", name=name, kind=_short(settings.model_type))


def _mapped(mapping: str, settings: Any) -> Any:
    """The class of a kind that an architecture has, or None; where it has two (as Funnel), the whole one."""
    known = imported("transformers", mapping)
    if type(settings) not in known:
        return None
    try:
        found = known[type(settings)]
    except (ValueError, AttributeError):  # named in the list, and nowhere made
        return None
    return found[0] if isinstance(found, tuple) else found


def of_text(settings: Any, kind: Any) -> Any:
    """The part of a config that a class reads, where the whole is of several models (text and pictures)."""
    wanted = kind.config_class
    if isinstance(settings, wanted):
        return settings
    for name, part in getattr(settings, "sub_configs", {}).items():
        if part is wanted:
            return settings.get_text_config() if name == "text_config" else getattr(settings, name)
    return settings


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


@contextmanager
def refusals(name: str, kind: str = "") -> Iterator[None]:
    """Whatever is raised while a model is built or read from a config becomes a sentence with its reason.

    Args:
        name: of the model.
        kind: its ``model_type``.
    """
    try:
        yield
    except PlaygroundError:
        raise
    except TooMuch:
        raise BadInput("config_too_many_modules", limit=MODULES) from None
    except RecursionError as error:
        raise BadInput("config_too_large") from error
    except Exception as error:
        log.info("cannot build %s: %r", name, error, exc_info=True)
        raise _refused(error, name, _short(kind)) from error


def _refused(error: Exception, name: str, kind: str) -> PlaygroundError:
    package = PACKAGE.search(str(error)) if isinstance(error, ImportError) else None
    if package:
        return CannotLoad("config_package", name=name, package=package[1] or package[2])
    missing = missing_field(error)
    if missing:
        return BadInput("config_incomplete", name=name, kind=kind, field=_short(missing))
    return BadInput("config_refused", name=name, reason=_reason(error))


def _reason(error: Exception) -> str:
    """The most telling line of a library's message, shortened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _short(lines[-1] if lines else type(error).__name__, 200)


def _short(value: object, limit: int = 60) -> str:
    shown = repr(value) if not isinstance(value, str) else value
    return shown if len(shown) <= limit else shown[:limit] + "…"
