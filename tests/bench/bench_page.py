"""What a page load costs: the app beside an empty page of Gradio, our middleware beside none; by hand.

``python tests/bench/bench_page.py [loads]`` serves four pages, each in its own process: the app's ("whole"),
one button ("empty"), and one of six tabs with and without the middleware ("ours", "bare"). It loads them in
turn in Chromium, and prints CPU seconds of server and browser, answers, bytes, when a visitor can begin, what
shifts, and the longest task. Trust the ratios of one run alone: the machine is never quiet. Linux only.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.app import running
from tests.bench.rows import chromium, rounds, row

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
TICKS = os.sysconf("SC_CLK_TCK")
# What a visitor begins with.
READY = {"whole": "#home-frame .hm-row.now", "empty": "button", "ours": "button", "bare": "button"}
UNITS = {
    "server": "CPU-s", "browser": "CPU-s", "answers": "answers", "wire": "B", "html": "B", "packed": "B",
    "ready": "ms", "shift": "CLS", "task": "ms",
}  # fmt: skip
WIDTHS = (360, 768, 1280)
WATCH = """
    window.seen = {shift: 0, task: 0};
    const watch = (type, heard) => new PerformanceObserver((list) => list.getEntries().forEach(heard))
        .observe({type, buffered: true});
    watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.shift += entry.value; });
    watch("longtask", (entry) => { seen.task = Math.max(seen.task, entry.duration); });
"""


def serve(kind: str) -> None:
    """One server; says its address on the first line, and runs until its input ends."""
    import gradio as gr

    from playground.settings import Settings
    from playground.shell import middleware as web

    with gr.Blocks() as demo:
        if kind == "empty":
            gr.Button("Go")
        else:
            six_tabs()
    middleware = web.middleware(Settings()) if kind == "ours" else []
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, app_kwargs={"middleware": middleware})
    print(url, flush=True)
    sys.stdin.read()


def six_tabs() -> None:
    """Thirty-six rows of controls."""
    import gradio as gr

    with gr.Tabs():
        for tab in range(6):
            with gr.Tab(f"Tab {tab}"):
                for row in range(6):
                    box = gr.Textbox(label="text")
                    gr.Slider(0, 1)
                    gr.Dropdown(["a", "b"])
                    html = gr.HTML("result")
                    gr.Button("Go").click(lambda word: word, box, html, api_name=f"tab_{tab}_{row}")


class Server:
    """A server process, and what it cost so far."""

    def __init__(self, kind: str, stack: ExitStack) -> None:
        if kind == "whole":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            app = stack.enter_context(running(folder, {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py"))
            self.pid, self.url = app.pid, app.url
        else:
            command = [sys.executable, __file__, "--serve", kind]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.kill)
            assert process.stdout
            self.pid, self.url = process.pid, process.stdout.readline().strip()
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
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def main(loads: int) -> None:
    """Load all, alternating, and print what each load cost."""
    from playwright.sync_api import BrowserContext, Page, sync_playwright

    def load(page: Page, kind: str, server: Server) -> dict[str, float]:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Performance.enable")
        cost = dict.fromkeys(UNITS, 0.0)

        def finished(event: dict[str, float]) -> None:
            cost["answers"] += 1
            cost["wire"] += int(event["encodedDataLength"])

        session.on("Network.loadingFinished", finished)
        page.add_init_script(WATCH)
        before, began = server.cpu(), time.monotonic()
        answer = page.goto(server.url)
        page.locator(READY[kind]).first.wait_for()
        cost["ready"] = (time.monotonic() - began) * 1000
        page.wait_for_load_state("networkidle")
        cost["server"] = server.cpu() - before
        metrics = session.send("Performance.getMetrics")["metrics"]
        cost["browser"] = next(each["value"] for each in metrics if each["name"] == "TaskDuration")
        assert answer
        cost["html"] = len(answer.body())
        cost["packed"] = answer.request.sizes()["responseBodySize"]
        cost |= page.evaluate("window.seen")
        session.detach()
        return cost

    def visit(context: BrowserContext, kind: str, server: Server) -> dict[str, float]:
        page = context.new_page()
        cost = load(page, kind, server)
        page.close()
        return cost

    costs: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    shifts: dict[int, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        servers = {kind: Server(kind, stack) for kind in READY}
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        stack.callback(browser.close)
        for turn in range(loads + 1):
            for kind, server in servers.items():
                width = WIDTHS[turn % len(WIDTHS)] if kind == "whole" else WIDTHS[-1]
                context = browser.new_context(locale="en-US", viewport={"width": width, "height": 740})
                for when in ("cold", "warm"):
                    cost = visit(context, kind, server)
                    if turn:  # the first turn only warms the servers up
                        costs[kind, when].append(cost)
                    if kind == "whole":
                        shifts[width].append(cost["shift"])
                context.close()
        listeners = count(servers["whole"].url)

    def told(what: str, kind: str, other: str, when: str, against: str, **bounds: float) -> None:
        ours, baseline = (
            statistics.median(each[what] for each in costs[each_kind, when]) for each_kind in (kind, other)
        )
        name = "a load of the whole page" if kind == "whole" else "a load of six tabs"
        row(f"{name}, {when}: {what}", ours, baseline, UNITS[what], against, **bounds)

    for when in ("cold", "warm"):
        for what in ("server", "browser", "answers", "wire", "ready", "task"):
            told(what, "whole", "empty", when, "an empty page of Gradio")
        for what in ("server", "answers", "wire"):
            told(what, "ours", "bare", when, "the same without our middleware")
    told("html", "whole", "empty", "cold", "an empty page of Gradio")
    told("packed", "whole", "empty", "cold", "an empty page of Gradio")
    html = statistics.median(each["html"] for each in costs["whole", "cold"])
    row("the whole page's HTML", html, 400_000, "B", "what is wanted", most=1.0)
    row("its listeners", listeners, 100, "listeners", "what is wanted", most=1.0)
    for width, seen in sorted(shifts.items()):
        row(f"what shifts, {width} px wide", statistics.median(seen), 0.05, "CLS", "what is wanted", most=1.0)


def count(url: str) -> int:
    """The listeners of a page that are not endpoints alone."""
    import json
    import urllib.request

    from playground.shell.first_page import CONFIG

    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with plain.open(url, timeout=60) as answer:
        found = CONFIG.search(answer.read().decode())
    assert found
    return sum(bool(each["targets"]) for each in json.loads(found[0])["dependencies"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else rounds(9))
