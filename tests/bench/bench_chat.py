"""Chat at the client, against ``gr.ChatInterface`` with ``TextIteratorStreamer`` on the same model.

    .venv/bin/python tests/bench/bench_chat.py [folder of a model ...]

Both serve from processes of their own, on one thread of torch; a client reads what a browser would.
Printed: time to the first token, tokens a second and bytes over the wire, as ratios of one run; and our rate
beside the bare loop (a forward pass and an argmax with a cache) without any server. Without a folder it makes
random Llamas of about 5 and 100 million parameters.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.app import free_port  # noqa: E402
from tests.bench.asking import post, posting, settled, wait  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402

COUNT, ROUNDS, WORDS = 128, rounds(7), "Once upon a time there was a little girl named Lily"
OTHER = """
import sys, threading, torch, gradio as gr
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
def reply(message, history):
    ids = tokenizer(message, return_tensors="pt")["input_ids"]
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
    how = dict(max_new_tokens=COUNT, min_new_tokens=COUNT, do_sample=False, streamer=streamer)
    threading.Thread(target=model.generate, args=(ids,), kwargs=how).start()
    text = ""
    for piece in streamer:
        text += piece
        yield text
gr.ChatInterface(reply).launch(server_port=int(sys.argv[2]), quiet=True)
""".replace("COUNT", str(COUNT))
BARE = """
import sys, time, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from playground.engine.generation import compat
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
ids = AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2], return_tensors="pt")["input_ids"]
for _ in range(3):
    with torch.inference_mode():
        cached = compat.with_cache(model, compat.new_cache(model))
        next = model(input_ids=ids, **cached).logits[:, -1:].argmax(-1)
        began = time.perf_counter()
        for _ in range(COUNT - 1):
            next = model(input_ids=next, **cached).logits[:, -1:].argmax(-1)
            next.item()
        print((COUNT - 1) / (time.perf_counter() - began), flush=True)
""".replace("COUNT", str(COUNT))


def events(url: str | urllib.request.Request, has_text, ends) -> tuple[float, float, int]:
    """Seconds to the first text and to the end, and bytes in between."""
    began, first, size = time.perf_counter(), 0.0, 0
    with urllib.request.urlopen(url, timeout=300) as answer:
        for line in answer:
            size += len(line)
            if not first and has_text(line):
                first = time.perf_counter() - began
            if ends(line):
                break
    return first, time.perf_counter() - began, size


def ours(url: str, model: str) -> tuple[float, float, int]:
    asked = {"model": model, "max_new_tokens": COUNT, "messages": [{"role": "user", "content": WORDS}]}
    return events(
        posting(f"{url}playground/chat", asked),
        lambda line: b'"ids"' in line, lambda line: b'"done"' in line,
    )  # fmt: skip


def others(url: str, number: int) -> tuple[float, float, int]:
    session = f"bench{number}"
    with urllib.request.urlopen(f"{url}config", timeout=60) as answer:
        config = json.load(answer)
    known = {each["api_name"]: each["id"] for each in config["dependencies"]}

    def join(name: str, data: list) -> None:
        body = {"data": data, "fn_index": known[name], "session_hash": session, "trigger_id": None}
        post(f"{url}gradio_api/queue/join", body)

    # As its page does: the message is put into the session's state, then the reply is asked for.
    join("_clear_and_save_textbox", [WORDS])
    events(
        f"{url}gradio_api/queue/data?session_hash={session}", bool, lambda line: b"process_completed" in line
    )
    began = time.perf_counter()
    join("_submit_fn", [None, []])
    asking = time.perf_counter() - began
    first, whole, size = events(
        f"{url}gradio_api/queue/data?session_hash={session}", lambda line: b"process_generating" in line,
        lambda line: b"process_completed" in line,
    )  # fmt: skip
    return first + asking, whole + asking, size


def made(folder: Path) -> list[Path]:
    from tests.models import saved

    shapes = {
        "five-million": {"hidden_size": 256, "num_hidden_layers": 6, "intermediate_size": 704},
        "hundred-million": {"hidden_size": 768, "num_hidden_layers": 14, "intermediate_size": 2048},
    }
    return [
        saved.save(folder / name, "Llama", max_position_embeddings=1024, eos_token_id=None, **shape)
        for name, shape in shapes.items()
    ]


def compare(model: Path, folder: Path) -> None:
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "OMP_NUM_THREADS": "1"}
    script = folder / "other.py"
    script.write_text(OTHER)
    ports = free_port(), free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": ROOT}
    app = ["app.py", "--offline", "--dtype", "float32", "--models-dir", str(model.parent), "--port"]
    servers = [
        subprocess.Popen([sys.executable, *app, str(ports[0])], **quiet),
        subprocess.Popen([sys.executable, str(script), str(model), str(ports[1])], **quiet),
    ]
    try:
        urls = [f"http://127.0.0.1:{port}/" for port in ports]
        for url in urls:
            wait(url)
        for server in servers:
            settled(server)
        ours(urls[0], model.name), others(urls[1], 0)
        runs = [(ours(urls[0], model.name), others(urls[1], 1 + lap)) for lap in range(ROUNDS)]
    finally:
        for server in servers:
            server.kill()
    bare = subprocess.run(
        [sys.executable, "-c", BARE, str(model), WORDS],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=True,
    )
    rate = statistics.median(float(line) for line in bare.stdout.split())
    mine, theirs = (
        [statistics.median(run[who][what] for run in runs) for what in range(3)] for who in (0, 1)
    )
    for place, (what, unit) in enumerate(
        (("first token", "s"), ("whole reply", "s"), ("over the wire", "B"))
    ):
        row(f"{what}, {model.name}", mine[place], theirs[place], unit, "ChatInterface, TextIteratorStreamer")
    writing = (COUNT - 1) / (mine[1] - mine[0])
    row(f"writing, {model.name}", writing, rate, "tokens/s", "the bare loop without a server")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for model in [Path(each).resolve() for each in sys.argv[1:]] or made(Path(folder) / "models"):
            compare(model, Path(folder))
