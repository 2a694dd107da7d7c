"""The process of one stranger's tokenizer: ``python -m``, requests on its stdin, answers on its stdout.

It limits its own memory and time before it reads anything of the stranger's, and ends with its parent: where
that is gone, so is its stdin. `playground.models.loaders.tokenizers` starts it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from playground.engine.tokenizers import sandbox_requests
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput, PlaygroundError
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.models.loaders import tokenizers
from playground.models.loaders.places import explain_errors, imported
from playground.models.sandbox import wire
from playground.models.sandbox.process import NO_MEMORY, refused

OPENING = 512 << 20  # bytes of address space, beside what the libraries take, to open any file
OF_FILES = 12  # and for each byte of its files
ASKING = 384 << 20  # bytes for a request, beside what stands once it is open
OF_TEXT = 600  # and for each byte of a request
WRITTEN = 1 << 20  # bytes that it may write to any file: what it says on stderr
NICE = 5  # whoever waits for what is not a stranger's goes first


def _main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    with suppress(OSError, AttributeError):  # Windows has no such thing
        os.nice(NICE)
    _limit_writing()
    # Tokenizers need no torch: without it a child takes half the memory, and starts in half the time.
    sys.modules["torch"] = None  # type: ignore[assignment]
    # transformers is imported before memory is limited: what it takes differs from version to version.
    imported("transformers", "PreTrainedTokenizerFast")
    loaded: Loaded | None = None
    while True:
        try:
            message, columns = wire.receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            if loaded is None:
                loaded = _opened(message)
                answer: wire.Message = sandbox_requests.describe(adapter(loaded))
                found: dict[str, Any] = {}
            else:
                size = sum(len(str(each).encode()) for each in message.values())
                size += sum(column.nbytes for column in columns.values())
                with _limited(ASKING + OF_TEXT * size, message["seconds"]):
                    answer, found = sandbox_requests.answer(loaded, message, columns)
            wire.send(answers, answer, found)
        except wire.TooLarge:
            wire.send(answers, refused(BadInput("tokenizer_multiplies", name=loaded.card.name)))  # type: ignore[union-attr]
        except PlaygroundError as error:
            wire.send(answers, refused(error))
        except MemoryError:
            os._exit(NO_MEMORY)  # what is left of it cannot be relied on
        except BaseException as error:  # a panic in Rust is no Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            wire.send(answers, {"failed": repr(error)[:2000]})


def _opened(message: wire.Message) -> Loaded:
    card = ModelCard(message["name"], message["source"], message["where"], family=message["family"])
    path = Path(message["path"])
    if card.source != "upload":
        imported("transformers", "AutoTokenizer")
    room = OPENING + OF_FILES * min(tokenizers.size(path) // tokenizers.OVERHEAD, tokenizers.LARGEST)
    with _limited(room, message["seconds"]):
        loaded = Loaded(card, tokenizers.read(card, path))
        with explain_errors(card, "broken_tokenizer"):
            adapter(loaded)
    gc.collect()
    gc.freeze()
    return loaded


@contextlib.contextmanager
def _limited(room: int, seconds: float) -> Iterator[None]:
    """So many bytes more than are taken now, and so much processor time more than was used.

    Time as well, though the parent has a deadline: it may die itself, and nobody else would end a loop.
    """
    before: list[tuple[int, tuple[int, int]]] = []
    with suppress(ImportError):  # Windows has no such limits
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        taken = psutil.Process().memory_info().vms
        for limit, value in (
            (resource.RLIMIT_AS, taken + room),
            (resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 2),
        ):
            now = resource.getrlimit(limit)
            with suppress(ValueError, OSError):  # macOS refuses some
                resource.setrlimit(limit, (value, now[1]))
                before.append((limit, now))
    try:
        yield
    finally:
        if before:
            import resource

            for limit, now in before:
                with suppress(ValueError, OSError):
                    resource.setrlimit(limit, now)


def _limit_writing() -> None:
    with suppress(ImportError):
        import resource

        for limit, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, WRITTEN)):
            with suppress(ValueError, OSError):
                resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    _main()
