"""What a tokenizer.json may hold, asked before a library opens it.

Its parts are small programs: a chain of replacements multiplies a text, a template puts tokens around it by
the million, a regular expression may be as long as a book. What was trained comes nowhere near these limits
(the largest known files: 35 MB, some 15 steps, 10 patterns, 3 special tokens around a text).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad

LARGEST = 2**26  # bytes of the file
HIGHEST_ID = 2**24  # tokenizers reserves memory for all ids up to the highest: 16 GiB for one of 2**32
ADDED = 2**17  # tokens that are looked for in a text before all else
DEEPEST = 8  # sequences inside sequences
STEPS = 64  # of all parts together
PATTERNS = 64  # of all parts together
LONGEST_PATTERN = 10_000  # characters
GROWTH = 256  # times as long as before a text may become by all replacements of a part together
AROUND = 1000  # tokens that a post-processor puts around a text
COPIES = 4  # times that it takes the text itself
PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
SEQUENCES = ("normalizers", "pretokenizers", "decoders", "processors")

Part = Mapping[str, Any]


def check_file(name: str, file: Path) -> None:
    """Refuse a tokenizer.json that would harm whoever opens it; one that is not there harms nobody.

    Args:
        name: of the tokenizer, as a visitor knows it.

    Raises:
        CannotLoad: ``tokenizer_file_large``, ``tokenizer_added``, ``tokenizer_deep``, ``tokenizer_steps``,
            ``tokenizer_patterns``, ``tokenizer_pattern_long``, ``tokenizer_growth``, ``tokenizer_around``.
        ValueError, KeyError, TypeError, AttributeError: it is no tokenizer.json.
        RecursionError: nested deeper than any JSON is.
    """
    if not file.is_file():
        return
    size = file.stat().st_size
    if size > LARGEST:
        raise CannotLoad("tokenizer_file_large", name=name, size=size, most=LARGEST)
    content = json.loads(file.read_bytes())
    _check_ids(name, content)
    _check_parts(name, content)


def _check_ids(name: str, content: Part) -> None:
    vocabulary = content["model"].get("vocab", {})
    ids = list(vocabulary.values()) if isinstance(vocabulary, dict) else []
    added = content.get("added_tokens") or ()
    ids += [token["id"] for token in added]
    if any(not 0 <= id <= HIGHEST_ID for id in ids):
        raise ValueError("ids beyond any vocabulary")
    if len(added) > ADDED:
        raise CannotLoad("tokenizer_added", name=name, count=len(added), most=ADDED)


def _check_parts(name: str, content: Part) -> None:
    steps = {part: list(_steps(name, content.get(part))) for part in PARTS}
    flat = [step for part in PARTS for step in steps[part]]
    if len(flat) > STEPS:
        raise CannotLoad("tokenizer_steps", name=name, count=len(flat), most=STEPS)
    patterns = [pattern for step in flat for pattern in _patterns(step)]
    if len(patterns) > PATTERNS:
        raise CannotLoad("tokenizer_patterns", name=name, count=len(patterns), most=PATTERNS)
    longest = max(map(len, patterns), default=0)
    if longest > LONGEST_PATTERN:
        raise CannotLoad("tokenizer_pattern_long", name=name, length=longest, most=LONGEST_PATTERN)
    for part in ("normalizer", "decoder"):
        growth = 1.0
        for step in steps[part]:
            growth *= _growth(step)
        if growth > GROWTH:
            raise CannotLoad("tokenizer_growth", name=name, most=GROWTH)
    around, copies = 0, 1
    for step in steps["post_processor"]:
        more, times = _template(step)
        around, copies = around * times + more, copies * times
        if around > AROUND or copies > COPIES:
            raise CannotLoad("tokenizer_around", name=name, most=AROUND)


def _steps(name: str, part: Any, depth: int = 0) -> Iterator[Part]:
    """The steps of a part: those of a sequence, which may hold sequences again."""
    if part is None:
        return
    if depth > DEEPEST:
        raise CannotLoad("tokenizer_deep", name=name, most=DEEPEST)
    inside = [each for key in SEQUENCES if isinstance(part.get(key), list) for each in part[key]]
    if not inside:
        yield part
    for each in inside:
        yield from _steps(name, each, depth + 1)


def _patterns(step: Part) -> Iterator[str]:
    """Every text of a step's pattern: a regular expression, or letters that are looked for."""
    found = step.get("pattern")
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        yield from (each for each in found.values() if isinstance(each, str))


def _growth(step: Part) -> float:
    """How many times longer a text may be after a step."""
    if step.get("type") == "Replace":
        pattern, content = step.get("pattern"), len(str(step.get("content", "")))
        letters = pattern.get("String") if isinstance(pattern, dict) else None
        # A regular expression may fit everywhere, and between the letters too.
        return max(1.0, content / len(letters)) if letters else 1.0 + content
    return 1.0 + sum(len(str(step.get(key) or "")) for key in ("prepend", "replacement", "content")) / 100


def _template(step: Part) -> tuple[int, int]:
    """How many tokens a post-processor's step adds, and how many times it takes the text."""
    if step.get("type") != "TemplateProcessing":
        return 0, 1
    given = step.get("special_tokens") or {}
    tokens = given.values() if isinstance(given, dict) else given
    lengths = {token["id"]: len(token["ids"]) for token in tokens}
    added, copies = [0], [1]
    for form in ("single", "pair"):
        written = step.get(form) or ()
        if isinstance(written, str):  # "[CLS] $A [SEP]"
            named = written.split()
            specials = [each for each in named if not each.startswith("$")]
            texts = len(named) - len(specials)
        else:
            specials = [each["SpecialToken"]["id"] for each in written if "SpecialToken" in each]
            texts = sum("Sequence" in each for each in written)
        added.append(sum(lengths.get(id, 1) for id in specials))
        copies.append(texts if form == "single" else (texts + 1) // 2)
    return max(added), max(copies)
