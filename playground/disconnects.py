"""Who closed the connection before the answer came, so that the work for it can end.

Gradio lets a call that is no generator run to its end, whoever waits for it or not. What stands between it
and the browser (`sessions`) notes here whose stream broke off; whoever works asks (`visitor.guard`).
"""

from __future__ import annotations

import threading

MOST = 10_000  # names that are remembered; each is some dozen letters, and is asked for within seconds

_gone: dict[str, None] = {}  # in the order they left
_lock = threading.Lock()


def left(session: str) -> None:
    """Nobody reads the answers of this session any more.

    Args:
        session: as Gradio names it: a page's, or of one call of a program its event's.
    """
    with _lock:
        _gone[session] = None
        while len(_gone) > MOST:
            del _gone[next(iter(_gone))]


def back(session: str) -> None:
    """It asks, or listens, again."""
    with _lock:
        _gone.pop(session, None)


def gone(session: str) -> bool:
    """Whether it left."""
    return session in _gone
