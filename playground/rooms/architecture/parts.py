"""What a module is, told from its name and class: the key of the words that explain it.

Families call the same thing by many names: ``c_attn``, ``qkv_proj`` and ``query_key_value`` are one part.
"""

from __future__ import annotations

import functools
import re

from playground.rooms.architecture.plan import LOOSE, Architecture, Node

# First match wins: (what the name must be, what the class must be, key). Patterns cover the whole name.
RULES: tuple[tuple[str, str, str], ...] = (
    ("sinks", LOOSE, "sinks"),
    (r".*(gate_up_proj|down_proj|up_proj|w1|w2|w3).*", LOOSE, "experts"),
    (".*", LOOSE, "weight"),
    ("", r".*(ForCausalLM|LMHeadModel)", "causal_model"),
    ("", r".*ForConditionalGeneration", "seq2seq_model"),
    ("", ".*", "encoder_model"),
    (r"embed_tokens|wte|word_embeddings|shared|embed_in|tok_embeddings", r".*Embedding", "embed_tokens"),
    (r"wpe|position_embeddings|embed_positions", r".*Embedding", "position_embeddings"),
    ("token_type_embeddings", ".*", "token_types"),
    ("relative_attention_bias", ".*", "relative_bias"),
    ("rel_embeddings", ".*", "relative_table"),
    (r"embeddings", ".*", "embeddings"),
    (".*", r".*Embeddings", "embeddings"),
    (".*", r".*RotaryEmbedding", "rotary"),
    (r"q_proj|q|query|q_lin|query_proj", ".*", "query"),
    (r"k_proj|k|key|k_lin|key_proj", ".*", "key"),
    (r"v_proj|v|value|v_lin|value_proj", ".*", "value"),
    (r"qkv_proj|c_attn|query_key_value|Wqkv", ".*", "qkv"),
    (r"q_a_proj|kv_a_proj_with_mqa", ".*", "latent_down"),
    (r"q_b_proj|kv_b_proj", ".*", "latent_up"),
    (r"gate_up_proj", ".*", "gate_up"),
    (r"gate_proj|wi_0|w1", ".*Linear", "gate"),
    (r"up_proj|c_fc|fc_in|fc1|lin1|dense_h_to_4h|wi|wi_1|w3", ".*", "up"),
    (r"down_proj|fc_out|fc2|lin2|dense_4h_to_h|wo|w2", ".*", "down"),
    (r"lm_head|embed_out|output_projection", ".*", "lm_head"),
    (".*", r".*(Router|Gate)", "router"),
    (".*", r".*Experts", "experts"),
    ("shared_experts?", ".*", "shared_experts"),
    (".*", r".*(MoE|Moe|MoeBlock|MoEBlock)", "moe"),
    (r"q_norm|k_norm", ".*", "qk_norm"),
    (r"q_a_layernorm|kv_a_layernorm", ".*", "latent_norm"),
    (".*", r".*RMSNorm|T5LayerNorm", "rms_norm"),
    (".*", r".*LayerNorm", "layer_norm"),
    (".*", "SiLU.*", "silu"),
    (".*", r".*G[Ee][Ll][Uu].*", "gelu"),
    (".*", "ReLU.*", "relu"),
    (".*", "Tanh", "tanh"),
    (".*", "Dropout", "dropout"),
    ("pooler", ".*", "pooler"),
    (".*", r".*Pooler", "pooler"),
    (r"EncDecAttention|encoder_attn|crossattention", ".*", "cross_attention"),
    (".*", r".*LayerCrossAttention", "cross_attention"),
    (".*", r".*(Attention|LayerSelfAttention)", "attention"),
    ("intermediate", ".*", "up_block"),
    (".*", r".*SelfOutput", "attention_output"),
    (r"output", ".*", "down_block"),
    (".*", r".*(MLP|FFN|LayerFF|DenseActDense|DenseGatedActDense|FeedForward)", "feed_forward"),
    (".*", "ModuleList", "list"),
    (".*", r".*(DecoderLayer|EncoderLayer|Block|Layer)", "layer"),
    (".*", r".*(Model|Stack|Encoder|Decoder|Transformer)", "body"),
)
OTHER_SENSES = re.compile(r"vision|visual|audio|image|speech", re.IGNORECASE)  # towers beside the text
DENSE = {
    "intermediate": "up", "output": "down", "attention": "output", "self_attention": "output",
    "attn": "output", "mlp": "down", "self_attn": "output", "pooler": "pooler", "feed_forward": "down",
}  # fmt: skip


def part(node: Node, parent: str = "") -> str:
    """The key of a row's words.

    Args:
        parent: the last part of the name of the row above it.
    """
    return _part(node.name if node.path else "", node.kind, parent, "in" in node.facts, node.path)


@functools.lru_cache(4096)
def _part(name: str, kind: str, parent: str, linear: bool, path: str) -> str:
    if linear and name in ("dense", "o_proj", "o", "out_proj", "out_lin", "c_proj"):
        above = path.split(".")[-3] if parent == "output" else ""
        if parent == "output" and above in ("attention", "attn"):
            return "output"
        return "output" if name.startswith("o") else DENSE.get(parent, "linear")
    for named, classed, key in RULES:
        if re.fullmatch(named, name) and re.fullmatch(classed, kind):
            return key
    return "linear" if linear else "module"


def parts(plan: Architecture) -> dict[str, str]:
    """The key of every row, by path."""
    found: dict[str, str] = {}

    def walk(node: Node, parent: str) -> None:
        found[node.path] = part(node, parent)
        for child in node.children:
            walk(child, node.name)

    walk(plan.root, "")
    return found


def widths(plan: Architecture) -> list[tuple[int, int]]:
    """The sizes inside of a model's feed-forward layers, each with how many layers have it.

    Of experts that lie in one tensor, the side of each that is not the hidden size.
    """
    found, kinds = [], parts(plan)
    for _, node in plan.rows():
        kind, facts = kinds[node.path], node.facts
        if OTHER_SENSES.search(node.path):
            continue
        if kind in ("up", "gate"):
            found.append((facts.get("out", 0), node.repeat))
        elif kind == "gate_up" and "out" in facts:
            found.append((facts["out"] // 2, node.repeat))
        elif kind == "down":
            found.append((facts.get("in", 0), node.repeat))
        elif kind == "experts":
            found += [
                (size, node.repeat)
                for name, shape in node.weights.items()
                for size in _inner(name, shape, plan)
            ]
    return [(size, layers) for size, layers in found if size]


def _inner(name: str, shape: tuple[int, ...], plan: Architecture) -> list[int]:
    experts, hidden = plan.shape.experts, plan.shape.hidden
    if len(shape) == 2 and experts and shape[0] % experts == 0:
        shape = (experts, shape[0] // experts, shape[1])  # DBRX's lie below each other
    if len(shape) != 3 or hidden not in shape[1:]:
        return []
    size = shape[2] if shape[1] == hidden else shape[1]
    return [size // 2 if "gate_up" in name else size]
