"""What was computed, kept by content within bounds of bytes: a second look is instant, whoever looks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


class Kept:
    """A shelf for results; the least recently used goes first.

    Args:
        limit: bytes that all of them may take together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """What was kept under this key, or None."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep it; what is larger than all room is not kept."""
        with self._lock:
            old = self._held.pop(key, None)
            if old is not None:
                self.bytes -= old[1]
            if size > self.limit:
                return
            self._held[key] = (value, size)
            self.bytes += size
            while self.bytes > self.limit:
                _, (_, gone) = self._held.popitem(last=False)
                self.bytes -= gone
