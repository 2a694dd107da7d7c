"""The languages: every word that a visitor reads lives in ``assets/``, and this is its only reader.

``assets/text/<lang>/<room>.json`` holds sentences by key (``tokens.json`` → ``tokens.title``),
``assets/lessons/<lang>/<panel>.md`` the lessons (``lessons.tokens``). All languages have equal keys
(a test holds it), so there is no silent fall-back: a missing key is an error of ours and raises ``KeyError``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable

from playground import ASSETS

LANGUAGES = {"en": "English", "zh-TW": "繁體中文", "zh-CN": "简体中文"}
DEFAULT = "en"


@functools.cache
def catalogue(lang: str) -> dict[str, str]:
    """All sentences of one language: ``{"room.key": "sentence", "lessons.panel": "Markdown"}``."""
    sentences = {}
    for path in sorted((ASSETS / "text" / lang).glob("*.json")):
        for key, sentence in json.loads(path.read_text(encoding="utf-8")).items():
            sentences[f"{path.stem}.{key}"] = sentence
    for path in sorted((ASSETS / "lessons" / lang).glob("*.md")):
        sentences[f"lessons.{path.stem}"] = path.read_text(encoding="utf-8")
    return sentences


def say(key: str, lang: str, **values: object) -> str:
    """One sentence in one language, its ``{placeholders}`` filled in."""
    sentence = catalogue(lang)[key]
    return sentence.format(**values) if values else sentence


def everywhere(key: str) -> dict[str, str]:
    """A sentence by language, for the page's scripts; of a page in one language only that one's is sent
    (`playground.shell.first_page`)."""
    return {lang: say(key, lang) for lang in LANGUAGES}


def in_every_language(key: str, **values: object) -> str:
    """A line of each, for who is answered before anything is known of them."""
    return "".join(f"{say(key, lang, **values)}\n" for lang in LANGUAGES)


def match(tag: str) -> str | None:
    """The language of ours that serves a BCP 47 tag, or None.

    Chinese is told apart by script, then by region, as CLDR does: zh-TW, zh-HK, zh-MO and zh-Hant
    read Traditional; zh alone, zh-CN, zh-SG and zh-Hans read Simplified.
    """
    parts = tag.strip().lower().replace("_", "-").split("-")
    if parts[0] == "en":
        return "en"
    if parts[0] != "zh":
        return None
    if "hans" in parts:
        return "zh-CN"
    traditional = {"hant", "tw", "hk", "mo"}
    return "zh-TW" if traditional & set(parts) else "zh-CN"


def choose(tags: Iterable[str]) -> str | None:
    """The first language of ours among a visitor's preferences (best first), or None."""
    return next((lang for tag in tags if (lang := match(tag))), None)


def accepted(header: str) -> list[str]:
    """The tags of an ``Accept-Language`` header, best first (RFC 9110, 12.5.4)."""
    weighted = []
    for order, part in enumerate(header.split(",")):
        tag, _, quality = part.partition(";q=")
        try:
            weighted.append((-float(quality or 1), order, tag.strip()))
        except ValueError:
            continue
    return [tag for _, _, tag in sorted(weighted)]
