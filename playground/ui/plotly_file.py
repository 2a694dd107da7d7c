"""plotly.js as plotly's own package brings it: one file, served under a name that holds its hash."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

FOLDER = "playground/assets"


@functools.cache
def path() -> Path:
    """Where the script lies, found without importing the package."""
    found = importlib.util.find_spec("plotly")
    assert found is not None and found.origin is not None, "requirements.txt has plotly"
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


@functools.cache
def address() -> str:
    """Its address, without a slash before it: a browser keeps what has such a name for good."""
    return f"{FOLDER}/plotly-{hashlib.sha256(path().read_bytes()).hexdigest()[:8]}.js"
