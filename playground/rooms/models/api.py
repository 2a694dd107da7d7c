"""The Models drawer for programs: ``/models``; README promises it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.rooms.models.inventory import inventory
from playground.ui.context import Context
from playground.ui.visitor import TOKENIZING, guard


def build(context: Context) -> None:
    """Register the endpoint on the page being built."""

    def models() -> list[dict[str, Any]]:
        """List what this server can load and what it holds.

        Returns:
            One object a model: name, roles, source, state ("loaded", "ready" or "download"), bytes it takes
            in memory, device, dtype, leases (how many are using it now).
        """
        return inventory(context)

    gr.api(guard(models), api_name="models", **TOKENIZING)
