"""How long from the command until the page answers? ``python tests/bench/bench_start.py``

Starts a bare gradio app of six tabs and our app in turns, on the same machine in the same minute, and prints
the ratio of the medians (wanted: at most 1.3).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.app import free_port  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402

ROUNDS = rounds(5)
BARE = """
import sys
import gradio as gr
with gr.Blocks() as app, gr.Tabs():
    for number in range(6):
        with gr.Tab(str(number)):
            text, button, view = gr.Textbox(), gr.Button(), gr.HTML()
            button.click(lambda x: x, text, view)
app.launch(server_port=int(sys.argv[1]), quiet=True)
"""


def seconds(command: list[str], port: int) -> float:
    """From the start of the process until the page has been read whole."""
    began = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)  # type: ignore[call-overload]
    try:
        while process.poll() is None and time.perf_counter() - began < 120:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                    answer.read()
                return time.perf_counter() - began
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        raise RuntimeError(f"{command} did not start")
    finally:
        process.kill()
        process.wait()


def main() -> None:
    bare, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        for _ in range(ROUNDS):
            for command, times in (([str(script)], bare), (["app.py", "--port"], ours)):
                port = free_port()
                times.append(seconds([sys.executable, *command, str(port)], port))
    took = statistics.median(ours), statistics.median(bare)
    row("from the command to the page", *took, "s", "a bare Gradio app of six tabs", most=1.3)


if __name__ == "__main__":
    main()
