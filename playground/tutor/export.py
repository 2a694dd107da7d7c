"""Writes the finished tutor as an ordinary Hugging Face folder: `python -m playground.tutor.export`."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import torch

from . import learning
from .shape import ASSISTANT, BOS, CHAT_TEMPLATE, CONTEXT, END, END_ID, EOS, EOS_ID, HOME, PAD, SYSTEM, USER
from .train import RUN, new_model

log = logging.getLogger("tutor")


def export(run: Path, folder: Path = HOME, note: str = "") -> None:
    """The newest checkpoint of a run as a folder that `from_pretrained` loads; the card is written later.

    `note`: a sentence for the card on what was special about this run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = torch.load(run / "state.pt", map_location="cpu", weights_only=True)
    save_model(state["model"], state["shape"], folder)
    save_tokenizer(run / "tokenizer.json", folder)
    from tokenizers import Tokenizer

    story = learning.document(state["snapshots"], Tokenizer.from_file(str(run / "tokenizer.json")))
    _write(folder / "learning.json", json.dumps(story, ensure_ascii=False, separators=(",", ":")))
    facts = {key: state[key] for key in ("step", "seconds", "tokens", "rate", "device", "history")}
    _write(folder / "training.json", json.dumps(facts | {"note": note}, indent=1))
    log.info("wrote %s", folder)


def save_model(weights: dict[str, torch.Tensor], shape: dict[str, Any], folder: Path) -> None:
    """Weights in bf16, config.json and generation_config.json.

    They are to be computed in float32: it holds every one of their numbers, and gives the same answers on
    every processor. bf16 rounds after each step, and the third digit of a probability is the machine's.
    """
    model = new_model(shape)
    model.load_state_dict(weights)
    model = model.to(torch.bfloat16)
    settings = model.generation_config
    settings.eos_token_id = [END_ID, EOS_ID]
    settings.do_sample = True
    settings.temperature = 0.7
    settings.top_p = 0.9
    settings.max_new_tokens = 300
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    _write(file, json.dumps(config | {"dtype": "float32"}, indent=2))


def save_tokenizer(source: Path, folder: Path) -> None:
    """tokenizer.json, tokenizer_config.json, special_tokens_map.json and chat_template.jinja."""
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_file=str(source),
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT, END],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    # The plain spelling that every version of transformers reads, older ones included.
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings.pop("backend", None)
    settings.pop("extra_special_tokens", None)
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    settings["additional_special_tokens"] = [SYSTEM, USER, ASSISTANT, END]
    _write(file, json.dumps(settings, indent=2))


def _write(file: Path, text: str) -> None:
    file.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Exports a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN)
    parser.add_argument("--folder", type=Path, default=HOME)
    parser.add_argument("--note", default="", help="what was special about this run, for the card")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    export(options.run, options.folder, options.note)


if __name__ == "__main__":
    main()
