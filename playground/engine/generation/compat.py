"""How the installed transformers calls a model: the one place that knows.

transformers 5.24 renamed ``forward(past_key_values=…)`` (Mamba: ``cache_params=…``) to ``forward(cache=…)``,
and the field of the answer with it. Nothing else in the app says any of these names: it asks here for the
arguments of a forward pass, and for the cache in what came back. A model that ought to have a cache, and for
which none of the names is found, is logged: without a cache every token costs the whole text again, and
nothing looks broken.
"""

from __future__ import annotations

import functools
import inspect
import logging
import weakref
from typing import Any

log = logging.getLogger(__name__)


@functools.cache
def cache_names() -> tuple[str, ...]:
    """What this transformers calls the cache in ``forward``; asked of its own ``generate``.

    A name counts only with the version that uses it: XLM had a ``cache`` of another kind before 5.24.
    """
    from transformers import GenerationMixin

    known = inspect.signature(GenerationMixin.prepare_inputs_for_generation).parameters
    return ("cache",) if "cache" in known else ("past_key_values", "cache_params")


def parameters(model: Any) -> frozenset[str]:
    """Names of the arguments of a model's ``forward``."""
    found = _parameters.get(model)
    if found is None:
        found = _parameters[model] = frozenset(inspect.signature(model.forward).parameters)
    return found


# Found out once for each model: it takes as long as a small model's pass of some tokens.
_parameters: weakref.WeakKeyDictionary[Any, frozenset[str]] = weakref.WeakKeyDictionary()


def cache_name(model: Any) -> str | None:
    """The argument of ``forward`` that takes this model's cache; None: it takes none."""
    return next((name for name in cache_names() if name in parameters(model)), None)


def ought_to_cache(model: Any) -> bool:
    """Whether transformers says that the model writes with a `DynamicCache`.

    That is what ``generate`` asks, and that the model can be told to use its cache: by its ``forward`` or its
    config. (``generate`` alone is not enough: it makes a cache for GPT-1, too, which has never taken one.)
    """
    switchable = "use_cache" in parameters(model)
    switchable = switchable or hasattr(model.config.get_text_config(decoder=True), "use_cache")
    return switchable and supports_dynamic_cache(model)


def supports_dynamic_cache(model: Any) -> bool:
    """What transformers' own ``generate`` asks before it makes a `DynamicCache`."""
    return bool(model._supports_default_dynamic_cache())


def prepares_its_inputs(model: Any) -> bool:
    """Whether the model has a way of its own to prepare the inputs of each pass in ``generate``."""
    from transformers import GenerationMixin

    return type(model).prepare_inputs_for_generation is not GenerationMixin.prepare_inputs_for_generation


def check_cache(model: Any) -> None:
    """Log a warning for a model that ought to have a cache, and for whose cache no argument is found."""
    if ought_to_cache(model) and cache_name(model) is None:
        log.warning(
            "%s ought to take a cache, but its forward has no %s: every token reads the whole text again",
            type(model).__name__,
            " or ".join(cache_names()),
        )


def new_cache(model: Any) -> Any:
    """An empty `DynamicCache` with layers as the model's config has them (whole or sliding)."""
    from transformers import DynamicCache

    return DynamicCache(config=model.config.get_text_config(decoder=True))


def with_cache(model: Any, cache: Any) -> dict[str, Any]:
    """Arguments of a forward pass that reads from this cache and adds to it.

    Raises:
        TypeError: the model takes no cache. Ask `cache_name` before.
    """
    name = cache_name(model)
    if name is None:
        raise TypeError(f"{type(model).__name__} takes no cache of keys and values")
    return {name: cache, "use_cache": True}


def returned_cache(output: Any) -> Any:
    """The cache in what a forward pass gave back, or None."""
    return next((output[name] for name in cache_names() if name in output), None)


def last_logits_only(model: Any) -> dict[str, int]:
    """Arguments by which the model makes the logits of the last position alone, where it can."""
    return {"logits_to_keep": 1} if "logits_to_keep" in parameters(model) else {}
