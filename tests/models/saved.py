"""Small random models of real architectures, and a tokenizer that suits them, saved as folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

# Every linear layer has multiples of 64 and of 32, as NF4 on some CPUs needs.
SHAPES: dict[str, dict[str, Any]] = {
    "Llama": {"num_key_value_heads": 2, "intermediate_size": 128},
    "Qwen2": {"num_key_value_heads": 2, "intermediate_size": 128},
    "GPT2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "Phi3": {"num_key_value_heads": 2, "intermediate_size": 128, "pad_token_id": 0},
    "Gemma": {"num_key_value_heads": 2, "intermediate_size": 128, "head_dim": 16},
}
COMMON = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 256}
VOCABULARY = 384
TEMPLATE = (  # in the manner of Phi-3's
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def model(kind: str, *, dtype: torch.dtype = torch.float32, seed: int = 0, **changes: Any) -> Any:
    """A random causal language model of an architecture in `SHAPES`."""
    shape = SHAPES[kind] if kind == "GPT2" else {**COMMON, **SHAPES[kind]}
    config = getattr(transformers, f"{kind}Config")(**{"vocab_size": VOCABULARY, **shape, **changes})
    torch.manual_seed(seed)
    built = transformers.AutoModelForCausalLM.from_config(config)
    # A random initialisation of .02 gives nearly equal logits; wider ones choose clearly.
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
    return built.to(dtype).eval()


def tokenizer(template: str | None = None) -> Any:
    """A byte-level tokenizer of 256 bytes and a few pairs, with a beginning and an end.

    Args:
        template: a chat template, for a model that chats.
    """
    import tokenizers

    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    trained.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<s>", "</s>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    text = "Once upon a time there was a little girl named Lily who loved to play outside in the park. "
    trained.train_from_iterator([text * 3, text.upper()], trainer)
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=trained, bos_token="<s>", eos_token="</s>", unk_token="<s>"
    )
    made.chat_template = template
    return made


def save(folder: Path, kind: str = "Llama", *, template: str | None = None, **how: Any) -> Path:
    """A model and its tokenizer as the Hub's tools save them."""
    saved = {name: how.pop(name) for name in ("max_shard_size", "safe_serialization") if name in how}
    model(kind, **how).save_pretrained(folder, **saved)
    tokenizer(template).save_pretrained(folder)
    return folder
