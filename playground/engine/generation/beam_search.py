"""Beam search, with everything that it looked at: which ways it kept at each step, and which it dropped.

Greedy takes the likeliest token and never comes back; a sequence that begins with a less likely token may
be likelier as a whole. Beam search goes on with the ``num_beams`` best beginnings at once (Hands-On Large
Language Models, ch. 3; Graves 2012, "Sequence Transduction with Recurrent Neural Networks").

Ids and scores are those of transformers' ``generate(num_beams=…, do_sample=False)``: a finished sequence is
worth the sum of its tokens' log-probabilities divided by their number to the power of ``length_penalty``
(Wu et al. 2016 divide by another function of the length), and the search ends when no running beam, as
long as it is now, is better than the worst finished one (``early_stopping=False``).

    for state in search(loaded, ids, settings, Beams(num_beams=4)):
        match state:
            case Waiting(): ...
            case BeamStep(): ...     the candidates of one step, best first
            case Found(): ...        the finished sequences, best first
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from playground.engine.generation import compat
from playground.engine.generation.detokenize import TextStream, label
from playground.engine.generation.generate import Waiting, checked, ends_in, out_of_memory, stop_ids, window
from playground.engine.generation.kv_cache import CHUNK, CroppableKVCache, kv_cache_for
from playground.engine.generation.sampling import Settings, processors
from playground.engine.in_turn import in_turn
from playground.engine.interruptible import interruptible
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded

MOST_BEAMS = 16
MOST_NEW = 512  # every step looks at all beams: a tree longer than this is nobody's to read
NEVER = -1.0e9  # what transformers adds to what must not be chosen

Fate = Literal["kept", "finished", "dropped"]


@dataclass(frozen=True)
class Beams:
    """How wide to search.

    Args:
        num_beams: sequences followed at once, 1 (which is greedy) to 16.
        length_penalty: above 0 long sequences gain, 0 compares plain sums, -5 to 5.
        early_stopping: end as soon as ``num_beams`` sequences are finished, whatever may come.
    """

    num_beams: int = 4
    length_penalty: float = 1.0
    early_stopping: bool = False

    def checked(self) -> Beams:
        """The same, if it can be.

        Raises:
            BadInput: ``setting_outside`` (name, low, high, value).
        """
        for name, low, high in (("num_beams", 1, MOST_BEAMS), ("length_penalty", -5, 5)):
            value = getattr(self, name)
            whole = name == "num_beams"
            fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not fits or not low <= value <= high:
                raise BadInput("setting_outside", name=name, low=low, high=high, value=str(value)[:40])
        return self


@dataclass(frozen=True, slots=True)
class Candidate:
    """A beam of the step before and one token more.

    Args:
        parent: the beam's place among those kept by the step before (0: the prompt).
        text: what the token writes there, whole characters only; ``label`` stands for it where that is
            nothing (`detokenize.label`).
        probability: the model's own, after this beam.
        total: sum of the log-probabilities (natural, as the penalty for repetition left them) so far.
        fate: ``kept``: goes on; ``finished``: an end, among the best; ``dropped``.
    """

    parent: int
    id: int
    text: str
    label: str
    probability: float
    total: float
    fate: Fate


@dataclass(frozen=True)
class BeamStep:
    """One step: the best continuations of all beams together, best first.

    ``kept`` are the places, among the candidates, of the beams that go on, best first.
    """

    index: int
    candidates: list[Candidate]
    kept: list[int]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A finished sequence; ``score`` = ``total`` / len(ids) ** length_penalty, as ``sequences_scores``."""

    ids: list[int]
    text: str
    total: float
    score: float
    ended: bool  # by the model or a stop string; False: cut at the last step
    by_string: bool = False


@dataclass(frozen=True)
class Found:
    """The end: finished sequences, best first; ``steps`` hold all that was looked at."""

    sequences: list[Hypothesis]
    steps: list[BeamStep]
    beams: Beams
    seconds: float


def search(
    loaded: Loaded,
    ids: Sequence[int],
    settings: Settings,
    beams: Beams,
    *,
    continues: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Waiting | BeamStep | Found, None, None]:
    """The search, step by step; close it to stop. After a stop no `Found` comes.

    Args:
        settings: of these ``max_new_tokens`` (at most 512), ``repetition_penalty``, ``stop_ids`` and
            ``stop_strings`` count.
        continues: the text goes on with the prompt's.

    Raises:
        As `decoding.reply`.
    """
    settings, beams = settings.checked(), beams.checked()
    if settings.max_new_tokens > MOST_NEW:
        asked = settings.max_new_tokens
        raise BadInput("setting_outside", name="max_new_tokens", low=1, high=MOST_NEW, value=asked)
    prompt = checked(loaded, ids)
    room = window(loaded)
    if room is not None:
        settings = replace(settings, max_new_tokens=min(settings.max_new_tokens, room - len(prompt)))
    return in_turn(loaded, _Search(loaded, prompt, settings, beams, continues).steps(), stop)


@dataclass(slots=True)
class _Beam:
    """A running one."""

    ids: list[int]
    total: float
    stream: TextStream


class _Search:
    def __init__(
        self, loaded: Loaded, prompt: list[int], settings: Settings, beams: Beams, continues: bool
    ) -> None:
        self._loaded, self._prompt, self._settings, self._beams = loaded, prompt, settings, beams
        self._reader = adapter(loaded)
        self._ends = stop_ids(loaded) | frozenset(settings.stop_ids)
        self._process = processors(replace(settings, temperature=0.0))
        self._running = [_Beam([], 0.0, TextStream(self._reader, prompt if continues else ()))]
        self._finished: list[Hypothesis] = []
        self._hopeful = True  # a running beam may still beat the worst finished one
        self._seconds = 0.0

    def steps(self) -> Generator[BeamStep | Found, None, None]:
        """One pass over all beams at each ``next``."""
        kv = passes_over(self._loaded.model, self._prompt)
        steps: list[BeamStep] = []
        while True:
            began = time.perf_counter()
            try:
                logits = kv.after([beam.ids for beam in self._running], self._parents(steps))
            except (MemoryError, RuntimeError) as error:
                raise out_of_memory(error, self._loaded, len(self._prompt) + len(steps)) from None
            step, more = self._step(len(steps), logits)
            steps.append(step)
            self._seconds += time.perf_counter() - began
            yield step
            if not more:
                break
        yield Found(self._finished, steps, self._beams, self._seconds)

    def _parents(self, steps: list[BeamStep]) -> list[int]:
        if not steps:
            return []
        return [steps[-1].candidates[place].parent for place in steps[-1].kept]

    def _step(self, index: int, logits: Any) -> tuple[BeamStep, bool]:
        """Candidates, who goes on and who is finished; and whether there is a next step.

        Args:
            logits: [beams, vocabulary], float32.
        """
        import torch

        width, settings = self._beams.num_beams, self._settings
        own = logits.log_softmax(-1)
        if bool(own.isnan().any()):
            raise PlaygroundError("logits_not_finite", name=self._loaded.card.name)
        scores = own
        for process in self._process:
            rows = [self._prompt + beam.ids for beam in self._running]
            scores = process(torch.tensor(rows, device=own.device), scores)
        totals = torch.tensor([beam.total for beam in self._running], device=own.device)
        count = max(2, 1 + len(self._ends)) * width
        flat = (scores + totals[:, None]).reshape(-1)
        best, places = flat.topk(min(count, flat.shape[0]))
        vocabulary = own.shape[1]
        last = index + 1 >= settings.max_new_tokens
        candidates: list[Candidate] = []
        grown: list[_Beam] = []
        kept: list[int] = []
        finished: list[Hypothesis] = []
        for order, (total, place) in enumerate(zip(best.tolist(), places.tolist(), strict=True)):
            parent, id = divmod(place, vocabulary)
            beam = self._running[parent]
            stream = beam.stream.fork()
            new = stream.push(id)
            strings = settings.stop_strings
            ended = id in self._ends or bool(strings and ends_in(stream.text, new, strings))
            fate: Fate = "dropped"
            if total <= NEVER / 2:
                pass  # -inf of a model that forbids a token
            elif (ended or last) and order < width:
                fate = "finished"
                ids = [*beam.ids, id]
                score = total / len(ids) ** self._beams.length_penalty
                if self._hopeful and not self._full():
                    finished.append(
                        Hypothesis(ids, stream.text, total, score, ended, ended and id not in self._ends)
                    )
            elif not ended and not last and len(kept) < width:
                fate = "kept"
                kept.append(order)
                grown.append(_Beam([*beam.ids, id], total, stream))
            probability = math.exp(own[parent, id].item())
            candidates.append(
                Candidate(parent, id, new, label(self._reader, id, new), probability, total, fate)
            )
        self._finished = sorted([*self._finished, *finished], key=lambda each: -each.score)[:width]
        self._running = grown
        return BeamStep(index, candidates, kept), self._goes_on(index + 1, last)

    def _full(self) -> bool:
        stops = self._beams.early_stopping or self._beams.num_beams == 1
        return stops and len(self._finished) >= self._beams.num_beams

    def _goes_on(self, length: int, last: bool) -> bool:
        """Whether a running beam, were it to end as it is now, is better than the worst finished one."""
        if last or not self._running or self._full():
            return False
        if len(self._finished) >= self._beams.num_beams:
            possible = self._running[0].total / length**self._beams.length_penalty
            self._hopeful = self._hopeful and possible > self._finished[-1].score
        return self._hopeful


class _Recomputed:
    """All of every beam again at each step: for models whose memory cannot be reordered."""

    def __init__(self, model: Any, prompt: list[int]) -> None:
        self._model, self._prompt = model, prompt
        self._extra = compat.last_logits_only(model)

    def after(self, beams: list[list[int]], parents: list[int]) -> Any:
        """Logits [beams, vocabulary] after the prompt and each beam's ids, in float32."""
        import torch

        rows = torch.tensor([self._prompt + ids for ids in beams], device=self._model.device)
        with torch.inference_mode(), interruptible(self._model):
            made = self._model(input_ids=rows, use_cache=False, return_dict=True, **self._extra)
            return made.logits[:, -1].float()


class _Cached:
    """The prompt is read once, each beam goes on from its parent's keys and values."""

    def __init__(self, model: Any, prompt: list[int]) -> None:
        self._model, self._prompt = model, prompt
        self._cache = compat.new_cache(model)
        self._extra = compat.last_logits_only(model)

    def after(self, beams: list[list[int]], parents: list[int]) -> Any:
        """As of `_Recomputed`."""
        import torch

        device = self._model.device
        with torch.inference_mode():
            if not parents:
                with interruptible(self._model):
                    for at in range(0, len(self._prompt), CHUNK):
                        logits = self._read(torch.tensor([self._prompt[at : at + CHUNK]], device=device))
                return logits
            self._cache.reorder_cache(torch.tensor(parents, device=device))
            return self._read(torch.tensor([[ids[-1]] for ids in beams], device=device))

    def _read(self, ids: Any) -> Any:
        made = self._model(
            input_ids=ids, **compat.with_cache(self._model, self._cache), **self._extra, return_dict=True
        )
        return made.logits[:, -1].float()


def passes_over(model: Any, prompt: list[int]) -> _Cached | _Recomputed:
    """What computes the logits of all beams."""
    simple = kv_cache_for(model)
    if isinstance(simple, CroppableKVCache) and simple.steady:
        return _Cached(model, prompt)
    return _Recomputed(model, prompt)
