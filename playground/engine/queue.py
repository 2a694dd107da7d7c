"""As many decodes at a time as a model does together: a line of visitors, first come, first served.

Two decodes at once on one model of torch take twice as long each and twice the memory, so there it is one. An
engine decodes many together, as long as they fit into its room. Who waits is told the place
in the line, may leave at any time, and is not held up by somebody who took a turn and walked away: a holder
who asks for nothing for `PATIENCE` seconds lets the others pass, and goes on as soon as they are done.

Tickets are left by ``finally`` blocks of generators, which Python may run at any moment, even inside these
very methods (a garbage collection): so the lock is re-entrant and each change is one operation on a list.
"""

from __future__ import annotations

import threading
import time

from playground.models import devices
from playground.models.cache import Loaded
from playground.models.engines.interface import Engine
from playground.system import cancellation

PATIENCE = 10.0  # seconds


class Ticket:
    """A place in a line. Leave it whatever happens (``finally``)."""

    def __init__(self, line: Line, size: int) -> None:
        self._line = line
        self.size = size
        self.resting = 0.0  # since when nothing was asked for; 0: at work

    def wait(self, seconds: float) -> int:
        """How many must leave before us, after waiting at most so long; 0: our turn has come.

        Whoever gets 0 is at work until `rest` or `leave`.

        Raises:
            cancellation.Abandoned: nobody waits for this thread's work any more.
        """
        cancellation.check()
        return self._line._wait(self, seconds)

    def rest(self) -> None:
        """Not at work until the next `wait`; keeps the turn for a while."""
        self.resting = time.monotonic()

    def leave(self) -> None:
        """Give up turn or place. Twice does no harm."""
        self._line._leave(self)


class Line:
    """Those who want to decode on one model, in the order they came.

    Args:
        together: how many may be at work at the same time.
        room: tokens that all of them together may have; 0 for no limit. The first may always work.
    """

    def __init__(self, together: int = 1, room: int = 0) -> None:
        self.together, self.room = together, room
        self._tickets: list[Ticket] = []
        self._changed = threading.Condition()  # its lock is re-entrant

    def join(self, size: int = 0) -> Ticket:
        """Stand at the end.

        Args:
            size: tokens that it will have at most.
        """
        ticket = Ticket(self, size)
        with self._changed:
            ticket.rest()
            self._tickets.append(ticket)
        return ticket

    def __len__(self) -> int:
        return len(self._tickets)

    def _wait(self, ticket: Ticket, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        with self._changed:
            ticket.resting = 0.0
            while True:
                now = time.monotonic()
                if ticket not in self._tickets:  # passed over while away: next, not last
                    self._tickets.insert(self.together, ticket)
                ahead = self._tickets[: self._tickets.index(ticket)]
                away = [each for each in ahead if each.resting and now - each.resting > PATIENCE]
                place = self._before(ahead, ticket)
                if place and away[:1] and away[0] in ahead[: self.together]:
                    self._tickets.remove(away[0])
                    continue
                if not place or now >= deadline:
                    break
                self._changed.wait(min(deadline - now, 0.25))  # short: a resting head tells nobody
            if place:
                ticket.rest()
        if not place:
            devices.all_threads()  # whichever thread works on now
        return place

    def _before(self, ahead: list[Ticket], ticket: Ticket) -> int:
        """How many of those ahead must leave before this one may work."""
        place = max(0, len(ahead) - self.together + 1)
        left = sum(each.size for each in ahead) + ticket.size - self.room if self.room else 0
        for number, each in enumerate(ahead, 1):
            if left <= 0:
                break
            left -= each.size
            place = max(place, number)
        return place

    def _leave(self, ticket: Ticket) -> None:
        with self._changed:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._changed.notify_all()


def line(loaded: Loaded) -> Line:
    """The line of a leased model; there is one per load."""
    model = loaded.model
    made = Line(model.capabilities.together, model.room) if isinstance(model, Engine) else Line()
    found: Line = loaded.memo.setdefault("line", made)
    return found
