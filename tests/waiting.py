"""Waiting with an end: a test that waits for ever hangs the suite instead of failing it."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 30.0  # seconds; a busy machine takes its time


def until(condition: Callable[[], object], what: str = "", seconds: float = PATIENCE) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain{': ' if what else ''}{what}"
        time.sleep(0.01)
