"""A model's plan: its numbers on top, and `print(model)` as a tree that opens, closes and explains itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from playground import text
from playground.rooms.architecture.dataflow import group_of
from playground.rooms.architecture.parts import parts
from playground.rooms.architecture.plan import Architecture, Node
from playground.rooms.architecture.view_words import words
from playground.ui.html import escape, note, number

OPEN_ROWS = 48  # a tree up to here is shown whole; of a larger one, the deepest levels are closed
OPEN_DEPTH = 5
COLOURS = {"embedding": "a", "attention": "b", "feed_forward": "c", "head": "d", "other": "e"}


def overview(plan: Architecture, lang: str, notes: Sequence[str] = ()) -> str:
    """The numbers that make a model, and how many parameters they come to.

    Args:
        notes: sentences about where the plan is from.
    """
    say = partial(text.say, lang=lang)
    shape = plan.shape
    kind = f" <code>{escape(plan.kind)}</code>" if plan.kind else ""
    short = plan.name.rpartition("/")[2] or plan.name
    total = (
        f'<p class="arc-total"><b>{number(plan.parameters)}</b> {escape(say("architecture.parameters"))}'
        f" <small>{escape(rough(plan.parameters, lang))}</small></p>"
    )
    chips = [
        (say("architecture.layers"), number(shape.layers)),
        (say("architecture.hidden"), number(shape.hidden)),
        (say("architecture.heads"), heads(plan)),
        (say("architecture.feed_forward"), number(shape.feed_forward)),
        (say("architecture.vocabulary"), number(shape.vocabulary)),
        (say("architecture.context"), number(shape.context)),
    ]
    if shape.experts:
        chips.append((say("architecture.experts"), f"{shape.experts_used or '?'} / {shape.experts}"))
    if plan.active is None:
        chips.append((say("architecture.active"), escape(say("architecture.active_unknown"))))
    elif plan.active != plan.parameters:
        share = f" ({plan.active / plan.parameters:.1%})"
        chips.append((say("architecture.active"), number(plan.active) + share))
    if plan.tied:
        chips.append((say("architecture.tied"), number(plan.tied)))
    if plan.root.buffers:
        chips.append((say("architecture.buffers"), number(plan.root.buffers)))
    shown = "".join(f"<li><span>{escape(k)}</span> <b>{v}</b></li>" for k, v in chips if v not in ("0", ""))
    told = "".join(note(each) for each in notes)
    if plan.active is None:
        told += note(say("architecture.active_unknown_note"))
    if plan.defaults:
        named = ", ".join(f"{name} = {value}" for name, value in plan.defaults.items())
        told += note(say("architecture.defaults", fields=named))
    source = f"<summary>{escape(say('architecture.source'))}</summary>"
    told = f'<details class="arc-from">{source}{told}</details>' if told else ""
    title = f'<h3 title="{escape(plan.name)}">{escape(short)}{kind}</h3>'
    facts = f'<ul class="arc-facts">{shown}</ul>{told}'
    head = f'<div class="arc-line">{title}{total}</div>'
    return f'<section class="arc-top">{head}<div class="arc-line">{facts}</div></section>'


def heads(plan: Architecture) -> str:
    """Heads, with how many of them have keys and values of their own."""
    shape = plan.shape
    if shape.latent or shape.kv_heads == shape.heads:
        return number(shape.heads)
    return f"{shape.heads} : {shape.kv_heads} KV"


def rough(count: int, lang: str) -> str:
    """A count as people say it: 1.1 billion, 11 億."""
    if lang == "en":
        for size, key in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
            if count >= size:
                return f"{count / size:.3g} {text.say(f'architecture.{key}', lang)}"
        return ""
    for size, key in ((10**12, "trillion"), (10**8, "billion"), (10**4, "million")):
        if count >= size:
            return f"{count / size:,.4g} {text.say(f'architecture.{key}', lang)}"
    return ""


def tree(plan: Architecture, lang: str) -> str:
    """Every row with class, weights, parameters and share; rows of one level sum to the row above."""
    say = partial(text.say, lang=lang)
    found = parts(plan)
    count = sum(1 for _ in plan.rows())
    deep = 99 if count <= OPEN_ROWS else OPEN_DEPTH
    rows = _row(plan.root, plan, found, 0, deep, lang)
    told = {
        key: escape(say(f"architecture.{key}"))
        for key in ("search", "open_all", "close_all", "explain", "none_found")
    }
    tools = (
        f'<div class="arc-tools"><input type="search" data-arc="search" placeholder="{told["search"]}" '
        f'aria-label="{told["search"]}"><button type="button" data-arc="open">{told["open_all"]}</button>'
        f'<button type="button" data-arc="close">{told["close_all"]}</button>'
        f'<label><input type="checkbox" data-arc="words" checked> {told["explain"]}</label>'
        f'<span class="arc-found" role="status" data-none="{told["none_found"]}"></span></div>'
    )
    head = "".join(
        f"<span>{escape(say(f'architecture.{key}'))}</span>"
        for key in ("part", "weights", "parameters", "share")
    )
    legend = "".join(
        f'<span><i class="arc-dot {colour}"></i>{escape(say(f"architecture.group_{group}"))}</span>'
        for group, colour in COLOURS.items()
    )
    return (
        f'<div class="arc-tree">{tools}<div class="arc-row arc-head">{head}</div>{rows}'
        f'<div class="tok-legend">{legend}</div></div>'
    )


def _row(node: Node, plan: Architecture, found: dict[str, str], depth: int, deep: int, lang: str) -> str:
    share = node.parameters / plan.parameters if plan.parameters else 0
    colour = COLOURS[group_of(node, found)]
    name = escape(node.name or plan.name.split("/")[-1])
    fold = f'<b class="arc-fold">{node.fold} ×</b> ' if node.fold > 1 else ""
    told = words(node, found[node.path], plan, lang)
    tied = f' <em title="{escape(node.tied_to)}">⇄ {escape(node.tied_to)}</em>' if node.tied_to else ""
    percent = f"{share:.1%}" if share >= 0.0005 else "< 0.1%" if share else ""
    shown = "" if not node.parameters and not node.tied_to else number(node.parameters)
    width = max(share * 100, 0.4) if share else 0
    kind = f'<span class="arc-kind">{escape(node.kind)}</span>'
    bar = f'<i class="{colour}" style="width:{width * 0.046:.3f}rem"></i>' if share else ""
    line = (
        f'<span class="arc-name">{fold}<code>{name}</code> {kind}{tied}</span>'
        f'<span class="arc-w">{_weights(node)}</span><span class="arc-n">{shown or "–"}</span>'
        f'<span class="arc-s">{bar}<small>{percent}</small></span>'
    )
    explained = f'<p class="arc-words">{escape(told)}</p>' if told else ""
    key = escape(f"{node.path} {node.kind}".lower())
    style = f'style="--d:{depth}"'
    if not node.children:
        return (
            f'<div class="arc-leaf" data-k="{key}" {style}><div class="arc-row">{line}</div>{explained}</div>'
        )
    inside = "".join(_row(child, plan, found, depth + 1, deep, lang) for child in node.children)
    opened = " open" if depth < deep else ""
    return (
        f'<details class="arc-node" data-k="{key}" {style}{opened}><summary class="arc-row">{line}</summary>'
        f"{explained}{inside}</details>"
    )


def _weights(node: Node) -> str:
    shapes = [(name, " × ".join(f"{length:,}" for length in shape)) for name, shape in node.weights.items()]
    if len(shapes) == 1 and shapes[0][0] in ("weight", node.name):
        return shapes[0][1]
    return "<br>".join(f"<small>{escape(name)}</small> {size}" for name, size in shapes)


def raw(printed: str, config: str, lang: str) -> str:
    """`print(model)` as Python prints it, and the config, to copy."""
    return "".join(
        f"<h5>{escape(text.say(f'architecture.{key}', lang))}</h5>{code(content, lang)}"
        for key, content in (("raw_print", printed), ("raw_config", config))
        if content
    )


def code(content: str, lang: str) -> str:
    """Something to copy."""
    copy, done = (escape(text.say(f"architecture.{key}", lang)) for key in ("copy", "copied"))
    return (
        f'<div class="arc-copy"><button type="button" data-arc="copy" data-done="{done}">{copy}</button>'
        f'<pre class="pg-code wide arc-code" tabindex="0"><code>{escape(content)}</code></pre></div>'
    )
