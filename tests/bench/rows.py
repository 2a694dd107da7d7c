"""What a bench found: our figure, its baseline of the same run, and the bound that was wanted.

A bench run by hand prints each as a line; ``python -m tests.bench`` collects all of them into one table.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "BENCH_ROWS"  # environment variable: where to write rows, one as JSON a line
QUICK = "BENCH_QUICK"  # environment variable: fewer repetitions, coarser figures


@dataclass(frozen=True)
class Row:
    """One figure beside another.

    Args:
        what: is measured.
        ours, baseline: both in the same unit.
        against: what the baseline is.
        most, least: bounds of ``ours / baseline``, where one was wanted.
    """

    what: str
    ours: float
    baseline: float
    unit: str
    against: str
    most: float | None = None
    least: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the baseline ours is."""
        return self.ours / self.baseline if self.baseline else float("inf")

    @property
    def wanted(self) -> str:
        """The bound, as it is written."""
        bounds = (("≤", self.most), ("≥", self.least))
        return ", ".join(f"{sign} {bound:.4g}" for sign, bound in bounds if bound is not None)

    @property
    def missed(self) -> bool:
        """Whether a bound is."""
        over = self.most is not None and self.ratio > self.most
        return over or (self.least is not None and self.ratio < self.least)


def row(
    what: str, ours: float, baseline: float, unit: str, against: str, *,
    most: float | None = None, least: float | None = None,
) -> None:  # fmt: skip
    """Tell one, and write it down for the table if somebody collects."""
    made = Row(what, float(ours), float(baseline), unit, against, most, least)
    wanted = f" (wanted: {made.wanted}{': MISSED' if made.missed else ''})" if made.wanted else ""
    print(
        f"{what}: {figure(made.ours)} {unit} against {figure(made.baseline)} ({against}), "
        f"ratio {made.ratio:.3g}{wanted}",
        flush=True,
    )
    if file := os.environ.get(FILE):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(made)) + "\n")


def read(file: Path) -> list[Row]:
    """What was written down there."""
    return [Row(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def rounds(wanted: int) -> int:
    """So many repetitions, or a third of them where it should be quick."""
    return max(2, wanted // 3) if os.environ.get(QUICK) else wanted


def figure(value: float) -> str:
    """Three digits that count; large ones in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def chromium() -> str:
    """The browser to measure in.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := os.environ.get("CHROMIUM") or shutil.which(name):
            return path
    raise FileNotFoundError("no Chromium found: install it, or name it in the environment variable CHROMIUM")
