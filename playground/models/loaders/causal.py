"""Causal language models and their skeletons: weights as they are, in 8 bits, or in NF4."""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad, out_of_memory
from playground.models import weights
from playground.models.cache import Key, Progress, Stage
from playground.models.catalog import CAUSAL, TOKENIZER, ModelCard
from playground.models.folders import CAUSAL_CLASS
from playground.models.loaders import formats, skeletons
from playground.models.loaders.formats import Format
from playground.models.loaders.places import explain_errors, imported
from playground.system import disk

log = logging.getLogger(__name__)
_bars = threading.local()  # who hears the progress bar of the load that runs in this thread, and of what
FINGERPRINT = 16  # characters
SPARE = 2**28  # bytes of disk that a kept quantized model must leave free


def planned(card: ModelCard, path: Path) -> tuple[Any, Any]:
    """A model's config and its class.

    Args:
        path: a folder with a ``config.json``.

    Raises:
        CannotLoad: an architecture that transformers does not know, or a broken config.
    """
    with explain_errors(card, "broken_config"):
        config = skeletons.read(card, path)
        wanted = "MODEL_FOR_CAUSAL_LM_MAPPING" if writes(config) else "MODEL_MAPPING"
        kind = imported("transformers", wanted)[type(config)]
        return config, kind[0] if isinstance(kind, tuple) else kind  # Funnel has two


def format_of(card: ModelCard, path: Path, key: Key) -> Format:
    """The number format that a key's model is computed in.

    Raises:
        CannotLoad: as `planned`.
    """
    with explain_errors(card, "broken_weights"):
        packed = formats.packed(card, key.device)
        if packed is not None:
            return replace(packed, dtype=key.dtype or packed.dtype)
        return formats.of(*planned(card, path), path, key.device, key.dtype)


def skeleton(card: ModelCard, path: Path, dtype: str = "float32") -> Any:
    """The model without its weights, on torch's meta device: kilobytes, whatever its size.

    Args:
        path: a folder with a ``config.json``.

    Raises:
        CannotLoad: as `planned`.
    """
    config, kind = planned(card, path)
    with explain_errors(card, "broken_config"):
        return skeletons.made(kind, config, dtype)


def writes(config: Any) -> bool:
    """Whether a model was trained to continue text (BERT can be loaded to, but was not)."""
    if type(config) not in imported("transformers", "MODEL_FOR_CAUSAL_LM_MAPPING"):
        return False
    trained_as = getattr(config, "architectures", None) or []
    return any(CAUSAL_CLASS.search(each) for each in trained_as) if trained_as else not _encodes(config)


def silent(card: ModelCard, path: Path | None) -> str:
    """Why a card is no language model, as a key of ``errors``.

    Args:
        path: the folder of its files; None where they are not here, and then its roles alone tell.

    Raises:
        CannotLoad: its config.json is broken, or of no known architecture.
    """
    if card.roles == TOKENIZER:
        return "only_tokenizer"
    if path is None or not (path / "config.json").is_file() or not card.roles & CAUSAL:
        return "no_causal"
    with explain_errors(card, "broken_config"):
        if headless(skeletons.read(card, path)):
            return "no_lm_head"
    return "no_causal"


def headless(config: Any) -> bool:
    """Whether a model was kept without the ``lm_head`` that its architecture could have."""
    known = type(config) in imported("transformers", "MODEL_FOR_CAUSAL_LM_MAPPING")
    named = bool(getattr(config, "architectures", None))
    apart = _encodes(config) or getattr(config, "is_encoder_decoder", False)
    return known and named and not apart and not writes(config)


def _encodes(config: Any) -> bool:
    return type(config) in imported("transformers", "MODEL_FOR_MASKED_LM_MAPPING")


def estimate(card: ModelCard, path: Path, key: Key) -> int:
    """Exact bytes that the weights will take, from the config alone.

    Raises:
        CannotLoad: shapes or a device that this quantization cannot serve.
    """
    dtype = format_of(card, path, key).dtype
    plan = skeleton(card, path, dtype)
    if key.quantization:
        _check(card, plan, key)
    return weights.predicted(plan, dtype, key.quantization)


def _check(card: ModelCard, plan: Any, key: Key) -> None:
    if key.device not in ("cpu", "cuda"):
        raise CannotLoad(
            "quantization_device", name=card.name, quantization=key.quantization, device=key.device
        )
    if not weights.linears(plan):
        raise CannotLoad("quantization_nothing", name=card.name, quantization=key.quantization)
    if key.quantization == "nf4" and key.device == "cpu" and packs():
        found = weights.unpackable(plan)
        if found:
            layer, features_in, features_out = found
            raise CannotLoad(
                "quantization_shape", name=card.name, layer=layer,
                features_in=features_in, features_out=features_out,
            )  # fmt: skip


def packs() -> bool:
    """Whether bitsandbytes repacks NF4 on this CPU (it does where there is AVX512-BF16)."""
    return bool(imported("bitsandbytes.functional", "has_avx512bf16")())


def load(card: ModelCard, path: Path, key: Key, store: Path | None, pickles: bool, progress: Progress) -> Any:
    """The model from its own files, ready to answer; if quantized, also kept for `again`.

    Args:
        store: folder in which a folder of quantized models is kept; None keeps none.
        pickles: the owner allows weights that are not safetensors.

    Raises:
        CannotLoad: no weights, broken ones, or not all of them. DoesNotFit: out of memory.
    """
    with explain_errors(card, "broken_weights"), heard(card.name, progress):
        config = skeletons.read(card, path)
        if not writes(config):
            raise CannotLoad("no_lm_head" if headless(config) else "not_causal", name=card.name)
        _check_weights(card, path, pickles)
        if not key.quantization:
            return _ready(card, _read(card, path, key), key, progress)
        _bars.step = "quantize"
        model = _read(card, path, key, _recipe(key.quantization))
        if store is not None:
            progress(Stage(card.name, "store"))
            _bars.step = "store"
            _keep(model, _place(card, path, key, store), weights.measured(model))
        return _ready(card, model, key, progress)


def again(card: ModelCard, path: Path, key: Key, store: Path | None, progress: Progress) -> Any:
    """The model as it was quantized before, in a fraction of the time; None if it was not, or is no more.

    Args:
        path: a folder that holds at least what tells which version it is.
    """
    place = None if store is None or not key.quantization else _place(card, path, key, store)
    if place is None or not (place / "config.json").is_file():
        return None
    with explain_errors(card, "broken_weights"), heard(card.name, progress):
        try:
            model = _read(card, place, key)
        except Exception as error:  # a broken disk: it is made afresh
            if out_of_memory(error):
                raise
            log.warning("cannot read %s again, quantizing afresh: %r", place.name, error)
            shutil.rmtree(place, ignore_errors=True)
            return None
        return _ready(card, model, key, progress)


def _ready(card: ModelCard, model: Any, key: Key, progress: Progress) -> Any:
    """Its weights frozen, and repacked where this device wants them so."""
    import torch

    model.requires_grad_(False)
    if key.device == "cpu" and not (key.quantization == "nf4" and packs()):
        return model
    progress(Stage(card.name, "warm"))
    with torch.inference_mode():
        # The first pass repacks 4-bit weights on some CPUs, and takes workspace on a GPU: not while
        # a visitor waits for a word, and before the bytes are counted.
        model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=key.device), use_cache=False)
    return model


def _check_weights(card: ModelCard, path: Path, pickles: bool) -> None:
    if any(path.glob("*.safetensors")):
        return
    if not any(path.glob("pytorch_model*.bin")):
        raise CannotLoad("no_weights", name=card.name)
    if not pickles:
        # Unpickling runs what the file says; safetensors are numbers alone.
        raise CannotLoad("pickles_only", name=card.name)


def _read(card: ModelCard, path: Path, key: Key, quantization: Any = None) -> Any:
    import torch

    options: dict[str, Any] = (
        {"device_map": {"": key.device}} if key.quantization or key.device != "cpu" else {}
    )
    if quantization is not None:
        options["quantization_config"] = quantization
    safe = any(path.glob("*.safetensors"))
    dtype = getattr(torch, format_of(card, path, key).dtype)
    model, found = imported("transformers", "AutoModelForCausalLM").from_pretrained(
        path, dtype=dtype, trust_remote_code=False, local_files_only=True,
        use_safetensors=True if safe else None, output_loading_info=True, **options,
    )  # fmt: skip
    if found["missing_keys"]:
        # transformers makes up what is missing, at random, and only warns.
        missing = sorted(found["missing_keys"])
        raise CannotLoad("weights_missing", name=card.name, count=len(missing), first=missing[0])
    return model


def _recipe(quantization: str) -> Any:
    import torch

    config = imported("transformers", "BitsAndBytesConfig")
    if quantization == "int8":
        return config(load_in_8bit=True)
    return config(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )  # fmt: skip


def _place(card: ModelCard, path: Path, key: Key, store: Path) -> Path:
    name = f"{card.name.replace('/', '--')}-{key.quantization}-{fingerprint(path, key)}"
    return store / "quantized" / name


def _keep(model: Any, place: Path, size: int) -> None:
    """Write it beside its place and move it there whole; what fails costs only the next load's speed."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(place.parent).free < size + SPARE:
            log.warning("no room on disk to keep %s", place.name)
            return
        with disk.arriving(place, folder=True) as folder:
            model.save_pretrained(folder)
            for older in place.parent.glob(place.name[:-FINGERPRINT] + "?" * FINGERPRINT):
                disk.delete(older)  # made of files that have changed since
    except Exception as error:
        # A full disk is no OSError to safetensors. The model itself is good, and whoever waits gets it.
        log.warning("cannot keep %s: %r", place.name, error)


def fingerprint(path: Path, key: Key) -> str:
    """Changes with the files of a model, and with what quantizes them."""
    parts = [key.quantization, key.dtype, version("bitsandbytes")]
    if path.parent.name == "snapshots":  # of the Hub's cache: a commit, whichever of its files are here
        parts.append(path.name)
    else:
        for file in sorted([*path.glob("*.safetensors"), *path.glob("*.bin"), path / "config.json"]):
            stat = file.stat()
            parts += [file.name, str(stat.st_size), str(stat.st_mtime_ns)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:FINGERPRINT]


@contextmanager
def heard(name: str, progress: Progress) -> Iterator[None]:
    """Turn transformers' progress bar of this thread into stages, and show none in the log."""
    logging_of = imported("transformers.utils", "logging")
    _bars.told, _bars.step = (name, progress), "read"
    logging_of.set_tqdm_hook(_bar)  # one function for the process; which thread it is tells whose load
    try:
        yield
    finally:
        _bars.told = None


def _bar(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    told = getattr(_bars, "told", None)
    bar = factory(*args, **{**kwargs, "disable": True if told else kwargs.get("disable")})
    return _Heard(bar, args[0] if args else kwargs.get("iterable"), *told) if told else bar


class _Heard:
    """As much of tqdm's bar as transformers uses."""

    def __init__(self, bar: Any, items: Any, name: str, progress: Progress) -> None:
        self._bar, self._items, self._name, self._progress = bar, items, name, progress

    def __iter__(self) -> Iterator[Any]:
        total = len(self._items) if hasattr(self._items, "__len__") else 0
        for done, item in enumerate(self._items):
            self._progress(Stage(self._name, _bars.step, done, total))
            yield item

    def __enter__(self) -> _Heard:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bar, name)
