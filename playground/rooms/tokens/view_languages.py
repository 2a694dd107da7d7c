"""The same sentence in many languages under several tokenizers: bars that show who pays more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from playground import text as words
from playground.ui.charts import Series, bars
from playground.ui.html import escape, note, number

BRIEF = 26  # columns of a sentence that stand above its bars; a Chinese character takes two


def chart(
    samples: Sequence[tuple[str, str]], counts: Mapping[str, Sequence[Sequence[int]]], lang: str
) -> str:
    """One block a language, one bar a tokenizer.

    What is written as [UNK] is short because it is lost: it wins no prize, and its bar is hatched.

    Args:
        samples: (key of the language's name, sentence) for each block.
        counts: tokenizer → (tokens, unknown tokens) of each sample.
    """
    say = partial(words.say, lang=lang)
    names = [say(f"tokens.language_{key}") for key, _ in samples]
    series, told_by = [], []
    for place, (name, row) in enumerate(counts.items()):
        told = [f"{number(count)}{'*' if lost else ''}" for count, lost in row]
        told_by.append(told)
        colour = f"--map-{place % 12 + 1}"
        series.append(
            Series(name, [count for count, _ in row], told, colour, [bool(lost) for _, lost in row])
        )
    fewest = [
        min((row[index][0] for row in counts.values() if not row[index][1]), default=0)
        for index in range(len(samples))
    ]
    rows = []
    for index, (_, sentence) in enumerate(samples):
        cells = [f"<b>{escape(names[index])}</b>", f"<bdi>{escape(sentence)}</bdi>"]
        for row, told in zip(counts.values(), told_by, strict=True):
            count, lost = row[index]
            why = f' title="{escape(say("tokens.lost", count=lost))}"' if lost else ""
            best = count == fewest[index] and not lost
            cells.append(f"<b>{told[index]}</b>" if best else f"<span{why}>{told[index]}</span>")
        rows.append(cells)
    heads = [say("tokens.chart_language"), say("tokens.chart_sentence"), *counts]
    blocks = [f"{name} · {_brief(sentence)}" for name, (_, sentence) in zip(names, samples, strict=True)]
    drawn = bars(blocks, series, say("tokens.chart_told"), lang, rows=(heads, rows))
    some = any(unknown for row in counts.values() for _, unknown in row)
    return drawn + (note("* " + say("tokens.lost_note")) if some else "")


def _brief(sentence: str) -> str:
    """Its beginning, as much as a phone has room for."""
    room, shown = BRIEF, ""
    for character in " ".join(sentence.split()):
        room -= 2 if ord(character) > 0x2E80 else 1
        if room < 0:
            return shown.rstrip() + "…"
        shown += character
    return shown
