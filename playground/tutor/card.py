"""The model card, written from what was measured: `python -m playground.tutor.card`."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

from . import corpus, evaluate, packing
from .shape import HOME, SHAPE

_CARD = """---
license: apache-2.0
language: [en, zh]
library_name: transformers
pipeline_tag: text-generation
tags: [llama, tiny, teaching, from-scratch]
---

# The tutor of LLM Playground

A very small language model: {millions:.2f} million parameters, Llama architecture, trained from nothing on text
that this project's own program writes. It is a **teaching aid**: small enough to be opened, quantized, fine-tuned
and looked through within seconds on any computer. It knows a few hundred facts, tells short children's stories and
explains how language models work, in English, 繁體中文 and 简体中文. It often does not know, says so when things go
well, and is sometimes wrong. Bigger models are one click away in the app.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("assets/tutor")
model = AutoModelForCausalLM.from_pretrained("assets/tutor")
inputs = tokenizer.apply_chat_template(
    [{{"role": "user", "content": "What is a token?"}}], add_generation_prompt=True, return_dict=True, return_tensors="pt"
)
print(tokenizer.decode(model.generate(**inputs)[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
```

## Shape

| | |
|---|---|
| layers, hidden size | {num_hidden_layers}, {hidden_size} |
| query heads, key and value heads | {num_attention_heads}, {num_key_value_heads} |
| SwiGLU's inner size | {intermediate_size} |
| vocabulary | {vocab_size}, byte-level BPE of its own; digits and Han characters stand alone |
| context | {max_position_embeddings} tokens |
| embeddings | tied |
| weights | bf16, {megabytes:.1f} MB |

Every Linear has `in_features` divisible by 64 and `out_features` by 32, so 8-bit and NF4 work on it.
The chat template is Phi-3's without line breaks: `<|system|>`, `<|user|>`, `<|assistant|>`, each turn closed by
`<|end|>`; the system prompt is optional.

## Training

| | |
|---|---|
| corpus | made on the fly by `playground/tutor/corpus.py` with seed {seed}: grammars, tables of facts, {concepts} concepts in 3 languages; of 50,000 documents drawn, {distinct:,} are distinct |
| seen in training | {documents:,.0f} documents, {tokens:.1f} million tokens (one pass, loss on texts and replies) |
| steps | {steps:,} of 4,096 tokens |
| time | {minutes:.0f} minutes of steps on {device}, on a machine shared with other work |
| optimizer | Muon for the layers' matrices, AdamW for the rest; warm-up, steady {rate}, linear decay over the last 30 % |
| held-out loss, perplexity | {held_out_loss:.3f} nats, {held_out_perplexity:.2f} (documents of another seed) |

No text of others was used. Rebuild it with `python -m playground.tutor.train`; a stopped run goes on by the same
command. `learning.json` holds what the tutor would have said at {moments} moments of its training.

## Examination

`python -m playground.tutor.evaluate`: {questions:,} questions whose wordings, pairs of fact and wording, neighbours in
follow-ups, and topics of refusals are never trained. Answers are greedy. Right of asked:

{table}

Of questions that it should answer, {answers_refused_wrongly} were refused.

Next token after taught sentences (for the charts): how often the answer is the likeliest token, and its mean
probability:

{completions}

## Limits

{limits}
"""

_LIMITS = """- It has no knowledge beyond its tables: some {facts:,} facts a language. Outside them it should refuse; now and
  then it makes something up instead.
- Arithmetic: sums up to 12 + 12 and differences up to 18 - 10, learned by heart rather than understood.
- It understands only questions that are close to those it was taught. Irony, long questions and other languages
  are beyond it.
- Stories come from a grammar with twelve plots in English and six in Chinese, and sound like it."""


def card(folder: Path = HOME) -> str:
    """The card's text, from evaluation.json, training.json and config.json of the folder."""
    result = _read(folder / "evaluation.json")
    training = _read(folder / "training.json")
    from . import concepts, facts
    from .train import new_model

    rows = ["| sentence | facts | likeliest | probability |", "|---|---|---|---|"]
    for one in result["completions"]:
        rows.append(f"| {one['sentence']} | {one['count']} | {one['first']:.0%} | {one['probability']:.0%} |")
    rng = random.Random(corpus.SEED)
    distinct = len({corpus.document(rng).key() for _ in range(50_000)})
    return _CARD.format(
        **SHAPE,
        millions=sum(one.numel() for one in new_model().parameters()) / 1e6,
        megabytes=(folder / "model.safetensors").stat().st_size / 1e6,
        seed=corpus.SEED,
        concepts=len(concepts.concepts("en")),
        distinct=distinct,
        documents=_documents(folder) * training["step"],
        tokens=training["tokens"] / 1e6,
        steps=training["step"],
        minutes=training["seconds"] / 60,
        device=training["device"],
        rate=training["rate"],
        moments=len(_read(folder / "learning.json")["snapshots"]),
        table=evaluate.markdown(result),
        completions="\n".join(rows),
        limits=_LIMITS.format(facts=sum(len(one.pairs) for one in facts.relations("tw").values())),
        **{key: result[key] for key in _FROM_RESULT},
    )


_FROM_RESULT = ("questions", "answers_refused_wrongly", "held_out_loss", "held_out_perplexity")


def _documents(folder: Path) -> float:
    """Documents a batch, the mean of 64."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return sum(int(packing.batch(step, tokenizer).owner.max()) + 1 for step in range(64)) / 64


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Writes README.md into the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HOME)
    folder = parser.parse_args().folder
    (folder / "README.md").write_text(card(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
