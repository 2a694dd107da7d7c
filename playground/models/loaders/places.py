"""Where a card's files lie on this machine, and how libraries are imported and their failures told."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playground import ASSETS
from playground.errors import CannotLoad, DoesNotFit, PlaygroundError, out_of_memory
from playground.models.catalog import ModelCard
from playground.system import untrusted_json

log = logging.getLogger(__name__)
_importing = threading.Lock()


def place(card: ModelCard) -> Path | None:
    """Where an embedded, folder, upload or package card's files lie; None for those that need no file.

    Raises:
        CannotLoad: the package that carries it is not installed.
    """
    if card.source == "package" and not card.where:
        raise CannotLoad("package_missing", name=card.name, package=card.package)
    if not card.where:
        return None
    if card.source != "embedded":
        return Path(card.where)
    package, _, inside = card.where.partition(":")
    if package == "assets":
        return ASSETS / inside
    spec = importlib.util.find_spec(package)  # finds without importing
    if spec is None or spec.origin is None:
        raise CannotLoad("package_missing", name=card.name, package=package)
    return Path(spec.origin).parent / inside


def imported(module: str, name: str) -> Any:
    """A library's class, imported by one thread at a time.

    transformers puts another module in its own place while it is imported: who imports at the same moment
    gets "cannot import name".
    """
    with _importing:
        return getattr(importlib.import_module(module), name)


def config_of(file: Path, longest: int = untrusted_json.LONGEST) -> dict[str, Any]:
    """A JSON file's object; empty if there is no such file.

    Args:
        longest: bytes that it may have.

    Raises:
        untrusted_json.Unreadable: too long, too deep, not JSON, or not an object.
    """
    return untrusted_json.read_object(file, longest) if file.is_file() else {}


@contextmanager
def explain_errors(card: ModelCard, key: str) -> Iterator[None]:
    """Whatever a library raises on broken or foreign files becomes one sentence about this model.

    Raises:
        CannotLoad: with the given key. DoesNotFit: the memory of this machine is out.
    """
    try:
        yield
    except PlaygroundError:
        raise
    except BaseException as error:
        # Libraries raise anything on broken files, and a Rust panic is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if out_of_memory(error):
            raise DoesNotFit("out_of_memory", name=card.name) from error
        log.info("cannot load %s: %r", card.name, error)
        if isinstance(error, untrusted_json.Unreadable) and error.why != "form":
            raise CannotLoad(f"config_{error.why}", name=card.name, file=error.name) from error
        raise CannotLoad(key, name=card.name) from error


def check(card: ModelCard, file: Path) -> None:
    """Compare a file with the checksum on its card.

    Raises:
        CannotLoad: another content than the one this app was made with.
    """
    if card.sha256:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != card.sha256:
            raise CannotLoad("checksum", name=card.name, file=file.name)
