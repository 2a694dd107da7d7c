"""From the Traditional Chinese of Taiwan to the Simplified Chinese of the mainland.

Only this direction is needed, and only for the corpus' own text: words first (程式 → 程序), then characters.
"""

from __future__ import annotations

import functools
import re

from .shape import DATA

HAN = re.compile(r"[\u3400-\u9fff]")


@functools.cache
def _words() -> tuple[re.Pattern[str], dict[str, str]]:
    lines = (DATA / "chinese_terms.txt").read_text(encoding="utf-8").splitlines()
    pairs = dict(line.split("=") for line in lines if line and not line.startswith("#"))
    longest_first = sorted(pairs, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, longest_first))), pairs


@functools.cache
def _characters() -> dict[int, str]:
    lines = (DATA / "chinese_characters.txt").read_text(encoding="utf-8").splitlines()
    pairs = " ".join(line for line in lines if not line.startswith("#")).split()
    return {ord(pair[0]): pair[1] for pair in pairs}


@functools.lru_cache(maxsize=200_000)
def to_simplified(text: str) -> str:
    """The text in the mainland's words and characters."""
    pattern, words = _words()
    return pattern.sub(lambda match: words[match.group()], text).translate(_characters())


def foreign_to_taiwan(text: str) -> set[str]:
    """Characters that are not Traditional: those that Big5, Taiwan's character set, does not have."""
    return {character for character in HAN.findall(text) if not _encodable(character, "big5")}


def foreign_to_mainland(text: str) -> set[str]:
    """Characters that are not Simplified: those that GB 2312, the mainland's character set, does not have."""
    return {character for character in HAN.findall(text) if not _encodable(character, "gb2312")}


def _encodable(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
