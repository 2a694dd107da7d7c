"""What really loads: the one home of ``from_pretrained``, of the Hub, and of packages' data files.

Everything here is imported when first needed: transformers alone costs two seconds.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from pathlib import Path
from typing import Any

from playground import hub
from playground.catalog import ModelCard
from playground.errors import CannotLoad, PlaygroundError
from playground.models import Key, Loaded, Progress

log = logging.getLogger(__name__)

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model", "chat_template.jinja", "config.json",
)  # fmt: skip
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
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
            progress=lambda share: progress(0.9 * share, card.name),
        )  # fmt: skip
        try:
            tokenizer = _read(card, path)
        except (PlaygroundError, MemoryError):
            raise
        except (
            BaseException
        ) as error:  # libraries raise anything on broken files; a Rust panic is no Exception
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
        from transformers import ByT5Tokenizer

        return ByT5Tokenizer()
    if card.family == "characters":
        from transformers import CanineTokenizer

        return CanineTokenizer()
    assert path is not None
    if card.family == "sentencepiece":
        from sentencepiece import SentencePieceProcessor

        return SentencePieceProcessor(model_file=str(path))
    if card.family == "tekken":
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer

        return Tekkenizer.from_file(path)
    if card.source == "upload":
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast(tokenizer_file=str(path))
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if not any(any(path.glob(pattern)) for pattern in VOCABULARIES):
        # transformers makes a tokenizer of a handful of tokens out of a config.json alone, silently.
        raise CannotLoad("no_tokenizer_files", name=card.name)
    # Never a repository's own code: a tokenizer is data, and a visitor may name any repository.
    if (path / "tokenizer.json").is_file() and "auto_map" in _config(path):
        return PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)
    return AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)


def _config(path: Path) -> dict[str, Any]:
    file = path / "tokenizer_config.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
