"""What does a process of its own cost a stranger's tokenizer? ``python tests/bench/bench_confined.py``.

1. A page of text (3,000 characters): in a process of its own against in this one; 30 ms more are allowed.
2. A long text of 100,000 characters, the same way.
3. The first look: opening the files and fetching the vocabulary.
4. The embedded tokenizer while a stranger's pattern runs without end, against the same while all is quiet.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground.engine.tokenizers.libraries import Adapter, adapter  # noqa: E402
from playground.engine.tokenizers.tokenize import tokenize  # noqa: E402
from playground.errors import TookTooLong  # noqa: E402
from playground.models.cache import Loaded  # noqa: E402
from playground.models.catalog import EMBEDDED_BY_NAME, ModelCard  # noqa: E402
from playground.models.loaders import tokenizers  # noqa: E402
from playground.models.loaders.places import place  # noqa: E402
from tests.bench.bench_tokens import of_length  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402
from tests.rooms.architecture import hostile_configs  # noqa: E402

ALLOWED = 30.0  # ms that a page of text may take more
SHARED = ROOT.parent / "shared" / "models"


def times(run: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of each of so many runs."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        run()
        found.append((time.perf_counter() - began) * 1e3)
    return found


def pair(path: Path, name: str) -> tuple[Adapter, Adapter, float, float]:
    """The tokenizer here and there, and the milliseconds that opening it took."""
    card = ModelCard(name, "folder", str(path))
    began = time.perf_counter()
    here = adapter(Loaded(card, tokenizers.read(card, path)))
    between = time.perf_counter()
    there = adapter(Loaded(card, tokenizers.confined(card, path)))
    there.piece(0)  # its vocabulary comes over
    return here, there, (between - began) * 1e3, (time.perf_counter() - between) * 1e3


def main() -> None:
    embedded = place(EMBEDDED_BY_NAME["all-MiniLM-L6-v2"])
    assert embedded is not None
    folders = [embedded, *sorted(each.parent for each in SHARED.glob("*/tokenizer.json"))]
    for path in folders:
        name = path.name if path != embedded else "all-MiniLM-L6-v2"
        here, there, alone, apart = pair(path, name)
        row(f"{name}: opened, with its vocabulary", apart, alone, "ms", "in this process")
        for what, length in (("a page", 3_000), ("100,000 characters", 100_000)):
            text = of_length(length)
            tokenize(here, name, text)
            tokenize(there, name, text)
            ours, plain = (
                statistics.median(times(partial(tokenize, it, name, text), rounds(21)))
                for it in (there, here)
            )
            most = (plain + ALLOWED) / plain if length == 3_000 else None
            row(f"{name}: {what}", ours, plain, "ms", "in this process", most=most)
        there.tokenizer.close()
    disturbed(embedded)


def disturbed(path: Path) -> None:
    """The embedded one beside a pattern that runs until it is killed."""
    card = EMBEDDED_BY_NAME["all-MiniLM-L6-v2"]
    ours = adapter(Loaded(card, tokenizers.read(card, path)))
    text = of_length(3_000)
    quiet = sorted(times(lambda: ours.encode(text), 300))
    with tempfile.TemporaryDirectory() as folder:
        theirs = hostile_configs.opened(hostile_configs.written(Path(folder), hostile_configs.quadratic()))

        def ask() -> None:
            with suppress(TookTooLong):
                theirs.encode("a" * 200_000)

        thread = threading.Thread(target=ask)
        thread.start()
        busy = sorted(times(lambda: ours.encode(text), 300))
        thread.join()
    row("p99 of a page beside an endless pattern", busy[297], quiet[297], "ms", "all quiet", most=3)


if __name__ == "__main__":
    main()
