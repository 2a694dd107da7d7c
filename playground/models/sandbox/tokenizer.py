"""A stranger's tokenizer as its parent holds it: the child process, and what is asked of it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np

from playground.errors import CannotLoad
from playground.models.sandbox import wire
from playground.models.sandbox.process import Session


class ConfinedTokenizer:
    """The child of one tokenizer, and what it said when it opened the files.

    The child ends with `close`, or when nobody holds this any more.

    Args:
        name: as a visitor knows it.
        command: what is started.
        greeting: tells the child what to open.

    Raises:
        CannotLoad: as a load in this process would. TookTooLong, DoesNotFit, BadInput: as `Session.ask`.
    """

    def __init__(self, name: str, command: Sequence[str], greeting: wire.Message) -> None:
        self.name = name
        self._session = Session(name, command, greeting)
        weakref.finalize(self, self._session.close)
        self.told = self._session.open()

    def ask(
        self, what: str, arguments: wire.Message, columns: wire.Columns | None = None, *, characters: int = 0
    ) -> tuple[wire.Message, dict[str, np.ndarray]]:
        """One request of `playground.engine.tokenizers.sandbox_requests`.

        Args:
            characters: of the text that it is about, which gives it more time.

        Raises:
            As `Session.ask`. CannotLoad: ``broken_tokenizer``, its files are others than they were.
        """
        found = self._session.ask({"what": what, **arguments}, columns, characters=characters)
        if self._session.opened != self.told:  # the child was started again
            raise CannotLoad("broken_tokenizer", name=self.name)
        return found

    @property
    def pid(self) -> int | None:
        """Of the child; None while there is none."""
        return self._session.pid

    def close(self) -> None:
        """End the child; who asks all the same gets another, which ends when nobody holds this any more."""
        self._session.close()
