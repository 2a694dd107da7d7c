"""The app, floor by floor: `docs/architecture.md` shows the house, each package's docstring what it holds."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of ``app.py``, from which child processes start."""
ASSETS = ROOT / "assets"
"""Scripts, style sheets, words, lessons and data that are shipped."""
