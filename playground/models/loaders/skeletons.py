"""A model's skeleton from nothing but its config: on torch's meta device, bounded, and without its code.

A config may come from anybody, so it is read as one reads a stranger's letter: what could make Python
allocate, fetch or run something is refused or taken out first (`sizes`); then the skeleton is built under a
limit of modules and of seconds, whatever the config says, and only as long as somebody waits for it. Every
load goes through here first: what cannot be built as a skeleton is not loaded with its weights either.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playground.errors import BadInput, CannotLoad, PlaygroundError
from playground.models import hub
from playground.models.catalog import ModelCard
from playground.models.folders import CAUSAL_CLASS
from playground.models.loaders import presets
from playground.models.loaders.incomplete import missing_field
from playground.models.loaders.places import config_of as config_file
from playground.models.loaders.places import explain_errors, imported, place
from playground.models.loaders.sizes import check, cleaned, short
from playground.models.loaders.weightless import TooMuch, bounded, weightless
from playground.system import untrusted_json

log = logging.getLogger(__name__)

LONGEST = untrusted_json.LONGEST  # characters of a config.json
LONGEST_HEADER = 25 * 2**20  # bytes of a safetensors header
MODULES = 20_000  # of 3-5 KB in Python: 80 MB
SECONDS = 8.0  # the largest model takes a tenth of one
PACKAGE = re.compile(r"pip install ([\w.-]+)|requires the (\S+) library")


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
        found = untrusted_json.parse(text)
    except untrusted_json.Unreadable as error:
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
    known = presets.find(card.name) if card.source == "package" else None
    if known is not None:
        return known.config  # before anything of it is fetched or unpacked
    path = place(card)
    file = path / "config.json" if path is not None else None
    if file is None or not file.is_file():
        raise BadInput("no_skeleton", name=card.name)
    with explain_errors(card, "broken_config"):
        return untrusted_json.read_object(file)


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
            rows = untrusted_json.parse(stream.read(length), LONGEST_HEADER, file.name)
            rows.pop("__metadata__", None)
            found |= {name: (str(row["dtype"]), tuple(map(int, row["shape"]))) for name, row in rows.items()}
    return found


@contextmanager
def _broken(card: ModelCard) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise CannotLoad("broken_weights", name=card.name) from error


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
        raise CannotLoad("unknown_architecture", name=name, kind=short(kind))
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
        model = made(kind, settings, then=lambda model: _renorm(model, settings, config))
        _untie(model, config)
        return model


def made(kind: Any, settings: Any, dtype: str = "float16", then: Any = lambda model: None) -> Any:
    """A model without weights: the one place that builds any from a config, under its limits.

    Args:
        kind: its class.
        settings: transformers' configuration object, made of a config whose sizes are checked.
        dtype: what stands for "whatever number format the model is loaded in".
        then: what is still done to it under the same limits.

    Raises:
        BadInput: more modules than any model has, or longer at it. Whatever the class raises.
        stopping.Abandoned: nobody waits for it any more.
    """
    settings._attn_implementation = "eager"  # asks for no package of another
    own = of_text(settings, kind)
    said, own.dtype = own.dtype, imported("torch", dtype)  # some parts are made in it by name
    try:
        with _limited(), weightless(dtype):
            # The class itself and not ``from_config``, which sets the default format of the whole process.
            model = kind(own)
            then(model)
            return model
    finally:
        own.dtype = said


@contextmanager
def _limited() -> Iterator[None]:
    try:
        with bounded(MODULES, SECONDS):
            yield
    except TooMuch:
        raise BadInput("config_too_many_modules", limit=MODULES) from None


def read(card: ModelCard, path: Path) -> Any:
    """transformers' own configuration object of a folder's config.json, its sizes checked before.

    Raises:
        BadInput: a size that no model has. untrusted_json.Unreadable: broken, too long, too deep.
        CannotLoad: an architecture that only code of its own knows. Whatever transformers raises.
    """
    raw = config_file(path / "config.json")
    check(raw)
    if not known(raw):
        # A repository's own code could know it; that never runs here, whoever asks.
        raise CannotLoad("unknown_architecture", name=card.name, kind=short(str(raw.get("model_type"))))
    return imported("transformers", "AutoConfig").from_pretrained(
        path, trust_remote_code=False, local_files_only=True
    )


def real(config: Mapping[str, Any], name: str = "config.json") -> Any:
    """The model with random weights in float32, on the CPU. The caller has checked that it is small.

    Raises:
        As `build`.
    """
    with refusals(name, str(config.get("model_type"))):
        settings = settled(config, name)
        with _limited():
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
    raise CannotLoad("config_no_class", name=name, kind=short(settings.model_type))


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
    except RecursionError as error:
        raise BadInput("config_too_large") from error
    except Exception as error:
        log.info("cannot build %s: %r", name, error, exc_info=True)
        raise _refused(error, name, short(kind)) from error


def _refused(error: Exception, name: str, kind: str) -> PlaygroundError:
    package = PACKAGE.search(str(error)) if isinstance(error, ImportError) else None
    if package:
        return CannotLoad("config_package", name=name, package=package[1] or package[2])
    missing = missing_field(error)
    if missing:
        return BadInput("config_incomplete", name=name, kind=kind, field=short(missing))
    return BadInput("config_refused", name=name, reason=_reason(error))


def _reason(error: Exception) -> str:
    """The most telling line of a library's message, shortened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return short(lines[-1] if lines else type(error).__name__, 200)
