"""Several ways of decoding side by side: the verdict first, then every one's tokens, then the race."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from playground import text as words
from playground.rooms.decoding.comparison import (
    LANES,
    LOUD,
    Comparison,
    Continuation,
    Parting,
    Plan,
    Token,
    Written,
    comparable,
    likelier,
    missed,
    unlike,
)
from playground.ui.charts import Line, digits, lines
from playground.ui.html import escape, island, legible, note, number, percent, sentences, visible

COLOURS: dict[Continuation, int] = {"greedy": 1, "beam": 2, "yours": 3, "first": 4, "second": 5, "again": 4}
# The colours of those numbers, as in decoding.css.
TONES = {1: "--map-12", 2: "--pg-accent", 3: "--map-2", 4: "--map-4", 5: "--map-1", 6: "--map-5"}
PROMPT = 400  # characters of it that are repeated above the result


def nats(value: float, places: int = 2) -> str:
    """A logarithm of a probability, with a minus sign and no hyphen, and none before a zero."""
    return number(round(value, places) + 0.0, places).replace("-", "−")


def odds(log: float) -> str:
    """The probability of a whole sequence from its logarithm: long ones need powers of ten."""
    if log > -9:
        return percent(math.exp(log))
    power = math.floor(log / math.log(10))
    digits = str(-power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{math.exp(log - power * math.log(10)):.1f} × 10⁻{digits}"


def quoted(token: Token | None, lang: str) -> str:
    """A token in a sentence, as plain text."""
    if token is None:
        return words.say("decoding.nothing", lang)
    return words.say("decoding.quoted", lang, token=legible(token.text or token.label))


def whole(comparison: Comparison, lang: str) -> str:
    """The verdict, the texts, and below them the race."""
    top = _prompt(comparison, lang) + _answer(comparison, lang)
    shown = continuations(comparison.continuations, comparison.plan, lang, comparison)
    return f'<section class="dec plays">{top}{shown}{_race(comparison, lang)}</section>'


def growing(written: Sequence[Written], plan: Plan, lang: str) -> str:
    """The continuations while they are written."""
    return f'<section class="dec">{continuations(written, plan, lang)}</section>'


def _prompt(comparison: Comparison, lang: str) -> str:
    """What all of them went on with, and which model it was."""
    told = words.say(
        "decoding.shown_prompt", lang, model=legible(comparison.model), count=len(comparison.prompt)
    )
    shown = comparison.text if len(comparison.text) <= PROMPT else "…" + comparison.text[-PROMPT:]
    return f'<p class="dec-prompt"><small>{escape(told)}</small> <b dir="auto">{visible(shown)}</b></p>'


def _answer(comparison: Comparison, lang: str) -> str:
    """Did greedy miss a likelier sequence? In words and numbers, chosen by what came out."""
    say = partial(words.say, lang=lang)
    greedy, beam = comparison.continuation("greedy"), comparison.continuation("beam")
    width = comparison.plan.beams.num_beams
    values: dict[str, Any] = {
        "greedy": odds(greedy.total), "beam": odds(beam.total),
        "greedy_sum": nats(greedy.total), "beam_sum": nats(beam.total), "beams": width,
        "greedy_mean": nats(greedy.total / max(1, len(greedy.ids)), 3),
        "beam_mean": nats(beam.total / max(1, len(beam.ids)), 3),
    }  # fmt: skip
    parting = next((each for each in comparison.partings if each.continuation == "beam"), None)
    other = likelier(comparison)
    if parting is None:
        key, kind = "answer_same" if width > 1 else "answer_one", "note"
    elif missed(comparison):
        times = math.exp(beam.total - greedy.total)
        values["times"] = number(times, 1 if times < 100 else 0)
        key, kind = "answer_missed", "missed"
    elif not comparable(greedy, beam):
        key, kind = "answer_cut", "note"
    elif beam.total < greedy.total - LOUD:
        key, kind = "answer_shorter", "note"
    else:
        key, kind = "answer_tie", "note"
    told = f"<p>{escape(say(f'decoding.{key}', **values))}</p>"
    if kind == "missed" and parting and parting.mine and parting.other:
        step = say(
            "decoding.answer_step", place=parting.index + 1, mine=quoted(parting.mine, lang),
            other=quoted(parting.other, lang), p=percent(parting.mine.probability),
            q=percent(parting.other.probability),
        )  # fmt: skip
        told += f"<p>{escape(step)}</p>"
    if other:
        kind, times = "missed", math.exp(other.total - greedy.total)
        found = say(
            "decoding.answer_other", continuation=say(f"decoding.lane_{other.continuation}"),
            other=odds(other.total), other_sum=nats(other.total),
            times=number(times, 1 if times < 100 else 0),
        )  # fmt: skip
        told += f"<p>{escape(found)}</p>"
    verdict = "answer_yes" if kind == "missed" else "answer_no"
    return (
        f'<div class="dec-answer {kind}"><h4>{escape(say("decoding.question"))} '
        f"<em>{escape(say(f'decoding.{verdict}'))}</em></h4>{told}</div>"
    )


def _race(comparison: Comparison, lang: str) -> str:
    """The sum so far after each token: who is ahead, and where that changes."""
    say = partial(words.say, lang=lang)
    wanted: tuple[Continuation, ...] = ("greedy", "beam", "yours")
    drawn, low = [], 0.0
    for continuation in wanted:
        sums = accumulate(token.log for token in comparison.continuation(continuation).tokens)
        points = [(0.0, 0.0), *((place + 1.0, total) for place, total in enumerate(sums))]
        low = min(low, points[-1][1])
        drawn.append(
            Line(
                say(f"decoding.lane_{continuation}"),
                points,
                TONES[COLOURS[continuation]],
                continuation == "yours",
            )
        )
    told = say("decoding.race_told")
    places = digits(low, 0.0)
    picture = lines(
        drawn, say("decoding.race_x"), say("decoding.race_y"), told, lang, number=lambda y: nats(y, places)
    )
    return f'<div class="dec-race"><h5>{escape(say("decoding.race"))}</h5>{picture}{note(told)}</div>'


def continuations(
    written: Sequence[Written], plan: Plan, lang: str, comparison: Comparison | None = None
) -> str:
    """Each one: its name and settings, its tokens coloured by probability, its numbers, where it parts."""
    partings = {each.continuation: each for each in comparison.partings} if comparison else {}
    by_name = {each.continuation: each for each in written}
    shown = "".join(
        _continuation(by_name[continuation], plan, lang, partings.get(continuation), comparison)
        for continuation in LANES
        if continuation in by_name and continuation != "again"
    )
    say = partial(words.say, lang=lang)
    if comparison is None:
        return f'<div class="dec-lanes">{shown}</div>'
    data = island(
        {
            key: say(f"decoding.js_{key}")
            for key in ("probability", "chance", "rank", "others", "rest", "id", "token")
        }
    )
    replay = f'<button type="button" class="dec-replay">{escape(say("decoding.replay"))}</button>'
    legend = (
        f'<div class="dec-legend">{replay}'
        f'<i class="dec-t" style="--p:1">{escape(say("decoding.legend_sure"))}</i>'
        f'<i class="dec-t" style="--p:0">{escape(say("decoding.legend_unsure"))}</i>'
        f'<i class="dec-t dif" style="--p:1">{escape(say("decoding.legend_parts"))}</i>'
        f'<i class="dec-t new" style="--p:1">{escape(say("decoding.legend_new"))}</i>'
        f"<span>{escape(say('decoding.hover_hint'))}</span></div>"
    )
    return f'{legend}<div class="dec-lanes">{data}{shown}</div>'


def _continuation(
    each: Written, plan: Plan, lang: str, parting: Parting | None, comparison: Comparison | None
) -> str:
    say = partial(words.say, lang=lang)
    here = parting.index if parting else -1
    other = unlike(each, comparison.continuation("greedy")) if comparison else set()
    chips = "".join(
        chip(token, place == here, place, place in other) for place, token in enumerate(each.tokens)
    )
    facts = ""
    if each.reason:
        facts = say(
            "decoding.lane_facts", sum=nats(each.total), share=odds(each.total),
            perplexity=number(each.perplexity, 2), count=len(each.tokens),
            why=say(f"decoding.stop_{each.reason}"),
        )  # fmt: skip
    told = _told(each, parting, comparison, lang) if comparison else ""
    if comparison and each.continuation == "first":
        told += _repeat(comparison, lang)
    data = ""
    if comparison:
        data = island(
            [
                [t.id, t.text or t.label, t.probability, t.chance, t.rank, [list(o) for o in t.others]]
                for t in each.tokens
            ]
        )
    return (
        f'<section class="dec-lane ln-{COLOURS[each.continuation]}" data-lane="{each.continuation}"><header>'
        f"<h4>{escape(say(f'decoding.lane_{each.continuation}'))}</h4>"
        f"<small>{escape(_settings(each.continuation, plan, lang))}</small></header>"
        f'<div class="dec-text" dir="auto" tabindex="0" role="group">{chips or "&nbsp;"}</div>'
        f'<p class="dec-facts">{escape(facts)}</p>{told}{data}</section>'
    )


def chip(token: Token, parts: bool = False, place: int = 0, new: bool = False) -> str:
    """One token; its ground is the warmer the less likely the model found it.

    Args:
        parts: it is the first one that greedy did not write.
        place: in its text: when that writes itself, it comes in this turn.
        new: greedy did not write it.
    """
    inside = visible(token.text) if token.text else escape(token.label)
    kind = ("" if token.text else " sp") + (" dif" if parts else "") + (" new" if new else "")
    return f'<i class="dec-t{kind}" style="--p:{token.probability:.3f};--i:{place}">{inside}</i>'


def _settings(continuation: Continuation, plan: Plan, lang: str) -> str:
    say = partial(words.say, lang=lang)
    if continuation == "beam":
        return say("decoding.set_beam", beams=plan.beams.num_beams, penalty=f"{plan.beams.length_penalty:g}")
    made = plan.settings(continuation)
    if continuation != "yours":
        return say(f"decoding.set_{continuation}", seed=made.seed)
    told = [f"T {made.temperature:g}"]
    if not made.greedy:
        told += [f"top-k {made.top_k}"] if made.top_k else []
        told += [f"top-p {made.top_p:g}"] if made.top_p < 1 else []
        told += [f"min-p {made.min_p:g}"] if made.min_p else []
        told += [say("decoding.set_seed", seed=made.seed)]
    if made.repetition_penalty != 1:
        told.append(say("decoding.set_repetition", penalty=f"{made.repetition_penalty:g}"))
    return " · ".join(told)


def _told(each: Written, parting: Parting | None, comparison: Comparison | None, lang: str) -> str:
    """Where and why a continuation leaves greedy's way."""
    say = partial(words.say, lang=lang)
    if each.continuation == "greedy" or comparison is None:
        return ""
    if parting is None:
        return _sentence(say("decoding.part_none"))
    values: dict[str, Any] = {
        "place": parting.index + 1,
        "mine": quoted(parting.mine, lang),
        "other": quoted(parting.other, lang),
    }
    if parting.mine is None or parting.other is None:
        return _sentence(say("decoding.part_ended", **values))
    values |= {
        "p": percent(parting.mine.probability), "rank": parting.mine.rank,
        "q": percent(parting.other.probability), "chance": percent(parting.mine.chance),
        "seed": comparison.plan.settings(each.continuation).seed,
    }  # fmt: skip
    told = say(f"decoding.part_{parting.reason}", **values)
    if each.continuation != "yours":
        if parting.filter == "argmax":
            fate = say("decoding.fate_argmax")
        elif parting.filter:
            fate = say("decoding.fate_removed", filter=say(f"decoding.filter_{parting.filter}"))
        else:
            fate = say("decoding.fate_drawn", chance=percent(parting.chance))
        told = sentences(told, fate)
    return _sentence(told)


def _repeat(comparison: Comparison, lang: str) -> str:
    """Whether the same seed wrote the same text a second time: a mark, and why."""
    equal = comparison.continuation("again").ids == comparison.continuation("first").ids
    key, sign = ("part_again", "✓") if equal else ("part_again_not", "✗")
    return (
        f'<p class="dec-repeat {"same" if equal else "other"}"><b aria-hidden="true">{sign}</b> '
        f"{escape(words.say(f'decoding.{key}', lang))}</p>"
    )


def _sentence(told: str) -> str:
    return f'<p class="dec-why">{escape(told)}</p>'
