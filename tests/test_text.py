"""The languages: equal keys, equal placeholders, no prose in Python."""

from __future__ import annotations

import ast
import json
import re
import string
from pathlib import Path

import pytest

from playground import ASSETS, text

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [ROOT / "app.py", *sorted((ROOT / "playground").rglob("*.py"))]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_languages_have_the_same_keys_and_placeholders(lang):
    ours, english = text.catalogue(lang), text.catalogue("en")
    assert ours.keys() == english.keys()
    for key, sentence in english.items():
        if not key.startswith("lessons."):
            assert placeholders(ours[key]) == placeholders(sentence), key


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_no_key_is_written_twice_or_left_empty(lang):
    for path in (ASSETS / "text" / lang).glob("*.json"):
        pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), path
        assert all(sentence.strip() for _, sentence in pairs), path


def test_traditional_and_simplified_are_kept_apart():
    # Characters that exist in one of the two only, from words this app uses.
    traditional, simplified = set("個這輸資過時為詞彙應說種與訊擇"), set("个这输资过时为词汇应说种与讯择")
    for key in text.catalogue("en"):
        if "example" in key or "sample" in key or key.startswith("lessons."):
            continue  # examples show both on purpose
        assert not simplified & set(text.say(key, "zh-TW")), key
        assert not traditional & set(text.say(key, "zh-CN")), key


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"), ("en-GB", "en"), ("zh", "zh-CN"), ("zh-CN", "zh-CN"), ("zh-SG", "zh-CN"),
        ("zh-Hans", "zh-CN"), ("zh-Hans-HK", "zh-CN"), ("zh-TW", "zh-TW"), ("zh_HK", "zh-TW"),
        ("zh-MO", "zh-TW"), ("zh-Hant", "zh-TW"), ("zh-Hant-CN", "zh-TW"), ("ZH-tw", "zh-TW"),
        ("fr", None), ("", None), ("zht", None), ("*", None),
    ],
)  # fmt: skip
def test_match(tag, expected):
    assert text.match(tag) == expected


def test_accept_language_is_read_by_weight():
    assert text.accepted("fr;q=0.3, zh-HK;q=0.9, en;q=0.5") == ["zh-HK", "en", "fr"]
    assert text.choose(text.accepted("fr, de;q=0.9, zh-HK;q=0.8, en;q=0.7")) == "zh-TW"
    assert text.choose(text.accepted("nonsense;q=x,,;")) is None


def literals(tree: ast.AST) -> list[tuple[int, str]]:
    """String literals that are not docstrings (of a module, a class, a function, a name)."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_no_prose_in_python():
    """Four words in a row, or a Chinese character, is prose; exceptions for developers are not."""
    sentence = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}[,;:]? [a-z]{2,}[,;:]? [a-z]{2,}")
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for path in SOURCES:
        # What a model reads, and what developers read of other libraries: no texts of the page.
        if path.parent.name == "tutor" or path.name == "internals.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        internal = {
            constant.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Raise | ast.Assert | ast.Compare)
            or (isinstance(node, ast.Call) and "log" in ast.unparse(node.func))
            for constant in ast.walk(node)
            if isinstance(constant, ast.Constant)
        }
        for line, value in literals(tree):
            known = value in text.LANGUAGES.values() or f"tokenizer_parts.{value}" in text.catalogue("en")
            if line in internal or "<" in value or known:  # names of languages and of algorithms
                continue
            assert not sentence.search(value) and not chinese.search(value), f"{path.name}:{line}: {value!r}"


def test_every_key_in_python_exists():
    known = text.catalogue("en")
    rooms = {key.split(".")[0] for key in known}
    pattern = re.compile(rf"(?:{'|'.join(sorted(rooms))})\.[a-z_]+")
    errors = re.compile(
        r"(?:BadInput|UnknownModel|CannotLoad|HubUnreachable|Gated|DoesNotFit|NotAllowed|TookTooLong)$"
    )
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name, key = ast.unparse(node.func), node.args[0].value
                if name in {"say", "tr", "text.say", "words.say"} and pattern.fullmatch(str(key)):
                    assert key in known, f"{path.name}:{node.lineno}: {key}"
                if errors.search(name):
                    assert f"errors.{key}" in known, f"{path.name}:{node.lineno}: {key}"
