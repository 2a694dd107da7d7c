"""tokenizer.json files that mean no good, and one that means well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.sandboxed import ConfinedAdapter
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from playground.models.loaders import tokenizers

LETTERS = {letter: id for id, letter in enumerate("abcdefghijklmnopqrstuvwxyz ")}


def whole(**parts: Any) -> dict[str, Any]:
    """A tokenizer.json of letters, with some of its parts replaced."""
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "vocab": LETTERS, "merges": []}, **parts,
    }  # fmt: skip


def quadratic() -> dict[str, Any]:
    """A pattern that looks at the rest of the text from every letter: the square of its length."""
    split = {"type": "Split", "pattern": {"Regex": "a.*[^a]"}, "behavior": "Isolated", "invert": False}
    return whole(pre_tokenizer=split)


def template(specials: int = 100_000, ids: int = 1000) -> dict[str, Any]:
    """So many special tokens around a text, each of so many ids."""
    token = {"id": "S", "ids": [0] * ids, "tokens": ["a"] * ids}
    around = [{"SpecialToken": {"id": "S", "type_id": 0}}] * specials
    single = [*around, {"Sequence": {"id": "A", "type_id": 0}}]
    post = {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": {"S": token}}
    return whole(post_processor=post)


def replaces(steps: int = 30) -> dict[str, Any]:
    """Each step doubles every letter a."""
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    return whole(normalizer={"type": "Sequence", "normalizers": [step] * steps})


def nested(depth: int) -> dict[str, Any]:
    """Sequences in sequences."""
    step: dict[str, Any] = {"type": "Lowercase"}
    for _ in range(depth):
        step = {"type": "Sequence", "normalizers": [step]}
    return whole(normalizer=step)


def heavy() -> dict[str, Any]:
    """A token whose text is a megabyte: ids by the thousand are gigabytes."""
    return whole(model={"type": "WordLevel", "vocab": {"a": 0, "b" * 2**20: 1}, "unk_token": "a"})


def written(folder: Path, content: dict[str, Any], name: str = "it") -> ModelCard:
    """The file, as an upload."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return ModelCard(name, "upload", str(file))


def opened(card: ModelCard) -> ConfinedAdapter:
    """Its reader, in a process of its own."""
    found = adapter(Loaded(card, tokenizers.confined(card, Path(card.where))))
    assert isinstance(found, ConfinedAdapter)
    return found
