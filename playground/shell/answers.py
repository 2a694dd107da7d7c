"""What programs ask and are answered passes Gradio unsearched: none of it is a file.

Gradio walks through all of it on its event loop, key by key, looking for files to move: through the tokens of
a long text for two seconds, in which nobody else is answered. Endpoints made by ``gr.api`` take no files, and
one that gives a file gives nothing else.
"""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Let Gradio's search pass by what ``gr.api`` takes and gives; a second time does nothing."""
    from gradio import processing_utils
    from gradio.components.api_component import Api

    search = processing_utils.async_move_files_to_cache
    if getattr(search, "ours", False):
        return

    async def searched(data: Any, block: Any, *given: Any, **named: Any) -> Any:
        if isinstance(block, Api) and not _file(data):
            return data
        return await search(data, block, *given, **named)

    searched.ours = True  # type: ignore[attr-defined]
    processing_utils.async_move_files_to_cache = searched


def _file(data: Any) -> bool:
    """Whether an answer is a file: Gradio's FileData, as it is or as a dictionary."""
    return hasattr(data, "path") or (isinstance(data, dict) and "path" in data and "meta" in data)
