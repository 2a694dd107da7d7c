"""What a GGUF file holds: its number formats, every tensor, and its metadata with what each entry means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from playground import text
from playground.models.gguf.header import Header, Listed, Tensor
from playground.ui.html import escape, note, number, size, table

ROOM = "architecture_gguf."
LONGEST = 160  # characters of a value that are shown
SHOWN = 6  # items of a list


def kinds(header: Header, lang: str) -> str:
    """By number format: tensors, numbers, bytes, and how many bits a number takes."""
    say = partial(text.say, lang=lang)
    rows = [
        [f"<code>{escape(name)}</code>", number(len(each)), number(sum(one.count for one in each)),
         f"{each[0].kind.bits:.4g}",
         f"<b>{number(held)}</b> <small>{size(held)}</small>" if (held := _bytes(each)) else "0"]
        for name, each in _by_kind(header).items()
    ]  # fmt: skip
    whole = _bytes(header.tensors)
    bits = 8 * whole / header.parameters if header.parameters else 0
    told = say(ROOM + "whole", bits=f"{bits:.3g}", bytes=number(whole), size=size(whole),
               tensors=number(len(header.tensors)))  # fmt: skip
    head = [escape(say(ROOM + key)) for key in ("kind", "tensors", "numbers", "bits", "bytes")]
    title = f"<h5>{escape(say(ROOM + 'title'))}</h5>"
    return title + note(told) + table(head, rows, "arc-memory", named=True)


def tensors(header: Header, lang: str) -> str:
    """Every tensor with its shape, format and bytes, in the order of the file."""
    say = partial(text.say, lang=lang)
    rows = [
        [f"<code>{escape(each.name)}</code>", " × ".join(f"{length:,}" for length in each.shape),
         f"<code>{escape(each.kind.name)}</code>", number(each.bytes)]
        for each in header.tensors
    ]  # fmt: skip
    head = [escape(say(ROOM + key)) for key in ("tensor", "shape", "kind", "bytes")]
    title = escape(say(ROOM + "every_tensor", count=number(len(rows))))
    return f"<details><summary>{title}</summary>{table(head, rows, 'arc-memory', named=True)}</details>"


def metadata(header: Header, lang: str) -> str:
    """What the file says of itself, and what that means."""
    say = partial(text.say, lang=lang)
    known = text.catalogue(lang)
    rows = []
    for key, value in header.metadata.items():
        name = f"{ROOM}meta_{_plain(key, header.architecture)}"
        rows.append(
            [f"<code>{escape(key)}</code>", escape(_value(value)), escape(say(name) if name in known else "")]
        )
    head = [escape(say(ROOM + key)) for key in ("key", "value", "meaning")]
    title = f"<h5>{escape(say(ROOM + 'metadata'))}</h5>"
    return title + table(head, rows, "arc-memory", named=True)


def plain(header: Header) -> dict[str, Any]:
    """The same as JSON: ``kinds``, ``tensors`` and ``metadata`` (of a list its length and first items)."""
    return {
        "kinds": {
            name: {
                "tensors": len(each), "parameters": sum(one.count for one in each), "bytes": _bytes(each),
                "bits": each[0].kind.bits,
            }
            for name, each in _by_kind(header).items()
        },
        "tensors": [
            {"name": each.name, "kind": each.kind.name, "shape": list(each.shape), "bytes": each.bytes}
            for each in header.tensors
        ],
        "metadata": {
            key: _listed(value) if isinstance(value, Listed) else value
            for key, value in header.metadata.items()
        },
    }  # fmt: skip


def _listed(value: Listed) -> dict[str, Any]:
    return {"count": value.count, "first": list(value.first[:SHOWN])}


def _by_kind(header: Header) -> dict[str, list[Tensor]]:
    """The tensors by format, what takes most bytes first."""
    found: dict[str, list[Tensor]] = {}
    for each in header.tensors:
        found.setdefault(each.kind.name, []).append(each)
    return dict(sorted(found.items(), key=lambda row: -_bytes(row[1])))


def _bytes(rows: Sequence[Tensor]) -> int:
    return sum(each.bytes for each in rows)


def _plain(key: str, architecture: str) -> str:
    """The key of a sentence: the architecture's own name stands for all of them."""
    own = key.removeprefix(f"{architecture}.") if architecture else key
    return own.replace(".", "_")


def _value(value: Any) -> str:
    if isinstance(value, Listed):
        more = ", …" if value.count > SHOWN else ""
        return f"[{value.count:,}] " + _short(", ".join(str(each) for each in value.first[:SHOWN])) + more
    return _short(f"{value:g}" if isinstance(value, float) else str(value))


def _short(said: str) -> str:
    return said if len(said) <= LONGEST else said[:LONGEST] + "…"
