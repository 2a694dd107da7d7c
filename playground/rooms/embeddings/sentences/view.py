"""Sentences: search results, similarity matrices, rows with their warnings, how far an encoding is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground import text
from playground.engine.vectors.neighbours import FEWEST
from playground.rooms.embeddings.sentences.example import Apart, Lies
from playground.rooms.embeddings.sentences.samples import Rows
from playground.ui.html import bar, escape, note, number, table
from playground.ui.point_map import Near

BRIEF = 300  # characters of a sentence in a list
NUMBERED = 12  # sentences of a matrix whose cells have room for their numbers
Hits = Sequence[tuple[int, float]]
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


def found(query: str, rows: Rows, hits: Hits, unseen: str, lang: str) -> str:
    """Rows found by meaning, best first, as a list.

    Args:
        hits: row and cosine of each.
        unseen: what the model did not see of the query, as HTML.
    """
    if not hits:
        return unseen + note(text.say("sentences.search_nothing", lang))
    items = ""
    for row, score in hits:
        label = f" <small>{escape(theme(rows.labels[row], lang))}</small>" if rows.labels else ""
        items += (
            f'<li><span class="score">{score:.3f}</span><span class="bar">'
            f'<i style="width:{max(0, score) * 100:.0f}%"></i></span>'
            f"<span>{brief(rows.texts[row])}{label}</span></li>"
        )
    told = note(text.say("sentences.search_told", lang))
    return f'{unseen}<h3>{brief(query)}</h3><ol class="sen-hits">{items}</ol>{told}'


def marked(query: str, rows: Rows, hits: Hits, unseen: str, lang: str) -> dict[str, Any]:
    """The same for the map's script."""
    say = partial(text.say, lang=lang)
    return {
        "query": query, "told": say("sentences.search_marked", count=len(hits)), "unseen": unseen,
        "note": say("sentences.search_told"),
        "hits": [
            {"row": row, "text": rows.texts[row][:BRIEF], "score": round(score, 4)} for row, score in hits
        ],
    }  # fmt: skip


def theme(label: str, lang: str) -> str:
    """A label's name: of our own themes in the visitor's language, of all others as it is."""
    return text.catalogue(lang).get(f"sentences.theme_{label}", label)


def lies(told: Lies, texts: Sequence[str], groups: Sequence[str], chart: str, near: Near, lang: str) -> str:
    """Where a map is wrong about one row: what to learn, the map, both kinds of error, and the measures.

    Args:
        groups: the name of each row's group.
        chart: the map, with that row chosen.
    """
    say = partial(text.say, lang=lang)
    count = near.kept.shape[1]

    def listed(name: str, rows: Sequence[Apart]) -> str:
        head = [escape(say(f"sentences.lies_{key}")) for key in ("row", "theme", "space", "place", "cosine")]
        cells = [
            [brief(texts[each.row]), escape(groups[each.row]), number(each.space), number(each.place),
             f"{each.cosine:.2f}"]
            for each in rows
        ]  # fmt: skip
        return (
            f"<section><h3>{escape(say(f'sentences.lies_{name}'))}</h3>"
            f"{note(say(f'sentences.lies_{name}_why'))}{table(head, cells, 'sen-lies', named=True)}</section>"
        )

    values = {
        "trust": f"{told.trustworthiness:.2f}", "continuity": f"{told.continuity:.2f}", "count": count,
        "share": f"{float(near.kept.mean()):.0%}", "chance": f"{count / (len(texts) - 1):.0%}",
    }  # fmt: skip
    kept = {"kept": int(near.kept[told.row].sum()), "of": count}
    return (
        f'<p class="sen-learn">{escape(say("sentences.lies_learn"))}</p>{chart}'
        f"{note(say('sentences.lies_here', **kept))}"
        f'<div class="sen-two-lists">{listed("torn", told.torn)}{listed("false", told.false)}</div>'
        f"{note(say('sentences.lies_measured', **values))}"
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
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{pointed}</div>"
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
