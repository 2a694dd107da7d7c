"""What a folder of the models folder can be loaded as, told from its files' names and its config."""

from __future__ import annotations

import functools
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from playground.system import untrusted_json

if TYPE_CHECKING:
    from playground.models.catalog import Role

log = logging.getLogger(__name__)
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
CAUSAL_CLASS = re.compile(r"(ForCausalLM|LMHeadModel)$")


def look(folder: Path) -> tuple[frozenset[Role], str]:
    """What a folder can be loaded as, told from its files' names and its config; and why that cannot be read,
    as a key of ``errors``.

    Read again only where a file came or went, or the config was written anew.

    Raises:
        OSError: the folder is gone, or may not be looked into.
    """
    config = folder / "config.json"
    about = config.stat() if config.is_file() else None
    written = (about.st_mtime_ns, about.st_size, about.st_ino, about.st_mode) if about else ()
    return _roles(folder, folder.stat().st_mtime_ns, written)


@functools.lru_cache(maxsize=4096)
def _roles(folder: Path, changed: int, written: tuple[int, ...]) -> tuple[frozenset[Role], str]:
    roles: set[Role] = set()
    if any(any(folder.glob(pattern)) for pattern in VOCABULARIES):
        roles.add("tokenizer")
    config, broken = {}, ""
    try:
        config = untrusted_json.read_object(folder / "config.json")
    except FileNotFoundError:
        return frozenset(roles), ""
    except untrusted_json.Unreadable as error:
        log.warning("models folder: %s", error)
        broken = "broken_config" if error.why == "form" else f"config_{error.why}"
    except OSError as error:
        log.warning("models folder: %r", error)
        broken = "config_closed"
    roles.add("skeleton")
    if any(folder.glob("*.safetensors")) or any(folder.glob("pytorch_model*.bin")):
        classes = config.get("architectures")
        named = [str(each) for each in classes] if isinstance(classes, list) else []
        causal = any(CAUSAL_CLASS.search(each) for each in named)
        roles.add("causal" if causal and not (folder / "modules.json").is_file() else "encoder")
    return frozenset(roles), broken
