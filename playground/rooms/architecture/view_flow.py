"""The way of the data as a drawing: the stack, one layer with its two halves, and what each box costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from playground import text
from playground.rooms.architecture.dataflow import ATTENTION, FEED, Group, Run, Stack, Step, steps_of, tiles
from playground.rooms.architecture.plan import Architecture, total
from playground.rooms.architecture.view_words import step_words
from playground.ui.html import escape, note, number, table

WIDTH, BOX, GAP, TALL = (
    460,
    44,
    14,
    26,
)  # of the drawing, in its own units; a phone shows it at three quarters
MAP = 1.3  # width to height of the treemap
LEFT, RIGHT = 44, WIDTH - 14
SIDE = {"query", "key", "value", "gate", "up"}  # boxes that stand side by side
COLOURS = {"embedding": "a", "attention": "b", "feed_forward": "c", "head": "d", "other": "e"}


def drawing(stacks: Sequence[Stack], plan: Architecture, tokens: int, lang: str) -> str:
    """The block diagram of a model: every stack, its layers folded.

    Args:
        tokens: how many the visitor's sentence has.
    """
    if not stacks:
        return note(text.say("architecture.flow_none", lang))
    drawn = "".join(_Drawing(stack, plan, tokens, lang).svg() for stack in stacks)
    return f'<div class="arc-draw">{drawn}</div>'


class _Drawing:
    """One stack, drawn from top to bottom."""

    def __init__(self, stack: Stack, plan: Architecture, tokens: int, lang: str) -> None:
        self.stack, self.plan, self.tokens = stack, plan, tokens
        self.say = partial(text.say, lang=lang)
        self.out: list[str] = []
        self.y = 8.0

    def svg(self) -> str:
        title = self.say(f"architecture.stack_{self.stack.name}") if self.stack.name else ""
        if title:
            self._label(title)
        self._text_box(self.say("architecture.flow_ids"), f"[1, {self.tokens}]", "e")
        sums = [step for step in self.stack.before if step.part != "relative_table"]
        for i, step in enumerate(sums):
            self._arrow("+" if i and step.part.endswith(("embeddings", "types")) else "")
            self._step(step)
        for run in self.stack.runs:
            self._run(run)
        for step in self.stack.after:
            self._arrow()
            self._step(step)
        height = self.y + 8
        label = escape(self.say("architecture.flow_label", name=self.plan.name))
        return (
            f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{label}" class="arc-svg">'
            f"{''.join(self.out)}</svg>"
        )

    def _run(self, run: Run) -> None:
        self._arrow()
        top = self.y
        at = len(self.out)
        self.y += 26
        repeat = f"{run.count} × " if run.count > 1 else ""
        title = self.say("architecture.flow_layer", label=run.label)
        self.out.append(f'<text x="{LEFT - 22}" y="{top + 18}" class="h">{escape(repeat + title)}</text>')
        first = True
        parallel = self.plan.shape.parallel
        for group in run.groups:
            if not first:
                self.y += 10
            self._group(group, parallel and first)
            first = False
        self.y += 8
        self.out.insert(
            at,
            f'<rect x="{LEFT - 34}" y="{top}" width="{RIGHT - LEFT + 40}" height="{self.y - top}" rx="10" '
            f'class="layer"/>',
        )

    def _group(self, group: Group, parallel: bool) -> None:
        """Half a layer, and the line of the stream that goes past it."""
        branch = self.y + 2
        for step in group.before:
            self._step(step)
            self._arrow()
        row: list[Step] = []
        for step in group.steps:
            if step.part in ("qk_norm", "latent_norm", "relative_bias", "sinks"):
                continue  # small ones are in the table
            if step.part in SIDE and step.shape:
                row.append(step)
                continue
            self._side(row)
            row = []
            self._step(step)
            self._arrow()
        self._side(row)
        if not group.after_sum:
            for step in group.after:
                self._step(step)
                self._arrow()
        x, plus = LEFT - 16, self.y + 6
        self.out.append(
            f'<path d="M{WIDTH / 2} {branch - 6} H{x} V{plus} H{WIDTH / 2 - 10}" class="stream"/>'
        )
        self.out.append(f'<circle cx="{WIDTH / 2}" cy="{plus}" r="9" class="sum"/>')
        self.out.append(f'<text x="{WIDTH / 2}" y="{plus + 5}" class="c m">+</text>')
        told = self.say("architecture.flow_parallel" if parallel else "architecture.flow_residual")
        self.out.append(f'<text x="{WIDTH / 2 + 16}" y="{plus + 4}" class="s">{escape(told)}</text>')
        self.y = plus + 12
        if group.after_sum:
            for step in group.after:
                self._arrow()
                self._step(step)
            self.y += 4

    def _side(self, row: Sequence[Step]) -> None:
        if not row:
            return
        gap = 8
        width = (RIGHT - LEFT - gap * (len(row) - 1)) / len(row)
        for i, step in enumerate(row):
            self._box(LEFT + i * (width + gap), width, step, narrow=len(row) > 1)
        self.y += BOX + (TALL if len(row) > 1 else 0)
        self._arrow()

    def _step(self, step: Step) -> None:
        self._box(LEFT, RIGHT - LEFT, step, narrow=False)
        self.y += BOX

    def _box(self, x: float, width: float, step: Step, *, narrow: bool) -> None:
        name = step.name or self.say(f"architecture.step_{step.part}")
        shape = "[" + ", ".join(str(self.tokens if s == "n" else s) for s in step.shape) + "]"
        cost = self._cost(step)
        high = BOX + (TALL if narrow else 0)
        colour = _colour(step)
        self._rect(x, width, high, colour)
        if narrow:
            middle = x + width / 2
            for line, inside in enumerate((name, shape, *cost.split(" · "))):
                self._text(middle, self.y + 17 + 15 * line, inside, f"c {'s' if line else 'm'} on")
            return
        self._text(x + 10, self.y + 18, name, "m on")
        self._text(x + width - 10, self.y + 18, shape, "e on")
        self._text(x + 10, self.y + 35, cost, "s on")

    def _cost(self, step: Step) -> str:
        told = []
        if step.parameters:
            told.append(f"{short(step.parameters)} {self.say('architecture.parameters_short')}")
        if step.flops:
            told.append(f"{short(step.flops)} {self.say('architecture.flops_short')}")
        return " · ".join(told) or self.say("architecture.no_parameters")

    def _text_box(self, title: str, shape: str, colour: str) -> None:
        self._rect(LEFT, RIGHT - LEFT, 28, colour)
        self._text(LEFT + 10, self.y + 19, title, "m on")
        self._text(RIGHT - 10, self.y + 19, shape, "e on")
        self.y += 28

    def _rect(self, x: float, width: float, height: float, colour: str) -> None:
        place = f'x="{x:.1f}" y="{self.y:.1f}" width="{width:.1f}" height="{height}"'
        self.out.append(f'<rect {place} rx="6" class="box {colour}"/>')

    def _text(self, x: float, y: float, inside: str, kind: str) -> None:
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(inside)}</text>')

    def _label(self, title: str) -> None:
        self.out.append(f'<text x="{LEFT - 22}" y="{self.y + 12:.1f}" class="h">{escape(title)}</text>')
        self.y += 24

    def _arrow(self, sign: str = "") -> None:
        x = WIDTH / 2
        self.out.append(
            f'<path d="M{x} {self.y:.1f} v{GAP - 3} m-4 -4 l4 5 l4 -5" class="arrow"/>'
            + (f'<text x="{x + 10}" y="{self.y + 11:.1f}" class="m">{sign}</text>' if sign else "")
        )
        self.y += GAP


def _colour(step: Step) -> str:
    if step.part in ATTENTION or step.part in ("scores", "mix"):
        return "b"
    if step.part in FEED:
        return "c"
    if step.part == "lm_head":
        return "d"
    return "a" if "embed" in step.part or step.part in ("token_types",) else "e"


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
            told = step_words(step, plan, lang) if step.part in ("scores", "mix") else ""
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
    return f'<div class="arc-steps">{table(head, lines, "arc-memory", named=True)}</div>{note(told)}'


def treemap(plan: Architecture, lang: str) -> str:
    """Where the parameters are: each area is its share of the whole."""
    say = partial(text.say, lang=lang)
    boxes = []
    for tile in tiles(plan, MAP):
        share = tile.parameters / max(plan.parameters, 1)
        title = f"{tile.label}: {number(tile.parameters)} ({share:.1%})"
        name, _, times = tile.label.partition(" × ")
        many = f"{times} × " if times else ""
        lines = f"{share:.1%}", f"{many}{short(tile.parameters // int(times or 1))}"
        broken = escape(name).replace("_", "_<wbr>")  # where a narrow tile may break it
        inside = f"<b>{broken}</b>" + "".join(f"<small>{line}</small>" for line in lines)
        place = f"left:{tile.x:.3%};top:{tile.y:.3%};width:{tile.width:.3%};height:{tile.height:.3%}"
        kind = f"arc-tile {COLOURS[tile.group]}"
        boxes.append(f'<div class="{kind}" title="{escape(title)}" style="{place}">{inside}</div>')
    legend = "".join(
        f'<span><i class="arc-dot {colour}"></i>{escape(say(f"architecture.group_{group}"))}</span>'
        for group, colour in COLOURS.items()
    )
    label = escape(say("architecture.treemap"))
    return (
        f'<h5>{label}</h5><div class="arc-map" style="aspect-ratio:{MAP}" role="img" aria-label="{label}">'
        f'{"".join(boxes)}</div><div class="tok-legend">{legend}</div>'
    )
