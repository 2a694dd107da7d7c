"""No two results wait for the same event: Gradio's page would ask for both of them for ever.

An event with ``trigger_mode="always_last"`` that comes while its function runs is asked again afterwards.
Gradio 6.31 does this by sending the event anew to all who listen to it: of two listeners that run at the same
time, each then makes the other one wait, and each end begins the other one again. So every listener but the
first gets an event of its own: the shared one writes the time into a hidden box, whose change it hears.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

NOW = "() => String(performance.now())"


def part(app: gr.Blocks) -> int:
    """Give listeners that wait events of their own; call it last, inside the page.

    Returns:
        how many were given one.
    """
    claimed: set[tuple[int, str]] = set()
    count = 0
    for listener in list(app.fns.values()):
        shared = [(source, event) for source, event in listener.targets if source is not None]
        if listener.trigger_mode != "always_last" or not listener.fn or not shared:
            continue
        if claimed.isdisjoint(shared):
            claimed.update(shared)
            continue
        box = gr.Textbox(visible="hidden", container=False)
        _listen(app, shared, box)
        listener.targets = [(box._id, "change")]
        count += 1
    return count


def _listen(app: gr.Blocks, shared: list[tuple[int, str]], box: gr.Textbox) -> None:
    """Whichever of these events comes, the box tells the time of it; nothing is asked of the server."""
    events: list[Any] = [getattr(app.blocks[source], event) for source, event in shared]
    gr.on(events, None, None, box, js=NOW, api_visibility="private")
