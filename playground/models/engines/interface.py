"""What Chat asks of an engine, whichever it is: tokens as they come, what else could have stood there.

Three homes: `playground.models.engines.llama` (a GGUF file, by llama.cpp in a child process),
`playground.models.engines.server` (any server that speaks OpenAI's language), and
`playground.engine.generation.engines` (a model that transformers has loaded: it alone shows its inside).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Capabilities:
    """What an engine can tell, so that the page can say what it cannot.

    Args:
        name: of the engine, as its makers write it.
        ids: it takes a prompt as ids, and tells the ids of what it writes: without them there is no branch.
        inside: hidden states, attention and all logits can be looked at.
        chances: it tells with which probability a token was drawn after temperature and filters.
        alternatives: how many of the likeliest tokens it tells at a place; 0: none.
        repeats: a seed gives the same reply again: ``always``, ``alone`` (as long as nobody else chats at the
            same time), ``never``.
        together: replies that are written at the same time; others wait.
    """

    name: str
    ids: bool = True
    inside: bool = False
    chances: bool = False
    alternatives: int = 0
    repeats: Literal["always", "alone", "never"] = "never"
    together: int = 1


@dataclass(frozen=True)
class Order:
    """One reply that is wanted.

    Args:
        ids: the prompt; () where ``messages`` are given instead, for engines that know no ids.
        messages: the conversation, ``{"role": …, "content": …}``.
        max_new_tokens, temperature, top_k, top_p, min_p, repetition_penalty, seed: as `Settings` of sampling.
        alternatives: how many of the likeliest tokens each step tells.
    """

    ids: Sequence[int] = ()
    messages: Sequence[dict[str, str]] = ()
    max_new_tokens: int = 256
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int = 0
    alternatives: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """One token that an engine wrote.

    Args:
        id: -1 where it tells none.
        raw: its bytes, and before them those of ``silent`` tokens.
        probability: the model's own, before temperature and filters; None where it is not told.
        top: the likeliest ids with their probabilities, best first.
        silent: tokens before it that only began a character, of which nothing else is told.
        texts: the likeliest as bytes, of an engine that tells no ids.
        seconds: that the engine has written for, up to this token; None where it does not tell.
    """

    id: int
    raw: bytes
    probability: float | None
    top: tuple[tuple[int, float], ...] = ()
    silent: int = 0
    texts: tuple[tuple[bytes, float], ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Read:
    """How far the prompt is read, in tokens."""

    done: int
    total: int
    reused: int


@dataclass(frozen=True)
class End:
    """Why an engine wrote no more: ``eos``, ``length`` or ``window``, and what it counted."""

    reason: Literal["eos", "length", "window"]
    prompt_tokens: int
    new_tokens: int
    reused: int = 0


Piece = Token | Read | End


class Engine(ABC):
    """A model that writes, elsewhere than in this process's torch. Belongs to the cache as any model does.

    ``window`` is how many tokens prompt and reply may have together, ``room`` how many all replies that are
    written at the same time (0: each has its own), and ``ends`` the ids that end a reply.
    """

    capabilities: Capabilities
    window: int
    room: int
    ends: frozenset[int]

    @abstractmethod
    def stream(self, order: Order) -> Generator[Piece, None, None]:
        """A reply, piece by piece; close it to stop at once.

        Raises:
            PlaygroundError: the engine refused, or ended.
        """

    @abstractmethod
    def likeliest(self, ids: Sequence[int], count: int) -> list[tuple[int, float]]:
        """What could follow these ids, with the model's own probabilities, best first.

        Raises:
            PlaygroundError: as `stream`.
        """

    @abstractmethod
    def close(self) -> None:
        """End it and give its memory back; who asks all the same is told so, or gets it started again."""
