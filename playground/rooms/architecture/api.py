"""The Architecture panel for programs: ``/inspect``; README promises it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import BadInput
from playground.rooms.architecture import memory, view_gguf
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.service import ArchitectureService, limits
from playground.ui.visitor import guard

# A queue of its own: who asks the Hub for a config keeps nobody from tokens.
BUILDING: dict[str, Any] = {"concurrency_id": "architecture", "concurrency_limit": 8}


def plain(plan: Architecture, context: int) -> dict[str, Any]:
    """A plan as JSON."""
    rows = [
        {
            "path": node.path, "class": node.kind, "repeat": node.repeat, "parameters": node.parameters,
            "weights": {name: list(shape) for name, shape in node.weights.items()},
        }
        for _, node in plan.rows()
    ]  # fmt: skip
    return {
        "architecture": plan.kind,
        "model_type": plan.model_type,
        "parameters": plan.parameters,
        "active_parameters": plan.active,
        "tied_parameters": plan.tied,
        "modules": rows,
        "memory": {**dict.fromkeys(memory.PRECISIONS), **memory.in_bytes(plan)},
        "kv_cache_bytes_per_token": memory.cache_per_token(plan),
        "kv_cache_bytes": memory.cache_bytes(plan, context),
        "config": plan.config,
    }


def build(do: ArchitectureService) -> None:
    """Register the endpoint on the page being built."""

    def inspect(
        model: str,
        changes: dict[str, Any] = {},  # noqa: B006  (the schema shows it)
        config: dict[str, Any] | None = None,
        context: int = 2048,
    ) -> dict[str, Any]:
        """Count a model's architecture exactly, without its weights: modules, parameters, memory, KV cache.

        Args:
            model: a name as the menu shows it, a Hub id, or a folder of the models folder.
            changes: what-if, like {"num_hidden_layers": 24, "tie_word_embeddings": true}.
            config: the content of a config.json, in place of a model's.
            context: tokens that the KV cache holds.

        Returns:
            architecture, model_type, parameters, active_parameters (null where it is not told how many
            experts one token uses), tied_parameters, modules (path, class, repeat, parameters, weights; rows
            of one level sum to their parent), memory (bytes in each precision), kv_cache_bytes_per_token
            and kv_cache_bytes (null where it is not told what the layers keep), config, and baseline: the
            same before the changes. Of a GGUF file also gguf: kinds (by number format: tensors, parameters,
            bytes, bits), tensors (name, kind, shape, bytes) and metadata.
        """
        tokens, _ = limits(context, 1)
        if config is not None and not isinstance(config, dict):
            raise BadInput("config_no_object", kind=type(config).__name__)
        if config is not None:
            before = do.build(config, model.strip() if isinstance(model, str) and model.strip() else "config")
        else:
            before, _ = do.plan(model)
        after = do.changed(before, changes or {}) if changes else before
        header = do.file(before)
        inside = {"gguf": view_gguf.plain(header)} if header else {}
        return {**plain(after, tokens), "baseline": plain(before, tokens), **inside}

    gr.api(guard(inspect), api_name="inspect", **BUILDING)
