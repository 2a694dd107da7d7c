"""A small Llama as a GGUF file, written as llama.cpp's own tools write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.models import saved

NAMES = {
    "embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight", "input_layernorm.weight": "attn_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
}  # fmt: skip


def llama(
    path: Path, *, kind: str = "Q8_0", pre: str = "gpt-2", architecture: str = "llama",
    seed: int = 0, blocks: int | None = None,
) -> Any:  # fmt: skip
    """Write it, and give the model that it was made of.

    Args:
        kind: how matrices are quantized, in gguf's name.
        pre: the rule by which texts are cut before BPE.
        blocks: what the header says of layers, where that is not true.
    """
    model = saved.model("Llama", seed=seed, tie_word_embeddings=True)
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers if blocks is None else blocks)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    _tokenizer(writer, pre)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        layer = name.split(".")[2] if ".layers." in name else ""
        inside = name.split(f".layers.{layer}.")[-1] if layer else name.removeprefix("model.")
        values = tensor.float().numpy()
        if "q_proj" in name or "k_proj" in name:
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            values = _turned(values, heads)
        called = f"blk.{layer}.{NAMES[inside]}" if layer else NAMES[inside]
        if values.ndim < 2:
            writer.add_tensor(called, values)
        else:
            form = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(called, gguf.quants.quantize(values, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def _turned(values: np.ndarray, heads: int) -> np.ndarray:
    """The rows of a query or key in llama.cpp's order of rotary pairs."""
    parts = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(parts.swapaxes(1, 2).reshape(values.shape))


def _tokenizer(writer: Any, pre: str) -> None:
    tokenizer = saved.tokenizer()
    told = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = sorted(told["vocab"], key=told["vocab"].get)
    special = set(tokenizer.all_special_tokens)
    # llama.cpp wants as many tokens as the embeddings have rows.
    unused = [f"[PAD{number}]" for number in range(len(tokens), saved.VOCABULARY)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([*tokens, *unused])
    writer.add_token_types([
        *(gguf.TokenType.CONTROL if each in special else gguf.TokenType.NORMAL for each in tokens),
        *[gguf.TokenType.UNUSED] * len(unused),
    ])  # fmt: skip
    writer.add_token_merges([" ".join(each) for each in told["merges"]])
    writer.add_bos_token_id(told["vocab"]["<s>"])
    writer.add_eos_token_id(told["vocab"]["</s>"])
    writer.add_unk_token_id(told["vocab"]["<s>"])
    writer.add_chat_template(saved.TEMPLATE)
