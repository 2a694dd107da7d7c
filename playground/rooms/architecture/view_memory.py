"""What a model takes: bytes in each precision with their formula, its KV cache, devices, training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from playground import text
from playground.rooms.architecture import memory
from playground.rooms.architecture.plan import Architecture
from playground.rooms.architecture.shape import CacheLayers
from playground.ui.charts import Series, bars
from playground.ui.html import escape, note, number, size, table

NAMES = {
    "float32": "float32", "bfloat16": "bfloat16", "int8": "int8", "nf4": "NF4",
    "nf4_double_quant": "NF4 + DQ",
}  # fmt: skip
STATEFUL = ("linear_attention", "conv")
DEVICE_NAMES = {
    "t4": "T4 · 16 GB", "rtx4090": "RTX 4090 · 24 GB", "a100": "A100 · 80 GB", "h200": "H200 · 141 GB",
}  # fmt: skip


def precisions(plan: Architecture, measured: Mapping[str, int], lang: str) -> str:
    """Bytes of the weights in every precision, each with its formula.

    Args:
        measured: precision → bytes counted of the model that is loaded.
    """
    say = partial(text.say, lang=lang)
    found = [memory.weights(plan, precision) for precision in memory.countable(plan)]
    rows = []
    for each in found:
        told = number(measured[each.precision]) if each.precision in measured else "–"
        mark = ""
        if each.precision in measured:
            mark = " ✓" if measured[each.precision] == each.total else ""
        rows.append(
            [f"<b>{NAMES[each.precision]}</b>",
             f"<b>{number(each.total)}</b> <small>{size(each.total)}</small>",
             f'<span class="arc-formula">{escape(_formula(each, lang))}</span>', told + mark]
        )  # fmt: skip
    keys = ("precision", "bytes", "formula", "measured") if measured else ("precision", "bytes", "formula")
    head = [escape(say(f"architecture.{key}")) for key in keys]
    body = table(head, [row[: len(keys)] for row in rows], "arc-memory", named=True)
    title = say("architecture.memory_weights")
    title = f"<h5>{escape(title)}</h5>" + _bars(
        [NAMES[each.precision] for each in found], [each.total for each in found], title, lang
    )
    if not plan.kind:
        return title + body
    quantized = memory.weights(plan, "int8").quantized
    told = say(
        "architecture.memory_note", quantized=number(quantized), rest=number(plan.parameters - quantized)
    )
    more = note(say("architecture.experts_not_quantized")) if plan.shape.experts else ""
    return title + body + note(told) + more


def _bars(names: Sequence[str], totals: Sequence[int], told: str, lang: str) -> str:
    """Bytes as bars; the table is below them."""
    return bars(names, [Series("", totals, [size(total) for total in totals])], told, lang, listed=False)


def _formula(each: memory.Weights, lang: str) -> str:
    state = number(each.state)
    rest = number(each.rest)
    other = f" + {number(each.other)}" if each.other else ""
    if each.precision in ("float32", "bfloat16"):
        width = 4 if each.precision == "float32" else 2
        return f"{width} × {rest}{other}"
    part = number(each.quantized) + (" ÷ 2" if each.precision.startswith("nf4") else "")
    said = text.say("architecture.formula_state", lang, bytes=state)
    return f"{part} + {said} + 2 × {rest}{other}"


def cache(plan: Architecture, context: int, batch: int, lang: str) -> str:
    """The KV cache: a token's bytes by formula, and all of them after so many tokens."""
    say = partial(text.say, lang=lang)
    shape = plan.shape
    title = f"<h5>{escape(say('architecture.cache'))}</h5>"
    runs = [run for run in shape.cache if run.numbers]
    token, whole = memory.cache_per_token(plan), memory.cache_bytes(plan, context, batch)
    if token is None or whole is None or not runs:
        return title + note(say(f"architecture.{_no_cache(plan)}"))
    alike = _alike(runs)
    inside = " + ".join(_inside(each, count) for each, count in alike.items())
    inside = f"({inside})" if len(alike) > 1 else inside
    times = " × 2" if shape.encoder_decoder else ""
    width = escape(say("architecture.unit_bytes"))
    lines = [
        [escape(say("architecture.cache_token")), f"{inside} × 2 {width}{times}",
         f"<b>{number(token)}</b> <small>{size(token)}</small>"],
        [escape(say("architecture.cache_all", context=number(context), batch=number(batch))),
         escape(_kept(plan, context, lang)), f"<b>{number(whole)}</b> <small>{size(whole)}</small>"],
    ]  # fmt: skip
    head = [escape(say(f"architecture.{key}")) for key in ("what", "formula", "bytes")]
    told = ""
    if shape.latent:
        told += note(say("architecture.cache_latent", bytes=number(memory.expanded_cache_per_token(plan)),
                         times=f"{memory.expanded_cache_per_token(plan) / token:.0f}"))  # fmt: skip
    elif len(alike) == 1 and 0 < shape.kv_heads < shape.heads:
        full = number(token * shape.heads // shape.kv_heads)
        told += note(say("architecture.cache_grouped", group=shape.heads // shape.kv_heads, bytes=full))
    if len(alike) > 1:
        told += note(say("architecture.cache_differs"))
    if any(run.window for run in runs):
        told += note(say("architecture.cache_window"))
    if shape.encoder_decoder:
        told += note(say("architecture.cache_cross"))
    if any(run.kind in STATEFUL for run in shape.cache):
        told += note(say("architecture.cache_linear"))
    return f"{title}{table(head, lines, 'arc-memory', named=True)}{told}"


def _no_cache(plan: Architecture) -> str:
    """Why there is nothing to count, as a key: unknown, no text, no cache, or a state in its place."""
    if not plan.shape.cache_known:
        return "cache_unknown"
    if not plan.shape.writes and not plan.shape.encoder_decoder:
        return "cache_none"
    return "cache_state" if any(run.kind in STATEFUL for run in plan.shape.cache) else "cache_without"


def _alike(runs: Sequence[CacheLayers]) -> dict[tuple[int, int, int, int], int]:
    """What a layer keeps of a token → how many layers keep so."""
    counts: dict[tuple[int, int, int, int], int] = {}
    for run in runs:
        what = (run.heads, run.key, run.value, run.extra)
        counts[what] = counts.get(what, 0) + run.layers
    return counts


def _inside(what: tuple[int, int, int, int], layers: int) -> str:
    """Numbers a token, as a product: ``2 × 4 × 64 × 22``."""
    heads, key, value, extra = what
    told = (
        f"2 × {heads} × {key}"
        if key == value
        else f"{heads} × ({key} + {value})"
        if value
        else f"{number(key)}"
    )
    return f"({told} + {extra}) × {layers}" if extra else f"{told} × {layers}"


def _kept(plan: Architecture, context: int, lang: str) -> str:
    """Layers × tokens that each kind of layer remembers."""
    counts: dict[int, int] = {}
    for run in plan.shape.cache:
        tokens = memory.kept(run, context)
        counts[tokens] = counts.get(tokens, 0) + run.layers
    told = (
        text.say("architecture.layers_tokens", lang, layers=count, tokens=number(tokens))
        for tokens, count in counts.items()
    )
    return " + ".join(told)


def fits(plan: Architecture, context: int, batch: int, here: int, lang: str) -> str:
    """Which device holds weights and cache, in which precision.

    Args:
        here: bytes that models may take on this server.
    """
    say = partial(text.say, lang=lang)
    need = memory.needed(plan, context, batch)
    devices = [(say("architecture.device_here"), here)]
    devices += [
        (DEVICE_NAMES.get(key) or say(f"architecture.device_{key}"), memory.usable(key, total))
        for key, total in memory.DEVICES.items()
    ]
    rows = []
    for name, room in devices:
        cells = [f"{escape(name)}<br><small>{size(room)}</small>"]
        for precision in need:
            good = need[precision] <= room
            share = need[precision] / room if room else 0
            title = f"{number(need[precision])} / {number(room)}"
            cells.append(
                f'<span class="arc-fit {"yes" if good else "no"}" title="{title}">{"✓" if good else "✗"} '
                f"<small>{_filled(share)}</small></span>"
            )
        rows.append(cells)
    head = [escape(say("architecture.device")), *(NAMES[precision] for precision in need)]
    told = note(say("architecture.fits_note", context=number(context), batch=number(batch)))
    if not plan.shape.cache_known:
        told += note(say("architecture.fits_without_cache"))
    return f"<h5>{escape(say('architecture.fits'))}</h5>{table(head, rows, 'arc-fits')}{told}"


def _filled(share: float) -> str:
    return f"{share:.0%}" if share < 10 else f"{share:,.0f}×"


def training(plan: Architecture, rank: int, names: Sequence[str], context: int, batch: int, lang: str) -> str:
    """What training takes, three ways."""
    say = partial(text.say, lang=lang)
    found = memory.training(plan, rank, names)
    rows = []
    for each in found:
        formula = f"16 × {number(each.trained)}"
        if each.base:
            formula += f" + {number(each.base)}"
        rows.append(
            [f"<b>{escape(say(f'architecture.train_{each.method}'))}</b>",
             f"{number(each.trained)}<br><small>{each.trained / max(plan.parameters, 1):.3%}</small>",
             f"<b>{number(each.total)}</b> <small>{size(each.total)}</small>",
             f'<span class="arc-formula">{formula}</span>']
        )  # fmt: skip
    head = [escape(say(f"architecture.{key}")) for key in ("method", "trainable", "bytes", "formula")]
    chosen = [target for target in memory.targets(plan) if target.name in names]
    parts_ = " + ".join(
        f"{target.layers} × {rank} × ({target.features_in:,} + {target.features_out:,})"
        for target in chosen[:8]
    )
    told = note(
        say("architecture.lora_count", formula=parts_ or "0", count=number(memory.lora(plan, rank, names)))
    )
    told += note(say("architecture.train_note", bytes=size(memory.activations(plan, context, batch)),
                     context=number(context), batch=number(batch)))  # fmt: skip
    full, qlora = found[0].total, found[2].total
    told += note(say("architecture.why_qlora", times=f"{full / max(qlora, 1):.0f}",
                     full=size(full), qlora=size(qlora)))  # fmt: skip
    methods = [say(f"architecture.train_{each.method}") for each in found]
    drawn = _bars(methods, [each.total for each in found], say("architecture.training"), lang)
    return f"{drawn}{table(head, rows, 'arc-memory', named=True)}{told}"
