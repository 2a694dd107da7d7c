"""What one token uses of a mixture of experts: as the plan tells it, and as hooks count it in a real pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from playground import text
from playground.models.loaders import skeletons
from playground.rooms.architecture import dataflow, view, view_compare, view_flow
from playground.rooms.architecture.api import plain
from playground.rooms.architecture.plan import read
from playground.rooms.architecture.tensors import from_tensors
from tests.rooms.architecture.plans import built
from tests.rooms.architecture.shrunk import tiny

# Each routes, or keeps its experts, in another way; the others are much like one of these.
FIRST = ("mixtral", "dbrx", "deepseek_v3", "switch_transformers", "nllb-moe", "llama4_text", "jetmoe",
         "gpt_oss", "jamba", "qwen2_moe", "hunyuan_v1_moe", "granitemoe")  # fmt: skip
MORE = ("afmoe", "aria_text", "axk1", "axk2", "cohere2_moe", "deepseek_v2", "deepseek_v32", "dots1",
        "ernie4_5_moe", "exaone_moe", "flex_olmo", "flint", "glm4_moe", "glm4_moe_lite", "glm_moe_dsa",
        "granitemoe_swa", "hy_v3", "kimi_linear", "lfm2_moe", "mellum", "mimo_v2_flash", "minimax",
        "minimax_m2", "nemotron_h", "olmoe", "phimoe", "qwen3_5_moe_text", "qwen3_moe", "qwen3_next",
        "sarvam_moe",
        "solar_open")  # fmt: skip


def counted(model: Any) -> int:
    """Parameters less those of the experts that a forward pass of one token was not seen to call."""
    hooks, idle = [], []
    for name, module in model.named_modules():
        last, kind = name.split(".")[-1], type(module).__name__
        if "shared" in last.lower() or "Shared" in kind:
            continue
        watch = _listed if isinstance(module, nn.ModuleList | nn.ModuleDict) else _fused
        if "Experts" in kind or (last == "experts" and watch is _listed):
            hooks += watch(module, idle)
    ids = torch.tensor([[5]])
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        model(input_ids=ids, **more)
    for hook in hooks:
        hook.remove()
    assert idle, "no experts were watched"
    return sum(p.numel() for p in model.parameters()) - sum(unused() for unused in idle)


def _size(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


def _listed(experts: Any, idle: list[Callable[[], int]]) -> list[Any]:
    """Experts that are modules: each is called with the tokens that are sent to it, or not at all."""
    hooks = []
    for expert in experts.children():
        given: list[int] = []
        hooks.append(
            expert.register_forward_hook(lambda m, args, out, given=given: given.append(args[0].numel()))
        )
        idle.append(lambda expert=expert, given=given: 0 if any(given) else _size(expert))
    return hooks


def _fused(experts: Any, idle: list[Callable[[], int]]) -> list[Any]:
    """Experts in one tensor: called with the numbers of those wanted, or with how many tokens each gets."""
    calls: list[int] = []
    count = next((p.shape[0] for p in experts.parameters(recurse=False) if p.dim() > 1), 0)
    count = count or experts.num_experts  # DBRX's lie in a module below

    def heard(module: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        values = (*args, *named.values())
        whole = (v for v in values if isinstance(v, torch.Tensor) and not v.is_floating_point())
        chosen = next(whole, None)
        if chosen is not None:
            calls.append(len(chosen.unique()))
        elif any(isinstance(v, list) for v in values):  # JetMoE: tokens of each expert
            calls.append(sum(n > 0 for v in values if isinstance(v, list) for n in v))
        else:  # Llama 4: every expert is given every token, those of other experts as zeros
            rows = args[0].reshape(count, -1)
            calls.append(int((rows != 0).any(dim=1).sum()))

    idle.append(lambda: _size(experts) - _size(experts) * calls[0] // count)
    return [experts.register_forward_pre_hook(heard, with_kwargs=True)]


@pytest.mark.parametrize("kind", [*FIRST, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE)])
def test_active_is_what_a_forward_pass_uses(kind, one_thread):
    config = tiny(kind)
    torch.manual_seed(0)
    model = skeletons.real(config)
    plan = read(kind, model, model.config, config)
    assert plan.active == counted(model) < plan.parameters
    assert plan.shape.experts == 8 and 1 <= plan.shape.experts_used < 8


DBRX = {
    "architectures": ["DbrxForCausalLM"], "model_type": "dbrx", "d_model": 6144, "n_heads": 48,
    "n_layers": 40, "max_seq_len": 32768, "vocab_size": 100352, "tie_word_embeddings": False,
    "attn_config": {"clip_qkv": 8, "kv_n_heads": 8, "rope_theta": 500000},
    "ffn_config": {"ffn_act_fn": {"name": "silu"}, "ffn_hidden_size": 10752, "moe_num_experts": 16,
                   "moe_top_k": 4},
}  # fmt: skip


def test_dbrx_as_its_makers_tell_it():
    """132B in all, 36B used, by 4 of 16 experts; 8 heads with keys and values, told in a part of its own."""
    plan = built(DBRX)
    assert (plan.parameters, plan.active) == (131_596_523_520, 36_469_708_800)
    assert (plan.shape.experts, plan.shape.experts_used, plan.shape.feed_forward) == (16, 4, 10_752)
    assert (plan.shape.heads, plan.shape.kv_heads, plan.shape.head_dim) == (48, 8, 128)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"model_type": "zaya"}, "its router may choose no expert at all"),
        (tiny("longcat_flash"), "its router may choose experts that cost nothing"),
        ({"model_type": "deepseek_v2"}, "its defaults leave out how many experts a token uses"),
        ({"model_type": "ernie4_5_vl_moe"}, "pictures and text have experts of their own"),
        ({"model_type": "doge", "is_moe": True}, "its experts are rows of an embedding"),
    ],
)
def test_what_is_not_told_is_unknown_and_said_so(config, why):
    plan = built(config)
    assert plan.active is None, why
    told = plain(plan, 16)
    assert told["active_parameters"] is None and told["parameters"] == plan.parameters > 0
    page = view.overview(plan, "en") + view.tree(plan, "en")
    assert text.say("architecture.active_unknown_note", "en") in page and "uses 0 of" not in page
    assert view_compare.counts(plan, built(DBRX), 16, 1, "en").count("?") >= 1
    shown = view_flow.shapes(dataflow.flow(plan, 4), plan, 4, "en")
    assert "unknown" in shown or "rule of thumb" not in shown


def test_headers_alone_do_not_tell_of_experts():
    dense = {"h.0.up.weight": ("BF16", (8, 4))}
    assert from_tensors("own", dense, {}).active == 32
    mixed = dense | {f"h.0.mlp.experts.{i}.up.weight": ("BF16", (8, 4)) for i in range(4)}
    assert from_tensors("own", mixed, {}).active is None
    assert from_tensors("own", mixed, {}).parameters == 160
    shared = dense | {"h.0.mlp.shared_expert.up.weight": ("BF16", (8, 4))}
    assert from_tensors("own", shared, {}).active == 64
