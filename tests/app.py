"""The app as a process with folders of its own: ``app.py`` as its owner starts it, or ``tests/serve.py``."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# How much longer than on a quiet machine to wait for what comes: TEST_PATIENCE=10 where others work as well.
SLOWER = float(os.environ.get("TEST_PATIENCE", "1"))
PATIENCE = 120.0 * SLOWER  # seconds until it answers; on two busy cores it takes some ten
FOREIGN = ("PLAYGROUND_", "GRADIO_", "HF_", "HUGGING", "TRANSFORMERS_", "SPACE_")


@dataclass(frozen=True)
class App:
    """A running app."""

    url: str  # ends with /
    process: subprocess.Popen[bytes]
    models: Path
    cache: Path
    log_file: Path
    panels: dict[str, str] = field(default_factory=dict)  # addresses of those served alone

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """What it printed and logged so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def panel(self, name: str) -> str:
        """The address of the page with this panel alone, made when first asked for (``tests/serve.py``)."""
        if name not in self.panels:
            port = free_port()
            assert self.process.stdin
            self.process.stdin.write(f"{name} {port}\n".encode())
            self.process.stdin.flush()
            address = f"http://127.0.0.1:{port}/"
            _wait(address, self)
            self.panels[name] = address
        return self.panels[name]


def tokenizer_json(vocabulary: Sequence[str] = ("hello", "world")) -> str:
    """A whole tokenizer.json that knows these words, cut at blanks; id 0 is ``[UNK]``."""
    entries = {piece: id for id, piece in enumerate(("[UNK]", *vocabulary))}
    whole: dict[str, Any] = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": entries, "unk_token": "[UNK]"},
    }  # fmt: skip
    return json.dumps(whole, ensure_ascii=False)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """This process's environment without anything that would change how the app runs, and own folders."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {
        "PLAYGROUND_CACHE_DIR": str(folder / "cache"),
        "PLAYGROUND_MODELS_DIR": str(folder / "models"),
        "TMPDIR": str(folder / "temporary"),
        "HF_HOME": str(folder / "hf"),
        "PYTHONUNBUFFERED": "1",
        # Rooms open with the model that is always here, whatever packages are installed beside it. Tests of
        # others say so.
        "PLAYGROUND_MODEL": "tutor",
        # One for all of them: compiling UMAP takes longer than most tests.
        "NUMBA_CACHE_DIR": str(Path(tempfile.gettempdir()) / "llm-playground-numba-exact"),
    }
    return clean | own | settings


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    script: str = "app.py",
    arguments: Sequence[str] = (),
) -> Iterator[App]:
    """The app, answering; stopped at the end.

    Args:
        folder: where its cache, models, uploads and log go.
        settings: environment variables.
        script: what to start in place of ``app.py``, from the repository's root.
        arguments: for the script, before the app's own.
    """
    for name in ("models", "temporary"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    port = free_port()
    log_file = folder / "log.txt"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, script, *arguments, "--port", str(port)],
            cwd=ROOT, env=environment(folder, **(settings or {})), stdin=subprocess.PIPE,
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    app = App(f"http://127.0.0.1:{port}/", process, folder / "models", folder / "cache", log_file)
    try:
        _wait(app.url, app)
        yield app
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait(address: str, app: App) -> None:
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            raise RuntimeError(f"it ended with {app.process.returncode}:\n{app.log()}")
        try:
            plain.open(address, timeout=10).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{address} does not answer:\n{app.log()}")
