"""The tree and its counts, for every preset: against published totals and against arithmetic alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from playground import text
from playground.models.loaders import presets, skeletons
from playground.rooms.architecture import example, experts, view, view_words
from playground.rooms.architecture import plan as architecture
from playground.rooms.architecture.fields import field
from playground.rooms.architecture.parts import parts
from playground.rooms.architecture.plan import Architecture, Node
from playground.rooms.architecture.tensors import from_tensors
from tests.app import ROOT
from tests.engine.vectors import closed_form
from tests.rooms.architecture.plans import plan_of

# Totals as the models' own pages and papers, or their safetensors headers, tell them.
TOTALS = {
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": 1_100_048_384, "microsoft/Phi-3-mini-4k-instruct": 3_821_079_552,
    "openai-community/gpt2": 124_439_808, "openai-community/gpt2-medium": 354_823_168,
    "openai-community/gpt2-large": 774_030_080, "openai-community/gpt2-xl": 1_557_611_200,
    "google-bert/bert-base-uncased": 109_482_240, "google-bert/bert-large-uncased": 335_141_888,
    "distilbert/distilbert-base-uncased": 66_362_880, "sentence-transformers/all-MiniLM-L6-v2": 22_713_216,
    "sentence-transformers/all-mpnet-base-v2": 109_486_464, "google-t5/t5-small": 60_506_624,
    "google/flan-t5-small": 76_961_152, "google/flan-t5-base": 247_577_856,
    "meta-llama/Llama-2-7b-hf": 6_738_415_616, "meta-llama/Llama-2-70b-hf": 68_976_648_192,
    "meta-llama/Llama-3.1-8B-Instruct": 8_030_261_248, "meta-llama/Llama-3.1-70B-Instruct": 70_553_706_496,
    "meta-llama/Llama-3.1-405B": 405_853_388_800, "meta-llama/Llama-3.2-1B": 1_235_814_400,
    "meta-llama/Llama-3.2-3B": 3_212_749_824, "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
    "mistralai/Mistral-7B-v0.1": 7_241_732_096, "mistralai/Mistral-7B-Instruct-v0.3": 7_248_023_552,
    "mistralai/Mixtral-8x7B-v0.1": 46_702_792_704, "mistralai/Mixtral-8x22B-v0.1": 140_620_634_112,
    "Qwen/Qwen1.5-0.5B-Chat": 463_987_712, "Qwen/Qwen2.5-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2.5-7B-Instruct": 7_615_616_512, "Qwen/Qwen3-0.6B": 596_049_920,
    "Qwen/Qwen3-30B-A3B": 30_532_122_624, "google/gemma-2b": 2_506_172_416,
    "google/gemma-2-2b-it": 2_614_341_888, "google/gemma-2-9b-it": 9_241_705_984,
    "google/gemma-2-27b-it": 27_227_128_320, "google/gemma-3-1b-it": 999_885_952,
    "google/gemma-3-270m-it": 268_098_176, "bigscience/bloom-560m": 559_214_592,
    "bigscience/bloom": 176_247_271_424, "EleutherAI/gpt-j-6b": 6_050_882_784,
    "EleutherAI/pythia-1.4b": 1_414_647_808, "EleutherAI/pythia-12b": 11_846_072_320,
    "bigcode/starcoder2-3b": 3_030_371_328, "bigcode/starcoder2-15b": 15_957_889_024,
    "allenai/OLMo-2-1124-7B": 7_298_617_344, "deepseek-ai/DeepSeek-V2-Lite": 15_706_484_224,
    "deepseek-ai/DeepSeek-V3": 671_026_404_352, "openai/gpt-oss-20b": 20_914_757_184,
    "openai/gpt-oss-120b": 116_829_156_672,
}  # fmt: skip
ACTIVE = {
    "mistralai/Mixtral-8x7B-v0.1": 12_879_925_248, "deepseek-ai/DeepSeek-V3": 37_552_282_624,
    "Qwen/Qwen3-30B-A3B": 3_353_032_704,
}  # fmt: skip


def row(plan: Architecture, path: str) -> Node:
    return next(node for _, node in plan.rows() if node.path == path)


def test_presets_are_many_and_say_where_they_are_from():
    assert len(presets.presets()) >= 25
    assert set(TOTALS) <= set(presets.presets())
    for preset in presets.presets().values():
        assert preset.name in preset.source and preset.label
        assert "model_type" in preset.config


@pytest.mark.parametrize("name", presets.presets())
def test_counts_are_exact(name):
    plan = plan_of(name)
    assert plan.parameters == TOTALS.get(name, plan.parameters)
    assert plan.active == ACTIVE.get(name, plan.active)
    assert closed_form.count(plan.config) == plan.parameters, "arithmetic says otherwise"
    for _, node in plan.rows():
        if node.children:
            assert sum(child.parameters for child in node.children) == node.parameters, node.path
            assert sum(child.active for child in node.children) == node.active, node.path
        assert node.repeat >= node.fold >= 1


@pytest.mark.parametrize("name", ["openai-community/gpt2", "google/flan-t5-small", "google/gemma-2b"])
def test_tied_weights_are_those_that_torch_counts_twice(name):
    plan = plan_of(name)
    model = skeletons.build(plan.config)
    twice = sum(p.numel() for _, p in model.named_parameters(remove_duplicate=False))
    assert plan.tied == twice - plan.parameters > 0
    assert 0 < plan.parameters == sum(p.numel() for p in model.parameters())


def test_gpt2_is_not_counted_with_its_head():
    # 163,037,184 is what counters say that take the tied head for a matrix of its own (torchinfo 1.8).
    plan = plan_of("openai-community/gpt2")
    assert plan.parameters + plan.tied == 163_037_184
    assert row(plan, "lm_head").tied_to == "transformer.wte" and row(plan, "lm_head").parameters == 0


def test_tinyllama_as_in_the_notes():
    plan = plan_of("TinyLlama/TinyLlama-1.1B-Chat-v1.0")
    layers = row(plan, "model.layers.0")
    assert (layers.name, layers.repeat, layers.fold, layers.kind) == ("0–21", 22, 22, "LlamaDecoderLayer")
    assert row(plan, "model.embed_tokens").weights == {"weight": (32000, 2048)}
    for which in ("k_proj", "v_proj"):
        node = row(plan, f"model.layers.0.self_attn.{which}")
        assert (node.facts["in"], node.facts["out"], node.repeat) == (2048, 256, 22)
    assert row(plan, "model.layers.0.mlp.gate_proj").weights["weight"] == (5632, 2048)
    assert plan.shape.heads == 32 and plan.shape.kv_heads == 4 and plan.shape.head_dim == 64
    assert plan.root.buffers == 64  # RoPE's frequencies and their originals: counted as no parameters


def test_phi3_as_in_the_notes():
    plan = plan_of("microsoft/Phi-3-mini-4k-instruct")
    assert row(plan, "model.layers.0").repeat == 32
    qkv, mlp = row(plan, "model.layers.0.self_attn.qkv_proj"), row(plan, "model.layers.0.mlp.down_proj")
    assert (qkv.facts["in"], qkv.facts["out"]) == (3072, 9216)
    assert row(plan, "model.layers.0.mlp.gate_up_proj").facts["out"] == 16384 == 2 * mlp.facts["in"]
    assert row(plan, "model.embed_tokens").facts == {"rows": 32064, "width": 3072, "padding_idx": 32000}
    told = view_words.words(qkv, "qkv", plan, "en")
    assert told == "Linear(3,072 → 9,216) = 3 × 3,072: Q, K and V in one projection."


def test_layers_of_two_kinds_are_two_rows():
    plan = plan_of("deepseek-ai/DeepSeek-V3")
    assert [row(plan, f"model.layers.{i}").name for i in (0, 3)] == ["0–2", "3–60"]
    experts = row(plan, "model.layers.3.mlp.experts")
    assert experts.active * 256 == experts.parameters * 8
    assert plan.shape.latent == 512 + 64
    assert row(plan, "model.layers.3.mlp.gate").buffers == 58 * 256  # the bias that balances, no parameter


def test_a_falcon_has_one_key_value_head_and_a_forty_has_eight():
    assert plan_of("tiiuae/falcon-7b").shape.kv_heads == 1
    assert plan_of("tiiuae/falcon-40b").shape.kv_heads == 8


def test_experts_that_are_modules_are_counted_as_active_too():
    """Older architectures keep a module for each expert; here, made by hand."""

    class Experts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.experts = torch.nn.ModuleList(torch.nn.Linear(8, 8, bias=False) for _ in range(4))

    class Block(torch.nn.Module):
        def __init__(self, **told):
            super().__init__()
            self.gate = torch.nn.Linear(8, 4, bias=False)
            self.mlp = Experts()
            vars(self).update(told)

    def active(**told):
        block = torch.nn.Sequential(Block(**told))
        shares = experts.mixture(block, "own")
        read = architecture._Reader(set(), shares.shares).node([block], "", "", 1)
        return shares.known, read.parameters, read.active

    assert active(top_k=2) == (True, 256 + 32, 128 + 32)
    assert active(num_experts_per_tok=1) == (True, 256 + 32, 64 + 32)
    assert active() == (False, 256 + 32, 256 + 32), "nothing tells, so it is not known"


@pytest.mark.parametrize("name", ["deepseek-ai/DeepSeek-V3", "google/flan-t5-small"])
def test_a_plan_comes_back_from_json(name):
    plan = plan_of(name)
    assert architecture.from_plain(json.loads(json.dumps(architecture.to_plain(plan)))) == plan


def test_what_is_shipped_is_what_is_computed(models):
    assert json.loads(json.dumps(example.computed(models))) == example._shipped()


def test_the_first_screen_needs_no_library():
    """The tree, the drawing, the bytes and what training takes, before torch is imported; plotly draws."""
    program = """
import sys
from playground.rooms.architecture import drawing, example, memory, view, view_gauge, view_memory, what_if
plan = example.plan()
names = memory.usual_targets(plan)
page = view.overview(plan, "en") + view.tree(plan, "en")
page += str(drawing.scene(plan, plan, 9, "en")) + view_gauge.gauge(plan, plan, 9, 1, 2**33, "en")
page += view_memory.precisions(plan, {}, "en")
page += view_memory.training(plan, 8, names, 9, 1, "en")
page += what_if.code(plan)
assert "1,100,048,384" in page and "2,200,097,024" in page
print([name for name in ("torch", "transformers", "gradio") if name in sys.modules])
"""
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", presets.presets())
def test_every_part_has_its_words(name):
    plan = plan_of(name)
    found = parts(plan)
    for _, node in plan.rows():
        key = found[node.path]
        assert key not in ("module", "linear"), f"{node.path} ({node.kind}) has no words"
        for lang in text.LANGUAGES:
            told = view_words.words(node, key, plan, lang)
            assert told and "{" not in told and "?" not in told, (node.path, told)


def test_every_field_has_its_words():
    known = frozenset(
        key.removeprefix("architecture_fields.")
        for key in text.catalogue("en")
        if key.startswith("architecture_fields.")
    )
    fields = {name for preset in presets.presets().values() for name in preset.config}
    assert [name for name in fields if field(name, known) == "unknown"] == []


def test_words_are_those_of_this_very_model():
    def said(name: str, path: str) -> str:
        plan = plan_of(name)
        return view_words.words(row(plan, path), parts(plan)[path], plan, "en")

    tiny = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
    assert "8 query heads share one key/value head: 32 to 4" in said(tiny, "model.layers.0.self_attn")
    assert "256 = 4 × 64" in said(tiny, "model.layers.0.self_attn.k_proj")
    assert "32,000 rows" in said(tiny, "model.embed_tokens")
    phi = "microsoft/Phi-3-mini-4k-instruct"
    assert "Row 32,000 is padding" in said(phi, "model.embed_tokens")
    assert "16,384) = 2 × 8,192" in said(phi, "model.layers.0.mlp.gate_up_proj")
    assert "Here 0.0" in said(phi, "model.layers.0.resid_mlp_dropout")
    assert "look back 2,047 tokens" in said(phi, "model.layers.0.self_attn")
    assert "Here 0.0" not in said("openai-community/gpt2", "transformer.drop")
    assert "13 of 26 layers look back 4,096" in said("google/gemma-2-2b-it", "model.layers.0.self_attn")
    assert "single key/value head" in said("google/gemma-2b", "model.layers.0.self_attn")
    assert "8 of 256" not in said(tiny, "model.layers.0.mlp")
    assert "One token uses 8 of 256" in said("deepseek-ai/DeepSeek-V3", "model.layers.3.mlp.experts")
    assert "Tied" in said("openai-community/gpt2", "lm_head")


def test_the_tree_shows_every_row_and_escapes_what_a_file_says():
    plan = plan_of("TinyLlama/TinyLlama-1.1B-Chat-v1.0")
    shown = view.tree(plan, "en")
    assert shown.count("data-k=") == sum(1 for _ in plan.rows()) and "22 ×" in shown
    evil = from_tensors("<img src=x>", {"<script>.weight": ("F32", (2, 3))}, {})
    for page in (view.tree(evil, "en"), view.overview(evil, "en")):
        assert "<img" not in page and "<script" not in page


def test_a_tree_from_headers_alone():
    tensors = {f"h.{i}.q": ("BF16", (4, 4)) for i in range(12)} | {
        "emb": ("BF16", (10, 4)),
        "h.3.x": ("F32", (2,)),
    }
    plan = from_tensors("own", tensors, {"model_type": "own"})
    assert plan.parameters == 12 * 16 + 40 + 2
    assert [(n.name, n.fold) for n in row(plan, "h").children] == [("0–2", 3), ("3", 1), ("4–11", 8)]
    for _, node in plan.rows():
        assert not node.children or sum(c.parameters for c in node.children) == node.parameters


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_counts_as_people_say_them(lang):
    said = view.rough(1_100_048_384, lang)
    assert said.startswith("1.1 " if lang == "en" else "11 ")
    assert view.rough(5, lang) == ""
