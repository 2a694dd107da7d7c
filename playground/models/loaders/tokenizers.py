"""Tokenizers, by every library that reads one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from playground.errors import BadInput, CannotLoad
from playground.models.catalog import ModelCard
from playground.models.folders import VOCABULARIES
from playground.models.loaders import sizes, tokenizer_limits
from playground.models.loaders.places import config_of, explain_errors, imported
from playground.models.sandbox.tokenizer import ConfinedTokenizer

FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model", "chat_template.jinja", "config.json",
)  # fmt: skip
LARGEST = 2**28  # bytes; the largest known (Gemma's) have 35 MB
COMMAND = (sys.executable, "-m", "playground.engine.tokenizers.sandbox_process")
OVERHEAD = 4  # a vocabulary in memory takes about this many times its file (measured: 3-5)


def read(card: ModelCard, path: Path | None) -> Any:
    """A tokenizer with its vocabulary.

    Args:
        path: its folder or file; None for those that need none.

    Raises:
        CannotLoad: broken or foreign files, or such as would do harm. BadInput: an upload that is no JSON.
    """
    with explain_errors(card, "broken_tokenizer"):
        return _read(card, path)


def confined(card: ModelCard, path: Path) -> ConfinedTokenizer:
    """A tokenizer in a process of its own, its files read.

    Args:
        path: its folder or file.

    Raises:
        CannotLoad: broken or foreign files, or such as would do harm. TookTooLong, DoesNotFit: opening it
            took too long, or too much memory. BadInput: ``tokenizer_crashed`` (name), ``upload_not_json``.
    """
    greeting = {
        "name": card.name, "source": card.source, "where": card.where, "family": card.family,
        "path": str(path.resolve()),
    }  # fmt: skip
    return ConfinedTokenizer(card.name, COMMAND, greeting)


def size(path: Path | None) -> int:
    """Bytes that a tokenizer takes in memory, about."""
    if path is None:
        return 0
    if path.is_file():
        return path.stat().st_size * OVERHEAD
    sizes = [file.stat().st_size for pattern in VOCABULARIES for file in path.glob(pattern)]
    return max(sizes, default=0) * OVERHEAD


def _read(card: ModelCard, path: Path | None) -> Any:
    if card.family == "bytes":
        return imported("transformers", "ByT5Tokenizer")()
    if card.family == "characters":
        return imported("transformers", "CanineTokenizer")()
    assert path is not None
    if card.family == "sentencepiece":
        return imported("sentencepiece", "SentencePieceProcessor")(model_file=str(path))
    if card.family == "tekken":
        return imported("mistral_common.tokens.tokenizers.tekken", "Tekkenizer").from_file(path)
    try:
        tokenizer_limits.check_file(card.name, path if path.is_file() else path / "tokenizer.json")
    except json.JSONDecodeError as error:
        if card.source == "upload":
            raise BadInput("upload_not_json") from error
        raise
    if card.source == "upload":
        return imported("transformers", "PreTrainedTokenizerFast")(tokenizer_file=str(path))
    if not any(any(path.glob(pattern)) for pattern in VOCABULARIES):
        # transformers makes a tokenizer of a handful of tokens out of a config.json alone, silently.
        raise CannotLoad("no_tokenizer_files", name=card.name)
    # Never a repository's own code: a tokenizer is data, and a visitor may name any repository.
    configs = (config_of(path / "tokenizer_config.json"), config_of(path / "config.json"))
    sizes.check(configs[1])  # transformers makes its configuration object to learn the tokenizer's class
    if (path / "tokenizer.json").is_file() and any("auto_map" in config for config in configs):
        fast = imported("transformers", "PreTrainedTokenizerFast")
        return fast.from_pretrained(path, local_files_only=True)
    return imported("transformers", "AutoTokenizer").from_pretrained(
        path, trust_remote_code=False, local_files_only=True
    )
