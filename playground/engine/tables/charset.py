"""Bytes to text, for every file that a visitor brings: its encoding, and where its lines end."""

from __future__ import annotations

import codecs
import functools
import re
from typing import Any

from playground import ASSETS
from playground.errors import BadInput

MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# What files of other programs begin with: each is told what to save instead, none is read as its text.
PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
MARKUP = re.compile(
    r"\s*(<!doctype\b|<\?xml\b|<html\b|<head\b|<body\b|<plist\b|\{\\rtf|%pdf-|bplist0)", re.IGNORECASE
)
_CHINESE = ASSETS / "charset" / "chinese.txt"
CHINESE = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")
RUN = re.compile(r"[\u4e00-\u9fff]{2,}")
# Characters of more than one byte as UTF-8 spells them (The Unicode Standard, table 3-7).
SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
HIGH = re.compile(rb"[\x80-\xff]")
LIKELY = 0.5  # of characters and broken bytes that are characters: Chinese texts in Big5 or GBK reach 0.23


@functools.cache
def common() -> frozenset[str]:
    """The commonest Chinese characters, traditional and simplified."""
    return frozenset(_CHINESE.read_text(encoding="utf-8").strip())


def decoded(name: str, content: bytes) -> tuple[str, dict[str, Any]]:
    """The text, and what was guessed or lost: ``encoding``, or ``bytes`` that are no UTF-8 (they become �).

    A mark of byte order is believed; without one it is UTF-8 if it can be, UTF-16 if every other byte is
    zero, UTF-8 with broken bytes if most of what lies beyond ASCII is UTF-8's, else one of Big5, GB 18030
    (where most of it is Chinese characters in use) and Windows-1252.

    Raises:
        BadInput: a packed file (a spreadsheet, an archive), markup (HTML, XML, RTF, PDF), or no text in any
            of these encodings.
    """
    if content.startswith(PACKED):
        raise BadInput("file_packed", name=brief(name))
    text, told = _decoded(name, content)
    if MARKUP.match(text):
        raise BadInput("file_markup", name=brief(name))
    return text, told


def _decoded(name: str, content: bytes) -> tuple[str, dict[str, Any]]:
    if content.startswith(WIDE):
        return content.decode("utf-32", "replace"), {}
    if content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
        broken = _broken(content)[1]
        return content.decode("utf-8", "replace"), {"bytes": broken} if broken else {}
    if content.startswith(MARKS):
        return content.decode("utf-16", "replace"), {}
    head = content[:4_000]
    zeros = [head[place::2].count(0) / max(1, len(head[place::2])) for place in (0, 1)]
    even = len(content) % 2 == 0 or len(content) > len(head)
    encoding = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    # Of Chinese only line ends and commas have zeros: it must then be Chinese all through.
    if even and min(zeros) < 0.1 and (max(zeros) > 0.3 or (max(zeros) and _chinese_alone(head, encoding))):
        return content.decode(encoding, "replace"), {"encoding": encoding.upper()}
    if head.count(0):
        raise BadInput("file_not_text", name=brief(name))
    try:
        return content.decode("utf-8"), {}
    except UnicodeDecodeError as error:
        whole = content[: error.start]
        if error.reason == "unexpected end of data" and not whole.isascii():
            return whole.decode("utf-8"), {}  # cut in the middle of a last character
    good, broken = _broken(content)
    share = good / (good + broken)
    best = "utf-8" if share >= LIKELY else _chinese(content) or "cp1252"
    text = content.decode(best, "replace")
    control = len(re.findall(r"[\x00-\x08\x0e-\x1f]", text[:4_000]))
    if control > len(text[:4_000]) / 50:
        raise BadInput("file_not_text", name=brief(name))
    if best == "utf-8":
        return text, {"bytes": broken}
    return text, {"encoding": {"cp1252": "Windows-1252", "big5": "Big5", "gb18030": "GB 18030"}[best]}


def _chinese_alone(head: bytes, encoding: str) -> bool:
    """Whether nearly all of it is Chinese or ASCII in this encoding."""
    sample = head[: len(head) // 2 * 2].decode(encoding, "replace")
    return len(CHINESE.findall(sample)) + sum(each.isascii() for each in sample) > 0.9 * len(sample)


def _broken(content: bytes) -> tuple[int, int]:
    """How many characters beyond ASCII there are as UTF-8 spells them, and how many bytes that are none."""
    rest, good = SEQUENCE.subn(b" ", content)
    return good, len(HIGH.findall(rest))


def _chinese(content: bytes) -> str:
    """Big5 or GB 18030, if all can be read in it and most of it is Chinese in use; else ""."""
    best, score = "", -1.0
    for encoding in ("big5", "gb18030"):
        try:
            sample = content[:200_000].decode(encoding, "ignore" if len(content) > 200_000 else "strict")
        except UnicodeDecodeError:
            continue
        high = [each for each in sample if ord(each) > 0x7F]
        usual = len(CHINESE.findall(sample))
        # Letters with accents come alone between Latin ones; Chinese comes in runs.
        runs = len(RUN.findall(sample)) and usual / max(1, len(high))
        often = sum(each in common() for each in high) / max(1, len(high))
        if runs > 0.9 and runs + often > score:
            best, score = encoding, runs + often
    return best


def lines(text: str) -> list[str]:
    """The lines as they stand, without their ends: LF or CR LF; CR alone where that is the commoner end.

    ``str.splitlines`` would cut within a line, at U+2028, at a form feed and at others.
    """
    return [each.rstrip("\r\n") for each in ended(text)]


def ended(text: str) -> list[str]:
    """As `lines`, each with its end."""
    feeds = text.count("\n")
    if text.count("\r") - text.count("\r\n") > feeds:  # Mac OS, and spreadsheets there to this day
        return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    return re.findall(r"[^\n]*\n|[^\n]+$", text)


def one_line(text: str) -> str:
    """A cell as one line; half a surrogate pair, which JSON can spell, has no bytes."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join(whole.replace("\0", "").split())


def brief(name: str) -> str:
    """The name of a file, a column or a cell, not endless."""
    return name if len(name) <= 60 else name[:57] + "…"
