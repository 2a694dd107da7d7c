"""Where the folder lies that a GGUF file becomes: `playground.models.loaders.dequantized` makes it."""

from __future__ import annotations

import functools
import hashlib
from importlib import metadata
from pathlib import Path

FOLDER = "gguf"  # in the cache folder
FORM = 1  # of what is written; another number makes all of it anew
FINGERPRINT = 16  # characters


def place_of(path: Path, cache_dir: Path) -> Path:
    """Where the folder of a GGUF file lies, made or not; another file or library has another.

    Raises:
        FileNotFoundError: no such file.
    """
    about = path.stat()
    parts = (
        FORM,
        path.resolve(),
        about.st_size,
        about.st_mtime_ns,
        _version("transformers"),
        _version("gguf"),
    )
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
    return cache_dir / FOLDER / f"{path.stem}-{digest[:FINGERPRINT]}"


_version = functools.cache(metadata.version)
