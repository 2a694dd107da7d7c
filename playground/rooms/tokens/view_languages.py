"""The same sentence in many languages under several tokenizers: bars that show who pays more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from playground import text as words
from playground.ui.html import escape, note, number


def chart(
    samples: Sequence[tuple[str, str]], counts: Mapping[str, Sequence[Sequence[int]]], lang: str
) -> str:
    """One block a language, one bar a tokenizer.

    Args:
        samples: (key of the language's name, sentence) for each block.
        counts: tokenizer → (tokens, unknown tokens) of each sample.
    """
    say = partial(words.say, lang=lang)
    most = max((count for row in counts.values() for count, _ in row), default=1) or 1
    blocks = []
    for index, (key, sentence) in enumerate(samples):
        whole = [row[index][0] for row in counts.values() if not row[index][1]]
        fewest = min(whole, default=0)
        bars = "".join(_bar(name, row[index], most, fewest, say) for name, row in counts.items())
        blocks.append(
            f"<section><h5>{escape(say(f'tokens.language_{key}'))}</h5>"
            f'<p dir="auto">{escape(sentence[:160])}</p><ul>{bars}</ul></section>'
        )
    some = any(unknown for row in counts.values() for _, unknown in row)
    foot = note("* " + say("tokens.lost_note")) if some else ""
    return f'<div class="tok-chart">{"".join(blocks)}</div>{foot}'


def _bar(name: str, counted: Sequence[int], most: int, fewest: int, say: Callable[..., str]) -> str:
    """What is written as [UNK] is short because it is lost: it wins no prize, and the bar says so."""
    count, unknown = counted
    kind, lost = ("best", "") if count == fewest and not unknown else ("", "")
    if unknown:
        kind, lost = "lost", f' title="{escape(say("tokens.lost", count=unknown))}"'
    return (
        f'<li class="{kind}"{lost}><span class="who">{escape(name)}</span>'
        f'<span class="bar"><span style="width:{100 * count / most:.1f}%"></span></span>'
        f'<span class="n">{number(count)}{"*" if unknown else ""}</span></li>'
    )
