"""The data flow: shapes against a real forward pass, operations against torch's own counter."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from playground.engine.generation import compat
from playground.models.loaders import presets, skeletons
from playground.rooms.architecture import dataflow, forward
from playground.rooms.architecture import plan as architecture
from tests.rooms.architecture.plans import plan_of
from tests.rooms.architecture.test_memory import shrunk

TINYLLAMA = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
DENSE = (
    TINYLLAMA, "openai-community/gpt2", "google/gemma-2-2b-it", "bigscience/bloom-560m",
    "EleutherAI/pythia-70m", "tiiuae/falcon-7b", "Qwen/Qwen3-0.6B", "EleutherAI/gpt-j-6b",
)  # fmt: skip


def steps(name: str, tokens: int = 7) -> dict[str, dataflow.Step]:
    (stack,) = dataflow.flow(plan_of(name), tokens)
    return {step.name or step.part: step for step, _ in dataflow.steps_of(stack)}


def test_tinyllama_step_by_step():
    found = steps(TINYLLAMA)
    shapes = {name: step.shape for name, step in found.items()}
    assert shapes == {
        "embed_tokens": (1, "n", 2048), "input_layernorm": (1, "n", 2048), "q_proj": (1, "n", 2048),
        "k_proj": (1, "n", 256), "v_proj": (1, "n", 256), "scores": (1, 32, "n", "n"),
        "mix": (1, "n", 2048), "o_proj": (1, "n", 2048), "post_attention_layernorm": (1, "n", 2048),
        "gate_proj": (1, "n", 5632), "up_proj": (1, "n", 5632), "down_proj": (1, "n", 2048),
        "norm": (1, "n", 2048), "lm_head": (1, "n", 32000),
    }  # fmt: skip
    assert [*shapes][:1] == ["embed_tokens"] and [*shapes][-1:] == ["lm_head"]
    assert found["q_proj"].flops == 2 * 2048 * 2048
    assert found["scores"].flops == found["mix"].flops == 2 * 7 * 2048


@pytest.mark.parametrize("name", presets.presets())
def test_every_parameter_is_on_the_way(name):
    """The steps hold all parameters of the tree; but T5's one table is passed twice, MPNet's bias aside."""
    plan = plan_of(name)
    stacks = dataflow.flow(plan, 5)
    held = sum(step.parameters * times for stack in stacks for step, times in dataflow.steps_of(stack))
    outside = {"t5": plan.shape.vocabulary * plan.shape.hidden, "mpnet": 32 * plan.shape.heads}
    assert plan.parameters - held == outside.get(plan.model_type, 0)
    assert len(stacks) == (2 if plan.shape.encoder_decoder else 1)
    layers = [sum(run.count for run in stack.runs) for stack in stacks]
    assert layers[-1] == plan.shape.layers


@pytest.mark.parametrize("name", DENSE)
def test_operations_are_those_that_torch_counts(name):
    """One token after many, with the cache: what `FlopCounterMode` sees in a real pass, to the last one."""
    config = shrunk(name)
    model = skeletons.real(config)
    model.set_attn_implementation("eager")
    plan = architecture.read(name, model, model.config, config)
    ids = torch.arange(12)[None] + 3
    past = compat.returned_cache(model(input_ids=ids[:, :5], use_cache=True))
    counter = FlopCounterMode(display=False)
    with counter:
        model(input_ids=ids[:, 5:6], **compat.with_cache(model, past))
    assert counter.get_total_flops() == dataflow.flops(plan, 6)


def test_a_mixture_costs_what_it_uses():
    plan = plan_of("mistralai/Mixtral-8x7B-v0.1")
    assert dataflow.flops(plan, 1) == pytest.approx(2 * plan.active, rel=0.02)
    assert dataflow.flops(plan, 1) < 0.3 * 2 * plan.parameters


def test_post_norm_and_parallel_halves_are_told_apart():
    (bert,) = dataflow.flow(plan_of("google-bert/bert-base-uncased"), 3)
    assert all(group.after_sum and group.after and not group.before for group in bert.runs[0].groups)
    (llama,) = dataflow.flow(plan_of(TINYLLAMA), 3)
    assert all(group.before and not group.after for group in llama.runs[0].groups)
    assert plan_of("tiiuae/falcon-7b").shape.parallel and not plan_of(TINYLLAMA).shape.parallel
    encoder, decoder = dataflow.flow(plan_of("google/flan-t5-small"), 3)
    kinds = [group.kind for group in decoder.runs[1].groups]
    assert kinds == ["attention", "cross_attention", "feed_forward"] and len(encoder.runs[1].groups) == 2


@pytest.mark.parametrize("name", [*DENSE, "google/flan-t5-small", "google-bert/bert-base-uncased"])
def test_a_real_pass_has_the_shapes_that_are_drawn(name):
    config = shrunk(name)
    model = skeletons.real(config)
    plan = architecture.read(name, model, model.config, config)
    rows = forward.watch(model, [3, 4, 5, 6, 7])
    found = {row.path.rsplit(".", 1)[-1]: row for row in rows if not row.path.endswith("dense")}
    checked = 0
    for stack in dataflow.flow(plan, 5):
        for step, _ in dataflow.steps_of(stack):
            if step.name in found and step.shape[:2] == (1, "n") and "Norm" not in found[step.name].kind:
                assert found[step.name].shape == tuple(5 if s == "n" else s for s in step.shape), step.name
                checked += 1
    assert checked >= 4 and any(row.layer for row in rows)


def test_mean_and_spread_are_those_of_the_numbers():
    model = skeletons.real(shrunk(TINYLLAMA))
    rows = forward.watch(model, [5, 6, 7])
    assert not any(module._forward_hooks for module in model.modules()), "hooks are left behind"
    hidden = model.model(torch.tensor([[5, 6, 7]]), output_hidden_states=True).hidden_states
    last = next(row for row in rows if row.path == "model.norm")
    assert last.mean == pytest.approx(hidden[-1].mean().item(), abs=1e-5)
    assert last.spread == pytest.approx(hidden[-1].std(correction=0).item(), rel=1e-4)
    held = forward.held(model)
    assert sum(row.parameters for row in held) == sum(p.numel() for p in model.parameters())
    assert {row.dtypes for row in held} == {("float32",)} and {row.devices for row in held} == {("cpu",)}
