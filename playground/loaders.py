"""What really loads: the one home of ``from_pretrained``, of the Hub, and of packages' data files.

Everything here is imported when first needed: transformers alone costs two seconds.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import threading
from pathlib import Path
from typing import Any

from playground import hub
from playground.catalog import ModelCard
from playground.errors import CannotLoad, PlaygroundError
from playground.models import Key, Loaded, Progress

log = logging.getLogger(__name__)
_importing = threading.Lock()

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model", "chat_template.jinja", "config.json",
)  # fmt: skip
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
LARGEST_TOKENIZER = 2**28  # bytes; the largest known (Gemma's) have 35 MB
HIGHEST_ID = 2**24  # tokenizers reserves memory for all ids up to the highest: 16 GiB for one of 2**32
OVERHEAD = 4  # a vocabulary in memory takes about this many times its file (measured: 3-5)


class TransformersLoader:
    """Loads for real. See `playground.models.Loader`."""

    def __init__(self, *, offline: bool = False, anonymous: bool = True) -> None:
        self.offline = offline
        self.anonymous = anonymous

    def estimate(self, card: ModelCard, key: Key) -> int:
        """Bytes from the sizes of the files that are already here; 0 for what must be fetched."""
        return 0 if card.source == "hub" else _vocabulary_bytes(_path(card))

    def load(self, card: ModelCard, key: Key, progress: Progress) -> Loaded:
        """A tokenizer with its vocabulary, from wherever its card says.

        Raises:
            CannotLoad: broken or foreign files. Gated, HubUnreachable, UnknownModel: from the Hub.
        """
        path = _path(card) if card.source != "hub" else hub.fetch(
            card.where, card.revision, TOKENIZER_FILES, offline=self.offline, anonymous=self.anonymous,
            limit=LARGEST_TOKENIZER,
            progress=lambda done, total: progress(0.9 * done / max(1, total), card.name),
        )  # fmt: skip
        try:
            tokenizer = _read(card, path)
        except (PlaygroundError, MemoryError):
            raise
        except BaseException as error:
            # Libraries raise anything on broken files, and a Rust panic is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            log.info("cannot read %s: %r", card.name, error)
            raise CannotLoad("broken_tokenizer", name=card.name) from error
        return Loaded(card, tokenizer, bytes=_vocabulary_bytes(path))


def _path(card: ModelCard) -> Path | None:
    """Where an embedded, folder or upload card's files lie; None for those that need no file."""
    if not card.where:
        return None
    if card.source != "embedded":
        return Path(card.where)
    package, _, inside = card.where.partition(":")
    spec = importlib.util.find_spec(package)  # finds without importing
    if spec is None or spec.origin is None:
        raise CannotLoad("package_missing", name=card.name, package=package)
    return Path(spec.origin).parent / inside


def _vocabulary_bytes(path: Path | None) -> int:
    if path is None:
        return 0
    if path.is_file():
        return path.stat().st_size * OVERHEAD
    sizes = [f.stat().st_size for f in path.iterdir() if f.suffix in {".json", ".txt", ".model"}]
    return max(sizes, default=0) * OVERHEAD


def _read(card: ModelCard, path: Path | None) -> Any:
    if card.family == "bytes":
        return _from("transformers", "ByT5Tokenizer")()
    if card.family == "characters":
        return _from("transformers", "CanineTokenizer")()
    assert path is not None
    if card.family == "sentencepiece":
        return _from("sentencepiece", "SentencePieceProcessor")(model_file=str(path))
    if card.family == "tekken":
        return _from("mistral_common.tokens.tokenizers.tekken", "Tekkenizer").from_file(path)
    _check_ids(path if path.is_file() else path / "tokenizer.json")
    if card.source == "upload":
        return _from("transformers", "PreTrainedTokenizerFast")(tokenizer_file=str(path))
    if not any(any(path.glob(pattern)) for pattern in VOCABULARIES):
        # transformers makes a tokenizer of a handful of tokens out of a config.json alone, silently.
        raise CannotLoad("no_tokenizer_files", name=card.name)
    # Never a repository's own code: a tokenizer is data, and a visitor may name any repository.
    configs = (_config(path / "tokenizer_config.json"), _config(path / "config.json"))
    if (path / "tokenizer.json").is_file() and any("auto_map" in config for config in configs):
        fast = _from("transformers", "PreTrainedTokenizerFast")
        return fast.from_pretrained(path, local_files_only=True)
    return _from("transformers", "AutoTokenizer").from_pretrained(
        path, trust_remote_code=False, local_files_only=True
    )


def _from(module: str, name: str) -> Any:
    """A library's class, imported by one thread at a time.

    transformers puts another module in its own place while it is imported: who imports at the same moment
    gets "cannot import name".
    """
    with _importing:
        return getattr(importlib.import_module(module), name)


def _check_ids(file: Path) -> None:
    """Raise ValueError for a tokenizer.json with an id that no vocabulary has any use for."""
    if not file.is_file():
        return
    content = json.loads(file.read_bytes())
    vocabulary = content["model"].get("vocab", {})
    ids = list(vocabulary.values()) if isinstance(vocabulary, dict) else []
    ids += [token["id"] for token in content.get("added_tokens") or ()]
    if any(not 0 <= id <= HIGHEST_ID for id in ids):
        raise ValueError("ids beyond any vocabulary")


def _config(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
