"""Plain words for every part of a model and every field of its config, with their own numbers in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playground import text
from playground.rooms.architecture.fields import field
from playground.rooms.architecture.plan import Architecture, Node
from playground.ui.html import escape, note, number, table, visible

ROOM, FIELDS = "architecture_parts.", "architecture_fields."


def words(node: Node, part: str, plan: Architecture, lang: str) -> str:
    """What this part is for: a sentence or two, plain text."""
    if part == "module" and not node.kind:
        return ""
    return text.say(ROOM + part, lang, **_values(node, part, plan, lang)).strip()


def about(part: str, plan: Architecture, lang: str) -> str:
    """The words of what is no module by itself: comparing and mixing, half a layer."""
    values = _values(Node("", "", "", 1, 1, 0, 0), part, plan, lang)
    return text.say(ROOM + part, lang, **values).strip()


def _values(node: Node, part: str, plan: Architecture, lang: str) -> dict[str, str]:
    shape, facts = plan.shape, node.facts
    given: dict[str, Any] = {
        "in": facts.get("in", 0), "out": facts.get("out", 0), "rows": facts.get("rows", 0),
        "width": facts.get("width", 0), "heads": shape.heads, "kv_heads": shape.kv_heads,
        "head_dim": shape.head_dim, "hidden": shape.hidden, "vocab": shape.vocabulary,
        "experts": shape.experts, "used": shape.experts_used, "latent": shape.latent,
        "layers": shape.layers, "group": shape.heads // max(shape.kv_heads, 1),
        "half": facts.get("out", 0) // 2,
    }  # fmt: skip
    values = {name: number(value) for name, value in given.items()}
    if not shape.experts_used:
        values["used"] = text.say(ROOM + "some", lang)
    inputs, outputs = facts.get("in", 0), facts.get("out", 0)
    values["ratio"] = f"{outputs / inputs:.3g}" if inputs else "?"
    values["formula"] = formula(node, part, plan)
    values["p"] = str(facts.get("p", ""))
    values["none"] = text.say(ROOM + "dropout_none", lang) if facts.get("p") == 0 else ""
    values["eps"] = text.say(ROOM + "eps", lang, value=f"{facts['eps']:g}") if "eps" in facts else ""
    padding = facts.get("padding_idx")
    values["padding"] = (
        "" if padding is None else text.say(ROOM + "padding", lang, padding_idx=number(padding))
    )
    values["tied"] = text.say(ROOM + "tied_to", lang, path=node.tied_to) if node.tied_to else ""
    values["grouped"] = _grouped(plan, lang, values)
    values["window"] = _window(plan, lang)
    return values


def _grouped(plan: Architecture, lang: str, values: Mapping[str, str]) -> str:
    shape = plan.shape
    kind = "equal"
    if shape.latent:
        kind = "latent"
    elif shape.kv_heads == 1 and shape.heads > 1:
        kind = "one"
    elif shape.kv_heads < shape.heads:
        kind = "shared"
    return text.say(f"{ROOM}grouped_{kind}", lang, **values)


def _window(plan: Architecture, lang: str) -> str:
    windows = [(run.layers, run.window) for run in plan.shape.cache if run.window]
    if not windows:
        return ""
    count, layers = sum(count for count, _ in windows), sum(run.layers for run in plan.shape.cache)
    return text.say(
        ROOM + "window_some", lang, count=count, layers=layers, window=number(max(w for _, w in windows))
    )


def formula(node: Node, part: str, plan: Architecture) -> str:
    """How a projection's width comes about, from the actual numbers: ``3 × 3,072`` or ``4 × 64``."""
    shape, out = plan.shape, node.facts.get("out", 0)
    d, heads, kv = shape.head_dim, shape.heads, shape.kv_heads
    if part == "qkv":
        if out % 3 == 0 and kv == heads:
            return f"3 × {out // 3:,}"
        if out == (heads + 2 * kv) * d:
            return f"({heads} + 2 × {kv}) × {d}"
    if part == "query" and out == heads * d:
        return f"{heads} × {d}"
    if part in ("key", "value"):
        count, wide = kv, d if part == "key" else shape.value_dim
        if out == count * wide:
            return f"{count} × {wide}"
        if out == heads * wide:
            return f"{heads} × {wide}"
    return number(out)


def fields(config: Mapping[str, Any], lang: str) -> str:
    """Every field of a config with its value and what it means."""
    say = text.catalogue(lang)
    known = frozenset(key.removeprefix(FIELDS) for key in say if key.startswith(FIELDS))
    rows = [
        [f"<code>{visible(_short(name, 80))}</code>", f"<code>{visible(value_of(value))}</code>",
         escape(say[FIELDS + field(name, known)])]
        for name, value in list(config.items())[:200]
    ]  # fmt: skip
    head = [escape(text.say(f"architecture.{key}", lang)) for key in ("field", "value", "meaning")]
    return table(head, rows, "facts") if rows else note(text.say("architecture.config_empty", lang))


def value_of(value: Any, limit: int = 120) -> str:
    """A value as JSON writes it, shortened."""
    return _short(json.dumps(value, ensure_ascii=False), limit)


def _short(shown: str, limit: int) -> str:
    return shown if len(shown) <= limit else shown[:limit] + "…"
