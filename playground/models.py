"""ModelCache: the only place that loads. One load per key, eviction by bytes, never of what is in use.

    with models.lease(card, "tokenizer") as loaded:
        ...

What it promises (the schedulers of other tools break one or more of these):

- one load per key, however many ask at once; who asks meanwhile waits and sees its progress;
- least recently used goes first, counted in bytes, and never what is leased or loading;
- what can never fit is refused at once; a failure is not remembered, so the next try is a fresh one;
- the key holds everything that changes the answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from playground.catalog import ModelCard, Role
from playground.errors import DoesNotFit

Progress = Callable[[float, str], None]
"""Told how far a load is: a share from 0 to 1, and the name of what is loading."""


@dataclass(frozen=True)
class Key:
    """Everything that changes what a load gives."""

    source: str
    where: str
    revision: str
    role: Role
    device: str
    dtype: str
    quantization: str


@dataclass
class Loaded:
    """What a lease gives. Belongs to the cache: use it inside the ``with`` block only.

    ``memo`` is for what a subject derives from it once (tables of a vocabulary, say); it goes when
    the model goes.
    """

    card: ModelCard
    tokenizer: Any
    model: Any = None
    device: str = "cpu"
    bytes: int = 0
    memo: dict[str, Any] = field(default_factory=dict)


class Loader(Protocol):
    """What really loads. Tests bring their own."""

    def estimate(self, card: ModelCard, key: Key) -> int:
        """Bytes that it will take, as well as can be told without loading (0: unknown)."""

    def load(self, card: ModelCard, key: Key, progress: Progress) -> Loaded:
        """Load it, or raise a PlaygroundError."""


@dataclass
class _Entry:
    key: Key
    card: ModelCard
    bytes: int
    loaded: Loaded | None = None  # None while it loads
    failure: BaseException | None = None
    leases: int = 0
    used: float = 0.0
    done: float = 0.0  # share loaded so far


@dataclass(frozen=True)
class Status:
    """One row of what is in the cache."""

    card: ModelCard
    role: Role
    state: Literal["loading", "loaded"]
    bytes: int
    device: str
    dtype: str
    leases: int
    idle_seconds: float

    @property
    def name(self) -> str:
        """As menus show it."""
        return self.card.name


class ModelCache:
    """All models of all panels.

    Args:
        budget: bytes that everything loaded may take together.
        loader: what loads.
        patience: seconds to wait for leased memory to come free before refusing.
    """

    def __init__(self, budget: int, loader: Loader, *, patience: float = 30.0) -> None:
        self.budget = budget
        self._loader = loader
        self._patience = patience
        self._entries: dict[Key, _Entry] = {}
        self._changed = threading.Condition()

    @contextmanager
    def lease(
        self,
        card: ModelCard,
        role: Role = "tokenizer",
        *,
        device: str = "cpu",
        dtype: str = "",
        quantization: str = "",
        progress: Progress = lambda share, name: None,
    ) -> Iterator[Loaded]:
        """Load it if need be, and keep it from being evicted inside the ``with`` block.

        Raises:
            DoesNotFit: larger than the budget, or than what others leave free of it.
            CannotLoad: and its kin, from the loader; the next lease tries afresh.
        """
        key = Key(card.source, card.where or card.name, card.revision, role, device, dtype, quantization)
        entry = self._acquire(key, card, progress)
        try:
            assert entry.loaded is not None
            yield entry.loaded
        finally:
            with self._changed:
                entry.leases -= 1
                entry.used = time.monotonic()
                self._changed.notify_all()

    def status(self) -> list[Status]:
        """What is loaded or loading, most recently used first."""
        with self._changed:
            now = time.monotonic()
            entries = sorted(self._entries.values(), key=lambda entry: -entry.used)
            return [
                Status(
                    entry.card, entry.key.role,
                    "loaded" if entry.loaded else "loading", entry.bytes, entry.key.device,
                    entry.key.dtype, entry.leases, now - entry.used,
                )
                for entry in entries
            ]  # fmt: skip

    def used_bytes(self) -> int:
        """Bytes of everything loaded, and reserved for what is loading."""
        with self._changed:
            return self._used()

    def unload(self, name: str) -> int:
        """Drop every idle entry of this name; how many bytes came free."""
        with self._changed:
            idle = [e for e in self._entries.values() if e.card.name == name and _evictable(e)]
            for entry in idle:
                del self._entries[entry.key]
            self._changed.notify_all()
            return sum(entry.bytes for entry in idle)

    def _acquire(self, key: Key, card: ModelCard, progress: Progress) -> _Entry:
        """The entry of a key, loaded, with one lease more."""
        with self._changed:
            entry = self._entries.get(key)
            if entry is not None:
                entry.leases += 1  # from here on it cannot be evicted, loading or not
                while entry.loaded is None and entry.failure is None:
                    progress(entry.done, card.name)
                    self._changed.wait(0.2)
                if entry.failure is not None:
                    raise entry.failure
                entry.used = time.monotonic()
                return entry
            need = self._loader.estimate(card, key)
            if need > self.budget:
                raise DoesNotFit("too_large", name=card.name, need=need, budget=self.budget)
            # Registered before room is made, so that whoever asks next waits for this very load.
            entry = self._entries[key] = _Entry(key, card, 0, leases=1, used=time.monotonic())
        try:
            self._make_room(entry, need)

            def report(share: float, name: str) -> None:
                entry.done = share
                progress(share, name)

            loaded = self._loader.load(card, key, report)
            self._make_room(entry, loaded.bytes)
        except BaseException as failure:
            with self._changed:
                del self._entries[key]
                entry.failure = failure
                self._changed.notify_all()
            raise
        with self._changed:
            entry.loaded = loaded
            entry.used = time.monotonic()
            self._changed.notify_all()
        return entry

    def _make_room(self, entry: _Entry, need: int) -> None:
        """Book ``need`` bytes for an entry, evicting what is idle; wait a while for what is leased."""
        if need > self.budget:
            raise DoesNotFit("too_large", name=entry.card.name, need=need, budget=self.budget)
        deadline = time.monotonic() + self._patience
        with self._changed:
            # Booked only once it fits: two loads that wait for room must not block each other.
            while (over := self._used() - entry.bytes + need - self.budget) > 0:
                idle = sorted(filter(_evictable, self._entries.values()), key=lambda e: e.used)
                if sum(e.bytes for e in idle) >= over:
                    del self._entries[idle[0].key]
                elif not self._changed.wait(deadline - time.monotonic()):
                    raise DoesNotFit("memory_in_use", name=entry.card.name, missing=over)
            entry.bytes = need

    def _used(self) -> int:
        return sum(entry.bytes for entry in self._entries.values())


def _evictable(entry: _Entry) -> bool:
    return entry.leases == 0 and entry.loaded is not None
