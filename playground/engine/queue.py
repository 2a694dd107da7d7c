"""One decode at a time per model: a line in which visitors wait, first come, first served.

Two decodes at once on one model take twice as long each and twice the memory. Who waits is told the place
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
from playground.system import cancellation

PATIENCE = 10.0  # seconds


class Ticket:
    """A place in a line. Leave it whatever happens (``finally``)."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.resting = 0.0  # since when nothing was asked for; 0: at work

    def wait(self, seconds: float) -> int:
        """How many are before us, after waiting at most so long to be the first; 0: our turn has come.

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
    """Those who want to decode on one model, in the order they came."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._changed = threading.Condition()  # its lock is re-entrant

    def join(self) -> Ticket:
        """Stand at the end."""
        ticket = Ticket(self)
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
                    self._tickets.insert(1, ticket)
                head = self._tickets[0]
                if head is not ticket and head.resting and now - head.resting > PATIENCE:
                    self._tickets.remove(head)
                    continue
                if head is ticket or now >= deadline:
                    break
                self._changed.wait(min(deadline - now, 0.25))  # short: a resting head tells nobody
            place = self._tickets.index(ticket)
            if place:
                ticket.rest()
        if not place:
            devices.all_threads()  # whichever thread works on now
        return place

    def _leave(self, ticket: Ticket) -> None:
        with self._changed:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._changed.notify_all()


def line(loaded: Loaded) -> Line:
    """The line of a leased model; there is one per load."""
    found: Line = loaded.memo.setdefault("line", Line())
    return found
