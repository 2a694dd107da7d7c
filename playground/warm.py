"""Once the page is up: import what is heavy and load what is embedded, so that no first click waits."""

from __future__ import annotations

import logging
import time
from contextlib import closing

from playground.catalog import EMBEDDED, TOKENIZERS
from playground.loaders import presets, skeletons
from playground.panels import Context
from playground.panels.songs_actions import SongsActions
from playground.subjects import vocabulary
from playground.subjects.readers import reader

log = logging.getLogger("playground")


def warm_up(context: Context, pause: float = 0.5) -> None:
    """Load every embedded tokenizer and ready its vocabulary; then the tutor, a skeleton, the songs.

    The pause lets the first page go out before the imports take the interpreter. What fails here is
    logged and left: the visitor who asks for it gets the reason as a sentence.
    """
    time.sleep(pause)
    for card in TOKENIZERS:
        try:
            with context.models.lease(card) as loaded:
                vocabulary.prepare(reader(loaded))
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
        songs = SongsActions(context)
        with songs.library("sample") as (loaded, library):
            songs.index(loaded, library)
    except Exception:
        log.exception("warming up the songs")
