"""Who closed the connection before the answer came, so that the work for it can end.

Gradio lets a call that is no generator run to its end, whoever waits for it or not. What stands between it
and the browser (`sessions`) counts here whose stream broke off; whoever works remembers the count that it
began with (`visitor.guard`). So a page that comes back and asks anew is not taken for one that left.
"""

from __future__ import annotations

import threading

MOST = 10_000  # sessions that are remembered; whoever works for one asks within seconds

_times: dict[str, int] = {}  # the latest to leave last
_lock = threading.Lock()


def left(session: str) -> None:
    """Nobody reads any more what this session has asked for so far.

    Args:
        session: as Gradio names it: a page's, or of one call of a program its event's.
    """
    with _lock:
        _times[session] = _times.pop(session, 0) + 1
        while len(_times) > MOST:
            del _times[next(iter(_times))]


def departures(session: str) -> int:
    """How often it left."""
    return _times.get(session, 0)
