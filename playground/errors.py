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
