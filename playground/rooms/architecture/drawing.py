"""The drawing of a model as data: the whole to scale, one layer of each kind opened, and what each box says.

assets/architecture/drawing.js draws it. A box has an ``id`` that stays when numbers of the config change, so
that a changed plan is drawn over the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from playground import text
from playground.rooms.architecture.dataflow import ATTENTION, FEED, TABLES, Group, Run, Stack, Step, flow
from playground.rooms.architecture.fields import ALSO
from playground.rooms.architecture.parts import parts
from playground.rooms.architecture.plan import Architecture, Node
from playground.rooms.architecture.view_words import about, words
from playground.rooms.architecture.what_if import SAME, field_of, knobs

Box = dict[str, Any]
SIDE = frozenset({"query", "key", "value", "gate", "up", "scores", "mix"})  # stand beside their like
OPERATIONS = frozenset({"scores", "mix"})  # that have no weights
NAMES = {"scores": "softmax(Q·Kᵀ)", "mix": "weights·V"}
SMALL = frozenset({"qk_norm", "latent_norm", "relative_bias", "sinks", "rms_norm", "layer_norm", "router"})
# Which numbers of the config a part's size comes from, by the name that most families use.
SIZES: dict[str, tuple[str, ...]] = {
    "embed_tokens": ("vocab_size", "hidden_size"),
    "position_embeddings": ("max_position_embeddings", "hidden_size"),
    "token_types": ("type_vocab_size", "hidden_size"),
    "rms_norm": ("hidden_size", "rms_norm_eps"), "layer_norm": ("hidden_size", "rms_norm_eps"),
    "query": ("hidden_size", "num_attention_heads", "head_dim"),
    "key": ("hidden_size", "num_key_value_heads", "head_dim"),
    "value": ("hidden_size", "num_key_value_heads", "head_dim"),
    "qkv": ("hidden_size", "num_attention_heads", "num_key_value_heads"),
    "latent_down": ("hidden_size", "kv_lora_rank", "q_lora_rank"),
    "latent_up": ("kv_lora_rank", "q_lora_rank", "num_attention_heads"),
    "scores": ("num_attention_heads", "head_dim", "sliding_window"), "mix": ("num_attention_heads",),
    "output": ("num_attention_heads", "head_dim", "hidden_size"),
    "gate": ("hidden_size", "intermediate_size", "hidden_act"),
    "gate_up": ("hidden_size", "intermediate_size", "hidden_act"),
    "up": ("hidden_size", "intermediate_size", "hidden_act"),
    "down": ("intermediate_size", "hidden_size"),
    "router": ("num_local_experts", "num_experts_per_tok"),
    "experts": ("num_local_experts", "num_experts_per_tok", "moe_intermediate_size", "intermediate_size"),
    "lm_head": ("hidden_size", "vocab_size", "tie_word_embeddings"), "pooler": ("hidden_size",),
    "layer": ("num_hidden_layers",),
}  # fmt: skip
# What can be turned in a box; what is turned at a layer as a whole stands with it.
TURNS: dict[str, tuple[str, ...]] = {
    "embed_tokens": ("vocab_size", "hidden_size"), "position_embeddings": ("max_position_embeddings",),
    "query": ("num_attention_heads",), "qkv": ("num_attention_heads", "num_key_value_heads"),
    "key": ("num_key_value_heads",), "value": ("num_key_value_heads",), "scores": ("num_attention_heads",),
    "gate": ("intermediate_size",), "up": ("intermediate_size",), "down": ("intermediate_size",),
    "gate_up": ("intermediate_size",), "lm_head": ("vocab_size", "tie_word_embeddings"),
    "layer": ("num_hidden_layers",), "attention": ("num_attention_heads", "num_key_value_heads"),
    "feed_forward": ("intermediate_size",),
}  # fmt: skip
NORM = {
    "rms_norm": "x * rsqrt(mean(x ** 2) + eps) * weight",
    "layer_norm": "(x - mean(x)) / sqrt(var(x) + eps) * weight + bias",
}
CODE = {
    "embed_tokens": "x = self.{name}(ids)", "position_embeddings": "x = x + self.{name}(positions)",
    "token_types": "x = x + self.{name}(segments)", "query": "q = self.{name}(x)",
    "key": "k = self.{name}(x)", "value": "v = self.{name}(x)", "qkv": "q, k, v = split(self.{name}(x))",
    "scores": "weights = softmax(q @ k.T / sqrt({head_dim}))", "mix": "y = weights @ v",
    "output": "x = x + self.{name}(y)", "gate": "g = {act}(self.{name}(x))",
    "gate_up": "g, u = self.{name}(x).chunk(2)", "down": "x = x + self.{name}({inner})",
    "router": "weights, chosen = topk(softmax(self.{name}(x)), {used})",
    "experts": "x = x + sum(w * expert(x) for w, expert in chosen)",
    "lm_head": "logits = self.{name}(x)", "pooler": "tanh(self.{name}(x[:, 0]))",
    "latent_down": "latent = self.{name}(x)", "latent_up": "heads = self.{name}(latent)",
    "layer": "x = self.layers[i](x)",
}  # fmt: skip


def scene(plan: Architecture, base: Architecture, tokens: int, lang: str) -> dict[str, Any] | None:
    """All that is drawn; None where the tree does not tell how data flow.

    Args:
        base: the plan before numbers of it were changed; the same where none was.
        tokens: how many the sentence has.
    """
    stacks = flow(plan, tokens)
    if not stacks:
        return None
    drawn = _Scene(plan, tokens, lang)
    before = dict(_counts(_Scene(base, tokens, lang), flow(base, tokens))) if base is not plan else {}
    slices, layers = drawn.whole(stacks)
    now, first = knobs(plan), knobs(base)
    tied = next((n for _, n in plan.rows() if n.tied_to and drawn.found[n.path] == "lm_head"), None)
    return {
        "name": plan.name.rpartition("/")[2], "total": plan.parameters, "was": base.parameters,
        "slices": slices, "layers": layers, "before": before, "tokens": tokens,
        "tied": [tied.path, tied.tied_to, tied.tied] if tied else None, "parallel": plan.shape.parallel,
        "width": plan.shape.hidden, "vocabulary": plan.shape.vocabulary if plan.shape.writes else 0,
        "heads": plan.shape.heads,
        "turns": {name: [now[name], first[name]] for name in now if now[name] is not None},
        "words": {
            key.removeprefix("architecture.draw_"): said
            for key, said in text.catalogue(lang).items() if key.startswith("architecture.draw_")
        } | {name: text.say(f"architecture.knob_{name}", lang) for name in now},
    }  # fmt: skip


class _Scene:
    def __init__(self, plan: Architecture, tokens: int, lang: str) -> None:
        self.plan, self.tokens, self.lang = plan, tokens, lang
        self.say = partial(text.say, lang=lang)
        self.found = parts(plan)
        self.nodes = {node.path: node for _, node in plan.rows()}
        self.gated = "gate" in self.found.values()
        self.held = text.catalogue(lang)
        self.free = knobs(plan)

    def whole(self, stacks: Sequence[Stack]) -> tuple[list[Box], list[Box]]:
        """The parts of the model in the order of the data, and its kinds of layers with what is in them."""
        slices: list[Box] = []
        layers: list[Box] = []
        for stack in stacks:
            slices += [self.box(self._own(step)) for step in stack.before]
            for run in stack.runs:
                opened = self.layer(run, stack.name, len(layers))
                layers.append(opened)
                slices.append(
                    {**{k: v for k, v in opened.items() if k != "halves"}, "layer": len(layers) - 1}
                )
            slices += map(self.box, stack.after)
        # A table that two stacks share is drawn once.
        return list({each["id"]: each for each in slices}.values()), layers

    def _own(self, step: Step) -> Step:
        """Of a table that is another one's, as in T5 both stacks have it, that one."""
        node = self.nodes.get(step.path)
        owner = self.nodes.get(node.tied_to) if node is not None and node.tied_to else None
        return replace(step, name=owner.name, path=owner.path, parameters=owner.parameters) if owner else step

    def layer(self, run: Run, stack: str, number: int) -> Box:
        """One layer of a run of them that are alike."""
        halves = [self.half(group, f"{number}.{group.kind}") for group in run.groups]
        one = sum(step.parameters for group in run.groups for step in group.all())
        title = self.say("architecture.flow_layer", label=run.label)
        named = f"{self.say(f'architecture.stack_{stack}')}: {title}" if stack else title
        return {
            "id": f"layer{number}", "kind": "layer", "title": named, "count": run.count, "n": one * run.count,
            "one": one, "group": "e", "flops": run.flops, "halves": halves,
            **self._said("layer", None),
        }  # fmt: skip

    def half(self, group: Group, id: str) -> Box:
        """What is read from the stream, and written back to it."""
        steps = [*group.before, *group.steps, *([] if group.after_sum else group.after)]
        rows: list[list[Box]] = []
        last = ""
        for step in steps:
            kind = "operation" if step.part in OPERATIONS else step.part if step.part in SIDE else ""
            beside = kind and (kind == last or (last in SIDE and kind in SIDE))
            made = self.box(step, id)
            rows[-1].append(made) if beside else rows.append([made])
            last = kind
        part, shape = group.kind, self.plan.shape
        shared = shape.kv_heads not in (0, shape.heads)
        heads = f"{shape.heads} : {shape.kv_heads}" if shared else str(shape.heads)
        return {
            "id": id, "kind": part, "title": self.say(f"architecture.draw_{part}"), "rows": rows,
            "n": sum(step.parameters for step in group.all()), "group": "b" if "attention" in part else "c",
            "note": heads if "attention" in part and shape.heads else "",
            "post": [self.box(step) for step in group.after] if group.after_sum else [],
            **self._said(part, None),
        }  # fmt: skip

    def box(self, step: Step, inside: str = "") -> Box:
        """A matrix, a norm or an operation."""
        node = self.nodes.get(step.path)
        shown = [self.tokens if size == "n" else size for size in step.shape]
        key = f"architecture.box_{step.part}"
        made: Box = {
            "id": step.path or f"{inside}.{step.part}", "kind": step.part, "group": _group(step.part),
            "title": self.say(key) if key in self.held else step.name,
            "name": step.name or NAMES.get(step.part, ""),
            "n": step.parameters, "shape": shown, "flops": step.flops, **self._said(step.part, node, step),
        }  # fmt: skip
        if step.part in SMALL:
            made["small"] = True
        if node is not None:
            made["dims"] = _dims(node)
            made["tied"] = node.tied_to
            made["module"] = module(node)
        shape = self.plan.shape
        stripes = {"query": shape.heads, "output": shape.heads, "scores": shape.heads,
                   "key": shape.kv_heads, "value": shape.kv_heads, "experts": shape.experts}  # fmt: skip
        if stripes.get(step.part):
            made["stripes"] = stripes[step.part]
        if step.part == "experts":
            made["used"] = shape.experts_used
        return made

    def _said(self, part: str, node: Node | None, step: Step | None = None) -> Box:
        """What the inspector tells: words, the config's lines, code, and what can be turned."""
        told = words(node, part, self.plan, self.lang) if node else about(part, self.plan, self.lang)
        code = CODE.get(part, NORM.get(part, ""))
        if part == "up":
            code = "u = self.{name}(x)" if self.gated else "u = {act}(self.{name}(x))"
        shape = self.plan.shape
        code = code.format(
            name=step.name if step else "", head_dim=shape.head_dim, act=shape.activation or "act",
            used=shape.experts_used or "k", inner="g * u" if self.gated else "u",
        )  # fmt: skip
        return {
            "words": told, "code": code, "config": [*_lines(self.plan, part)],
            "turns": [name for name in TURNS.get(part, ()) if self.free.get(name) is not None],
        }  # fmt: skip


def _counts(drawn: _Scene, stacks: Sequence[Stack]) -> Iterator[tuple[str, int]]:
    """Parameters by the id of what has them."""
    slices, layers = drawn.whole(stacks)
    yield from ((each["id"], each["n"]) for each in slices)
    for layer in layers:
        for half in layer["halves"]:
            yield half["id"], half["n"]
            for row in half["rows"]:
                yield from ((box["id"], box["n"]) for box in row)


def _group(part: str) -> str:
    """The colour of a box: tables, attention, feed-forward, head, all else."""
    if part in TABLES:
        return "a"
    if part in ATTENTION or part in OPERATIONS:
        return "e" if part in ("qk_norm", "latent_norm") else "b"
    return "c" if part in FEED else "d" if part == "lm_head" else "e"


def _dims(node: Node) -> list[int]:
    facts = node.facts
    if "rows" in facts:
        return [facts["rows"], facts["width"]]
    return [facts["in"], facts["out"]] if "in" in facts else [facts["width"]] if "width" in facts else []


def module(node: Node) -> str:
    """A module as `print(model)` shows it, from what the plan knows of it."""
    facts, kind = node.facts, node.kind
    if kind == "Conv1D" and "in" in facts:
        return f"Conv1D(nf={facts['out']}, nx={facts['in']})"
    if "in" in facts:
        sizes = f"in_features={facts['in']}, out_features={facts['out']}"
        return f"{kind}({sizes}, bias={facts.get('bias', False)})"
    if "rows" in facts:
        padding = f", padding_idx={facts['padding_idx']}" if "padding_idx" in facts else ""
        return f"{kind}({facts['rows']}, {facts['width']}{padding})"
    if "width" in facts:
        eps = f", eps={facts['eps']:g}" if "eps" in facts else ""
        return f"{kind}(({facts['width']},){eps})"
    return kind


def _lines(plan: Architecture, part: str) -> Iterator[tuple[str, Any, bool]]:
    """The lines of the config that make a part's size: field, value, and whether the config leaves it out."""
    for meaning in SIZES.get(part, ()):
        name = field_of(plan.config, meaning) if meaning in SAME else None
        names = dict.fromkeys((name or meaning, meaning, *ALSO.get(meaning, ())))
        said = next((each for each in names if _plain(plan.config, each)), None)
        if said is not None:
            yield said, plan.config[said], False
        elif meaning in plan.defaults:
            yield meaning, plan.defaults[meaning], True


def _plain(config: Mapping[str, Any], name: str) -> bool:
    return isinstance(config.get(name), int | float | str | bool)
