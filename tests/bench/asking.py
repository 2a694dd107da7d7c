"""What benches ask of servers: requests of JSON, whether one answers, and whether it has come to rest."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from typing import Any

import psutil


def posting(url: str, body: Any) -> urllib.request.Request:
    """A request that posts JSON."""
    return urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})


def post(url: str, body: Any) -> Any:
    """What is answered to it, as JSON."""
    with urllib.request.urlopen(posting(url, body), timeout=120) as answer:
        return json.load(answer)


def wait(url: str) -> None:
    """Until a server answers.

    Raises:
        RuntimeError: it does not.
    """
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=10).read()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{url} does not answer")


def settled(process: subprocess.Popen[Any]) -> None:
    """Until a server has done what it does after its start (ours imports and loads ahead).

    Raises:
        RuntimeError: it never comes to rest.
    """
    watched, calm = psutil.Process(process.pid), 0
    deadline = time.monotonic() + 300
    while calm < 3:
        if time.monotonic() > deadline:
            raise RuntimeError("the server never comes to rest")
        before = sum(watched.cpu_times()[:2])
        time.sleep(1)
        calm = calm + 1 if sum(watched.cpu_times()[:2]) - before < 0.05 else 0


def spent(process: subprocess.Popen[Any]) -> float:
    """Seconds of the processor that a server and its children have taken: other work hardly changes them."""
    own = psutil.Process(process.pid)
    return float(sum(sum(each.cpu_times()[:2]) for each in (own, *own.children(recursive=True))))
