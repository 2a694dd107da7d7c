"""The one cache of things computed or seen: within bounds, the least recently used go first.

What is counted is for the caller to say: bytes, or 1 each.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class LRU(Generic[V]):
    """A shelf, shared by all threads.

    Args:
        limit: what all of them may take together.
        least: so many of the newest stay, however large they are.
    """

    def __init__(self, limit: int, least: int = 0) -> None:
        self.limit = limit
        self.least = least
        self.size = 0
        self._held: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        """What was kept under this key, which is now the newest; or None."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: V, size: int = 1) -> None:
        """Keep it, in place of what was kept under this key; what is larger than all room is not kept."""
        with self._lock:
            old = self._held.pop(key, None)
            if old is not None:
                self.size -= old[1]
            if size > self.limit and not self.least:
                return
            self._held[key] = (value, size)
            self.size += size
            while self.size > self.limit and len(self._held) > self.least:
                _, (_, gone) = self._held.popitem(last=False)
                self.size -= gone

    def __len__(self) -> int:
        return len(self._held)
