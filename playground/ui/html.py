"""Text → HTML that shows every character and executes none."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from itertools import zip_longest

# Characters that a page would swallow, or that would turn the text around them.
HIDDEN = re.compile(
    "[ \\t\\n\\r\\x00-\\x08\\x0b-\\x1f\\x7f-\\xa0\\xad"
    "\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb"
    "\\U000e0000-\\U000e01ef]"
)
ABBREVIATED = {
    "\u00a0": "NBSP", "\u00ad": "SHY", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM",
    "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u3000": "IDSP", "\ufe0e": "VS15",
    "\ufe0f": "VS16", "\ufeff": "BOM", "\u2028": "LS", "\u2029": "PS", "\u202f": "NNBSP", "\u2060": "WJ",
}  # fmt: skip


def escape(text: object) -> str:
    """Safe in text and in double-quoted attributes."""
    return html.escape(str(text), quote=True)


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    # A real blank stays in the page, marked by the style sheet: what is copied is the text itself.
    if character == " ":
        return "<s> </s>"
    if character == "\n":
        return '<s class="nl">\n</s>'
    if character == "\t":
        return '<s class="tab">\t</s>'
    code = ord(character)
    if code < 0x20:
        return f'<s class="sym">{chr(0x2400 + code)}</s>'
    return f'<s class="sym">{ABBREVIATED.get(character, f"{code:04X}")}</s>'


def visible(text: str) -> str:
    """The text as HTML, blanks and invisible characters marked, nothing executable."""
    shown = HIDDEN.sub(_shown, html.escape(text, quote=False))
    if text and unicodedata.combining(text[0]):
        return "◌" + shown  # an accent alone would sit on the chip's edge
    return shown


def legible(text: str) -> str:
    """For the middle of a sentence: what is invisible, or would turn the words around it, is named."""

    def named(match: re.Match[str]) -> str:
        character = match[0]
        plain = {" ": " ", "\n": "↵", "\t": "→"}.get(character)
        return plain or f"[{ABBREVIATED.get(character, f'{ord(character):04X}')}]"

    return HIDDEN.sub(named, text)


def hexadecimal(raw: bytes) -> str:
    """``b"\\xe4\\xbd"`` → ``"E4 BD"``."""
    return raw.hex(" ").upper()


def island(data: object) -> str:
    """Data for the page's script, as JSON in an element that is not shown."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f'<pre hidden class="pg-data">{html.escape(text, quote=False)}</pre>'


def table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "", *, named: bool = False) -> str:
    """A table of cells that are HTML already.

    Args:
        head: may be empty: facts that say themselves what they are.
        named: each cell carries its column's name (escaped text, no tags): where there is little room, and a
            row becomes lines, it stands before it.
    """
    heads = list(head)
    top = "".join(f"<th>{cell}</th>" if cell else "<td></td>" for cell in heads)  # nothing heads nothing
    marks = [f' data-h="{cell}"' for cell in heads] if named else []
    body = "".join(
        "<tr>"
        + "".join(f"<td{mark}>{cell}</td>" for mark, cell in zip_longest(marks, row, fillvalue=""))
        + "</tr>"
        for row in rows
    )
    kind += " named" if named else ""
    return (
        f'<div class="pg-scroll" tabindex="0"><table class="pg-table {kind}">'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def note(text: str, kind: str = "note") -> str:
    """A sentence set apart: ``note`` or ``warning``."""
    return f'<p class="pg-{kind}">{escape(text)}</p>'


def bar(label: str, share: float | None = None) -> str:
    """How far something is, in per cent; one that wanders where nobody knows."""
    if share is None:
        return f'<div class="pg-bar endless" role="progressbar" aria-label="{escape(label)}"><i></i></div>'
    return (
        f'<div class="pg-bar" role="progressbar" aria-label="{escape(label)}" aria-valuenow="{share:.0f}">'
        f'<i style="width:{share:.1f}%"></i></div>'
    )


def sentences(*told: str) -> str:
    """Sentences one after the other: a blank stands between them, but not after a Chinese full stop."""
    whole = ""
    for each in filter(None, told):
        whole += each if not whole or ord(whole[-1]) > 0x2E80 else f" {each}"
    return whole


def number(value: float, digits: int = 0) -> str:
    """``12345`` → ``12,345``."""
    return f"{value:,.{digits}f}"


def percent(share: float) -> str:
    """``0.1234`` → ``12.3%``; small shares keep two digits that say something, and one near 1 is not called
    certain.
    """
    value = 100 * share
    if share <= 0:
        return "0%"
    if share >= 0.99995:
        return "100%" if share >= 0.9999995 else "> 99.99%"
    if share >= 0.0995:
        return f"{value:.{2 if share >= 0.9995 else 1}f}%"
    return f"{value:.2g}%" if share > 1e-6 else "≈ 0%"


def size(count: float) -> str:
    """Bytes for reading along: ``2_200_097_024`` → ``2.2 GB`` (10⁹, as files and networks are measured)."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} GB" if count < 1000 else f"{count:,.0f} GB"
