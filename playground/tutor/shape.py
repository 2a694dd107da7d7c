"""What the tutor is: names of its special tokens, its shape, its folders."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"
HOME = Path(__file__).parents[2] / "assets" / "tutor"  # the finished model: an ordinary Hugging Face folder

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
SYSTEM, USER, ASSISTANT, END = "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
SPECIALS = (PAD, BOS, EOS, SYSTEM, USER, ASSISTANT, END)  # their ids are 0 to 6
PAD_ID, BOS_ID, EOS_ID, SYSTEM_ID, USER_ID, ASSISTANT_ID, END_ID = range(len(SPECIALS))

VOCABULARY = 6144
CONTEXT = 1024

# 7.5 million parameters (the tutor before had 4.85: 256 wide). docs/tutor.md says why.
# 8-bit and NF4 need in_features % 64 == 0 and out_features % 32 == 0 of every Linear.
SHAPE: dict[str, int | float | bool | str | list[int]] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 320,
    "intermediate_size": 896,
    "num_hidden_layers": 5,
    "num_attention_heads": 10,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    "rms_norm_eps": 1e-5,
    "pad_token_id": PAD_ID,
    "bos_token_id": BOS_ID,
    "eos_token_id": EOS_ID,
}

# Roles as in Phi-3's template; no line breaks between them, for each would cost a token.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] | trim + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
