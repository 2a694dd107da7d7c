"""What visitors' conversations have read so far, kept on the model, within bounds.

A trace is worth keeping (the next turn of a chat begins where the last one ended) and costs memory, so the
least recently used go when there are too many, or too large ones. They go with the model, too.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from playground.models import Loaded
from playground.subjects.passes import Trace

MOST = 64  # conversations
MOST_BYTES = 2**28


class Shelf:
    """Traces by conversation, least recently used first."""

    def __init__(self) -> None:
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._lock = threading.Lock()

    def trace(self, conversation: str) -> Trace:
        """The trace of a conversation, a new one if need be; others may go for it."""
        with self._lock:
            found = self._traces.setdefault(conversation, Trace())
            self._traces.move_to_end(conversation)
            while len(self._traces) > 1 and (
                len(self._traces) > MOST or sum(trace.bytes for trace in self._traces.values()) > MOST_BYTES
            ):
                self._traces.popitem(last=False)[1].clear()
            return found

    def __len__(self) -> int:
        return len(self._traces)


def shelf(loaded: Loaded) -> Shelf:
    """The shelf of a leased model; there is one per load."""
    found: Shelf = loaded.memo.setdefault("shelf", Shelf())
    return found
