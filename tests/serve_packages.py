"""``app.py`` for tests of packaged models: none is installed, and an index of the test's own has others.

The first argument is JSON: the row of each package (`playground.models.packages.Package`), and the checksum
of SmolLM2's file. What follows goes to the app.
"""

from __future__ import annotations

import dataclasses
import json
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from playground.models import catalog, packages  # noqa: E402

if __name__ == "__main__":
    told = json.loads(sys.argv.pop(1))
    packages.installed = lambda module: None
    for name, row in told["packages"].items():
        packages.PACKAGES[name] = packages.Package(**{**row, "files": tuple(row["files"])})
    card = dataclasses.replace(catalog.SMOLLM2, sha256=told["sha256"])
    catalog.PACKAGED_BY_NAME[card.name] = card
    runpy.run_path(str(HERE.with_name("serve.py")), run_name="__main__")
