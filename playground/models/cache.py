"""ModelCache: the only place that loads. One load per key, eviction by bytes, never of what is in use.

    with models.lease(card, "causal", device="cpu", dtype="bfloat16") as loaded:
        ...                                  # waits; `progress` hears how far the load is

    for step in models.leasing(card, "causal"):
        ...                                  # a `Stage` now and then, and at last the `Loaded`

What it promises (the schedulers of other tools break one or more of these):

- one load per key, however many ask at once; who asks meanwhile waits and sees its progress;
- who waits may leave; a load that nobody waits for any more stops where it can;
- least recently used goes first, counted in bytes, and never what is leased or loading;
- what can never fit is refused at once, with what would fit; a failure is not remembered;
- the key holds everything that changes the answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from playground.errors import DoesNotFit, apart, let_frames_go
from playground.models import devices
from playground.models.catalog import ModelCard, Role
from playground.models.engines.interface import Engine
from playground.system import cancellation

PATIENCE = 0.25  # seconds between two signs of life to who waits


@dataclass(frozen=True)
class Stage:
    """How far a load is.

    Args:
        step: ``plan``, ``wait`` (for memory), ``download`` (counted in bytes), ``read``, ``quantize``
            (counted in tensors), ``store``, ``warm``, ``parse`` or ``train`` (counted in epochs).
        done, total: in the step's unit; a total of 0 means that it cannot be told.
        loss: of the last epoch of a training.
    """

    name: str
    step: str = "plan"
    done: int = 0
    total: int = 0
    loss: float = 0.0


Progress = Callable[[Stage], None]
"""Told how far a load is, a few times a second; what it raises ends the waiting."""


@dataclass(frozen=True)
class Key:
    """Everything that changes what a load gives.

    Args:
        dtype: the number format that was chosen; "" for what the checkpoint says.
    """

    source: str
    where: str
    revision: str
    role: Role
    device: str
    dtype: str
    quantization: str


class Held(Protocol):
    """What somebody keeps beside a model's weights, and can make again: it goes before any model does."""

    @property
    def bytes(self) -> int:
        """Memory that it takes on the model's device."""

    def free(self) -> int:
        """Give up what is not in use at the moment; how many bytes came free."""


@dataclass
class Loaded:
    """What a lease gives. Belongs to the cache: use it inside the ``with`` block only.

    ``dtype`` is the number format that it is computed in (of a quantized model: what is not quantized), and
    ``stored`` what its checkpoint says; "" for what has none.

    ``memo`` is for what a subject derives from it once (tables of a vocabulary, say); it goes when
    the model goes. What grows is in ``held``: it counts in the cache's bytes.
    """

    card: ModelCard
    tokenizer: Any
    model: Any = None
    device: str = "cpu"
    bytes: int = 0
    dtype: str = ""
    stored: str = ""
    memo: dict[str, Any] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)


class Loader(Protocol):
    """What really loads. Tests bring their own."""

    def estimate(self, card: ModelCard, key: Key) -> int:
        """Bytes that it will take, as well as can be told without loading (0: unknown)."""

    def load(self, card: ModelCard, key: Key, progress: Progress) -> Loaded:
        """Load it, or raise a PlaygroundError."""

    def free(self, loaded: Loaded) -> None:
        """Give the memory of what was evicted back to the machine."""


@dataclass
class _Entry:
    key: Key
    card: ModelCard
    bytes: int = 0
    loaded: Loaded | None = None  # None while it loads
    failure: BaseException | None = None
    leases: int = 0
    used: float = 0.0
    stage: Stage = Stage("")

    @property
    def held(self) -> list[Held]:
        """What is kept beside its weights."""
        return list(self.loaded.held.values()) if self.loaded else []

    @property
    def whole(self) -> int:
        """Bytes of its weights, and of what is kept beside them."""
        return self.bytes + sum(each.bytes for each in self.held)

    @property
    def evictable(self) -> bool:
        return self.leases == 0 and self.loaded is not None


@dataclass(frozen=True)
class Status:
    """One row of what is in the cache.

    Args:
        dtype: the number format that it is computed in; while it loads, the one that was asked for.
        stored: what its checkpoint says, or "".
        asked: the format by which it is leased again (`Key`).
    """

    card: ModelCard
    role: Role
    state: Literal["loading", "loaded"]
    bytes: int
    device: str
    dtype: str
    quantization: str
    leases: int
    idle_seconds: float
    stage: Stage  # how far it is, while it loads
    stored: str = ""
    asked: str = ""

    @property
    def name(self) -> str:
        """As menus show it."""
        return self.card.name


class ModelCache:
    """All models of all panels.

    Args:
        budget: bytes that everything loaded may take together; or a function from a device's kind to the
            bytes of its memory, which is asked when something is to be loaded there.
        loader: what loads.
        patience: seconds to wait for leased memory to come free before refusing.
    """

    def __init__(self, budget: int | Callable[[str], int], loader: Loader, *, patience: float = 30.0) -> None:
        self._budget = budget
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
        progress: Progress = lambda stage: None,
    ) -> Iterator[Loaded]:
        """Load it if need be, and keep it from being evicted inside the ``with`` block.

        Raises:
            DoesNotFit: larger than the budget, or than what others leave free of it.
            CannotLoad: and its kin, from the loader; the next lease tries afresh.
        """
        steps = self.leasing(card, role, device=device, dtype=dtype, quantization=quantization)
        with closing(steps):
            for step in steps:
                if isinstance(step, Loaded):
                    yield step
                    return
                progress(step)

    def leasing(
        self,
        card: ModelCard,
        role: Role = "tokenizer",
        *,
        device: str = "cpu",
        dtype: str = "",
        quantization: str = "",
    ) -> Generator[Stage | Loaded]:
        """`lease` for a generator of its own: a `Stage` some four times a second, then the `Loaded`.

        The lease ends when the iterator is closed. Closing it before the `Loaded` came leaves the queue;
        when the last one leaves, a download stops (and goes on from there the next time).

        Raises:
            As `lease`.
        """
        key = Key(card.source, card.key, card.revision, role, device, dtype, quantization)
        while True:
            entry = self._join(key, card)
            try:
                while not (entry.loaded or entry.failure):
                    with self._changed:
                        if not (entry.loaded or entry.failure):
                            self._changed.wait(PATIENCE)
                        stage, done = entry.stage, entry.loaded or entry.failure
                    if not done:
                        cancellation.check()
                        yield stage
                if entry.loaded:
                    yield entry.loaded
                    return
            finally:
                with self._changed:
                    entry.leases -= 1
                    entry.used = time.monotonic()
                    self._changed.notify_all()
            assert entry.failure is not None
            if not isinstance(entry.failure, cancellation.Abandoned):
                raise apart(entry.failure) from entry.failure
            # It was given up in the moment before this visitor joined: once more, from the start.

    def status(self) -> list[Status]:
        """What is loaded or loading, most recently used first."""
        with self._changed:
            now = time.monotonic()
            entries = sorted(self._entries.values(), key=lambda entry: -entry.used)
            return [
                Status(
                    entry.card, entry.key.role,
                    "loaded" if entry.loaded else "loading", entry.bytes, entry.key.device,
                    (entry.loaded.dtype if entry.loaded else "") or entry.key.dtype, entry.key.quantization,
                    entry.leases, now - entry.used, entry.stage,
                    entry.loaded.stored if entry.loaded else "", entry.key.dtype,
                )
                for entry in entries
            ]  # fmt: skip

    def used_bytes(self, device: str | None = None) -> int:
        """Bytes of everything loaded (on a device's memory), kept beside it, and reserved for loading."""
        with self._changed:
            return self._used(None if device is None else devices.memory_of(device))

    def budget(self, device: str = "cpu") -> int:
        """Bytes that everything on this device's memory may take together."""
        return self._budget if isinstance(self._budget, int) else self._budget(devices.memory_of(device))

    def unload(self, name: str) -> int:
        """Drop every idle entry of this name; how many bytes came free."""
        with self._changed:
            idle = [e for e in self._entries.values() if e.card.name == name and e.evictable]
            gone = [self._drop(entry) for entry in idle]
            self._changed.notify_all()
        self._free(gone)
        return sum(loaded.bytes for loaded in gone)

    def _join(self, key: Key, card: ModelCard) -> _Entry:
        """The entry of a key with one lease more; whoever comes first starts the load."""
        with self._changed:
            entry, new = self._entries.get(key), key not in self._entries
            if entry is None:
                # Registered before anything is asked or read, so that who comes next waits for this load.
                entry = self._entries[key] = _Entry(key, card, stage=Stage(card.name))
            entry.leases += 1  # from here on it cannot be evicted, loading or not
            entry.used = time.monotonic()
            if new:
                # A thread of its own: whoever asked first may leave, and the others still get it.
                threading.Thread(target=self._run, args=(entry,), daemon=True).start()
            return entry

    def _run(self, entry: _Entry) -> None:
        """One load, from the question of its size to the last byte."""

        def report(stage: Stage) -> None:
            with self._changed:
                entry.stage = stage
                if entry.leases == 0:
                    raise cancellation.Abandoned

        loaded: Loaded | None = None
        try:
            with cancellation.when(
                lambda: entry.leases == 0
            ):  # a loader asks by `cancellation.check` where it has no stage to report
                need = self._loader.estimate(entry.card, entry.key)
                if need > self.budget(entry.key.device):
                    raise self._too_large(entry, need)
                self._make_room(entry, need, report)
                loaded = self._loader.load(entry.card, entry.key, report)
            self._make_room(entry, loaded.bytes, report)
        except BaseException as failure:  # whatever it is, it belongs to those who wait
            let_frames_go(failure)
            refused, loaded = loaded, None
            with self._changed:
                del self._entries[entry.key]
                entry.failure = failure
                self._changed.notify_all()
            if refused:
                self._free([refused])
            return
        with self._changed:
            entry.loaded = loaded
            entry.used = time.monotonic()
            self._changed.notify_all()

    def _make_room(self, entry: _Entry, need: int, report: Progress) -> None:
        """Book ``need`` bytes for an entry, evicting what is idle; wait a while for what is leased."""
        budget, memory = self.budget(entry.key.device), devices.memory_of(entry.key.device)
        if need > budget:
            raise self._too_large(entry, need)
        deadline = time.monotonic() + self._patience
        gone: list[Loaded] = []
        with self._changed:
            # Booked only once it fits: two loads that wait for room must not block each other.
            while (over := self._used(memory) - entry.bytes + need - budget) > 0:
                mine = [e for e in self._entries.values() if devices.memory_of(e.key.device) == memory]
                mine.sort(key=lambda e: e.used)
                if any(held.free() for each in mine for held in each.held):
                    continue  # what can be read again goes first, also of models in use
                idle = [e for e in mine if e.evictable]
                if sum(e.whole for e in idle) >= over:
                    gone.append(self._drop(idle[0]))
                    continue
                report(Stage(entry.card.name, "wait", 0, over))
                if deadline <= time.monotonic():
                    raise DoesNotFit("memory_in_use", name=entry.card.name, missing=over)
                self._changed.wait(min(PATIENCE, deadline - time.monotonic()))
            entry.bytes = need
        self._free(gone)

    def _drop(self, entry: _Entry) -> Loaded:
        del self._entries[entry.key]
        assert entry.loaded is not None
        return entry.loaded

    def _free(self, gone: list[Loaded]) -> None:
        for loaded in gone:
            for held in loaded.held.values():
                held.free()
            loaded.held.clear()
            loaded.memo.clear()
            if isinstance(loaded.model, Engine):
                loaded.model.close()  # its memory is another process's
            loaded.model = None  # whoever still holds the `Loaded` after its lease holds no weights
            self._loader.free(loaded)

    def _too_large(self, entry: _Entry, need: int) -> DoesNotFit:
        """The refusal, with what would fit: the same model in fewer bits, or how large another may be."""
        key, budget = entry.key, self.budget(entry.key.device)
        told = {"name": entry.card.name, "need": need, "budget": budget}
        if key.role != "causal":
            return DoesNotFit("too_large", **told)
        for quantization in devices.QUANTIZATIONS:
            smaller = replace(key, quantization=quantization, dtype=devices.QUANTIZATIONS[quantization])
            size = self._loader.estimate(entry.card, smaller)
            if 0 < size <= budget and size < need:
                return DoesNotFit("too_large_quantize", **told, quantization=quantization, size=size)
        most = budget / devices.SMALLEST / 1e9
        return DoesNotFit("too_large_model", **told, billions=most)

    def _used(self, memory: str | None) -> int:
        entries = self._entries.values()
        return sum(e.whole for e in entries if memory in (None, devices.memory_of(e.key.device)))
