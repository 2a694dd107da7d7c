"""Every step of the data through a model as a line: what comes out, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from playground import text
from playground.rooms.architecture.dataflow import Stack, steps_of
from playground.rooms.architecture.plan import Architecture, total
from playground.rooms.architecture.view_words import about
from playground.ui.html import escape, note, number, table


def short(count: float) -> str:
    """``4_194_304`` → ``4.19 M``."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f}"


def shapes(stacks: Sequence[Stack], plan: Architecture, tokens: int, lang: str) -> str:
    """Every step as a line: what comes out, its parameters, and its operations for one token."""
    say = partial(text.say, lang=lang)
    keys = ("part", "shape_out", "parameters_each", "flops")
    head = [escape(say(f"architecture.{key}")) for key in keys]
    lines = []
    whole = total(stack.flops for stack in stacks)
    for stack in stacks:
        for step, times in steps_of(stack):
            name = step.name or say(f"architecture.step_{step.part}")
            shape = (
                "[" + ", ".join(f"{tokens if s == 'n' else s:,}" for s in step.shape) + "]"
                if step.shape
                else ""
            )
            count = f"{times} × " if times > 1 else ""
            told = about(step.part, plan, lang) if step.part in ("scores", "mix") else ""
            hint = f'<br><small class="arc-hint">{escape(told)}</small>' if told else ""
            cost = "?" if step.flops is None else number(step.flops * times)
            if step.flops and whole:
                cost += f" <small>{step.flops * times / whole:.1%}</small>"
            lines.append(
                [f"{count}<code>{escape(name)}</code>{hint}",
                 f'<code class="arc-shape">{escape(shape)}</code>',
                 number(step.parameters) if step.parameters else "–", "–" if step.flops == 0 else cost]
            )  # fmt: skip
    told = say("architecture.flops_unknown")
    if whole is not None and plan.active is not None:
        told = say(
            "architecture.flops_note",
            total=number(whole),
            tokens=number(tokens),
            twice=number(2 * plan.active),
        )
    title = escape(say("architecture.steps"))
    shown = table(head, lines, "arc-memory", named=True)
    return f'<details class="arc-steps"><summary>{title}</summary>{shown}{note(told)}</details>'
