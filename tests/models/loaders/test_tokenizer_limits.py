"""What a tokenizer.json may hold is asked before a library opens it; what was trained passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from playground.errors import BadInput, CannotLoad
from playground.models.catalog import ModelCard
from playground.models.loaders import tokenizer_limits, tokenizers
from playground.models.loaders.tokenizer_limits import check_file
from tests import small_models
from tests.rooms.architecture import hostile_configs


def regex(pattern: str, count: int = 1) -> dict[str, Any]:
    step = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return hostile_configs.whole(pre_tokenizer={"type": "Sequence", "pretokenizers": [step] * count})


def processors(copies: int) -> dict[str, Any]:
    """Each takes the text twice."""
    twice = [{"Sequence": {"id": "A", "type_id": 0}}] * 2
    step = {"type": "TemplateProcessing", "single": twice, "pair": twice, "special_tokens": {}}
    return hostile_configs.whole(post_processor={"type": "Sequence", "processors": [step] * copies})


def added(count: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    tokens = [{"id": 100 + each, "content": f"<{each}>", **flags} for each in range(count)]
    return hostile_configs.whole(added_tokens=tokens)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (hostile_configs.template(), "tokenizer_around"),
        (hostile_configs.template(2, 600), "tokenizer_around"),
        (processors(40), "tokenizer_around"),
        (hostile_configs.replaces(), "tokenizer_growth"),
        (hostile_configs.nested(40), "tokenizer_deep"),
        (regex("a", 65), "tokenizer_steps"),
        (regex("a" * 20_000), "tokenizer_pattern_long"),
        (added(2**17 + 1), "tokenizer_added"),
    ],
)  # fmt: skip
def test_refused_with_a_sentence(tmp_path: Path, content: dict[str, Any], key: str) -> None:
    card = hostile_configs.written(tmp_path, content)
    with pytest.raises(CannotLoad, match=key):
        check_file("it", Path(card.where))
    with pytest.raises(CannotLoad, match=key):  # and by the process that opens it
        tokenizers.confined(card, Path(card.where))


def test_a_growth_of_any_form(tmp_path: Path) -> None:
    once = {"type": "Replace", "pattern": {"Regex": ""}, "content": "x" * 20}
    content = hostile_configs.whole(normalizer={"type": "Sequence", "normalizers": [once, once]})
    with pytest.raises(CannotLoad, match="tokenizer_growth"):
        check_file("it", Path(hostile_configs.written(tmp_path, content).where))
    content["normalizer"] = once
    check_file("it", Path(hostile_configs.written(tmp_path, content).where))


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = hostile_configs.written(tmp_path, hostile_configs.whole())
    monkeypatch.setattr(tokenizer_limits, "LARGEST", 100)
    with pytest.raises(CannotLoad, match="tokenizer_file_large"):
        check_file("it", Path(card.where))


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", "{}", '{"model": {"vocab": {"a": 4294967296}}}'])
def test_what_is_none_is_told_as_broken(tmp_path: Path, content: str) -> None:
    file = tmp_path / "it.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CannotLoad, match="broken_tokenizer"):
        tokenizers.confined(ModelCard("it", "upload", str(file)), file)


def test_what_is_no_json_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "it.json"
    file.write_text('{"model": ', encoding="utf-8")
    with pytest.raises(BadInput, match="upload_not_json"):
        tokenizers.confined(ModelCard("it", "upload", str(file)), file)


@pytest.mark.parametrize("kind", small_models.KINDS)
def test_what_was_trained_passes(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "it.json"
    small_models.KINDS[kind]().backend_tokenizer.save(str(file))
    check_file("it", file)


@pytest.mark.real
def test_real_ones_pass(shared: Path) -> None:
    files = list((shared / "models").glob("*/tokenizer.json"))
    for file in files:
        check_file(file.parent.name, file)
        assert json.loads(file.read_bytes())["model"]
