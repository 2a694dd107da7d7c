"""What comes next: one forward pass over a prompt, and the logits after its last token, kept.

The walk of the notes (Hands-On Large Language Models, ch. 3): ids [1, n] → the model's layers → hidden states
[1, n, hidden] → ``lm_head`` → logits [1, n, vocabulary] → those of the last position → softmax → a choice.
Here it ends before the choice: `probabilities` turns one kept `Row` into probabilities as often as one likes.

    for state in look(loaded, ids, trace=trace):
        match state:
            case Waiting(position): ...     somebody else is at work on this model
            case Reading(done, total): ...  so much of the prompt is read
            case Row(): ...                 the logits, kept
"""

from __future__ import annotations

import hashlib
import secrets
from array import array
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.engine import queue
from playground.engine.generation.detokenize import CONTEXT, TextStream, whole
from playground.engine.generation.generate import TELL, Reading, Waiting, window
from playground.engine.generation.kv_cache import KVCache
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.hooks import hooks
from playground.engine.in_turn import explain_out_of_memory
from playground.engine.tokenizers import tokenize as texts
from playground.engine.tokenizers.adapter import NOTHING, Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.pieces import Piece
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded

VALUES = 6  # numbers of a vector that the walk shows
BLOCK = 2**19  # logits of a pass that are looked at together: 2 MiB, which a processor's cache holds
AT_ONCE = 2**24  # logits that one pass may give to who listens: 64 MiB in float32
LONGEST_LOOKUP = 1000  # characters of a text whose token is looked up


@dataclass(frozen=True, eq=False)
class PromptScores:
    """How likely the model found each token of a prompt that another one stands before.

    Columns of length n - 1; entry i is of token i + 1, given all before it.
    """

    log_probabilities: np.ndarray  # natural logarithm, float32 softmax over the whole vocabulary
    ranks: np.ndarray  # 1: no token was likelier

    @property
    def perplexity(self) -> float | None:
        """exp of the mean negative log-likelihood, that is of ``model(labels=ids).loss``; None of nothing."""
        if not len(self.log_probabilities):
            return None
        return float(np.exp(-self.log_probabilities.mean(dtype=np.float64)))


@dataclass(frozen=True, eq=False)
class Row:
    """What a model says after some ids.

    Args:
        ids: what it read.
        logits: a float32 tensor [vocabulary] on the CPU, raw: before temperature and filters.
        hidden: the first numbers of the last position's hidden state, as `lm_head` gets it.
        hidden_size: how many it has.
        reused: ids that had been read before and were not read again.
        prompt_scores: of the ids themselves, where they were asked for.
    """

    ids: tuple[int, ...]
    logits: Any
    hidden: tuple[float, ...]
    hidden_size: int
    reused: int = 0
    prompt_scores: PromptScores | None = None

    @property
    def vocabulary(self) -> int:
        """How many logits there are; some models pad, so there may be more than tokens."""
        return int(self.logits.shape[0])


def name_of(loaded: Loaded, ids: Sequence[int]) -> str:
    """A name for the row of these ids under this load of a model; nobody can guess that of another's."""
    salt: str = loaded.memo.setdefault("rows_salt", secrets.token_hex(16))
    return hashlib.sha256(salt.encode() + array("q", ids).tobytes()).hexdigest()[:40]


def check(loaded: Loaded, ids: Sequence[int]) -> list[int]:
    """The ids, if this model can read them all at once.

    Raises:
        BadInput: ``not_causal``, ``no_lm_head`` (name), ``next_prompt_empty``, ``prompt_too_long`` (tokens,
            window), ``id_outside`` (id, last).
    """
    model, name = loaded.model, loaded.card.name
    if not hasattr(model, "prepare_inputs_for_generation") or model.config.is_encoder_decoder:
        raise BadInput("not_causal", name=name)
    if model.get_output_embeddings() is None:
        raise BadInput("no_lm_head", name=name)
    if not ids:
        raise BadInput("next_prompt_empty")
    room, last = window(loaded), model.get_input_embeddings().weight.shape[0] - 1
    if room is not None and len(ids) > room:
        raise BadInput("prompt_too_long", tokens=len(ids), window=room)
    outside = min(ids) if min(ids) < 0 else max(ids)
    if not 0 <= outside <= last:
        raise BadInput("id_outside", id=outside, last=last)
    return [int(id) for id in ids]


def look(
    loaded: Loaded, ids: Sequence[int], *, prefix: CachedPrefix | None = None, score_prompt: bool = False
) -> Generator[Waiting | Reading | Row, None, None]:
    """One forward pass over the ids, in chunks where they are many; at last the row.

    Args:
        loaded: with a causal model, leased as long as this runs.
        prefix: what was read before; what it begins with is not read again.
        score_prompt: also say how likely each of the ids was; then all of them are read.

    Raises:
        BadInput: as `check`. DoesNotFit: ``reply_out_of_memory``. PlaygroundError: ``logits_not_finite``.
    """
    ids = check(loaded, ids)
    return _look(loaded, ids, prefix or CachedPrefix(), score_prompt)


def _look(
    loaded: Loaded, ids: list[int], prefix: CachedPrefix, score_prompt: bool
) -> Generator[Waiting | Reading | Row, None, None]:
    ticket = queue.line(loaded).join()
    kv: KVCache | None = None
    try:
        while place := ticket.wait(TELL):
            yield Waiting(place)
        kv = prefix.take(loaded.model)
        if score_prompt:
            kv.forget()
        ears = _Ears(loaded, ids) if score_prompt else None
        kv.on_logits = ears
        reused, _ = kv.begin(ids)
        unread, chunk = ids[reused:], kv.chunk(len(ids))
        if score_prompt:  # fewer, larger passes are faster
            chunk = max(chunk, AT_ONCE // loaded.model.config.get_text_config(decoder=True).vocab_size)
        while True:
            part, unread = unread[:chunk], unread[chunk:]
            with explain_out_of_memory(loaded, len(ids), kv.forget), _last_hidden(loaded.model) as seen:
                logits = kv.feed(part)
            if not unread:
                break
            ticket.rest()
            yield Reading(len(ids) - len(unread), len(ids), reused)
            while place := ticket.wait(TELL):
                yield Waiting(place)
        row = _row(loaded, ids, logits, seen, reused, ears)
    finally:
        ticket.leave()
        if kv is not None:
            kv.on_logits = None
            prefix.put(kv)
    yield row


def _row(loaded: Loaded, ids: list[int], logits: Any, seen: list[Any], reused: int, ears: Any) -> Row:
    import torch

    with torch.inference_mode():
        kept = logits.float().cpu().clone()  # a view would keep the logits of the whole pass
        finite = not bool(torch.isnan(kept).any()) and bool(torch.isfinite(kept.max()))
        if not finite:
            raise PlaygroundError("logits_not_finite", name=loaded.card.name)
        hidden = seen[-1].float().cpu()
    shown = tuple(hidden[:VALUES].tolist())
    return Row(tuple(ids), kept, shown, int(hidden.shape[0]), reused, ears.prompt_scores() if ears else None)


@contextmanager
def _last_hidden(model: Any) -> Iterator[list[Any]]:
    """The hidden state of the last position, as this thread's next pass hands it to ``lm_head``."""
    seen: list[Any] = []

    def hook(module: Any, given: tuple[Any, ...]) -> None:
        states = given[0]
        seen.append(states.reshape(-1, states.shape[-1])[-1])

    with hooks() as ours:
        ours.before(model.get_output_embeddings(), hook)
        yield seen


class _Ears:
    """Listens to a reading: of each position, how likely it made the token that follows."""

    def __init__(self, loaded: Loaded, ids: list[int]) -> None:
        self._name, self._ids, self._at = loaded.card.name, ids, 0
        self._columns: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, every: Any) -> None:
        import torch

        begin = self._at
        self._at = end = begin + every.shape[0]
        following = self._ids[begin + 1 : end + 1]
        size = max(1, BLOCK // every.shape[1])
        for first in range(0, len(following), size):
            wanted = following[first : first + size]
            rows = every[first : first + len(wanted)].float()
            own = rows.gather(1, torch.tensor(wanted, device=rows.device)[:, None])
            likely = (own - torch.logsumexp(rows, -1, keepdim=True))[:, 0]
            if not bool(torch.isfinite(likely).all()):
                raise PlaygroundError("logits_not_finite", name=self._name)
            if rows.device.type == "cpu":  # NumPy counts six times as fast
                above = rows.numpy() > own.numpy()
                ranks = np.array([1 + np.count_nonzero(row) for row in above], np.int64)
            else:
                ranks = (1 + (rows > own).sum(-1)).cpu().numpy()
            self._columns.append((likely.cpu().numpy(), ranks))

    def prompt_scores(self) -> PromptScores:
        """All of it."""
        if not self._columns:
            return PromptScores(np.zeros(0, np.float32), np.zeros(0, np.int64))
        likely, ranks = (np.concatenate(column) for column in zip(*self._columns, strict=True))
        return PromptScores(likely, ranks)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that could come next, as it would be read after what came before.

    ``text`` is "" where it ends inside a character, or is a part of one that cannot stand here: ``raw`` has
    its bytes. ``kind`` is that of `pieces.Piece`, or ``padded``: a row of the matrix that no token has.
    """

    id: int
    piece: str
    text: str
    raw: bytes
    kind: str


def candidates(known: Adapter, before: Sequence[int], ids: Sequence[int]) -> list[Candidate]:
    """Ids as candidates after a context: each decoded against the context, never against each other."""
    held = TextStream(known, before[-CONTEXT:]).held if before else b""
    return [candidate(known.piece(id), id, held) for id in ids]


def candidate(entry: Piece, id: int, held: bytes) -> Candidate:
    """One of them; ``held`` are the bytes of a character that the context begins."""
    if entry is NOTHING or entry == NOTHING:
        return Candidate(id, f"[padded row {id}]", "", b"", "padded")
    if entry.kind == "special":
        return Candidate(id, entry.piece, entry.piece, entry.bytes, "special")
    text = whole(held + entry.bytes)
    if "\ufffd" in text and b"\xef\xbf\xbd" not in held + entry.bytes:
        text = ""  # half a character without its beginning
    return Candidate(id, entry.piece, text, entry.bytes, entry.kind)


def spelled(loaded: Loaded, ids: Sequence[int]) -> list[Candidate]:
    """The ids as a text that grows: whole characters where they are complete, else their bytes."""
    known = adapter(loaded)
    stream = TextStream(known)
    found = []
    for id in ids:
        entry, before = known.piece(id), stream.text
        new = stream.push(id)
        if entry == NOTHING or entry.kind == "special":
            found.append(candidate(entry, id, b""))
        else:
            shown = new if stream.text.startswith(before) else ""
            found.append(
                Candidate(id, entry.piece, "" if "\ufffd" in shown else shown, entry.bytes, entry.kind)
            )
    return found


def lookup(known: Adapter, wanted: str, vocabulary: int) -> int:
    """The id that a string names: the text of a token, a piece, an id; else the first token of the text.

    Raises:
        BadInput: ``lookup_empty``; ``id_outside`` of a number that is no text of a token.
    """
    if not isinstance(wanted, str) or not wanted:
        raise BadInput("lookup_empty")
    texts.check(wanted, LONGEST_LOOKUP)
    table: dict[bytes, int] | None = known.memo.get("by_text")
    if table is None:
        entries = [(known.piece(id), id) for id in reversed(list(known.vocabulary()))]
        table = {entry.piece.encode("utf-8", "replace"): id for entry, id in entries}
        table |= {entry.bytes: id for entry, id in entries if entry.kind == "text"}
        known.memo["by_text"] = table
    found = table.get(wanted.encode("utf-8", "replace"))
    if found is not None:
        return found
    number = wanted.strip()
    if number.isascii() and number.isdigit() and len(number) < 10:
        if int(number) >= vocabulary:
            raise BadInput("id_outside", id=int(number), last=vocabulary - 1)
        return int(number)
    cut = known.encode(wanted, special=False).ids
    if not len(cut):
        raise BadInput("lookup_empty")
    return int(cut[0])
