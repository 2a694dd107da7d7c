"""A tokenizer's facts in plain words, what a search of its vocabulary found, and ids turned to text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from playground import text as words
from playground.engine.tokenizers.tokenize import Tokenized
from playground.engine.tokenizers.vocabulary import Facts, Found
from playground.rooms.tokens.view import chips
from playground.ui.html import escape, hexadecimal, note, number, table, visible


def facts(found: Facts, lang: str) -> str:
    """Every fact with what it means."""
    say = partial(words.say, lang=lang)
    known = words.catalogue(lang)

    def explained(kind: str) -> str:
        return escape(known.get(f"tokenizer_parts.{kind}", say("tokens.part_unknown")))

    rows = [
        [
            say("tokens.fact_class"),
            f"<code>{escape(found.kind)}</code>",
            escape(say("tokens.fact_class_why")),
        ],
        [
            "tokenizer_class",
            f"<code>{escape(found.named)}</code>" if found.named else "—",
            escape(say("tokens.fact_named_why")),
        ],
        [say("tokens.fact_algorithm"), f"<b>{escape(found.algorithm)}</b>", explained(found.algorithm)],
        [say("tokens.fact_size"), number(found.size), escape(say("tokens.fact_size_why"))],
        [
            "model_max_length",
            number(found.longest_input) if found.longest_input else "—",
            escape(say("tokens.fact_longest_why")),
        ],
    ]
    for role, piece, id in found.specials:
        rows.append([f"{role}_token", f"<code>{escape(piece)}</code> = {id}", explained(f"special_{role}")])
    for part, kinds in found.parts.items():
        for kind in kinds or ["none"]:
            rows.append([part, f"<code>{escape(kind)}</code>", explained(kind)])
    if found.padding_side:
        rows.append(["padding_side", escape(found.padding_side), escape(say("tokens.fact_side_why"))])
    if found.truncation_side:
        rows.append(["truncation_side", escape(found.truncation_side), escape(say("tokens.fact_cut_why"))])
    return table([], rows, "facts")


def search(found: Sequence[Found], total: int, query: str, lang: str) -> str:
    """The entries that a search found."""
    say = partial(words.say, lang=lang)
    if not query:
        return note(say("tokens.search_hint"))
    if not found:
        return note(say("tokens.search_nothing"))
    kinds = {kind: say(f"tokens.kind_{kind}") for kind in ("special", "byte", "unknown")}
    rows = [
        [
            number(e.id),
            f"<code>{escape(e.piece)}</code>",
            visible(e.text),
            f'<span class="hex">{hexadecimal(e.bytes)}</span>',
            escape(kinds.get(e.kind, "")),
        ]
        for e in found
    ]
    head = [escape(say(f"tokens.detail_{key}")) for key in ("id", "piece", "text", "bytes", "kind")]
    return note(say("tokens.search_found", shown=len(found), total=number(total))) + table(
        head, rows, named=True
    )


def decoded(result: Tokenized, lang: str) -> str:
    """Ids as text, token by token."""
    body = chips(result, 0, result.count, 0, len(result.text))
    plain = visible(result.text)
    return (
        f'<div class="tok-text plain" dir="auto">{plain}</div><div class="tok-text" dir="auto">{body}</div>'
    )
