"""``app.py`` for tests: nothing is warmed up, and single panels are served when they are asked for.

A line ``songs 4711`` on standard input serves the page with the Songs panel alone on that port: it opens in a
fraction of the time of the whole page. All pages share one process and its models. The command line is the
app's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])

import app as whole  # noqa: E402
from playground.rooms import all_rooms  # noqa: E402
from playground.shell.page import begin, build_app, launch  # noqa: E402

LOOKS = 0.02  # seconds between two looks of Gradio's queue; as it comes, an idle page takes 4 % of a core


def serve(page: Any, port: int, **changed: Any) -> None:
    """One page on one port."""
    launch(page, whole.context, server_port=port, **changed)
    page._queue.sleep_when_free = LOOKS


if __name__ == "__main__":
    begin(whole.context)
    serve(whole.app, whole.settings.port)
    panels = {panel.KEY: panel for panel in all_rooms()}
    for line in sys.stdin:
        name, port = line.split()
        serve(build_app(whole.context, [panels[name]]), int(port), mcp_server=False)  # the whole page has it
