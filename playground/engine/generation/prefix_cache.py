"""What visitors' conversations have read so far, kept on the model, within bounds.

A trace is worth keeping (the next turn of a chat begins where the last one ended) and costs memory, so the
least recently used go when there are too many, too large ones (one alone may be too large, too), and all that
nobody has gone on with for a while. What is kept counts in the cache's bytes (`models.Held`): where a model
needs the room, traces go before any model does. They go with the model, too.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from playground.engine.generation.kv_cache import KVCache, kv_cache_for
from playground.models.cache import Loaded

MOST = 64  # conversations
MOST_BYTES = 2**28  # of all of them, or a quarter of what the model's weights take if that is more
IDLE = 900.0  # seconds after which a conversation is read anew


class CachedPrefix:
    """What a model has read, kept by a visitor between replies: hand it to the next one.

    Whatever the next text has in common with this one from its beginning is not read again. While a reply
    runs it has the trace to itself; a second one meanwhile reads all of its text. What was read by another
    model, or by this one before it was unloaded, does not count.

    Args:
        ended: called whenever a reply has given it back.
        clock: seconds.
    """

    def __init__(
        self, ended: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ended, self._clock = ended, clock
        self._kv: KVCache | None = None
        self._using: KVCache | None = None
        self._lock = threading.RLock()  # given back by generators that end inside a garbage collection
        self.used = clock()  # when it was taken or given back last

    @property
    def ids(self) -> list[int]:
        """What it holds, as ids."""
        kv = self._kv
        return list(kv.fed) if kv else []

    @property
    def bytes(self) -> int:
        """Memory of its keys and values, those of a running reply too."""
        return sum(kv.bytes for kv in {self._kv, self._using} if kv)

    @property
    def in_use(self) -> bool:
        """Whether a reply is running on it."""
        return self._using is not None

    def clear(self) -> None:
        """Free everything; a running reply frees its own when it ends."""
        with self._lock:
            self._kv = self._using = None

    def free(self) -> int:
        """Free what it holds, unless a reply is running on it; how many bytes came free."""
        with self._lock:
            if self._using is not None or self._kv is None:
                return 0
            size, self._kv = self._kv.bytes, None
            return size

    def take(self, model: Any) -> KVCache:
        """For one reply; give it back with `put`."""
        with self._lock:
            found, self._kv = self._kv, None
            if found is None or found.model is not model:
                found = kv_cache_for(model)
            self._using, self.used = found, self._clock()
            return found

    def put(self, kv: KVCache) -> None:
        """After the reply; not kept where it was cleared meanwhile, or another reply came later."""
        with self._lock:
            mine = self._using is kv
            if mine:
                self._kv, self._using = kv if kv.lasting else None, None
                self.used = self._clock()
        if mine:
            self._ended()


class PrefixCache:
    """Traces by conversation, least recently used first. Traces of running replies stay whatever happens.

    Args:
        most_bytes: that all traces together keep.
        clock: seconds; tests bring their own.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most_bytes, clock
        self._traces: OrderedDict[str, CachedPrefix] = OrderedDict()
        self._lock = threading.RLock()  # replies end inside garbage collections, too
        self._timer: threading.Timer | None = None

    def prefix(self, conversation: str) -> CachedPrefix:
        """The trace of a conversation, a new one if need be; others may go for it."""
        with self._lock:
            found = self._traces.get(conversation)
            if found is None:
                ended = weakref.WeakMethod(self._ended)
                found = self._traces[conversation] = CachedPrefix(lambda: _called(ended), self._clock)
            self._traces.move_to_end(conversation)
            self._trim(spared=found)
            return found

    @property
    def bytes(self) -> int:
        """Of keys and values, those of running replies among them."""
        return sum(prefix.bytes for prefix in list(self._traces.values()))

    def free(self) -> int:
        """Give up all that no reply is using; how many bytes came free."""
        with self._lock:
            return sum(self._drop(name) for name in list(self._traces))

    def sweep(self) -> None:
        """Give up what nobody has gone on with for `IDLE` seconds."""
        with self._lock:
            oldest = self._clock() - IDLE
            for name, prefix in list(self._traces.items()):
                if prefix.used <= oldest:
                    self._drop(name)
            self._timer = None
            self._watch()

    def __len__(self) -> int:
        return len(self._traces)

    def _ended(self) -> None:
        with self._lock:
            self._trim()
            self._watch()

    def _trim(self, spared: CachedPrefix | None = None) -> None:
        for name, prefix in list(self._traces.items()):
            if len(self._traces) <= MOST and self.bytes <= self._most:
                return
            if prefix is not spared:
                self._drop(name)

    def _drop(self, name: str) -> int:
        if self._traces[name].in_use:
            return 0
        return self._traces.pop(name).free()

    def _watch(self) -> None:
        """Have the next one that will be too old looked at in time; the model is not held for it."""
        waiting = [prefix.used for prefix in list(self._traces.values()) if not prefix.in_use]
        if self._timer is not None or not waiting:
            return
        sweep = weakref.WeakMethod(self.sweep)
        self._timer = threading.Timer(max(0.0, min(waiting) + IDLE - self._clock()) + 1, _called, (sweep,))
        self._timer.daemon = True
        self._timer.start()


def _called(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    found = method()
    if found is not None:
        found()


def prefix_cache(loaded: Loaded) -> PrefixCache:
    """The shelf of a leased model; there is one per load."""
    found = loaded.held.setdefault("shelf", PrefixCache(max(MOST_BYTES, loaded.bytes // 4)))
    assert isinstance(found, PrefixCache)
    return found
