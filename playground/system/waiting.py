"""How threads of torch that wait for each other do so: said before their library is loaded.

After every product of matrices its threads wait for the slowest of them. Whoever looks again and again
(spins) goes on at once, but takes the core from whoever else would compute; whoever sleeps must be woken.
GNU's OpenMP, which torch has on Linux, reads once which it shall be. Tokens a second of a model of 135
million parameters on two cores, idle, and with two processes that compute beside it:

    as the library has it       29.6   11.7
    GOMP_SPINCOUNT=100000       28.2    6.3
    GOMP_SPINCOUNT=10000        27.2    8.8
    GOMP_SPINCOUNT=1000         20.3   16.1
    asleep at once (PASSIVE)    17.6   17.9

So one person on an idle machine is served by a short spin, and everybody else by sleep: a server of many
has other work by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

CHOSEN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")  # in the environment, by the owner, who may know better
SPINS = "10000"  # looks before it sleeps
IDLE = 0.25  # processes that compute, a core, averaged over the last minute


def chosen(environment: Mapping[str, str], *, many: bool) -> dict[str, str]:
    """What is to be added to the environment.

    Args:
        many: whether this process serves more than one person.
    """
    if any(each in environment for each in CHOSEN):
        return {}
    idle = load()
    if many or idle is None or idle >= IDLE:
        return {"OMP_WAIT_POLICY": "PASSIVE"}
    return {"GOMP_SPINCOUNT": SPINS}


def load() -> float | None:
    """Processes that computed or wanted to in the last minute, a core; None where that is not told, or where
    torch has another OpenMP.
    """
    if sys.platform != "linux":
        return None
    return os.getloadavg()[0] / (os.cpu_count() or 1)
