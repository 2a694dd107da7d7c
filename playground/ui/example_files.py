"""The files of worked examples: a page paints them before any library is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read(path: Path) -> Any:
    """What a JSON file of ours holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, content: Any) -> None:
    """Write it as JSON, a line."""
    whole = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.write_text(whole + "\n", encoding="utf-8")
