"""One heap of the C library for all threads.

Linux's C library gives threads that ask at the same time heaps of their own, up to eight for each core, and
each keeps what the largest work of its threads once took: holes between small things that stayed. Of twenty
visitors' ten minutes the server held 1,469 MiB, and with one heap 1,184; models were as fast, also in six
threads at once (the interpreter's lock has them take turns anyway).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

M_ARENA_MAX = -8  # malloc.h
CHOSEN = (
    "MALLOC_ARENA_MAX",
    "GLIBC_TUNABLES",
)  # in the environment, by this server's owner, who may know better


def option() -> Callable[[int, int], int] | None:
    """``mallopt`` of the C library; None where it is no GNU C library (macOS, Windows, musl)."""
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"):
        return None
    return ctypes.CDLL(None).mallopt


def share() -> bool:
    """Let all threads share one heap, for good.

    Only what is said before a second thread first asks for memory is heard.

    Returns:
        whether it was said.
    """
    mallopt = option()
    return mallopt is not None and mallopt(M_ARENA_MAX, 1) == 1
