"""What a page load costs with ``playground.shell.middleware`` and without: run by hand.

``python tests/bench/bench_page.py [loads]`` serves one six-tab app twice, bare and with the
middleware, each in its own process, loads both in turn in Chromium, and prints server CPU, requests
and bytes on the wire. Trust the ratios of one run alone: the machine is never quiet. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.rows import chromium, rounds, row

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
TICKS = os.sysconf("SC_CLK_TCK")


def serve(kind: str) -> None:
    """One server; says its address on the first line, and runs until its input ends."""
    import gradio as gr

    from playground.settings import Settings
    from playground.shell import middleware as web

    with gr.Blocks() as demo, gr.Tabs():
        for tab in range(6):
            with gr.Tab(f"Tab {tab}"):
                for row in range(6):
                    box = gr.Textbox(label="text")
                    gr.Slider(0, 1)
                    gr.Dropdown(["a", "b"])
                    html = gr.HTML("result")
                    gr.Button("Go").click(lambda word: word, box, html, api_name=f"tab_{tab}_{row}")
    middleware = web.middleware(Settings()) if kind == "ours" else []
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": middleware})
    print(url, flush=True)
    sys.stdin.read()


class Server:
    """A server process, and what it cost so far."""

    def __init__(self, kind: str) -> None:
        command = [sys.executable, __file__, "--serve", kind]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        time.sleep(2)
        # Gradio's queue looks for work every millisecond: 0.04 CPU-s a second, on no one's account.
        before, start = self.used(), time.monotonic()
        time.sleep(8)
        self.idle = (self.used() - before) / (time.monotonic() - start)

    def cpu(self) -> float:
        """CPU seconds so far, without those of idling."""
        return self.used() - self.idle * time.monotonic()

    def used(self) -> float:
        """CPU seconds of the process, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def main(loads: int) -> None:
    """Load both, alternating, and print what each load cost."""
    from playwright.sync_api import Page, sync_playwright

    servers = {kind: Server(kind) for kind in ("bare", "ours")}
    costs = {(kind, when): [0.0, 0, 0] for kind in servers for when in ("cold", "warm")}

    def load(page: Page, kind: str, cost: list[float]) -> None:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        seen = [0, 0]

        def finished(event: dict[str, float]) -> None:
            seen[0] += 1
            seen[1] += int(event["encodedDataLength"])

        session.on("Network.loadingFinished", finished)
        before = servers[kind].cpu()
        page.goto(servers[kind].url)
        page.get_by_role("button", name="Go").first.wait_for()
        page.wait_for_load_state("networkidle")
        cost[0] += servers[kind].cpu() - before
        cost[1] += seen[0]
        cost[2] += seen[1]
        session.detach()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for turn in range(loads + 1):
            for kind in servers:
                context = browser.new_context()
                for when in ("cold", "warm"):
                    page = context.new_page()
                    # The first turn only warms the servers up.
                    load(page, kind, costs[kind, when] if turn else [0.0, 0, 0])
                    page.close()
                context.close()
        browser.close()
    for server in servers.values():
        server.process.kill()

    for when in ("cold", "warm"):
        bare, ours = ([part / loads for part in costs[kind, when]] for kind in ("bare", "ours"))
        for place, unit in enumerate(("CPU-s", "answers", "B")):
            what = f"a {when} load of six tabs"
            row(what, ours[place], bare[place], unit, "the same without our middleware")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else rounds(15))
