"""Everything that can go wrong in a way a visitor can understand.

    PlaygroundError            may be shown to a visitor as it is
    ├── BadInput               what was given cannot be used (empty, too long, wrong form)
    ├── UnknownModel           no such name: not embedded, not in the models folder, not on the Hub
    ├── CannotLoad             it exists, but loading it failed (broken files, code of its own)
    │   ├── HubUnreachable     offline, or the Hub did not answer
    │   └── Gated              the Hub wants a licence accepted, or a token
    ├── DoesNotFit             more memory than there is, or than the owner allows
    ├── NotAllowed             the owner of this server does not allow it (public mode)
    └── TookTooLong            stopped at its time limit

An error carries a *key* into ``assets/text`` and the values of its sentence, never a sentence: the
guard says it in the visitor's own language.
"""

from __future__ import annotations

import copy
import traceback
from errno import ENOMEM


class PlaygroundError(Exception):
    """Base of all errors that a visitor may see.

    Args:
        key: the sentence, as a key of ``assets/text/<lang>/errors.json``, without ``errors.``.
        values: what the sentence's ``{placeholders}`` stand for.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(f"{key} {values}" if values else key)
        self.key = f"errors.{key}"
        self.values = values


class BadInput(PlaygroundError):
    """What the visitor gave cannot be used."""


class UnknownModel(PlaygroundError):
    """No embedded model, folder or Hub repository has this name."""


class CannotLoad(PlaygroundError):
    """The model exists, but cannot be loaded."""


class HubUnreachable(CannotLoad):
    """The Hub is switched off (offline), or does not answer."""


class Gated(CannotLoad):
    """The Hub asks for an accepted licence or an access token."""


class DoesNotFit(PlaygroundError):
    """It needs more memory than the budget has."""


class NotAllowed(PlaygroundError):
    """The owner of this server switched it off."""


class TookTooLong(PlaygroundError):
    """It ran into its time limit and was stopped."""


def apart(failure: BaseException) -> BaseException:
    """An error of one's own: one that many threads raise collects the frames of all of them."""
    try:
        return copy.copy(failure).with_traceback(None)
    except Exception:  # an exception that cannot be made anew from its arguments
        return failure


# What allocators say when memory is out, beside MemoryError and torch's own class for CUDA.
OUT_OF_MEMORY = (
    "not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "bad_alloc",
    "alloc_failed",
)  # fmt: skip


def out_of_memory(error: BaseException) -> bool:
    """Whether a library failed for want of memory, under whatever name."""
    kind = type(error).__name__
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or getattr(error, "errno", 0) == ENOMEM:
        return True
    said = str(error).lower()
    # safetensors' own class is no RuntimeError. Others may quote a file that only speaks of memory.
    known = isinstance(error, RuntimeError | OSError) or kind == "SafetensorError"
    return known and any(words in said for words in OUT_OF_MEMORY)


def let_frames_go(error: BaseException) -> None:
    """Empty the frames that an error and what led to it passed, where they have ended.

    They hold all that was made in them (half a model, an answer of megabytes) for as long as somebody keeps
    the error, or until the collector finds a cycle that it is in.
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:  # who is raised again may be its own cause's cause
        seen.add(id(each))
        traceback.clear_frames(each.__traceback__)
        each = each.__cause__ or each.__context__
