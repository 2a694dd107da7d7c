"""Files that a visitor may download: made in a folder of their own, deleted an hour after a page showed them.

Gradio copies what a button is given to a folder of its own, from which it is served, and deletes the copy an
hour later (`LIFE`). A page that still shows it says so in time, so that its button does not end in nothing.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from playground import disk
from playground.panels.visitor import guard

OUTGOING = "outgoing-"  # begins the name of a folder that Gradio has not copied yet
COPIED = 600.0  # seconds after which it surely has
LIFE = 3600  # seconds that Gradio keeps a file which no page shows
LOOKS = 600  # seconds between two looks for such
TELLS = 1200  # seconds after which a page tells that it still shows its files


def outgoing() -> Path:
    """An empty folder for one visitor's files, which Gradio copies at once; those of others are deleted.

    It lies in Gradio's own folder, which only this server's account may read: Gradio serves nothing of the
    cache's folder.

    Raises:
        CannotLoad: the disk is full or read-only.
    """
    root = Path(get_upload_folder())
    for old in root.glob(f"{OUTGOING}*"):
        if disk.older(old, COPIED):
            disk.delete(old)
    folder = root / f"{OUTGOING}{secrets.token_hex(16)}"
    with disk.told(""):
        folder.mkdir(mode=0o700, parents=True)
    return folder


def still_shown(app: gr.Blocks) -> None:
    """Let a page keep the files alive that its buttons offer, as long as it is open. Call it last.

    Neither this nor Gradio's deleting opens a stream: a page asks once in twenty minutes.
    """
    shown = [block for block in app.blocks.values() if isinstance(block, gr.DownloadButton)]
    if shown:
        timer = gr.Timer(TELLS)
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
        timer.tick(guard(_used), shown, None, **quiet)


def _used(*paths: str | None) -> None:
    for path in paths:
        if path:
            disk.used(Path(path))
