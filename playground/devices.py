"""Where models run, and how much memory there is for them."""

from __future__ import annotations

from pathlib import Path

import psutil

SHARE = 0.6  # of the machine's memory that models may take unless the owner says otherwise
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's own limit (cgroup v2)


def total_memory(cgroup: Path = CGROUP) -> int:
    """Bytes of memory that this process may count on: the machine's, or its container's if that is less."""
    machine = int(psutil.virtual_memory().total)
    try:
        return min(machine, int(cgroup.read_text()))
    except (OSError, ValueError):  # not Linux, no container, or "max": no limit
        return machine


def budget(memory_gb: float) -> int:
    """Bytes that all loaded models together may take.

    Args:
        memory_gb: the owner's word, in GiB; 0 leaves it to us.
    """
    return int(memory_gb * 2**30) if memory_gb else int(total_memory() * SHARE)
