"""Greedy answers of the tutor to many prompts at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .document import Document, Turn
from .shape import ASSISTANT_ID, CONTEXT, END_ID, EOS_ID, HOME, PAD_ID
from .tokenizer import encode


def load(folder: Path = HOME) -> tuple[Any, Any]:
    """Model (fp32, on the CPU) and tokenizer of a finished folder, as anybody would load them."""
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


def prompt_ids(turns: Sequence[Turn], tokenizer: Any) -> list[int]:
    """Ids of a prompt: a conversation with the mark of the tutor's turn, or a plain text without its end."""
    ids, _ = encode(Document(tuple(turns)), tokenizer, False)
    return ids[:-1] if turns[-1].role == "text" else [*ids, ASSISTANT_ID]


def answers(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Turn]],
    new_tokens: int = 96,
    rows: int = 64,
    temperature: float = 0.0,
) -> list[tuple[str, bool]]:
    """For each prompt the reply and whether it ended by itself. Temperature 0 is greedy."""
    encoded = [prompt_ids(turns, tokenizer)[-(CONTEXT - new_tokens) :] for turns in prompts]
    order = sorted(range(len(encoded)), key=lambda place: len(encoded[place]))
    found: list[tuple[str, bool]] = [("", False)] * len(encoded)
    for start in range(0, len(order), rows):
        places = order[start : start + rows]
        width = max(len(encoded[place]) for place in places)
        ids = torch.full((len(places), width), PAD_ID)
        mask = torch.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, width - len(encoded[place]) :] = torch.tensor(encoded[place])
            mask[row, width - len(encoded[place]) :] = 1
        how: dict[str, Any] = {"do_sample": False}
        if temperature:
            how = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 0.95}
        made = model.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=new_tokens,
            eos_token_id=[END_ID, EOS_ID],
            pad_token_id=PAD_ID,
            **how,
        )
        for row, place in enumerate(places):
            reply = made[row, width:].tolist()
            ended = any(one in (END_ID, EOS_ID) for one in reply)
            found[place] = (tokenizer.decode(reply, skip_special_tokens=True).strip(), ended)
    return found
