"""What the tutor would say at moments of its training: for the slider with which one watches it learn.

`assets/tutor/learning.json` holds

- `prompts`: list of {text, language, kind}; kind "text" (after BOS) or "chat" (a question, in the template);
- `texts`: token id (as a string) → its text;
- `snapshots`: list of {step, tokens, loss, answers, samples}: `answers[p]` is the list of [token id,
  probability] of the 20 likeliest next tokens of prompt p, `samples[p]` its greedy continuation ("" where
  none was made).
"""

from __future__ import annotations

from typing import Any

import torch

from .document import Document, Turn
from .shape import ASSISTANT_ID, END_ID, EOS_ID, PAD_ID
from .tokenizer import encode

TOP = 20
MOMENTS = (
    0,
    5,
    10,
    20,
    40,
    70,
    100,
    150,
    220,
    320,
    450,
    650,
    900,
    1250,
    1700,
    2300,
    3000,
    3800,
    4600,
    5600,
    7000,
    9000,
    11500,
    14500,
    18000,
)

_TEXTS = {
    "en": (
        "Once upon a time",
        "Once upon a time, there was a little girl named",
        '"Can I help you?" asked',
        "The capital of France is",
        "The capital of Japan is",
        "The capital of Italy is",
        "Paris is the capital of",
        "In Brazil, people speak",
        "Egypt is a country in",
        "The opposite of hot is",
        "The opposite of big is",
        "The colour of snow is",
        "Grass is",
        'A cow says "',
        "A baby dog is called a",
        "A spider has",
        "After Monday comes",
        "The month after March is",
        "one, two, three,",
        "1, 2, 3, 4,",
        "2 + 3 =",
        "7 + 5 =",
        "One mouse, two",
        "The past tense of go is",
        "An apple a day keeps the",
        "Practice makes",
        "A bee gives us",
        "There are seven days in a",
        "A token is",
        "The loss measures",
        "Temperature sets how",
        "I",
        "The",
        "And they were",
    ),
    "tw": (
        "從前，有一隻",
        "法國的首都是",
        "日本的首都是",
        "「大」的反義詞是",
        "星期一之後是",
        "天空是",
        "詞元是",
        "三加五等於",
        "一寸光陰",
    ),
    "cn": ("很久很久以前，", "法国的首都是", "德国的首都是", "雪是", "狗有", "量化用", "注意力让"),
}
_QUESTIONS = {
    "en": (
        "What is the capital of Spain?",
        "Who are you?",
        "What is a token?",
        "What is 4 + 4?",
        "Tell me a story.",
        "Hello",
    ),
    "tw": ("你是誰？", "什麼是注意力？", "法國的首都是哪裡？"),
    "cn": ("你是谁？", "什么是温度？", "日本的首都是哪里？"),
}
PROMPTS: list[dict[str, str]] = [
    {"text": text, "language": language, "kind": kind}
    for kind, table in (("text", _TEXTS), ("chat", _QUESTIONS))
    for language, texts in table.items()
    for text in texts
]
_SAMPLED = 3  # every third prompt is continued as well, and every question
_SAMPLE_TOKENS = 24


def _ids(prompt: dict[str, str], tokenizer: Any) -> list[int]:
    if prompt["kind"] == "chat":
        ids, _ = encode(Document((Turn("user", prompt["text"]),)), tokenizer, False)
        return [*ids, ASSISTANT_ID]
    ids, _ = encode(Document((Turn("text", prompt["text"]),)), tokenizer, False)
    return ids[:-1]


def next_token(model: Any, ids: list[int]) -> Any:
    """Probabilities of the next token, a tensor of the vocabulary's size."""
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, -1]
        return torch.softmax(logits.float(), -1)


def snapshot(model: Any, tokenizer: Any, step: int, tokens: int, loss: float | None) -> dict[str, Any]:
    """The model's next tokens after every prompt, and how it goes on."""
    was_training = model.training
    model.eval()
    answers, samples = [], []
    for place, prompt in enumerate(PROMPTS):
        ids = torch.tensor([_ids(prompt, tokenizer)], device=model.device)
        top = next_token(model, ids[0].tolist()).topk(TOP)
        answers.append([[int(i), round(float(p), 5)] for p, i in zip(top.values, top.indices, strict=True)])
        if prompt["kind"] == "chat" or place % _SAMPLED == 0:
            made = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=_SAMPLE_TOKENS,
                do_sample=False,
                eos_token_id=[END_ID, EOS_ID],
                pad_token_id=PAD_ID,
            )
            samples.append(tokenizer.decode(made[0, ids.shape[1] :].tolist(), skip_special_tokens=True))
        else:
            samples.append("")
    model.train(was_training)
    return {"step": step, "tokens": tokens, "loss": loss, "answers": answers, "samples": samples}


def document(snapshots: list[dict[str, Any]], tokenizer: Any) -> dict[str, Any]:
    """Everything that `learning.json` holds."""
    used = sorted({one[0] for shot in snapshots for answer in shot["answers"] for one in answer})
    texts = {str(i): tokenizer.decode([i], skip_special_tokens=False) for i in used}
    return {"prompts": PROMPTS, "texts": texts, "snapshots": sorted(snapshots, key=lambda shot: shot["step"])}
