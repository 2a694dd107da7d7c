"""How a sentence flows through a model: what each block makes of it, and what that costs.

Built from the plan alone. A floating-point operation is a multiplication or an addition: a weight that is
used for a token costs two (Kaplan et al. 2020, section 2.1), and attention two for each number of each
token that is looked at. Norms, activations and the table look-up are left out, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from playground.rooms.architecture.parts import OTHER_SENSES, parts
from playground.rooms.architecture.plan import Architecture, Node, total
from playground.rooms.architecture.shape import STATES

Size = tuple[int | str, ...]
ATTENTION = frozenset(
    {"query", "key", "value", "qkv", "latent_down", "latent_up", "output", "qk_norm", "latent_norm",
     "relative_bias", "sinks"}
)  # fmt: skip
FEED = frozenset({"gate", "gate_up", "up", "down", "router", "experts"})
NORMS = frozenset({"rms_norm", "layer_norm"})
TABLES = frozenset({"embed_tokens", "position_embeddings", "token_types", "relative_table"})
AFTER_SUM = ("LayerNorm", "sa_layer_norm", "output_layer_norm")


@dataclass(frozen=True)
class Step:
    """One box of the drawing.

    Args:
        part: the key of its words.
        name: as the tree names it.
        shape: of what comes out; "n" is the number of tokens.
        parameters: of one such block.
        flops: for one token; None where it is not told how many experts it uses.
        path: of its module, of the first where several are alike; "" where it is none.
    """

    part: str
    name: str
    shape: Size
    parameters: int = 0
    flops: int | None = 0
    path: str = ""


@dataclass(frozen=True)
class Group:
    """One half of a layer: what is added to the stream.

    Args:
        kind: ``attention``, ``cross_attention``, ``feed_forward`` or ``moe``.
        before, after: norms; ``after_sum`` tells that the latter comes after the addition (as in BERT).
    """

    kind: str
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    after: tuple[Step, ...]
    after_sum: bool = False

    def all(self) -> Iterator[Step]:
        """Its steps in order."""
        yield from (*self.before, *self.steps, *self.after)


@dataclass(frozen=True)
class Run:
    """Layers that are alike: ``count`` of them, called ``label`` (``0–21``)."""

    label: str
    count: int
    groups: tuple[Group, ...]

    @property
    def flops(self) -> int | None:
        """For one token, in one layer."""
        return total(step.flops for group in self.groups for step in group.all())


@dataclass(frozen=True)
class Stack:
    """What the sentence passes: tables, layers, the end. ``name`` is "" but for encoder and decoder."""

    name: str
    before: tuple[Step, ...]
    runs: tuple[Run, ...]
    after: tuple[Step, ...]

    @property
    def flops(self) -> int | None:
        """For one token."""
        ends = [step.flops for step in (*self.before, *self.after)]
        return total([*ends, *(run.flops for run in self.runs for _ in range(run.count))])


def flow(plan: Architecture, tokens: int) -> list[Stack]:
    """The stacks of a model in the order of the data, for the last of so many tokens; [] without layers."""
    return _Flow(plan, max(1, tokens)).stacks()


def flops(plan: Architecture, tokens: int) -> int | None:
    """Floating-point operations for the last of so many tokens; None where its experts do not tell."""
    return total(stack.flops for stack in flow(plan, tokens))


def _side(path: str) -> tuple[str, str]:
    """Whether a list of layers is an encoder's or a decoder's, and the path of that with its dot."""
    parts_ = path.split(".")
    for i, part in enumerate(parts_):
        if part in ("encoder", "decoder"):
            return part, ".".join(parts_[: i + 1]) + "."
    return "", ""


class _Flow:
    def __init__(self, plan: Architecture, tokens: int) -> None:
        self.plan, self.tokens, self.shape = plan, tokens, plan.shape
        self.parts = parts(plan)

    def stacks(self) -> list[Stack]:
        lists = [node for _, node in self.plan.rows() if self._holds_layers(node)]
        lists = [node for node in lists if not OTHER_SENSES.search(node.path)] or lists
        placed = [(*_side(node.path), node) for node in lists]
        sides = [(name, node, prefix) for name, prefix, node in placed if name]
        if self.shape.encoder_decoder and len({name for name, _, _ in sides}) == 2:
            return [self._stack(*side) for side in sides]
        # Of several stacks beside each other (a tower for pictures), the one with the text.
        largest = max(lists, key=lambda node: node.parameters, default=None)
        return [self._stack("", largest, "")] if largest else []

    def _holds_layers(self, node: Node) -> bool:
        inside = [child for child in node.children if self.parts[child.path] == "layer"]
        deeper = (self.parts[row.path] in ATTENTION for child in inside for _, row in child.walk())
        return node.kind == "ModuleList" and bool(inside) and any(deeper)

    def _stack(self, name: str, layers: Node, prefix: str) -> Stack:
        h = self.shape.hidden
        before: list[Step] = []
        after: list[Step] = []
        seen = False
        ordered = [node for _, node in self.plan.rows() if node.weights or node.facts.get("width")]
        for node in ordered:
            if node.path.startswith(layers.path + "."):
                seen = True
                continue
            part = self.parts[node.path]
            mine = node.path.startswith(prefix) or (name == "decoder" and part == "lm_head")
            if (prefix and not mine) or OTHER_SENSES.search(node.path):
                continue
            if part in TABLES:
                before.append(self._table(node, part))
            elif part in NORMS:
                # OPT declares its last norm before the layers; BERT's first one belongs to the tables.
                first = not seen and ("embeddings" in node.path or "word_embeddings" in node.name)
                (before if first else after).append(self._norm(node))
            elif part == "lm_head":
                after.append(self._linear(node, part, (1, "n", node.facts.get("out", 0))))
            elif part == "pooler" and "in" in node.facts:
                after.append(self._linear(node, part, (1, h)))
        after.sort(key=lambda step: step.part in ("lm_head", "pooler"))
        runs = (child for child in layers.children if self.parts[child.path] == "layer")
        made = tuple(Run(child.name, child.fold, self._layer(child)) for child in runs)
        return Stack(name, tuple(before), made, tuple(after))

    def _layer(self, layer: Node) -> tuple[Group, ...]:
        rows = [node for _, node in layer.walk() if node is not layer]
        tops = {self.parts[node.path] for node in rows}
        kinds = ["attention", *(["cross_attention"] if "cross_attention" in tops else [])]
        kinds.append("moe" if "moe" in tops or "router" in tops else "feed_forward")
        return tuple(self._group(kind, layer, rows) for kind in kinds)

    def _group(self, kind: str, layer: Node, rows: Sequence[Node]) -> Group:
        crossed = {node.path for node in rows if self.parts[node.path] == "cross_attention"}

        def across(node: Node) -> bool:
            return any(node.path.startswith(path + ".") for path in crossed)

        if kind in ("feed_forward", "moe"):
            mine = [node for node in rows if self.parts[node.path] in FEED and node.weights]
            steps = self._feed_forward(mine)
        else:
            wanted = kind == "cross_attention"
            mine = [n for n in rows if self.parts[n.path] in ATTENTION and across(n) == wanted]
            steps = self._attention([node for node in mine if node.weights])
        norms = {
            where: tuple(self._norm(n) for n in rows if self._place(n, kind, layer, rows) == where)
            for where in ("before", "after", "sum")
        }
        return Group(
            kind, norms["before"], tuple(steps), norms["after"] or norms["sum"],
            not norms["after"] and bool(norms["sum"]),
        )  # fmt: skip

    def _place(self, node: Node, kind: str, layer: Node, rows: Sequence[Node]) -> str:
        """Where a norm of a layer stands: ``before``, ``after`` or behind the ``sum`` of a group, or ""."""
        if self.parts[node.path] not in NORMS or not (
            node.weights or "eps" in node.facts or not node.children
        ):
            return ""
        inside = node.path[len(layer.path) + 1 :]
        feed = kind in ("feed_forward", "moe")
        names = {row.name for row in rows}
        if inside.startswith("layer."):  # T5: each sub-layer begins with its own
            order = inside.split(".")[1]
            last = str(
                max(int(r.path[len(layer.path) + 7]) for r in rows if ".layer." in r.path[len(layer.path) :])
            )
            which = "feed_forward" if order == last else "attention" if order == "0" else "cross_attention"
            return "before" if which == kind or (which == "feed_forward" and feed) else ""
        if node.name in AFTER_SUM:
            return (
                "sum" if feed == (not inside.startswith("attention") and node.name != "sa_layer_norm") else ""
            )
        if kind == "cross_attention":
            return "before" if "encoder_attn" in node.name else ""
        two = {"pre_feedforward_layernorm", "post_feedforward_layernorm"} & names
        where = {
            "input_layernorm": ("attention", "before"), "ln_1": ("attention", "before"),
            "ln_attn": ("attention", "before"), "self_attn_layer_norm": ("attention", "before"),
            "post_attention_layernorm": ("attention", "after") if two else ("feed", "before"),
            "ln_2": ("feed", "before"), "ln_mlp": ("feed", "before"), "final_layer_norm": ("feed", "before"),
            "pre_feedforward_layernorm": ("feed", "before"),
            "post_feedforward_layernorm": ("feed", "after"),
        }.get(node.name)  # fmt: skip
        return where[1] if where and (where[0] == "feed") == feed else ""

    def _attention(self, rows: Sequence[Node]) -> list[Step]:
        s = self.shape
        steps = []
        for node in rows:
            part = self.parts[node.path]
            out = node.facts.get("out", 0)
            if part in ("qk_norm", "latent_norm", "relative_bias", "sinks"):
                steps.append(Step(part, node.name, (), _each(node), path=node.path))
            elif part != "output":
                steps.append(self._linear(node, part, (1, "n", out)))
        seen = self._seen()
        steps.append(Step("scores", "", (1, s.heads, "n", "n"), 0, 2 * seen * s.heads * s.head_dim))
        steps.append(Step("mix", "", (1, "n", s.heads * s.value_dim), 0, 2 * seen * s.heads * s.value_dim))
        steps += [
            self._linear(node, "output", (1, "n", node.facts.get("out", s.hidden)))
            for node in rows
            if self.parts[node.path] == "output" and "in" in node.facts
        ]
        order = ("latent_down", "latent_norm", "latent_up", "query", "key", "value", "qkv", "qk_norm",
                 "relative_bias", "sinks", "scores", "mix", "output")  # fmt: skip
        return sorted(steps, key=lambda step: order.index(step.part))

    def _seen(self) -> int:
        """Tokens that the last one looks at, on average over the layers."""
        layers = sum(run.layers for run in self.shape.cache)
        if not layers:
            return self.tokens
        looks = [run for run in self.shape.cache if run.kind not in STATES]
        looked = sum(run.layers * min(self.tokens, run.window or self.tokens) for run in looks)
        return round(looked / layers)

    def _feed_forward(self, rows: Sequence[Node]) -> list[Step]:
        steps, merged = [], set()
        for node in rows:
            part = self.parts[node.path]
            if part == "experts":
                above = node.path.rpartition(".")[0] if node.kind == "Parameter" else node.path
                if above in merged:
                    continue
                merged.add(above)
                alike = [row for row in rows if row.path == node.path or row.path.startswith(above + ".")]
                count = sum(map(_each, alike))
                active = total(None if row.active is None else row.active // row.repeat for row in alike)
                cost = None if active is None else 2 * active
                steps.append(Step(part, "experts", (1, "n", self.shape.hidden), count, cost, node.path))
            elif "in" in node.facts:
                steps.append(self._linear(node, part, (1, "n", node.facts["out"])))
        order = ("router", "gate", "gate_up", "up", "down", "experts")
        return sorted(steps, key=lambda step: order.index(step.part))

    def _linear(self, node: Node, part: str, shape: Size) -> Step:
        count = node.facts.get("in", 0) * node.facts.get("out", 0)
        # BERT calls all of them "dense": the module around it tells which.
        name = ".".join(node.path.split(".")[-2:]) if node.name == "dense" else node.name
        return Step(part, name, shape, _each(node), 2 * count, node.path)

    def _norm(self, node: Node) -> Step:
        return Step(
            self.parts[node.path], node.name, (1, "n", self.shape.hidden), _each(node), path=node.path
        )

    def _table(self, node: Node, part: str) -> Step:
        width = node.facts.get("width", self.shape.hidden)
        return Step(part, node.name, (1, "n", width), _each(node), path=node.path)


def _each(node: Node) -> int:
    """Parameters of one of the modules of a row."""
    return node.parameters // node.repeat


def steps_of(stack: Stack) -> Iterator[tuple[Step, int]]:
    """Every step of a stack, with how many times it is taken."""
    for step in stack.before:
        yield step, 1
    for run in stack.runs:
        for group in run.groups:
            for step in group.all():
                yield step, run.count
    for step in stack.after:
        yield step, 1


def group_of(node: Node, found: dict[str, str]) -> str:
    """``embedding``, ``attention``, ``feed_forward``, ``head`` or ``other``: the colour of a row."""
    part = found[node.path]
    if part in TABLES:
        return "embedding"
    if part in ATTENTION:
        return "attention"
    if part in FEED:
        return "feed_forward"
    return "head" if part == "lm_head" else "other"
