"""Starts ``app.py`` and writes down every address that its process asks for: ``watched_app.py FILE …``.

One JSON list a line: the audit event and what was asked for. The rest of the command line is the app's.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

WATCHED = {
    "socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}  # fmt: skip


def watch(file: Path) -> None:
    """From now on, one line in ``file`` for each address."""
    seen = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event in WATCHED:
            asked = given[WATCHED[event]]
            if isinstance(asked, tuple):
                asked = asked[0]
            told = asked.decode(errors="replace") if isinstance(asked, bytes) else asked
            os.write(seen, (json.dumps([event, told]) + "\n").encode())

    sys.addaudithook(hook)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    watch(Path(sys.argv[1]))
    del sys.argv[1]
    sys.path[0] = str(root)
    runpy.run_path(str(root / "app.py"), run_name="__main__")
