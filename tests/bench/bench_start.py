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
ROUNDS = 5
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
            bare.append(seconds([sys.executable, str(script), "7981"], 7981))
            ours.append(seconds([sys.executable, "app.py", "--port", "7982"], 7982))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"bare six tabs: median {statistics.median(bare):.2f} s of {ROUNDS}")
    print(f"ours:          median {statistics.median(ours):.2f} s of {ROUNDS}")
    print(f"ratio {ratio:.2f} (wanted: at most 1.3)")


if __name__ == "__main__":
    main()
