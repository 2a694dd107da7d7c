"""All benches, one after the other: ``python -m tests.bench [--quick] [NAME …]``, and one table of ratios.

Each runs in a process of its own; what it says goes to standard error as it comes. One that fails is shown
with its last lines, and then the exit code is 1; a bound that is missed is marked, and fails nothing: figures
of a machine that has other work are noise.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from tests.bench.rows import FILE, QUICK, Row, figure, read

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAMES = [file.stem.removeprefix("bench_") for file in sorted(HERE.glob("bench_*.py"))]
LAST = 15  # lines of one that failed
HEAD = ("bench", "what", "ours", "baseline", "of", "ratio", "wanted", "")


def main() -> int:
    """Run those that are named, or all.

    Returns:
        the exit code: 1 if one failed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    lines: list[tuple[str, ...]] = []
    failed: dict[str, str] = {}
    for name in asked.names or NAMES:
        rows, why = run(name, asked.quick)
        lines += [cells(name, each) for each in rows]
        if why:
            failed[name] = why
            lines.append((name, "FAILED", "", "", "", "", "", "FAILED"))
    print(table([HEAD, *lines]))
    for name, why in failed.items():
        print(f"\n{name} failed:\n{why}")
    return 1 if failed else 0


def run(name: str, quick: bool) -> tuple[list[Row], str]:
    """One bench to its end.

    Returns:
        what it measured, and its last lines if it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        environment = {**os.environ, FILE: str(file), **({QUICK: "1"} if quick else {})}
        began, last = time.monotonic(), deque[str](maxlen=LAST)
        with subprocess.Popen(
            [sys.executable, str(HERE / f"bench_{name}.py")], cwd=ROOT, env=environment, text=True,
            errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            assert process.stdout
            for line in process.stdout:
                print(f"{name}: {line}", end="", file=sys.stderr, flush=True)
                last.append(line)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        rows = read(file) if file.exists() else []
    if process.returncode == 0 and rows:
        return rows, ""
    return rows, f"{''.join(last)}(exit code {process.returncode}, {len(rows)} rows)"


def cells(name: str, row: Row) -> tuple[str, ...]:
    """A line of the table."""
    figures = (f"{figure(row.ours)} {row.unit}", f"{figure(row.baseline)} {row.unit}")
    verdict = "" if not row.wanted else "MISSED" if row.missed else "holds"
    return name, row.what, *figures, row.against, f"{row.ratio:.3g}", row.wanted, verdict


def table(lines: list[tuple[str, ...]]) -> str:
    """Columns as wide as they must be, in Markdown."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rules = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rules, *lines[1:])
    )


if __name__ == "__main__":
    sys.exit(main())
