"""One way to a reply, whichever engine writes it: what transformers has loaded, or a `models.engines` one.

    for state in reply(loaded, ids, Settings(max_new_tokens=50)):
        ...                          as `playground.engine.generation.generate` tells it

What an engine cannot tell is in its `capabilities`: a probability or a chance that nobody told is NaN
in a `Choice`, and a rank 0.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from playground.engine import queue
from playground.engine.generation import generate
from playground.engine.generation.detokenize import Alternative, TextStream, alternatives
from playground.engine.generation.generate import TELL, Done, Reading, State, Step, StopReason, Waiting
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import MOST_ALTERNATIVES, Choice, Settings
from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.models.cache import Loaded
from playground.models.engines.interface import Capabilities, End, Engine, Order, Read, Token

TRANSFORMERS = Capabilities(
    "transformers", inside=True, chances=True, alternatives=MOST_ALTERNATIVES, repeats="always"
)
UNTOLD = math.nan


def capabilities(loaded: Loaded) -> Capabilities:
    """What the engine of a leased model can tell."""
    return loaded.model.capabilities if isinstance(loaded.model, Engine) else TRANSFORMERS


def reply(
    loaded: Loaded,
    ids: Sequence[int],
    settings: Settings,
    *,
    prefix: CachedPrefix | None = None,
    continues: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[State, None, None]:
    """What the model writes after a prompt, as `generate.reply` tells it; close it to stop at once.

    Args:
        loaded: leased as ``causal`` or as ``engine``.
        prefix: what was read before; an engine keeps its own.

    Raises:
        As `generate.reply`; CannotLoad: ``engine_ended``; BadInput: ``engine_says``.
    """
    if not isinstance(loaded.model, Engine):
        return generate.reply(loaded, ids, settings, prefix=prefix, continues=continues, stop=stop)
    settings = settings.checked()
    return _reply(loaded, loaded.model, _checked(loaded, ids), settings, continues, stop)


def likeliest(
    loaded: Loaded, ids: Sequence[int], settings: Settings, *, prefix: CachedPrefix | None = None
) -> list[Alternative]:
    """What could follow these ids, best first, spelled as it would be written after them.

    Args:
        settings: its ``alternatives`` says how many, and the rest with which chances they were drawn; an
            engine that tells no chances has NaN for them.

    Raises:
        As `reply`.
    """
    reader = adapter(loaded)
    if isinstance(loaded.model, Engine):
        ids = _checked(loaded, ids)
        told = _in_turn(loaded, loaded.model, ids, min(settings.alternatives, MOST_ALTERNATIVES))
        stream = TextStream(reader, [0])  # of a text that has begun, so that no blank is left out
        for id in ids[-8:]:
            stream.push(id)
        columns = [id for id, _ in told], [p for _, p in told]
        return alternatives(reader, *columns, [UNTOLD] * len(told), stream.held)
    with closing(generate.reply(loaded, ids, settings, prefix=prefix)) as running:
        step = next(state for state in running if isinstance(state, Step))
    choice = step.choice
    return alternatives(reader, choice.top_ids, choice.top_probabilities, choice.top_chances, step.held)


def _checked(loaded: Loaded, ids: Sequence[int]) -> list[int]:
    """The ids of a prompt, if this engine can go on with them.

    Raises:
        BadInput: ``prompt_empty``, ``prompt_too_long``, ``id_outside``.
    """
    return generate.fitting(ids, loaded.model.window, adapter(loaded).last)


def _in_turn(loaded: Loaded, engine: Engine, ids: list[int], count: int) -> list[tuple[int, float]]:
    ticket = queue.line(loaded).join(len(ids) + 1)
    try:
        while ticket.wait(TELL):
            pass
        return engine.likeliest(ids, count)
    finally:
        ticket.leave()


def _reply(
    loaded: Loaded, engine: Engine, ids: list[int], settings: Settings, continues: bool,
    stop: Callable[[], bool],
) -> Generator[State, None, None]:  # fmt: skip
    most = min(settings.max_new_tokens, engine.window - len(ids))
    work = _Work(loaded, ids, settings, continues)
    ticket = queue.line(loaded).join(len(ids) + most)
    try:
        while place := ticket.wait(TELL):
            if stop():
                yield work.done("stopped")
                return
            yield Waiting(place)
        temperature = 0.0 if settings.greedy else settings.temperature
        order = Order(
            ids, (), most, temperature, settings.top_k, settings.top_p, settings.min_p,
            settings.repetition_penalty, settings.seed or 0, settings.alternatives,
        )  # fmt: skip
        reason: StopReason = "length"
        work.begin()
        with closing(engine.stream(order)) as pieces:
            for piece in pieces:
                if stop():
                    reason = "stopped"
                    break
                if isinstance(piece, Read):
                    yield work.read(piece)
                elif isinstance(piece, Token):
                    ended: StopReason | None = None
                    for step in work.steps(piece):
                        ended = ended or work.ends(step)
                        yield step
                    if ended:
                        reason = ended
                        break
                elif isinstance(piece, End):
                    work.reused = piece.reused
                    full = piece.reason == "length" and most < settings.max_new_tokens
                    reason = "window" if full else piece.reason
        ticket.leave()
        yield work.done(reason)
    finally:
        ticket.leave()


class _Work:
    """What is known of one reply of an engine."""

    def __init__(self, loaded: Loaded, ids: list[int], settings: Settings, continues: bool) -> None:
        self._loaded, self._prompt, self._settings = loaded, ids, settings
        self._reader = adapter(loaded)
        self._stream = TextStream(self._reader, ids if continues else ())
        self._ends = loaded.model.ends | frozenset(settings.stop_ids)
        self._new: list[int] = []
        self._began = self._first = self._last = 0.0
        self._written: float | None = None
        self.reused = 0

    def begin(self) -> None:
        """The turn has come."""
        self._began = time.perf_counter()

    def read(self, piece: Read) -> Reading:
        """How far the prompt is read."""
        self.reused = piece.reused
        return Reading(piece.done, piece.total, piece.reused)

    def steps(self, token: Token) -> list[Step]:
        """A token, and before it those of which the engine told nothing but that they were there."""
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self._written = token.seconds  # tokens come in batches, so their arrival tells little
        made = [] if not token.silent else silent(self._loaded, self._reader, token)
        steps = [self._step(Choice(id, UNTOLD, UNTOLD, 0, [], [], [])) for id in made]
        probability = UNTOLD if token.probability is None else token.probability
        ids, shares = [id for id, _ in token.top], [share for _, share in token.top]
        rank = ids.index(token.id) + 1 if token.id in ids else 0
        asked = self._settings.alternatives
        untold = [UNTOLD] * len(ids[:asked])
        choice = Choice(token.id, probability, UNTOLD, rank, ids[:asked], shares[:asked], untold)
        return [*steps, self._step(choice)]

    def _step(self, choice: Choice) -> Step:
        held = self._stream.held
        new = self._stream.push(choice.id)
        self._new.append(choice.id)
        return Step(len(self._new) - 1, choice, new, self._stream.text, held)

    def ends(self, step: Step) -> StopReason | None:
        """Whether a step ends the reply, for a reason that the engine does not know."""
        if step.id in self._ends:
            return "eos"
        strings = self._settings.stop_strings
        return "string" if strings and generate.ends_in(step.text, step.new, strings) else None

    def done(self, reason: StopReason) -> Done:
        """The last word."""
        self._stream.finish()
        count, last = len(self._new), self._last or time.perf_counter()
        seconds = last - self._began if self._began else 0.0
        arrived = last - self._first if count > 1 else 0.0
        writing = arrived if self._written is None else self._written
        reading = self._first - self._began if self._first else seconds
        rate = (count - 1) / writing if writing else count / seconds if seconds else 0.0
        return Done(
            reason, self._stream.text, list(self._new), len(self._prompt), self.reused, count, seconds,
            reading, rate, self._settings.seed or 0,
        )  # fmt: skip


def silent(loaded: Loaded, reader: Adapter, token: Token) -> list[int]:
    """The ids of tokens that only began a character, found by the bytes that they and the last one made.

    Of several ways to cut these bytes it takes the first with as many tokens; where there is none, as many as
    it has bytes.
    """
    last = reader.piece(token.id).bytes
    before = token.raw.removesuffix(last)
    table: dict[bytes, int] | None = loaded.memo.get("beginnings")
    if table is None:
        table = loaded.memo["beginnings"] = {}
        for id in reader.vocabulary():
            raw = reader.piece(id).bytes
            if raw and _incomplete(raw):
                table.setdefault(raw, id)
    return _cut(before, token.silent, table) or _cut(before, 0, table) or []


def _incomplete(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def _cut(raw: bytes, count: int, table: dict[bytes, int]) -> list[int] | None:
    """Bytes as so many tokens of a table (0: any number), the longest first; None where there is no way."""
    if not raw:
        return []
    for length in range(len(raw), 0, -1):
        id = table.get(raw[:length])
        if id is None or (count == 1 and length < len(raw)):
            continue
        rest = _cut(raw[length:], count - 1, table) if count != 1 else []
        if rest is not None and (not count or len(rest) == count - 1):
            return [id, *rest]
    return None
