"""Twenty visitors at once, for ten minutes of all that there is: does the server's memory stay as it is?

``python tests/bench/bench_visitors.py [seconds]``: memory of the server and its children after two minutes,
and at the end of the same use. Each is the mean of a while: at any moment some dozen are being answered.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.app import App, running
from tests.bench.bench_strangers import Answer, Server, memory, told
from tests.bench.rows import row

VISITORS = 20
WARM = 120.0  # seconds, or a fifth of a shorter run
WHILE = 30.0  # seconds over which memory is told, or half of the warming
WORDS = ("the king", "一隻貓", "rain", "music", "Paris", "bread", "a rocket", "數學", "money", "doctor")


def uses(server: Server, draw: random.Random) -> list[Callable[[], Answer]]:
    """What one visitor does, in any order; each text is another one."""

    def words(count: int) -> str:
        return " ".join(draw.choice(WORDS) + str(draw.randrange(1000)) for _ in range(count))

    def lines(count: int) -> list[str]:
        return [words(6) for _ in range(count)]

    def stream(name: str, **given: Any) -> Answer:
        return server.ask("POST", f"/playground/{name}", told(**given), {"content-type": "application/json"})

    return [
        lambda: server.ask("GET", "/"),
        lambda: server.call(
            "tokenize", words(draw.randrange(1, 300)), ["byt5", "tekken", "all-MiniLM-L6-v2"]
        ),
        lambda: server.call("next_token", words(5), "tutor"),
        lambda: stream("next/look", model="tutor", prompt=words(8), count=20),
        lambda: server.call("generate", words(3), "tutor", "sample", 16),
        lambda: server.call("chat", words(3), [], "tutor", "", 24),
        lambda: server.call("embed", lines(draw.randrange(1, 20)), "all-MiniLM-L6-v2"),
        lambda: server.call("project", lines(20), "all-MiniLM-L6-v2", "pca"),
        lambda: server.call("similarity", lines(10), "all-MiniLM-L6-v2"),
        lambda: server.call("token_vectors", lines(2), "all-MiniLM-L6-v2"),
        lambda: server.call("similar_words", ["king"], [], "minilm-words"),
        lambda: server.call("find_songs", draw.choice("abcdefgh"), "sample", 10),
        lambda: server.call("recommend", [str(draw.randrange(5000))], [], "sample", 10),
        lambda: server.call("inspect", draw.choice(("tutor", "all-MiniLM-L6-v2"))),
    ]


def over(app: App, seconds: float) -> float:
    """The mean memory of a while that begins now, in bytes."""
    ended, seen = time.monotonic() + seconds, []
    while time.monotonic() < ended:
        seen.append(memory(app))
        time.sleep(0.5)
    return statistics.fmean(seen)


def main(seconds: float) -> int:
    """Use it, and tell.

    Returns:
        the exit code.
    """
    ended, answers, lock = threading.Event(), Counter[int](), threading.Lock()
    with tempfile.TemporaryDirectory() as place:
        with running(Path(place), {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py") as app:
            server = Server(app.url)

            def visit(number: int) -> None:
                draw = random.Random(number)
                mine = uses(server, draw)
                while not ended.is_set():
                    status, _ = draw.choice(mine)()
                    with lock:
                        answers[status] += 1
                    ended.wait(draw.random())

            visitors = [threading.Thread(target=visit, args=(number,)) for number in range(VISITORS)]
            for visitor in visitors:
                visitor.start()
            warming = min(WARM, seconds / 5)
            told = min(WHILE, warming / 2)
            time.sleep(warming - told)
            warm = over(app, told)
            time.sleep(seconds - warming - told)
            after, alive = over(app, told), app.process.poll() is None
            ended.set()
            for visitor in visitors:
                visitor.join()
    row(
        f"memory of {VISITORS} visitors after {seconds:.0f} s", after / 2**20, warm / 2**20, "MiB",
        f"after {warming:.0f} s", most=1.1,
    )  # fmt: skip
    print(f"{sum(answers.values())} requests: {dict(answers)}")
    return 0 if alive and set(answers) == {200} else 1


if __name__ == "__main__":
    from tests.bench.rows import rounds

    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0 * rounds(600)))
