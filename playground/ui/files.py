"""Files that a visitor may download: made in a folder of their own, deleted an hour after a page showed them.

They lie in Gradio's folder, from which they are served as they are. A page that still shows one says so in
time, so that its button does not end in nothing. Gradio's own deleting forgets what a button was given after
the page was made, so that we look for ourselves.
"""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from playground.system import disk
from playground.ui.visitor import guard

OUTGOING = "outgoing-"  # begins the name of a folder of files to download
LIFE = 3600  # seconds that a file is kept which no page shows
LOOKS = 600  # seconds between two looks for such
TELLS = 1200  # seconds after which a page tells that it still shows its files


def outgoing() -> Path:
    """An empty folder for one visitor's files, whose name nobody guesses; forgotten ones are deleted.

    It lies in Gradio's own folder, which only this server's account may read: Gradio serves nothing of the
    cache's folder.

    Raises:
        CannotLoad: the disk is full or read-only.
    """
    root = Path(get_upload_folder())
    delete_forgotten(root, OUTGOING)
    folder = root / f"{OUTGOING}{secrets.token_hex(16)}"
    with disk.explain_errors(""):
        folder.mkdir(mode=0o700, parents=True)
    return folder


def offered(path: Path) -> dict[str, Any]:
    """What a download button is set to, so that it offers a file (`runs.sets`)."""
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def delete_forgotten(folder: Path, prefix: str = "") -> None:
    """Delete what has lain in a folder for an hour without a page that shows it.

    Args:
        prefix: of the names that may be deleted.
    """
    for each in disk.listed(folder):
        if each.name.startswith(prefix) and disk.older(each, LIFE):
            disk.delete(each)


def keep_deleting(folder: Path) -> None:
    """`delete_forgotten` every ten minutes, of a folder that is this server's alone."""

    def look() -> None:
        while True:
            time.sleep(LOOKS)
            delete_forgotten(folder)

    threading.Thread(target=look, name="files", daemon=True).start()


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
