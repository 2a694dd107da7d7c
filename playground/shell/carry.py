"""What is set on the page comes along when its language changes: the controls that no panel carries itself.

The page then loads anew. Panels whose result hangs on their controls bring both back by
``playground.carried``; every other control would stand as it was built. Here one event hears all of those,
and one puts their values back: a new control is carried without being named anywhere. What the page's store
holds (`playground.ui.controls`) is left to it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.ui.controls import page_of

NAME = "others"  # under which the page keeps them, beside the panels' names
KINDS = (gr.Textbox, gr.Number, gr.Slider, gr.Dropdown, gr.Radio, gr.Checkbox, gr.CheckboxGroup)
KEEP = f"(...values) => {{ window.playground.remember('{NAME}', values); }}"
BRING = f"(...built) => window.playground.brought('{NAME}', built)"


def part(app: gr.Blocks) -> list[Any]:
    """Carry what is left; call it last, inside the page.

    Returns:
        the controls that are carried here, in the order of the page.
    """
    taken = {
        output._id
        for listener in app.fns.values()
        if isinstance(listener.js, str) and ".carried" in listener.js
        for output in listener.outputs
    }
    taken |= {each.component._id for each in page_of(app).controls.values() if each.component is not None}
    left = [block for number, block in sorted(app.blocks.items()) if number not in taken and _set(block)]
    if left:
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
        gr.on([each.change for each in left], None, left, None, js=KEEP, **quiet)
        app.load(None, left, left, js=BRING, **quiet).then(None, left, None, js=KEEP, **quiet)
    return left


def _set(block: Any) -> bool:
    """A visitor sets it: it has a label, unlike the boxes in which a panel notes something for itself."""
    seen = isinstance(block, KINDS) and block.label is not None and block.visible is True
    return seen and block.interactive is not False
