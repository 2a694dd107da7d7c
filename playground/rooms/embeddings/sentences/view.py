"""Sentences: search results, similarity matrices, rows with their warnings, how far an encoding is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.engine.vectors.neighbours import FEWEST
from playground.ui.html import bar, escape, note, number, table

BRIEF = 300  # characters of a sentence in a list
NUMBERED = 12  # sentences of a matrix whose cells have room for their numbers
METHODS = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}


def progress(done: int, total: int, model: str, lang: str) -> str:
    """How many rows a model has read."""
    share = 100 * done / total if total else 0
    told = text.say("sentences.encoding", lang, done=number(done), total=number(total), model=model)
    return note(told) + bar(model, share)


def step(name: str, count: int, method: str, lang: str) -> str:
    """What is being done with all rows, for as long as it takes."""
    told = text.say(f"sentences.step_{name}", lang, count=number(count), method=METHODS.get(method, method))
    return note(told) + bar(told)


def brief(sentence: str) -> str:
    """A sentence as HTML, not endless, and whatever its direction, it turns nothing around it."""
    return f"<bdi>{escape(sentence if len(sentence) <= BRIEF else sentence[: BRIEF - 1] + '…')}</bdi>"


def hits(found: Sequence[tuple[str, str, float]], query: str, lang: str) -> str:
    """Rows found by meaning, best first.

    Args:
        found: text, label and cosine of each.
    """
    if not found:
        return note(text.say("sentences.search_nothing", lang))
    rows = "".join(
        f'<li><span class="score">{score:.3f}</span>'
        f'<span class="bar"><i style="width:{max(0, score) * 100:.0f}%"></i></span><span>{brief(sentence)}'
        f"{f' <small>{escape(label)}</small>' if label else ''}</span></li>"
        for sentence, label, score in found
    )
    return (
        f"<h5>{brief(query)}</h5>"
        f'<ol class="sen-hits">{rows}</ol>{note(text.say("sentences.search_told", lang))}'
    )


def matrix(lines: Sequence[str], cosines: NDArray[np.float32], lang: str) -> str:
    """Cosines of all pairs: the darker, the more alike; sentences are the rows' names.

    Of more than `NUMBERED`, cells are small: their numbers are in them, but not seen, and said for the cell
    that is pointed at (assets/embeddings/sentences/sentences.js).
    """
    size = len(lines)
    small = size > NUMBERED
    head = "".join(f"<th>{place + 1}</th>" for place in range(size))
    body = []
    for row in range(size):
        cells = []
        for column in range(size):
            value = float(cosines[row, column])
            strong = " strong" if value > 0.6 and row != column else ""
            own = " own" if row == column else ""
            more = ""
            if small:
                first = row == column == 0  # the arrow keys go on from there
                more = f' tabindex="{0 if first else -1}" title="{row + 1} × {column + 1}: {value:.2f}"'
            kind, shade = (strong + own).strip(), max(0.0, value)
            cells.append(f'<td class="{kind}" style="--v:{shade:.3f}"{more}>{value:.2f}</td>')
        whole = f' title="{escape(lines[row][:BRIEF])}"' if small else ""
        body.append(f"<tr><th{whole}><b>{row + 1}</b> {brief(lines[row])}</th>{''.join(cells)}</tr>")
    label = escape(text.say("sentences.matrix_label", lang))
    said = escape(text.say("sentences.matrix_small", lang))
    pointed = f'<p class="sen-cell" aria-live="polite">{said}</p>' if small else ""
    box, kind = ("pg-scroll sen-all", "sen-matrix small") if small else ("pg-scroll sen-wide", "sen-matrix")
    return (
        f'<div class="sen-pairs"><div class="{box}" tabindex="0"><table class="{kind}" aria-label="{label}">'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{pointed}</div>"
        + note(text.say("sentences.matrix_told", lang))
    )


def summary(facts: Mapping[str, Any], lang: str) -> str:
    """What was read, and what the model did not see of it, in a few sentences.

    Args:
        facts: ``rows``, ``distinct``, ``cut``, ``unknown`` (counts), ``limit`` (tokens), ``width``.
    """
    say = partial(text.say, lang=lang)
    told = note(say("sentences.told_rows", rows=number(facts["rows"]), distinct=number(facts["distinct"]),
                    width=facts["width"]))  # fmt: skip
    return told + unseen(facts, "told", lang)


def unseen(facts: Mapping[str, Any], what: str, lang: str) -> str:
    """What a model did not see, as warnings; "" where it saw everything.

    Args:
        facts: as of `summary`.
        what: of the rows (``told``), of a ``query``, or of what was ``added``.
    """
    say, told = partial(text.say, lang=lang), ""
    if facts["cut"]:
        values = {"count": number(facts["cut"]), "limit": facts["limit"]}
        told += note(say(f"sentences.{what}_cut", **values), "warning")
    if facts["unknown"]:
        told += note(say(f"sentences.{what}_unknown", count=number(facts["unknown"])), "warning")
    return told


def file_told(told: Mapping[str, Any], lang: str) -> str:
    """What was cut, filled up or left out when a file was read."""
    return "".join(
        note(
            text.say(f"sentences.file_{key}", lang, value=value if isinstance(value, str) else number(value)),
            "warning" if key in ("over", "broken", "bytes", "quotes", "empty") else "note",
        )
        for key, value in told.items()
    )


def too_large(megabytes: int, lang: str) -> str:
    """What a page shows in place of sending a file that the server would refuse (assets/shell/page.js)."""
    told = escape(text.say("sentences.too_large", lang, limit=megabytes))
    return f'<p class="pg-warning" hidden data-upload-limit="{megabytes * 2**20}">{told}</p>'


def rows_table(
    texts: Sequence[str], labels: Sequence[str], tokens: NDArray[Any], unknown: NDArray[Any], limit: int,
    most: int, lang: str,
) -> str:  # fmt: skip
    """The rows with what the model saw of each: those with warnings first, then the others, as they come."""
    say = partial(text.say, lang=lang)
    bad = (tokens > limit) | (unknown > 0)
    order = [*np.flatnonzero(bad), *np.flatnonzero(~bad)][:most]
    lines = []
    for row in order:
        warnings = []
        if tokens[row] > limit:
            warnings.append(say("sentences.row_cut", count=number(int(tokens[row]) - limit)))
        if unknown[row]:
            warnings.append(say("sentences.row_unknown", count=number(int(unknown[row]))))
        lines.append([
            number(int(row) + 1), brief(texts[row]), escape(labels[row]) if labels else "",
            number(int(tokens[row])), escape(" ".join(warnings)),
        ])  # fmt: skip
    head = [escape(say(f"sentences.head_{key}")) for key in ("row", "text", "label", "tokens", "warnings")]
    more = note(say("sentences.rows_more", count=number(len(texts) - most))) if len(texts) > most else ""
    return table(head, lines, "sen-rows", named=True) + more


def agreement(models: Sequence[str], count: int, shared: float, alike: Sequence[float], lang: str) -> str:
    """How far two models agree: their neighbours in common, and how well each keeps labels together.

    Args:
        count: how many neighbours of each row were compared; 0: too few rows.
    """
    if not count:
        return note(text.say("sentences.two_few", lang, least=FEWEST))
    told = text.say("sentences.two_shared", lang, count=count, share=f"{shared:.0%}")
    lines = [note(told)]
    if alike:
        rows = [[escape(name), f"{share:.0%}"] for name, share in zip(models, alike, strict=True)]
        kept = text.say("sentences.two_alike", lang, count=count)
        head = [escape(text.say("sentences.model", lang)), escape(kept)]
        lines.append(table(head, rows, "narrow"))
    return "".join(lines)
