"""Examines the tutor on what was held out: `python -m playground.tutor.evaluate`."""

from __future__ import annotations

import argparse
import json
import logging
import math
from pathlib import Path
from typing import Any

import torch

from . import answering, exam, facts, judging, learners, learning, packing, train
from .answering import prompt_ids
from .corpus import SEED
from .document import Turn
from .refusals import MARK
from .shape import HOME
from .wording import LANGUAGES

log = logging.getLogger("tutor")
_COMPLETED = {
    "en": ("capital", "opposite", "colour", "language", "sum"),
    "tw": ("capital",),
    "cn": ("capital",),
}


def examine(model: Any, tokenizer: Any, every: int = 1) -> dict[str, Any]:
    """The whole examination as data: table, failures, next-token figures, held-out loss.

    `every`: only each n-th question, for a quick look.
    """
    questions = exam.questions()[::every]
    stories = [question for question in questions if question.judge == "story"]
    others = [question for question in questions if question.judge != "story"]
    replies = answering.answers(model, tokenizer, [question.turns for question in others])
    replies += answering.answers(model, tokenizer, [question.turns for question in stories], 400, 12)
    table: dict[str, dict[str, list[int]]] = {}
    failures: list[dict[str, str]] = []
    wrong_refusals = 0
    for question, (reply, ended) in zip(others + stories, replies, strict=True):
        right = judging.right(question, reply, ended)
        cell = table.setdefault(question.category, {}).setdefault(question.language, [0, 0])
        cell[0] += right
        cell[1] += 1
        if not right:
            wrong_refusals += question.judge != "refusal" and MARK[question.language] in reply
            failures.append(
                {
                    "category": question.category,
                    "language": question.language,
                    "prompt": " // ".join(turn.text for turn in question.turns),
                    "reply": reply[:200],
                    "expected": " | ".join(question.expected)[:160],
                }
            )
    held_out = packing.held_out_batches(tokenizer, 8, SEED + 1)
    loss = train.held_out_loss(model, held_out, torch.float32)
    return {
        "questions": len(questions),
        "table": {category: table[category] for category in exam.CATEGORIES if category in table},
        "summary": _summary(table),
        "learners": learners.examine(model, tokenizer),
        "answers_refused_wrongly": wrong_refusals,
        "completions": completions(model, tokenizer),
        "held_out_loss": round(loss, 4),
        "held_out_perplexity": round(math.exp(loss), 3),
        "failures": failures,
    }


def _summary(table: dict[str, dict[str, list[int]]]) -> dict[str, dict[str, float]]:
    """Share right of taught facts, follow-ups and refusals by language."""
    groups = {
        "taught facts in unseen wording": exam.FACTS,
        "follow-ups": exam.FOLLOW_UPS,
        "refusals": exam.REFUSALS,
    }
    found: dict[str, dict[str, float]] = {}
    for name, categories in groups.items():
        found[name] = {}
        for language in LANGUAGES:
            cells = [table[one][language] for one in categories if language in table.get(one, {})]
            if cells:
                found[name][language] = round(
                    sum(cell[0] for cell in cells) / sum(cell[1] for cell in cells), 3
                )
    return found


def completions(model: Any, tokenizer: Any) -> list[dict[str, Any]]:
    """How sure the tutor is of the next token after sentences such as "The capital of France is".

    The sentences are taught; this measures the charts, not understanding. `first`: share in which the
    answer's first token is the likeliest; `probability`: the mean probability of it.
    """
    found = []
    for language, names in _COMPLETED.items():
        for name in names:
            relation = facts.relations(language)[name]
            template = next(one for one in relation.wordings["raw"] if one.rstrip(".。").endswith("{A}"))
            first = total = 0.0
            for subject, answer in relation.pairs:
                whole = facts.ask(relation, subject, answer, template, _FIRST)
                before = whole[: whole.rindex(answer)].rstrip(" ")
                ids = prompt_ids([Turn("text", before)], tokenizer)
                after = prompt_ids([Turn("text", whole)], tokenizer)[len(ids)]
                chances = learning.next_token(model, ids)
                first += int(chances.argmax()) == after
                total += float(chances[after])
            count = len(relation.pairs)
            found.append(
                {
                    "language": language,
                    "sentence": template,
                    "count": count,
                    "first": round(first / count, 3),
                    "probability": round(total / count, 3),
                }
            )
    return found


class _First:
    """Stands in for a random generator where the first choice is wanted."""

    def choice(self, options: list[str]) -> str:
        return options[0]


_FIRST: Any = _First()


def markdown(result: dict[str, Any]) -> str:
    """The table for the model card and the terminal."""
    lines = ["| held out | English | 繁體中文 | 简体中文 |", "|---|---|---|---|"]
    for category, row in result["table"].items():
        cells = [f"{row[one][0]}/{row[one][1]}" if one in row else "" for one in LANGUAGES]
        lines.append(f"| {category} | " + " | ".join(cells) + " |")
    for name, shares in result["summary"].items():
        cells = [f"**{shares[one]:.0%}**" if one in shares else "" for one in LANGUAGES]
        lines.append(f"| **{name}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Examines the finished folder, or a run's newest checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HOME, help="finished model")
    parser.add_argument("--run", type=Path, help="a training's folder instead: its newest checkpoint")
    parser.add_argument("--every", type=int, default=1, help="only each n-th question")
    parser.add_argument("--failures", type=int, default=40, help="how many failures to show")
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.run:
        model, tokenizer = from_run(options.run)
    else:
        model, tokenizer = answering.load(options.folder)
    result = examine(model, tokenizer, options.every)
    log.info("%s\n", markdown(result))
    log.info("%s\n", learners.markdown(result["learners"]))
    log.info("refused wrongly: %d", result["answers_refused_wrongly"])
    log.info("held-out loss %.4f, perplexity %.3f", result["held_out_loss"], result["held_out_perplexity"])
    for one in result["completions"]:
        log.info(
            "%(language)s %(sentence)s: %(count)d, first %(first).2f, probability %(probability).2f", one
        )
    step = max(1, len(result["failures"]) // max(1, options.failures))
    for failure in result["failures"][::step][: options.failures]:
        log.info("[%(category)s %(language)s] %(prompt)s\n   -> %(reply)s\n   expected %(expected)s", failure)
    out = options.out or (
        options.folder / "evaluation.json" if not options.run and options.every == 1 else None
    )
    if out:
        write(result, out)


def write(result: dict[str, Any], file: Path) -> None:
    """An examination as JSON."""
    file.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def from_run(folder: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a training's newest checkpoint."""
    from tokenizers import Tokenizer

    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    model = train.new_model(state["shape"])
    model.load_state_dict(state["model"])
    log.info("checkpoint of step %d", state["step"])
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
